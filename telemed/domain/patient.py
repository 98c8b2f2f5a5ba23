"""Patients: resident identity numbers, members' own numbers, and a deterministic match between records."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

RESIDENT_ID = "resident-id"
"""Identifier system of the resident identity number (GB 11643-1999); any other system is a member's code."""

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_DIGITS = "10X98765432"


class Sex(StrEnum):
    """FHIR `administrative-gender`."""

    MALE = "male"
    FEMALE = "female"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Identifier:
    system: str
    value: str


@dataclass(frozen=True, slots=True)
class Patient:
    """A patient as one member knows them.

    Records of the same person share `master_id`, across members: by the rule of `compare`, or because the operator said so.
    Records that their own member says are one person share `local_master_id`: that binds nobody else's records. Empty: the
    record's own id.
    """

    id: str
    master_id: str
    member: str
    name: str
    sex: Sex
    birth_date: date | None
    identifiers: tuple[Identifier, ...] = ()
    phone: str = ""
    local_master_id: str = ""

    def identifier(self, system: str) -> str:
        return next((i.value for i in self.identifiers if i.system == system), "")


def resident_id_fault(number: str) -> str:
    """The rule of GB 11643-1999 that the number breaks (`length`, `digits`, `date`, `check-digit`), or empty.

    Check digit: ISO 7064 MOD 11-2 over the first 17 digits.
    """
    if len(number) != 18:
        return "length"
    if not re.fullmatch(r"[0-9]{17}[0-9X]", number):
        return "digits"
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return "date"
    total = sum(int(digit) * weight for digit, weight in zip(number, WEIGHTS, strict=False))
    return "" if CHECK_DIGITS[total % 11] == number[17] else "check-digit"


def resident_id_facts(number: str) -> tuple[date, Sex]:
    """Birth date and sex that a sound number carries (digits 7-14; digit 17 odd for men)."""
    born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    return born, Sex.MALE if int(number[16]) % 2 else Sex.FEMALE


OPEN_START, OPEN_END = 3, 2
"""Characters of an identifier that lists show at its ends (practice)."""

MAX_HIDDEN = 7
"""An identifier of at most so many characters is hidden whole: its two ends would be most of it."""


def masked(value: str) -> str:
    """Return an identifier as lists show it: its two ends, stars between; a short one as stars alone."""
    if len(value) <= MAX_HIDDEN:
        return "*" * len(value)
    return value[:OPEN_START] + "*" * (len(value) - OPEN_START - OPEN_END) + value[-OPEN_END:]


def masked_name(name: str) -> str:
    """A name for lists: the first character and stars (`张*`); Latin names keep the first letter of each word."""
    name = name.strip()
    if not name:
        return ""
    if name.isascii():
        return " ".join(word[0] + "*" for word in name.split())
    return name[0] + "*" * (len(name) - 1) if len(name) > 1 else "*"


def normal_name(name: str) -> str:
    """The name as it is compared: compatibility forms folded, case and spaces dropped."""
    return re.sub(r"[\s·•^]+", "", unicodedata.normalize("NFKC", name)).casefold()


class Match(StrEnum):
    """`same`: one person by rule. `possible`: a person should look. `different`: nothing speaks for it."""

    SAME = "same"
    POSSIBLE = "possible"
    DIFFERENT = "different"


def compare(a: Patient, b: Patient) -> tuple[Match, str]:
    """Are two records one person? Returns the verdict and the rule behind it.

    Same resident number and no contradiction in the birth date: same. Same resident number but another name, or the same
    name, sex and birth date without a common number: possible. Two different resident numbers: different.
    """
    ours, theirs = a.identifier(RESIDENT_ID), b.identifier(RESIDENT_ID)
    alike = normal_name(a.name) == normal_name(b.name)
    if ours and theirs:
        if ours != theirs:
            return Match.DIFFERENT, "resident-ids-differ"
        if not alike:
            return Match.POSSIBLE, "resident-id-name-differs"
        contradicts = a.birth_date and b.birth_date and a.birth_date != b.birth_date
        return (Match.POSSIBLE, "resident-id-birth-date-differs") if contradicts else (Match.SAME, "resident-id")
    if alike and a.birth_date and a.birth_date == b.birth_date and a.sex == b.sex:
        return Match.POSSIBLE, "name-sex-birth-date"
    return Match.DIFFERENT, ""

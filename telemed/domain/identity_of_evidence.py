"""Whose evidence a file says it is, compared with the patient of the case: the same person, or not to be told apart, or another.

A difference is a question for a person, never an answer: the file stays with the case, and nobody signs before it is settled.
What is silent contradicts nothing. Names differ in spelling far more often than in person, so a name is compared by what can
be compared: characters with characters, letters with letters, and letters with the readings of characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from enum import StrEnum

from telemed.domain.patient import RESIDENT_ID, Patient, Sex, resident_id_facts, resident_id_fault

Readings = Callable[[str], Sequence[Collection[str]]]
"""For each character of a Chinese text the syllables that it may be read as: pinyin without tones, `v` for ü."""


class Difference(StrEnum):
    """What may differ, in the order in which people look at it."""

    NAME = "name"
    SEX = "sex"
    BIRTH_DATE = "birth_date"
    IDENTIFIERS = "identifiers"


@dataclass(frozen=True, slots=True)
class StatedIdentity:
    """The patient as a file states them; what it does not state is empty.

    `name` may be a DICOM person name (component groups apart by `=`, components by `^`). `birth_date` is as it was written: a day
    (19610305, 1961-03-05), or no more than a year or a month. `age_years` counts where there is no birth date, for the day `recorded_on`
    (YYYY-MM-DD).
    """

    name: str = ""
    sex: str = ""
    birth_date: str = ""
    number: str = ""
    age_years: float | None = None
    recorded_on: str = ""

    @property
    def person(self) -> tuple[str, str, str, str]:
        """What one file of a person has in common with the next."""
        return self.name, self.sex, self.birth_date, self.number

    @property
    def silent(self) -> bool:
        """True if nothing is stated by which a person can be told."""
        return not (name_texts(self.name) or self.number.strip() or sex_of(self.sex) or date_digits(self.birth_date) or self.age_years)


@dataclass(slots=True)
class IdentityFinding:
    """One identity that a piece of evidence states: what differed when it was found, and how that was settled.

    A finding that differs and is not settled forbids signatures. `number` counts the identities of one piece of evidence.
    """

    evidence_id: str
    number: int
    stated: StatedIdentity
    differs: tuple[Difference, ...]
    found_at: datetime
    settled_by: str | None = None
    settled_at: datetime | None = None
    reason: str = ""

    @property
    def open(self) -> bool:
        return bool(self.differs) and self.settled_at is None

    def as_json(self) -> dict[str, object]:
        """The stated identity for the table's sealed column."""
        return asdict(self.stated)


@dataclass(frozen=True, slots=True)
class KnownPatient:
    """The patient of a case as they may be written: all names that they are and were known by, and their numbers in any system.

    `foreign` are numbers that the institution is known to have given to somebody else.
    """

    names: Sequence[str]
    sex: Sex
    birth_date: date | None
    resident_id: str = ""
    numbers: frozenset[str] = frozenset()
    foreign: frozenset[str] = field(default_factory=frozenset)


SILENT_NAMES = frozenset({"unknown", "anonymous", "anonymized", "noname", "none", "na", "未知", "无名", "匿名"})
"""What devices write where nobody entered a name (practice); as good as nothing."""

AGE_TOLERANCE_YEARS = 1.0
"""Carts count years running or completed, and ask once: an age may be one off (practice)."""

_HANZI = re.compile(r"[\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_SEPARATORS = re.compile(r"[\W_]+")
_NAME_PARTS = 3
"""Of the components of a person name, those that name: family, given, middle. Prefix and suffix are titles (PS3.5 6.2.1.1)."""


def name_texts(name: str) -> list[list[str]]:
    """The words of each component group that says something, folded: no case, no width, no tones, no punctuation."""
    groups = []
    for group in unicodedata.normalize("NFKC", name).split("="):
        words = [word for part in group.split("^")[:_NAME_PARTS] for word in _words(part)]
        if words and "".join(words) not in SILENT_NAMES:
            groups.append(words)
    return groups


def _words(text: str) -> list[str]:
    """The words of a text; ü and the v that is typed for it are read as u."""
    folded = unicodedata.normalize("NFD", text.casefold().replace("u:", "u"))
    plain = "".join(letter for letter in folded if not unicodedata.combining(letter))
    plain = re.sub(r"['’`]", "", unicodedata.normalize("NFC", plain))
    return [word.replace("v", "u") if word.isascii() else word for word in _SEPARATORS.split(plain) if word]


def _turns(words: Sequence[str]) -> set[str]:
    """The words as one text, beginning with each of them in turn: the surname may come first or last.

    After l and n, passports write ü as yu (GB/T 28039-2011, LYU): both are u here.
    """
    return {re.sub(r"(?<=[ln])yu", "u", "".join([*words[at:], *words[:at]])) for at in range(len(words))}


def same_name(ours: str, theirs: str, readings: Readings) -> bool:
    """True if the two may be one name. A name that says nothing may be any.

    Where both sides have Chinese characters, these decide, whatever letters stand beside them: other romanisations (Wong, Ong) are
    the same characters, and the same letters may be other characters. Any group that is alike is enough only while none of the
    characters contradict.
    """
    groups, others = name_texts(ours), name_texts(theirs)
    if not groups or not others:
        return True
    written, wanted = _in_characters(groups), _in_characters(others)
    if written and wanted:
        ours_alike = (any(_turns(a) & _turns(b) for b in wanted) for a in written)
        return all(ours_alike) and all(any(_turns(a) & _turns(b) for a in written) for b in wanted)
    return any(_alike(a, b, readings) for a in groups for b in others)


def _in_characters(groups: Iterable[Sequence[str]]) -> list[Sequence[str]]:
    return [words for words in groups if _HANZI.search("".join(words))]


def _alike(words: Sequence[str], others: Sequence[str], readings: Readings) -> bool:
    if _turns(words) & _turns(others):
        return True
    if _HANZI.search("".join(others)):
        words, others = others, words
    if not _HANZI.search("".join(words)):
        return False
    spelt = {"".join([*others[at:], *others[:at]]) for at in range(len(others))}
    syllables = [{each.replace("v", vowel) for each in options for vowel in ("u", "yu")} for options in readings("".join(words))]
    return any(_spells(text, [*syllables[at:], *syllables[:at]]) for text in spelt for at in range(len(syllables)))


def _spells(text: str, syllables: Sequence[Collection[str]]) -> bool:
    """True if the text is one syllable of each character after the other."""
    ends = {0}
    for options in syllables:
        ends = {end + len(each) for end in ends for each in options if each and text.startswith(each, end)}
    return len(text) in ends


_SEXES = {"m": Sex.MALE, "male": Sex.MALE, "男": Sex.MALE, "f": Sex.FEMALE, "female": Sex.FEMALE, "女": Sex.FEMALE}


def sex_of(text: str) -> Sex | None:
    """Male or female; None for everything else, which contradicts nothing."""
    return _SEXES.get(text.strip().casefold())


_DAY = re.compile(r"(\d{4})(?:[-./ ]?(\d\d)(?:[-./ ]?(\d\d).*)?)?$", re.ASCII | re.DOTALL)


def date_digits(text: str) -> str:
    """The date as YYYY, YYYYMM or YYYYMMDD, as much as was written; empty for what is no date."""
    written = _DAY.match(text.strip())
    digits = "".join(part for part in written.groups("") if part != "00") if written else ""
    if not digits:
        return ""
    try:
        date(int(digits[:4]), int(digits[4:6] or "1"), int(digits[6:8] or "1"))
    except ValueError:
        return ""
    return digits


def folded_number(text: str) -> str:
    """The number as it is compared: no width, no case, no spaces and hyphens."""
    return re.sub(r"[\s\-_./]+", "", unicodedata.normalize("NFKC", text)).casefold()


def differences(stated: StatedIdentity, known: KnownPatient, on: date, readings: Readings) -> tuple[Difference, ...]:
    """What the file states otherwise than the case has it. `on` is the day for which an age was stated."""
    found = {
        Difference.NAME: not any(same_name(stated.name, name, readings) for name in known.names),
        Difference.SEX: _other(sex_of(stated.sex), sex_of(known.sex)),
        Difference.BIRTH_DATE: _born_otherwise(stated, known.birth_date, on),
        Difference.IDENTIFIERS: _number_differs(stated.number, known),
    }
    return tuple(each for each, differs in found.items() if differs)


def _other(a: Sex | None, b: Sex | None) -> bool:
    return a is not None and b is not None and a is not b


def _born_otherwise(stated: StatedIdentity, born: date | None, on: date) -> bool:
    """A date is compared as far as both say it; an age within its tolerance."""
    if born is None:
        return False
    if digits := date_digits(stated.birth_date):
        return not f"{born:%Y%m%d}".startswith(digits)
    if stated.age_years is None:
        return False
    completed = on.year - born.year - ((on.month, on.day) < (born.month, born.day))
    return abs(int(stated.age_years) - completed) > AGE_TOLERANCE_YEARS


def _number_differs(text: str, known: KnownPatient) -> bool:
    """A number is the patient's, or nobody's that we know: then it says nothing, since archives, carts and cards number patients each
    for themselves and a case knows one of these. It differs where it is known to be somebody else's, or where it is a resident number
    (which names one person in the whole country) that is not theirs or speaks of another birth date or sex."""
    number = folded_number(text)
    if not number or number in {folded_number(own) for own in (*known.numbers, known.resident_id)}:
        return False
    if number in {folded_number(other) for other in known.foreign}:
        return True
    if resident_id_fault(number.upper()):
        return False
    if known.resident_id:
        return True
    born, sex = resident_id_facts(number.upper())
    return (known.birth_date is not None and known.birth_date != born) or _other(sex, sex_of(known.sex))


def differences_between(a: StatedIdentity, b: StatedIdentity, readings: Readings, *, one_study: bool) -> tuple[Difference, ...]:
    """What two files of one case state otherwise than each other: two patients are told apart where the case itself is silent.

    Numbers of two studies may be of two systems; within one study they are of one.
    """
    days = date_digits(a.birth_date), date_digits(b.birth_date)
    numbers = folded_number(a.number), folded_number(b.number)
    residents = [number for number in numbers if number and not resident_id_fault(number.upper())]
    found = {
        Difference.NAME: not same_name(a.name, b.name, readings),
        Difference.SEX: _other(sex_of(a.sex), sex_of(b.sex)),
        Difference.BIRTH_DATE: all(days) and not (days[0].startswith(days[1]) or days[1].startswith(days[0])),
        Difference.IDENTIFIERS: all(numbers) and numbers[0] != numbers[1] and (one_study or len(residents) == 2),
    }
    return tuple(each for each, differs in found.items() if differs)


@dataclass(frozen=True, slots=True)
class Judged:
    """One identity that a piece of evidence states, and what differs from the case's patient or from other files of the case."""

    evidence_id: str
    stated: StatedIdentity
    differs: tuple[Difference, ...]


def judge(stated: Sequence[tuple[str, StatedIdentity]], known: KnownPatient, day: date, readings: Readings) -> list[Judged]:
    """Compare each with the patient, and with the files before it that agree with the patient: where the case is silent, two files of
    two people are told apart by each other. `stated` are pairs of evidence and identity in the order in which they came; `day` counts
    where a file names none."""
    judged: list[Judged] = []
    agreeing: list[tuple[str, StatedIdentity]] = []
    for evidence_id, identity in stated:
        on = date.fromisoformat(identity.recorded_on) if identity.recorded_on else day
        found = set(differences(identity, known, on, readings))
        for other_id, other in agreeing:
            between = differences_between(identity, other, readings, one_study=other_id == evidence_id)
            found.update(each for each in between if not _decided(each, identity, other, known))
        if not found:
            agreeing.append((evidence_id, identity))
        judged.append(Judged(evidence_id, identity, tuple(each for each in Difference if each in found)))
    return judged


def _decided(difference: Difference, a: StatedIdentity, b: StatedIdentity, known: KnownPatient) -> bool:
    """True if the case says enough that two files which agree with it need not agree with each other: it has the name in characters,
    or several names of the patient, or both numbers."""
    if difference is Difference.NAME:
        return len(known.names) > 1 or bool(_in_characters(name_texts(known.names[0])))
    if difference is Difference.IDENTIFIERS:
        own = {folded_number(number) for number in (*known.numbers, known.resident_id)}
        return {folded_number(a.number), folded_number(b.number)} <= own
    return False


def known_patient(patient: Patient, other_names: Iterable[str] = (), foreign: Iterable[str] = ()) -> KnownPatient:
    """The patient of a record, with the names that it had before and the numbers that are known to be others'."""
    numbers = frozenset(each.value for each in patient.identifiers)
    names = tuple(dict.fromkeys((patient.name, *other_names)))
    return KnownPatient(names, patient.sex, patient.birth_date, patient.identifier(RESIDENT_ID), numbers, frozenset(foreign))

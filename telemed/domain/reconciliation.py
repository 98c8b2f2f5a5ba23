"""Decisions of people about data that do not fit by themselves. Nothing is lost: what held before stands beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from telemed.domain.errors import FieldError
from telemed.domain.patient import Sex


class Step(StrEnum):
    """`link`, `unlink`: a study and a case; `correct`, `restore`: attributes of a study; the others: records of patients.

    `change`: a member wrote a known patient's card otherwise than it was; no decision, but what stood there is kept.
    """

    LINK = "link"
    UNLINK = "unlink"
    CORRECT = "correct"
    RESTORE = "restore"
    MERGE = "merge"
    SPLIT = "split"
    DIFFERENT = "different"
    CHANGE = "change"


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One step, by whom and why. `before` and `after` hold what the step changed, by name.

    `member` owns the study, or the first record. `patient_id` and `other_id` are records, `case_id` a case; empty where the
    step has none.
    """

    step: Step
    at: datetime
    actor: str
    member: str
    reason: str
    study_instance_uid: str = ""
    case_id: str = ""
    patient_id: str = ""
    other_id: str = ""
    before: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)


DICOM_SEX = {Sex.MALE: "M", Sex.FEMALE: "F", Sex.OTHER: "O", Sex.UNKNOWN: ""}
"""Patient's Sex (0010,0040)."""

LONGEST = {"PatientName": 64, "PatientID": 64, "AccessionNumber": 16}
"""Characters (PS3.5 table 6.2-1: a component group of a PN; LO; SH)."""

FIELDS = {
    "PatientName": "patient_name",
    "PatientID": "patient_number",
    "PatientBirthDate": "patient_birth_date",
    "PatientSex": "patient_sex",
    "AccessionNumber": "accession_number",
}
"""DICOM keywords of what may be corrected, and the names of the fields that ask for it."""


@dataclass(frozen=True, slots=True)
class StudyAttributes:
    """Attributes of a study as a person says they should be; None leaves an attribute as it is."""

    patient_name: str | None = None
    patient_number: str | None = None
    patient_birth_date: date | None = None
    patient_sex: Sex | None = None
    accession_number: str | None = None

    def by_keyword(self) -> dict[str, str]:
        """The values as DICOM writes them, by keyword."""
        said = {
            "PatientName": self.patient_name,
            "PatientID": self.patient_number,
            "PatientBirthDate": None if self.patient_birth_date is None else f"{self.patient_birth_date:%Y%m%d}",
            "PatientSex": None if self.patient_sex is None else DICOM_SEX[self.patient_sex],
            "AccessionNumber": self.accession_number,
        }
        return {keyword: value.strip() for keyword, value in said.items() if value is not None}


def attribute_errors(values: Mapping[str, str]) -> list[FieldError]:
    """Return what DICOM does not allow in these values: control characters, a backslash, too many characters."""
    errors = []
    for keyword, value in values.items():
        if any(ord(letter) < 32 or letter in "\\\x7f" for letter in value):
            errors.append(FieldError(FIELDS[keyword], "control-character"))
        elif max(map(len, value.split("=") if keyword == "PatientName" else [value])) > LONGEST.get(keyword, 16):
            errors.append(FieldError(FIELDS[keyword], "too-long", str(LONGEST[keyword])))
    return errors

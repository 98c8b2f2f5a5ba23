"""DICOM studies and procedure steps as the index knows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from telemed.domain.evidence import NamedPatient
from telemed.domain.identity_of_evidence import StatedIdentity


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """A study as the index knows it, while it looks for its case."""

    owner: str
    study_instance_uid: str
    accession_number: str
    patient_number: str
    patient_name: str
    patient_sex: str
    patient_birth_date: date | None
    study_date: str
    modality: str
    description: str
    instances: int
    received_at: datetime
    originals: Mapping[str, str] = field(default_factory=dict)
    """What was corrected by hand, by DICOM keyword, as it was received."""


@dataclass(frozen=True, slots=True)
class StepFacts:
    """A performed procedure step as its modality reports it. `status` as in DICOM: IN PROGRESS, COMPLETED, DISCONTINUED."""

    owner: str
    sop_instance_uid: str
    station: str
    status: str
    modality: str
    accession_number: str
    study_instance_uid: str


@dataclass(frozen=True, slots=True)
class HeldInstances:
    """A case's share of a study: how many instances were received for it, and how many it has where the study as such is evidence."""

    received: int
    all_of_it: int


class Studies(Protocol):
    async def step(self, owner: str, sop_instance_uid: str) -> StepFacts | None:
        """The performed procedure step of this institution, as it stands."""
        ...

    async def step_is_told(self, case_id: str, action: str, sop_instance_uid: str) -> bool:
        """The case's history has this line for this step."""
        ...

    async def facts(self, owner: str, study_instance_uid: str) -> StudyFacts | None: ...
    async def patient(self, owner: str, study_instance_uid: str) -> NamedPatient | None:
        """Whose study it is, as it was received; None where there is no such study."""
        ...

    async def held(self, case_id: str, owner: str, study_instance_uid: str) -> HeldInstances:
        """The case's share of the study; that of no case (empty) is what belongs to the study alone."""
        ...

    async def release(self, case_id: str, owner: str, study_instance_uid: str) -> None:
        """What of the study came for this case belongs to the study, as if a device had sent it."""
        ...

    async def stated_identities(self, owner: str, study_instance_uid: str) -> list[StatedIdentity]:
        """Return the patients that the study's instances state, each once; what was corrected by hand stands as corrected."""
        ...

    async def note_unmatched(self, study: StudyFacts) -> None: ...
    async def clear_unmatched(self, owner: str, study_instance_uid: str) -> None:
        """The study has its case."""
        ...

    async def attributes(self, owner: str, study_instance_uid: str) -> Mapping[str, str] | None:
        """Return what may be corrected, as it holds now, by DICOM keyword; None where there is no such study."""
        ...

    async def correct(self, owner: str, study_instance_uid: str, values: Mapping[str, str], at: datetime) -> None:
        """Let these values hold, by DICOM keyword. What was received is kept."""
        ...

    async def restore(self, owner: str, study_instance_uid: str) -> Mapping[str, str]:
        """Let hold again what was received; return what held in its place, nothing where nothing was corrected."""
        ...

    async def find_by_number(self, number: str, limit: int) -> list[StudyFacts]:
        """Studies with this patient number or accession number, newest first."""
        ...

    async def unmatched(self, owner: str | None, limit: int) -> list[StudyFacts]:
        """Studies without a case, newest first, of one owner or of all."""
        ...

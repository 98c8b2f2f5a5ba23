"""Cases of one transaction."""

from __future__ import annotations

from datetime import date, datetime
from typing import Protocol

from telemed.domain.case import Case


class Cases(Protocol):
    async def add(self, case: Case) -> None:
        """Raises Invalid where the member has a case with this accession number."""
        ...

    async def get(self, case_id: str) -> Case | None:
        """The case, locked for the rest of a writing transaction."""
        ...

    async def save(self, case: Case) -> None: ...
    async def next_accession(self, letter: str, day: date) -> str:
        """A fresh accession number (at most 16 characters, DICOM VR SH)."""
        ...

    async def with_accession(self, member: str, number: str) -> list[Case]: ...
    async def with_study(self, member: str, study_instance_uid: str) -> list[Case]:
        """The member's cases that have the study as such as evidence, not cancelled, newest first."""
        ...

    async def of_patient(self, member: str, patient_number: str, since: datetime) -> list[Case]:
        """Cases of the member's patient with this number, made since, not cancelled, newest first."""
        ...

    async def count_with_patient(self, patient_id: str) -> int:
        """Return how many cases show this patient record."""
        ...

    async def newest_of_record(self, patient_id: str) -> Case | None:
        """Return the newest case that shows this patient record."""
        ...

    async def made_between(self, member: str, first: datetime, last: datetime, limit: int) -> list[Case]:
        """The member's cases made in this time, not cancelled, newest first."""
        ...

    async def open_access(self, case_id: str, institution: str) -> None:
        """The institution keeps seeing the case although it is no longer the hub in charge."""
        ...

    async def has_access(self, case_id: str, institution: str) -> bool: ...
    async def held_by(self, username: str) -> int:
        """Return how many cases the reader holds now; in a writing transaction nobody else counts this reader's until its end."""
        ...

    async def holds_one_of_the_patient(self, username: str, case: Case) -> bool:
        """True if the reader holds a case of the same person now."""
        ...

    async def past_accept(self, now: datetime, limit: int) -> list[str]: ...
    async def claimed_before(self, centre: str, moment: datetime, limit: int) -> list[str]:
        """Accepted cases of a centre, not parked, untouched since `moment`."""
        ...

    async def in_hand(self, username: str) -> list[str]:
        """Return the ids of cases that the person has claimed and that are not done, and of released ones with a version of theirs
        that nobody has signed or reviewed yet; in order."""
        ...

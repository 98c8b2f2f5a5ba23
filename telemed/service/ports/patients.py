"""Patient records and their index."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from telemed.domain.patient import Identifier, Patient


class Patients(Protocol):
    async def add(self, patient: Patient) -> None: ...
    async def save(self, patient: Patient) -> None: ...
    async def get(self, patient_id: str) -> Patient | None: ...
    async def known_to(self, member: str, identifiers: Sequence[Identifier]) -> list[Patient]:
        """Records of this member that carry one of the identifiers. In a writing transaction nobody else adds to the index
        until its end: the same patient from two at once is one record."""
        ...

    async def find_duplicates(self, patient: Patient) -> list[Patient]:
        """Records anywhere with the same resident number, or the same name, sex and birth date."""
        ...

    async def suggest(self, first: str, second: str, rule: str) -> None:
        """Note two records for a person to look at; noting them again changes nothing."""
        ...

    async def in_doubt(self, first: str, second: str) -> bool:
        """True if it waits to be decided whether the two are one person."""
        ...

    async def resolve_candidate(self, first: str, second: str, at: datetime) -> bool:
        """The two are not asked about again. False where nobody asked."""
        ...

    async def under_master(self, master_id: str) -> list[Patient]:
        """The records of one person, of all members."""
        ...

    async def merge(self, kept_master: str, joined_master: str) -> int:
        """All records of one master under the other, those of every member; returns how many moved."""
        ...

    async def merge_own(self, member: str, kept_master: str, joined_master: str) -> int:
        """This member's records of one local master under the other; nobody else's. Returns how many moved."""
        ...

    async def split(self, patient_id: str) -> None:
        """Take one record out of its groups again; the others stay together."""
        ...

    async def with_number(self, value: str) -> list[str]:
        """Ids of the records that carry this number in any system, at most 200."""
        ...

    async def of_person(self, master_id: str, member: str) -> list[Patient]:
        """The member's records of one person: those that share this master."""
        ...

    async def get_many(self, ids: Sequence[str]) -> list[Patient]:
        """The records with these ids, at most 200."""
        ...

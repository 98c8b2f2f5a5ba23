"""ECG recordings."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from telemed.centres.ecg.domain import Edit, Tracing


class Tracings(Protocol):
    async def add(self, tracing: Tracing) -> bool:
        """False where this recording of this evidence is there already."""
        ...

    async def get(self, tracing_id: str) -> Tracing | None:
        """The tracing, locked for the rest of a writing transaction."""
        ...

    async def of_cases(self, case_ids: list[str]) -> list[Tracing]:
        """Recordings of these cases by the time they were made, those without a time last."""
        ...

    async def sources(self, evidence_id: str) -> set[str]:
        """Sources of this evidence that have been read."""
        ...

    async def edits(self, tracing_id: str) -> list[Edit]:
        """All edits in order, those taken back too."""
        ...

    async def add_edit(self, edit: Edit) -> None: ...
    async def take_back(self, tracing_id: str, number: int, by: str, at: datetime) -> None: ...
    async def arrived(self, member: str, sha256: str) -> tuple[str, str] | None:
        """Case and evidence that a cart's file became."""
        ...

    async def note_arrival(self, member: str, sha256: str, case_id: str, evidence_id: str, at: datetime) -> None: ...

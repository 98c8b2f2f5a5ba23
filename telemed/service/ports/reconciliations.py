"""Decisions of people about studies and patient records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from telemed.domain.reconciliation import Reconciliation


class Reconciliations(Protocol):
    async def note(self, entry: Reconciliation) -> None: ...
    async def excluded_cases(self, owner: str, study_instance_uid: str) -> frozenset[str]:
        """Cases that a person took this study away from, and nobody linked it to again."""
        ...

    async def newest(self, limit: int) -> list[Reconciliation]:
        """Return what people decided, newest first; changes of cards are none."""
        ...

    async def changes(self, patient_ids: Sequence[str]) -> list[Reconciliation]:
        """Return how these records were written before, newest first, at most 200."""
        ...

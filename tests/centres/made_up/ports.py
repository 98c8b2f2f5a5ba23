"""What the centre asks of the world."""

from __future__ import annotations

from typing import Protocol

from tests.centres.made_up.domain import Audiogram


class Audiograms(Protocol):
    """Audiograms of one transaction."""

    async def add(self, audiogram: Audiogram) -> bool:
        """False if the evidence has been read already."""
        ...

    async def of_case(self, case_id: str) -> list[Audiogram]: ...

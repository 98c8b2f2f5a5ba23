"""The region as kept, to be read and written as a whole."""

from __future__ import annotations

from typing import Protocol

from telemed.domain.region import RegionContent


class RegionRecords(Protocol):
    async def content(self) -> RegionContent:
        """The region in order. In a writing transaction nobody else changes it until the end."""
        ...

    async def save(self, before: RegionContent, after: RegionContent) -> None:
        """Write what differs. Both are in order; of what is kept, `after` leaves nothing out."""
        ...

"""Filters of the worklist that a person keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SavedView:
    """A worklist's filters under a name, as the query part of its address."""

    name: str
    query: str


class SavedViews(Protocol):
    async def save(self, username: str, view: SavedView) -> None:
        """Keep the view; one of the same name is replaced."""
        ...

    async def remove(self, username: str, name: str) -> bool:
        """True where there was one."""
        ...

    async def of(self, username: str) -> list[SavedView]:
        """The person's views by name."""
        ...

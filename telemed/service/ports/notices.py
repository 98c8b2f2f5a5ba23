"""Marks of notices that were seen."""

from __future__ import annotations

from typing import Protocol


class NoticeMarks(Protocol):
    async def mark(self, username: str, event_id: int) -> None:
        """The person has seen the notices up to this line of history; never goes back."""
        ...

"""Versions of reports."""

from __future__ import annotations

from typing import Protocol

from telemed.domain.report import Report


class Reports(Protocol):
    async def add(self, report: Report) -> None: ...
    async def save(self, report: Report) -> None: ...
    async def versions(self, case_id: str) -> list[Report]:
        """All versions, oldest first."""
        ...

"""Kept messages read once more, for a replay."""

from __future__ import annotations

import asyncio
from difflib import SequenceMatcher
from typing import Final

from lab import catalogue, units
from telemed.adapters.application import SqlApplication
from telemed.centres.lab.adapters.hl7_reading import read_again
from telemed.centres.lab.domain import LabMessage, OpenMapping, Result, ResultCode

MAX_SUGGESTIONS: Final = 5
LIKE: Final = 0.5
"""Likeness of names (0 to 1) from which a test is suggested; a unit of the same kind adds to it (practice)."""


class StoredMessageReader:
    """Implements `telemed.centres.lab.ports.MessageReader`."""

    def __init__(self, application: SqlApplication) -> None:
        self._application = application

    async def content(self, message: LabMessage) -> bytes:
        if not message.key:
            return message.raw
        return b"".join([piece async for piece in self._application.store.stream(message.key)])

    async def read(self, message: LabMessage, character_set: str) -> tuple[str, tuple[Result, ...]]:
        zone = self._application.region.network.zone
        raw, at = await self.content(message), message.received_at.astimezone(zone)
        fault, results = await asyncio.to_thread(read_again, raw, at, zone, character_set or None)
        return (fault.text if fault else ""), results

    def item(self, code: str) -> ResultCode | None:
        found = catalogue.find(code)
        return ResultCode(found.wst886, found.loinc) if found is not None else None

    def suggestions(self, mapping: OpenMapping) -> list[tuple[str, str]]:
        unit = units.read(mapping.unit) if mapping.unit else None
        rated = []
        for item in catalogue.items():
            names = (item.name_zh, item.abbreviation)
            like = max(SequenceMatcher(None, mapping.name.casefold(), name.casefold()).ratio() for name in names)
            if unit is not None and units.comparable(unit.ucum, item.ucum):
                like += 0.2
            if like >= LIKE:
                rated.append((like, item.wst886, item.name_zh))
        return [(code, name) for _, code, name in sorted(rated, reverse=True)[:MAX_SUGGESTIONS]]

"""Kept messages read once more, for a replay."""

from __future__ import annotations

import asyncio
from difflib import SequenceMatcher
from typing import Final

from lab import catalogue, units
from lab.instruments import profile
from telemed.adapters.application import SqlApplication
from telemed.centres.lab.adapters.hl7_reading import read_again
from telemed.centres.lab.adapters.judging import CriticalRules
from telemed.centres.lab.adapters.other_formats import ASTM, read_transmission
from telemed.centres.lab.domain import LabMessage, OpenMapping, Result, ResultCode

MAX_SUGGESTIONS: Final = 5
LIKE: Final = 0.5
"""Likeness of names (0 to 1) from which a test is suggested; a unit of the same kind adds to it (practice)."""


NEVER_SAID: Final = ("测定", "检测", "计数", "离子", "血清", "血浆", "血", "尿")
"""Words of a test's name that do not tell it from others."""

WHOLE: Final = 0.9
"""Likeness where the one name is the other but for such words."""


def _likeness(one: str, other: str) -> float:
    """Return how like two names are, from 0 to 1."""
    one, other = one.casefold().strip(), other.casefold().strip()
    if not one or not other:
        return 0.0
    cores = [_core(one), _core(other)]
    if cores[0] and cores[0] == cores[1]:
        return WHOLE
    return SequenceMatcher(None, one, other).ratio()


def _core(name: str) -> str:
    for word in NEVER_SAID:
        name = name.replace(word, "")
    return name


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
        rules = CriticalRules.of(self._application.region.settings)
        if message.type == ASTM:
            instrument = profile().in_character_set(character_set) if character_set else None
            again = await asyncio.to_thread(read_transmission, raw, message.sender, at, zone, rules, instrument)
            return (again.fault.text if again.fault else ""), again.results
        fault, results = await asyncio.to_thread(read_again, raw, at, zone, character_set or None, rules=rules)
        return (fault.text if fault else ""), results

    def item(self, code: str) -> ResultCode | None:
        found = catalogue.find(code)
        return ResultCode(found.wst886, found.loinc) if found is not None else None

    def suggestions(self, mapping: OpenMapping) -> list[tuple[str, str]]:
        unit = units.read(mapping.unit) if mapping.unit else None
        rated = []
        for item in catalogue.items():
            like = max(_likeness(said, name) for said in (mapping.name, mapping.code) for name in (item.name_zh, item.abbreviation))
            if unit is not None and units.comparable(unit.ucum, item.ucum):
                like += 0.2
            if like >= LIKE:
                rated.append((like, item.wst886, item.name_zh))
        return [(code, name) for _, code, name in sorted(rated, reverse=True)[:MAX_SUGGESTIONS]]

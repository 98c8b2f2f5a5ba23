"""Loggers' files, bands and tests of the catalogue, read by the laboratory's library."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import tzinfo

from lab import catalogue, temperature
from lab.errors import LabError
from telemed.centres.lab.specimens.containers import ItemCodes
from telemed.centres.lab.specimens.domain import NO_READINGS, Alarm, Assessment, Reading, Silence
from telemed.centres.lab.specimens.ports import ReadLog


class LibraryLogReader:
    """Implements `telemed.centres.lab.specimens.ports.LogReader`."""

    def band(self, text: str) -> tuple[float, float] | None:
        try:
            low, high = temperature.required_band(text)
        except LabError:
            return None
        return (low, high) if temperature.MIN_CELSIUS <= low < high <= temperature.MAX_CELSIUS else None

    async def read(self, content: bytes, zone: tzinfo) -> ReadLog | str:
        try:
            log = await asyncio.to_thread(temperature.read, content, zone)
        except LabError as error:
            return str(error)
        return ReadLog(tuple(Reading(*each) for each in log.readings), tuple(log.unread), tuple(log.notes))

    async def assess(self, readings: Mapping[str, Sequence[Reading]], low: float, high: float) -> Assessment:
        if not any(readings.values()):
            return NO_READINGS
        return await asyncio.to_thread(_assess, readings, low, high)

    def items(self, codes: Sequence[str]) -> list[ItemCodes | None]:
        found = [catalogue.find(code) for code in codes]
        return [ItemCodes(item.wst886, item.loinc) if item is not None else None for item in found]


def _assess(readings: Mapping[str, Sequence[Reading]], low: float, high: float) -> Assessment:
    alarms: list[Alarm] = []
    gaps: list[Silence] = []
    every: list[temperature.Reading] = []
    for source, found in readings.items():
        own = [temperature.Reading(*each) for each in found]
        alarms += [Alarm(source, *excursion) for excursion in temperature.excursions(own, low, high)]
        gaps += [Silence(source, *gap) for gap in temperature.gaps(own)]
        every += own
    degrees = [reading.celsius for reading in every]
    alarms.sort(key=lambda alarm: alarm.start)
    kinetic = temperature.mean_kinetic(every)
    return Assessment(tuple(alarms), tuple(gaps), kinetic, min(degrees), max(degrees), len(every))

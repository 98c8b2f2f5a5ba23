"""Tests, units and ranges as the library knows them, for the pages."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from lab import catalogue, ranges, units
from lab.errors import NotConvertible
from telemed.centres.lab.cumulative import NO_LIMITS, LabTest, Limits, Subject
from telemed.centres.lab.domain import Result

OF_GROUP = {"751-8": "01", "731-0": "01", "742-7": "01", "711-2": "01", "704-7": "01", "770-8": "01", "736-9": "01", "5905-5": "01",
    "713-8": "01", "706-2": "01", "2336-6": "11", "1759-0": "11"}  # fmt: skip
"""By LOINC: tests of the catalogue without a WS/T 886 code, with the category of those that they are reported with."""


@cache
def _tests() -> dict[str, LabTest]:
    """By WS/T 886 and LOINC code."""
    found: dict[str, LabTest] = {}
    for place, item in enumerate(catalogue.items(), 1):
        group = item.wst886[:2] or OF_GROUP.get(item.loinc, "")
        test = LabTest(item.wst886 or item.loinc, item.name_zh, item.abbreviation, item.ucum, group, place, item.decimals)
        found |= {code: test for code in (item.loinc, item.wst886) if code}
    return found


class CataloguedTests:
    """Implements `telemed.centres.lab.cumulative.Catalogue`."""

    def test(self, result: Result) -> LabTest | None:
        code = result.code
        found = _tests().get(code.wst886) or _tests().get(code.loinc)
        if found is None and code.known:
            return LabTest(code.wst886 or code.loinc, result.name, "", result.value.unit, code.wst886[:2], 10_000)
        return found

    def tests(self) -> Sequence[LabTest]:
        return tuple(dict.fromkeys(_tests().values()))

    def in_unit(self, value: float, result: Result, unit: str) -> float | None:
        sent = result.value.unit
        if sent == unit:
            return value
        try:
            return units.convert(value, sent, unit, code=result.code.wst886 or result.code.loinc)
        except NotConvertible:
            return None

    def limits(self, result: Result, subject: Subject) -> Limits:
        if result.value.range:
            printed = ranges.read_printed(result.value.range)
            return Limits(printed.low, printed.high) if printed is not None else NO_LIMITS
        code = result.code.wst886 or result.code.loinc
        if not code or result.value.number is None:
            return NO_LIMITS
        band = ranges.band(code, subject.sex, subject.birth_date, (result.observed_at or result.reported_at).date())
        if band is None:
            return NO_LIMITS
        try:
            ends = [None if end is None else units.convert(end, band.unit, result.value.unit, code=code) for end in (band.low, band.high)]
        except NotConvertible:
            return NO_LIMITS
        return Limits(ends[0], ends[1], certain=band.confirmed)

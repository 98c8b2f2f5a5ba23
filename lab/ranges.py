"""Reference ranges by age and sex on the day of collection, from tables with their source; and ranges as laboratories print them.

A range that the laboratory prints comes first. Without a certain band there is none: sex or method unknown where the rows differ by it,
an age that no row covers. A band includes its first day.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Final

from lab import catalogue
from lab.ages import Age, read_age
from lab.errors import BadTable
from lab.hl7.values import looks
from lab.tables import CONFIRMED_FROM, rows

SEXES: Final = ("male", "female", "any")


@dataclass(frozen=True, slots=True)
class Band:
    """One row: `low` and `high` belong to the range; None where it has no such end. `unit` is UCUM.

    It holds from the day the age `start` is reached until the day before `below` is; `specimen` and `method` are empty where it holds
    for all. `sources` counts the sources in which the row was read.
    """

    code: str
    sex: str
    start: Age
    below: Age | None
    low: float | None
    high: float | None
    unit: str
    source: str
    sources: int
    specimen: str = ""
    method: str = ""
    note: str = ""

    @property
    def confirmed(self) -> bool:
        """True if the row was read in at least two sources."""
        return self.sources >= CONFIRMED_FROM

    def covers(self, birth: date, on: date) -> bool:
        """True if somebody born on `birth` is of this age on the day `on`."""
        return self.start.reached(birth) <= on and (self.below is None or on < self.below.reached(birth))


def read_bands(table: Iterable[Mapping[str, str]]) -> tuple[Band, ...]:
    """Return the bands of a table with the columns of `tables/ranges.csv`. Raises BadTable with the row that cannot be used."""
    found = []
    for number, row in enumerate(table, 2):
        try:
            found.append(_band(row))
        except (KeyError, ValueError) as error:
            raise BadTable(f"row {number} of the ranges: {error}") from None
    return tuple(found)


def _band(row: Mapping[str, str]) -> Band:
    start = read_age(row["from_age"])
    low, high = (float(row[name]) if row[name] else None for name in ("low", "high"))
    if start is None or row["sex"] not in SEXES or low is high is None or (low is not None and high is not None and low > high):
        raise ValueError("it needs a first age, a sex (male, female, any), and a low or high limit in order")
    item = catalogue.find(row["loinc"])
    return Band(
        code=row["loinc"],
        sex=row["sex"],
        start=start,
        below=read_age(row["below_age"]),
        low=low,
        high=high,
        unit=item.ucum if item is not None else "",
        source=row["source"],
        sources=int(row["sources"]),
        specimen=row["specimen"],
        method=row["method"],
        note=row["note"],
    )


@cache
def default_bands() -> tuple[Band, ...]:
    """Return the rows of `tables/ranges.csv`, those of children first: where two standards cover an age, theirs holds."""
    return read_bands(rows("ranges.csv"))


@cache
def _by_code() -> Mapping[str, tuple[Band, ...]]:
    found: dict[str, list[Band]] = {}
    for each in default_bands():
        found.setdefault(each.code, []).append(each)
    return {code: tuple(bands) for code, bands in found.items()}


def band(
    code: str,
    sex: str,
    birth: date | None,
    on: date,
    *,
    specimen: str = "venous",
    method: str = "",
    table: Iterable[Band] | None = None,
) -> Band | None:
    """Return the band of a test for somebody of this sex and birth on the day of collection, None where none is certain.

    `code` is LOINC, WS/T 886 or an abbreviation of the catalogue; `sex` is male, female, or anything else for unknown. `table` replaces
    the rows of this library.
    """
    item = catalogue.find(code)
    loinc = item.loinc if item is not None else code
    bands = _by_code().get(loinc, ()) if table is None else [each for each in table if each.code == loinc]
    if birth is None or birth > on:
        return None
    try:
        fitting = [each for each in bands if each.sex in (sex, "any") and each.specimen in ("", specimen) and each.covers(birth, on)]
    except (ValueError, OverflowError):  # a birth so late that its bands lie beyond the calendar
        return None
    fitting = [each for each in fitting if each.method.casefold() == method.casefold()] or [each for each in fitting if not each.method]
    fitting = [each for each in fitting if each.source == fitting[0].source]
    certain = [each for each in fitting if each.sex == sex] or fitting
    return certain[0] if len(certain) == 1 else None


@dataclass(frozen=True, slots=True)
class Limits:
    """A range as printed: its ends, and whether an end is outside it (`<85` leaves 85 out)."""

    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False


def read_printed(text: str) -> Limits | None:
    """Return the limits of a printed range such as `3.5-5.3`, `<85`, `≥60`; None where it is words or nothing."""
    seen = looks(text.strip().replace("--", "-"))
    if seen is None:
        return None
    if seen.kind == "range":
        return Limits(seen.low, seen.high)
    if seen.kind != "number" or not seen.comparator or seen.comparator == "<>":
        return None
    if seen.comparator[0] == "<":
        return Limits(high=seen.number, high_open=seen.comparator == "<")
    return Limits(low=seen.number, low_open=seen.comparator == ">")


def flag(value: float, limits: Band | Limits, comparator: str = "", critical: tuple[float | None, float | None] = (None, None)) -> str:
    """Return L, H, LL, HH or N (HL7 table 0078) of a value, empty where its comparator leaves it open.

    The range's ends belong to it unless it says otherwise; a value is critical when it is at or beyond a critical limit.
    """
    least = -math.inf if comparator in ("<", "<=", "<>") else value
    most = math.inf if comparator in (">", ">=", "<>") else value
    low = -math.inf if limits.low is None else limits.low
    high = math.inf if limits.high is None else limits.high
    low_open, high_open = (limits.low_open, limits.high_open) if isinstance(limits, Limits) else (False, False)
    if critical[0] is not None and most <= critical[0]:
        return "LL"
    if critical[1] is not None and least >= critical[1]:
        return "HH"
    if most < low or (most == low and (low_open or comparator == "<")):
        return "L"
    if least > high or (least == high and (high_open or comparator == ">")):
        return "H"
    within = (least > low or (least == low and not low_open)) and (most < high or (most == high and not high_open))
    return "N" if within else ""

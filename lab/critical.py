"""Critical values: a table of limits to begin with, which every institution, department and age band may replace by its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from lab import catalogue
from lab.errors import NotConvertible
from lab.ranges import Limits, flag
from lab.tables import CONFIRMED_FROM, rows
from lab.units import convert


@dataclass(frozen=True, slots=True)
class CriticalLimit:
    """One row: a value at or below `low`, or at or above `high`, in `unit` (UCUM) is critical. None where a side has no limit."""

    code: str
    low: float | None
    high: float | None
    unit: str
    source: str
    sources: int

    @property
    def confirmed(self) -> bool:
        """True if the row was read in at least two sources."""
        return self.sources >= CONFIRMED_FROM


class CriticalValue(NamedTuple):
    """A limit that was reached: on which side (`low`, `high`), and the value in the limit's unit."""

    limit: CriticalLimit
    side: str
    value: float


@cache
def default_limits() -> tuple[CriticalLimit, ...]:
    """Return the rows of `tables/critical.csv`: adults."""
    return tuple(
        CriticalLimit(
            row["loinc"],
            float(row["low"]) if row["low"] else None,
            float(row["high"]) if row["high"] else None,
            row["unit"],
            row["source"],
            int(row["sources"]),
        )
        for row in rows("critical.csv")
    )


def critical(
    code: str, value: float, unit: str, comparator: str = "", table: Iterable[CriticalLimit] | None = None
) -> CriticalValue | None:
    """Return the critical limit that a value reaches, or None. `table` replaces the rows of this library.

    `code` is LOINC, WS/T 886 or an abbreviation. A unit that cannot be converted into the limit's reaches nothing: it is for a person.
    """
    item = catalogue.find(code)
    loinc = item.loinc if item is not None else code
    for limit in default_limits() if table is None else table:
        if limit.code != loinc:
            continue
        try:
            number = convert(value, unit, limit.unit, code=loinc)
        except NotConvertible:
            return None
        side = {"LL": "low", "HH": "high"}.get(flag(number, Limits(), comparator, (limit.low, limit.high)))
        return CriticalValue(limit, side, number) if side else None
    return None

"""How a value is judged: critical limits of the institution, what its laboratory says, its printed range, the range of age and sex.

A region's own critical limits stand in its setting `lab-critical`, one row a limit:

    {"code": "2823-3", "low": 2.5, "high": 6.5, "unit": "mmol/L", "institution": "CLINIC1", "department": "ICU",
     "from_age": "28 d", "below_age": "18 y", "signed_by": "...", "signed_on": "2026-11-01"}

`code`, `unit`, `signed_by` and `signed_on` are needed. `institution`, `department` (of PV1-3) and ages are conditions, left out where the
row holds for all. Without `low` and `high` the row says that nothing is critical. Of the rows that fit the one with most conditions
holds; where none fits, the table of the library. A row that cannot be read, or that nobody signed, is logged and holds for nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Final

import structlog

from lab import catalogue, ranges, units
from lab.ages import Age, read_age
from lab.critical import CriticalLimit, CriticalValue, critical, default_limits
from lab.errors import LabError, NotConvertible

log = structlog.get_logger()

SETTING: Final = "lab-critical"
"""Region setting: critical limits in place of the library's."""

CRITICAL_FLAGS: Final = frozenset({"LL", "HH"})
"""HL7 table 0078: below the lower, above the upper panic limit."""

FLAGS: Final = {"L": "L", "H": "H", "LL": "LL", "HH": "HH", "N": "N", "A": "A", "AA": "AA", "<": "L", ">": "H", "↑": "H", "↓": "L"}
"""OBX-8 (HL7 table 0078), and the arrows that systems write. `<` and `>` are off the instrument's scale, not beyond a panic limit."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a value is of, as far as its judgement depends on it: sex male, female or unknown; the day of collection."""

    institution: str
    on: date
    sex: str = "unknown"
    birth: date | None = None
    department: str = ""


@dataclass(frozen=True, slots=True)
class LimitRow:
    """A critical limit and whom it holds for; empty and None: for all."""

    limit: CriticalLimit
    institution: str = ""
    department: str = ""
    start: Age | None = None
    below: Age | None = None

    @property
    def conditions(self) -> int:
        return bool(self.institution) + bool(self.department) + (self.start is not None or self.below is not None)

    def holds_for(self, subject: Subject) -> bool:
        if self.institution and self.institution != subject.institution:
            return False
        if self.department and self.department != subject.department:
            return False
        if self.start is None and self.below is None:
            return True
        if subject.birth is None:
            return False
        try:
            return (self.start is None or self.start.reached(subject.birth) <= subject.on) and (
                self.below is None or subject.on < self.below.reached(subject.birth)
            )
        except (ValueError, OverflowError):  # an age beyond the calendar
            return False


class CriticalRules:
    """The critical limits of a region."""

    def __init__(self, rows: Sequence[LimitRow] = ()) -> None:
        self._rows: dict[str, list[LimitRow]] = {}
        for row in rows:
            self._rows.setdefault(row.limit.code, []).append(row)

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> CriticalRules:
        """Read them from a region's settings."""
        rows = settings.get(SETTING) or ()
        return _rules(tuple(tuple(sorted(row.items())) if isinstance(row, Mapping) else () for row in rows)) if rows else DEFAULT_RULES

    def reached(self, code: str, value: float, unit: str, comparator: str, subject: Subject) -> CriticalValue | None:
        """Return the limit that a value reaches, or None."""
        item = catalogue.find(code)
        loinc = item.loinc if item is not None else code
        fitting = [row for row in self._rows.get(loinc, ()) if row.holds_for(subject)]
        table = [max(fitting, key=lambda row: row.conditions).limit] if fitting else None
        return critical(code, value, unit, comparator, table)


@lru_cache(maxsize=8)
def _rules(rows: tuple[tuple[tuple[str, Any], ...], ...]) -> CriticalRules:
    found = []
    for number, row in enumerate(rows, 1):
        try:
            found.append(_row(dict(row)))
        except (LabError, KeyError, TypeError, ValueError) as error:
            log.warning("lab.critical_row", row=number, error=str(error))
    return CriticalRules(found)


def _row(row: Mapping[str, Any]) -> LimitRow:
    """Raises KeyError, TypeError, ValueError or LabError for a row that cannot be used."""
    item = catalogue.find(str(row["code"]))
    signed = f"{row['signed_by']}, {date.fromisoformat(row['signed_on'])}"
    if not str(row["signed_by"]).strip():
        raise ValueError("nobody signed it")
    low, high = (None if row.get(name) is None else float(row[name]) for name in ("low", "high"))
    if low is not None and high is not None and low >= high:
        raise ValueError("low is not below high")
    code = item.loinc if item is not None else str(row["code"])
    default = next((each for each in default_limits() if each.code == code), None)
    unit = str(row["unit"])
    if default is not None:
        units.convert(1.0, unit, default.unit, code=code)
    limit = CriticalLimit(code, low, high, unit, signed, 2)
    start, below = (read_age(str(row.get(name) or "")) for name in ("from_age", "below_age"))
    return LimitRow(limit, str(row.get("institution") or ""), str(row.get("department") or ""), start, below)


DEFAULT_RULES: Final = CriticalRules()
"""The library's table, for adults."""


def flag_of(
    said: Sequence[str],
    printed_range: str,
    code: str,
    number: float | None,
    comparator: str,
    unit: str,
    subject: Subject,
    rules: CriticalRules,
) -> str:
    """Critical limits first, then what the laboratory says, then its printed range, then the range of age and sex."""
    if number is not None and code:
        hit = rules.reached(code, number, unit, comparator, subject)
        if hit is not None:
            return "LL" if hit.side == "low" else "HH"
    sent = next((FLAGS[flag] for flag in said if flag in FLAGS), "")
    if sent or number is None:
        return sent
    printed = ranges.read_printed(printed_range) if printed_range else None
    if printed is not None:
        return ranges.flag(number, printed, comparator)
    band = ranges.band(code, subject.sex, subject.birth, subject.on) if code else None
    if band is None:
        return ""
    try:
        return ranges.flag(units.convert(number, unit, band.unit, code=code), band, comparator)
    except NotConvertible:
        return ""

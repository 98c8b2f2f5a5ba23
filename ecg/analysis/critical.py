"""Critical values: a table of limits, a set of numbers measured on a recording, and the rows that are reached.

The table is data (`critical_values.json`); a region replaces rows by code, or switches one off. What needs an
earlier tracing (new infarction, new third-degree block) has no row here; torsades, fibrillation and hyperkalaemia are suspicions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from ecg.analysis.events import Event
from ecg.analysis.fibrillation import Fibrillation
from ecg.analysis.holter import HolterReport
from ecg.analysis.measurements import Measurements
from ecg.analysis.potassium import potassium_signs
from ecg.analysis.rhythm import Rhythm
from ecg.analysis.trees import DATA
from ecg.analysis.ventricular_waves import Waves

SCOPES = ("resting", "holter", "any")
SUSTAINED = 30.0
"""seconds from which a ventricular tachycardia is sustained"""
LONG_PAUSE = 3.0
WIDE = 120.0
LIMB_LATERAL = (("I", "aVL"), ("II", "aVF"), ("aVF", "III"), ("V4", "V5"), ("V5", "V6"))
ANTERIOR = tuple(pairwise(("V1", "V2", "V3")))
"""neighbouring leads: an ST elevation must show in two of them (Fourth Universal Definition of Myocardial Infarction)"""


@dataclass(frozen=True, slots=True)
class Limit:
    """One row: `measure` of a recording of this `scope` is critical when at least, or at most, the limit."""

    code: str
    scope: str
    measure: str
    at_least: float | None = None
    at_most: float | None = None
    unit: str = ""

    def __post_init__(self) -> None:
        if self.scope not in SCOPES:
            raise ValueError(f"critical value {self.code}: scope {self.scope!r} is not one of {', '.join(SCOPES)}")
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"critical value {self.code}: give either at_least or at_most")


@dataclass(frozen=True, slots=True)
class CriticalValue:
    """A limit that was reached, with the value that reached it."""

    limit: Limit
    value: float


@cache
def default_limits() -> tuple[Limit, ...]:
    """The rows of `critical_values.json`."""
    content = json.loads((DATA / "critical_values.json").read_text(encoding="utf-8"))
    return tuple(Limit(**row) for row in content["rows"])


def limits_with(overrides: Mapping[str, Limit | None], table: Iterable[Limit] | None = None) -> tuple[Limit, ...]:
    """A region's table: the given one (or the default) with rows replaced by code; None switches a row off.

    Raises ValueError for a code that the table does not have: a misspelt row must not go unnoticed.
    """
    rows = {limit.code: limit for limit in (default_limits() if table is None else table)}
    unknown = sorted(set(overrides) - set(rows))
    if unknown:
        raise ValueError(f"no critical value {', '.join(unknown)}; the table has {', '.join(rows)}")
    changed = {code: overrides.get(code, limit) for code, limit in rows.items()}
    return tuple(limit for limit in changed.values() if limit is not None)


def critical_values(
    measurements: Measurements | None, found: Rhythm | HolterReport, table: Iterable[Limit] | None = None
) -> list[CriticalValue]:
    """Rows that a resting ECG (`found` is its rhythm) or a Holter recording reaches, in the table's order."""
    scope = "holter" if isinstance(found, HolterReport) else "resting"
    numbers = _holter_numbers(found) if isinstance(found, HolterReport) else _resting_numbers(found)
    if isinstance(found, HolterReport) or found.rate is not None:  # without a common shape of its beats nothing is measured
        numbers |= _measured(measurements)
    hits = []
    for limit in default_limits() if table is None else table:
        value = numbers.get(limit.measure)
        if value is None or limit.scope not in (scope, "any"):
            continue
        reached = value >= limit.at_least if limit.at_least is not None else value <= (limit.at_most or 0.0)
        if reached:
            hits.append(CriticalValue(limit, value))
    return hits


def _measured(measurements: Measurements | None) -> dict[str, float]:
    if measurements is None:
        return {}
    numbers = {} if measurements.qtc_bazett is None else {"qtc": measurements.qtc_bazett}
    if (signs := potassium_signs(measurements).count) > 1:
        numbers["potassium_signs"] = signs
    for name, pairs in (("st_limb_lateral", LIMB_LATERAL), ("st_anterior", ANTERIOR)):
        both = [min(measurements.st_j[a], measurements.st_j[b]) for a, b in pairs if {a, b} <= set(measurements.st_j)]
        if both:
            numbers[name] = max(both)
    return numbers


def _resting_numbers(found: Rhythm) -> dict[str, float]:
    numbers = _common(found.events, found.fibrillation) | _waving(found.waves, found.sampling_rate)
    if found.rate is not None:
        numbers["mean_rate"] = found.rate
        codes = {statement.code for statement in found.statements}
        if "regular-wide-tachycardia" in codes:  # it fills the strip: what came before and after it nobody knows
            numbers["wide_tachycardia_rate"] = found.rate
        if codes & {"regular-narrow-tachycardia", "atrial-flutter-suspected"}:
            numbers["fastest_supraventricular"] = max(found.rate, numbers.get("fastest_supraventricular", 0.0))
    if found.longest_rr is not None:
        numbers["longest_rr"] = found.longest_rr
    if found.fibrillation and found.qrs_duration is not None and found.qrs_duration >= WIDE:
        numbers["shortest_rr_wide_fibrillation"] = min(span.shortest_rr for span in found.fibrillation)
    return numbers


def _holter_numbers(report: HolterReport) -> dict[str, float]:
    numbers = _common(report.events, report.fibrillation) | _waving(report.waves, report.rate)
    readable = report.duration - float(report.missing.sum())
    if len(report.beats) > 1 and readable > 0:
        numbers["mean_rate"] = 60.0 * len(report.beats) / readable
    pauses = report.of_kind("pause")
    within = [p for p in pauses if any(f.first <= p.start and p.end <= f.last for f in report.fibrillation)]
    outside = [p for p in pauses if p not in within]
    numbers["pauses_of_3_s"] = sum(p.seconds >= LONG_PAUSE for p in pauses)
    if within:
        numbers["longest_rr_fibrillation"] = max(p.seconds for p in within)
    if outside:
        numbers["longest_rr_sinus"] = max(p.seconds for p in outside)
    return numbers


def _waving(waves: Iterable[Waves], rate: float) -> dict[str, float]:
    """Longest episode in seconds of each kind of waves without QRS complexes."""
    numbers: dict[str, float] = {}
    for wave in waves:
        name = f"{wave.kind.replace('-', '_')}_seconds"
        numbers[name] = max(numbers.get(name, 0.0), (wave.last - wave.first) / rate)
    return numbers


def _common(events: Iterable[Event], spans: Iterable[Fibrillation]) -> dict[str, float]:
    numbers = {}
    if svt := [event.rate for event in events if event.kind == "svt"]:
        numbers["fastest_supraventricular"] = max(svt)
    if vt := [event.rate for event in events if event.kind == "vt" and event.seconds >= SUSTAINED]:
        numbers["sustained_vt_rate"] = max(vt)
    if rates := [span.rate for span in spans]:
        numbers["fastest_fibrillation"] = max(rates)
    return numbers

"""The rhythm as statements that each name the numbers and the spans behind them; proposals to a physician."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ecg.analysis.classes import classify
from ecg.analysis.events import Event, events, pause_at_an_end, pauses
from ecg.analysis.fibrillation import Fibrillation, fibrillation, irregularity
from ecg.analysis.gaps import missing_seconds, spans_gap
from ecg.analysis.measurements import Measurements, measure
from ecg.analysis.potassium import potassium_signs
from ecg.analysis.qrs import find_beats
from ecg.analysis.silence import loud, silent_ends
from ecg.analysis.st_changes import depressed, elevated
from ecg.analysis.ventricular_waves import KINDS, Waves, ventricular_waves
from ecg.recording import Recording

Indices = npt.NDArray[np.int64]
Classes = npt.NDArray[np.str_]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RhythmLimits:
    """Rates in 1/min, times in ms (`sinus_arrhythmia` in s), axes in degrees.

    Rates: WHO/ISFC 1978. PR, QRS, axis: AHA/ACC/HRS 2009 part III. Long QTc: AHA/ACC/HRS 2009 part IV; short QTc: ESC
    2022 (ventricular arrhythmias), since AHA's 390 ms hold for many healthy people. P axis of sinus rhythm: 0 to 75
    degrees, widened by the error of an axis from small areas. Flutter with 2:1 conduction: a regular rate about half of
    250-350 without a P wave of its own. Below `least_confidence` (`Measurements.confidence`) the beats have no common shape
    and nothing is said of them: noise of any colour stays below 0.25, LUDB 1-100 lie at 0.5 and above.
    """

    slow: float = 60.0
    fast: float = 100.0
    sinus_p_axis: tuple[float, float] = (-30.0, 105.0)
    sinus_arrhythmia: float = 0.12
    long_pr: float = 200.0
    short_pr: float = 120.0
    wide_qrs: float = 120.0
    long_qtc: Mapping[str, float] = field(default_factory=lambda: {"male": 450.0, "female": 460.0, "unknown": 460.0})
    short_qtc: float = 360.0
    left_axis: float = -30.0
    right_axis: float = 90.0
    flutter_rate: tuple[float, float] = (130.0, 170.0)
    regular: float = 0.03
    least_confidence: float = 0.3


LIMITS = RhythmLimits()


@dataclass(frozen=True, slots=True)
class Statement:
    """`code` names the finding for translation; `evidence` the numbers; `spans` sample indices where it is seen."""

    code: str
    evidence: Mapping[str, float] = field(default_factory=dict)
    spans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Statements of a short recording with the beats, classes, events, fibrillation and waves that they rest on.

    `rate` is in 1/min, `sampling_rate` in Hz.
    """

    statements: tuple[Statement, ...]
    beats: Indices
    classes: Classes
    events: tuple[Event, ...]
    fibrillation: tuple[Fibrillation, ...]
    rate: float | None
    longest_rr: float | None
    qrs_duration: float | None
    waves: tuple[Waves, ...]
    sampling_rate: float


CODES = (
    "unreadable", "asystole-suspected", *(f"{kind}-suspected" for kind in KINDS), "atrial-fibrillation",
    "atrial-flutter-suspected", "regular-wide-tachycardia", "regular-narrow-tachycardia",
    "sinus-rhythm", "sinus-bradycardia", "sinus-tachycardia", "sinus-arrhythmia", "ectopic-atrial-rhythm", "no-p-wave",
    "first-degree-av-block", "short-pr", "wide-qrs", "long-qtc", "short-qtc", "left-axis", "right-axis", "extreme-axis",
    "st-elevation", "st-depression", "peaked-t", "hyperkalaemia-suspected", "ventricular-ectopy",
    "supraventricular-ectopy", "pause", "couplet-V", "run-V", "vt", "couplet-S", "run-S", "svt", "bigeminy", "trigeminy",
)  # fmt: skip
"""every code that a statement can have"""


def rhythm(
    recording: Recording,
    beats: Indices | None = None,
    measurements: Measurements | None = None,
    limits: RhythmLimits = LIMITS,
) -> Rhythm:
    """Rhythm and conduction of a resting ECG. Raises ValueError below 50 Hz."""
    found = find_beats(recording) if beats is None else beats
    numbers = measure(recording, found) if measurements is None else measurements
    missing = missing_seconds(recording)
    gaps = spans_gap(found, recording.rate, missing) | loud(recording, found)
    ends = silent_ends(recording, found, missing)
    silent = [pause_at_an_end(first, last, max(len(found) - 1, 0) if first else 0, recording.rate) for first, last in ends]
    longest = max([*np.diff(found)[~gaps[1:]] / recording.rate, *(event.seconds for event in silent)], default=None)
    waves = tuple(ventricular_waves(recording))
    waving = sum(wave.last - wave.first for wave in waves) > recording.samples.shape[1] / 2
    if numbers.confidence < limits.least_confidence or waving:
        return _without_shape(recording, found, numbers, (*pauses(found, recording.rate, gaps), *silent), longest, waves)
    named = classify(recording, found)
    classes = named.classes
    happenings = tuple(sorted([*events(found, recording.rate, classes, gaps), *silent], key=lambda event: event.start))
    spans = tuple(fibrillation(found, recording.rate, classes, named.likeness))
    statements = [
        *_waving(waves),
        *_leading(recording, found, classes, gaps, numbers, spans, limits),
        *_conduction(recording, numbers, limits),
        *_st_changes(recording, numbers),
        *_potassium(numbers),
        *_ectopy(found, classes, happenings),
    ]
    return Rhythm(tuple(statements), found, classes, happenings, spans, numbers.rate, longest, numbers.qrs_duration, waves, recording.rate)


def _waving(waves: tuple[Waves, ...]) -> list[Statement]:
    """The longest episode's numbers for each kind of waves without QRS complexes."""
    statements = []
    for kind in KINDS:
        if these := [wave for wave in waves if wave.kind == kind]:
            longest = max(these, key=lambda wave: wave.last - wave.first)
            evidence = {name: getattr(longest, name) for name in ("rate", "occupied", "leakage", "regularity")}
            statements.append(Statement(f"{kind}-suspected", evidence, tuple((wave.first, wave.last) for wave in these)))
    return statements


def _without_shape(
    recording: Recording,
    beats: Indices,
    numbers: Measurements,
    silent: tuple[Event, ...],
    longest: float | None,
    waves: tuple[Waves, ...],
) -> Rhythm:
    """Of beats without a common shape nothing is said but that there were none for a while, where the signal was quiet, or waves."""
    nothing = np.full(len(beats), "N")
    statements = [Statement("unreadable", {"beats": float(len(beats)), "confidence": numbers.confidence})]
    if len(beats) == 0 and silent:
        evidence = {"longest_seconds": max(event.seconds for event in silent)}
        statements = [Statement("asystole-suspected", evidence, tuple((event.start, event.end) for event in silent))]
    elif waves:
        statements = _waving(waves)
    elif silent:
        statements += _ectopy(beats, nothing, silent)
    return Rhythm(tuple(statements), beats, nothing, silent, (), None, longest if silent else None, None, waves, recording.rate)


def _leading(
    recording: Recording,
    beats: Indices,
    classes: Classes,
    gaps: npt.NDArray[np.bool_],
    numbers: Measurements,
    spans: tuple[Fibrillation, ...],
    limits: RhythmLimits,
) -> list[Statement]:
    """The one statement that names the rhythm (sinus arrhythmia may come beside)."""
    if numbers.rate is None or numbers.qrs_duration is None:
        return [Statement("unreadable", {"beats": float(len(beats)), "confidence": numbers.confidence})]
    if spans and numbers.pr is None:
        evidence = {
            "irregularity": max(span.irregularity for span in spans),
            "p_likeness": min(span.p_likeness for span in spans),
            "rate": numbers.rate,
        }
        return [Statement("atrial-fibrillation", evidence, tuple((span.first, span.last) for span in spans))]
    chaos = float(irregularity(np.diff(beats) / recording.rate).min()) if len(beats) > 3 else 0.0
    if numbers.pr is None:
        return [_without_p(numbers, numbers.rate, chaos, limits)]
    intervals = np.diff(beats)[(classes[1:] == "N") & (classes[:-1] == "N") & ~gaps[1:]] / recording.rate
    return _with_p(intervals, numbers, numbers.rate, limits)


def _without_p(numbers: Measurements, rate: float, chaos: float, limits: RhythmLimits) -> Statement:
    evidence = {"rate": rate, "irregularity": chaos, "qrs_duration": numbers.qrs_duration or 0.0}
    if numbers.p_consistency is not None:
        evidence["p_consistency"] = numbers.p_consistency
    wide = (numbers.qrs_duration or 0.0) >= limits.wide_qrs
    if rate > limits.fast and wide and chaos < limits.regular:
        return Statement("regular-wide-tachycardia", evidence)
    if limits.flutter_rate[0] <= rate <= limits.flutter_rate[1] and chaos < limits.regular:
        return Statement("atrial-flutter-suspected", evidence)
    if rate > limits.fast and chaos < limits.regular:
        return Statement("regular-narrow-tachycardia", evidence)
    return Statement("no-p-wave", evidence)


def _with_p(intervals: Doubles, numbers: Measurements, rate: float, limits: RhythmLimits) -> list[Statement]:
    """`intervals` are those between two normal beats, in seconds."""
    evidence = {"rate": rate, "pr": numbers.pr or 0.0, "p_consistency": numbers.p_consistency or 0.0}
    if numbers.p_axis is not None:
        evidence["p_axis"] = numbers.p_axis
        if not limits.sinus_p_axis[0] <= numbers.p_axis <= limits.sinus_p_axis[1]:
            return [Statement("ectopic-atrial-rhythm", evidence)]
    code = "sinus-bradycardia" if rate < limits.slow else "sinus-tachycardia" if rate > limits.fast else "sinus-rhythm"
    statements = [Statement(code, evidence)]
    if len(intervals) > 2 and np.ptp(intervals) > limits.sinus_arrhythmia:
        statements.append(Statement("sinus-arrhythmia", {"rr_range": float(np.ptp(intervals))}))
    return statements


def _conduction(recording: Recording, numbers: Measurements, limits: RhythmLimits) -> list[Statement]:
    statements = []

    def state(code: str, name: str, value: float | None, holds: bool) -> None:
        if value is not None and holds:
            statements.append(Statement(code, {name: value}))

    pr, qrs, axis = numbers.pr, numbers.qrs_duration, numbers.axis
    qtc = numbers.qtc_fridericia
    sex = recording.patient.sex if recording.patient.sex in limits.long_qtc else "unknown"
    state("first-degree-av-block", "pr", pr, (pr or 0) > limits.long_pr)
    state("short-pr", "pr", pr, pr is not None and pr < limits.short_pr)
    state("wide-qrs", "qrs_duration", qrs, (qrs or 0) >= limits.wide_qrs)
    state("long-qtc", "qtc_fridericia", qtc, (qtc or 0) >= limits.long_qtc[sex])
    state("short-qtc", "qtc_fridericia", qtc, qtc is not None and qtc <= limits.short_qtc)
    if axis is not None:
        state("left-axis", "axis", axis, -90 <= axis < limits.left_axis)
        state("right-axis", "axis", axis, axis > limits.right_axis)
        state("extreme-axis", "axis", axis, axis < -90)
    return statements


def _st_changes(recording: Recording, numbers: Measurements) -> list[Statement]:
    found = (("st-elevation", elevated(numbers, recording.patient.sex)), ("st-depression", depressed(numbers)))
    return [Statement(code, {f"st_{lead}": level for lead, level in leads.items()}) for code, leads in found if leads]


def _potassium(numbers: Measurements) -> list[Statement]:
    signs = potassium_signs(numbers)
    if not signs.peaked:
        return []
    code = "hyperkalaemia-suspected" if signs.conduction else "peaked-t"
    return [Statement(code, {f"t_{lead}": height for lead, height in signs.peaked.items()} | dict(signs.conduction))]


def _ectopy(beats: Indices, classes: Classes, happenings: tuple[Event, ...]) -> list[Statement]:
    statements = []
    for code, name in (("ventricular-ectopy", "V"), ("supraventricular-ectopy", "S")):
        at = beats[classes == name]
        if len(at):
            statements.append(Statement(code, {"beats": float(len(at))}, tuple((int(b), int(b)) for b in at)))
    for kind in dict.fromkeys(event.kind for event in happenings):
        these = [event for event in happenings if event.kind == kind]
        evidence = {"count": float(len(these)), "longest_seconds": max(event.seconds for event in these)}
        if kind != "pause":
            evidence["fastest_rate"] = max(event.rate for event in these)
        statements.append(Statement(kind, evidence, tuple((event.start, event.end) for event in these)))
    return statements

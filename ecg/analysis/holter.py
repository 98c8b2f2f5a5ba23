"""A long recording on one page: hours, events, fibrillation, variability, ST, templates; revised by a reader's edits."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ecg.analysis.classes import classify
from ecg.analysis.events import Event, events
from ecg.analysis.fibrillation import Fibrillation, fibrillation
from ecg.analysis.gaps import missing_seconds, spans_gap
from ecg.analysis.hrv import HeartRateVariability, variability
from ecg.analysis.qrs import find_beats
from ecg.analysis.silence import loud
from ecg.analysis.st import StTrend, st_trend
from ecg.analysis.templates import TemplateEdits, Templates
from ecg.analysis.ventricular_waves import Waves, ventricular_waves
from ecg.recording import Recording

Doubles = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Classes = npt.NDArray[np.str_]

HOUR = 3600.0
RATE_BEATS = 8
"""beats over which the lowest and highest heart rate are taken, so that one ectopic beat is neither"""


@dataclass(frozen=True, slots=True)
class Hour:
    """One row of the hourly table; `start` in seconds from the beginning, rates in 1/min, None without enough beats."""

    start: float
    beats: int
    lowest: float | None
    mean: float | None
    highest: float | None
    ventricular: int
    supraventricular: int
    pauses: int
    runs: int
    fibrillation_seconds: float
    missing_seconds: float


@dataclass(frozen=True, slots=True)
class HolterReport:
    """Everything found in a long recording; `beats` are sample indices at `rate` Hz, `classes` after `edits`.

    `burden` is the share of the readable time in atrial fibrillation, 0 to 1. `automatic` are the classes before any
    edit, `likeness` the P-wave likeness of each beat, `gaps` marks RR intervals that span missing signal, or noise
    in which beats were lost.
    """

    rate: float
    duration: float
    beats: Indices
    classes: Classes
    automatic: Classes
    templates: Templates
    edits: TemplateEdits
    likeness: npt.NDArray[np.float32]
    gaps: npt.NDArray[np.bool_]
    missing: Doubles
    hours: tuple[Hour, ...]
    events: tuple[Event, ...]
    fibrillation: tuple[Fibrillation, ...]
    burden: float
    variability: HeartRateVariability
    st: StTrend | None
    waves: tuple[Waves, ...]

    def of_kind(self, *kinds: str) -> tuple[Event, ...]:
        """Events of the given kinds (see `Event.kind`), in order of time."""
        return tuple(event for event in self.events if event.kind in kinds)

    def count(self, name: str) -> int:
        """Number of beats of an AAMI class."""
        return int((self.classes == name).sum())


def holter(recording: Recording, beats: Indices | None = None, edits: TemplateEdits | None = None) -> HolterReport:
    """Analyse a long recording; `beats` are sample indices if known already. Raises ValueError below 50 Hz."""
    found = find_beats(recording) if beats is None else beats
    named = classify(recording, found)
    missing = missing_seconds(recording)
    empty = HolterReport(
        rate=recording.rate,
        duration=recording.duration,
        beats=found,
        classes=named.classes,
        automatic=named.classes,
        templates=named.templates,
        edits=TemplateEdits(),
        likeness=named.likeness,
        gaps=spans_gap(found, recording.rate, missing) | loud(recording, found),
        missing=missing,
        hours=(),
        events=(),
        fibrillation=(),
        burden=0.0,
        variability=HeartRateVariability(),
        st=st_trend(recording, found, named.classes),
        waves=tuple(ventricular_waves(recording)),
    )
    return revise(empty, edits or TemplateEdits())


def revise(report: HolterReport, edits: TemplateEdits) -> HolterReport:
    """The report with the reader's edits applied to the automatic classes; needs no signal, so undo is cheap.

    The ST trend stays that of the automatic normal beats. Raises ValueError for an edit of a beat that is not there.
    """
    classes = edits.apply(report.automatic, report.templates.labels)
    found = tuple(sorted([*events(report.beats, report.rate, classes, report.gaps), *_waving(report)], key=lambda event: event.start))
    episodes = tuple(fibrillation(report.beats, report.rate, classes, report.likeness))
    readable = max(report.duration - float(report.missing.sum()), 1e-9)
    total = sum(span.last - span.first for span in episodes) / report.rate
    revised = replace(
        report,
        classes=classes,
        edits=edits,
        events=found,
        fibrillation=episodes,
        burden=min(1.0, total / readable),
        variability=variability(report.beats, report.rate, classes),
    )
    return replace(revised, hours=_hours(revised))


def _waving(report: HolterReport) -> list[Event]:
    """The waves without QRS complexes as events; the beats counted within them are not to be trusted."""
    found = []
    for wave in report.waves:
        first, last = np.searchsorted(report.beats, (wave.first, wave.last))
        seconds = (wave.last - wave.first) / report.rate
        numbers = (int(min(first, max(len(report.beats) - 1, 0))), int(max(last - 1, 0)))
        found.append(Event(wave.kind, *numbers, wave.first, wave.last, seconds, wave.rate, 60.0 / wave.rate))
    return found


def heart_rates(beats: Indices, rate: float, gaps: npt.NDArray[np.bool_]) -> tuple[Indices, Doubles]:
    """Mean rate (1/min) over every RATE_BEATS intervals without a gap, and the sample index where each begins."""
    if len(beats) <= RATE_BEATS:
        return beats[:0], np.zeros(0)
    length = (beats[RATE_BEATS:] - beats[:-RATE_BEATS]) / rate
    broken = np.convolve(gaps[1:].astype(np.int64), np.ones(RATE_BEATS, np.int64), "valid") > 0
    return beats[:-RATE_BEATS][~broken], 60.0 * RATE_BEATS / np.maximum(length[~broken], 1e-3)


def _hours(report: HolterReport) -> tuple[Hour, ...]:
    begins, rates = heart_rates(report.beats, report.rate, report.gaps)
    rows = []
    for number in range(max(1, int(np.ceil(report.duration / HOUR)))):
        start, end = number * HOUR * report.rate, (number + 1) * HOUR * report.rate
        first, last = np.searchsorted(report.beats, (start, end))
        here = rates[(begins >= start) & (begins < end)]
        classes = report.classes[first:last]
        inside = [event for event in report.events if start <= event.start < end]
        rows.append(
            Hour(
                start=number * HOUR,
                beats=int(last - first),
                lowest=float(here.min()) if len(here) else None,
                mean=_mean_rate(report, int(first), int(last)),
                highest=float(here.max()) if len(here) else None,
                ventricular=int((classes == "V").sum()),
                supraventricular=int((classes == "S").sum()),
                pauses=sum(event.kind == "pause" for event in inside),
                runs=sum(event.kind in ("vt", "run-V", "svt", "run-S") for event in inside),
                fibrillation_seconds=sum(_overlap(span, start, end) for span in report.fibrillation) / report.rate,
                missing_seconds=float(report.missing[int(number * HOUR) : int((number + 1) * HOUR)].sum()),
            )
        )
    return tuple(rows)


def _mean_rate(report: HolterReport, first: int, last: int) -> float | None:
    intervals = np.diff(report.beats[first:last])[~report.gaps[first + 1 : last]] / report.rate
    return float(60.0 / intervals.mean()) if len(intervals) else None


def _overlap(span: Fibrillation, start: float, end: float) -> float:
    return max(0.0, min(span.last, end) - max(span.first, start))

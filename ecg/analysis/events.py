"""Events in the sequence of beats: pauses, couplets, runs, bigeminy, trigeminy, each with its beats and numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]
Classes = npt.NDArray[np.str_]

PAUSE = 2.0
"""seconds; reported from here on, judged by `critical_values`"""
RUN_BEATS = 3
"""ventricular or supraventricular beats in a row that make a run (tachycardia where faster than 100/min)"""
TACHYCARDIA = 100.0
PATTERN_CYCLES = 3
"""least repetitions of N-V (or N-N-V) to speak of bigeminy (trigeminy)"""


@dataclass(frozen=True, slots=True)
class Event:
    """`kind`: pause, couplet-V, run-V, vt, run-S, svt, couplet-S, bigeminy, trigeminy; of a long recording also `ventricular_waves.KINDS`.

    `first`, `last` are numbers in the list of beats; `start`, `end` sample indices; `seconds` the length (of a pause:
    the RR interval); `rate` 1/min within; `shortest_rr` in seconds.
    """

    kind: str
    first: int
    last: int
    start: int
    end: int
    seconds: float
    rate: float
    shortest_rr: float

    @property
    def beats(self) -> int:
        """Number of beats from first to last."""
        return self.last - self.first + 1


def events(beats: Indices, rate: float, classes: Classes, gaps: npt.NDArray[np.bool_] | None = None) -> list[Event]:
    """All events in order of time. `gaps` is True for an RR (by its second beat) that spans missing or unread signal."""
    if len(beats) < 2:
        return []
    found = pauses(beats, rate, gaps)
    for kind, fast in (("V", "vt"), ("S", "svt")):
        found += _sequences(beats, rate, classes == kind, kind, fast)
    found += _patterns(beats, rate, classes)
    return sorted(found, key=lambda event: (event.start, event.kind))


def pauses(beats: Indices, rate: float, gaps: npt.NDArray[np.bool_] | None = None, least: float = PAUSE) -> list[Event]:
    """RR intervals of at least `least` seconds; those that span a gap in the signal are no pauses."""
    intervals = np.diff(beats) / rate
    long = intervals >= least
    if gaps is not None:
        long &= ~gaps[1:]
    return [_event("pause", i, i + 1, beats, rate) for i in map(int, np.flatnonzero(long))]


def pause_at_an_end(first: int, last: int, beat: int, rate: float) -> Event:
    """Silence before the first or after the last beat (number `beat`), sample indices `first` to `last`: at least so long a pause."""
    seconds = (last - first) / rate
    return Event("pause", beat, beat, first, last, seconds, 60.0 / seconds, seconds)


def _sequences(beats: Indices, rate: float, ectopic: npt.NDArray[np.bool_], kind: str, fast: str) -> list[Event]:
    found = []
    for first, last in _spans(ectopic):
        if last - first + 1 == 2:
            found.append(_event(f"couplet-{kind}", first, last, beats, rate))
        elif last - first + 1 >= RUN_BEATS:
            event = _event(f"run-{kind}", first, last, beats, rate)
            found.append(_event(fast, first, last, beats, rate) if event.rate > TACHYCARDIA else event)
    return found


def _patterns(beats: Indices, rate: float, classes: Classes) -> list[Event]:
    """Stretches in which every second (third) beat is ventricular and the others are not."""
    ventricular = classes == "V"
    found = []
    for name, period in (("bigeminy", 2), ("trigeminy", 3)):
        if len(ventricular) < period * PATTERN_CYCLES:
            continue
        ends_cycle = ventricular.copy()
        for back in range(1, period):
            ends_cycle &= np.concatenate((np.zeros(back, bool), ~ventricular[:-back]))
        in_cycle = np.zeros(len(ventricular), bool)
        at = np.flatnonzero(ends_cycle & (np.arange(len(ventricular)) >= period - 1))
        repeats = np.diff(at) == period
        for first, last in _spans(repeats):
            if last - first + 2 >= PATTERN_CYCLES:
                in_cycle[at[first] - period + 1 : at[last + 1] + 1] = True
        found += [_event(name, first, last, beats, rate) for first, last in _spans(in_cycle)]
    return found


def _spans(flags: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last number of every unbroken stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _event(kind: str, first: int, last: int, beats: Indices, rate: float) -> Event:
    intervals = np.diff(beats[first : last + 1]) / rate
    seconds = float(intervals.sum())
    mean_rate = 60.0 * len(intervals) / seconds if seconds > 0 else 0.0
    shortest = float(intervals.min()) if len(intervals) else 0.0
    return Event(kind, first, last, int(beats[first]), int(beats[last]), seconds, mean_rate, shortest)

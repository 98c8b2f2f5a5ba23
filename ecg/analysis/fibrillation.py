"""Atrial fibrillation: RR intervals that follow no pattern, and no P wave that repeats itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import median_filter

Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
Classes = npt.NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class FibrillationSettings:
    """`irregularity`: least median |RR(i) - RR(i-k)| / RR over `window` beats, the least over k = 1..4, so that bigeminy
    and other patterns do not count. `p_likeness`: most median correlation of successive P windows. `shortest`: seconds
    of the shortest episode reported (ESC 2020: 30 s). Set on MIT-BIH DS1; sinus records lie below 0.10 or above 0.5.
    """

    irregularity: float = 0.10
    p_likeness: float = 0.5
    window: int = 41
    lags: tuple[int, ...] = (1, 2, 3, 4)
    shortest: float = 30.0
    least_beats: int = 5


SETTINGS = FibrillationSettings()
INTERVALS_PER_LAG = 5
"""a longer lag is looked at only in this many times as many intervals; the least of few noisy medians is too low"""


@dataclass(frozen=True, slots=True)
class Fibrillation:
    """One span of fibrillation: sample indices of its first and last beat, and the medians that speak for it.

    `longest_rr` and `shortest_rr` are in seconds, `rate` is the mean ventricular rate in 1/min.
    """

    first: int
    last: int
    irregularity: float
    p_likeness: float
    rate: float
    longest_rr: float
    shortest_rr: float


def irregularity(intervals: Doubles, settings: FibrillationSettings = SETTINGS) -> Doubles:
    """Running irregularity of consecutive intervals as `FibrillationSettings` defines it, (n,)."""
    usual = np.maximum(_running_median(intervals, settings.window), 1e-3)
    least = np.full(len(intervals), np.inf)
    for lag in settings.lags:
        if (lag == 1 and len(intervals) > 1) or len(intervals) > INTERVALS_PER_LAG * lag:
            change = np.abs(intervals[lag:] - intervals[:-lag])
            middle = _running_median(change, settings.window)
            least = np.minimum(least, np.concatenate((np.full(lag, middle[0]), middle)) / usual)
    return np.where(np.isfinite(least), least, 0.0)


def _running_median(values: Doubles | Floats, window: int) -> Doubles:
    """Median over `window` values around each; the median of all where there are fewer than that."""
    if len(values) < window:
        return np.full(len(values), float(np.median(values)))
    return np.asarray(median_filter(values, window, mode="nearest"), np.float64)


def fibrillation(
    beats: Indices, rate: float, classes: Classes, likeness: Floats, settings: FibrillationSettings = SETTINGS
) -> list[Fibrillation]:
    """Spans of atrial fibrillation.

    `likeness` is the correlation of each beat's P window with that of the beat before (`Classification.likeness`).
    Intervals next to a ventricular beat say nothing of the atria and are left out.
    """
    ventricular = classes == "V"
    usable = np.flatnonzero(~(ventricular | np.concatenate(([True], ventricular[:-1]))))
    if len(usable) < settings.least_beats:
        return []
    intervals = (beats[usable] - beats[usable - 1]) / rate
    chaos = irregularity(intervals, settings)
    repeats = _running_median(likeness[usable], settings.window)
    speaks = (chaos > settings.irregularity) & (repeats < settings.p_likeness)
    speaks = _running_median(speaks.astype(np.float64), settings.window) > 0.5
    spans = []
    edges = np.flatnonzero(np.diff(np.concatenate(([0], speaks.astype(np.int8), [0]))))
    for rising, falling in zip(edges[::2], edges[1::2], strict=True):
        # at the ends of a recording the window sees one side only: what it says at half a window holds up to the end
        first = 0 if rising <= settings.window // 2 else rising
        last = len(usable) if falling >= len(usable) - settings.window // 2 else falling
        span = usable[first:last]
        begin, end = int(beats[max(span[0] - 1, 0)]), int(beats[span[-1]])
        if (end - begin) / rate < settings.shortest and len(usable) > last - first:
            continue
        rr = intervals[first:last]
        number = int(span[-1] - span[0] + 1)
        spans.append(
            Fibrillation(
                begin,
                end,
                float(np.median(chaos[first:last])),
                float(np.median(repeats[first:last])),
                60.0 * number * rate / max(end - begin, 1),
                float(rr.max()),
                float(rr.min()),
            )
        )
    return spans

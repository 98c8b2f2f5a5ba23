"""Onset and offset of P, QRS and T on a median beat, from all leads together.

Every bound is found on the spatial velocity: the root mean square over leads of the slope in microvolts per
millisecond. A wave begins where, coming from its steepest part, the velocity has fallen below a threshold and stays
there. The threshold is the geometric mean of an absolute and a relative one (constant x sqrt(peak)), since human
readers judge small waves by what they can still see and large ones by proportion; it never lies below the noise of
the quiet part next to the wave. The slope windows (34 ms for QRS, 30 ms for P, 50 ms for T) make the velocity rise as
early as a reader sees the line leave the baseline. Constants were set on LUDB records 1-100 (Kalyakulina 2020).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter1d

from ecg.analysis.median_beat import BEFORE, RATE, MedianBeat

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class WaveSettings:
    """`window` ms of slope; threshold = `level` x peak**`exponent` (x `end_ratio` at the end), and at least
    `quiet` x noise. `span` is the share of the peak velocity that belongs to the wave for certain; `hold` ms below
    the threshold end it.
    """

    window: float
    level: float
    exponent: float
    end_ratio: float
    quiet: float
    span: float
    hold: float


QRS = WaveSettings(window=34, level=0.27, exponent=0.5, end_ratio=1.0, quiet=2.0, span=0.3, hold=10)
P = WaveSettings(window=30, level=0.25, exponent=0.5, end_ratio=1.7, quiet=1.5, span=0.4, hold=12)
T = WaveSettings(window=50, level=0.22, exponent=1.0, end_ratio=1.0, quiet=1.5, span=0.5, hold=12)

QRS_REACH = 120
"""ms to both sides of the middle in which all of the steep part of a QRS lies"""
P_REACH, P_HALF, P_GAP, P_AFTER_T = 260, 90, 8, 20
"""ms: farthest steep part of P before the QRS, half of the longest P, what is left free before the QRS, and how
much of P may lie on the end of the T wave before it"""
T_DELAY, T_TAIL = 60, 160
"""ms: earliest steep part of T after the QRS, and how far its last slope may lie from its steepest"""
T_LATEST = (0.32, 0.66, 0.06, 0.72)
"""seconds after the QRS middle: T has ended by between the first and the last of these, else at 2nd x RR + 3rd"""


LATE_T, EARLIER_T = 0.47, 0.3
"""seconds after the QRS middle at a rate of 60 (times the cube root of RR) from which on a second look is due: a QT of 500 ms is
rare, a P wave there is not; and the least share of its slope that an earlier wave must have to be T"""
BETWEEN = 50
"""ms of quiet between two waves; the top of a broad T wave is quiet for less"""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Sample indices on the median beat (500 Hz); None where the wave was not found."""

    qrs_onset: int
    qrs_offset: int
    t_offset: int | None
    p_onset: int | None
    p_offset: int | None


def delineate(beat: MedianBeat) -> Bounds | None:
    """Bounds of the waves of a median beat, or None when no QRS stands out of its noise."""
    qrs = _qrs_bounds(beat.smooth)
    if qrs is None:
        return None
    onset, offset = qrs
    t_offset = _t_end(beat.smooth, offset, beat.rr_after)
    if t_offset is None:
        return Bounds(onset, offset, None, None, None)
    t_before = t_offset - round(beat.rr_before * RATE)
    return Bounds(onset, offset, t_offset, *(_p_bounds(beat.smooth, onset, t_before) or (None, None)))


def velocity(leads: Doubles, window_ms: float, times: int) -> Doubles:
    """Root mean square over leads of the smoothed slope, microvolts per ms; smoothed once or twice over `window_ms`."""
    slope = np.zeros_like(leads)
    slope[:, 1:-1] = (leads[:, 2:] - leads[:, :-2]) * (RATE / 2000.0)
    size = _samples(window_ms) | 1
    slope = uniform_filter1d(slope, size, axis=1)
    if times > 1:
        slope = uniform_filter1d(slope, size // 2 | 1, axis=1)
    return np.asarray(np.sqrt((slope**2).mean(axis=0)))


def _qrs_bounds(leads: Doubles) -> tuple[int, int] | None:
    speed = velocity(leads, QRS.window, 1)
    reach = _samples(QRS_REACH)
    near = speed[BEFORE - reach : BEFORE + reach]
    peak = float(near[reach - reach * 2 // 3 : reach + reach * 2 // 3].max())
    if peak <= 0:
        return None
    steep = np.flatnonzero(near > QRS.span * peak) + BEFORE - reach
    first, last = int(steep[0]), int(steep[-1])
    threshold = QRS.level * peak**QRS.exponent
    onset = _last_quiet(speed, first, max(threshold, QRS.quiet * _quietest(speed[max(0, first - 60) : first - 20], 20)))
    offset = _first_quiet(speed, last, max(threshold, QRS.quiet * _quietest(speed[last + 15 : last + 80], 25)), QRS)
    if onset is None or offset is None:
        return None
    return onset, offset


def _p_bounds(leads: Doubles, qrs_onset: int, t_before: int) -> tuple[int, int] | None:
    """P between the end of the T wave before (an index that may lie before the window) and the QRS."""
    speed = velocity(leads[:, : qrs_onset + 1], P.window, 2)
    start = max(_samples(P.window), qrs_onset - _samples(P_REACH), t_before - _samples(P_AFTER_T))
    end = qrs_onset - _samples(P_GAP)
    while end - start > 5 and speed[end - 2] < speed[end - 1]:
        end -= 1  # the rise towards the QRS is not P
    if end - start < _samples(30):
        return None
    while end - start > _samples(30) and speed[start + 1] < speed[start]:
        start += 1  # nor is the fall from T
    steepest = start + int(np.argmax(speed[start:end]))
    peak = float(speed[steepest])
    steep = np.flatnonzero(speed[start:end] > P.span * peak) + start
    steep = steep[np.abs(steep - steepest) < _samples(P_HALF)]
    first, last = int(steep[0]), int(steep[-1])
    before = slice(max(0, first - 80), max(1, first - 10))
    threshold = max(P.level * peak**P.exponent, P.quiet * _quietest(speed[before], 20))
    onset = _last_quiet(speed, first, threshold, P)
    if onset is None:
        onset = max(0, first - 80) + int(np.argmin(speed[max(0, first - 80) : first + 1]))
    offset = _first_quiet(speed[:qrs_onset], last, threshold * P.end_ratio, P)
    if offset is None:
        offset = last + int(np.argmin(speed[last:qrs_onset]))
    return onset, offset


def _t_end(leads: Doubles, qrs_offset: int, rr: float) -> int | None:
    speed = velocity(leads, T.window, 2)
    least, slope, extra, most = T_LATEST
    start = qrs_offset + _samples(T_DELAY)
    end = min(len(speed) - _samples(T.window), BEFORE + int(min(most, max(least, slope * rr + extra)) * RATE))
    if end - start < _samples(80):
        return None
    falling = np.flatnonzero(np.diff(speed[start:end]) >= 0)
    if len(falling) and falling[0] < end - start - _samples(40):
        start += int(falling[0])  # the end of the QRS still slows down
    offset, begin = _t_wave(speed, start, end)
    if offset - BEFORE > LATE_T * rr ** (1 / 3) * RATE and offset > begin > start + _samples(80):
        earlier, _ = _t_wave(speed, start, begin)
        if speed[start:begin].max() > EARLIER_T * speed[begin:offset].max() and earlier < begin + _samples(T.hold):
            return earlier  # two waves: the later one is P after a long PR, or U
    return offset


def _t_wave(speed: Doubles, start: int, end: int) -> tuple[int, int]:
    """Return the end of the steepest wave between `start` and `end`, and the end of the quiet before it (`start` without any)."""
    steepest = start + int(np.argmax(speed[start:end]))
    peak = float(speed[steepest])
    steep = np.flatnonzero(speed[start:end] > T.span * peak) + start
    last = int(steep[steep - steepest < _samples(T_TAIL)][-1])
    threshold = max(T.level * peak**T.exponent, T.quiet * _quietest(speed[last : last + 150], 25))
    offset = _first_quiet(speed[: end + 60], last, threshold, T)
    if offset is None:
        offset = last + int(np.argmin(speed[last : end + 60]))
    between = replace(T, hold=BETWEEN)
    calm = np.flatnonzero(_held(speed[start:steepest], threshold, between))
    return offset, start + int(calm[-1]) + _samples(BETWEEN) if len(calm) else start


def _last_quiet(speed: Doubles, before: int, threshold: float, wave: WaveSettings = QRS) -> int | None:
    """Last index before `before` at which the velocity has been below the threshold for `hold` ms."""
    held = _held(speed, threshold, wave)
    hold = _samples(wave.hold)
    found = np.flatnonzero(held[: max(before - hold + 1, 1)])
    return int(found[-1]) + hold - 1 if len(found) else None


def _first_quiet(speed: Doubles, after: int, threshold: float, wave: WaveSettings) -> int | None:
    """First index from `after` on from which the velocity stays below the threshold for `hold` ms."""
    found = np.flatnonzero(_held(speed, threshold, wave)[after:])
    return int(found[0]) + after if len(found) else None


def _held(speed: Doubles, threshold: float, wave: WaveSettings) -> npt.NDArray[np.bool_]:
    hold = _samples(wave.hold)
    if len(speed) < hold:
        return np.zeros(0, bool)
    count = np.convolve((speed < threshold).astype(np.int64), np.ones(hold, np.int64), "valid")
    return np.asarray(count == hold)


def _quietest(speed: Doubles, count: int) -> float:
    """Mean of the `count` lowest values."""
    return float(np.sort(speed)[:count].mean()) if len(speed) else 0.0


def _samples(milliseconds: float) -> int:
    return round(milliseconds * RATE / 1000)

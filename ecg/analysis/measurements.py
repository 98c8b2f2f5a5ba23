"""Rate, intervals, axes and ST levels of a resting ECG, read off its median beat."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import atan2, degrees, sqrt

import numpy as np
import numpy.typing as npt

from ecg.analysis.delineation import Bounds, delineate, velocity
from ecg.analysis.gaps import missing_seconds, spans_gap
from ecg.analysis.median_beat import RATE, MedianBeat, median_beat
from ecg.analysis.qrs import find_beats
from ecg.recording import Recording

Doubles = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

P_CONSISTENCY = 0.7
"""least median correlation of the single beats' P with the median P; sinus records of LUDB 1-100 have 0.82 and more,
fibrillation mostly below 0.6"""
P_LEAST_SPEED = 0.4
"""microvolts per ms, root mean square over leads: slower is no P wave that a reader would see"""
ISOELECTRIC = int(0.016 * RATE)
"""samples before the QRS onset that define zero (CSE Working Party 1985: the end of the PQ segment)"""
T_AFTER_QRS = int(0.04 * RATE)
"""samples after the QRS from which on T is looked for"""
WIDE_QRS = 120.0
"""ms"""
ST_POINTS = {"st": 60, "st_j80": 80, "st_j": 0}
"""ms after the J point"""


@dataclass(frozen=True, slots=True)
class Measurements:
    """One ECG's numbers; None where a number cannot be measured.

    `rate` in 1/min (mean over the recording without intervals across missing signal). `p_duration`, `pr`,
    `qrs_duration`, `qt` in ms; `qtc_bazett` = QT/sqrt(RR) and `qtc_fridericia` = QT/cbrt(RR) in ms with the
    mean RR before the measured beats in seconds. `axis` (QRS), `p_axis`, `t_axis` in degrees of the frontal plane, -180
    to 180, from the net areas in I and aVF. `st`, `st_j80` and `st_j` give mV by lead at J + 60 ms, J + 80 ms and J,
    against the end of the PQ segment. `t_height` in mV and `t_width` in ms (at half of that height) are those of upright
    T waves by lead. `confidence` is 0 to 1: the share of beats that are alike, reduced below five beats. `beats` were
    found, `measured` of them make the median beat.
    """

    rate: float | None = None
    p_duration: float | None = None
    pr: float | None = None
    qrs_duration: float | None = None
    qt: float | None = None
    qtc_bazett: float | None = None
    qtc_fridericia: float | None = None
    axis: float | None = None
    p_axis: float | None = None
    t_axis: float | None = None
    st: dict[str, float] = field(default_factory=dict)
    st_j80: dict[str, float] = field(default_factory=dict)
    st_j: dict[str, float] = field(default_factory=dict)
    t_height: dict[str, float] = field(default_factory=dict)
    t_width: dict[str, float] = field(default_factory=dict)
    p_consistency: float | None = None
    confidence: float = 0.0
    beats: int = 0
    measured: int = 0


def measure(recording: Recording, beats: Indices | None = None) -> Measurements:
    """Measure a resting ECG. `beats` are sample indices if they are known already.

    Never raises for poor signal: what cannot be measured is None. Raises ValueError below 50 Hz (see `find_beats`).
    """
    found = find_beats(recording) if beats is None else beats
    if len(found) < 2:
        return Measurements(beats=len(found))
    intervals = np.diff(found)
    known = ~spans_gap(found, recording.rate, missing_seconds(recording))[1:]
    mean_rr = float((intervals[known] if known.any() else intervals).mean()) / recording.rate
    rate = 60.0 / mean_rr
    beat = median_beat(recording, found)
    bounds = delineate(beat) if beat is not None else None
    if beat is None or bounds is None:
        return Measurements(rate=rate, beats=len(found))
    consistency = p_consistency(beat, bounds)
    if consistency is None or consistency < P_CONSISTENCY:
        bounds = Bounds(bounds.qrs_onset, bounds.qrs_offset, bounds.t_offset, None, None)
    qt = _interval(bounds.qrs_onset, bounds.t_offset)
    if qt is not None and qt > 1000 * beat.rr_mean:  # T ends before the next QRS begins: what was found is another wave
        qt = None
    level = _levels(beat, bounds)
    t_height, t_width = _t_waves(beat.leads, level, bounds)
    return Measurements(
        rate=rate,
        p_duration=_interval(bounds.p_onset, bounds.p_offset),
        pr=_interval(bounds.p_onset, bounds.qrs_onset),
        qrs_duration=_interval(bounds.qrs_onset, bounds.qrs_offset),
        qt=qt,
        qtc_bazett=None if qt is None else qt / sqrt(beat.rr_mean),
        qtc_fridericia=None if qt is None else qt / beat.rr_mean ** (1 / 3),
        axis=_axis(beat.leads, level, bounds.qrs_onset, bounds.qrs_offset),
        p_axis=_axis(beat.leads, level, bounds.p_onset, bounds.p_offset),
        t_axis=_axis(beat.leads, level, bounds.qrs_offset, bounds.t_offset),
        **{name: _st(beat.leads, level, bounds.qrs_offset, after) for name, after in ST_POINTS.items()},
        t_height=t_height,
        t_width=t_width,
        p_consistency=consistency,
        confidence=beat.share * min(1.0, len(beat.beats) / 5),
        beats=len(found),
        measured=len(beat.beats),
    )


def p_consistency(beat: MedianBeat, bounds: Bounds) -> float | None:
    """Median correlation of the single beats' P waves with the median one, all leads together; None without a P."""
    if bounds.p_onset is None or bounds.p_offset is None:
        return None
    speed = velocity(beat.smooth[:, : bounds.qrs_onset + 1], 30, 2)
    if speed[bounds.p_onset : bounds.p_offset + 1].max() < P_LEAST_SPEED:
        return None
    span = slice(max(0, bounds.p_onset - 10), bounds.p_offset + 10)
    single = beat.beats[:, :, span] - beat.beats[:, :, span].mean(axis=2, keepdims=True)
    median = beat.smooth[:, span] - beat.smooth[:, span].mean(axis=1, keepdims=True)
    energy = np.sqrt((single**2).sum(axis=(1, 2)) * (median**2).sum()) + 1e-9
    return float(np.median((single * median).sum(axis=(1, 2)) / energy))


def _levels(beat: MedianBeat, bounds: Bounds) -> Doubles:
    """The plain median beat with the end of the PQ segment at zero, microvolts."""
    zero = beat.plain[:, max(0, bounds.qrs_onset - ISOELECTRIC) : bounds.qrs_onset + 1].mean(axis=1, keepdims=True)
    return np.asarray(beat.plain - zero)


def _interval(start: int | None, end: int | None) -> float | None:
    return None if start is None or end is None else (end - start) * 1000.0 / RATE


def _axis(leads: tuple[str, ...], level: Doubles, start: int | None, end: int | None) -> float | None:
    """Direction of the net area in the frontal plane; aVF is II - I/2 where absent, and 2/sqrt(3) scales it to I."""
    if start is None or end is None or "I" not in leads or not {"II", "aVF"} & set(leads):
        return None
    area = {lead: float(level[row, start : end + 1].sum()) for row, lead in enumerate(leads)}
    foot = area["aVF"] if "aVF" in area else area["II"] - area["I"] / 2
    if abs(area["I"]) + abs(foot) < 1e-6:
        return None
    return degrees(atan2(foot * 2 / sqrt(3), area["I"]))


def _st(leads: tuple[str, ...], level: Doubles, j_point: int, after_ms: int) -> dict[str, float]:
    at = j_point + round(after_ms * RATE / 1000)
    if at + 2 >= level.shape[1]:
        return {}
    return {lead: float(level[row, at - 2 : at + 3].mean()) / 1000.0 for row, lead in enumerate(leads)}


def _t_waves(leads: tuple[str, ...], level: Doubles, bounds: Bounds) -> tuple[dict[str, float], dict[str, float]]:
    """Height in mV and width at half height in ms of the T waves that rise above zero and fall again within the beat.

    A wide QRS turns T against itself: where it lasts 120 ms or more, only T waves that point as their QRS does are primary.
    """
    heights: dict[str, float] = {}
    widths: dict[str, float] = {}
    if bounds.t_offset is None:
        return heights, widths
    wide = (bounds.qrs_offset - bounds.qrs_onset) * 1000.0 / RATE >= WIDE_QRS
    for lead, row in zip(leads, level, strict=True):
        wave = row[bounds.qrs_offset + T_AFTER_QRS : bounds.t_offset]
        top = int(wave.argmax()) if wave.size else 0
        low = np.flatnonzero(wave < wave[top] / 2) if wave.size else np.zeros(0, np.int64)
        before, after = low[low < top], low[low > top]
        secondary = wide and row[bounds.qrs_onset : bounds.qrs_offset + 1].sum() <= 0
        if before.size and after.size and wave[top] > 0 and not secondary:
            heights[lead], widths[lead] = float(wave[top]) / 1000.0, float(after[0] - before[-1]) * 1000.0 / RATE
    return heights, widths

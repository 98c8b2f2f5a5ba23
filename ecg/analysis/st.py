"""ST level of every lead over the hours, minute by minute, on the medians of normal beats."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ecg.analysis.delineation import delineate
from ecg.analysis.median_beat import BEFORE, RATE, median_beat
from ecg.recording import Recording

Doubles = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Classes = npt.NDArray[np.str_]

MINUTE = 60.0
LEAST_BEATS = 10
"""normal beats without which a minute has no ST level"""
AFTER_J = 0.08
"""seconds after the J point; 0.06 above a rate of 100 (usual in ambulatory ST analysis)"""
AFTER_J_FAST, FAST = 0.06, 100.0
REFERENCE_SPAN = 60.0
"""seconds from which the beat's bounds are measured"""
BIN = 0.008
"""seconds averaged for each level"""


@dataclass(frozen=True, slots=True)
class StTrend:
    """`level` in mV, (leads, minutes), NaN where a minute cannot be measured; `minutes` are starts in seconds.

    `j_after` and `zero_before` are the J point after, and the isoelectric point before, the QRS middle, in seconds.
    """

    leads: tuple[str, ...]
    minutes: Doubles
    level: Doubles
    j_after: float
    zero_before: float


def st_trend(recording: Recording, beats: Indices, classes: Classes) -> StTrend | None:
    """ST by minute, or None when no normal beat can be delineated."""
    normal = beats[classes == "N"]
    bounds = _bounds(recording, normal)
    if bounds is None:
        return None
    j_after, zero_before = bounds
    count = max(1, int(np.ceil(recording.duration / MINUTE)))
    level = np.full((len(recording.leads), count), np.nan)
    edges = np.searchsorted(normal, np.arange(count + 1) * MINUTE * recording.rate)
    for minute, (first, last) in enumerate(pairwise(edges)):
        if last - first >= LEAST_BEATS:
            level[:, minute] = _level(recording, normal[first:last], j_after, zero_before)
    return StTrend(recording.leads, np.arange(count, dtype=np.float64) * MINUTE, level, j_after, zero_before)


def _bounds(recording: Recording, normal: Indices) -> tuple[float, float] | None:
    """J and isoelectric point from the first stretch of the recording with enough normal beats that can be measured."""
    span = int(REFERENCE_SPAN * recording.rate)
    for start in np.linspace(0, max(0, recording.samples.shape[1] - span), 12).astype(np.int64):
        inside = normal[(normal >= start) & (normal < start + span)]
        if len(inside) < LEAST_BEATS:
            continue
        part = replace(recording, samples=recording.samples[:, start : start + span])
        beat = median_beat(part, inside - start)
        found = delineate(beat) if beat is not None else None
        if found is not None:
            return (found.qrs_offset - BEFORE) / RATE, (BEFORE - found.qrs_onset) / RATE
    return None


def _level(recording: Recording, beats: Indices, j_after: float, zero_before: float) -> Doubles:
    rate = recording.rate
    mean_rate = 60.0 * (len(beats) - 1) * rate / max(1, beats[-1] - beats[0])
    after = AFTER_J_FAST if mean_rate > FAST else AFTER_J
    width = max(1, round(BIN * rate))
    st = _means(recording.samples, beats + round((j_after + after) * rate), width)
    zero = _means(recording.samples, beats - round((zero_before + BIN) * rate), width)
    difference = (st - zero).astype(np.float64) / 1000.0
    known = ~np.isnan(difference)
    level = np.full(len(difference), np.nan)
    for lead in np.flatnonzero(known.sum(axis=1) >= LEAST_BEATS):
        level[lead] = np.median(difference[lead, known[lead]])
    return level


def _means(samples: npt.NDArray[np.float32], centres: Indices, width: int) -> npt.NDArray[np.float32]:
    at = np.clip(centres[:, None] + np.arange(width) - width // 2, 0, samples.shape[1] - 1)
    return np.asarray(samples[:, at].mean(axis=2), np.float32)

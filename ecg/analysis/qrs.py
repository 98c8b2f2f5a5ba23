"""Beats located: candidates on the prominence curve, decided by height, contrast and the rhythm around them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import median_filter, uniform_filter1d

from ecg.analysis.prominence import SETTINGS, Grid, ProminenceSettings, grid_for, prominence
from ecg.recording import Recording

Indices = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

INDEPENDENT_LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
"""of a 12-lead recording the others are sums of these (Einthoven, Goldberger)"""


@dataclass(frozen=True, slots=True)
class BeatSettings:
    """The decision: score = height·ln(s) + contrast·ln(s / (surround + rest)) + offset, and the rhythm's terms.

    s is the candidate's prominence (1 = like its neighbours), surround the mean prominence 0.1-0.3 s to both sides.
    A candidate whose neighbours lie `late` median RR intervals apart or more is more likely a beat, one that would
    split an ordinary interval (`spare`) is less. Rounded from a logistic fit on MIT-BIH DS1, on DS1 with every fifth
    QRS-T removed (P waves alone must not count), and on DS1 with added noise; `offset` then balances beats missed
    against beats too many over all of these, single leads included.
    """

    height: float = 3.5
    contrast: float = 4.0
    rest: float = 0.06
    offset: float = 0.7
    late: float = 1.5
    late_gain: float = 1.75
    spare: float = 1.3
    spare_loss: float = 2.0
    least_height: float = 0.1
    refractory: float = 0.2
    """seconds; the ventricles cannot be excited again earlier (Pan and Tompkins 1985)"""
    inner: float = 0.2
    outer: float = 0.6
    rhythm_beats: int = 9


DECISION = BeatSettings()
CHUNK, MARGIN = 800.0, 80.0
"""seconds: memory stays that of one chunk; the margin covers the widest window of `ProminenceSettings`"""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Peaks of the prominence curve: `position` in input samples, `height`, and `surround` as defined above."""

    position: Doubles
    height: Doubles
    surround: Doubles


def find_beats(recording: Recording) -> Indices:
    """Sample indices of the QRS complexes, ascending, int64, shape (n,); each marks the middle of the QRS energy.

    Works on 1 to any number of leads from 50 Hz upwards and on any length; a recording without signal has no beats.
    Raises ValueError for a sampling rate below 50 Hz, at which a QRS is not described any more.
    """
    if not recording.rate >= 50.0:
        raise ValueError(f"beats need a sampling rate of at least 50 Hz; this recording has {recording.rate} Hz")
    found = candidates(chosen_leads(recording), recording.rate)
    keep = scores(found, recording.rate) > 0
    positions = np.rint(found.position[keep]).astype(np.int64)
    return np.unique(np.clip(positions, 0, max(recording.samples.shape[1] - 1, 0)))


def chosen_leads(recording: Recording) -> Floats:
    """The leads that carry independent signal, (leads, n) in microvolts."""
    if set(INDEPENDENT_LEADS) <= set(recording.leads):
        return recording.samples[[recording.leads.index(name) for name in INDEPENDENT_LEADS]]
    return recording.samples


def candidates(
    samples: Floats, rate: float, settings: ProminenceSettings = SETTINGS, decision: BeatSettings = DECISION, chunk: float = CHUNK
) -> Candidates:
    """All peaks of the prominence curve, found in chunks of so many seconds; any chunk length gives the same peaks."""
    grid = grid_for(rate)
    hop = max(1, int(chunk * rate / grid.unit)) * grid.unit
    margin = (int(MARGIN * rate / grid.unit) + 1) * grid.unit
    count = samples.shape[1]
    parts = []
    for start in range(0, count, hop):
        first, last = max(0, start - margin), min(count, start + hop + margin)
        part = _peaks(prominence(samples[:, first:last], grid, settings), grid, decision)
        position = part.position + first
        inside = (position >= start) & (position < start + hop)
        parts.append((position[inside], part.height[inside], part.surround[inside]))
    if not parts:
        return Candidates(np.zeros(0), np.zeros(0), np.zeros(0))
    return Candidates(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def scores(found: Candidates, rate: float, decision: BeatSettings = DECISION) -> Doubles:
    """Score of each candidate; above 0 is a beat."""
    height = np.maximum(found.height, 1e-6)
    score = decision.height * np.log(height) + decision.contrast * np.log(height / (found.surround + decision.rest)) + decision.offset
    sure = np.flatnonzero(score > 0)
    if len(sure) < 4:
        return score
    beats = found.position[sure]
    intervals = np.diff(beats, prepend=2 * beats[0] - beats[1])
    usual = np.maximum(median_filter(intervals, decision.rhythm_beats, mode="nearest"), 0.25 * rate)
    here = np.arange(len(score))
    before = np.searchsorted(sure, here, "left") - 1
    after = np.searchsorted(sure, here, "right")
    typical = usual[np.minimum(after, len(sure) - 1)]
    since = np.where(before >= 0, found.position - beats[np.maximum(before, 0)], typical)
    until = np.where(after < len(sure), beats[np.minimum(after, len(sure) - 1)] - found.position, typical)
    around = (since + until) / typical
    score += decision.late_gain * np.clip(around - decision.late, 0, 1)
    score -= decision.spare_loss * np.clip(decision.spare - around, 0, 0.5)
    return score


def _peaks(curve: Floats, grid: Grid, decision: BeatSettings) -> Candidates:
    """Local maxima, at most one in each refractory time, refined to parts of a sample by a parabola."""
    inner = curve[1:-1]
    at = np.flatnonzero((inner > curve[:-2]) & (inner >= curve[2:]) & (inner > decision.least_height)) + 1
    at = at[(at > 1) & (at < len(curve) - 2)]
    at = at[_dominant(at, curve[at], decision.refractory * grid.rate)]
    outer, core = int(decision.outer * grid.rate) | 1, int(decision.inner * grid.rate) | 1
    if len(at) == 0:
        return Candidates(np.zeros(0), np.zeros(0), np.zeros(0))
    wide = uniform_filter1d(curve, outer, mode="nearest")[at].astype(np.float64) * outer
    narrow = uniform_filter1d(curve, core, mode="nearest")[at].astype(np.float64) * core
    surround = np.maximum((wide - narrow) / (outer - core), 0.0)
    left, top, right = (np.asarray(curve[at + shift], np.float64) for shift in (-1, 0, 1))
    shift = 0.5 * (left - right) / np.minimum(left - 2 * top + right, -1e-9)
    position = np.asarray((at + np.clip(shift, -0.5, 0.5)) * grid.factor + (grid.factor - 1) / 2, np.float64)
    return Candidates(position, top, surround)


def _dominant(at: npt.NDArray[np.intp], height: Floats, reach: float) -> npt.NDArray[np.bool_]:
    """True for a peak that no higher one (or equal earlier one) overlooks within `reach` samples."""
    keep = np.ones(len(at), bool)
    for step in range(1, len(at)):
        near = at[step:] - at[:-step] <= reach
        if not near.any():
            break
        keep[:-step] &= ~(near & (height[step:] > height[:-step]))
        keep[step:] &= ~(near & (height[:-step] >= height[step:]))
    return keep

"""Spans without a beat that are truly silent: electrodes on, and the signal quiet beside the beats around."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ecg.recording import Recording

Indices = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]

LEAST = 2.0
"""seconds"""
WINDOW = 0.12
"""seconds: as long as a QRS; heights are compared within windows of this length, in which no baseline counts"""
CONTRAST = 1.8
"""least height of the beats over that of the silence, in the lead where it is clearest: what a detector lost in noise is not
silent. Chance beats in noise of any colour reach 1.5, sinus arrest and ventricular standstill 4 and more"""
QUIET_SHARE = 80.0
"""per cent of the silence's windows that are lower: a T wave at its beginning and a few P waves may be higher"""
MAX_ALONE = 100.0
"""microvolts: most height of a silence without any beat to compare with; chance noise above it tells nothing"""
BEATS_AROUND = 8


def silent_ends(recording: Recording, beats: Indices, missing: Doubles) -> list[tuple[int, int]]:
    """The spans before the first and after the last beat that are silent for LEAST seconds or more, as sample indices.

    A recording without any beat is one span. `missing` is `gaps.missing_seconds`: where all electrodes are off for a second
    nothing is known.
    """
    count = recording.samples.shape[1]
    spans = [(0, int(beats[0])), (int(beats[-1]), count)] if len(beats) else [(0, count)]
    return [(first, last) for first, last in spans if _is_silent(recording, beats, missing, first, last)]


def _is_silent(recording: Recording, beats: Indices, missing: Doubles, first: int, last: int) -> bool:
    if (last - first) / recording.rate < LEAST:
        return False
    off = missing[int(first / recording.rate) : int(np.ceil(last / recording.rate))].any()
    return not off and _contrast(recording, beats, first, last) >= CONTRAST


def loud(recording: Recording, beats: Indices) -> npt.NDArray[np.bool_]:
    """True for each beat whose long RR to the beat before is not silent, (n,): beats were lost there, it is no pause."""
    flags = np.zeros(len(beats), bool)
    for number in np.flatnonzero(np.diff(beats) / recording.rate >= LEAST) + 1:
        flags[number] = _contrast(recording, beats, int(beats[number - 1]), int(beats[number])) < CONTRAST
    return flags


def _contrast(recording: Recording, beats: Indices, first: int, last: int) -> float:
    """Median height of the beats around over the height of the span between, in the clearest lead."""
    size = max(2, round(WINDOW * recording.rate))
    inside = recording.samples[:, first + size : last - size]
    inside = inside[:, : inside.shape[1] // size * size]
    if inside.shape[1] == 0:
        return 0.0
    quiet = np.nanpercentile(_heights(inside.reshape(len(inside), -1, size)), QUIET_SHARE, axis=1)
    middle = int(np.searchsorted(beats, first))
    near = beats[max(0, middle - BEATS_AROUND // 2) : middle + BEATS_AROUND // 2]
    near = near[(near >= size) & (near < recording.samples.shape[1] - size)]
    if len(near) == 0:
        return CONTRAST if len(beats) == 0 and float(quiet.max()) <= MAX_ALONE else 0.0
    windows = recording.samples[:, near[:, None] + np.arange(-size // 2, size // 2)]
    return float((np.nanmedian(_heights(windows), axis=1) / np.maximum(quiet, 1.0)).max())


def _heights(windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Peak to peak of each window, a missing one's as 0, (leads, windows)."""
    heights: npt.NDArray[np.float32] = np.nan_to_num(windows.max(axis=2) - windows.min(axis=2))
    return heights

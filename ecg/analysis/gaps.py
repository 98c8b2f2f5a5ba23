"""Gaps, in which no lead carries signal: missing samples, or a line flatter than any electrode on skin."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ecg.recording import Recording

Doubles = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

FLAT = 5.0
"""microvolts peak to peak in a second; an asystole on the skin still shows baseline and noise above it"""
CHUNK_SECONDS = 600


def missing_seconds(recording: Recording) -> Doubles:
    """For each second of the recording 1.0 where all leads are missing or flat, else 0.0; the last one may be partial."""
    size = max(1, round(recording.rate))
    seconds = int(np.ceil(recording.samples.shape[1] / size))
    missing = np.zeros(seconds)
    for first in range(0, seconds, CHUNK_SECONDS):
        part = recording.samples[:, first * size : (first + CHUNK_SECONDS) * size]
        rows = part.shape[1] // size
        blocks = part[:, : rows * size].reshape(len(part), rows, size)
        height = blocks.max(axis=2) - blocks.min(axis=2)
        missing[first : first + rows] = ~(height >= FLAT).any(axis=0)
    return missing


def spans_gap(beats: Indices, rate: float, missing: Doubles) -> npt.NDArray[np.bool_]:
    """True for each beat whose RR to the beat before contains a missing second, (n,)."""
    gaps = np.zeros(len(beats), bool)
    if len(beats) < 2:
        return gaps
    total = np.concatenate(([0.0], np.cumsum(missing)))
    second = np.clip((beats / max(1, round(rate))).astype(np.int64), 0, len(missing) - 1)
    gaps[1:] = total[second[1:] + 1] - total[second[:-1]] > 0
    return gaps

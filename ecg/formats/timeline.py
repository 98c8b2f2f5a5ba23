"""Putting pieces of a recording on one time axis, within the limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg.leads import distinct
from ecg.limits import MAX_LEADS, MAX_RATE, MAX_SAMPLES, MIN_RATE
from ecg.recording import UnreadableECG

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Piece:
    """Samples of some leads, microvolts, shape (leads, n), beginning `start` samples after the recording's first."""

    start: int
    leads: Sequence[str]
    samples: Samples


def check_shape(name: str, offset: int, leads: int, length: int, rate: float) -> None:
    """Refuse a size that no ECG has, before any memory is asked for it. `length` is in samples, `rate` in Hz."""
    if not 1 <= leads <= MAX_LEADS:
        raise UnreadableECG(name, offset, f"{leads} leads; between 1 and {MAX_LEADS} can be read")
    if not MIN_RATE <= rate <= MAX_RATE:  # also false for NaN
        raise UnreadableECG(name, offset, f"a sampling rate of {rate:g} Hz; an ECG has {MIN_RATE:g} to {MAX_RATE:g}")
    if length < 1:
        raise UnreadableECG(name, offset, "no samples")
    if leads * length > MAX_SAMPLES:
        raise UnreadableECG(name, offset, f"{leads} leads of {length} samples; {MAX_SAMPLES} in all can be read")


def empty(name: str, offset: int, leads: int, length: int, rate: float) -> Samples:
    """Room for the samples, shape (leads, length), uninitialised, once `check_shape` holds."""
    check_shape(name, offset, leads, length, rate)
    return np.empty((leads, length), dtype=np.float32)


def join(name: str, pieces: Iterable[Piece], rate: float) -> tuple[tuple[str, ...], Samples]:
    """All leads on one axis; NaN where a lead was not recorded. A lone piece is returned as it is, without a copy."""
    placed = list(pieces)
    if len(placed) == 1 and placed[0].start == 0:
        only = placed[0]
        check_shape(name, 0, len(only.leads), only.samples.shape[1], rate)
        return distinct(only.leads), only.samples
    rows = [distinct(piece.leads) for piece in placed]
    leads = tuple(dict.fromkeys(name for names in rows for name in names))
    first = min((piece.start for piece in placed), default=0)
    length = max((piece.start - first + piece.samples.shape[1] for piece in placed), default=0)
    samples = empty(name, 0, len(leads), length, rate)
    samples.fill(np.nan)
    for names, piece in zip(rows, placed, strict=True):
        begin = piece.start - first
        for name, row in zip(names, piece.samples, strict=True):
            samples[leads.index(name), begin : begin + row.size] = row
    return leads, samples

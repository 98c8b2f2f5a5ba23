"""Windows around beats, cut from the filtered signal at about 125 Hz: enough to compare shapes, cheap for a whole day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg.analysis.filters import zero_phase
from ecg.analysis.prominence import averaged_down, bridge_gaps, grid_for
from ecg.analysis.qrs import chosen_leads
from ecg.recording import Recording

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

BAND = (0.7, 35.0)
"""Hz: keeps P and T shapes, takes out baseline and most muscle noise"""
QRS_SPAN, P_SPAN, T_SPAN, WIDTH_SPAN = (-0.110, 0.140), (-0.260, -0.070), (0.150, 0.400), (-0.150, 0.200)
"""seconds from the middle of the QRS"""
LAGS = (-0.033, -0.017, 0.0, 0.017, 0.033)
"""seconds by which two QRS windows may be shifted against each other to be compared"""
CHUNK, MARGIN = 1900.0, 5.0
"""seconds of signal held at a time"""
LEAST_SAMPLES = 16
"""a shorter rest of a recording has no shapes to compare"""


@dataclass(frozen=True, slots=True)
class BeatWindows:
    """Windows of the beats `first` to `first + n`, microvolts, each (n, leads, samples), every window's mean removed.

    `lags` are the unit-length QRS windows (n, leads x samples) at each of LAGS; `activity` is the absolute slope summed
    over leads around the QRS; `rate` is the windows' sampling rate in Hz.
    """

    first: int
    qrs: Floats
    lags: tuple[Floats, ...]
    p: Floats
    t: Floats
    activity: Floats
    rate: float


def beat_windows(recording: Recording, beats: Indices) -> Iterator[BeatWindows]:
    """Cut the windows of ascending sample indices `beats`, chunk by chunk."""
    grid = grid_for(recording.rate)
    leads = chosen_leads(recording)
    hop, margin = int(CHUNK * recording.rate), int(MARGIN * recording.rate)
    for start in range(0, leads.shape[1], hop):
        first, last = np.searchsorted(beats, (start, start + hop))
        if first == last:
            continue
        begin = max(0, start - margin)
        part = leads[:, begin : start + hop + margin]
        part = part[:, : part.shape[1] // grid.factor * grid.factor]
        signal = bridge_gaps(averaged_down(part, grid.factor))
        if signal.shape[1] < LEAST_SAMPLES:
            continue
        for number, lead in enumerate(signal):  # one at a time: the filter works in float64
            signal[number] = zero_phase(lead, grid.rate, 2, *BAND)
        centres = np.rint((beats[first:last] - begin - (grid.factor - 1) / 2) / grid.factor).astype(np.int64)
        yield _cut(signal, centres, int(first), grid.rate)


def _cut(signal: Floats, centres: Indices, first: int, rate: float) -> BeatWindows:
    lags = tuple(_unit(_window(signal, centres + round(lag * rate), QRS_SPAN, rate)) for lag in LAGS)
    around = _window(signal, centres, WIDTH_SPAN, rate)
    return BeatWindows(
        first=first,
        qrs=_window(signal, centres, QRS_SPAN, rate),
        lags=lags,
        p=_window(signal, centres, P_SPAN, rate),
        t=_window(signal, centres, T_SPAN, rate),
        activity=np.abs(np.diff(around, axis=2)).sum(axis=1),
        rate=rate,
    )


def _window(signal: Floats, centres: Indices, span: tuple[float, float], rate: float) -> Floats:
    offsets = np.arange(round(span[0] * rate), round(span[1] * rate))
    at = np.clip(centres[:, None] + offsets, 0, signal.shape[1] - 1)
    cut = signal[:, at].transpose(1, 0, 2)
    return np.ascontiguousarray(cut - cut.mean(axis=2, keepdims=True))


def _unit(window: Floats) -> Floats:
    flat = window.reshape(len(window), -1)
    return np.asarray(flat / (np.linalg.norm(flat, axis=1, keepdims=True) + 1e-6), np.float32)

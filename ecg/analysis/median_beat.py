"""The representative beat of a short recording: like beats aligned on their QRS, and their median, lead by lead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg.analysis.filters import resampled, zero_phase
from ecg.analysis.prominence import bridge_gaps
from ecg.recording import Recording

Doubles = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

RATE = 500
"""Hz at which beats are measured (IEC 60601-2-25 asks for at least 500 samples a second)"""
BEFORE, AFTER = int(0.45 * RATE), int(0.75 * RATE)
HALF_QRS = int(0.06 * RATE)
SEARCH = int(0.024 * RATE)
BASELINE_HZ, SMOOTH_HZ = 0.5, 40.0
"""zero-phase high-pass (at most 0.67 Hz by AHA 2007), and the low-pass used to find bounds, never to read amplitudes"""
ALIKE = 0.85
"""least correlation of two QRS complexes of one kind"""
COMMON, LEAST_BEATS, NARROWER = 0.2, 3, 0.7
"""a kind with this share of the beats, and at least so many, is common; one this much narrower than the largest is the usual one
(as in `features.dominant_template`)"""
EARLY = 0.8
"""a beat that comes, or is followed, within this share of the median RR is not representative"""


@dataclass(frozen=True, slots=True)
class MedianBeat:
    """`smooth` (for bounds) and `plain` (for amplitudes) are (leads, BEFORE + AFTER) in microvolts at 500 Hz.

    The QRS middle lies at index BEFORE. `beats` are the (n, leads, BEFORE + AFTER) single beats behind `smooth`, and
    `centres` (n,) the samples at 500 Hz at which their middles lie;
    `share` is the share of all complete beats that are of this kind, or of the wider one that it is preferred to; `rr_before` and
    `rr_after` are the medians of the RR intervals before and after these beats, `rr_mean` the mean before them, in seconds.
    """

    leads: tuple[str, ...]
    smooth: Doubles
    plain: Doubles
    beats: Doubles
    centres: Indices
    share: float
    rr_before: float
    rr_after: float
    rr_mean: float


def median_beat(recording: Recording, positions: Indices) -> MedianBeat | None:
    """The dominant beat of a recording with known beat positions (sample indices), or None without a complete beat."""
    plain, positions = _at_measuring_rate(recording, positions)
    if plain.shape[1] <= 3 * RATE or len(positions) < 2:
        return None
    intervals = np.diff(positions) / RATE
    rr = float(np.median(intervals))
    complete = (positions >= BEFORE + SEARCH) & (positions < plain.shape[1] - AFTER - SEARCH)
    if not complete.any():
        return None
    plain = zero_phase(plain, RATE, 2, low=BASELINE_HZ)
    smooth = zero_phase(plain, RATE, 4, high=SMOOTH_HZ)
    centres = _aligned(smooth, positions[complete])
    kind, share = _usual_kind(smooth, centres)
    calm = kind & ~_premature(intervals, rr)[complete]
    used = calm if calm.sum() >= 3 else kind
    chosen, number = centres[used], np.flatnonzero(complete)[used]
    beats = _windows(smooth, chosen, BEFORE, AFTER)
    return MedianBeat(
        leads=recording.leads,
        smooth=np.median(beats, axis=0),
        plain=np.median(_windows(plain, chosen, BEFORE, AFTER), axis=0),
        beats=beats,
        centres=chosen,
        share=share,
        rr_before=float(np.median(np.concatenate((intervals[:1], intervals))[number])),
        rr_after=float(np.median(np.concatenate((intervals, intervals[-1:]))[number])),
        rr_mean=float(np.mean(np.concatenate((intervals[:1], intervals))[number])),
    )


def _at_measuring_rate(recording: Recording, positions: Indices) -> tuple[Doubles, Indices]:
    samples = bridge_gaps(recording.samples).astype(np.float64)
    if recording.rate == RATE:
        return samples, positions
    even = resampled(samples, max(1, round(recording.rate)), RATE)
    return even, np.rint(positions * (RATE / recording.rate)).astype(np.int64)


def _aligned(smooth: Doubles, centres: Indices) -> Indices:
    """Centres moved by at most 24 ms so that the QRS complexes of all leads together match their median best."""
    shifts = np.arange(-SEARCH, SEARCH + 1)
    for _ in range(2):
        template = np.median(_windows(smooth, centres, HALF_QRS, HALF_QRS), axis=0)
        likeness = []
        for shift in shifts:
            trial = _windows(smooth, centres + shift, HALF_QRS, HALF_QRS)
            energy = np.sqrt((trial**2).sum(axis=(1, 2)) * (template**2).sum()) + 1e-9
            likeness.append((trial * template).sum(axis=(1, 2)) / energy)
        centres = centres + shifts[np.argmax(likeness, axis=0)]
        centres = np.clip(centres, BEFORE, smooth.shape[1] - AFTER)
    return centres


def _usual_kind(smooth: Doubles, centres: Indices) -> tuple[npt.NDArray[np.bool_], float]:
    """The beats of the patient's usual kind, the larger of the two commonest unless it is much wider than the other, and the share
    of the beats that are of either.

    A run of ventricular tachycardia may have more beats than the sinus rhythm that it interrupts.
    """
    windows = _windows(smooth, centres, HALF_QRS, HALF_QRS)
    flat = windows.reshape(len(centres), -1)
    flat = flat / (np.linalg.norm(flat, axis=1, keepdims=True) + 1e-9)
    alike = flat @ flat.T
    largest = _kind_around(alike, np.ones(len(centres), bool))
    second = _kind_around(alike, ~largest)
    common = max(LEAST_BEATS, COMMON * len(centres))
    if second.sum() >= common and _width(smooth, centres[second]) < NARROWER * _width(smooth, centres[largest]):
        return second, float((largest | second).mean())
    return largest, float(largest.mean())


def _kind_around(alike: Doubles, free: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The free beats like the one that most others of them are like."""
    if not free.any():
        return free
    near = (alike > ALIKE) & free
    votes = near.sum(axis=1) + np.where(free, alike, 0.0).sum(axis=1) / free.sum() / 2
    centre = int(np.argmax(np.where(free, votes, -np.inf)))
    kind: npt.NDArray[np.bool_] = near[centre]
    kind[centre] = True
    return kind


def _width(smooth: Doubles, centres: Indices) -> float:
    """Time in samples that holds the middle 80 % of the slope's energy around the QRS, in the mean of these beats."""
    beat = _windows(smooth, centres, 2 * HALF_QRS, 2 * HALF_QRS).mean(axis=0)
    share = np.cumsum((np.diff(beat, axis=1) ** 2).sum(axis=0))
    first, last = np.interp((0.1 * share[-1], 0.9 * share[-1]), share, np.arange(len(share)))
    return float(last - first)


def _premature(intervals: Doubles, rr: float) -> npt.NDArray[np.bool_]:
    early = intervals < EARLY * rr
    return np.concatenate(([False], early)) | np.concatenate((early, [False]))


def _windows(signal: Doubles, centres: Indices, before: int, after: int) -> Doubles:
    """(beats, leads, before + after)"""
    return np.stack([signal[:, centre - before : centre + after] for centre in centres])

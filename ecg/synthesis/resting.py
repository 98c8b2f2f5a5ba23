"""A resting twelve-lead ECG of a named kind, with its true beats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from ecg.leads import CHEST, STANDARD_12, derived_limb_leads
from ecg.recording import Device, Patient, Recording
from ecg.synthesis.heart import BEATS, DOWER, P_DURATION, Beat, Floats, atrial, beat_span, ventricular
from ecg.synthesis.noise import Noise, electrode_noise, from_electrodes
from ecg.synthesis.rhythm import RHYTHMS, Course
from ecg.synthesis.waves import twisting, ventricular_chaos

KINDS: Final = tuple(RHYTHMS)
"""The kinds of tracing that can be made."""

DEVICE: Final = Device("synthetic", "ecg.synthesis")
Shape = Callable[[Floats], Floats]
"""Vectors in mV, shape (3, n), at times in ms."""

_FIBRILLATION_MV: Final = 0.055
_FLUTTER_MV: Final = (0.02, -0.16, -0.05)


@dataclass(frozen=True, slots=True)
class Synthetic:
    """A recording and its truth: samples of the beats' fiducial points, their MIT-BIH symbols, and what happens when
    (name, begin, end in seconds)."""

    recording: Recording
    beats: npt.NDArray[np.int64]
    labels: tuple[str, ...]
    episodes: tuple[tuple[str, float, float], ...]


def resting(
    kind: str = "sinus",
    *,
    seconds: float = 10.0,
    rate: float = 500.0,
    seed: int = 0,
    noise: Noise | None = None,
    patient: Patient | None = None,
    start: datetime | None = None,
) -> Synthetic:
    """A twelve-lead ECG of one of `KINDS`, microvolts; the same arguments give the same samples.

    Raises ValueError for a kind that is not known, or a length outside 1 s to 1 h.
    """
    if kind not in RHYTHMS:
        raise ValueError(f"no synthetic ECG of kind {kind!r}; there is {', '.join(KINDS)}")
    if not 1 <= seconds <= 3600:
        raise ValueError(f"{seconds:g} s; a synthetic resting ECG lasts 1 s to 1 h")
    dice = np.random.default_rng(seed)
    course = RHYTHMS[kind](seconds, dice)
    count = round(seconds * rate)
    vectors = _dipole(course, count, rate, dice)
    leads = _leads(vectors, electrode_noise(noise or Noise(), count, rate, dice))
    if kind == "limb-lead-reversal":
        leads = _arms_swapped(leads)
    beats = [(round((at + BEATS[name].peak / 1000) * rate), BEATS[name].label) for at, name in course.beats]
    inside = [(sample, label) for sample, label in beats if 0 <= sample < count]
    recording = Recording(
        leads=STANDARD_12,
        samples=np.stack([leads[name] for name in STANDARD_12]).astype(np.float32),
        rate=rate,
        start=start,
        patient=patient or Patient(),
        device=DEVICE,
        format="synthetic",
    )
    return Synthetic(
        recording,
        np.array([sample for sample, _ in inside], dtype=np.int64),
        tuple(label for _, label in inside),
        tuple(course.episodes),
    )


def _dipole(course: Course, count: int, rate: float, dice: np.random.Generator) -> Floats:
    """The heart's vector in mV, shape (3, count)."""
    vectors = np.zeros((3, count))
    for onset in course.p_waves:
        _add(vectors, onset, (0.0, P_DURATION + 40), rate, atrial)
    before = None
    for onset, name in course.beats:
        rr = min(onset - before, 1.6) if before is not None else 0.8
        before = onset
        beat = BEATS[name]
        size = 1 + 0.04 * np.sin(2 * np.pi * 0.25 * onset) + 0.01 * dice.standard_normal()  # the chest breathes
        _add(vectors, onset, beat_span(beat, rr), rate, partial(_sized, beat, rr, size))
    for begin, end in course.fibrillation:
        _fibrillate(vectors, begin, end, rate, dice)
    for begin, end in course.flutter:
        _flutter(vectors, begin, end, rate)
    for stretches, shape in ((course.chaos, ventricular_chaos), (course.twisting, twisting)):
        for begin, end in stretches:
            first, at = _stretch(begin, end, rate, count)
            vectors[:, first : first + at.size] += shape(at - begin, dice)
    return vectors


def _sized(beat: Beat, rr: float, size: float, at: Floats) -> Floats:
    return size * ventricular(beat, at, rr)


def _add(vectors: Floats, onset: float, span: tuple[float, float], rate: float, shape: Shape) -> None:
    """Add a shape, given in ms after `onset`, to the samples that its span covers."""
    first = max(int(np.ceil((onset + span[0] / 1000) * rate)), 0)
    last = min(int((onset + span[1] / 1000) * rate), vectors.shape[1] - 1)
    if first <= last:
        at = np.arange(first, last + 1) / rate - onset
        vectors[:, first : last + 1] += shape(at * 1000)


def _stretch(begin: float, end: float, rate: float, count: int) -> tuple[int, Floats]:
    first, last = max(round(begin * rate), 0), min(round(end * rate), count)
    return first, np.arange(first, max(last, first)) / rate


def _fibrillate(vectors: Floats, begin: float, end: float, rate: float, dice: np.random.Generator) -> None:
    """Waves of 5 to 8 Hz whose phase and size drift, strongest towards the front right, where V1 sees them."""
    first, at = _stretch(begin, end, rate, vectors.shape[1])
    for x, y, z in ((-0.5, 0.5, -0.8), (0.2, 0.6, -0.4), (-0.3, -0.4, -0.5)):
        speed = dice.uniform(5.2, 7.6)
        knots = np.arange(-1, at[-1] + 2, 0.5) if at.size else np.zeros(1)
        drift = np.interp(at, knots, np.cumsum(dice.normal(0, 0.9, knots.size)))
        size = np.interp(at, knots, dice.uniform(0.5, 1.1, knots.size))
        wave = _FIBRILLATION_MV * size * np.sin(2 * np.pi * speed * at + drift)
        vectors[:, first : first + at.size] += np.outer((x, y, z), wave)


def _flutter(vectors: Floats, begin: float, end: float, rate: float) -> None:
    """A sawtooth of 5 Hz, down in the inferior leads."""
    first, at = _stretch(begin, end, rate, vectors.shape[1])
    phase = at * 5.0 % 1.0
    saw = np.where(phase < 0.7, phase / 0.7, (1 - phase) / 0.3) - 0.5
    kernel = np.hanning(max(round(0.03 * rate), 3))
    vectors[:, first : first + at.size] += np.outer(_FLUTTER_MV, np.convolve(saw, kernel / kernel.sum(), "same"))


def _leads(vectors: Floats, noise: Floats) -> dict[str, Floats]:
    """The twelve leads in microvolts: the dipole seen by each, and the electrodes' noise."""
    seen = {name: np.array(weights) @ vectors * 1000 for name, weights in DOWER.items()}
    seen |= derived_limb_leads(seen["I"], seen["II"])
    disturbed = from_electrodes(noise)
    return {name: seen[name] + disturbed[name] for name in STANDARD_12}


def _arms_swapped(leads: dict[str, Floats]) -> dict[str, Floats]:
    """Right and left arm electrodes exchanged: I inverts, II and III, aVR and aVL change places."""
    swapped = {
        "I": -leads["I"],
        "II": leads["III"],
        "III": leads["II"],
        "aVR": leads["aVL"],
        "aVL": leads["aVR"],
        "aVF": leads["aVF"],
    }
    return swapped | {name: leads[name] for name in CHEST}

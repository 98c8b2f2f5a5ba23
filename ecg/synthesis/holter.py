"""A long-term recording with day and night, ectopy, atrial fibrillation, pauses, a ventricular run; and its truth."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from ecg.leads import derived_limb_leads
from ecg.recording import Patient, Recording
from ecg.synthesis.heart import BEATS, DOWER, P_DURATION, atrial, beat_span, ventricular
from ecg.synthesis.resting import DEVICE, Synthetic

Random = np.random.Generator
Samples = npt.NDArray[np.float32]

LEADS: Final = ("V5", "V1", "aVF")
"""The usual three channels of a recorder, each near the lead that names it."""

PR: Final = 0.15
RR_STEP: Final = 0.05
"""Width in seconds of the classes of RR interval that share one shape of beat."""

CHUNK_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True)
class Day:
    """The events of a day: shares of beats that are premature, and hours after the start at which things begin.

    Things that begin after the recording's end do not happen.
    """

    ventricular_share: float = 0.004
    supraventricular_share: float = 0.002
    fibrillation: tuple[tuple[float, float], ...] = ((16.5, 0.7),)
    """(hour, hours) of atrial fibrillation."""
    pauses: tuple[tuple[float, float], ...] = ((14.2, 2.6), (15.1, 3.2), (17.9, 3.6))
    """(hour, seconds) of sinus arrest."""
    runs: tuple[tuple[float, int], ...] = ((6.4, 7),)
    """(hour, beats) of ventricular tachycardia."""
    artefacts_an_hour: float = 2.0


@dataclass(slots=True)
class _Beats:
    """Beats as they are laid down: onset in seconds, kind, label, RR before, and whether a P wave leads."""

    onsets: list[float] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    atrial: list[bool] = field(default_factory=list)
    episodes: list[tuple[str, float, float]] = field(default_factory=list)

    def add(self, onset: float, kind: str, label: str, *, p_wave: bool) -> None:
        self.onsets.append(onset)
        self.kinds.append(kind)
        self.labels.append(label)
        self.atrial.append(p_wave)


def holter(
    hours: float = 24.0,
    *,
    rate: float = 250.0,
    seed: int = 0,
    day: Day | None = None,
    patient: Patient | None = None,
    start: datetime | None = None,
) -> Synthetic:
    """A three-lead recording beginning at `start` (10 in the morning where none is given), microvolts.

    The same arguments give the same samples. Raises ValueError for lengths outside 0.05 to 72 hours.
    """
    if not 0.05 <= hours <= 72:
        raise ValueError(f"{hours:g} h; a synthetic Holter lasts 0.05 to 72")
    dice = np.random.default_rng(seed)
    day = day or Day()
    seconds = hours * 3600
    first_hour = start.hour + start.minute / 60 if start else 10.0
    beats = _course(seconds, first_hour, day, dice)
    samples = np.zeros((len(LEADS), round(seconds * rate)), np.float32)
    _draw_beats(samples, rate, beats)
    for name, begin, end in beats.episodes:
        if name == "AF":
            _fibrillate(samples, rate, begin, end, dice)
    _disturb(samples, rate, day, dice)
    peaks = np.array([BEATS[kind].peak / 1000 for kind in beats.kinds])
    fiducials = np.rint((np.array(beats.onsets) + peaks) * rate).astype(np.int64)
    inside = (fiducials >= 0) & (fiducials < samples.shape[1])
    return Synthetic(
        Recording(
            leads=LEADS,
            samples=samples,
            rate=rate,
            start=start,
            patient=patient or Patient(),
            device=DEVICE,
            format="synthetic",
        ),
        fiducials[inside],
        tuple(label for label, kept in zip(beats.labels, inside.tolist(), strict=True) if kept),
        tuple(beats.episodes),
    )


def _pulse(hour: float) -> float:
    """Sinus rate a minute by the hour of the day: lowest at 4, a long high day."""
    return float(68 - 13 * np.cos(2 * np.pi * (hour - 4) / 24) + 3 * np.sin(2 * np.pi * hour / 3.7))


def _course(seconds: float, first_hour: float, day: Day, dice: Random) -> _Beats:
    """Every beat from before the beginning to after the end."""
    beats = _Beats()
    planned = sorted(
        [(hour * 3600, "AF", hours * 3600.0) for hour, hours in day.fibrillation]
        + [(hour * 3600, "pause", span) for hour, span in day.pauses]
        + [(hour * 3600, "VT", float(count)) for hour, count in day.runs]
    )
    at = -1.0
    while at < seconds:
        if planned and planned[0][0] <= at:
            _, name, size = planned.pop(0)
            begin = beats.onsets[-1]
            at = {"AF": _fibrillation, "pause": _pause, "VT": _run}[name](beats, at, size, dice)
            beats.episodes.append((name, begin, min(beats.onsets[-1], seconds)))
            continue
        hour = first_hour + at / 3600
        swing = 0.035 * np.sin(2 * np.pi * 0.24 * at) + 0.03 * np.sin(2 * np.pi * 0.09 * at)
        rr = 60 / _pulse(hour) * float(1 + swing + 0.012 * dice.standard_normal())
        at = _sinus_beat(beats, at, rr, day, dice.random())
    return beats


def _sinus_beat(beats: _Beats, at: float, rr: float, day: Day, chance: float) -> float:
    """Add the beat due at `at`, sinus or premature; the time of the next comes back."""
    before = beats.onsets[-1] if beats.onsets else at - rr
    if chance < day.ventricular_share:
        beats.add(before + 0.6 * (at - before), "PVC", "V", p_wave=False)
        return at + rr  # full compensation: the sinus beat at `at` finds the ventricles refractory
    if chance < day.ventricular_share + day.supraventricular_share:
        early = before + 0.68 * (at - before)
        beats.add(early, "normal", "A", p_wave=True)
        return early + 1.12 * rr
    beats.add(at, "normal", "N", p_wave=True)
    return at + rr


def _fibrillation(beats: _Beats, at: float, span: float, dice: Random) -> float:
    end = at + span
    while at < end:
        beats.add(at, "normal", "N", p_wave=False)
        at += max(0.34, 0.62 * float(dice.gamma(20, 1 / 20)))
    return at + 0.9


def _pause(beats: _Beats, at: float, span: float, dice: Random) -> float:
    end = beats.onsets[-1] + span
    beats.add(end, "normal", "N", p_wave=True)
    return end + 60 / 62 * float(1 + 0.01 * dice.standard_normal())


def _run(beats: _Beats, at: float, count: float, dice: Random) -> float:
    at = beats.onsets[-1] + 0.42
    for _ in range(int(count)):
        beats.add(at, "VT", "V", p_wave=False)
        at += 60 / 168 * float(1 + 0.01 * dice.standard_normal())
    return at + 0.6


def _seen() -> npt.NDArray[np.float64]:
    """Weights, shape (leads, 3), by which each lead sees the dipole."""
    rows = {name: np.array(weights) for name, weights in DOWER.items()}
    limb = derived_limb_leads(rows["I"], rows["II"])
    return np.stack([(rows | limb)[name] for name in LEADS])


def _draw_beats(samples: Samples, rate: float, beats: _Beats) -> None:
    """Add every beat's shape at its place; beats of one kind after similar RR intervals share one shape."""
    seen = _seen() * 1000
    p_span = np.arange(round((P_DURATION + 40) / 1000 * rate)) / rate * 1000
    p_wave = (seen @ atrial(p_span)).astype(np.float32)
    shapes: dict[tuple[str, int], tuple[int, Samples]] = {}
    intervals = np.clip(np.diff(beats.onsets, prepend=beats.onsets[0] - 0.8), 0.3, 1.6)
    for onset, kind, rr, led in zip(beats.onsets, beats.kinds, intervals.tolist(), beats.atrial, strict=True):
        key = kind, round(rr / RR_STEP)
        if key not in shapes:
            first, last = beat_span(BEATS[kind], rr)
            steps = np.arange(int(np.floor(first / 1000 * rate)), int(last / 1000 * rate) + 1)
            shape = ventricular(BEATS[kind], steps / rate * 1000, key[1] * RR_STEP)
            shapes[key] = int(steps[0]), (seen @ shape).astype(np.float32)
        offset, shape32 = shapes[key]
        at = round(onset * rate)
        _lay(samples, at + offset, shape32)
        if led:
            _lay(samples, at - round(PR * rate), p_wave)


def _lay(samples: Samples, at: int, shape: Samples) -> None:
    """Add `shape`, shape (leads, n), from sample `at` on, as far as it lies within the recording."""
    begin, end = max(at, 0), min(at + shape.shape[1], samples.shape[1])
    if begin < end:
        samples[:, begin:end] += shape[:, begin - at : end - at]


def _fibrillate(samples: Samples, rate: float, begin: float, end: float, dice: Random) -> None:
    """Fibrillatory waves of 5 to 8 Hz with drifting phase, largest in V1."""
    first, last = max(round(begin * rate), 0), min(round(end * rate), samples.shape[1])
    at = np.arange(first, last) / rate
    knots = np.arange(begin - 1, end + 2, 0.5)
    for _ in range(2):
        drift = np.interp(at, knots, np.cumsum(dice.normal(0, 0.9, knots.size)))
        size = np.interp(at, knots, dice.uniform(20, 55, knots.size))
        wave = size * np.sin(2 * np.pi * dice.uniform(5.4, 7.4) * at + drift)
        samples[:, first:last] += np.outer((0.3, 1.0, 0.5), wave).astype(np.float32)


def _disturb(samples: Samples, rate: float, day: Day, dice: Random) -> None:
    """Baseline wander, muscle noise and bursts of movement, ten minutes at a time."""
    leads, length = samples.shape
    step = round(CHUNK_SECONDS * rate)
    carried = np.zeros((leads, 1))
    for begin in range(0, length, step):
        part = samples[:, begin : begin + step]
        count = part.shape[1]
        knots = np.arange(0, count + 2 * rate, rate)
        walk = dice.normal(0, 30, (leads, knots.size))
        walk[:, :1] = carried
        at = np.arange(count)
        for row in range(leads):
            part[row] += np.interp(at, knots, walk[row]).astype(np.float32)
        carried = np.array([[np.interp(count, knots, walk[row])] for row in range(leads)])
        noise = dice.standard_normal((leads, count), dtype=np.float32)
        part += np.float32(4.0) * noise
        for _ in range(dice.poisson(day.artefacts_an_hour * CHUNK_SECONDS / 3600)):
            first = int(dice.integers(0, max(count - round(12 * rate), 1)))
            burst = part[:, first : first + round(float(dice.uniform(3, 12)) * rate)]
            slow = np.cumsum(dice.standard_normal(burst.shape, dtype=np.float32), axis=1) * np.float32(9)
            edge = np.hanning(burst.shape[1]).astype(np.float32)
            burst += edge * (slow + 60 * dice.standard_normal(burst.shape, dtype=np.float32))

"""ECGs with known beats and intervals, made of Gaussian waves: no file, no noise but what a test asks for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecg.recording import Recording

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
WEIGHTS = {
    "I": 0.7,
    "II": 1.0,
    "III": 0.3,
    "aVR": -0.85,
    "aVL": 0.2,
    "aVF": 0.65,
    "V1": -0.4,
    "V2": 0.5,
    "V3": 0.8,
    "V4": 1.1,
    "V5": 1.0,
    "V6": 0.8,
}
"""limb leads follow Einthoven and Goldberger, so that the axis is known"""
P_AT, T_AT = -0.16, 0.28
"""seconds from the QRS middle"""


def beat_times(intervals: Sequence[float], first: float = 1.0) -> np.ndarray:
    """Times of beats in seconds that lie these RR intervals apart."""
    return first + np.concatenate(([0.0], np.cumsum(intervals)))


def wave(time: np.ndarray, centre: float, width: float, height: float) -> np.ndarray:
    """One Gaussian wave; it is below 1 % of its height beyond three widths."""
    return height * np.exp(-0.5 * ((time - centre) / width) ** 2)


def normal_beat(time: np.ndarray, at: float, p: float = 120.0, st: float = 0.0) -> np.ndarray:
    """P, narrow QRS, T around `at` seconds, in microvolts; `st` lifts the stretch from QRS to T."""
    shape = wave(time, at + P_AT, 0.020, p) + wave(time, at, 0.012, 1000.0) + wave(time, at - 0.024, 0.008, -120.0)
    shape += wave(time, at + 0.026, 0.009, -180.0) + wave(time, at + T_AT, 0.045, 250.0)
    return shape + st * ((time > at + 0.05) & (time < at + 0.20))


def ventricular_beat(time: np.ndarray, at: float) -> np.ndarray:
    """A wide beat without P, T against it, in microvolts."""
    return wave(time, at, 0.045, 1300.0) + wave(time, at + 0.30, 0.06, -500.0)


def recording(
    times: np.ndarray,
    kinds: str | Sequence[str] = "N",
    rate: float = 500.0,
    leads: Sequence[str] = LEADS,
    seconds: float | None = None,
    noise: float = 5.0,
    p: float = 120.0,
    st: float = 0.0,
) -> Recording:
    """Beats at `times`, each N or V, in these leads, with white noise of so many microvolts."""
    length = seconds if seconds is not None else float(times[-1]) + 1.0
    count = round(length * rate)
    source, against = np.zeros(count), np.zeros(count)
    for number, at in enumerate(times):
        kind = kinds[number % len(kinds)]
        first, last = max(0, int((at - 0.4) * rate)), min(count, int((at + 0.8) * rate))
        time = np.arange(first, last) / rate
        if kind == "V":
            against[first:last] += ventricular_beat(time, at)
        else:
            source[first:last] += normal_beat(time, at, p, st)
    dice = np.random.default_rng(7)
    weights = [WEIGHTS.get(lead, 1.0 - 0.3 * row) for row, lead in enumerate(leads)]
    turned = [0.9 - 0.25 * row for row in range(len(leads))]
    rows = [weight * source + turn * against + dice.normal(0, noise, count) for weight, turn in zip(weights, turned, strict=True)]
    return Recording(tuple(leads), np.asarray(rows, np.float32), rate)

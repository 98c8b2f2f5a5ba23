"""Ventricular flutter, polymorphic tachycardia and fibrillation: waves without QRS complexes and without a baseline between them.

Beats cannot be counted there, so the signal itself is asked. Two measures of the literature, both shares from 0 to 1, speak
together in the median lead: how much of the time the signal is away from its middle (Arafat and others 2011, "threshold
crossing sample count"), and how much is left when it is added to itself half a period later (Kuo and Dillman 1978, "VF filter
leakage": a sine leaves nothing, QRS complexes leave almost all). What is found is a suspicion with these numbers, never more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import uniform_filter1d

from ecg.analysis.prominence import averaged_down, bridge_gaps, grid_for
from ecg.recording import Recording

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class WaveLimits:
    """`window` seconds are looked at together, a second apart; an episode lasts `shortest` seconds or more.

    `height`: microvolts peak to peak of the least wave (finer fibrillation is not told from noise); `away`: of the height,
    where the middle ends; `occupied` and `leakage`: least and most of the two shares; `frequency`: Hz. Sinus rhythm, atrial
    fibrillation, bundle branch block, pacing and bigeminy, measured and made, lie at 0.35 and 0.62 at the most extreme, the
    ventricular flutter of MIT-BIH 207 at 0.40-0.77 and 0.22-0.58. `regular`: correlation with the signal `cycles` periods
    later, from which on all waves are alike: flutter; slower than the first frequency of `slow` they are the beats of a
    monomorphic tachycardia, found as such, and nothing here. Waves that change are called polymorphic
    tachycardia up to the first frequency of `slow` (240 a minute; fibrillation is faster), up to the second where each is
    like the next (a correlation of `smooth`), else fibrillation.
    """

    window: int = 4
    shortest: float = 5.0
    height: float = 200.0
    away: float = 0.2
    occupied: float = 0.42
    leakage: float = 0.5
    frequency: tuple[float, float] = (2.6, 9.0)
    regular: float = 0.75
    cycles: int = 5
    smooth: float = 0.75
    slow: tuple[float, float] = (4.0, 4.6)
    alternating: float = 0.15
    """more likeness to the wave after the next than to the next one: these are QRS and T in turn, beats that can be counted"""
    crest: float = 0.2
    """least mean over height that is worth a closer look; a sine has 0.64, a QRS every second 0.05"""


LIMITS = WaveLimits()
KINDS = ("ventricular-flutter", "polymorphic-tachycardia", "ventricular-fibrillation")
CHUNK = 800
"""seconds held at a time"""
SMOOTH, MIDDLE = 0.04, 1.0
"""seconds of the running means that take out mains and muscle, and the baseline"""


@dataclass(frozen=True, slots=True)
class Waves:
    """One episode: sample indices, `kind` of KINDS, waves a minute, and the medians of the measures that speak for it."""

    first: int
    last: int
    kind: str
    rate: float
    occupied: float
    leakage: float
    regularity: float


def ventricular_waves(recording: Recording, limits: WaveLimits = LIMITS) -> list[Waves]:
    """Episodes in order of time, looked for in all leads together; none in a recording shorter than one window."""
    grid = grid_for(recording.rate)
    second = round(grid.rate)
    seconds = recording.samples.shape[1] // grid.factor // second
    found: dict[int, Doubles] = {}
    for start in range(0, seconds - limits.window + 1, CHUNK):
        stop = min(start + CHUNK + limits.window - 1, seconds)
        part = recording.samples[:, start * second * grid.factor : stop * second * grid.factor]
        signal = _steady(averaged_down(part, grid.factor), grid.rate)
        found |= {start + at: numbers for at, numbers in _windows(signal, second, limits).items()}
    episodes = [_episode(run, found, second * grid.factor, limits) for run in _runs(sorted(found), limits)]
    return [wave for wave in episodes if wave.kind != KINDS[0] or wave.rate >= 60 * limits.slow[0]]


def _steady(samples: Floats, rate: float) -> Floats:
    signal = bridge_gaps(samples)
    for lead in signal:
        smooth = uniform_filter1d(lead, max(1, round(SMOOTH * rate)))
        lead[:] = smooth - uniform_filter1d(smooth, max(1, round(MIDDLE * rate)))
    return signal


def _windows(signal: Floats, second: int, limits: WaveLimits) -> dict[int, Doubles]:
    """Numbers of the windows, by their first second, in which most leads that show anything show waves: those of `_numbers`,
    and the likeness to the next period and to that `cycles` later."""
    cells = signal.reshape(len(signal), -1, second)
    means, tops = np.abs(cells).mean(axis=2), np.maximum(cells.max(axis=2), -cells.min(axis=2))
    height = sliding_window_view(tops, limits.window, axis=1).max(axis=2)
    mean = sliding_window_view(means, limits.window, axis=1).mean(axis=2)
    shown = 2 * height >= limits.height
    crest = np.nanmedian(np.where(shown, mean / np.maximum(height, 1e-3), np.nan)[:, shown.any(axis=0)], axis=0)
    found = {}
    for at in np.flatnonzero(shown.any(axis=0))[crest >= limits.crest]:
        leads = cells[shown[:, at], at : at + limits.window].reshape(int(shown[:, at].sum()), -1).astype(np.float64)
        frequency, occupied, leakage = numbers = np.median([_numbers(lead, second, limits) for lead in leads], axis=0)
        if limits.frequency[0] <= frequency <= limits.frequency[1] and occupied >= limits.occupied and leakage <= limits.leakage:
            period = second / frequency
            each, pair, later = (np.median([_likeness(lead, period * n) for lead in leads]) for n in (1, 2, limits.cycles))
            if pair - each <= limits.alternating:
                found[int(at)] = np.array([*numbers, each, later])
    return found


def _numbers(lead: Doubles, rate: float, limits: WaveLimits) -> tuple[float, float, float]:
    """Frequency in Hz, share of the time away from the middle, and leakage."""
    size = np.abs(lead)
    half = np.pi * size.sum() / max(float(np.abs(np.diff(lead)).sum()), 1e-9)  # samples of half a period, exact for a sine
    shift = min(max(round(half), 1), len(lead) // 3)
    late, early = lead[shift:], lead[:-shift]
    leakage = np.abs(late + early).sum() / max(float((np.abs(late) + np.abs(early)).sum()), 1e-9)
    occupied = float((size > limits.away * size.max()).mean())
    return rate / (2 * half), occupied, float(leakage)


def _likeness(lead: Doubles, lag: float) -> float:
    """Highest correlation of a lead with itself about `lag` samples later."""
    best = -1.0
    for shift in range(max(1, int(0.85 * lag)), int(1.15 * lag) + 2):
        if shift > len(lead) // 2:
            break
        late, early = lead[shift:], lead[:-shift]
        best = max(best, float((late * early).sum() / np.sqrt((late**2).sum() * (early**2).sum() + 1e-9)))
    return best


def _runs(seconds: list[int], limits: WaveLimits) -> list[list[int]]:
    """Windows that follow each other within half a window; the time of an episode is that which its windows share."""
    runs: list[list[int]] = []
    for second in seconds:
        if runs and second - runs[-1][-1] <= limits.window // 2 + 1:
            runs[-1].append(second)
        else:
            runs.append([second])
    return [run for run in runs if run[-1] - run[0] + limits.window >= limits.shortest]


def _episode(run: list[int], found: dict[int, Doubles], second: int, limits: WaveLimits) -> Waves:
    frequency, occupied, leakage, smooth, regular = (float(number) for number in np.median([found[at] for at in run], axis=0))
    is_slow = frequency <= limits.slow[0] or (smooth >= limits.smooth and frequency <= limits.slow[1])
    kind = KINDS[0] if regular >= limits.regular else KINDS[1] if is_slow else KINDS[2]
    return Waves(run[0] * second, (run[-1] + limits.window) * second, kind, 60 * frequency, occupied, leakage, regular)

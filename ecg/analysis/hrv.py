"""Heart rate variability of normal-to-normal intervals (Task Force of ESC and NASPE 1996)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg.analysis.filters import power_density

Doubles = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Classes = npt.NDArray[np.str_]

SEGMENT = 300.0
"""seconds: the five-minute segments of SDANN and of the spectrum"""
SHORTEST_RR, LONGEST_RR, JUMP = 0.3, 2.0, 0.2
"""seconds; intervals outside, or more than a fifth away from the normal one before, are not normal-to-normal (Malik 1989)"""
SPECTRUM_RATE = 4.0
BANDS = {"vlf": (0.0033, 0.04), "lf": (0.04, 0.15), "hf": (0.15, 0.40)}
"""Hz (Task Force 1996)"""
LEAST_INTERVALS = 30
LEAST_SHARE = 0.8
"""of a segment's time that must be covered by normal intervals to take its spectrum"""


@dataclass(frozen=True, slots=True)
class HeartRateVariability:
    """`sdnn`, `sdann`, `rmssd` in ms; `pnn50` in percent; `vlf`, `lf`, `hf` in ms²; None where too little is normal."""

    intervals: int = 0
    mean_nn: float | None = None
    sdnn: float | None = None
    sdann: float | None = None
    rmssd: float | None = None
    pnn50: float | None = None
    vlf: float | None = None
    lf: float | None = None
    hf: float | None = None
    lf_hf: float | None = None


def variability(beats: Indices, rate: float, classes: Classes) -> HeartRateVariability:
    """HRV over all normal-to-normal intervals of a recording."""
    times, intervals, joined = normal_intervals(beats, rate, classes)
    if len(intervals) < LEAST_INTERVALS:
        return HeartRateVariability(intervals=len(intervals))
    steps = np.diff(intervals)[joined[1:]] * 1000
    segment = (times // SEGMENT).astype(np.int64)
    means = [intervals[segment == k].mean() for k in np.unique(segment) if (segment == k).sum() >= LEAST_INTERVALS]
    bands = _spectrum(times, intervals, segment)
    lf, hf = bands.get("lf"), bands.get("hf")
    return HeartRateVariability(
        intervals=len(intervals),
        mean_nn=float(intervals.mean() * 1000),
        sdnn=float(intervals.std(ddof=1) * 1000),
        sdann=float(np.std(means, ddof=1) * 1000) if len(means) > 1 else None,
        rmssd=float(np.sqrt((steps**2).mean())) if len(steps) else None,
        pnn50=float(100 * (np.abs(steps) > 50).mean()) if len(steps) else None,
        vlf=bands.get("vlf"),
        lf=lf,
        hf=hf,
        lf_hf=lf / hf if lf is not None and hf else None,
    )


def normal_intervals(beats: Indices, rate: float, classes: Classes) -> tuple[Doubles, Doubles, npt.NDArray[np.bool_]]:
    """Time of the second beat and length (both s) of each normal interval, and whether it follows another directly."""
    if len(beats) < 2:
        return np.zeros(0), np.zeros(0), np.zeros(0, bool)
    times = beats / rate
    intervals = np.diff(times)
    normal = (classes[1:] == "N") & (classes[:-1] == "N") & (intervals >= SHORTEST_RR) & (intervals <= LONGEST_RR)
    candidates = intervals[normal]
    normal[normal] = np.concatenate(([True], np.abs(np.diff(candidates)) <= JUMP * candidates[:-1]))[: len(candidates)]
    joined = np.concatenate(([False], normal[:-1]))[normal]
    return times[1:][normal], intervals[normal], joined


def _spectrum(times: Doubles, intervals: Doubles, segment: Indices) -> dict[str, float]:
    """Mean band power in ms² over the five-minute segments that are normal enough."""
    powers: dict[str, list[float]] = {name: [] for name in BANDS}
    for k in np.unique(segment):
        here = segment == k
        if intervals[here].sum() < LEAST_SHARE * SEGMENT:
            continue
        grid = np.arange(times[here][0], times[here][-1], 1 / SPECTRUM_RATE)
        frequency, density = power_density(np.interp(grid, times[here], intervals[here] * 1000), SPECTRUM_RATE)
        width = frequency[1] - frequency[0]
        for name, (low, high) in BANDS.items():
            powers[name].append(float(density[(frequency >= low) & (frequency < high)].sum() * width))
    return {name: float(np.mean(values)) for name, values in powers.items() if values}

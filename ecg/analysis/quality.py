"""How well each lead can be read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg.analysis.prominence import averaged_down, bridge_gaps, grid_for
from ecg.recording import Recording

Floats = npt.NDArray[np.float32]

BLOCK = 1.0
"""seconds; every number is the median, or the share, over blocks of this length"""
FLAT = 5.0
"""microvolts peak to peak in a block (one step of a common converter)"""
CLIPPED_RUN = 0.03
"""seconds at the very highest or lowest value: no ECG stays at its extreme this long"""


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """Least or most of each number for "good" and for "fair"; beyond is "poor".

    Noise and baseline limits follow what hides a P wave (0.1 mV) and leaves a 10 mm/mV strip readable.
    """

    missing: tuple[float, float] = (0.02, 0.2)
    flat: tuple[float, float] = (0.05, 0.3)
    clipped: tuple[float, float] = (0.01, 0.1)
    noise: tuple[float, float] = (20.0, 60.0)
    baseline: tuple[float, float] = (500.0, 1500.0)


LIMITS = QualityLimits()


@dataclass(frozen=True, slots=True)
class LeadQuality:
    """`missing`, `flat`, `clipped`: shares of the time, 0 to 1; `noise` (root mean square above 25 Hz between beats) and
    `baseline` (peak to peak of one-second means in ten seconds) in microvolts; `grade` good, fair or poor; `reasons`
    names the numbers beyond "good".
    """

    lead: str
    missing: float
    flat: float
    clipped: float
    noise: float
    baseline: float
    grade: str
    reasons: tuple[str, ...]


def signal_quality(recording: Recording, limits: QualityLimits = LIMITS) -> list[LeadQuality]:
    """Quality of each lead, in the recording's order."""
    return [_lead_quality(name, recording.samples[row], recording.rate, limits) for row, name in enumerate(recording.leads)]


def _lead_quality(name: str, samples: Floats, rate: float, limits: QualityLimits) -> LeadQuality:
    numbers = {
        "missing": float(np.isnan(samples).mean()) if len(samples) else 1.0,
        "flat": _flat(samples, rate),
        "clipped": _clipped(samples, rate),
        "noise": _noise(samples, rate),
        "baseline": _baseline(samples, rate),
    }
    beyond = {key: value > getattr(limits, key)[0] for key, value in numbers.items()}
    poor = any(value > getattr(limits, key)[1] for key, value in numbers.items())
    grade = "poor" if poor else "fair" if any(beyond.values()) else "good"
    return LeadQuality(name, **numbers, grade=grade, reasons=tuple(key for key, is_beyond in beyond.items() if is_beyond))


def _blocks(samples: Floats, rate: float) -> Floats:
    size = max(1, int(BLOCK * rate))
    whole = len(samples) // size * size
    blocks = samples[:whole].reshape(-1, size)
    return blocks[~np.isnan(blocks).any(axis=1)]


def _flat(samples: Floats, rate: float) -> float:
    blocks = _blocks(samples, rate)
    return float((np.ptp(blocks, axis=1) < FLAT).mean()) if len(blocks) else 0.0


def _clipped(samples: Floats, rate: float) -> float:
    """Share of samples in runs at the highest or lowest value of the whole lead."""
    known = samples[~np.isnan(samples)]
    run = max(3, int(CLIPPED_RUN * rate))
    if len(known) <= run or np.ptp(known) < FLAT:
        return 0.0
    at_limit = (known == known.max()) | (known == known.min())
    edges = np.flatnonzero(np.diff(np.concatenate(([0], at_limit.astype(np.int8), [0]))))
    lengths = edges[1::2] - edges[::2]
    return float(lengths[lengths >= run].sum() / len(known))


def _noise(samples: Floats, rate: float) -> float:
    """The quiet part of each second: the lower quartile of the energy of 40 ms pieces, so that QRS does not count."""
    grid = grid_for(rate)
    whole = len(samples) // grid.factor * grid.factor
    signal = bridge_gaps(averaged_down(samples[None, :whole], grid.factor))[0].astype(np.float64)
    piece = max(3, round(0.04 * grid.rate))
    if len(signal) < 25 * piece:
        return 0.0
    rough = np.diff(signal, 2)
    """second difference: at 125 Hz its gain is 4 at the Nyquist frequency and below 0.1 for P and T"""
    energy = (rough[: len(rough) // piece * piece].reshape(-1, piece) ** 2).mean(axis=1)
    return float(np.sqrt(np.quantile(energy, 0.25)) / np.sqrt(6.0))


def _baseline(samples: Floats, rate: float) -> float:
    means = _blocks(samples, rate).mean(axis=1)
    if len(means) < 2:
        return 0.0
    ten = [np.ptp(means[start : start + 10]) for start in range(0, len(means), 10)]
    return float(np.median(ten))

"""Filters for display. They never touch what is measured; what is drawn says which one it went through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import signal

NOTCH_QUALITY: Final = 30.0
"""Centre frequency over -3 dB width: 1.7 Hz at 50 Hz."""

DIAGNOSTIC_LOW_PASS: Final = 150.0
"""Hz that a low-pass must reach for an adult's ECG to be diagnostic (AHA/ACC/HRS 2007, part I)."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Zero-phase filters in Hz, None where a stage is absent: high-pass, low-pass and mains notch."""

    high_pass: float | None = None
    low_pass: float | None = None
    notch: float | None = None

    @property
    def diagnostic(self) -> bool:
        """True if amplitudes and ST segments keep their diagnostic value.

        AHA/ACC/HRS 2007: a high-pass of 0.05 Hz, or up to 0.67 Hz where the phase is zero, as it is here; a low-pass
        of at least 150 Hz.
        """
        low = self.low_pass is None or self.low_pass >= DIAGNOSTIC_LOW_PASS
        return low and (self.high_pass is None or self.high_pass <= 0.67)


FILTERS: Final[Mapping[str, Filter]] = {
    "none": Filter(),
    "diagnostic": Filter(0.05, 150.0),
    "baseline": Filter(0.67, 150.0),
    "muscle": Filter(0.67, 40.0),
}
"""By name: as recorded; the diagnostic band; steadier baseline; for noisy tracings, not diagnostic."""


def with_notch(base: Filter, mains: float) -> Filter:
    """The filter with a notch at the mains frequency, 50 or 60 Hz."""
    return Filter(base.high_pass, base.low_pass, mains)


def effective(chosen: Filter, rate: float) -> Filter:
    """The filter without the stages that do nothing at this rate: those at or above half of it."""

    def kept(frequency: float | None) -> float | None:
        return frequency if frequency is not None and frequency < rate / 2 else None

    return Filter(kept(chosen.high_pass), kept(chosen.low_pass), kept(chosen.notch))


def filtered(samples: npt.NDArray[np.float32], rate: float, chosen: Filter) -> npt.NDArray[np.float32]:
    """Samples, shape (leads, n), after the filter; a stage at or above half the rate does nothing; NaN stays NaN.

    Each stage runs forwards and backwards, so its phase is zero; cut-offs are placed so that the two runs together
    attenuate by 3 dB at the frequency named.
    """
    stages = stages_of(rate, chosen)
    if not stages:
        return samples
    out = np.empty_like(samples)
    for row, lead in enumerate(samples):
        good = np.isfinite(lead)
        if good.sum() < 2:
            out[row] = lead
            continue
        whole = np.interp(np.arange(lead.size), np.flatnonzero(good), lead[good]).astype(np.float64)
        for stage in stages:
            # Mirrored at the ends: the usual point reflection turns a slow drift into a step there.
            whole = signal.sosfiltfilt(stage, whole, padtype="even", padlen=min(lead.size - 1, int(10 * rate)))
        out[row] = np.where(good, whole, np.nan)
    return out


def stages_of(rate: float, chosen: Filter) -> list[npt.NDArray[np.float64]]:
    """Second-order sections of each stage for this rate; every stage is meant to run forwards and backwards."""
    used = effective(chosen, rate)
    stages = []
    if used.high_pass is not None:
        stages.append(signal.butter(1, _cut_off(used.high_pass, rate, 1), "highpass", fs=rate, output="sos"))
    if used.low_pass is not None:
        stages.append(signal.butter(2, _cut_off(used.low_pass, rate, -2), "lowpass", fs=rate, output="sos"))
    if used.notch is not None:
        stages.append(signal.tf2sos(*signal.iirnotch(used.notch, NOTCH_QUALITY, fs=rate)))
    return stages


def _cut_off(frequency: float, rate: float, order: int) -> float:
    """Cut-off of a Butterworth design whose two runs attenuate by 3 dB at `frequency`; `order` is negative for a
    low-pass. One run's power is 1 / (1 + r^2n) with r the ratio of the tangents of pi f / rate (bilinear transform);
    both runs halve it where r^2n = sqrt(2) - 1."""
    ratio = (2**0.5 - 1) ** (1 / (2 * order))
    return float(np.arctan(np.tan(np.pi * frequency / rate) * ratio) * rate / np.pi)

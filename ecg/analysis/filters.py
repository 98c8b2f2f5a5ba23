"""Zero-phase Butterworth filters, resampling and a spectrum by the Fourier transform; NumPy alone.

`scipy.signal` offers the same, and holds 50 MB from the moment it is imported: as much as the analysis of a whole day.
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Real = TypeVar("Real", np.float32, np.float64)

EDGE = 5.0
"""seconds, or the whole signal where it is shorter, mirrored through each end point so that the ends stay calm"""


def zero_phase(
    signal: npt.NDArray[Real], rate: float, order: int, low: float | None = None, high: float | None = None
) -> npt.NDArray[Real]:
    """`signal` through a digital Butterworth filter forwards and backwards along its last axis; float32 stays float32.

    `low` and `high` are the -6 dB bounds of the band in Hz, None for an open end. The gain is that of a bilinear
    Butterworth filter of `order` applied twice (Oppenheim and Schafer, Discrete-Time Signal Processing, 7.1). Raises
    ValueError for a bound that is not between 0 and half the rate.
    """
    count = signal.shape[-1]
    edge = max(0, min(count - 1, int(EDGE * rate)))
    extended = _mirrored(signal, edge, _quick_length(count + 2 * edge))
    spectrum = np.fft.rfft(extended)
    spectrum *= _gain(extended.shape[-1], rate, order, low, high)
    return np.fft.irfft(spectrum, extended.shape[-1])[..., edge : edge + count].astype(signal.dtype, copy=False)


def resampled(signal: Doubles, rate: int, wanted: int) -> Doubles:
    """`signal` at `wanted` instead of `rate` samples a second along its last axis, band-limited."""
    common = gcd(rate, wanted)
    up, down = wanted // common, rate // common
    count = signal.shape[-1]
    edge = max(0, min(count - 1, int(EDGE * rate))) // down * down
    extended = _mirrored(signal, edge, -(-(count + 2 * edge) // down) * down)
    length = extended.shape[-1] // down * up
    spectrum = np.fft.rfft(extended)
    longer = np.zeros((*spectrum.shape[:-1], length // 2 + 1), complex)
    shared = min(spectrum.shape[-1], longer.shape[-1])
    longer[..., :shared] = spectrum[..., :shared]
    out = np.fft.irfft(longer, length) * (up / down)
    first = edge // down * up
    return np.asarray(out[..., first : first + -(-count * up // down)], np.float64)


def power_density(values: Doubles, rate: float) -> tuple[Doubles, Doubles]:
    """Frequencies (Hz) and one-sided power density of evenly sampled values, straight line removed, Hann window."""
    time = np.arange(len(values), dtype=np.float64)
    level = values - np.polyval(np.polyfit(time, values, 1), time)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * time / len(values))
    power = np.abs(np.fft.rfft(level * window)) ** 2 / (rate * (window**2).sum())
    power[1 : (len(values) + 1) // 2] *= 2
    return np.asarray(np.fft.rfftfreq(len(values), 1 / rate), np.float64), np.asarray(power, np.float64)


def _quick_length(least: int) -> int:
    """The smallest length of at least so many samples that transforms quickly: 4, 5 or 6 times a power of two."""
    doublings = max(0, (least - 1).bit_length() - 3)
    return next(size << doublings for size in (4, 5, 6, 8) if size << doublings >= least)


@lru_cache(maxsize=8)
def _gain(length: int, rate: float, order: int, low: float | None, high: float | None) -> npt.NDArray[np.float32]:
    frequency = np.fft.rfftfreq(length, 1 / rate)
    for bound in (low, high):
        if bound is not None and not 0 < bound < rate / 2:
            raise ValueError(f"a bound of {bound} Hz does not lie between 0 and half of {rate} Hz")
    with np.errstate(divide="ignore", over="ignore"):
        warped = np.tan(np.pi * np.minimum(frequency / rate, 0.4999))
        if low is not None and high is not None:
            first, last = np.tan(np.pi * low / rate), np.tan(np.pi * high / rate)
            ratio = (warped**2 - first * last) / (warped * (last - first))
        elif high is not None:
            ratio = warped / np.tan(np.pi * high / rate)
        elif low is not None:
            ratio = np.tan(np.pi * low / rate) / warped
        else:
            ratio = np.zeros_like(warped)
        return np.asarray(1 / (1 + ratio ** (2 * order)), np.float32)


def _mirrored(samples: npt.NDArray[Real], edge: int, length: int) -> npt.NDArray[Real]:
    """`edge` samples mirrored through the first point, the signal, and the rest of `length` mirrored through the last one.

    What mirroring cannot fill goes on level.
    """
    count = samples.shape[-1]
    after = length - count - edge
    behind = 2 * samples[..., -1:] - samples[..., max(count - 1 - after, 0) : count - 1][..., ::-1]
    parts = [2 * samples[..., :1] - samples[..., edge:0:-1], samples, behind]
    filled = behind.shape[-1]
    if filled < after:
        last = behind[..., -1:] if filled else samples[..., -1:]
        parts.append(np.repeat(last, after - filled, axis=-1))
    return np.concatenate(parts, axis=-1)

"""Lines in a picture that its neighbours do not share: dead detector rows, and stripes that come again and again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ODD = 12.0
"""Robust deviations by which a line's step exceeds those of its neighbours."""
_AGREED = 0.8
"""Part of the line's pixels that must step the same way: an edge of the anatomy rarely runs so straight and so far."""
_MAX_ROWS = 32
_AROUND = 10
"""Frequencies on either side that one is measured by."""
_FAINTEST = 0.005
"""Of the picture's standard deviation: the least amplitude of a stripe that an eye could see."""
_SLOWEST = 0.06
"""Cycles per pixel from which a periodic line is no anatomy."""


def dead_lines(units: Floats) -> list[int]:
    """Rows whose pixels nearly all lie on one side of both their neighbours, and by far more than rows do elsewhere."""
    if units.shape[0] < 8:
        return []
    beside = (units[:-2] + units[2:]) / 2
    step = units[1:-1] - beside
    size = np.abs(np.median(step, axis=1))
    middle = float(np.median(size))
    spread = 1.4826 * float(np.median(np.abs(size - middle))) + 1e-3 * float(units.std()) + 1e-9
    above, below = units[1:-1] - units[:-2], units[1:-1] - units[2:]
    agreed = np.maximum(((above > 0) & (below > 0)).mean(axis=1), ((above < 0) & (below < 0)).mean(axis=1))
    found = np.nonzero((size > middle + _ODD * spread) & (agreed > _AGREED))[0] + 1
    # The neighbours of a dead line step against it: of adjacent ones the largest counts.
    kept: list[int] = []
    for row in found:
        if kept and row - kept[-1] <= 1:
            if size[row - 1] > size[kept[-1] - 1]:
                kept[-1] = int(row)
        else:
            kept.append(int(row))
    return kept[:_MAX_ROWS]


def stripe_power(units: Floats) -> float:
    """Power of the strongest single frequency in the row means over that of its neighbours in the spectrum, above
    `_SLOWEST` cycles per pixel; 0 where its amplitude is nothing beside the picture's contrast."""
    profile = units.mean(axis=1)
    if profile.size < 32:
        return 0.0
    changes = np.diff(profile) * np.hanning(profile.size - 1)
    power = np.abs(np.fft.rfft(changes)) ** 2
    frequencies = np.fft.rfftfreq(changes.size)
    amplitude = 4 * np.sqrt(power) / changes.size  # the window halves it, and half of it stands at the negative frequency
    # Anatomy falls off smoothly with frequency, a stripe stands out: each frequency is measured by those around it.
    around = np.lib.stride_tricks.sliding_window_view(np.pad(power, _AROUND, mode="edge"), 2 * _AROUND + 1)
    beside = np.median(np.delete(around, [_AROUND - 1, _AROUND, _AROUND + 1], axis=1), axis=1)
    seen = (frequencies > _SLOWEST) & (amplitude > _FAINTEST * float(units.std()))
    return float((power[seen] / np.maximum(beside[seen], 1e-12)).max()) if seen.any() else 0.0

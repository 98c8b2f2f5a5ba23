"""Samples as points on the sheet."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from ecg.drawing.primitives import Points, Polyline

FINEST_MM: Final = 0.05
"""Points closer than this are drawn as their lowest and highest: half the width of a pen."""


def traces(
    samples: npt.NDArray[np.float32],
    rate: float,
    place: tuple[float, float],
    scale: tuple[float, float],
    bounds: tuple[float, float],
) -> list[Polyline]:
    """One lead as connected lines; a gap (NaN), or what would leave the `bounds` (top, bottom), breaks the line.

    `samples` are microvolts, shape (n,), at `rate` Hz; `place` is x of the first sample and y of zero in mm; `scale` is
    mm/s and mm/mV.
    """  # fmt: skip
    speed, gain = scale
    x = place[0] + np.arange(samples.size) * (speed / rate)
    y = place[1] - samples.astype(np.float64) * (gain / 1000)
    y[(y < bounds[0]) | (y > bounds[1])] = np.nan
    points = np.column_stack((x, y))
    good = np.isfinite(y)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], good, [False]))))
    return [
        Polyline(_thinned(points[begin:end], speed / rate), "trace")
        for begin, end in zip(edges[::2], edges[1::2], strict=True)
        if end - begin > 1
    ]


def _thinned(points: Points, step: float) -> Points:
    """The points themselves, or the lowest and highest of each bin in their order where samples lie too densely."""
    size = int(2 * FINEST_MM / step) if step > 0 else 0
    if size < 3 or len(points) < 2 * size:
        return points
    whole = len(points) // size * size
    bins = points[:whole, 1].reshape(-1, size)
    begins = np.arange(0, whole, size)
    chosen = np.sort(np.stack((begins + bins.argmin(1), begins + bins.argmax(1)), axis=1), axis=1).reshape(-1)
    chosen = np.unique(np.concatenate(([0], chosen, np.arange(whole, len(points)), [len(points) - 1])))
    thinned: Points = points[chosen]
    return thinned

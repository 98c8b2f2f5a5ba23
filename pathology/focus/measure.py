"""How sharp a picture is: the variance of its Laplacian, over that of a coarser octave of itself."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pathology.tiles.coding import Pixels

Plane = npt.NDArray[np.float32]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""ITU-R BT.601."""


def luma(pixels: Pixels) -> Plane:
    """Brightness of RGB, shape (rows, columns)."""
    return pixels.astype(np.float32) @ _LUMA


def shrunk(plane: Plane, factor: int) -> Plane:
    """A plane by box averages; rows and columns that do not fill a box are left out."""
    height, width = plane.shape[0] // factor, plane.shape[1] // factor
    cut = plane[: height * factor, : width * factor]
    found: Plane = cut.reshape(height, factor, width, factor).mean((1, 3), dtype=np.float32)
    return found


def laplacian_variance(plane: Plane) -> float:
    """Variance of the four-neighbour Laplacian; 0 for a plane too small to have one."""
    if min(plane.shape) < 3:
        return 0.0
    centre = plane[1:-1, 1:-1]
    found = plane[1:-1, :-2] + plane[1:-1, 2:] + plane[:-2, 1:-1] + plane[2:, 1:-1] - 4 * centre
    return float(found.var())


def octaves(pixels: Pixels) -> tuple[float, float, float]:
    """Variance of the Laplacian at full size, at a quarter and at an eighth of it."""
    plane = luma(pixels)
    return laplacian_variance(plane), laplacian_variance(shrunk(plane, 4)), laplacian_variance(shrunk(plane, 8))


def sharpness(fine: float, quarter: float, noise: float) -> float:
    """Detail at full size over that at a quarter, noise (the value of glass) taken away; about 0.1 to 0.6 where it is sharp."""
    return max(0.0, fine - noise) / quarter if quarter > 0 else 0.0

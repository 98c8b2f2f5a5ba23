"""Random fields: what makes a drawn organ look grown and a computed picture look measured."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

Image = NDArray[np.float32]


def smooth_field(rng: np.random.Generator, shape: tuple[int, ...], grain: float | tuple[float, ...]) -> Image:
    """Gaussian noise of unit variance whose features are about `grain` pixels wide (per axis if several); periodic."""
    grains = grain if isinstance(grain, tuple) else (grain,) * len(shape)
    coarse = tuple(max(4, round(length / fine)) for length, fine in zip(shape, grains, strict=True))
    seeds = rng.standard_normal(coarse).astype(np.float32)
    zoom = [length / few for length, few in zip(shape, coarse, strict=True)]
    field = ndimage.zoom(seeds, zoom, order=3, mode="grid-wrap", grid_mode=True)
    return np.asarray((field - field.mean()) / field.std(), np.float32)


def band_noise(rng: np.random.Generator, size: int, peak: float, fall: float) -> Image:
    """Unit noise (size x size) with the power spectrum of filtered back-projection: f * exp(-(f / fall)^2).

    `peak` and `fall` are in cycles per pixel; below `peak` the spectrum rises as the ramp filter does.
    """
    fy, fx = fft.fftfreq(size)[:, None], fft.rfftfreq(size)[None, :]
    f = np.sqrt(fy**2 + fx**2)
    spectrum = np.minimum(f / peak, 1.0) ** 0.5 * np.exp(-((f / fall) ** 2))
    field = fft.irfft2(fft.rfft2(rng.standard_normal((size, size)).astype(np.float32)) * spectrum, s=(size, size))
    return np.asarray(field / field.std(), np.float32)

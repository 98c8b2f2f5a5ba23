"""How much each moment of a recording stands out as a QRS complex: one curve fused from all leads and two bands.

Each lead passes two second-derivative-of-Gaussian filters (12 Hz sees wide ventricular beats, 22 Hz sees narrow ones
and spares T waves). Each channel's short energy is divided by the local QRS level of that channel, so that 1.0 means
"like the QRS complexes around". Channels are averaged with weights: a channel counts by how far its QRS level stands
above its own background, and for less while its baseline jumps (electrode motion). The mean is taken over square
roots: an event in one channel alone counts for little, one seen by all channels counts in full.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d, percentile_filter, uniform_filter1d

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ProminenceSettings:
    """Times in seconds, bands in Hz, amplitudes in microvolts.

    The bands and the energy window follow QRS physiology (energy at 5-25 Hz, 60-120 ms wide). Windows were set on the
    22 records of MIT-BIH DS1; `bench/ecg_sensitivity.py` prints what a change of each does.
    """

    bands: tuple[float, float] = (12.0, 22.0)
    energy_window: float = 0.08
    level_span: float = 1.5
    """a QRS is expected at least once in this time (40/min); slower rhythms are held by the percentile and the floor"""
    level_window: float = 8.0
    level_percentile: float = 40.0
    background_window: float = 20.0
    floor_window: float = 60.0
    floor: float = 0.2
    """least level as a share of the level over `floor_window`: in a pause noise must not become the measure"""
    least_level: float = 15.0
    motion_span: float = 1.0
    motion_window: float = 60.0
    motion_tolerance: float = 2.0
    """a baseline excursion this many times the usual one halves a lead's weight to 1/2"""
    least_motion: float = 20.0


SETTINGS = ProminenceSettings()
BLOCK = 0.1
"""seconds: the grid on which gains are computed; levels use every fifth block, floors every fortieth"""
LEVEL_BLOCKS, FLOOR_LEVELS = 5, 8
LOWEST_RATE = 100.0
LEAST_SHARE = 1e-4
"""of a level that is really there; above 0 so that weights can be divided by their sum where all leads are silent"""


@dataclass(frozen=True, slots=True)
class Grid:
    """Integer sizes for one sampling rate: `factor` samples become one, `block` of those make one block."""

    factor: int
    block: int
    rate: float

    @property
    def unit(self) -> int:
        """Input samples in the largest cell of the grid: chunks that start on a multiple of it agree exactly."""
        return self.factor * self.block * LEVEL_BLOCKS * FLOOR_LEVELS


def grid_for(rate: float) -> Grid:
    """Sizes for a sampling rate in Hz; signals are averaged down to 100-200 Hz, where a QRS is fully described."""
    factor = max(1, int(rate // LOWEST_RATE))
    return Grid(factor, max(1, round(BLOCK * rate / factor)), rate / factor)


def prominence(samples: Floats, grid: Grid, settings: ProminenceSettings = SETTINGS) -> Floats:
    """Fused QRS prominence on the averaged-down samples, shape (n // grid.factor,).

    `samples` is (leads, n) in microvolts; NaN marks missing signal and takes its lead out for that time. At least one
    whole level block is needed (0.5 s); shorter input gives an empty array.
    """
    count = samples.shape[1] // grid.factor
    blocks = count // (grid.block * LEVEL_BLOCKS) * LEVEL_BLOCKS
    if blocks == 0 or samples.shape[0] == 0:
        return np.zeros(0, np.float32)
    signal = averaged_down(samples[:, : count * grid.factor], grid.factor)
    present = None
    if np.isnan(signal).any():
        present = _share_present(signal, grid.block, blocks)
        signal = bridge_gaps(signal)
    energies = [_energy(lead, band, grid.rate, settings) for band in settings.bands for lead in signal]
    weights, levels = _weights_and_levels(np.stack(energies), signal, grid, blocks, settings)
    if present is not None:
        weights *= np.concatenate([present] * len(settings.bands))
        weights /= np.maximum(weights.sum(axis=0), 1e-9)
    fused = np.zeros(count, np.float32)
    for energy, gain in zip(energies, weights / np.sqrt(levels), strict=True):
        fused += _at_samples(gain, grid.block, count) * np.sqrt(np.sqrt(energy))
    return fused * fused


def _energy(lead: Floats, band: float, rate: float, settings: ProminenceSettings) -> Floats:
    """Mean square of the band signal over `energy_window`, in square microvolts."""
    width = np.sqrt(2.0) / (2.0 * np.pi * band)
    reach = max(1, int(5 * width * rate))
    time = np.arange(-reach, reach + 1) / rate
    kernel = (1 - (time / width) ** 2) * np.exp(-0.5 * (time / width) ** 2)
    kernel -= kernel.mean()
    peak_gain = np.abs(np.fft.rfft(kernel, 512)).max()
    band_signal = np.convolve(np.pad(lead, reach, mode="edge"), (kernel / peak_gain).astype(np.float32), "valid")
    energy = uniform_filter1d(band_signal * band_signal, max(1, round(settings.energy_window * rate)))
    return np.maximum(energy, 0.0)


def _weights_and_levels(energies: Floats, signal: Floats, grid: Grid, blocks: int, settings: ProminenceSettings) -> tuple[Floats, Floats]:
    """Weights (sum 1 over channels) and local QRS levels in microvolts, both (channels, blocks)."""
    size = grid.block * LEVEL_BLOCKS
    cells = energies[:, : blocks // LEVEL_BLOCKS * size].reshape(len(energies), -1, size)
    step = BLOCK * LEVEL_BLOCKS
    peaks = np.sqrt(maximum_filter1d(cells.max(axis=2), max(1, round(settings.level_span / step)), axis=1))
    own = _running(peaks, settings.level_percentile, _odd(settings.level_window / step))
    usual = _running(own[:, ::FLOOR_LEVELS], 50, _odd(settings.floor_window / step / FLOOR_LEVELS))
    usual = usual.repeat(FLOOR_LEVELS, axis=1)[:, : own.shape[1]]
    levels = np.maximum(np.maximum(own, settings.floor * usual), settings.least_level)
    background = np.sqrt(_running(np.median(cells[:, :, ::2], axis=2), 50, _odd(settings.background_window / step)))
    contrast = np.maximum(levels / np.maximum(background, 1.0) - 1, 0.01)
    contrast *= np.maximum(own / levels, LEAST_SHARE)  # a lead that has fallen off has a floor for a level and nothing below it
    weights = contrast.repeat(LEVEL_BLOCKS, axis=1) * np.concatenate([_stillness(signal, grid, blocks, settings)] * len(settings.bands))
    return weights / weights.sum(axis=0), levels.repeat(LEVEL_BLOCKS, axis=1)


def _stillness(signal: Floats, grid: Grid, blocks: int, settings: ProminenceSettings) -> Floats:
    """1 where a lead's baseline moves as usual, towards 0 where it jumps; shape (leads, blocks)."""
    means = signal[:, : blocks * grid.block].reshape(len(signal), blocks, grid.block).mean(axis=2)
    span = _odd(settings.motion_span / BLOCK)
    excursion = maximum_filter1d(means, span, axis=1) + maximum_filter1d(-means, span, axis=1)
    window = _odd(settings.motion_window / BLOCK / LEVEL_BLOCKS)
    usual = _running(excursion[:, ::LEVEL_BLOCKS], 50, window).repeat(LEVEL_BLOCKS, axis=1)
    relative = excursion / (usual[:, :blocks] + settings.least_motion) / settings.motion_tolerance
    return np.asarray(1 / (1 + relative**2), np.float32)


def _running(rows: Floats, percentile: float, size: int) -> Floats:
    """Running percentile of each row, shape as given (one row at a time: SciPy's fast path is one-dimensional)."""
    return np.stack([percentile_filter(row, percentile, size=size, mode="nearest") for row in rows])


def averaged_down(samples: Floats, factor: int) -> Floats:
    """Means of `factor` samples; the number of samples must be a multiple of it."""
    if factor == 1:
        return samples
    total = samples[:, ::factor].copy()
    for offset in range(1, factor):
        total += samples[:, offset::factor]
    return np.asarray(total / np.float32(factor), np.float32)


def _at_samples(gain: Floats, block: int, count: int) -> Floats:
    """Values at block centres, joined by straight lines, at every sample."""
    edges = np.empty(len(gain) + 1, np.float32)
    edges[1:-1] = (gain[1:] + gain[:-1]) / 2
    edges[0], edges[-1] = gain[0], gain[-1]
    ramp = (np.arange(block, dtype=np.float32) + 0.5) / block
    inside = (edges[:-1, None] + (edges[1:] - edges[:-1])[:, None] * ramp).ravel()
    return np.pad(inside, (0, count - len(inside)), mode="edge")


def _share_present(signal: Floats, block: int, blocks: int) -> Floats:
    return np.asarray(1.0 - np.isnan(signal[:, : blocks * block]).reshape(len(signal), blocks, block).mean(axis=2), np.float32)


def bridge_gaps(signal: Floats) -> Floats:
    """Missing samples replaced by a straight line between their neighbours; a lead without any sample becomes 0."""
    bridged = signal.copy()
    for lead in bridged:
        missing = np.isnan(lead)
        if missing.all():
            lead[:] = 0.0
        elif missing.any():
            lead[missing] = np.interp(np.flatnonzero(missing), np.flatnonzero(~missing), lead[~missing])
    return bridged


def _odd(size: float) -> int:
    return int(size) | 1

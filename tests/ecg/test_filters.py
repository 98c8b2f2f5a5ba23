"""Zero-phase filters, resampling and the spectrum against SciPy's, and at the ends of short signals."""

from typing import Literal

import numpy as np
import pytest
from scipy.signal import butter, detrend, sosfiltfilt, welch

from ecg.analysis.filters import power_density, resampled, zero_phase

BANDS = [(2, 0.7, 35.0, 125.0), (2, 0.5, None, 500.0), (4, None, 40.0, 500.0)]


@pytest.mark.parametrize(("order", "low", "high", "rate"), BANDS)
def test_as_scipy_forwards_and_backwards(order: int, low: float | None, high: float | None, rate: float) -> None:
    walk = np.cumsum(np.random.default_rng(0).normal(size=(2, 5000)), axis=1)
    bounds = [bound for bound in (low, high) if bound is not None]
    kind: Literal["bandpass", "high", "low"] = "bandpass" if len(bounds) == 2 else "high" if low else "low"
    sections = butter(order, bounds if len(bounds) == 2 else bounds[0], kind, fs=rate, output="sos")
    wanted = sosfiltfilt(sections, walk, axis=1, padlen=int(5 * rate))
    assert zero_phase(walk, rate, order, low, high) == pytest.approx(wanted, abs=0.01)
    assert zero_phase(walk.astype(np.float32), rate, order, low, high).dtype == np.float32


@pytest.mark.parametrize(("rate", "wanted"), [(360, 500), (360, 250), (257, 500), (1000, 500)])
def test_a_resampled_tone_is_the_tone(rate: int, wanted: int) -> None:
    def tone(at: np.ndarray) -> np.ndarray:
        return np.sin(2 * np.pi * 7 * at) + 0.5 * np.sin(2 * np.pi * 31 * at)

    made = resampled(tone(np.arange(10 * rate) / rate)[None], rate, wanted)[0]
    assert len(made) == 10 * wanted
    inner = slice(wanted // 5, -wanted // 5)
    assert made[inner] == pytest.approx(tone(np.arange(len(made)) / wanted)[inner], abs=0.01)


@pytest.mark.parametrize("count", [1, 2, 3, 17, 100])
def test_short_signals_keep_their_length(count: int) -> None:
    level = np.full((2, count), 3.0)
    assert zero_phase(level, 500.0, 2, high=40.0) == pytest.approx(level)
    assert resampled(level, 250, 500) == pytest.approx(np.full((2, 2 * count), 3.0))


def test_power_density_as_welch_of_one_segment() -> None:
    values = np.random.default_rng(1).normal(size=1201)
    frequency, density = power_density(values, 4.0)
    wanted_frequency, wanted_density = welch(detrend(values), 4.0, nperseg=len(values), window="hann")
    assert frequency == pytest.approx(wanted_frequency)
    assert density == pytest.approx(wanted_density)


@pytest.mark.parametrize("bound", [0.0, 250.0, -1.0])
def test_a_bound_outside_the_spectrum_is_refused(bound: float) -> None:
    with pytest.raises(ValueError, match="does not lie between 0 and half of"):
        zero_phase(np.zeros(100), 500.0, 2, high=bound)

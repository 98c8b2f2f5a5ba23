"""Where the beats are: known times, invariances, chunks, bad signal, and the MIT-BIH records that are present."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly

import ecg
from ecg.analysis.qrs import candidates, scores
from ecg.synthesis import holter
from tests import real_files
from tests.ecg.beat_signals import beat_times, recording

TWO = ("II", "V1")


def errors(found: np.ndarray, times: np.ndarray, rate: float, tolerance: float = 0.03) -> tuple[int, int]:
    """Beats missed and beats too many."""
    apart = np.abs(found[None, :] / rate - times[:, None]) if len(found) else np.full((len(times), 1), np.inf)
    return int((apart.min(axis=1) > tolerance).sum()), int((apart.min(axis=0) > tolerance).sum()) if len(found) else 0


@pytest.mark.parametrize("rate", [100.0, 128.0, 250.0, 257.3, 360.0, 500.0, 1000.0])
def test_beats_at_known_times(rate: float) -> None:
    times = beat_times([0.8, 0.82, 0.5, 1.1, 0.8, 0.78, 0.81, 1.5, 0.8, 0.6])
    assert errors(ecg.find_beats(recording(times, rate=rate, leads=TWO)), times, rate) == (0, 0)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.floats(0.4, 1.6), min_size=4, max_size=25),
    st.floats(0.3, 6.0),
    st.booleans(),
    st.floats(-3000, 3000),
)
def test_neither_size_nor_polarity_nor_offset_matters(intervals: list[float], scale: float, upside_down: bool, offset: float) -> None:
    times = beat_times(intervals)
    plain = recording(times, rate=250.0, leads=TWO)
    changed = replace(plain, samples=plain.samples * np.float32(-scale if upside_down else scale) + np.float32(offset))
    assert errors(ecg.find_beats(changed), times, 250.0) == (0, 0)


def test_shifted_signal_gives_shifted_beats() -> None:
    plain = recording(beat_times([0.8] * 20), rate=250.0, leads=TWO)
    later = replace(plain, samples=np.pad(plain.samples, ((0, 0), (1000, 0)), mode="edge"))
    assert np.abs(ecg.find_beats(later) - 1000 - ecg.find_beats(plain)).max() <= 1


def test_resampled_signal_gives_the_same_beats() -> None:
    plain = recording(beat_times([0.7, 0.9, 0.8, 0.6, 1.0] * 6), rate=500.0, leads=TWO)
    fewer = replace(plain, samples=resample_poly(plain.samples, 1, 4, axis=1).astype(np.float32), rate=125.0)
    assert np.abs(ecg.find_beats(fewer) * 4 - ecg.find_beats(plain)).max() <= 10


def test_chunks_of_any_length_give_the_same_candidates() -> None:
    day = holter(0.6, rate=250.0).recording
    whole = candidates(day.samples, day.rate, chunk=1e6)
    for chunk in (100.0, 333.0):
        parts = candidates(day.samples, day.rate, chunk=chunk)
        assert len(parts.position) == len(whole.position)
        assert np.allclose(parts.position, whole.position, rtol=0, atol=0.05)
        assert np.allclose(parts.height, whole.height, rtol=1e-4)
        assert np.array_equal(scores(parts, day.rate) > 0, scores(whole, day.rate) > 0)


def test_p_waves_in_a_pause_are_not_beats() -> None:
    """Second-degree block: every fifth QRS-T is missing, its P stands alone."""
    rate, times = 250.0, beat_times([0.8] * 40)
    blocked = np.arange(len(times)) % 5 == 4
    seen = recording(times[~blocked], rate=rate, leads=TWO, seconds=35.0)
    p_only = recording(times[blocked] - 0.16, rate=rate, leads=TWO, seconds=35.0, noise=0.0)
    merged = replace(seen, samples=seen.samples + p_only.samples * np.float32(0.15))
    assert errors(ecg.find_beats(merged), times[~blocked], rate) == (0, 0)


def test_asystole_stays_empty() -> None:
    times = np.concatenate((beat_times([0.8] * 20), beat_times([0.8] * 20, first=32.0)))
    assert errors(ecg.find_beats(recording(times, rate=250.0, leads=TWO)), times, 250.0) == (0, 0)


def test_a_lead_with_artefact_does_not_spoil_the_other() -> None:
    times = beat_times([0.8] * 60)
    clean = recording(times, rate=250.0, leads=TWO)
    samples = clean.samples.copy()
    dice = np.random.default_rng(3)
    for start in range(2000, 10000, 1500):
        samples[1, start : start + 500] += np.cumsum(dice.normal(0, 150, 500)).astype(np.float32)
    assert errors(ecg.find_beats(replace(clean, samples=samples)), times, 250.0) == (0, 0)


@pytest.mark.parametrize("row", [0, 1])
def test_a_lead_that_falls_off_and_writes_zeros_leaves_the_beats_to_the_other(row: int) -> None:
    times = beat_times([0.8] * 150)
    fallen = recording(times, rate=250.0, leads=TWO)
    fallen.samples[row, 40 * 250 : 90 * 250] = 0.0
    assert errors(ecg.find_beats(fallen), times, 250.0) == (0, 0)


def test_a_lead_that_is_missing_for_a_while_is_bridged_by_the_other() -> None:
    times = beat_times([0.8] * 40)
    clean = recording(times, rate=250.0, leads=TWO)
    samples = clean.samples.copy()
    samples[0, 2000:4000] = np.nan
    samples[1, 6000:8000] = np.nan
    assert errors(ecg.find_beats(replace(clean, samples=samples)), times, 250.0) == (0, 0)


@pytest.mark.parametrize("rate", [50.0, 100.0, 500.0, 1000.0])
@pytest.mark.parametrize("seconds", [0.0, 0.004, 0.3, 1.0, 4.0])
@pytest.mark.parametrize("leads", [1, 12])
@pytest.mark.parametrize("kind", ["noise", "flat", "missing", "saturated", "half missing"])
def test_any_signal_is_answered(rate: float, seconds: float, leads: int, kind: str) -> None:
    count = int(seconds * rate)
    samples = np.random.default_rng(1).normal(0, 100, (leads, count)).astype(np.float32)
    if kind == "flat":
        samples[:] = 81_920
    if kind == "missing":
        samples[:] = np.nan
    if kind == "saturated":
        samples = np.sign(samples) * np.float32(32_767)
    if kind == "half missing":
        samples[:, count // 2 :] = np.nan
    broken = ecg.Recording(tuple(f"lead {k}" for k in range(leads)), samples, rate)
    found = ecg.find_beats(broken)
    assert found.dtype == np.int64
    assert ((found >= 0) & (found < count)).all()
    assert (np.diff(found) > 0).all()
    if kind in ("flat", "missing"):
        assert len(found) == 0
    measured = ecg.measure(broken, found)
    assert measured.beats == len(found)


def test_too_low_a_rate_is_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match="at least 50 Hz; this recording has 25"):
        ecg.find_beats(ecg.Recording(("II",), np.zeros((1, 100), np.float32), 25.0))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=real_files.needs(f"ecg/mitdb/{name}.*", 3)) for name in ("101", "119", "203", "208")]
)
def test_beats_of_mit_bih(name: str) -> None:
    import wfdb

    header = real_files.FOLDER / f"ecg/mitdb/{name}.hea"
    notes = wfdb.rdann(str(header.with_suffix("")), "atr")
    times = np.array([s for s, y in zip(notes.sample, notes.symbol, strict=True) if y in set("NLRBAaJSVrFejnE/fQ?")]) / 360.0
    missed, extra = errors(ecg.find_beats(ecg.read(header)), times, 360.0, tolerance=0.15)
    assert missed <= 0.005 * len(times)
    assert extra <= 0.005 * len(times)

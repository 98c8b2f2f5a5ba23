"""Waves without QRS complexes: found where they are made or annotated, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import wfdb

import ecg
from ecg.analysis.ventricular_waves import ventricular_waves
from ecg.synthesis import KINDS, POOR, Noise, resting
from tests import real_files

RECORDS = real_files.files("ecg/mitdb/*.hea")
RESTING = real_files.files("ecg/ludb/*.hea")
WAVING = ("torsades", "ventricular-fibrillation")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rate", [125.0, 250.0, 500.0])
def test_torsades_is_found_from_where_it_begins(seed: int, rate: float) -> None:
    made = resting("torsades", seed=seed, rate=rate, seconds=20)
    (name, begin, end) = made.episodes[0]
    (found,) = ventricular_waves(made.recording)
    assert (name, found.kind) == ("torsades", "polymorphic-tachycardia")
    assert found.first / rate == pytest.approx(begin, abs=2.5)
    assert found.last / rate == pytest.approx(end, abs=2.5)
    assert 180 < found.rate < 240


@pytest.mark.parametrize("seed", range(4))
def test_fibrillation_is_found_in_one_lead_as_in_twelve(seed: int) -> None:
    made = resting("ventricular-fibrillation", seed=seed).recording
    for shown in (made, replace(made, leads=("II",), samples=made.samples[1:2])):
        found = ventricular_waves(shown)
        assert found
        assert sum(wave.last - wave.first for wave in found) > 0.6 * shown.samples.shape[1]


def test_a_sine_wave_is_flutter() -> None:
    at = np.arange(5000) / 500
    wave = np.sin(2 * np.pi * 4.2 * at)
    shown = ecg.Recording(("II", "V5"), np.stack([900 * wave, 600 * wave]).astype(np.float32), 500.0)
    (found,) = ventricular_waves(shown)
    assert found.kind == "ventricular-flutter"
    assert found.rate == pytest.approx(252, rel=0.05)


@pytest.mark.parametrize("noise", [Noise(), POOR])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in WAVING])
def test_no_other_rhythm_has_such_waves(kind: str, noise: Noise) -> None:
    assert ventricular_waves(resting(kind, noise=noise, seconds=20).recording) == []


def test_short_and_empty_recordings_have_none() -> None:
    made = resting("ventricular-fibrillation").recording
    for count in (0, 1, 400, 1900):
        assert ventricular_waves(replace(made, samples=made.samples[:, :count])) == []
    assert ventricular_waves(replace(made, samples=np.full_like(made.samples, np.nan))) == []


@real_files.needs("ecg/ludb/*.hea")
def test_none_in_resting_ecgs_of_ludb() -> None:
    assert {path.stem for path in RESTING if ventricular_waves(ecg.read(path))} == set()


@real_files.needs("ecg/mitdb/*.hea")
def test_in_mit_bih_only_where_flutter_or_tachycardia_is_annotated() -> None:
    for path in RECORDS:
        recording = ecg.read(path)
        notes = wfdb.rdann(str(path.with_suffix("")), "atr")
        flutter = [sample for sample, symbol in zip(notes.sample, notes.symbol, strict=True) if symbol in "[]"]
        spans = list(zip(flutter[::2], flutter[1::2], strict=False))
        ventricular = notes.sample[np.isin(notes.symbol, ["V", "!"])]
        found = ventricular_waves(recording)
        for wave in found:
            near = any(wave.first < last + 1500 and wave.last > first - 1500 for first, last in spans)
            assert near or ((ventricular >= wave.first) & (ventricular <= wave.last)).sum() >= 5, path.stem
        seconds = sum(max(0, min(w.last, b) - max(w.first, a)) for w in found for a, b in spans) / recording.rate
        assert seconds >= 0.7 * sum(b - a for a, b in spans) / recording.rate, path.stem

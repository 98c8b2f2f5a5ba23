"""Measurements of a resting ECG whose intervals are known, and of LUDB records that are present."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import ecg
from ecg.synthesis import resting
from tests import real_files
from tests.ecg.beat_signals import LEADS, beat_times, recording

LUDB = real_files.files("ecg/ludb/*.hea")


def test_rate_intervals_and_axis_of_known_beats() -> None:
    """QRS lies within ±50 ms of its middle, P begins 220 ms before, T ends 415 ms after (three widths)."""
    measured = ecg.measure(recording(beat_times([0.8] * 11)))
    assert measured.rate == pytest.approx(75.0, abs=0.2)
    assert measured.pr == pytest.approx(170, abs=20)
    assert measured.p_duration == pytest.approx(110, abs=25)
    assert measured.qrs_duration == pytest.approx(95, abs=20)
    assert measured.qt == pytest.approx(440, abs=35)
    assert measured.qtc_bazett == pytest.approx(measured.qt / np.sqrt(0.8), rel=0.01)
    assert measured.qtc_fridericia == pytest.approx(measured.qt / 0.8 ** (1 / 3), rel=0.01)
    assert measured.axis == pytest.approx(np.degrees(np.arctan2(0.65 * 2 / np.sqrt(3), 0.7)), abs=3)
    assert measured.p_axis == pytest.approx(measured.axis, abs=6)
    assert measured.confidence == pytest.approx(1.0)
    assert (measured.beats, measured.measured) == (12, 12)


@pytest.mark.parametrize("rate", [250.0, 360.0, 1000.0])
def test_sampling_rate_does_not_change_the_intervals(rate: float) -> None:
    there, here = ecg.measure(recording(beat_times([0.8] * 11))), ecg.measure(recording(beat_times([0.8] * 11), rate=rate))
    for name in ("pr", "qrs_duration", "qt", "p_duration"):
        assert getattr(here, name) == pytest.approx(getattr(there, name), abs=12)


def test_st_level_in_every_lead() -> None:
    lifted, level = (ecg.measure(recording(beat_times([0.8] * 11), st=st, noise=2.0)) for st in (200.0, 0.0))
    for lead, weight in (("II", 1.0), ("aVR", -0.85), ("V4", 1.1)):
        assert lifted.st[lead] - level.st[lead] == pytest.approx(0.2 * weight, abs=0.03)
    assert set(lifted.st) == set(lifted.st_j80) == set(LEADS)


def test_no_p_wave_no_pr() -> None:
    measured = ecg.measure(resting("atrial-fibrillation").recording)
    assert measured.pr is None
    assert measured.p_duration is None
    assert measured.qrs_duration is not None


def test_ectopic_beats_do_not_enter_the_median_beat() -> None:
    kinds = "NNNNV" * 3
    times = beat_times([0.8, 0.8, 0.8, 0.5, 1.1] * 2 + [0.8, 0.8])
    measured = ecg.measure(recording(times, kinds))
    assert measured.qrs_duration == pytest.approx(95, abs=20)
    assert measured.pr == pytest.approx(170, abs=20)


@pytest.mark.parametrize("number", [0, 1])
def test_too_few_beats_give_no_numbers(number: int) -> None:
    alone = (
        recording(np.full(number, 2.0), seconds=5.0)
        if number
        else replace(recording(np.array([2.0])), samples=np.zeros((12, 2500), np.float32))
    )
    measured = ecg.measure(alone)
    assert measured.rate is None
    assert measured.qt is None
    assert measured.confidence == 0.0


def test_single_lead_has_intervals_but_no_axis() -> None:
    measured = ecg.measure(recording(beat_times([0.8] * 11), leads=("II",)))
    assert measured.axis is None
    assert measured.qrs_duration == pytest.approx(95, abs=20)


@real_files.needs("ecg/ludb/*.hea", 20)
def test_qrs_of_ludb_lies_within_the_reference() -> None:
    import wfdb

    differences = []
    for header in LUDB[:20]:
        record = str(header.with_suffix(""))
        widths = []
        for lead in ("ii", "v2", "v5"):
            notes = wfdb.rdann(record, lead)
            marks = list(zip(notes.symbol, notes.sample, strict=True))
            widths += [
                marks[k + 1][1] - marks[k - 1][1]
                for k in range(1, len(marks) - 1)
                if marks[k][0] == "N" and marks[k - 1][0] == "(" and marks[k + 1][0] == ")"
            ]
        measured = ecg.measure(ecg.read(header))
        assert measured.qrs_duration is not None
        differences.append(measured.qrs_duration - float(np.quantile(widths, 0.9)) * 2)
    assert abs(float(np.median(differences))) < 20

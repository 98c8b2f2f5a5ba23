"""A long recording: hours, events, fibrillation, classes, templates with edits and undo, ST, missing signal, the command."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

import ecg
from ecg.__main__ import main
from ecg.analysis.templates import Edit, TemplateEdits
from ecg.synthesis import Synthetic, holter, resting
from ecg.synthesis.holter import Day
from tests import real_files
from tests.ecg.beat_signals import beat_times, recording


@pytest.fixture(scope="module")
def day() -> Synthetic:
    """Half an hour with ectopic beats; it begins when the synthetic day begins."""
    return holter(0.5, rate=250.0, day=Day(ventricular_share=0.02, supraventricular_share=0.03))


@pytest.fixture(scope="module")
def report(day: Synthetic) -> ecg.HolterReport:
    return ecg.holter(day.recording)


def test_beats_and_classes_of_a_synthetic_day(day: Synthetic, report: ecg.HolterReport) -> None:
    assert abs(len(report.beats) - len(day.beats)) <= 2
    nearest = np.abs(report.beats[None, :] - day.beats[:, None]).argmin(axis=1)
    truth = np.array([{"A": "S"}.get(label, label) for label in day.labels])
    agree = {name: float((report.classes[nearest][truth == name] == name).mean()) for name in ("N", "S", "V")}
    assert min(agree.values()) > 0.9, agree


def test_the_hourly_table_adds_up(report: ecg.HolterReport) -> None:
    assert sum(hour.beats for hour in report.hours) == len(report.beats)
    assert sum(hour.ventricular for hour in report.hours) == report.count("V")
    (hour,) = report.hours
    assert hour.lowest is not None
    assert hour.mean is not None
    assert hour.highest is not None
    assert hour.lowest <= hour.mean <= hour.highest
    assert report.burden == 0.0


def test_relabelling_a_template_changes_all_its_beats_and_undo_brings_them_back(report: ecg.HolterReport) -> None:
    number = int(report.templates.labels[report.classes == "V"][0])
    edits = TemplateEdits().relabel(number, "S")
    changed = ecg.revise(report, edits)
    assert (changed.classes[report.templates.labels == number] == "S").all()
    assert changed.hours[0].supraventricular > report.hours[0].supraventricular
    assert np.array_equal(ecg.revise(changed, edits.undo()).classes, report.classes)
    assert report.edits == TemplateEdits()


def test_later_edits_win_and_single_beats_can_be_named(report: ecg.HolterReport) -> None:
    edits = TemplateEdits().relabel(0, "V").relabel_beat(7, "F").relabel_beat(7, "Q")
    changed = ecg.revise(report, edits)
    assert changed.classes[7] == "Q"
    assert ecg.revise(report, edits.undo()).classes[7] == "F"


def test_wrong_edits_are_refused(report: ecg.HolterReport) -> None:
    with pytest.raises(ValueError, match="'X' is not one of"):
        TemplateEdits().relabel(0, "X")
    with pytest.raises(ValueError, match="either a template or a beat"):
        Edit("N")
    with pytest.raises(ValueError, match="edit 1: there is no beat 1000000"):
        ecg.revise(report, TemplateEdits().relabel_beat(1_000_000, "N"))


def test_fibrillation_has_a_burden_and_pauses_are_critical() -> None:
    dice = np.random.default_rng(8)
    intervals = [0.8] * 300 + dice.uniform(0.4, 1.2, 400).tolist() + [0.8] * 100 + [3.2, 0.8, 4.1] + [0.8] * 100
    times = beat_times(intervals)
    shown = recording(times, rate=125.0, leads=("II", "V1"))
    quiet = recording(times, rate=125.0, leads=("II", "V1"), p=0.0)
    begin, end = int(times[300] * 125), int(times[700] * 125)
    samples = shown.samples.copy()
    samples[:, begin:end] = quiet.samples[:, begin:end]
    report = ecg.holter(replace(shown, samples=samples))
    assert report.burden == pytest.approx((end - begin) / samples.shape[1], abs=0.07)
    assert [round(event.seconds, 1) for event in report.of_kind("pause")] == [3.2, 4.1]
    assert [hit.limit.code for hit in ecg.critical_values(None, report)] == ["pause-long"]


def test_st_elevation_shows_in_its_minutes() -> None:
    times = beat_times([0.8] * 449)
    level, lifted = (recording(times, rate=250.0, leads=("II", "V5"), st=st) for st in (0.0, 300.0))
    samples = level.samples.copy()
    samples[:, 30_000:60_000] = lifted.samples[:, 30_000:60_000]
    trend = ecg.holter(replace(level, samples=samples)).st
    assert trend is not None
    rise = trend.level[0] - trend.level[0, 0]
    assert rise[2:4] == pytest.approx([0.3, 0.3], abs=0.05)
    assert rise[[1, 4, 5]] == pytest.approx([0, 0, 0], abs=0.05)


def test_missing_signal_is_neither_a_pause_nor_a_slow_heart() -> None:
    shown = recording(beat_times([0.8] * 200), rate=250.0, leads=("II", "V1"))
    samples = shown.samples.copy()
    samples[:, 10_000:15_000] = np.nan
    samples[:, 20_000:25_000] = 0.0
    report = ecg.holter(replace(shown, samples=samples))
    assert report.of_kind("pause") == ()
    assert report.hours[0].missing_seconds == pytest.approx(40, abs=2)
    assert report.hours[0].lowest == pytest.approx(75, abs=2)


@pytest.mark.parametrize("seconds", [0, 1, 20])
def test_a_recording_without_beats_has_an_empty_report(seconds: int) -> None:
    report = ecg.holter(ecg.Recording(("II",), np.zeros((1, seconds * 250), np.float32), 250.0))
    assert len(report.beats) == 0
    assert report.events == ()
    assert report.variability.sdnn is None
    assert report.hours[0].mean is None


@real_files.needs("ecg/mitdb/119.*", 3)
def test_ventricular_beats_of_a_real_record() -> None:
    import wfdb

    shown = ecg.read(real_files.FOLDER / "ecg/mitdb/119.hea")
    notes = wfdb.rdann(str(real_files.FOLDER / "ecg/mitdb/119"), "atr")
    ventricular = np.array([s for s, y in zip(notes.sample, notes.symbol, strict=True) if y == "V"])
    beats = ecg.find_beats(shown)
    called = beats[ecg.classify_beats(shown, beats) == "V"]
    assert len(called) == pytest.approx(len(ventricular), rel=0.03)
    assert (np.abs(called[None, :] - ventricular[:, None]).min(axis=1) < 54).mean() > 0.97


def test_the_command_prints_a_table_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str], day: Synthetic) -> None:
    short, long = tmp_path / "short.dcm", tmp_path / "long.edf"
    ecg.write(resting("sinus", start=datetime(2026, 1, 5, 8, 0)).recording, short, "dicom")
    assert main(["analyse", str(short)]) == 0
    assert "sinus-rhythm" in capsys.readouterr().out
    assert main(["analyse", str(short), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["measurements"]["rate"] == pytest.approx(72, abs=2)
    part = replace(day.recording, samples=day.recording.samples[:, : 250 * 700])
    ecg.write(part, long, "edf")
    assert main(["analyse", str(long), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["beats"]["all"] > 500
    assert len(found["hours"]) == 1

"""What is written is what was recorded: every writer against its reader."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pyedflib
import pytest
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st

import ecg
from ecg.synthesis import resting
from ecg.writers import WRITERS
from ecg.writers.quantise import RESOLUTIONS

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6", "MLII", "V3R", "X")
TEXT = st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)


@st.composite
def recordings(draw: st.DrawFn, *, missing: bool = False) -> ecg.Recording:
    leads = tuple(draw(st.lists(st.sampled_from(LEADS), min_size=1, max_size=12, unique=True)))
    length = draw(st.integers(1, 700))
    largest = draw(st.sampled_from([10.0, 900.0, 5_000.0, 300_000.0]))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    samples = rng.uniform(-largest, largest, (len(leads), length)).astype(np.float32)
    if missing:
        samples[rng.random(samples.shape) < 0.1] = np.nan
    return ecg.Recording(
        leads=leads,
        samples=samples,
        rate=float(draw(st.sampled_from([200, 250, 360, 500, 1000]))),
        start=draw(st.datetimes(datetime(1986, 1, 1), datetime(2084, 12, 31))).replace(microsecond=0),
        patient=ecg.Patient(draw(TEXT), draw(TEXT), draw(st.sampled_from(["male", "female"])), "1950-08-09", 71.0),
        device=ecg.Device(model=draw(TEXT)),
        statements=tuple(draw(st.lists(TEXT, max_size=3))),
    )


def step_of(samples: np.ndarray) -> float:
    """The resolution that a writer must choose or beat."""
    largest = float(np.nanmax(np.abs(samples), initial=0))
    return next(step for step in RESOLUTIONS if largest <= 32767 * step)


def assert_same_samples(found: ecg.Recording, written: ecg.Recording) -> None:
    assert found.leads == written.leads
    assert found.rate == pytest.approx(written.rate, rel=1e-6)
    for row, expected in zip(found.samples[:, : written.samples.shape[1]], written.samples, strict=True):
        np.testing.assert_allclose(row, expected, atol=step_of(expected) * 0.51, equal_nan=True)


@settings(max_examples=60, deadline=None)
@given(recordings(), st.sampled_from(sorted(WRITERS)))
def test_what_is_written_is_read(recording: ecg.Recording, format_: str) -> None:
    found = ecg.read(ecg.write(recording, None, format_))
    assert_same_samples(found, recording)
    assert found.start == recording.start
    assert found.patient.sex == recording.patient.sex
    if format_ != "edf":
        assert found.samples.shape == recording.samples.shape
        assert found.statements == recording.statements
        assert found.patient.age_years == 71
    if format_ in {"dicom", "aecg"}:
        # DICOM parts values by backslashes: they are written as slashes.
        shown = str.maketrans("\\", "/") if format_ == "dicom" else {}
        assert found.patient.id == recording.patient.id.translate(shown)
        assert found.patient.birth_date == "1950-08-09"
        assert found.device.model == recording.device.model.translate(shown)


@settings(max_examples=30, deadline=None)
@given(recordings(missing=True), st.sampled_from(["wfdb", "dicom"]))
def test_missing_samples_stay_missing(recording: ecg.Recording, format_: str) -> None:
    assert_same_samples(ecg.read(ecg.write(recording, None, format_)), recording)


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=80), st.sampled_from(sorted(WRITERS)))
def test_any_text_leaves_a_file_that_is_read(text: str, format_: str) -> None:
    made = resting(seconds=1, start=datetime(2025, 11, 20)).recording
    recording = replace(
        made, patient=ecg.Patient(text, text, text, text), device=ecg.Device(text, text, text, text), statements=(text, "end")
    )
    found = ecg.read(ecg.write(recording, None, format_))
    assert_same_samples(found, recording)
    if format_ != "edf":
        assert found.statements[-1] == "end"


@pytest.mark.parametrize("format_", ["edf", "aecg"])
def test_a_format_that_cannot_mark_missing_samples_refuses_them(format_: str) -> None:
    recording = resting().recording
    recording.samples[3, 5] = np.nan
    with pytest.raises(ValueError, match="missing samples"):
        ecg.write(recording, None, format_)


def test_the_same_recording_gives_the_same_bytes() -> None:
    recording = resting(start=datetime(2025, 11, 20)).recording
    for format_ in WRITERS:
        assert ecg.write(recording, None, format_) == ecg.write(recording, None, format_)


def test_dicom_makes_up_no_time() -> None:
    with pytest.raises(ValueError, match="time of recording"):
        ecg.write(resting().recording, None, "dicom")


def test_what_no_dicom_object_holds() -> None:
    recording = resting(rate=2000, start=datetime(2025, 11, 20)).recording
    with pytest.raises(ValueError, match="no DICOM ECG object"):
        ecg.write(recording, None, "dicom")


def test_an_amplitude_beyond_16_bits() -> None:
    recording = resting().recording
    recording.samples[0, 0] = 4e6
    with pytest.raises(ValueError, match="16 bits"):
        ecg.write(recording, None, "wfdb")


def test_an_unknown_format_names_those_that_are_known() -> None:
    with pytest.raises(ValueError, match="aecg, dicom, edf, wfdb"):
        ecg.write(resting().recording, None, "gif")


def test_other_software_reads_wfdb_and_edf(tmp_path: Path) -> None:
    recording = replace(resting(seconds=7.3).recording, start=datetime(2025, 11, 20, 9, 30, 5))
    ecg.write(recording, tmp_path / "r.hea", "wfdb")
    theirs = wfdb.rdrecord(str(tmp_path / "r"))
    np.testing.assert_allclose(theirs.p_signal.T * 1000, recording.samples, atol=0.06)
    assert theirs.base_datetime == recording.start
    ecg.write(recording, tmp_path / "r.edf", "edf")
    with pyedflib.EdfReader(str(tmp_path / "r.edf")) as reader:
        assert reader.getStartdatetime() == recording.start
        assert reader.getLabel(6) == "ECG V1"
        np.testing.assert_allclose(reader.readSignal(6)[: recording.samples.shape[1]], recording.lead("V1"), atol=0.06)

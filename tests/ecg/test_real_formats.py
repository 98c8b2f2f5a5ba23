"""Real files: one ECG in three formats, and readers against the packages that others read these formats with."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import sierraecg
import wfdb

import ecg
from ecg.leads import STANDARD_12
from tests import real_files

ECG = real_files.FOLDER / "ecg"
FORMATS = "ecg/formats/*"


@real_files.needs("ecg/formats/Example.*", 3)
def test_one_ecg_in_three_formats_has_the_same_samples() -> None:
    folder = ECG / "formats"
    first, *others = (ecg.read(folder / f"Example{suffix}") for suffix in (".dcm", ".scp", ".aecg.xml"))
    assert set(first.leads) == set(STANDARD_12)
    for other in others:
        assert set(other.leads) == set(STANDARD_12)
        for lead in STANDARD_12:
            np.testing.assert_array_equal(first.lead(lead), other.lead(lead))
        assert other.start == first.start
        assert other.patient.id == first.patient.id
        assert (other.reported["pr"], other.reported["qt"]) == (148, 420)


@pytest.mark.parametrize("path", real_files.each(FORMATS))
def test_every_file_is_read_by_its_content(path: Path) -> None:
    by_path, by_content = ecg.read(path), ecg.read(path.read_bytes())
    assert by_path.samples.dtype == np.float32
    assert by_path.samples.shape[0] == len(by_path.leads) >= 8
    assert 100 < np.nanmax(np.abs(by_path.samples)) < 30_000
    np.testing.assert_array_equal(by_path.samples, by_content.samples)
    assert by_path.statements == by_content.statements


@pytest.mark.parametrize("path", real_files.each("ecg/formats/sierra*"))
def test_sierra_has_the_samples_that_its_package_reads(path: Path) -> None:
    theirs, ours = sierraecg.read_file(str(path)), ecg.read(path)
    for lead in theirs.leads:
        np.testing.assert_allclose(ours.lead(lead.label), lead.samples * 5.0)


@real_files.needs("ecg/formats/sierra_129DYPRG.XML")
def test_sierra_keeps_the_devices_interpretation_and_measurements() -> None:
    recording = ecg.read(ECG / "formats/sierra_129DYPRG.XML")
    assert "Sinus bradycardia (rate< 50)" in recording.statements
    assert recording.reported == {
        "rate": 41, "pr": 151, "qrs_duration": 135, "qt": 476, "qtc_bazett": 393, "axis": -21,
    }  # fmt: skip
    assert recording.patient.age_years == 50
    assert recording.device.model == "HeartstartMRx"


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=real_files.needs(f"ecg/{name}.*", 2)) for name in ("mitdb/101", "mitdb/208", "ludb/1", "ludb/57")]
)
def test_wfdb_has_the_samples_that_its_package_reads(name: str) -> None:
    theirs, ours = wfdb.rdrecord(str(ECG / name)), ecg.read(ECG / f"{name}.hea")
    np.testing.assert_allclose(ours.samples, theirs.p_signal.T * 1000, atol=0.001)
    assert ours.rate == theirs.fs


@real_files.needs("ecg/mitdb/101.*", 3)
def test_wfdb_in_a_zip_with_its_annotations() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for suffix in ("hea", "dat", "atr"):
            archive.write(ECG / f"mitdb/101.{suffix}", f"record/101.{suffix}")
    zipped, beside = ecg.read(packed.getvalue()), ecg.read(ECG / "mitdb/101.hea")
    assert zipped.leads == beside.leads == ("MLII", "V1")
    np.testing.assert_array_equal(zipped.samples, beside.samples)
    assert (zipped.patient.sex, zipped.patient.age_years) == ("female", 75)


@real_files.needs("ecg/ludb/1.*", 2)
def test_ludb_keeps_its_diagnoses() -> None:
    recording = ecg.read(ECG / "ludb/1.hea")
    assert recording.leads == STANDARD_12
    assert recording.statements[0] == "Rhythm: Sinus bradycardia."

"""DICOM waveforms: kinds of samples, units, groups, padding, what the standard's checker says of what is written."""

from __future__ import annotations

import copy
import io
import shutil
import subprocess
import zlib
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.sequence import Sequence

import ecg
from ecg.synthesis import QUIET, resting

START = datetime(2025, 11, 20, 9, 30, 5)


def dataset() -> pydicom.FileDataset:
    """A written ECG, to be changed."""
    return pydicom.dcmread(io.BytesIO(ecg.write(resting(start=START, noise=QUIET).recording, None, "dicom")))


def saved(changed: pydicom.FileDataset) -> bytes:
    written = io.BytesIO()
    changed.save_as(written)
    return written.getvalue()


@pytest.mark.parametrize(
    ("interpretation", "number", "bits"),
    [("SB", "i1", 8), ("UB", "u1", 8), ("SS", "<i2", 16), ("US", "<u2", 16), ("SL", "<i4", 32), ("UL", "<u4", 32)],
)
def test_kinds_of_samples(interpretation: str, number: str, bits: int) -> None:
    changed = dataset()
    group = changed.WaveformSequence[0]
    stored = (np.arange(12 * 50) % 100).reshape(50, 12)
    group.NumberOfWaveformSamples = 50
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = bits, interpretation
    group.WaveformData = stored.astype(number).tobytes()
    for channel in group.ChannelDefinitionSequence:
        channel.ChannelSensitivity, channel.ChannelBaseline = "2", "0"
    recording = ecg.read(saved(changed))
    np.testing.assert_array_equal(recording.samples, stored.T * 2)


def test_units_correction_and_baseline_of_each_channel() -> None:
    changed = dataset()
    group = changed.WaveformSequence[0]
    channels = group.ChannelDefinitionSequence
    channels[0].ChannelSensitivity, channels[0].ChannelSensitivityCorrectionFactor = "0.001", "1.5"
    channels[0].ChannelSensitivityUnitsSequence[0].CodeValue = "mV"
    channels[0].ChannelBaseline = "0.2"
    channels[1].ChannelSensitivityUnitsSequence[0].CodeValue = "mm[Hg]"
    recording = ecg.read(saved(changed))
    stored = np.frombuffer(group.WaveformData, "<i2").reshape(-1, 12)
    assert "II" not in recording.leads
    np.testing.assert_allclose(recording.lead("I"), stored[:, 0] * 1.5 + 200, rtol=1e-5)


def test_padding_is_missing_but_a_declared_zero_is_not() -> None:
    changed = dataset()
    group = changed.WaveformSequence[0]
    stored = np.frombuffer(group.WaveformData, "<i2").reshape(-1, 12).copy()
    stored[100:200, 3] = -32768
    stored[300:310, 4] = 0
    stored[400:410, 5] = 9999
    group.WaveformData = stored.tobytes()
    for declared, missing in ((0, {3}), (9999, {3, 5})):
        group.WaveformPaddingValue = int(declared).to_bytes(2, "little", signed=True)
        samples = ecg.read(saved(changed)).samples
        assert set(np.flatnonzero(np.isnan(samples).any(axis=1)).tolist()) == missing
        assert np.isnan(samples[3, 100:200]).all()


def test_groups_after_each_other_and_derived_beats() -> None:
    changed = dataset()
    first = changed.WaveformSequence[0]
    groups = []
    for number in range(4):
        group = copy.deepcopy(first)
        group.ChannelDefinitionSequence = Sequence(list(first.ChannelDefinitionSequence)[3 * number : 3 * number + 3])
        group.NumberOfWaveformChannels, group.NumberOfWaveformSamples = 3, 1250
        group.MultiplexGroupTimeOffset = str(2500 * number)
        group.WaveformData = np.full((1250, 3), number + 1, "<i2").tobytes()
        groups.append(group)
    derived = copy.deepcopy(first)
    derived.WaveformOriginality = "DERIVED"
    changed.WaveformSequence = Sequence([*groups, derived])
    recording = ecg.read(saved(changed))
    assert recording.samples.shape == (12, 5000)
    assert np.isnan(recording.lead("I")[1250:]).all()
    assert np.isfinite(recording.lead("V4")[3750:]).all()
    assert np.isnan(recording.lead("V4")[:3750]).all()


def change(keyword: str, value: Any) -> bytes:
    changed = dataset()
    setattr(changed.WaveformSequence[0], keyword, value)
    return saved(changed)


@pytest.mark.parametrize(
    ("keyword", "value", "reason"),
    [
        ("NumberOfWaveformSamples", 5001, "cut short"),
        ("NumberOfWaveformSamples", 4_000_000_000, "can be read"),
        ("NumberOfWaveformChannels", 11, "described"),
        ("SamplingFrequency", "0", "rate"),
        ("WaveformSampleInterpretation", "MB", "kind"),
        ("ChannelDefinitionSequence", Sequence([]), "described"),
    ],
)
def test_what_is_wrong_is_said(keyword: str, value: Any, reason: str) -> None:
    with pytest.raises(ecg.UnreadableECG, match=reason):
        ecg.read(change(keyword, value))


def test_an_object_that_is_no_waveform() -> None:
    changed = dataset()
    del changed.WaveformSequence
    with pytest.raises(ecg.UnreadableECG, match="without waveforms"):
        ecg.read(saved(changed))


def test_a_deflated_object_is_read_and_a_deflated_bomb_refused() -> None:
    changed = dataset()
    changed.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    content = saved(changed)
    np.testing.assert_array_equal(ecg.read(content).samples, ecg.read(saved(dataset())).samples)
    group_length = int.from_bytes(content[140:144], "little")
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    zeros = b"".join(packer.compress(bytes(1 << 20)) for _ in range(300)) + packer.flush()
    with pytest.raises(ecg.UnreadableECG, match="inflates"):
        ecg.read(content[: 144 + group_length] + zeros)


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="the DICOM checker dciodvfy (dicom3tools) is not installed")
@pytest.mark.parametrize(
    ("leads", "seconds", "rate", "iod"),
    [(12, 10, 500.0, "TwelveLeadECG"), (12, 60, 500.0, "GeneralECG"), (3, 60, 128.0, "AmbulatoryECG")],
)
def test_what_is_written_passes_the_standards_checker(leads: int, seconds: int, rate: float, iod: str, tmp_path: Path) -> None:
    whole = resting(seconds=seconds, rate=rate, start=START).recording
    recording = replace(
        whole,
        leads=whole.leads[:leads],
        samples=whole.samples[:leads],
        patient=ecg.Patient("P-1", "Zhang Mei", "female", "1950-08-09", 75),
        device=ecg.Device("Maker", "Model", "S-1", "Hospital"),
        statements=("Sinus rhythm",),
        reported={"rate": 72, "pr": 160, "qrs_duration": 92, "qt": 400, "axis": 45, "p_duration": 100},
    )
    path = tmp_path / "x.dcm"
    ecg.write(recording, path, "dicom")
    said = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False).stderr
    assert iod in said
    assert "Error" not in said

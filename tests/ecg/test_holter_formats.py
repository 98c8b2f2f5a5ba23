"""ISHNE, EDF, EDF+ and BDF."""

from __future__ import annotations

import binascii
import struct
from datetime import datetime
from pathlib import Path

import numpy as np
import pyedflib
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ecg


def ishne(numbers: np.ndarray, *, total: bool = False, checksum: int | None = None, resolution: int = 2500) -> bytes:
    """An ISHNE file: `numbers` has shape (leads, n)."""
    leads, length = numbers.shape
    fields = struct.pack("<iiiih", 0, length * leads if total else length, 522, 522, 1)
    fields += b"Mei".ljust(40, b"\0") + b"Zhang".ljust(40, b"\0") + b"H-1".ljust(20, b"\0")
    fields += struct.pack("<2h12h", 2, 0, 9, 8, 1950, 20, 11, 2025, 20, 11, 2025, 9, 30, 0)
    fields += struct.pack("<h", leads)
    for values in ((15, 11, 10), (0,) * leads, (resolution,) * leads):
        fields += struct.pack("<12h", *values[:leads], *([-9] * (12 - leads)))
    fields += struct.pack("<h", 0) + b"Recorder".ljust(40, b"\0") + struct.pack("<h", 250) + bytes(80 + 80 + 88)
    crc = binascii.crc_hqx(fields, 0xFFFF) if checksum is None else checksum
    return b"ISHNE1.0" + struct.pack("<H", crc) + fields + numbers.T.astype("<i2").tobytes()


@given(st.lists(st.tuples(*[st.integers(-32768, 32767)] * 3), min_size=1, max_size=300), st.booleans())
def test_ishne(frames: list[tuple[int, int, int]], total: bool) -> None:
    numbers = np.array(frames).T
    recording = ecg.read(ishne(numbers, total=total and len(frames) % 3 == 0))
    expected = np.where(numbers == -32768, np.nan, numbers * 2.5)
    np.testing.assert_allclose(recording.samples, expected)
    assert recording.leads == ("V5", "V1", "aVF")
    assert recording.patient == ecg.Patient("H-1", "Mei Zhang", "female", "1950-08-09")
    assert recording.start == datetime(2025, 11, 20, 9, 30)
    assert recording.rate == 250


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (ishne(np.zeros((2, 100)))[:-50], "cut short"),
        (ishne(np.zeros((2, 100)), checksum=1), "checksum"),
        (ishne(np.zeros((2, 100)), resolution=-5), "resolution"),
        (b"ISHNE1.0" + bytes(100), "left"),
    ],
)
def test_damaged_ishne(content: bytes, reason: str) -> None:
    with pytest.raises(ecg.UnreadableECG, match=reason):
        ecg.read(content)


def test_ishne_without_a_checksum_is_read() -> None:
    assert ecg.read(ishne(np.ones((3, 10)), checksum=0)).samples.shape == (3, 10)


def written(path: Path, kind: int, signals: list[tuple[str, str, int, np.ndarray]]) -> bytes:
    """A file by pyedflib: label, unit, rate and physical samples of each signal."""
    top = 8388607 if kind in (pyedflib.FILETYPE_BDF, pyedflib.FILETYPE_BDFPLUS) else 32767
    with pyedflib.EdfWriter(str(path), len(signals), file_type=kind) as writer:
        writer.setSignalHeaders(
            [
                {
                    "label": label, "dimension": unit, "sample_frequency": rate, "physical_max": 4000.0,
                    "physical_min": -4000.0, "digital_max": top, "digital_min": -top - 1, "prefilter": "HP:0.05Hz",
                    "transducer": "",
                }
                for label, unit, rate, _ in signals
            ]
        )  # fmt: skip
        writer.setStartdatetime(datetime(2025, 11, 20, 9, 30, 5))
        if kind in (pyedflib.FILETYPE_EDFPLUS, pyedflib.FILETYPE_BDFPLUS):
            writer.setPatientCode("P-7")
            writer.setPatientName("Mei_Zhang")
            writer.setSex(0)
            writer.setBirthdate(datetime(1950, 8, 9).date())
            writer.setEquipment("Box_3")
        writer.writeSamples([samples for *_, samples in signals])
    return path.read_bytes()


@pytest.mark.parametrize(
    ("kind", "step"),
    [(pyedflib.FILETYPE_EDF, 0.13), (pyedflib.FILETYPE_EDFPLUS, 0.13), (pyedflib.FILETYPE_BDFPLUS, 0.001)],
)
def test_edf_and_bdf_as_pyedflib_writes_them(kind: int, step: float, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    one, two = rng.uniform(-3900, 3900, (2, 2500))
    breath = rng.uniform(-100, 100, 250)
    content = written(
        tmp_path / "x.edf",
        kind,
        [("ECG I", "uV", 250, one), ("ECG V5", "uV", 250, two), ("Resp", "uV", 25, breath)],
    )
    recording = ecg.read(content)
    assert recording.leads == ("I", "V5")
    assert recording.rate == 250
    np.testing.assert_allclose(recording.samples, np.stack((one, two)), atol=step)
    assert recording.start == datetime(2025, 11, 20, 9, 30, 5)
    assert recording.filters == "HP:0.05Hz"
    if kind != pyedflib.FILETYPE_EDF:
        assert recording.patient == ecg.Patient("P-7", "Mei Zhang", "female", "1950-08-09")
        assert recording.device.model == "Box 3"


def test_units_other_than_microvolts_and_signals_without_volts(tmp_path: Path) -> None:
    samples = np.linspace(-3, 3, 500)
    content = written(tmp_path / "x.edf", pyedflib.FILETYPE_EDF, [("II", "mV", 250, samples), ("SpO2", "%", 250, samples)])
    recording = ecg.read(content)
    assert recording.leads == ("II",)
    np.testing.assert_allclose(recording.samples[0], samples * 1000, atol=130)


def discontinuous(onsets: list[str]) -> bytes:
    """An EDF+D file of one lead, four samples of 10 ms in each record."""

    def field(text: object, size: int) -> bytes:
        return str(text).encode().ljust(size)

    head = field(0, 8) + field("X X X X", 80) + field("Startdate X X X X", 80) + field("01.02.25", 8) + field("03.04.05", 8)
    head += field(768, 8) + field("EDF+D", 44) + field(len(onsets), 8) + field(0.04, 8) + field(2, 4)
    for first, second, size in (
        ("ECG II", "EDF Annotations", 16), ("", "", 80), ("uV", "", 8), (-32768, -1, 8), (32767, 1, 8),
        (-32768, -32768, 8), (32767, 32767, 8), ("", "", 80), (4, 8, 8), ("", "", 32),
    ):  # fmt: skip
        head += field(first, size) + field(second, size)
    records = b"".join(
        struct.pack("<4h", *range(4 * n, 4 * n + 4)) + f"{onset}\x14\x14".encode().ljust(16, b"\0") for n, onset in enumerate(onsets)
    )
    return head + records


def test_gaps_of_a_discontinuous_file_are_nan() -> None:
    samples = ecg.read(discontinuous(["+0", "+0.04", "+0.12"])).samples[0]
    np.testing.assert_array_equal(samples, [0, 1, 2, 3, 4, 5, 6, 7, *[np.nan] * 4, 8, 9, 10, 11])


@pytest.mark.parametrize(
    ("onsets", "reason"),
    [(["+0", "+99999999"], "can be read"), (["+1", "+0"], "order"), (["+0", "soon"], "begins")],
)
def test_gaps_that_no_recording_has(onsets: list[str], reason: str) -> None:
    with pytest.raises(ecg.UnreadableECG, match=reason):
        ecg.read(discontinuous(onsets))


@given(st.binary(max_size=300), st.integers(0, 700))
def test_damage_in_an_edf_header_is_read_or_refused(noise: bytes, at: int) -> None:
    content = bytearray(discontinuous(["+0", "+0.04"]))
    content[at : at + len(noise)] = noise
    try:
        recording = ecg.read(bytes(content))
    except ecg.UnreadableECG:
        return
    assert recording.samples.shape[0] == len(recording.leads)


@given(st.binary(min_size=1, max_size=40), st.integers(8, 560))
def test_damage_in_an_ishne_header_is_read_or_refused(noise: bytes, at: int) -> None:
    content = bytearray(ishne(np.zeros((3, 50)), checksum=0))
    content[at : at + len(noise)] = noise
    content[8:10] = b"\0\0"
    try:
        recording = ecg.read(bytes(content))
    except ecg.UnreadableECG:
        return
    assert recording.samples.shape[0] == len(recording.leads)

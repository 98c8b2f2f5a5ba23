"""WFDB: storage formats, segments, skew, headers that reach out of their folder."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st

import ecg
from ecg.formats.wfdb_signals import PACKINGS


def zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def pack_212(numbers: list[int]) -> bytes:
    out = bytearray()
    for one, two in zip(numbers[::2], [*numbers[1::2], 0], strict=False):
        one, two = one & 0xFFF, two & 0xFFF
        out += bytes([one & 255, one >> 8 | (two >> 8) << 4, two & 255])
    return bytes(out)


@given(st.lists(st.tuples(st.integers(-2047, 2047), st.integers(-2047, 2047)), min_size=1, max_size=200))
def test_format_212(frames: list[tuple[int, int]]) -> None:
    header = f"r 2 360 {len(frames)}\nr.dat 212 200 12 0 0 0 0 MLII\nr.dat 212 100 12 0 0 0 0 V5\n"
    recording = ecg.read(zipped({"r.hea": header.encode(), "r.dat": pack_212([n for frame in frames for n in frame])}))
    expected = np.array(frames).T * np.array([[5.0], [10.0]])
    np.testing.assert_allclose(recording.samples, expected)


@pytest.mark.parametrize("code", [16, 24, 32, 80, 160, 212, 310, 311])
def test_storage_formats_as_the_wfdb_package_writes_or_reads_them(code: int, tmp_path: Path) -> None:
    top = -PACKINGS[code].invalid
    frames, signals = 400, 3
    rng = np.random.default_rng(code)
    raw = rng.integers(0, 256, PACKINGS[code].bytes * -(-frames * signals // PACKINGS[code].samples), dtype=np.uint8)
    if code == 311:
        raw[3::4] &= 0x3F  # the two bits that the format leaves unused, which the package does not ignore
    (tmp_path / "r.dat").write_bytes(raw.tobytes())
    lines = [f"r.dat {code} 100/mV 16 0 0 0 0 lead{n}" for n in range(signals)]
    (tmp_path / "r.hea").write_text("\n".join([f"r {signals} 250 {frames}", *lines]) + "\n")
    theirs = wfdb.rdrecord(str(tmp_path / "r"), physical=False)
    ours = ecg.read(tmp_path / "r.hea").samples / 10
    stored = theirs.d_signal.T.astype(float)
    missing = np.isnan(ours)
    # The package gives the invalid mark as a number.
    np.testing.assert_array_equal(stored[missing], PACKINGS[code].invalid)
    np.testing.assert_allclose(ours[~missing], stored[~missing], rtol=1e-6)
    assert np.nanmax(np.abs(ours)) > top / 2


def test_a_missing_sample_is_nan() -> None:
    header = "r 1 250 4\nr.dat 16 1000(10)/mV 16 0 0 0 0 II\n"
    content = np.array([10, 1010, -32768, -990], "<i2").tobytes()
    samples = ecg.read(zipped({"r.hea": header.encode(), "r.dat": content})).samples[0]
    np.testing.assert_array_equal(samples, [0, 1000, np.nan, -1000])


def test_segments_and_gaps_between_them() -> None:
    files = {
        "whole.hea": b"whole/3 1 250 10\nfirst 4\n~ 3\nsecond 3\n",
        "first.hea": b"first 1 250 4\nfirst.dat 16 1000 16 0 0 0 0 II\n",
        "first.dat": np.array([1, 2, 3, 4], "<i2").tobytes(),
        "second.hea": b"second 1 250 3\nsecond.dat 16 1000 16 0 0 0 0 II\n",
        "second.dat": np.array([7, 8, 9], "<i2").tobytes(),
    }
    recording = ecg.read(zipped(files))
    assert recording.leads == ("II",)
    np.testing.assert_array_equal(recording.samples[0], [1, 2, 3, 4, np.nan, np.nan, np.nan, 7, 8, 9])


@pytest.mark.parametrize(
    ("comments", "statements"),
    [
        ("#Age: 74\n#Sex: Male\n#Dx: 426177001,426783006\n#Rx: Unknown\n", ("426177001,426783006",)),
        ("#<age>: 74\n#<sex>: M\n#<diagnoses>:\n#Rhythm: Sinus.\n#Axis: normal.\n", ("Rhythm: Sinus.", "Axis: normal.")),
        ("# 74 M 1629 1633 x1\n# Aldomet, Inderal\n", ()),
    ],
)
def test_comments_that_databases_write(comments: str, statements: tuple[str, ...]) -> None:
    header = f"r 1 250 2\nr.dat 16 1000 16 0 0 0 0 II\n{comments}"
    recording = ecg.read(zipped({"r.hea": header.encode(), "r.dat": bytes(4)}))
    assert recording.statements == statements
    assert (recording.patient.sex, recording.patient.age_years) == ("male", 74)


def test_skew_samples_per_frame_and_signals_that_are_no_voltage() -> None:
    header = (
        "r 3 125 3 10:20:30 1/2/2024\n"
        "r.dat 16x2 1000/mV 16 0 0 0 0 II\nr.dat 16x2:1 1000/mV 16 0 0 0 0 V5\nr.dat 16 10/mmHg 16 0 0 0 0 ABP\n"
    )
    frames = np.array([[1, 2, 11, 12, 90], [3, 4, 13, 14, 91], [5, 6, 15, 16, 92]], "<i2")
    recording = ecg.read(zipped({"r.hea": header.encode(), "r.dat": frames.tobytes()}))
    assert recording.leads == ("II", "V5")
    assert recording.rate == 250
    assert str(recording.start) == "2024-02-01 10:20:30"
    np.testing.assert_array_equal(recording.samples[0], [1, 2, 3, 4, 5, 6])
    np.testing.assert_array_equal(recording.samples[1], [13, 14, 15, 16, np.nan, np.nan])


@pytest.mark.parametrize(
    ("name", "reason"),
    [("../secret.dat", "beside"), ("/etc/hostname", "beside"), ("http://x/y.dat", "beside"), ("gone.dat", "not beside")],
)
def test_a_header_reaches_only_files_beside_it(name: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "secret.dat").write_bytes(bytes(100))
    folder = tmp_path / "records"
    folder.mkdir()
    (folder / "r.hea").write_text(f"r 1 250 10\n{name} 16 200 16 0 0 0 0 II\n")
    with pytest.raises(ecg.UnreadableECG, match=reason):
        ecg.read(folder / "r.hea")


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("r 1 250 50\nr.dat 16 200 16 0 0 0 0 II\n", "cut short"),
        ("r 1 250 10\nr.dat 8 200 16 0 0 0 0 II\n", "format"),
        ("r 1 250 10\nr.dat sixteen\n", "signal line"),
        ("r 2 250 10\nr.dat 16 200 16 0 0 0 0 II\n", "promised"),
        ("r 1 0.001 10\nr.dat 16 200 16 0 0 0 0 II\n", "rate"),
        ("r 1 250 99999999999999\nr.dat 16 200 16 0 0 0 0 II\n", "can be read"),
        ("r 999 250 10\nr.dat 16 200 16 0 0 0 0 II\n", "can be read"),
        ("r 1 250 10\nr.dat 16 200/mmHg 16 0 0 0 0 ABP\n", "volts"),
    ],
)
def test_what_is_wrong_is_said(header: str, reason: str) -> None:
    with pytest.raises(ecg.UnreadableECG, match=reason) as caught:
        ecg.read(zipped({"r.hea": header.encode(), "r.dat": bytes(20)}))
    assert caught.value.format == "WFDB"


def test_a_header_alone_says_what_to_do() -> None:
    with pytest.raises(ecg.UnreadableECG, match="zip"):
        ecg.read(b"r 1 250 10\nr.dat 16 200 16 0 0 0 0 II\n")


@settings(max_examples=200)
@given(st.text(alphabet="r123 ./~#:()+xmV\n-", max_size=80), st.binary(max_size=40))
def test_any_header_is_read_or_refused(rest: str, content: bytes) -> None:
    try:
        recording = ecg.read(zipped({"r.hea": f"r 1 250 {rest}".encode(), "r.dat": content}))
    except ecg.UnreadableECG:
        return
    assert recording.samples.shape[0] == len(recording.leads)

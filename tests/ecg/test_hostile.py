"""Damaged and hostile files: one kind of error, in little time, in little memory."""

from __future__ import annotations

import io
import random
import struct
import subprocess
import sys
import textwrap
import zipfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ecg
from ecg.formats import FORMATS
from ecg.limits import ANY_ZIP_RATIO, MAX_ZIP_ENTRIES, MAX_ZIP_RATIO
from ecg.synthesis import resting
from tests import real_files
from tests.ecg.scp_record import DEFAULT_TABLE, data_section, huffman, leads_section, patient_section, record
from tests.patience import TIMES


def read_or_refuse(content: bytes) -> None:
    try:
        recording = ecg.read(content)
    except ecg.UnreadableECG as error:
        assert error.format  # noqa: PT017  (both outcomes are right; each is looked at)
        assert error.offset >= 0  # noqa: PT017
        assert error.reason  # noqa: PT017
    else:
        assert recording.samples.ndim == 2
        assert recording.samples.shape[0] == len(recording.leads) > 0


def damaged(content: bytes, dice: random.Random) -> bytes:
    broken = bytearray(content[: dice.randrange(1, len(content))] if dice.random() < 0.4 else content)
    for _ in range(dice.randrange(1, 20)):
        broken[dice.randrange(len(broken))] = dice.randrange(256)
    return bytes(broken)


@pytest.mark.parametrize("path", real_files.each("ecg/formats/*"))
def test_damaged_real_files(path: Path) -> None:
    content, dice = path.read_bytes(), random.Random(path.name)
    for _ in range(60 * TIMES):
        read_or_refuse(damaged(content, dice))


def written(format_: str) -> bytes:
    """Return a file of two seconds as the package writes it, or as the tests' own encoder does."""
    recording = replace(resting(seconds=2).recording, start=datetime(2025, 11, 20))
    if format_ != "scp":
        return ecg.write(recording, None, format_)
    rows = [huffman([int(value) for value in row]) for row in recording.samples[:8]]
    leads = leads_section([recording.samples.shape[1]] * 8, list(range(1, 9)))
    return record({1: patient_section({}), 2: DEFAULT_TABLE, 3: leads, 6: data_section(rows)})


WRITTEN = ["aecg", "dicom", "edf", "scp", "wfdb"]


@pytest.mark.parametrize("format_", WRITTEN)
def test_damaged_written_files(format_: str) -> None:
    content, dice = written(format_), random.Random(format_)
    for _ in range(150 * TIMES):
        read_or_refuse(damaged(content, dice))


@pytest.mark.parametrize("path", real_files.each("ecg/formats/*"))
def test_a_real_file_cut_anywhere_in_its_beginning(path: Path) -> None:
    cut_anywhere(path.read_bytes())


@pytest.mark.parametrize("format_", WRITTEN)
def test_a_written_file_cut_anywhere_in_its_beginning(format_: str) -> None:
    cut_anywhere(written(format_))


def cut_anywhere(content: bytes) -> None:
    for length in [*range(0, 700, 7), *range(700, 20_000, 611)]:
        read_or_refuse(content[:length])


@settings(max_examples=300)
@given(st.binary(max_size=300), st.sampled_from(
    [b"ISHNE1.0", b"0       ", b"\xffBIOSEMI", b"PK\x03\x04", b"r 1 250 10\n", b"<AnnotatedECG>", b"<RestingECG>",
     b"<restingecgdata>", bytes(128) + b"DICM", struct.pack("<HIHHI", 0, 0, 0, 0, 136) + b"\x14\x14SCPECG", b""]
))  # fmt: skip
def test_anything_behind_a_formats_mark(content: bytes, mark: bytes) -> None:
    read_or_refuse(mark + content)


def test_what_is_no_ecg_says_so() -> None:
    for content in (b"", b"%PDF-1.7", b"GIF89a", bytes(1000), b"<html></html>", "\u5fc3\u7535\u56fe".encode("utf-16")):
        with pytest.raises(ecg.UnreadableECG) as caught:
            ecg.read(content)
        assert caught.value.format == "unknown"


@pytest.mark.parametrize("number", [b"inf", b"-inf", b"1e300", b"nan"])
def test_a_number_that_is_none_is_a_missing_sample(number: bytes) -> None:
    content = ecg.write(replace(resting(seconds=2).recording, start=datetime(2025, 11, 20)), None, "aecg")
    digits = content.index(b"<digits>") + len(b"<digits>")
    end = content.index(b" ", digits)
    found = ecg.read(content[:digits] + number + content[end:])
    assert np.isnan(found.samples[0, 0])
    assert np.isfinite(found.samples[0, 1:]).all()


def test_a_path_that_is_not_there_is_an_os_error() -> None:
    with pytest.raises(FileNotFoundError):
        ecg.read("/nowhere/at/all.scp")


@pytest.mark.parametrize("path", real_files.each("ecg/formats/*"))
def test_no_two_formats_claim_one_real_file(path: Path) -> None:
    assert claims(path.read_bytes()) == 1


@pytest.mark.parametrize("format_", WRITTEN)
def test_no_two_formats_claim_one_written_file(format_: str) -> None:
    assert claims(written(format_)) == 1


def claims(content: bytes) -> int:
    """Count the formats that take a file for one of theirs."""
    return sum(format_.recognise(content[:8192]) for format_ in FORMATS)


def archive_of(entries: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (archive_of({f"{n}.dat": b"" for n in range(MAX_ZIP_ENTRIES + 1)}), "files"),
        (archive_of({}), "unknown|no ECG"),
        (archive_of({"a.txt": b""}), "0 WFDB records"),
        (archive_of({"a.hea": b"a 1 250 1\na.dat 16\n", "b.hea": b"b 1 250 1\nb.dat 16\n"}), "2 WFDB records"),
        (archive_of({"a.hea": b"a 1 250 1\na.dat 16\n"})[:-30], "unpacked"),
    ],
    ids=lambda value: value if isinstance(value, str) else "zip",  # its bytes hold the time of day
)
def test_archives_that_are_refused(content: bytes, reason: str) -> None:
    with pytest.raises(ecg.UnreadableECG, match=reason):
        ecg.read(content)


@pytest.mark.parametrize("size", [10, (1 << 32) - 2])
def test_an_archive_that_lies_about_its_size(size: int) -> None:
    content = bytearray(archive_of({"a.hea": b"a 1 250 1\na.dat 16\n", "a.dat": bytes(1 << 20)}))
    at = content.rfind(b"PK\x01\x02")  # the directory's entry of a.dat: its unpacked size stands 24 bytes on
    struct.pack_into("<I", content, at + 24, size)
    with pytest.raises(ecg.UnreadableECG, match="unpack"):
        ecg.read(bytes(content))


def flat(size: int, noise: int = 0) -> bytes:
    """An archive of one lead of `size` bytes, flat but for the first `noise` of them."""
    head = f"a 1 10000 {size // 2}\na.dat 16 200 16 0 0 0 0 II\n".encode()
    return archive_of({"a.hea": head, "a.dat": random.Random(1).randbytes(noise) + bytes(size - noise)})


def test_what_an_archive_may_unpack_to() -> None:
    """However small it is up to a size; a larger one a number of times its own."""
    room = ANY_ZIP_RATIO - 100
    assert ecg.read(flat(room)).samples.shape == (1, room // 2)
    with pytest.raises(ecg.UnreadableECG, match=f"more than {MAX_ZIP_RATIO} times its size: send it without compressing"):
        ecg.read(flat(ANY_ZIP_RATIO))
    assert ecg.read(flat(ANY_ZIP_RATIO, noise=1 << 20)).samples.shape == (1, ANY_ZIP_RATIO // 2)


def test_a_day_of_three_leads_is_read_without_copies(tmp_path: Path) -> None:
    hours, rate = 6, 250
    numbers = np.zeros((hours * 3600 * rate, 3), "<i2")
    numbers[:, 0] = np.arange(len(numbers)) % 1000
    header = f"h 3 {rate} {len(numbers)}\n" + "h.dat 16 1000 16 0 0 0 0 V5\n" * 3
    (tmp_path / "h.hea").write_text(header)
    numbers.tofile(tmp_path / "h.dat")
    measured = """
        import resource, sys
        import ecg
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        recording = ecg.read(sys.argv[1])
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / recording.samples.nbytes)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(measured), str(tmp_path / "h.hea")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert float(done.stdout) < 2.5  # the file, the samples, and a block in between

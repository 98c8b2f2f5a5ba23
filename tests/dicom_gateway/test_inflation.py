"""Deflated data sets: what small files may become, and how much memory is taken to find out."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless

from dicom_gateway import UnreadableDICOM
from dicom_gateway.deidentify import NotDeidentifiable, deidentify
from dicom_gateway.header import read_header
from dicom_gateway.inflation import ANY_RATIO, MAX_RATIO, PIECE, Inflation, inflate
from dicom_gateway.pixels.errors import PixelError
from dicom_gateway.pixels.transcode import frames_of, transcode
from dicom_gateway.scanner import MAX_DEFLATED_HEADER, TakesLong, is_deflated, scan
from dicom_gateway.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN
from tests.dicom_gateway.conftest import Gateway
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.dicom_gateway.pixels.pictured import frames, image

MEGABYTE = 1 << 20
SPARE = 64
"""Megabytes beyond what a process has anyway that reading any deflated object may take."""


def deflated(pieces: Iterator[bytes]) -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b"".join([*map(squeeze.compress, pieces), squeeze.flush()])


def grown(megabytes: int, *, tag: bytes = b"\xe0\x7f\x10\x00", noise: int = 0, length: int | None = None) -> bytes:
    """A deflated object whose last element has that many megabytes, `noise` of them such that nothing makes them smaller."""
    plain = part10_of(ct_slice(PixelData=None))
    start = 144 + struct.unpack_from("<I", plain, 140)[0]
    head = plain[:start].replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")
    head = head[:140] + struct.pack("<I", len(head) - 144) + head[144:]
    assert head[:start].count(b"1.2.1.99") == 1
    syntax = head.index(b"1.2.840.10008.1.2.1.99")
    head = head[: syntax - 2] + struct.pack("<H", 22) + head[syntax:]
    random = np.random.default_rng(1)

    def pieces() -> Iterator[bytes]:
        yield plain[start:]
        yield tag + b"OW\0\0" + struct.pack("<I", (megabytes << 20) if length is None else length)
        for number in range(megabytes):
            yield random.bytes(MEGABYTE) if number < noise else bytes(MEGABYTE)

    return head + deflated(pieces())


def test_the_made_objects_are_what_they_say() -> None:
    small = grown(2)
    assert [is_deflated(content) for content in (small, part10_of(ct_slice()), b"no DICOM")] == [True, False, False]
    found = scan(small)
    assert found.pixel_data is not None
    assert found.pixel_data.length == 2 * MEGABYTE
    with pytest.raises(TakesLong):
        scan(small, within=1 << 20)


def test_a_black_image_may_be_deflated_as_far_as_it_goes() -> None:
    black = grown(ANY_RATIO // MEGABYTE - 1)
    assert len(black) * MAX_RATIO < ANY_RATIO
    assert scan(black).pixel_data is not None


def test_what_grows_past_the_ratio_is_refused() -> None:
    with pytest.raises(UnreadableDICOM, match=f"more than {MAX_RATIO} times its size: send it without deflating"):
        scan(grown(ANY_RATIO // MEGABYTE + 1))
    assert scan(grown(ANY_RATIO // MEGABYTE + 1, noise=1)).pixel_data is not None


def test_what_grows_past_the_size_is_refused() -> None:
    machine = Inflation(7, 3 * PIECE)
    assert sum(map(len, machine.feed(deflated(iter([bytes(3 * PIECE)]))))) == 3 * PIECE
    machine.finish()
    with pytest.raises(UnreadableDICOM, match="more than") as refusal:
        list(Inflation(7, 3 * PIECE).feed(deflated(iter([bytes(3 * PIECE + 1)]))))
    assert refusal.value.offset == 7


def test_a_header_that_is_too_long_is_refused() -> None:
    assert scan(grown(MAX_DEFLATED_HEADER // MEGABYTE - 1, tag=b"\x11\x00\x10\x10")).pixel_data is None
    with pytest.raises(UnreadableDICOM, match="in front of the pixels"):
        scan(grown(MAX_DEFLATED_HEADER // MEGABYTE + 1, tag=b"\x11\x00\x10\x10"))


def test_pixels_that_are_cut_off_are_refused() -> None:
    with pytest.raises(UnreadableDICOM, match="cut off: pixel data"):
        scan(grown(2, length=3 * MEGABYTE))
    with pytest.raises(UnreadableDICOM, match="cut off"):
        scan(grown(2)[:-20])


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=3000), st.integers(1, 700), st.integers(0, 9), st.binary(max_size=3))
def test_pieces_are_the_whole(content: bytes, step: int, level: int, padding: bytes) -> None:
    squeeze = zlib.compressobj(level, zlib.DEFLATED, -15)
    packed = squeeze.compress(content) + squeeze.flush() + padding
    machine = Inflation(0)
    assert b"".join(piece for at in range(0, len(packed), step) for piece in machine.feed(packed[at : at + step])) == content
    machine.finish()
    assert inflate(memoryview(packed), 0) == content


def test_a_deflated_image_is_decoded_and_transcoded_as_before() -> None:
    pixels = np.arange(64 * 48, dtype="<u2").reshape(64, 48)
    sent = part10_of(image(pixels), DeflatedExplicitVRLittleEndian)
    assert (frames(sent)[0] == pixels).all()
    assert (frames(transcode(sent, EXPLICIT_VR_LITTLE_ENDIAN))[0] == pixels).all()
    assert read_header(scan(sent)).instance["rows"] == 64


def test_what_is_too_large_to_be_read_whole_is_not() -> None:
    large = grown(300, noise=2)
    assert scan(large).pixel_data is not None
    with pytest.raises(PixelError, match="inflates to more than"):
        transcode(large, EXPLICIT_VR_LITTLE_ENDIAN)
    with pytest.raises(PixelError):
        frames_of(large)
    with pytest.raises(NotDeidentifiable):
        deidentify(large, bytes(32))


_MEASURED = """
import sys, resource, pathlib
from dicom_gateway.scanner import scan
from dicom_gateway.errors import UnreadableDICOM
content = pathlib.Path(sys.argv[1]).read_bytes()
scan(pathlib.Path(sys.argv[2]).read_bytes())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    scan(content)
except UnreadableDICOM:
    pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize(("megabytes", "noise"), [(900, 0), (900, 5)], ids=["bomb", "large"])
def test_reading_takes_no_more_memory_than_the_header(tmp_path: Path, megabytes: int, noise: int) -> None:
    (tmp_path / "large.dcm").write_bytes(grown(megabytes, noise=noise))
    (tmp_path / "small.dcm").write_bytes(grown(1))
    taken = subprocess.run(
        [sys.executable, "-c", _MEASURED, str(tmp_path / "large.dcm"), str(tmp_path / "small.dcm")],
        check=True,
        capture_output=True,
        text=True,
    )
    assert int(taken.stdout) < SPARE


async def test_parts_of_a_deflated_object_go_out(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    """Frames, pixels, metadata and pictures of an object that is inflated anew for each, up to where they lie."""
    pixels = (np.arange(3 * 64 * 48, dtype="<u2") % 4096).reshape(3, 64, 48)
    data_set = image(pixels[0], NumberOfFrames=3, PixelData=pixels.tobytes())
    headers = gateway.headers("CLINIC1")
    stored = {**headers, "Content-Type": "application/dicom"}
    sent = part10_of(data_set, DeflatedExplicitVRLittleEndian)
    async with http.post(f"{gateway.url}/studies", data=sent, headers=stored) as answer:
        assert answer.status == 200
    instance = f"{gateway.url}/studies/{data_set.StudyInstanceUID}/series/{data_set.SeriesInstanceUID}/instances/{data_set.SOPInstanceUID}"

    async def got(path: str, kind: str) -> bytes:
        async with http.get(instance + path, headers={**headers, "Accept": kind}) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.read()

    for number, frame in enumerate(pixels, 1):
        assert await got(f"/frames/{number}", "application/octet-stream") == frame.tobytes()
    assert await got("/bulkdata/7FE00010", "application/octet-stream") == pixels.tobytes()
    assert b"Wang^XiaoDong" in await got("/metadata", "application/dicom+json")
    assert (await got("/frames/3/rendered", "image/png")).startswith(b"\x89PNG")
    assert await got("", "application/dicom; transfer-syntax=*") == sent


async def test_a_bomb_is_refused_at_the_door_and_a_lie_is_not_drawn(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    headers = gateway.headers("CLINIC1")
    stored = {**headers, "Content-Type": "application/dicom"}
    async with http.post(f"{gateway.url}/studies", data=grown(900), headers=stored) as answer:
        assert answer.status == 409
        assert "without deflating" in await answer.text()
    liar = image(np.zeros((64, 48), "<u2"))
    siz = struct.pack(">HH8IHBBB", 41, 0, 60000, 60000, 0, 0, 60000, 60000, 0, 0, 1, 15, 1, 1)
    liar.PixelData = encapsulate([b"\xff\x4f\xff\x51" + siz + bytes(600)])
    liar["PixelData"].VR, liar["PixelData"].is_undefined_length = "OB", True
    async with http.post(f"{gateway.url}/studies", data=part10_of(liar, JPEG2000Lossless), headers=stored) as answer:
        assert answer.status == 200
    instance = f"{gateway.url}/studies/{liar.StudyInstanceUID}/series/{liar.SeriesInstanceUID}/instances/{liar.SOPInstanceUID}"
    async with http.get(f"{instance}/rendered", headers={**headers, "Accept": "image/png"}) as answer:
        assert answer.status == 406
        assert "60000×60000" in await answer.text()

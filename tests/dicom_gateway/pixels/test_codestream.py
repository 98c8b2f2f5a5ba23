"""What code streams claim of their size: read as it is written, refused where it is a lie, whatever the bytes are."""

from __future__ import annotations

import contextlib
import io
import struct

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID

from dicom_gateway.frames import join_fragments
from dicom_gateway.header import read_header as read_index_header
from dicom_gateway.pixels.codestream import MIN_TILES, Size, check_rle, check_size, declared_size
from dicom_gateway.pixels.decode import PIXEL_ELEMENT_HEAD, read_header
from dicom_gateway.pixels.errors import PixelError
from dicom_gateway.pixels.transcode import frames_of
from dicom_gateway.scanner import scan
from dicom_gateway.transfer_syntax import RLE_LOSSLESS
from tests import real_files
from tests.dicom_gateway.objects import part10_of
from tests.dicom_gateway.pixels.pictured import image
from tests.patience import TIMES

GREY = (np.arange(64 * 48, dtype=np.uint16) % 4096).reshape(64, 48)
COLOUR = np.zeros((64, 48, 3), np.uint8)
JPEG, LOSSLESS, LS, J2K, HTJ2K, JXL = (f"1.2.840.10008.1.2.4.{n}" for n in (50, 70, 80, 90, 201, 110))
STREAMS = {
    "JPEG": (JPEG, imagecodecs.jpeg8_encode(GREY.astype(np.uint8)), 1),
    "JPEG colour": (JPEG, imagecodecs.jpeg8_encode(COLOUR), 3),
    "JPEG lossless": (LOSSLESS, imagecodecs.ljpeg_encode(GREY), 1),
    "JPEG-LS": (LS, imagecodecs.jpegls_encode(GREY), 1),
    "JPEG 2000": (J2K, imagecodecs.jpeg2k_encode(GREY, codecformat="j2k", reversible=True), 1),
    "JP2": (J2K, imagecodecs.jpeg2k_encode(COLOUR, codecformat="jp2", reversible=True), 3),
    "HTJ2K": (HTJ2K, imagecodecs.htj2k_encode(GREY, reversible=True), 1),
    "JPEG XL": (JXL, imagecodecs.jpegxl_encode(GREY, lossless=True), 1),
    "JPEG XL in boxes": (JXL, imagecodecs.jpegxl_encode(COLOUR, lossless=True, usecontainer=True), 3),
}
each = pytest.mark.parametrize("name", STREAMS)


def png(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("L", (width, height)).save(out, "PNG")
    return out.getvalue()


@each
def test_the_size_is_that_of_the_picture(name: str) -> None:
    _, stream, samples = STREAMS[name]
    claimed = declared_size(bytes(stream))
    assert claimed is not None
    assert claimed[:2] == (64, 48)
    assert claimed.samples in (0, samples)
    check_size(bytes(stream), 64, 48, samples)


def test_the_size_of_a_png() -> None:
    assert declared_size(png(48, 64)) == (64, 48, 0)


@each
@pytest.mark.parametrize("of_header", [(63, 48), (65, 48), (64, 47), (64, 49), (48, 64), (60000, 60000), (0, 0)])
def test_another_size_is_a_lie(name: str, of_header: tuple[int, int]) -> None:
    with pytest.raises(PixelError, match="where the header says"):
        check_size(bytes(STREAMS[name][1]), *of_header, STREAMS[name][2])


@each
def test_a_header_that_is_cut_off_is_said_so(name: str) -> None:
    """No first bytes of a stream give another size than the whole does, nor any other error."""
    stream = bytes(STREAMS[name][1])
    for length in range(min(len(stream), 700)):
        with contextlib.suppress(PixelError):
            assert declared_size(stream[:length]) in (None, declared_size(stream))


@settings(max_examples=300 * TIMES, deadline=None)
@given(st.sampled_from(list(STREAMS)), st.data())
def test_damaged_streams_have_a_size_or_the_one_error(name: str, data: st.DataObject) -> None:
    stream = bytearray(STREAMS[name][1][:400])
    for _ in range(data.draw(st.integers(1, 6))):
        stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(PixelError):
        assert declared_size(bytes(stream)) is None or min(declared_size(bytes(stream)) or ()) >= 0


@settings(max_examples=300 * TIMES, deadline=None)
@given(
    st.sampled_from([b"\xff\xd8", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n", b""]),
    st.binary(max_size=300),
)
def test_any_bytes_have_a_size_or_the_one_error(magic: bytes, noise: bytes) -> None:
    with contextlib.suppress(PixelError):
        declared_size(magic + noise)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 2**30), st.integers(1, 2**30), st.integers(1, 4))
def test_a_jpeg_xl_header_of_any_size_is_read(rows: int, columns: int, width: int) -> None:
    """Both sides in the longest form of the size header (ISO/IEC 18181-1 D.2): no small flag, no ratio."""
    bits = 0 | 3 << 1 | (rows - 1) << 3 | 0 << 33 | 3 << 36 | (columns - 1) << 38
    assert declared_size(b"\xff\x0a" + bits.to_bytes(9, "little") + bytes(width)) == (rows, columns, 0)


def siz(right: int, bottom: int, tile: int = 0, step: int = 1, samples: int = 1) -> bytes:
    """The beginning of a JPEG 2000 code stream."""
    components = struct.pack(">BBB", 7, step, step) * samples
    body = struct.pack(">HH8IH", 38 + 3 * samples, 0, right, bottom, 0, 0, tile or right, tile or bottom, 0, 0, samples)
    return b"\xff\x4f\xff\x51" + body + components


def test_jpeg_2000_is_read_with_its_grid_and_tiles() -> None:
    assert declared_size(siz(640, 480)) == (480, 640, 1)
    assert declared_size(siz(1280, 960, step=2)) == (480, 640, 1)
    assert declared_size(siz(32, 32, tile=1)) == (32, 32, 1)
    assert MIN_TILES == 32 * 32
    with pytest.raises(PixelError, match="1056 tiles"):
        declared_size(siz(33, 32, tile=1))
    with pytest.raises(PixelError, match="grid"):
        declared_size(siz(60000, 60000, step=250))
    with pytest.raises(PixelError, match="no size"):
        declared_size(siz(640, 480, step=0))


def test_two_sizes_in_one_stream_are_a_lie() -> None:
    stream = bytes(STREAMS["JPEG"][1])
    at = stream.index(b"\xff\xc0")
    frame = stream[at : at + 2 + struct.unpack_from(">H", stream, at + 2)[0]]
    larger = frame[:5] + struct.pack(">HH", 60000, 60000) + frame[9:]
    with pytest.raises(PixelError, match="two sizes"):
        declared_size(stream[:at] + larger + stream[at:])
    with pytest.raises(PixelError, match="hierarchical"):
        declared_size(stream[:2] + b"\xff\xde" + larger[2:] + stream[2:])
    with pytest.raises(PixelError, match="markers"):
        declared_size(b"\xff\xd8" + b"\xff\x01" * 2000)


def rle(*segments: bytes, starts: tuple[int, ...] = ()) -> bytes:
    places = starts or tuple(64 + sum(map(len, segments[:n])) for n in range(len(segments)))
    return struct.pack("<16I", len(segments), *places, *([0] * (15 - len(segments)))) + b"".join(segments)


def test_rle_segments_are_held_to_the_frame() -> None:
    run = b"\x81\x07"  # 128 times the same: two bytes, the densest there is
    check_rle(rle(run * 8, run * 8), 32, 32, 2)
    check_rle(rle(run * 8 + b"\0" * (2 * 1024 - 16)), 32, 32, 1)
    for bad, words in (
        (rle(run * 8), "1 RLE segments where the header says 2"),
        (rle(run * 7, run * 8), "cannot hold"),
        (rle(run * 8, bytes(2 * 1024 + 65)), "cannot hold"),
        (rle(run * 8, run * 8, starts=(64, 64)), "do not follow"),
        (rle(run * 8, run * 8, starts=(64, 2**31)), "do not follow"),
        (b"\2", "cut off"),
    ):
        with pytest.raises(PixelError, match=words):
            check_rle(bad, 32, 32, 2)


def lying(syntax: str, stream: bytes, **attributes: object) -> bytes:
    """An object of 64 by 48 pixels around `stream`."""
    data_set = image(GREY, **attributes)
    data_set.PixelData = encapsulate([stream])
    data_set["PixelData"].VR = "OB"
    data_set["PixelData"].is_undefined_length = True
    return part10_of(data_set, UID(syntax))


@pytest.mark.parametrize(
    ("syntax", "stream"),
    [
        (J2K, siz(60000, 60000) + bytes(600)),
        (HTJ2K, siz(60000, 60000) + bytes(600)),
        (JPEG, bytes(STREAMS["JPEG"][1]).replace(struct.pack(">HH", 64, 48), struct.pack(">HH", 60000, 60000), 1)),
        (LS, bytes(STREAMS["JPEG-LS"][1]).replace(struct.pack(">HH", 64, 48), struct.pack(">HH", 60000, 60000), 1)),
        (LOSSLESS, bytes(STREAMS["JPEG lossless"][1]).replace(struct.pack(">HH", 64, 48), struct.pack(">HH", 60000, 60000), 1)),
        (JXL, b"\xff\x0a" + (3 << 1 | 59999 << 3 | 3 << 36 | 59999 << 38).to_bytes(9, "little") + bytes(600)),
        (RLE_LOSSLESS, rle(b"\x81\x07" * 40000, b"\x81\x07" * 40000)),
    ],
    ids=["JPEG 2000", "HTJ2K", "JPEG", "JPEG-LS", "JPEG lossless", "JPEG XL", "RLE"],
)
def test_a_lie_is_not_decoded(syntax: str, stream: bytes) -> None:
    with pytest.raises(PixelError, match=r"is not decoded$"):
        list(frames_of(lying(syntax, stream))[1])


def _streams() -> list[tuple[Dataset, bytes, str]]:
    """The first encoded frame of every real file, with its header."""
    found = []
    for path in real_files.files("dicom*/*"):
        content = path.read_bytes() if path.is_file() else b""
        with contextlib.suppress(Exception):
            scanned = scan(content)
            index = read_index_header(scanned).frames
            if index is not None and scanned.pixel_data is not None and scanned.pixel_data.length is None:
                place = index.place(0)
                header = read_header(bytes(scanned.data[: scanned.pixel_data.element_offset + PIXEL_ELEMENT_HEAD]))
                found.append((header, join_fragments(bytes(scanned.data[place.offset : place.offset + place.length])), scanned.syntax.uid))
    return found


@real_files.needs("dicom/*")
def test_real_files_say_the_truth() -> None:
    streams = [(header, stream) for header, stream, syntax in _streams() if syntax != RLE_LOSSLESS]
    assert len(streams) > 10
    for header, stream in streams:
        assert declared_size(stream) in (
            Size(header.Rows, header.Columns, header.SamplesPerPixel), Size(header.Rows, header.Columns, 0), None
        )  # fmt: skip

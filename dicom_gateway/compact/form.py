"""The compact form of an object: its frames as lossless code streams, everything else deflated.

    magic "TCO1" | length of description u32 | description (JSON) | bytes before the pixels | bytes behind them | code streams

little endian; the bytes before and behind are deflated (RFC 1950). Expanding gives back the object byte for byte, its
file meta information and padding included, so the compact form replaces nothing that anybody can see: no transfer syntax,
digest or position changes. Frames are apart, so a part of an object costs only the frames that it touches.

Taken are objects with native little-endian pixels of 8 or 16 bits. What is compressed already, floating point, single bits
and what cannot be told apart into frames stays as it is.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import imagecodecs
import msgspec
import numpy as np
from numpy.typing import NDArray

from dicom_gateway.errors import NotStorable, UnreadableDICOM
from dicom_gateway.frames import NativeFrames
from dicom_gateway.header import read_header as read_index_header
from dicom_gateway.pixels.decode import PIXEL_ELEMENT_HEAD, read_header
from dicom_gateway.pixels.errors import PixelError
from dicom_gateway.scanner import scan
from dicom_gateway.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN

MAGIC = b"TCO1"
_HEAD = struct.Struct("<4sI")
HEAD = _HEAD.size
MAX_DESCRIPTION = 16 << 20
"""Bytes of a description: a million frames take ten of them."""
MAX_OBJECT = 512 << 20
"""Bytes of an object that is compacted: it stands in memory, with its compact form."""
WORTH = 0.9
"""A compact form that is not smaller than this share of the object is not kept (practice)."""
MAX_AROUND = 64 << 20
"""Bytes before and behind the pixels that are taken along."""

Pixels = NDArray[Any]


@dataclass(frozen=True, slots=True)
class _Codec:
    encode: Callable[[Pixels], bytes]
    decode: Callable[[bytes], Pixels]


CODECS: Mapping[str, _Codec] = {
    "htj2k": _Codec(lambda pixels: bytes(imagecodecs.htj2k_encode(pixels, reversible=True)), imagecodecs.htj2k_decode),
    "jpeg-ls": _Codec(lambda pixels: bytes(imagecodecs.jpegls_encode(pixels)), imagecodecs.jpegls_decode),
}
"""Lossless codecs by name: HTJ2K (ISO/IEC 15444-15), JPEG-LS (ISO/IEC 14495-1)."""


class Description(msgspec.Struct, frozen=True):
    """The parameters of an expansion: `shape` of a frame as (rows, columns) or (rows, columns, 3), `bits` 8 or 16, `signed` whether
    the sign bit was turned over; `around` the lengths of the deflated bytes before and behind, `before` that of the former
    expanded; `frames` the lengths of the code streams; `checks` the CRC-32 of the piece before, of that behind and of each code
    stream: a decoder may take a damaged one without a word. `size` and `sha256` are of the object."""

    codec: str
    size: int
    sha256: str
    shape: tuple[int, ...]
    bits: int
    signed: bool
    before: int
    around: tuple[int, int]
    frames: tuple[int, ...]
    checks: tuple[int, ...]

    @property
    def frame_size(self) -> int:
        """Bytes of a native frame."""
        return int(np.prod(self.shape)) * self.bits // 8


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of the object: where it begins there, its length, where its compact bytes lie, their CRC-32, and whether it is a frame."""

    start: int
    size: int
    offset: int
    length: int
    check: int
    is_frame: bool


def description_length(head: bytes) -> int:
    """Bytes of the description behind `head`. Raises ValueError where this is no compact form."""
    magic, length = _HEAD.unpack(head) if len(head) == HEAD else (b"", 0)
    if magic != MAGIC or length > MAX_DESCRIPTION:
        raise ValueError("not a compact object")
    return int(length)


def describe(content: bytes) -> Description:
    """The description. Raises ValueError where it cannot be read."""
    found = msgspec.json.decode(content, type=Description)
    if len(found.checks) != len(found.frames) + 2 or found.codec not in CODECS:
        raise ValueError("a compact object is described wrongly")
    return found


def segments(described: Description, offset: int) -> Iterator[Segment]:
    """The pieces of the object in order; `offset` is where the bytes behind the description begin."""
    before, behind = described.around
    checks = described.checks
    yield Segment(0, described.before, offset, before, checks[0], False)
    start, place = described.before, offset + before + behind
    for length, check in zip(described.frames, checks[2:], strict=True):
        yield Segment(start, described.frame_size, place, length, check, True)
        start += described.frame_size
        place += length
    if described.size > start:
        yield Segment(start, described.size - start, offset + before, behind, checks[1], False)


def restored(described: Description, segment: Segment, content: bytes) -> bytes:
    """The bytes of a segment as they were. Raises ValueError where they do not come out whole."""
    if len(content) != segment.length or zlib.crc32(content) != segment.check:
        raise ValueError("a compact piece was changed or cut short")
    try:
        if not segment.is_frame:
            found = zlib.decompressobj().decompress(content, segment.size + 1)
        else:
            pixels = CODECS[described.codec].decode(content)
            found = _turned(pixels, described.signed).astype(f"<u{described.bits // 8}", copy=False).tobytes()
    except Exception as error:  # codecs raise whatever they meet
        raise ValueError(f"a compact piece cannot be restored: {error}") from None
    if len(found) != segment.size:
        raise ValueError(f"a compact piece has {len(found)} bytes instead of {segment.size}")
    return found


def compact(part10: bytes, codec: str) -> bytes | None:
    """The compact form, or None for what stays as it is; runs in a process of its own.

    What is handed out was expanded again and is, bit for bit, what came in.
    """
    layout = _layout(part10)
    if layout is None:
        return None
    frames, shape, bits, signed = layout
    size = frames.frame_bits // 8
    ends = frames.start + frames.count * size
    before, behind = part10[: frames.start], part10[ends:]
    if len(before) + len(behind) > MAX_AROUND:
        return None
    streams = []
    for number in range(frames.count):
        raw = np.frombuffer(part10, f"<u{bits // 8}", size * 8 // bits, frames.start + number * size).reshape(shape)
        try:
            streams.append(CODECS[codec].encode(np.ascontiguousarray(_turned(raw, signed))))
        except Exception:  # an image that this codec cannot hold
            return None
    around = (zlib.compress(before, 9), zlib.compress(behind, 9))
    description = Description(
        codec, len(part10), hashlib.sha256(part10).hexdigest(), shape, bits, signed,
        len(before), (len(around[0]), len(around[1])), tuple(map(len, streams)), tuple(map(zlib.crc32, (*around, *streams))),
    )  # fmt: skip
    written = msgspec.json.encode(description)
    made = b"".join([_HEAD.pack(MAGIC, len(written)), written, *around, *streams])
    if len(made) > WORTH * len(part10):
        return None
    try:
        return made if expand(made) == part10 else None
    except ValueError:
        return None


def expand(content: bytes) -> bytes:
    """The object as it was sent. Raises ValueError for what is no compact form, or a damaged one."""
    offset = HEAD + description_length(content[:HEAD])
    described = describe(content[HEAD:offset])
    pieces = [restored(described, s, content[s.offset : s.offset + s.length]) for s in segments(described, offset)]
    whole = b"".join(pieces)
    if hashlib.sha256(whole).hexdigest() != described.sha256:
        raise ValueError("a compact object does not come out as it was")
    return whole


def _turned(pixels: Pixels, signed: bool) -> Pixels:
    """Signed values as unsigned ones in the same order, and back: neighbours stay neighbours around zero."""
    return pixels ^ pixels.dtype.type(1 << (pixels.dtype.itemsize * 8 - 1)) if signed else pixels


def _layout(part10: bytes) -> tuple[NativeFrames, tuple[int, ...], int, bool] | None:
    """Frames, shape of each, bits and sign; None for what is not compacted."""
    if len(part10) > MAX_OBJECT:
        return None
    try:
        found = scan(part10)
        indexed = read_index_header(found)
        if indexed.transfer_syntax_uid not in (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN) or found.pixel_data is None:
            return None
        header = read_header(part10[: found.pixel_data.element_offset + PIXEL_ELEMENT_HEAD])
        bits, samples = int(header.BitsAllocated), int(header.get("SamplesPerPixel", 1))
        rows, columns = int(header.Rows), int(header.Columns)
        planar = samples > 1 and int(header.get("PlanarConfiguration", 0)) == 1
        signed = int(header.get("PixelRepresentation", 0)) == 1
    except (UnreadableDICOM, NotStorable, PixelError, AttributeError, TypeError, ValueError):
        return None
    if not isinstance(indexed.frames, NativeFrames) or bits not in (8, 16) or samples not in (1, 3) or not rows * columns:
        return None
    shape = (rows, columns) if samples == 1 else (rows * 3, columns) if planar else (rows, columns, 3)
    if indexed.frames.frame_bits != rows * columns * samples * bits:
        return None  # chroma that is subsampled without compression (PS3.3 C.7.6.3.1.2)
    return indexed.frames, shape, bits, signed

"""How stored tiles are coded, and how one becomes pixels: never more than its level says it has."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import imagecodecs
import numpy as np
import numpy.typing as npt

from pathology.jpeg.codestream import PROGRESSIVE, SCAN, BadCodeStream, CodeStream, read_code_stream
from pathology.jpeg.colour import components_are_rgb, splice
from pathology.limits import MAX_SCANS

Pixels = npt.NDArray[np.uint8]
Samples = npt.NDArray[np.unsignedinteger]
"""As they are stored: uint8, or uint16 where a level has more than 8 bits a sample."""

QUALITY: Final = 92
"""JPEG quality of what is coded anew, without chroma subsampling; 90 is the least that the field takes for visually lossless."""


class Compression(StrEnum):
    """Codings of stored tiles."""

    NONE = "none"
    LZW = "LZW"
    DEFLATE = "Deflate"
    ZSTD = "Zstandard"
    PACKBITS = "PackBits"
    JPEG = "JPEG"
    JPEG_LOSSLESS = "JPEG lossless"
    JPEG_LS = "JPEG-LS"
    JPEG_2000 = "JPEG 2000"
    RLE = "DICOM RLE"


class BadTile(ValueError):
    """A stored tile that cannot be decoded within the bounds of its level; the message says why."""


@dataclass(frozen=True, slots=True)
class Coding:
    """How the tiles of a level are coded. Samples have 8 bits, or 16 with `big_endian` order, of which `shift` are dropped.

    `rgb`: three components are red, green, blue (else YCbCr). `prefix` goes behind the FFD8 of a JPEG tile so that any
    decoder shows it rightly. `predictor` and `planes` as in TIFF (2: differences along a row; 3 planes stored apart);
    `palette` has 256 rows of RGB; `inverted`: zero is white. `planar`: one plane after the other within a tile.
    """

    compression: Compression
    samples: int = 3
    rgb: bool = True
    prefix: bytes = b""
    predictor: int = 1
    planes: int = 1
    planar: bool = False
    inverted: bool = False
    palette: bytes = b""
    bits: int = 8
    big_endian: bool = False
    shift: int = 0


def check_jpeg(coding: Coding, stored: bytes, width: int, height: int) -> CodeStream:
    """Return the code stream's own words about a stored JPEG tile. Raises BadTile where it cannot be this tile of its level."""
    try:
        stream = read_code_stream(splice(stored, coding.prefix))
    except BadCodeStream as error:
        raise BadTile(str(error)) from None
    if not stream.scan or not stream.components:
        raise BadTile("a JPEG without a picture in it")
    if stream.width > width or stream.height > height or not stream.width or not stream.height:
        raise BadTile(f"the code stream has {stream.width} x {stream.height} px where the tile has room for {width} x {height}")
    if not stream.entropy_tables or not (stream.quantisation or coding.compression is not Compression.JPEG):
        raise BadTile("neither the tile nor the directory has the JPEG tables that its decoding needs")
    if stream.process == PROGRESSIVE and stored.count(SCAN) > MAX_SCANS:
        raise BadTile(f"a progressive JPEG of {stored.count(SCAN)} scans, at most {MAX_SCANS} are decoded")
    if len(stream.components) != coding.samples:
        raise BadTile(f"the code stream has {len(stream.components)} components where the level has {coding.samples}")
    return stream


def can_be_passed_on(coding: Coding, stored: bytes, width: int, height: int) -> bool:
    """True if a browser shows the stored tile rightly once the prefix is spliced in, and its size is the tile's."""
    if coding.compression is not Compression.JPEG or coding.planes != 1 or coding.inverted or coding.palette:
        return False
    try:
        stream = check_jpeg(coding, stored, width, height)
    except BadTile:
        return False
    right = len(stream.components) == 1 or components_are_rgb(stream, coding.rgb) == coding.rgb
    return stream.for_browsers and right and (stream.width, stream.height) == (width, height)


def decode(coding: Coding, stored: bytes, width: int, height: int) -> Pixels:
    """Return a stored tile as RGB, uint8, shape (rows, columns, 3).

    Rows and columns are at most `height` and `width`: the last strip, or an unpadded tile at the edge, has fewer.
    Raises BadTile where the tile is damaged or unpacks to more than it may.
    """
    return _as_rgb(coding, _samples(coding, stored, width, height))


def depth(coding: Coding, stored: bytes, width: int, height: int) -> int:
    """Return how many bits the largest sample of a stored tile has. Raises BadTile."""
    return int(_samples(coding, stored, width, height).max()).bit_length()


def _samples(coding: Coding, stored: bytes, width: int, height: int) -> Samples:
    try:
        samples = DECODERS[coding.compression](coding, stored, width, height)
    except BadTile:
        raise
    except Exception as error:  # the codecs raise each their own kind, for whatever the damage
        raise BadTile(f"{coding.compression} cannot be decoded ({type(error).__name__})") from error
    if samples.ndim != 3 or samples.shape[0] > height or samples.shape[1] > width or not samples.size:
        raise BadTile(f"{coding.compression} of shape {samples.shape} in a tile of {width} x {height} px")
    return samples


def encode(pixels: Pixels, quality: int = QUALITY) -> bytes:
    """Return RGB pixels, uint8, shape (rows, columns, 3), as a JPEG without chroma subsampling."""
    return bytes(
        imagecodecs.jpeg8_encode(np.ascontiguousarray(pixels), level=quality, colorspace="RGB", outcolorspace="YCbCr", subsampling="444")
    )


def decode_planes(coding: Coding, stored: Sequence[bytes], width: int, height: int) -> Pixels:
    """Return a tile whose planes are stored apart as `decode` does."""
    single = replace(coding, samples=1, planes=1, rgb=True, inverted=False, palette=b"")
    planes = [_samples(single, plane, width, height)[..., 0] for plane in stored]
    if len({plane.shape for plane in planes}) != 1:
        raise BadTile("planes of different sizes")
    return _as_rgb(coding, np.stack(planes, -1))


def _as_rgb(coding: Coding, deep: Samples) -> Pixels:
    samples: Pixels = (np.minimum(deep >> coding.shift, 255) if deep.dtype != np.uint8 else deep).astype(np.uint8, copy=False)
    if coding.inverted:
        samples = 255 - samples
    if coding.palette:
        return np.frombuffer(coding.palette, np.uint8).reshape(256, 3)[samples[..., 0]]
    if samples.shape[2] == 1:
        return np.repeat(samples, 3, axis=2)
    if samples.shape[2] < 3:
        raise BadTile(f"{samples.shape[2]} components are no colour")
    rgb = samples[..., :3]
    return rgb if coding.rgb or coding.compression in _CONVERTED else _from_ycbcr(rgb)


def _from_ycbcr(samples: Pixels) -> Pixels:
    """ITU-T T.871 (JFIF) equations, as PS3.3 C.7.6.3.1.2 has them for YBR_FULL."""
    y, cb, cr = (samples[..., number].astype(np.float32) for number in range(3))
    red = y + 1.402 * (cr - 128)
    green = y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128)
    blue = y + 1.772 * (cb - 128)
    return np.clip(np.stack([red, green, blue], -1) + 0.5, 0, 255).astype(np.uint8)


def _native(coding: Coding, stored: bytes, width: int, height: int) -> Samples:
    """Unpacked samples as an array; a last strip may have fewer rows."""
    kind: np.dtype[np.unsignedinteger] = np.dtype(np.uint8) if coding.bits == 8 else np.dtype(">u2" if coding.big_endian else "<u2")
    rows = min(height, len(stored) // (width * coding.samples * kind.itemsize))
    if not rows:
        raise BadTile(f"{len(stored)} bytes do not fill one row of {width} px")
    whole = np.frombuffer(stored, kind, rows * width * coding.samples)
    planewise = np.moveaxis(whole.reshape(coding.samples, rows, width), 0, 2)
    samples: Samples = planewise if coding.planar else whole.reshape(rows, width, coding.samples)
    if coding.predictor == 2:
        samples = np.add.accumulate(samples, axis=1, dtype=kind.newbyteorder("="))
    return samples


def _unpacked(unpack: Callable[[bytes, int], bytes]) -> Decoder:
    """A decoder of tiles whose bytes `unpack` makes into samples, at most as many as there is room for."""

    def decoder(coding: Coding, stored: bytes, width: int, height: int) -> Samples:
        return _native(coding, unpack(stored, width * height * coding.samples * (coding.bits // 8)), width, height)

    return decoder


def _as_stored(stored: bytes, room: int) -> bytes:
    return stored[:room]


def _lzw(stored: bytes, room: int) -> bytes:
    return bytes(imagecodecs.lzw_decode(stored, out=room))


def _packbits(stored: bytes, room: int) -> bytes:
    return bytes(imagecodecs.packbits_decode(stored, out=room))


def _zstd(stored: bytes, room: int) -> bytes:
    return bytes(imagecodecs.zstd_decode(stored, out=room))


def _inflate(stored: bytes, room: int) -> bytes:
    stream = zlib.decompressobj()
    found = stream.decompress(stored, room)
    if not stream.eof and stream.decompress(stream.unconsumed_tail, 1):
        raise BadTile(f"a Deflate tile unpacks to more than the {room} bytes it has room for")
    return found


def _jpeg(coding: Coding, stored: bytes, width: int, height: int) -> Samples:
    stream = check_jpeg(coding, stored, width, height)
    if stream.bits != 8:
        raise BadTile(f"JPEG of {stream.bits} bits")
    whole = splice(stored, coding.prefix)
    if len(stream.components) == 1:
        return _shaped(imagecodecs.jpeg8_decode(whole, colorspace="GRAYSCALE", outcolorspace="GRAYSCALE"))
    space = "RGB" if components_are_rgb(stream, coding.rgb) else "YCbCr"
    return _shaped(imagecodecs.jpeg8_decode(whole, colorspace=space, outcolorspace="RGB"))


def _jpeg_lossless(coding: Coding, stored: bytes, width: int, height: int) -> Samples:
    check_jpeg(coding, stored, width, height)
    return _shaped(imagecodecs.jpegsof3_decode(splice(stored, coding.prefix)))


def _jpeg_ls(coding: Coding, stored: bytes, width: int, height: int) -> Samples:
    stream = read_code_stream(stored)
    if not (0 < stream.width <= width and 0 < stream.height <= height) or len(stream.components) != coding.samples:
        raise BadTile(f"the code stream has {stream.width} x {stream.height} px where the tile has room for {width} x {height}")
    return _shaped(imagecodecs.jpegls_decode(stored))


_SIZ: Final = b"\xff\x4f\xff\x51"
"""Start of a JPEG 2000 code stream and its image size (ITU-T T.800 A.5.1)."""


def _jpeg_2000(coding: Coding, stored: bytes, width: int, height: int) -> Samples:
    at = stored.find(_SIZ, 0, 4096)
    if at < 0 or len(stored) < at + 42:
        raise BadTile("no JPEG 2000 code stream")
    right, bottom, left, top = struct.unpack_from(">4I", stored, at + 8)
    components = struct.unpack_from(">H", stored, at + 40)[0]
    if not (0 < right - left <= width and 0 < bottom - top <= height and components == coding.samples):
        raise BadTile(
            f"the code stream has {right - left} x {bottom - top} px, {components} components where the tile has {width} x {height}"
        )
    samples = _shaped(imagecodecs.jpeg2k_decode(stored[at:]))
    sampling = {stored[at + 43 + 3 * number : at + 45 + 3 * number] for number in range(components)}
    made_rgb = len(sampling) > 1  # the codec takes fewer chroma samples for YCbCr and converts
    return (
        samples if coding.rgb or made_rgb or samples.dtype != np.uint8 or samples.shape[2] != 3 else _from_ycbcr(samples.astype(np.uint8))
    )


def _rle(coding: Coding, stored: bytes, width: int, height: int) -> Samples:
    """DICOM RLE (PS3.5 annex G) has one segment a byte of each component."""
    kind = np.dtype(np.uint8 if coding.bits == 8 else "<u2")
    unpacked = bytes(imagecodecs.dicomrle_decode(stored, kind, out=width * height * coding.samples * kind.itemsize))
    return _native(replace(coding, planar=True), unpacked, width, height)


def _shaped(samples: Samples) -> Samples:
    found = np.asarray(samples)
    if found.dtype not in (np.uint8, np.uint16):
        raise BadTile(f"samples of type {found.dtype}, unsigned ones of 8 or 16 bits are read")
    return found[..., None] if found.ndim == 2 else found


_CONVERTED: Final = frozenset({Compression.JPEG, Compression.JPEG_2000})
"""Codings whose decoders give RGB already."""

Decoder = Callable[[Coding, bytes, int, int], Samples]

DECODERS: Final[Mapping[Compression, Decoder]] = {
    Compression.NONE: _unpacked(_as_stored),
    Compression.LZW: _unpacked(_lzw),
    Compression.DEFLATE: _unpacked(_inflate),
    Compression.PACKBITS: _unpacked(_packbits),
    Compression.ZSTD: _unpacked(_zstd),
    Compression.JPEG: _jpeg,
    Compression.JPEG_LOSSLESS: _jpeg_lossless,
    Compression.JPEG_LS: _jpeg_ls,
    Compression.JPEG_2000: _jpeg_2000,
    Compression.RLE: _rle,
}

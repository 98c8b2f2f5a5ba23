"""From TIFF directories to levels: sizes, coding and places of tiles, each checked against the file before it is believed."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Final

import numpy as np
import numpy.typing as npt

from pathology.errors import NotArrived, Refusal, UnreadableSlide
from pathology.jpeg.codestream import BadCodeStream, CodeStream, read_code_stream
from pathology.jpeg.colour import components_are_rgb, prefix, splice
from pathology.limits import (
    MAX_PIXELS,
    MAX_PROFILE_BYTES,
    MAX_SIDE,
    MAX_STRIP_PIXELS,
    MAX_TABLES_BYTES,
    MAX_TILE_BYTES,
    MAX_TILE_SIDE,
    MAX_TILES,
)
from pathology.slide import Level, Pieces, Place
from pathology.tiff import tags
from pathology.tiff.directory import Directory
from pathology.tiles.coding import Coding, Compression

COMPRESSIONS: Final[Mapping[int, Compression]] = {
    1: Compression.NONE,
    5: Compression.LZW,
    7: Compression.JPEG,
    8: Compression.DEFLATE,
    32946: Compression.DEFLATE,
    32773: Compression.PACKBITS,
    33003: Compression.JPEG_2000,
    33005: Compression.JPEG_2000,
    34712: Compression.JPEG_2000,
    50000: Compression.ZSTD,
}
"""TIFF compression numbers that are read; 33003 and 33005 are Aperio's JPEG 2000 with YCbCr and with RGB components."""

_APERIO_YCBCR: Final = 33003
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _YCBCR = 0, 1, 2, 3, 6


def is_tiled(directory: Directory) -> bool:
    """True if the picture is stored in tiles, False if in strips."""
    return tags.TILE_WIDTH in directory.fields


def has_picture(directory: Directory) -> bool:
    """True if the directory says where a picture lies."""
    return tags.IMAGE_WIDTH in directory.fields and (tags.TILE_OFFSETS in directory.fields or tags.STRIP_OFFSETS in directory.fields)


def size(directory: Directory) -> tuple[int, int]:
    """Width and height in pixels. Raises UnreadableSlide beyond the limits."""
    width, height = directory.number(tags.IMAGE_WIDTH), directory.number(tags.IMAGE_LENGTH)
    if not width or not height:
        raise directory.refuse(Refusal.DAMAGED, tags.IMAGE_WIDTH, f"a picture of {width} x {height} px")
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        found = f"{width} x {height} px; at most {MAX_SIDE} px a side and {MAX_PIXELS} in all are read"
        raise directory.refuse(Refusal.TOO_LARGE, tags.IMAGE_WIDTH, found)
    return width, height


def level(directory: Directory, file: int = 0, visible: tuple[int, int] | None = None) -> Level:
    """Return a directory's picture as a level; `visible` is its size where the file counts padding in (Philips).

    Strips are tiles as wide as the picture. Raises UnreadableSlide for what cannot be read, with the reason.
    """
    width, height = size(directory)
    tiled = is_tiled(directory)
    tile_width, tile_height = _tile_size(directory, width, height, tiled)
    planes = _planes(directory)
    count = ceil(width / tile_width) * ceil(height / tile_height) * planes
    if count > MAX_TILES:
        raise directory.refuse(Refusal.TOO_LARGE, tags.TILE_OFFSETS, f"{count} tiles, at most {MAX_TILES} are read")
    offsets, lengths = _places(directory, tiled, count)
    shown_width, shown_height = visible or (width, height)
    columns = ceil(width / tile_width)
    if (shown_columns := ceil(shown_width / tile_width)) < columns and planes == 1:
        offsets, lengths = (_without_padding(table, columns, shown_columns) for table in (offsets, lengths))
    fragments = _fragments(offsets, lengths, planes, file) if planes > 1 else {}
    coding = _coding(directory, offsets, lengths, tile_width, tile_height, planes)
    pieces = Pieces(offsets[: count // planes], lengths[: count // planes], file, fragments=fragments)
    return Level(shown_width, shown_height, tile_width, tile_height, coding, pieces)


def icc_profile(directory: Directory) -> bytes:
    """The embedded ICC profile; empty where there is none or one that cannot be real."""
    found = directory.fields.get(tags.ICC_PROFILE)
    if found is None or not 128 <= found.length <= MAX_PROFILE_BYTES or found.offset + found.length > directory.source.size:
        return b""
    return directory.raw(tags.ICC_PROFILE, MAX_PROFILE_BYTES)


def _tile_size(directory: Directory, width: int, height: int, tiled: bool) -> tuple[int, int]:
    if tiled:
        found = directory.number(tags.TILE_WIDTH), directory.number(tags.TILE_LENGTH)
        if not 1 <= min(found) <= max(found) <= MAX_TILE_SIDE:
            raise directory.refuse(
                Refusal.NOT_SUPPORTED, tags.TILE_WIDTH, f"tiles of {found[0]} x {found[1]} px, 1 to {MAX_TILE_SIDE} are read"
            )
        return found
    rows = min(directory.number(tags.ROWS_PER_STRIP, height) or height, height)
    if width * rows > MAX_STRIP_PIXELS:
        found_strip = f"a strip of {width} x {rows} px, at most {MAX_STRIP_PIXELS} pixels are decoded in one piece"
        raise directory.refuse(Refusal.TOO_LARGE, tags.ROWS_PER_STRIP, found_strip)
    return width, rows


def _planes(directory: Directory) -> int:
    apart = directory.number(tags.PLANAR_CONFIGURATION, 1) == 2
    samples = directory.number(tags.SAMPLES_PER_PIXEL, 1)
    return samples if apart and 1 < samples <= 4 else 1


def _places(directory: Directory, tiled: bool, count: int) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    places, sizes = (tags.TILE_OFFSETS, tags.TILE_BYTE_COUNTS) if tiled else (tags.STRIP_OFFSETS, tags.STRIP_BYTE_COUNTS)
    for tag in (places, sizes):
        field = directory.fields.get(tag)
        if field is None or field.count < count:
            said = "is absent" if field is None else f"has {field.count} values"
            raise directory.refuse(Refusal.CONTRADICTION, tag, f"the picture has {count} tiles or strips, the table {said}")
        if field.count > 2 * count + 16:
            raise directory.refuse(Refusal.CONTRADICTION, tag, f"the picture has {count} tiles or strips, the table {field.count} values")
    offsets = directory.numbers(places, MAX_TILES * 2 + 16)[:count]
    lengths = directory.numbers(sizes, MAX_TILES * 2 + 16)[:count].copy()
    lengths[offsets == 0] = 0  # a tile that was not stored; byte 0 is the file's header
    return offsets, lengths


def _without_padding(table: npt.NDArray[np.uint64], columns: int, shown: int) -> npt.NDArray[np.uint64]:
    return np.ascontiguousarray(table.reshape(-1, columns)[:, :shown]).reshape(-1)


def _fragments(offsets: npt.NDArray[np.uint64], lengths: npt.NDArray[np.uint64], planes: int, file: int) -> dict[int, tuple[Place, ...]]:
    tiles = len(offsets) // planes
    return {
        number: tuple(Place(file, int(offsets[number + plane * tiles]), int(lengths[number + plane * tiles])) for plane in range(planes))
        for number in range(tiles)
        if all(lengths[number + plane * tiles] for plane in range(planes))
    }


def _coding(
    directory: Directory,
    offsets: npt.NDArray[np.uint64],
    lengths: npt.NDArray[np.uint64],
    tile_width: int,
    tile_height: int,
    planes: int,
) -> Coding:
    number = directory.number(tags.COMPRESSION, 1)
    compression = COMPRESSIONS.get(number)
    if compression is None:
        raise directory.refuse(Refusal.NOT_SUPPORTED, tags.COMPRESSION, f"coding {number} is not read")
    photometric, samples = directory.number(tags.PHOTOMETRIC, _RGB), directory.number(tags.SAMPLES_PER_PIXEL, 1)
    bits = _check_samples(directory, compression, photometric, samples)
    if compression is Compression.JPEG:
        return _jpeg_coding(directory, offsets, lengths, tile_width, tile_height, planes, photometric == _RGB)
    ycbcr = number == _APERIO_YCBCR or (photometric == _YCBCR and compression is not Compression.JPEG_2000)
    return Coding(
        compression,
        samples,
        rgb=not ycbcr,
        predictor=directory.number(tags.PREDICTOR, 1) if compression in (Compression.LZW, Compression.DEFLATE) else 1,
        planes=planes,
        inverted=photometric == _WHITE_IS_ZERO,
        palette=_palette(directory) if photometric == _PALETTE else b"",
        bits=bits,
        big_endian=directory.byte_order == ">",
        shift=bits - 8,
    )


def _check_samples(directory: Directory, compression: Compression, photometric: int, samples: int) -> int:
    """Bits of a sample. Raises UnreadableSlide for a kind of pixel that is not read."""
    bits = set(directory.numbers(tags.BITS_PER_SAMPLE, 64).tolist()) or {1}
    deep = bits == {16} and compression is not Compression.JPEG and photometric in (_BLACK_IS_ZERO, _RGB)
    if (bits != {8} and not deep) or directory.number(tags.SAMPLE_FORMAT, 1) not in (1, 4):
        depth = "/".join(str(each) for each in sorted(bits))
        raise directory.refuse(Refusal.NOT_SUPPORTED, tags.BITS_PER_SAMPLE, f"{depth} bits a sample; unsigned ones of 8 or 16 are read")
    if samples not in (1, 3, 4) or (photometric == _PALETTE and samples != 1):
        raise directory.refuse(Refusal.NOT_SUPPORTED, tags.SAMPLES_PER_PIXEL, f"{samples} samples a pixel; 1, 3 or 4 are read")
    if photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _YCBCR):
        raise directory.refuse(Refusal.NOT_SUPPORTED, tags.PHOTOMETRIC, f"photometric interpretation {photometric} is not read")
    if photometric == _YCBCR and compression is not Compression.JPEG and compression is not Compression.JPEG_2000:
        factors = directory.numbers(tags.YCBCR_SUBSAMPLING, 2).tolist()
        if factors not in ([], [1, 1]):
            raise directory.refuse(Refusal.NOT_SUPPORTED, tags.PHOTOMETRIC, "YCbCr with fewer chroma samples is read only as JPEG")
    if directory.number(tags.PREDICTOR, 1) not in (1, 2):
        raise directory.refuse(Refusal.NOT_SUPPORTED, tags.PREDICTOR, "only differences along a row (2) are read")
    return int(max(bits))


def _palette(directory: Directory) -> bytes:
    values = directory.numbers(tags.COLOR_MAP, 768)
    if len(values) != 768:
        raise directory.refuse(Refusal.DAMAGED, tags.COLOR_MAP, f"a colour map of {len(values)} values, 768 are needed for 8 bits")
    return bytes((values.reshape(3, 256).T >> np.uint64(8)).astype(np.uint8).tobytes())


def _jpeg_coding(
    directory: Directory,
    offsets: npt.NDArray[np.uint64],
    lengths: npt.NDArray[np.uint64],
    tile_width: int,
    tile_height: int,
    planes: int,
    says_rgb: bool,
) -> Coding:
    tables = directory.raw(tags.JPEG_TABLES, MAX_TABLES_BYTES)
    refused: UnreadableSlide | None = None
    for number in _candidates(directory, offsets, lengths):
        place = int(offsets[number])
        try:
            content = directory.source.read_at(place, int(lengths[number]))
            stream = _tile_stream(directory, number, place, content, tables, (tile_width, tile_height))
        except NotArrived:
            continue
        except UnreadableSlide as error:
            refused = refused or error
            continue
        rgb = components_are_rgb(stream, says_rgb)
        return Coding(Compression.JPEG, len(stream.components), rgb=rgb, prefix=prefix(tables, stream, rgb), planes=planes)
    if refused is not None:
        raise refused
    samples = 1 if planes > 1 else directory.number(tags.SAMPLES_PER_PIXEL, 3)  # no tile is stored, or none has arrived yet
    return Coding(Compression.JPEG, samples, rgb=says_rgb, prefix=prefix(tables, CodeStream(), says_rgb), planes=planes)


def _tile_stream(directory: Directory, number: int, place: int, content: bytes, tables: bytes, room: tuple[int, int]) -> CodeStream:
    """What a tile's code stream says with its tables. Raises UnreadableSlide where it cannot be a tile of this directory."""
    where = f"tile {number} of the directory at byte {directory.offset}"
    try:
        stream = read_code_stream(splice(content, prefix(tables, CodeStream(), rgb=False)))
    except BadCodeStream as error:
        raise UnreadableSlide(Refusal.DAMAGED, "TIFF", place, f"{where}: {error}") from None
    if not stream.quantisation or not stream.entropy_tables:
        raise UnreadableSlide(Refusal.TABLES_LOST, "TIFF", place, f"{where} has no JPEG tables, and the directory has none for it")
    if stream.width > room[0] or stream.height > room[1]:
        found = f"{where} says that it has {stream.width} x {stream.height} px where the directory has {room[0]} x {room[1]}"
        raise UnreadableSlide(Refusal.CONTRADICTION, "TIFF", place, found)
    return stream


TRIED: Final = 8
"""Tiles, evenly over the level, of which one must be sound for the level to be read."""


def _candidates(directory: Directory, offsets: npt.NDArray[np.uint64], lengths: npt.NDArray[np.uint64]) -> list[int]:
    """Numbers of some stored tiles that lie inside the file, the first one first. Raises UnreadableSlide where none does."""
    end = np.uint64(directory.source.size)
    inside = (lengths > 0) & (lengths <= MAX_TILE_BYTES) & (offsets < end)
    inside &= lengths <= end - np.minimum(offsets, end)
    numbers = np.flatnonzero(inside)
    if not len(numbers) and (lengths > 0).any():
        found = f"no tile of the directory at byte {directory.offset} lies inside the file, which ends there"
        raise UnreadableSlide(Refusal.CUT_OFF, "TIFF", directory.source.size, found)
    return [int(number) for number in numbers[:: max(1, len(numbers) // TRIED)][:TRIED]]

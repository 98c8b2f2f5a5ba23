"""From the objects of one resolution to a level: which frame is which tile (PS3.3 C.7.6.17.3 and C.8.12.14)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Final

import numpy as np
import numpy.typing as npt
from pydicom.uid import ExplicitVRBigEndian

from pathology.dicom.frames import frame_places
from pathology.dicom.instance import NAME, Instance
from pathology.errors import Refusal, UnreadableSlide
from pathology.jpeg.codestream import BadCodeStream, CodeStream, read_code_stream
from pathology.jpeg.colour import components_are_rgb, prefix
from pathology.limits import MAX_PIXELS, MAX_SIDE, MAX_TILE_BYTES, MAX_TILE_SIDE, MAX_TILES
from pathology.slide import Level, Pieces, Place
from pathology.tiles.coding import Coding, Compression

COMPRESSIONS: Final[Mapping[str, Compression]] = {
    "1.2.840.10008.1.2": Compression.NONE,
    "1.2.840.10008.1.2.1": Compression.NONE,
    "1.2.840.10008.1.2.2": Compression.NONE,
    "1.2.840.10008.1.2.4.50": Compression.JPEG,
    "1.2.840.10008.1.2.4.51": Compression.JPEG,
    "1.2.840.10008.1.2.4.57": Compression.JPEG_LOSSLESS,
    "1.2.840.10008.1.2.4.70": Compression.JPEG_LOSSLESS,
    "1.2.840.10008.1.2.4.80": Compression.JPEG_LS,
    "1.2.840.10008.1.2.4.81": Compression.JPEG_LS,
    "1.2.840.10008.1.2.4.90": Compression.JPEG_2000,
    "1.2.840.10008.1.2.4.91": Compression.JPEG_2000,
    "1.2.840.10008.1.2.4.201": Compression.JPEG_2000,
    "1.2.840.10008.1.2.4.202": Compression.JPEG_2000,
    "1.2.840.10008.1.2.4.203": Compression.JPEG_2000,
    "1.2.840.10008.1.2.5": Compression.RLE,
}
"""Transfer syntaxes that are read (PS3.5 section 10)."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Size of the total pixel matrix and of its tiles in pixels."""

    width: int
    height: int
    tile_width: int
    tile_height: int

    @property
    def columns(self) -> int:
        """Tiles in a row."""
        return ceil(self.width / self.tile_width)

    @property
    def tiles(self) -> int:
        """Tiles of one plane."""
        return self.columns * ceil(self.height / self.tile_height)


def matrix(instance: Instance) -> Matrix:
    """An object's sizes. Raises UnreadableSlide beyond the limits."""
    width, height = instance.number("TotalPixelMatrixColumns"), instance.number("TotalPixelMatrixRows")
    tile_width, tile_height = instance.number("Columns"), instance.number("Rows")
    if not width and not height and instance.number("NumberOfFrames", 1) == 1:
        width, height = tile_width, tile_height
    if min(width, height, tile_width, tile_height) <= 0:
        raise UnreadableSlide(
            Refusal.DAMAGED, NAME, 0, f"a total pixel matrix of {width} x {height} in tiles of {tile_width} x {tile_height}"
        )
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise UnreadableSlide(Refusal.TOO_LARGE, NAME, 0, f"a total pixel matrix of {width} x {height}; at most {MAX_SIDE} a side are read")
    if max(tile_width, tile_height) > MAX_TILE_SIDE:
        raise UnreadableSlide(
            Refusal.TOO_LARGE, NAME, 0, f"frames of {tile_width} x {tile_height} px; at most {MAX_TILE_SIDE} a side are read"
        )
    found = Matrix(width, height, tile_width, tile_height)
    if found.tiles > MAX_TILES:
        raise UnreadableSlide(Refusal.TOO_LARGE, NAME, 0, f"{found.tiles} tiles, at most {MAX_TILES} are read")
    return found


def planes(instance: Instance) -> tuple[int, int]:
    """Optical paths and focal planes of an object, at least one each."""
    paths = instance.number("NumberOfOpticalPaths") or len(instance.sequence("OpticalPathSequence"))
    return max(1, paths), max(1, instance.number("TotalPixelMatrixFocalPlanes", 1))


def read_level(parts: Sequence[tuple[int, Instance]]) -> Level:
    """Return the level of one object, or of the parts of a concatenation (PS3.3 C.7.6.16.2.2.4); each with its file's number.

    Of several optical paths and focal planes the first is read. Raises UnreadableSlide.
    """
    ordered = sorted(parts, key=lambda part: part[1].number("ConcatenationFrameOffsetNumber"))
    first = ordered[0][1]
    found = matrix(first)
    coding = _coding(first)
    frame_bytes = found.tile_width * found.tile_height * coding.samples * (coding.bits // 8)
    joined: list[Pieces] = []
    total = 0
    for file, instance in ordered:
        if matrix(instance) != found:
            raise UnreadableSlide(Refusal.CONTRADICTION, NAME, 0, "parts of one concatenation have different sizes")
        if (offset := instance.number("ConcatenationFrameOffsetNumber")) != total and len(ordered) > 1:
            raise UnreadableSlide(
                Refusal.CONTRADICTION, NAME, 0, f"a part of a concatenation begins at frame {offset + 1}, frame {total + 1} is missing"
            )
        joined.append(frame_places(instance, file, instance.number("NumberOfFrames", 1), frame_bytes))
        total += len(joined[-1].offsets)
    frames = _joined(joined)
    _check_complete(ordered)
    positions = _positions([instance for _, instance in ordered], found, total)
    pieces = _in_tile_order(frames, positions, found.tiles)
    sources = dict(ordered)
    coding = _with_colour(coding, first, sources, pieces)
    return Level(found.width, found.height, found.tile_width, found.tile_height, coding, pieces)


def _check_complete(ordered: Sequence[tuple[int, Instance]]) -> None:
    wanted = ordered[0][1].number("InConcatenationTotalNumber", 0)
    if wanted and len(ordered) < wanted:
        found = f"{len(ordered)} of {wanted} parts of a concatenation"
        raise UnreadableSlide(Refusal.NO_PICTURE, NAME, 0, found, "Send the missing parts as well.")


def _joined(parts: list[Pieces]) -> Pieces:
    if len(parts) == 1:
        return parts[0]
    files = np.concatenate([np.full(len(part.offsets), part.file, np.uint16) for part in parts])
    fragments: dict[int, tuple[Place, ...]] = {}
    before = 0
    for part in parts:
        fragments.update({before + number: places for number, places in part.fragments.items()})
        before += len(part.offsets)
    offsets, lengths = (np.concatenate([getattr(part, name) for part in parts]) for name in ("offsets", "lengths"))
    return Pieces(offsets, lengths, files=files, fragments=fragments)


def _positions(instances: Sequence[Instance], found: Matrix, total: int) -> npt.NDArray[np.int64]:
    """Tile number of each frame; -1 for frames of further planes."""
    organisation = str(instances[0].dataset.get("DimensionOrganizationType") or "")
    per_frame = [item for instance in instances for item in instance.sequence("PerFrameFunctionalGroupsSequence")]
    placed = bool(per_frame) and "PlanePositionSlideSequence" in per_frame[0]
    if organisation == "TILED_SPARSE" or (organisation != "TILED_FULL" and placed):
        return _sparse(per_frame, found, total)
    paths, focal_planes = planes(instances[0])
    if total == found.tiles:
        return np.arange(total)
    if total != found.tiles * paths * focal_planes:
        room = f"{found.tiles} tiles in {paths} optical paths and {focal_planes} focal planes"
        said = f"{total} frames, but a total pixel matrix of {found.width} x {found.height} px has {room}"
        raise UnreadableSlide(Refusal.CONTRADICTION, NAME, 0, f"{said}: no rule says which frame is which tile")
    numbers = np.full(total, -1)
    numbers[: found.tiles] = np.arange(found.tiles)
    return numbers


def _sparse(per_frame: Sequence[object], found: Matrix, total: int) -> npt.NDArray[np.int64]:
    """By each frame's position in the total pixel matrix, from 1 (PS3.3 C.8.12.6.1)."""
    if len(per_frame) != total:
        said = f"positions of {len(per_frame)} frames are there, {total} frames are declared"
        raise UnreadableSlide(Refusal.CONTRADICTION, NAME, 0, said)
    numbers, taken = np.full(total, -1), set()
    for frame, item in enumerate(per_frame):
        try:
            position = item.PlanePositionSlideSequence[0]  # type: ignore[attr-defined]  # a pydicom dataset
            column, row = int(position.ColumnPositionInTotalImagePixelMatrix) - 1, int(position.RowPositionInTotalImagePixelMatrix) - 1
        except (AttributeError, IndexError, TypeError, ValueError):
            raise UnreadableSlide(Refusal.DAMAGED, NAME, 0, f"frame {frame + 1} has no position in the total pixel matrix") from None
        if column % found.tile_width or row % found.tile_height or not (0 <= column < found.width and 0 <= row < found.height):
            said = f"frame {frame + 1} lies at column {column + 1}, row {row + 1}, which is no place of a tile"
            raise UnreadableSlide(Refusal.NOT_SUPPORTED, NAME, 0, said, "Export it without overlapping tiles.")
        number = row // found.tile_height * found.columns + column // found.tile_width
        if number not in taken:  # of further focal planes and optical paths the first is read
            numbers[frame] = number
            taken.add(number)
    return numbers


def _in_tile_order(frames: Pieces, positions: npt.NDArray[np.int64], tiles: int) -> Pieces:
    shown = np.flatnonzero(positions >= 0)
    target = positions[shown]
    offsets, lengths = np.zeros(tiles, np.uint64), np.zeros(tiles, np.uint64)
    offsets[target], lengths[target] = frames.offsets[shown], frames.lengths[shown]
    files: npt.NDArray[np.uint16] | None = None
    if frames.files is not None:
        files = np.zeros(tiles, np.uint16)
        files[target] = frames.files[shown]
    fragments = {int(positions[number]): places for number, places in frames.fragments.items() if positions[number] >= 0}
    return Pieces(offsets, lengths, frames.file, files, fragments)


def _coding(instance: Instance) -> Coding:
    compression = COMPRESSIONS.get(str(instance.transfer_syntax))
    if compression is None:
        raise UnreadableSlide(Refusal.NOT_SUPPORTED, NAME, 0, f"transfer syntax {str(instance.transfer_syntax)[:64]} is not read")
    samples, bits = instance.number("SamplesPerPixel", 1), instance.number("BitsAllocated")
    interpretation = instance.text("PhotometricInterpretation")
    stored_bits = instance.number("BitsStored", bits)
    deep = bits == 16 and 8 <= stored_bits <= 16 and compression is not Compression.JPEG and not instance.number("PixelRepresentation")
    if not (bits == 8 or deep) or samples not in (1, 3) or interpretation == "PALETTE COLOR":
        found = f"{samples} samples of {bits} bits, {interpretation[:16] or 'no photometric interpretation'}"
        raise UnreadableSlide(Refusal.NOT_SUPPORTED, NAME, 0, found)
    if compression is Compression.NONE and interpretation in ("YBR_FULL_422", "YBR_PARTIAL_422", "YBR_PARTIAL_420"):
        raise UnreadableSlide(Refusal.NOT_SUPPORTED, NAME, 0, f"{interpretation} without compression")
    by_codec = compression is Compression.JPEG_2000 and interpretation in ("YBR_RCT", "YBR_ICT")
    planar = compression is Compression.NONE and samples == 3 and instance.number("PlanarConfiguration") == 1
    return Coding(
        compression,
        samples,
        rgb=not interpretation.startswith("YBR") or by_codec,
        planar=planar,
        inverted=interpretation == "MONOCHROME1",
        bits=bits,
        big_endian=instance.transfer_syntax == ExplicitVRBigEndian,
        shift=stored_bits - 8 if deep else 0,
    )


def _with_colour(coding: Coding, instance: Instance, sources: Mapping[int, Instance], pieces: Pieces) -> Coding:
    """The coding as the first readable frame's own code stream has it: converters write RGB over YCbCr."""
    if coding.compression is not Compression.JPEG:
        return coding
    refused: UnreadableSlide | None = None
    for number in np.flatnonzero(pieces.lengths)[:8].tolist():
        places = pieces.places(number)
        if sum(place.length for place in places) > MAX_TILE_BYTES:
            continue
        content = b"".join(sources[place.file].source.read_at(place.offset, place.length) for place in places)
        try:
            stream = _tables_there(read_code_stream(content), places[0].offset)
        except BadCodeStream as error:
            refused = refused or UnreadableSlide(Refusal.DAMAGED, NAME, places[0].offset, f"the frame of tile {number + 1}: {error}")
            continue
        rgb = components_are_rgb(stream, instance.text("PhotometricInterpretation") == "RGB")
        return replace(coding, rgb=rgb, samples=len(stream.components) or coding.samples, prefix=prefix(b"", stream, rgb))
    if refused is not None:
        raise refused
    return coding


def _tables_there(stream: CodeStream, offset: int) -> CodeStream:
    if not stream.quantisation or not stream.entropy_tables:
        raise UnreadableSlide(
            Refusal.TABLES_LOST, NAME, offset, "a frame has no JPEG tables of its own, and DICOM has no other place for them"
        )
    return stream

"""One whole-slide image, whatever file it came from: levels of tiles, their scale, and pictures that are kept apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from types import TracebackType
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt
from PIL import Image

from pathology.errors import DamagedTile, NoSuchTile
from pathology.jpeg.colour import splice
from pathology.limits import MAX_MPP, MAX_TILE_BYTES, MIN_MPP
from pathology.source import ByteSource
from pathology.tiles.coding import BadTile, Coding, Pixels, can_be_passed_on, decode, decode_planes, encode

BACKGROUND = 255
"""What is shown where the scanner stored nothing: white, as glass is."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Pixel size of the finest level in µm, along a row and down a column, and which statement of the file it comes from."""

    x: float
    y: float
    source: str


def scale(x: float | None, y: float | None, source: str) -> Scale | None:
    """A pixel size in µm, or None for a number that cannot be one (see `limits.MIN_MPP`): then the size is unknown."""
    if x is None or y is None or not (MIN_MPP <= x <= MAX_MPP and MIN_MPP <= y <= MAX_MPP):
        return None
    return Scale(x, y, source)


@dataclass(frozen=True, slots=True)
class Place:
    """Where stored bytes lie: `file` counts the slide's sources from 0, `offset` and `length` are in bytes."""

    file: int
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Pieces:
    """Where the tiles of a level lie, in rows from the top left; uint64, shape (tiles,). A tile of length 0 was not stored.

    `files` says in which source each lies (None: all in `file`); `fragments` has the places of tiles that lie in several.
    """

    offsets: npt.NDArray[np.uint64]
    lengths: npt.NDArray[np.uint64]
    file: int = 0
    files: npt.NDArray[np.uint16] | None = None
    fragments: Mapping[int, tuple[Place, ...]] = field(default_factory=dict)

    def places(self, number: int) -> tuple[Place, ...]:
        """The places of one tile, in order; none where it was not stored."""
        if number in self.fragments:
            return self.fragments[number]
        length = int(self.lengths[number])
        if not length:
            return ()
        file = self.file if self.files is None else int(self.files[number])
        return (Place(file, int(self.offsets[number]), length),)


@dataclass(frozen=True, slots=True)
class Level:
    """One resolution. Sizes in pixels; tiles at the right and lower edge may be padded to the full size.

    `pieces` and `coding` are None where another library reads the file: then nothing can be passed on as it is stored.
    """

    width: int
    height: int
    tile_width: int
    tile_height: int
    coding: Coding | None = None
    pieces: Pieces | None = None

    @property
    def columns(self) -> int:
        """Tiles in a row."""
        return ceil(self.width / self.tile_width)

    @property
    def rows(self) -> int:
        """Rows of tiles."""
        return ceil(self.height / self.tile_height)

    @property
    def missing(self) -> int:
        """How many tiles the scanner did not store."""
        if self.pieces is None:
            return 0
        stored = self.pieces.lengths[: self.columns * self.rows] > 0
        return self.columns * self.rows - int(stored.sum())


class Reader(Protocol):
    """What reads the pixels of a slide that is not tiles in a file of its own."""

    def pixels(self, level: int, column: int, row: int) -> Pixels:
        """RGB of one tile, uint8, shape (rows, columns, 3), cropped at the edge."""

    def close(self) -> None:
        """Give back what is held open."""


@dataclass(frozen=True, slots=True)
class Associated:
    """A picture beside the slide: label, macro (overview) or thumbnail. The first two carry names: `read` is called only on request."""

    name: str
    width: int
    height: int
    read: Callable[[], Pixels]
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Device:
    """The scanner as the file names it, empty where it is silent, and when it scanned (naive where no zone is named)."""

    manufacturer: str = ""
    model: str = ""
    serial: str = ""
    software: str = ""
    acquired: datetime | None = None


@dataclass(frozen=True, slots=True)
class Slide:
    """A slide that is open for reading. Levels go from fine to coarse; close it, or use it in a `with` statement.

    `objective` is the magnification that the file names. `channels` and `focal_planes` count what the file holds; the first
    of each is read. `notes` are sentences on what is not as the file says. Text that people wrote is not kept here at all.
    """

    format: str
    sources: tuple[ByteSource, ...]
    levels: tuple[Level, ...]
    scale: Scale | None = None
    objective: float | None = None
    associated: tuple[Associated, ...] = ()
    icc_profile: bytes = b""
    focal_planes: int = 1
    channels: int = 1
    device: Device = Device()
    notes: tuple[str, ...] = ()
    reader: Reader | None = None
    on_close: Callable[[], None] | None = None

    @property
    def width(self) -> int:
        """Width of the finest level in pixels."""
        return self.levels[0].width

    @property
    def height(self) -> int:
        """Height of the finest level in pixels."""
        return self.levels[0].height

    @property
    def mpp(self) -> float | None:
        """Pixel size of the finest level in µm, the mean of both directions; None if it is unknown."""
        return None if self.scale is None else (self.scale.x + self.scale.y) / 2

    @property
    def mpp_source(self) -> str:
        """Which statement of the file the pixel size comes from, or `unknown`."""
        return "unknown" if self.scale is None else self.scale.source

    def cut_off(self, level: int) -> int:
        """How many stored tiles of a level pass the end of their file. Raises NoSuchTile."""
        pieces = self._level(level).pieces
        if pieces is None:
            return 0
        ends = pieces.offsets + pieces.lengths
        sizes = np.array([source.size for source in self.sources], np.uint64)
        within = sizes[pieces.files] if pieces.files is not None else sizes[pieces.file]
        return int(((pieces.lengths > 0) & ((ends > within) | (ends < pieces.offsets))).sum())

    def downsample(self, level: int) -> float:
        """How many pixels of the finest level one of this level is wide."""
        return self.width / self._level(level).width

    def places(self, level: int, column: int, row: int) -> tuple[Place, ...]:
        """Where a tile's stored bytes lie; empty where the scanner stored none or another library reads the file. Raises NoSuchTile."""
        found = self._level(level)
        number = self._number(level, column, row)
        return () if found.pieces is None else found.pieces.places(number)

    def stored(self, level: int, column: int, row: int) -> bytes:
        """A tile's bytes as they stand in the file (planes one after the other); empty where there are none.

        Raises NoSuchTile, DamagedTile.
        """
        return b"".join(self._read(level, column, row, self.places(level, column, row)))

    def tile(self, level: int, column: int, row: int) -> bytes:
        """A whole tile (padded at the edge) as JPEG: as it is stored where that can be shown, else coded anew.

        Raises NoSuchTile, DamagedTile.
        """
        found, places = self._level(level), self.places(level, column, row)
        passed_on = self.passed_on(level, b"".join(self._read(level, column, row, places))) if places else None
        if passed_on is not None:
            return passed_on
        return encode(padded(self.pixels(level, column, row), found.tile_width, found.tile_height))

    def passed_on(self, level: int, stored: bytes) -> bytes | None:
        """The bytes of a tile, read at its `places`, as every browser shows them rightly; None where it has to be coded anew.

        Raises NoSuchTile for a level that is not there.
        """
        found = self._level(level)
        if found.coding is None or not can_be_passed_on(found.coding, stored, found.tile_width, found.tile_height):
            return None
        return splice(stored, found.coding.prefix)

    def pixels(self, level: int, column: int, row: int) -> Pixels:
        """RGB of a tile, uint8, shape (rows, columns, 3), cropped at the slide's edge.

        A tile that was not stored is drawn from a coarser level. Raises NoSuchTile, DamagedTile.
        """
        found, number = self._level(level), self._number(level, column, row)
        width = min(found.tile_width, found.width - column * found.tile_width)
        height = min(found.tile_height, found.height - row * found.tile_height)
        if self.reader is not None:
            return self.reader.pixels(level, column, row)
        assert found.pieces is not None and found.coding is not None  # noqa: PT018  (every level without a reader has both)
        places = found.pieces.places(number)
        if not places:
            return self.from_coarser(level, column * found.tile_width, row * found.tile_height, width, height)
        contents = self._read(level, column, row, places)
        try:
            if found.coding.planes > 1:
                whole = decode_planes(found.coding, contents, found.tile_width, found.tile_height)
            else:
                whole = decode(found.coding, b"".join(contents), found.tile_width, found.tile_height)
        except BadTile as error:
            raise DamagedTile((level, column, row), places[0].offset, str(error)) from None
        return padded(whole[:height, :width], width, height)

    def region(self, level: int, x: int, y: int, width: int, height: int, tolerant: bool = False) -> Pixels:
        """RGB of any rectangle of a level, uint8, shape (height, width, 3), white outside. Costs every tile that it touches.

        Raises NoSuchTile for a level that is not there, and DamagedTile; where `tolerant`, a damaged tile is left white.
        """
        found = self._level(level)
        out = np.full((height, width, 3), BACKGROUND, np.uint8)
        left, top, right, bottom = max(x, 0), max(y, 0), min(x + width, found.width), min(y + height, found.height)
        if left >= right or top >= bottom:
            return out
        for row in range(top // found.tile_height, (bottom - 1) // found.tile_height + 1):
            for column in range(left // found.tile_width, (right - 1) // found.tile_width + 1):
                try:
                    tile = self.pixels(level, column, row)
                except DamagedTile:
                    if not tolerant:
                        raise
                    continue
                tile_x, tile_y = column * found.tile_width, row * found.tile_height
                x0, x1 = max(left, tile_x), min(right, tile_x + tile.shape[1])
                y0, y1 = max(top, tile_y), min(bottom, tile_y + tile.shape[0])
                out[y0 - y : y1 - y, x0 - x : x1 - x] = tile[y0 - tile_y : y1 - tile_y, x0 - tile_x : x1 - tile_x]
        return out

    def close(self) -> None:
        """Close all files."""
        if self.reader is not None:
            self.reader.close()
        for source in self.sources:
            source.close()
        if self.on_close is not None:
            self.on_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _level(self, level: int) -> Level:
        if not 0 <= level < len(self.levels):
            raise NoSuchTile(f"level {level} of {len(self.levels)}")
        return self.levels[level]

    def _number(self, level: int, column: int, row: int) -> int:
        found = self.levels[level]
        if not (0 <= column < found.columns and 0 <= row < found.rows):
            raise NoSuchTile(f"tile {column}_{row} of {found.columns} x {found.rows} in level {level}")
        return row * found.columns + column

    def _read(self, level: int, column: int, row: int, places: Sequence[Place]) -> list[bytes]:
        total = sum(place.length for place in places)
        if total > MAX_TILE_BYTES:
            raise DamagedTile((level, column, row), places[0].offset, f"{total} bytes, at most {MAX_TILE_BYTES} are read")
        for place in places:
            if place.offset + place.length > self.sources[place.file].size:
                reason = f"{place.length} bytes pass the end of the file at byte {self.sources[place.file].size}"
                raise DamagedTile((level, column, row), place.offset, reason)
        return [self.sources[place.file].read_at(place.offset, place.length) for place in places]

    def from_coarser(self, level: int, x: int, y: int, width: int, height: int) -> Pixels:
        """What the next coarser level shows of a rectangle, enlarged; background where there is none."""
        if level + 1 >= len(self.levels):
            return np.full((height, width, 3), BACKGROUND, np.uint8)
        fine, coarse = self.levels[level], self.levels[level + 1]
        across, down = coarse.width / fine.width, coarse.height / fine.height
        left, top = int(x * across), int(y * down)
        right, bottom = max(left + 1, ceil((x + width) * across)), max(top + 1, ceil((y + height) * down))
        small = Image.fromarray(self.region(level + 1, left, top, right - left, bottom - top, tolerant=True))
        box = (x * across - left, y * down - top, (x + width) * across - left, (y + height) * down - top)
        return np.asarray(small.resize((width, height), Image.Resampling.BILINEAR, box=box))


def padded(pixels: Pixels, width: int, height: int) -> Pixels:
    """Pixels made `width` x `height` by repeating their last row and column, so that coding shows no edge."""
    missing_rows, missing_columns = height - pixels.shape[0], width - pixels.shape[1]
    if missing_rows <= 0 and missing_columns <= 0:
        return pixels
    return np.pad(pixels, ((0, max(0, missing_rows)), (0, max(0, missing_columns)), (0, 0)), mode="edge")

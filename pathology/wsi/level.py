"""Frames of one level: passed on as the scanner stored them, or coded once where that cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Final

import imagecodecs
import numpy as np
from PIL import Image

from pathology.errors import DamagedTile
from pathology.jpeg.codestream import BASELINE, BadCodeStream, CodeStream, read_code_stream
from pathology.jpeg.colour import APP14_RGB, components_are_rgb, splice
from pathology.slide import Level, Place, Slide, padded
from pathology.tiles.coding import QUALITY, Compression, Pixels

RGB: Final = "RGB"
YBR_FULL_422: Final = "YBR_FULL_422"
"""Photometric interpretations that a whole-slide image in JPEG may have (PS3.3 C.8.12.4.1.5); YCbCr is the latter whatever its sampling."""

MADE_TILE: Final = 512
"""Side in pixels of the tiles of levels that are coded anew where the finest level has none that can be used."""

SMALLEST, LARGEST = 64, 1024
"""Sides in pixels of the finest level's tiles that made levels take over."""

STEP: Final = 4
"""How much smaller a made level is than the one it is made of."""

COARSEST: Final = 1024
"""Longest side in pixels that the coarsest level may have; above it, coarser ones are made."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a level; `place` is where its bytes lie in the file if it was passed on; `fault` says what it replaces."""

    content: bytes
    place: Place | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a level is written: its size, its tiles, its colours. `stored` is true if tiles are passed on where they can be."""

    width: int
    height: int
    tile_width: int
    tile_height: int
    interpretation: str
    stored: bool
    resampled: bool = False

    @property
    def columns(self) -> int:
        """Tiles in a row."""
        return ceil(self.width / self.tile_width)

    @property
    def frames(self) -> int:
        """Tiles in all."""
        return self.columns * ceil(self.height / self.tile_height)


def layout(slide: Slide, number: int) -> Layout:
    """How a level of the file is written."""
    level = slide.levels[number]
    stream = _first_stream(slide, number)
    resampled = number > 0
    if stream is None:
        side = made_tile(slide)
        return Layout(level.width, level.height, side, side, YBR_FULL_422, False, resampled)
    assert level.coding is not None  # only levels with a coding have streams
    interpretation = RGB if level.coding.rgb else YBR_FULL_422
    return Layout(level.width, level.height, level.tile_width, level.tile_height, interpretation, True, resampled)


def frames(slide: Slide, number: int, how: Layout) -> Iterator[Frame]:
    """Frames of a level of the file, in rows from the upper left."""
    if not how.stored:
        yield from _drawn(slide, number, how, 1)
        return
    level = slide.levels[number]
    for tile in range(how.frames):
        yield _frame(slide, level, (number, tile % how.columns, tile // how.columns), how)


def made_tile(slide: Slide) -> int:
    """Side in pixels of tiles that are coded anew: that of the finest level where it is passed on.

    Some readers (wsidicom) take levels for one slide only if their tiles have one size.
    """
    finest = slide.levels[0]
    usable = finest.tile_width == finest.tile_height and SMALLEST <= finest.tile_width <= LARGEST
    return finest.tile_width if usable and _first_stream(slide, 0) is not None else MADE_TILE


def made_layout(how: Layout, side: int) -> Layout:
    """A level `STEP` times smaller, in tiles of this side."""
    return Layout(ceil(how.width / STEP), ceil(how.height / STEP), side, side, YBR_FULL_422, False, True)


def made_frames(slide: Slide, number: int, how: Layout) -> Iterator[Frame]:
    """Frames of a level that is made out of level `number` of a slide."""
    yield from _drawn(slide, number, how, STEP)


def wanted_after(how: Layout, following: Level | None) -> bool:
    """True if a level has to be made behind this one: the next is too far away, or there is none and this one is large."""
    if following is None:
        return max(how.width, how.height) > COARSEST
    return how.width / following.width > STEP * STEP / 2


def _first_stream(slide: Slide, number: int) -> CodeStream | None:
    """The code stream of the first tile of a level that can be a frame as it is; None where the level is coded anew."""
    level = slide.levels[number]
    coding, pieces = level.coding, level.pieces
    if coding is None or pieces is None or coding.compression is not Compression.JPEG or coding.planes != 1 or coding.samples != 3:
        return None
    if level.tile_width % 8 or level.tile_height % 8 or coding.inverted or level.tile_width == level.width > MADE_TILE:
        return None  # strips are as wide as the picture
    stored = np.flatnonzero(pieces.lengths[: level.columns * level.rows])
    for tile in stored[:: max(1, len(stored) // 8)][:8].tolist():
        try:
            stream = _stream(level, slide.stored(number, tile % level.columns, tile // level.columns))
        except DamagedTile:
            continue
        if stream is not None:
            return stream
    return None


def _stream(level: Level, content: bytes) -> CodeStream | None:
    """The code stream of a tile if it can be a frame as it is, spliced."""
    assert level.coding is not None  # levels without one are coded anew
    try:
        stream = read_code_stream(splice(content, level.coding.prefix))
    except BadCodeStream:
        return None
    fits = stream.process == BASELINE and stream.bits == 8 and len(stream.components) == 3
    sized = (stream.width, stream.height) == (level.tile_width, level.tile_height)
    decodable = stream.quantisation and stream.entropy_tables and stream.scan > 0
    return stream if fits and sized and decodable and components_are_rgb(stream, level.coding.rgb) == level.coding.rgb else None


def _frame(slide: Slide, level: Level, address: tuple[int, int, int], how: Layout) -> Frame:
    assert level.coding is not None  # only such levels are passed on
    places = slide.places(*address)
    content = b""
    if places:
        try:
            content = slide.stored(*address)
        except DamagedTile:
            return Frame(_substitute(slide, level, address, how), fault="damaged")
        if _stream(level, content) is not None:
            return Frame(splice(content, level.coding.prefix), places[0] if len(places) == 1 else None)
    try:
        pixels = padded(slide.pixels(*address), how.tile_width, how.tile_height)
    except DamagedTile:
        return Frame(_substitute(slide, level, address, how), fault="damaged")
    return Frame(coded_as(pixels, how.interpretation), fault="" if places else "missing")


def _substitute(slide: Slide, level: Level, address: tuple[int, int, int], how: Layout) -> bytes:
    """What the next coarser level shows in place of a damaged tile."""
    number, column, row = address
    width, height = min(how.tile_width, level.width - column * how.tile_width), min(how.tile_height, level.height - row * how.tile_height)
    pixels = slide.from_coarser(number, column * how.tile_width, row * how.tile_height, width, height)
    return coded_as(padded(pixels, how.tile_width, how.tile_height), how.interpretation)


def _drawn(slide: Slide, number: int, how: Layout, factor: int) -> Iterator[Frame]:
    """Frames drawn from a level that is `factor` times finer."""
    rows = ceil(how.height / how.tile_height)
    for row in range(rows):
        for column in range(how.columns):
            x, y = column * how.tile_width, row * how.tile_height
            width, height = min(how.tile_width, how.width - x), min(how.tile_height, how.height - y)
            pixels, fault = _shrunk_region(slide, number, (x, y, width, height), factor)
            yield Frame(coded_as(padded(pixels, how.tile_width, how.tile_height), how.interpretation), fault=fault)


def _shrunk_region(slide: Slide, number: int, box: tuple[int, int, int, int], factor: int) -> tuple[Pixels, str]:
    """RGB of a rectangle, `factor` times smaller than in the level, and what was wrong with it."""
    x, y, width, height = box
    level = slide.levels[number]
    right, bottom = min((x + width) * factor, level.width), min((y + height) * factor, level.height)
    region = (number, x * factor, y * factor, right - x * factor, bottom - y * factor)
    fault = ""
    try:
        pixels = slide.region(*region)
    except DamagedTile:
        pixels, fault = slide.region(*region, tolerant=True), "damaged"
    if factor == 1:
        return pixels, fault
    whole = padded(pixels, width * factor, height * factor)
    return np.asarray(Image.fromarray(whole).reduce(factor)), fault


def coded_as(pixels: Pixels, interpretation: str) -> bytes:
    """A baseline JPEG whose components are those of the photometric interpretation."""
    space = "RGB" if interpretation == RGB else "YCbCr"
    coded = bytes(
        imagecodecs.jpeg8_encode(
            np.ascontiguousarray(pixels), level=QUALITY, colorspace="RGB", outcolorspace=space, subsampling="444"
        )
    )  # fmt: skip
    return splice(coded, APP14_RGB) if space == "RGB" and read_code_stream(coded).adobe is None else coded

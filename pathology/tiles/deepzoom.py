"""Deep Zoom: levels that halve down to one pixel, tiles addressed by level, column and row (Microsoft Seadragon's DZI, 2009).

Tiles of a level that the file has go out as they are stored; those at the edge are cropped; levels in between are drawn.
"""

from __future__ import annotations

from math import ceil
from typing import Final

import numpy as np
from PIL import Image

from pathology.errors import LevelMissing, NoSuchTile
from pathology.limits import MAX_PIXELS_FOR_ONE
from pathology.slide import Level, Place, Slide, padded
from pathology.tiles.coding import Compression, Pixels, encode

NAMESPACE: Final = "http://schemas.microsoft.com/deepzoom/2008"
MADE_TILE: Final = 512
"""Side in pixels of tiles where the file has none that can be used: strips, or tiles that are not square."""
_SMALLEST, _LARGEST = 64, 1024
"""Sides of stored tiles that are used as they are; smaller ones cost requests, larger ones cost waiting."""


class DeepZoom:
    """A slide's tiles by their Deep Zoom address. Overlap is 0, so that stored tiles can be passed on."""

    def __init__(self, slide: Slide) -> None:
        self.slide = slide
        finest = slide.levels[0]
        usable = finest.tile_width == finest.tile_height and _SMALLEST <= finest.tile_width <= _LARGEST
        self.tile_size: int = finest.tile_width if usable else MADE_TILE
        self.level_count: int = (max(slide.width, slide.height) - 1).bit_length() + 1
        self._stored = {level: stored for level in range(self.level_count) if (stored := self._same_size(level)) is not None}

    def dimensions(self, level: int) -> tuple[int, int]:
        """Width and height of a level in pixels, rounded up. Raises NoSuchTile."""
        if not 0 <= level < self.level_count:
            raise NoSuchTile(f"Deep Zoom level {level} of {self.level_count}")
        factor = 1 << (self.level_count - 1 - level)
        return ceil(self.slide.width / factor), ceil(self.slide.height / factor)

    def tiles(self, level: int) -> tuple[int, int]:
        """Columns and rows of a level. Raises NoSuchTile."""
        width, height = self.dimensions(level)
        return ceil(width / self.tile_size), ceil(height / self.tile_size)

    def tile_dimensions(self, level: int, column: int, row: int) -> tuple[int, int]:
        """Width and height of a tile in pixels; less than `tile_size` at the edge. Raises NoSuchTile."""
        width, height = self.dimensions(level)
        x, y = column * self.tile_size, row * self.tile_size
        if not (0 <= x < width and 0 <= y < height):
            raise NoSuchTile(f"tile {column}_{row} of Deep Zoom level {level}")
        return min(self.tile_size, width - x), min(self.tile_size, height - y)

    def descriptor(self) -> bytes:
        """The .dzi document."""
        size = f'<Size Height="{self.slide.height}" Width="{self.slide.width}"/>'
        image = f'<Image xmlns="{NAMESPACE}" Format="jpeg" Overlap="0" TileSize="{self.tile_size}">{size}</Image>'
        return f'<?xml version="1.0" encoding="UTF-8"?>{image}'.encode()

    def stored_address(self, level: int, column: int, row: int) -> tuple[int, int, int] | None:
        """(level, column, row) of the slide's own tile that is this one, whole; None where it has to be drawn. Raises NoSuchTile."""
        if self.tile_dimensions(level, column, row) != (self.tile_size, self.tile_size):
            return None
        number = self._stored.get(level)
        if number is None:
            return None
        own = self.slide.levels[number]
        whole = (column + 1) * self.tile_size <= own.width and (row + 1) * self.tile_size <= own.height
        return (number, column, row) if whole and (own.tile_width, own.tile_height) == (self.tile_size, self.tile_size) else None

    def places(self, level: int, column: int, row: int) -> tuple[Place, ...]:
        """Where the bytes lie that are passed on for this tile; empty where it has to be drawn. Raises NoSuchTile.

        What is read there becomes the tile by `splice(content, coding.prefix)` of its level.
        """
        address = self.stored_address(level, column, row)
        if address is None:
            return ()
        coding = self.slide.levels[address[0]].coding
        return self.slide.places(*address) if coding is not None and coding.compression is Compression.JPEG and coding.planes == 1 else ()

    def tile(self, level: int, column: int, row: int) -> bytes:
        """A tile as JPEG: as it is stored where it is a whole stored tile, else drawn. Raises NoSuchTile, DamagedTile, LevelMissing."""
        address = self.stored_address(level, column, row)
        if address is not None:
            return self.slide.tile(*address)
        return encode(self.pixels(level, column, row))

    def pixels(self, level: int, column: int, row: int) -> Pixels:
        """RGB of a tile, uint8, shape (rows, columns, 3). Raises NoSuchTile, DamagedTile, LevelMissing."""
        width, height = self.tile_dimensions(level, column, row)
        x, y = column * self.tile_size, row * self.tile_size
        number = self._stored.get(level)
        if number is not None:
            own = self.slide.levels[number]
            x, y = min(x, own.width - 1), min(y, own.height - 1)
            return padded(self.slide.region(number, x, y, min(width, own.width - x), min(height, own.height - y)), width, height)
        return self._drawn(level, x, y, width, height)

    def _same_size(self, level: int) -> int | None:
        """The slide's own level of this size; scanners round down where Deep Zoom rounds up."""
        width, height = self.dimensions(level)
        for number, own in enumerate(self.slide.levels):
            if abs(own.width - width) <= 1 and abs(own.height - height) <= 1:
                return number
        return None

    def _drawn(self, level: int, x: int, y: int, width: int, height: int) -> Pixels:
        """A rectangle drawn from the nearest finer level that the file has."""
        level_width, level_height = self.dimensions(level)
        finer = [number for number, own in enumerate(self.slide.levels) if own.width >= level_width and own.height >= level_height]
        number = finer[-1] if finer else 0
        own = self.slide.levels[number]
        across, down = own.width / level_width, own.height / level_height
        left, top = int(x * across), int(y * down)
        right, bottom = min(own.width, ceil((x + width) * across)), min(own.height, ceil((y + height) * down))
        if (cost := _cost(own, left, top, right, bottom)) > MAX_PIXELS_FOR_ONE:
            raise LevelMissing(f"no level near {level_width} x {level_height} px: one tile of it would cost {cost} decoded pixels")
        region = Image.fromarray(self.slide.region(number, left, top, right - left, bottom - top, tolerant=True))
        box = (x * across - left, y * down - top, min((x + width) * across, own.width) - left, min((y + height) * down, own.height) - top)
        return np.asarray(region.resize((width, height), Image.Resampling.BOX, box=box))


def _cost(level: Level, left: int, top: int, right: int, bottom: int) -> int:
    """Pixels of all tiles that a rectangle touches."""
    columns = ceil(right / level.tile_width) - left // level.tile_width
    rows = ceil(bottom / level.tile_height) - top // level.tile_height
    return columns * rows * level.tile_width * level.tile_height

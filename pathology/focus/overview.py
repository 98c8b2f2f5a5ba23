"""The slide from afar, so many pixels a cell: where tissue is, and where pen marks and folds are."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from pathology.focus.limits import limit
from pathology.slide import Slide
from pathology.tiles.coding import Pixels

CELL_PIXELS: Final = 16
"""Side of a cell in the overview."""

_DARKEST: Final = 180
"""Brightness below which nothing is taken for glass."""

_UNSCANNED: Final = 12
"""Brightness up to which a pixel is what scanners write where they did not scan."""

_GREEN, _BLUE, _BLUE_OVER_GREEN, _BLACK, _GREY = 30, 75, 20, 60, 25
"""How far green stands above red, blue above red and green; how dark, and how grey, black ink is. Of 255; practice."""

Map = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Overview:
    """Per cell, shape (rows, columns): share of tissue pixels, of pen pixels, of unscanned ones, and mean optical density of tissue."""

    tissue: Map
    pen: Map
    unscanned: Map
    density: Map


def grid_shape(slide: Slide, cell: float) -> tuple[int, int]:
    """Rows and columns of cells of `cell` pixels of the finest level."""
    return ceil(slide.height / cell), ceil(slide.width / cell)


def look(slide: Slide, cell: float) -> Overview:
    """See the whole slide from afar, row of cells by row of cells. Damaged tiles are white."""
    rows, columns = grid_shape(slide, cell)
    picture = np.concatenate([_row(slide, number, cell, columns) for number in range(rows)])
    values = picture.astype(np.float32)
    bright = values[values.min(-1) > _DARKEST]
    glass = np.percentile(bright, 90, axis=0) if len(bright) else np.full(3, 245.0)
    density = np.log10((glass + 1) / (np.minimum(values, glass) + 1)).mean(-1)
    unscanned = values.max(-1) <= _UNSCANNED
    pen = _pen(values) & ~unscanned
    tissue = (density > limit("tissue-optical-density")) & ~pen & ~unscanned
    amount = _by_cell(tissue)
    depth = _by_cell(density * tissue) / np.maximum(amount, 1e-6)
    return Overview(amount, _by_cell(pen), _by_cell(unscanned), depth.astype(np.float32))


def _row(slide: Slide, number: int, cell: float, columns: int) -> Pixels:
    """One row of cells, `CELL_PIXELS` high; white beyond the slide's edge."""
    level = _level(slide, cell)
    own = slide.levels[level]
    side = cell * own.width / slide.width
    top, bottom = int(number * side), ceil((number + 1) * side)
    width = ceil(columns * side)
    strip = Image.fromarray(slide.region(level, 0, top, width, max(1, bottom - top), tolerant=True))
    box = (0.0, number * side - top, min(columns * side, float(width)), min((number + 1) * side - top, float(strip.height)))
    return np.asarray(strip.resize((columns * CELL_PIXELS, CELL_PIXELS), Image.Resampling.BOX, box=box))


def _level(slide: Slide, cell: float) -> int:
    """The coarsest level on which a cell still has `CELL_PIXELS`."""
    fit = [number for number, own in enumerate(slide.levels) if cell * own.width / slide.width >= CELL_PIXELS]
    return fit[-1] if fit else 0


def _pen(values: Map) -> npt.NDArray[np.bool_]:
    red, green, blue = values[..., 0], values[..., 1], values[..., 2]
    is_green = (green - red > _GREEN) & (green - blue > 0)
    is_blue = (blue - red > _BLUE) & (blue - green > _BLUE_OVER_GREEN)
    is_black = (values.max(-1) < _BLACK) & (values.max(-1) - values.min(-1) < _GREY)
    found: npt.NDArray[np.bool_] = is_green | is_blue | is_black
    return found


def _by_cell(values: npt.NDArray[np.bool_] | Map) -> Map:
    rows, columns = values.shape[0] // CELL_PIXELS, values.shape[1] // CELL_PIXELS
    found: Map = values.reshape(rows, CELL_PIXELS, columns, CELL_PIXELS).mean((1, 3), dtype=np.float32)
    return found

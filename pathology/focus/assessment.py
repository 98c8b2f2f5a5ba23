"""Focus and tissue of a whole slide, cell by cell, and a plain verdict: ok, look, rescan."""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from math import log2
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from pathology.errors import DamagedTile
from pathology.focus.limits import limit
from pathology.focus.measure import octaves, sharpness
from pathology.focus.overview import Overview, look
from pathology.slide import Slide
from pathology.tiles.coding import Pixels

_SAMPLE: Final = 256
"""Side in pixels of what is looked at of a cell at the working magnification."""


class Verdict(StrEnum):
    """What to do with a slide."""

    OK = "ok"
    LOOK = "look"
    RESCAN = "rescan"


class Cell(IntEnum):
    """What a cell holds. Tissue that was not sampled takes the kind of the nearest sampled one to its left or above."""

    GLASS = 0
    SHARP = 1
    SOFT = 2
    BLURRED = 3
    NO_DETAIL = 4
    FOLD = 5
    PEN = 6
    NOT_STORED = 7


COLOURS: Final[dict[Cell, tuple[int, int, int]]] = {
    Cell.GLASS: (255, 255, 255),
    Cell.SHARP: (46, 160, 67),
    Cell.SOFT: (245, 166, 35),
    Cell.BLURRED: (218, 54, 51),
    Cell.NO_DETAIL: (170, 170, 170),
    Cell.FOLD: (130, 80, 223),
    Cell.PEN: (31, 111, 235),
    Cell.NOT_STORED: (20, 20, 20),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a verdict is not `ok`: the measure of `limits.toml`, what was found, and the limit it passed."""

    measure: str
    found: float
    limit: float


@dataclass(frozen=True, slots=True)
class Assessment:
    """A slide's grid. `cells` are values of `Cell`, uint8, shape (rows, columns); `cell_um` is their side in µm.

    `without_detail` and `not_stored` are fractions of the sampled tissue cells, `soft` and `blurred` of those that have detail,
    `tissue` of all cells.
    `scale_assumed` is true where the slide's pixel size is not known.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...]
    cells: npt.NDArray[np.uint8]
    cell_um: float
    tissue: float
    soft: float
    blurred: float
    without_detail: float
    not_stored: float
    sampled: int
    scale_assumed: bool

    def picture(self, side: int = 8) -> bytes:
        """The grid as a PNG, `side` pixels a cell."""
        table = np.array([COLOURS[kind] for kind in Cell], np.uint8)
        pixels = np.repeat(np.repeat(table[self.cells], side, axis=0), side, axis=1)
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "PNG")
        return out.getvalue()

    def as_json(self) -> dict[str, Any]:
        """The figures as plain data, without the grid."""
        return {
            "verdict": str(self.verdict),
            "reasons": [{"measure": each.measure, "found": round(each.found, 4), "limit": each.limit} for each in self.reasons],
            "rows": int(self.cells.shape[0]),
            "columns": int(self.cells.shape[1]),
            "cell_um": self.cell_um,
            "tissue": round(self.tissue, 4),
            "soft": round(self.soft, 4),
            "blurred": round(self.blurred, 4),
            "without_detail": round(self.without_detail, 4),
            "not_stored": round(self.not_stored, 4),
            "sampled": self.sampled,
            "scale_assumed": self.scale_assumed,
        }


def assess(slide: Slide) -> Assessment:
    """Look at a slide: where its tissue is, and how much of that is in focus at 20x. Takes seconds; memory stays small."""
    mpp = slide.mpp or limit("assumed-pixel")
    cell = max(1.0, limit("cell") / mpp)
    seen = look(slide, cell)
    cells = _kinds_from_afar(seen)
    wanted = np.argwhere(cells == Cell.SHARP)
    picked = wanted[:: max(1, -(-len(wanted) // int(limit("samples"))))]
    samples = {(int(row), int(column)): _octaves_of(slide, mpp, cell, int(row), int(column)) for row, column in picked}
    noise = _noise(slide, mpp, cell, seen)
    kinds = {place: _kind(found, noise) for place, found in samples.items()}
    _spread(cells, kinds)
    soft, blurred = _shares(kinds.values(), among=(Cell.SHARP, Cell.SOFT, Cell.BLURRED), of=(Cell.SOFT, Cell.BLURRED))
    plain, absent = _shares(kinds.values(), among=tuple(Cell), of=(Cell.NO_DETAIL, Cell.NOT_STORED))
    tissue = len(wanted) / cells.size
    verdict, reasons = judge(tissue, soft, blurred, plain, absent)
    return Assessment(verdict, reasons, cells, cell * mpp, tissue, soft, blurred, plain, absent, len(kinds), slide.mpp is None)


def judge(tissue: float, soft: float, blurred: float, without_detail: float, not_stored: float) -> tuple[Verdict, tuple[Reason, ...]]:
    """Return the verdict on five fractions, with every limit that was passed, the gravest first."""
    rows = (
        ("rescan-not-stored", not_stored, Verdict.RESCAN),
        ("rescan-blurred", blurred, Verdict.RESCAN),
        ("look-out-of-focus", soft + blurred, Verdict.LOOK),
        ("look-not-stored", not_stored, Verdict.LOOK),
        ("look-without-detail", without_detail, Verdict.LOOK),
    )
    passed = [(Reason(measure, found, limit(measure)), verdict) for measure, found, verdict in rows if found > limit(measure)]
    if tissue < limit("look-tissue"):
        passed.append((Reason("look-tissue", tissue, limit("look-tissue")), Verdict.LOOK))
    verdict = passed[0][1] if passed else Verdict.OK
    return verdict, tuple(reason for reason, kind in passed if kind is verdict)


def _kinds_from_afar(seen: Overview) -> npt.NDArray[np.uint8]:
    """Glass, pen and folds; all other tissue as sharp until it is looked at."""
    cells = np.full(seen.tissue.shape, Cell.GLASS, np.uint8)
    tissue = seen.tissue >= limit("tissue-share-of-cell")
    cells[tissue] = Cell.SHARP
    if tissue.any():
        usual = float(np.median(seen.density[tissue]))
        cells[tissue & (seen.density > limit("fold") * usual)] = Cell.FOLD
    cells[seen.pen >= limit("pen")] = Cell.PEN
    return cells


def _working_level(slide: Slide, mpp: float) -> tuple[int, int]:
    """The level to look at, and how often smaller its pixels are made: together nearest to the working pixel, never finer than stored."""
    pixel = limit("working-pixel")
    sizes = [mpp * slide.downsample(number) for number in range(len(slide.levels))]
    usable = [number for number, size in enumerate(sizes) if size <= pixel * 1.5] or [0]
    number = usable[-1]
    return number, max(1, 1 << max(0, round(log2(pixel / sizes[number]))))


def _octaves_of(slide: Slide, mpp: float, cell: float, row: int, column: int) -> tuple[float, float, float] | None:
    """The cell's centre at the working magnification; None where tiles are missing or damaged there."""
    number, factor = _working_level(slide, mpp)
    own = slide.levels[number]
    side = _SAMPLE * factor
    scale = own.width / slide.width
    left = _inside_a_tile((column + 0.5) * cell * scale, side, own.tile_width, own.width)
    top = _inside_a_tile((row + 0.5) * cell * scale, side, own.tile_height, own.height)
    if own.pieces is not None and not slide.places(number, left // own.tile_width, top // own.tile_height):
        return None
    try:
        pixels = slide.region(number, left, top, min(side, own.width - left), min(side, own.height - top))
    except DamagedTile:
        return None
    return octaves(_reduced(pixels, factor))


def _inside_a_tile(centre: float, side: int, tile: int, length: int) -> int:
    """Where a sample begins: within the tile of the centre where it fits, so that one tile is decoded and not four."""
    start = int(centre) // tile * tile
    if tile >= side:
        start += min(max(0, int(centre - side / 2) - start), tile - side)
    return max(0, min(start, length - 1))


def _reduced(pixels: Pixels, factor: int) -> Pixels:
    return pixels if factor == 1 else np.asarray(Image.fromarray(pixels).reduce(factor))


def _noise(slide: Slide, mpp: float, cell: float, seen: Overview) -> float:
    """What glass shows at full size: the lower quartile of some cells without any tissue (the others have dust); 0 without such cells."""
    empty = np.argwhere((seen.tissue == 0) & (seen.pen == 0) & (seen.unscanned == 0))
    picked = empty[:: max(1, len(empty) // 16)][:16]
    found = [_octaves_of(slide, mpp, cell, int(row), int(column)) for row, column in picked]
    fine = [each[0] for each in found if each is not None]
    return float(np.percentile(fine, 25)) if fine else 0.0


def _shares(kinds: Collection[Cell], among: Sequence[Cell], of: Sequence[Cell]) -> list[float]:
    """Which fraction of the cells that are `among` these kinds each kind of `of` is."""
    count = sum(kind in among for kind in kinds)
    return [sum(kind is each for kind in kinds) / count if count else 0.0 for each in of]


def _kind(found: tuple[float, float, float] | None, noise: float) -> Cell:
    if found is None:
        return Cell.NOT_STORED
    fine, quarter, eighth = found
    if eighth < limit("detail"):
        return Cell.NO_DETAIL
    sharp = sharpness(fine, quarter, noise)
    if sharp >= limit("sharpness"):
        return Cell.SHARP
    return Cell.SOFT if sharp >= limit("blurred") else Cell.BLURRED


def _spread(cells: npt.NDArray[np.uint8], kinds: dict[tuple[int, int], Cell]) -> None:
    """Give every cell of tissue a kind: its own, or that of the last one before it in reading order that was looked at."""
    last = Cell.SHARP
    for row, column in np.argwhere(cells == Cell.SHARP):
        last = kinds.get((int(row), int(column)), last)
        cells[row, column] = last

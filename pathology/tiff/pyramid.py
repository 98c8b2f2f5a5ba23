"""Which directories are levels of one picture: told by their sizes, since few writers mark them rightly."""

from __future__ import annotations

from collections.abc import Iterable

from pathology.errors import Refusal, UnreadableSlide
from pathology.limits import MAX_LEVELS, MAX_TILES
from pathology.slide import Level
from pathology.tiff.directory import Directory
from pathology.tiff.levels import has_picture, is_tiled, level, size

ROUNDING = 2.0
"""Pixels by which each halving may round a side up or down; three halvings add up to less."""


def same_picture(fine: tuple[int, int], coarse: tuple[int, int]) -> bool:
    """True if `coarse` (width, height) can be `fine` made smaller: the same proportions, but for rounding."""
    if coarse[0] > fine[0] or coarse[1] > fine[1]:
        return False
    steepest = max(fine[0] / fine[1], fine[1] / fine[0])
    across = abs(coarse[1] - fine[1] * coarse[0] / fine[0])
    down = abs(coarse[0] - fine[0] * coarse[1] / fine[1])
    return min(across, down) <= ROUNDING + 1 and max(across, down) <= ROUNDING * (1 + steepest)


def sort_out(directories: Iterable[Directory]) -> tuple[list[Directory], list[Directory], list[Directory]]:
    """Return (levels from fine to coarse, further planes of the finest size, other pictures).

    The finest level is the largest tiled picture, or the largest of all where none is tiled; levels lie in tiles if it does.
    """
    pictures = [each for each in directories if has_picture(each)]
    if not pictures:
        raise UnreadableSlide(Refusal.NO_PICTURE, "TIFF", 0, "no directory of the file says where a picture lies")
    tiled = [each for each in pictures if is_tiled(each)]
    finest = max(tiled or pictures, key=lambda each: (size(each)[0] * size(each)[1], -each.offset))
    first = next(each for each in tiled or pictures if size(each) == size(finest))
    by_size: dict[tuple[int, int], Directory] = {size(first): first}
    planes, others = [], []
    for each in pictures:
        if each is first:
            continue
        if (is_tiled(each) or not tiled) and same_picture(size(first), size(each)):
            if size(each) in by_size:
                planes.append(each)
            else:
                by_size[size(each)] = each
        else:
            others.append(each)
    levels = [by_size[key] for key in sorted(by_size, key=lambda key: -key[0] * key[1])]
    return levels, [each for each in planes if size(each) == size(first)], others


def read_levels(directories: list[Directory]) -> tuple[tuple[Level, ...], tuple[str, ...]]:
    """Return the levels of directories that go from fine to coarse, and a sentence on each coarser one that cannot be read.

    Raises UnreadableSlide where the finest one cannot, or beyond the limits.
    """
    if len(directories) > MAX_LEVELS:
        raise UnreadableSlide(Refusal.TOO_LARGE, "TIFF", directories[MAX_LEVELS].offset, f"more than {MAX_LEVELS} levels")
    found, lost, tiles = [level(directories[0])], [], 0
    for directory in directories[1:]:
        try:
            found.append(level(directory))
        except UnreadableSlide as error:
            lost.append(left_out(error))
            continue
        tiles += found[-1].columns * found[-1].rows
        if tiles > MAX_TILES:
            raise UnreadableSlide(Refusal.TOO_LARGE, "TIFF", directory.offset, f"more than {MAX_TILES} tiles in the coarser levels")
    return tuple(found), tuple(lost)


def left_out(error: UnreadableSlide) -> str:
    """A sentence on a coarser level that is not shown."""
    return f"A coarser level is left out: {error.found} (at byte {error.offset})."

"""A slide that opens while it is still arriving: in which order its bytes are of use, and what can be shown of it already.

`open_source(ArrivingSource(...))` opens it once header and directories are here; a tile that is not raises NotArrived.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from pathology.slide import Slide
from pathology.source import ArrivingSource

QUARTERS: Final = 4
"""Pieces of the finest level: each is a sign of progress, and not more requests than that."""

MAX_PIECES: Final = 64
"""Most pieces of a file; one whose levels are mixed into more is sent in its own order."""

_GAP: Final = 4096
"""Bytes between tiles of one level that still belong to it: padding, scanners' own marks."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes `offset` to `offset + length` of the file; `level` whose tiles they are, None for header, directories and the rest."""

    offset: int
    length: int
    level: int | None


def order_of_use(slide: Slide) -> tuple[Piece, ...]:
    """Return the file of an open slide in pieces: header, directories and pictures beside it, then levels from coarse to fine.

    Together they are the whole file, each byte once. A slide whose tiles lie in no single file of their own is one piece.
    """
    size = slide.sources[0].size if slide.sources else 0
    runs = _runs(slide) if len(slide.sources) == 1 else []
    if not runs or len(runs) * 2 + QUARTERS > MAX_PIECES:
        return (Piece(0, size, None),) if size else ()
    rest, reached = [], 0
    for run in runs:
        if run.offset > reached:
            rest.append(Piece(reached, run.offset - reached, None))
        reached = run.offset + run.length
    if reached < size:
        rest.append(Piece(reached, size - reached, None))
    coarse = sorted((run for run in runs if run.level), key=lambda run: (-(run.level or 0), run.offset))
    fine = [part for run in runs if run.level == 0 for part in _parts(run)]
    return (*rest, *coarse, *fine)


def share_here(slide: Slide, source: ArrivingSource, level: int) -> float:
    """Which fraction of a level's stored tiles has arrived, from 0 to 1. Raises IndexError for a level that is not there."""
    pieces = slide.levels[level].pieces
    if pieces is None:
        return 0.0
    stored = np.flatnonzero(pieces.lengths)
    here = sum(
        source.has(offset, length) for offset, length in zip(pieces.offsets[stored].tolist(), pieces.lengths[stored].tolist(), strict=True)
    )
    return here / len(stored) if len(stored) else 1.0


def tile_is_here(slide: Slide, source: ArrivingSource, level: int, column: int, row: int) -> bool:
    """True if a tile's stored bytes have arrived (or it has none). Raises NoSuchTile."""
    return all(source.has(place.offset, place.length) for place in slide.places(level, column, row))


def _runs(slide: Slide) -> list[Piece]:
    """Ranges of the file that hold tiles of one level, in the file's order; none where they overlap."""
    offsets, ends, levels = _all_tiles(slide)
    if not len(offsets):
        return []
    order = np.argsort(offsets, kind="stable")
    offsets, ends, levels = offsets[order], ends[order], levels[order]
    reached = np.maximum.accumulate(ends)
    new = np.flatnonzero((levels[1:] != levels[:-1]) | (offsets[1:] > reached[:-1] + _GAP)) + 1
    firsts, lasts = [0, *new.tolist()], [*(new - 1).tolist(), len(offsets) - 1]
    runs = [
        Piece(int(offsets[first]), int(reached[last]) - int(offsets[first]), int(levels[first]))
        for first, last in zip(firsts, lasts, strict=True)
    ]  # fmt: skip
    apart = all(before.offset + before.length <= after.offset for before, after in pairwise(runs))
    return runs if apart else []


def _all_tiles(slide: Slide) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Begin, end and level of every stored tile that lies inside the file."""
    size = np.uint64(slide.sources[0].size)
    offsets: list[npt.NDArray[np.int64]] = [np.zeros(0, np.int64)]
    ends, levels = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for number, level in enumerate(slide.levels):
        if level.pieces is None or level.pieces.fragments:
            continue
        places, lengths = level.pieces.offsets, level.pieces.lengths
        stored = np.flatnonzero((lengths > 0) & (places <= size) & (lengths <= size - np.minimum(places, size)))
        begin = level.pieces.offsets[stored].astype(np.int64)
        offsets.append(begin)
        ends.append(begin + level.pieces.lengths[stored].astype(np.int64))
        levels.append(np.full(len(stored), number, np.int64))
    return np.concatenate(offsets), np.concatenate(ends), np.concatenate(levels)


def _parts(run: Piece) -> Sequence[Piece]:
    step = -(-run.length // QUARTERS)
    return [Piece(run.offset + at, min(step, run.length - at), run.level) for at in range(0, run.length, step)]

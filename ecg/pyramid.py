"""Samples for screens: levels of lowest and highest values, laid out so that a stretch of any level is one short read.

One object holds all levels, the finest first. A level's bins cover `Level.samples` samples each: one number a bin on the
finest level, the lowest and the highest on the others. Bins lie in chunks of `CHUNK`, and within a chunk lead after
lead, so that a stretch of time with all its leads is contiguous. Numbers are little-endian int16 of one microvolt
(what is beyond 32.767 mV is cut off there); `INVALID` stands for a gap. The layout follows from the number of leads
and samples alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Levels = tuple["Level", ...]
Numbers = npt.NDArray[np.int16]

FACTOR: Final = 8
"""Bins of a level that one bin of the next covers."""
CHUNK: Final = 4096
COARSEST: Final = 4096
"""A level with at most so many bins is the last: a screen shows it whole."""
INVALID: Final = -32768
HIGHEST: Final = 32767


@dataclass(frozen=True, slots=True)
class Level:
    """`samples` a bin, `count` bins, `offset` of the level's first byte in the object, `values` a bin (1 or 2)."""

    samples: int
    count: int
    offset: int
    values: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes to read for some bins of a level: `offset` and `length` in the object; `first` is the first bin in them."""

    offset: int
    length: int
    first: int


def levels(leads: int, samples: int) -> Levels:
    """The levels of a recording, finest first. Raises ValueError for a recording without samples."""
    if leads < 1 or samples < 1:
        raise ValueError(f"{leads} leads of {samples} samples make no pyramid")
    found = [Level(1, samples, 0, 1)]
    while (last := found[-1]).count > COARSEST:
        offset = last.offset + 2 * leads * last.count * last.values
        found.append(Level(last.samples * FACTOR, -(-last.count // FACTOR), offset, 2))
    return tuple(found)


def pieces(samples: npt.NDArray[np.float32]) -> Iterator[bytes]:
    """The object of a recording, piece by piece; `samples` in microvolts, shape (leads, n), NaN where there is none."""
    count = samples.shape[1]
    chain = levels(samples.shape[0], count)
    block = CHUNK * FACTOR
    narrowed = []
    for begin in range(0, count, block):
        numbers = _numbers(samples[:, begin : begin + block])
        yield from _chunks(numbers[:, :, None])
        narrowed.append(_narrow(numbers[:, :, None]))
    for _ in chain[1:]:
        bins = np.concatenate(narrowed, axis=1)
        yield from _chunks(bins)
        narrowed = [_narrow(bins)]


def stretch(chain: Levels, leads: int, level: int, first: int, count: int) -> Stretch:
    """Return the stretch of bytes that holds bins `first` to `first + count` of a level. Raises ValueError for what is not there."""
    if not 0 <= level < len(chain):
        raise ValueError(f"no level {level}: there are {len(chain)}")
    wanted = chain[level]
    if not (0 <= first < wanted.count and count >= 1):
        raise ValueError(f"bins {first} to {first + count} of level {level}, which has {wanted.count}")
    size = 2 * leads * wanted.values
    begin = first // CHUNK * CHUNK
    end = min(-(-min(first + count, wanted.count) // CHUNK) * CHUNK, wanted.count)
    return Stretch(wanted.offset + begin * size, (end - begin) * size, begin)


def cut(content: bytes, place: Stretch, values: int, leads: int, first: int, count: int) -> Numbers:
    """Bins `first` to `first + count` out of the bytes of a `Stretch`, shape (leads, bins, values)."""
    whole = np.frombuffer(content, "<i2")
    bins = whole.size // (leads * values)
    parts = []
    for begin in range(0, bins, CHUNK):
        size = min(CHUNK, bins - begin)
        here = whole[begin * leads * values : (begin + size) * leads * values].reshape(leads, size, values)
        low, high = max(first - place.first - begin, 0), min(first + count - place.first - begin, size)
        if low < high:
            parts.append(here[:, low:high])
    return np.concatenate(parts, axis=1) if parts else np.zeros((leads, 0, values), np.int16)


def _numbers(samples: npt.NDArray[np.float32]) -> Numbers:
    rounded = np.clip(np.rint(np.nan_to_num(samples, nan=0.0)), -HIGHEST, HIGHEST).astype(np.int16)
    rounded[np.isnan(samples)] = INVALID
    return rounded


def _chunks(bins: Numbers) -> Iterator[bytes]:
    for begin in range(0, bins.shape[1], CHUNK):
        yield np.ascontiguousarray(bins[:, begin : begin + CHUNK]).astype("<i2", copy=False).tobytes()


def _narrow(bins: Numbers) -> Numbers:
    """Lowest and highest of every FACTOR bins, shape (leads, bins / FACTOR, 2); a gap only where all are gaps."""
    low, high = bins[:, :, 0], bins[:, :, -1]
    rest = -low.shape[1] % FACTOR
    low = np.where(low == INVALID, HIGHEST, low)
    low = np.pad(low, ((0, 0), (0, rest)), constant_values=HIGHEST).reshape(len(low), -1, FACTOR).min(axis=2)
    high = np.pad(high, ((0, 0), (0, rest)), constant_values=INVALID).reshape(len(high), -1, FACTOR).max(axis=2)
    return np.stack((np.where(high == INVALID, INVALID, low), high), axis=2).astype(np.int16)

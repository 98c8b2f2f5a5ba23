"""Signal files of a WFDB record: signal(5) of the WFDB Applications Guide, unpacked in blocks of frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ecg.formats.timeline import Samples, empty
from ecg.formats.wfdb_header import NAME, Header, Signal
from ecg.recording import UnreadableECG

Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int32]


def _twos(bits: int, numbers: Numbers) -> Numbers:
    """Numbers of `bits` bits as signed ones."""
    return numbers - ((numbers & (1 << (bits - 1))) << 1)


def _words(code: str) -> Callable[[Bytes], Numbers]:
    return lambda raw: raw.view(code).astype(np.int32)


def _unpack_80(raw: Bytes) -> Numbers:
    return raw.astype(np.int32) - 128


def _unpack_160(raw: Bytes) -> Numbers:
    return raw.view("<u2").astype(np.int32) - 32768


def _unpack_24(raw: Bytes) -> Numbers:
    parts = raw.reshape(-1, 3).astype(np.int32)
    return _twos(24, parts[:, 0] | parts[:, 1] << 8 | parts[:, 2] << 16)


def _unpack_212(raw: Bytes) -> Numbers:
    """Two 12-bit numbers in three bytes, the middle byte shared."""
    parts = raw.reshape(-1, 3).astype(np.int32)
    pair = np.stack((parts[:, 0] | (parts[:, 1] & 15) << 8, parts[:, 2] | (parts[:, 1] >> 4) << 8), axis=1)
    return _twos(12, pair.reshape(-1))


def _unpack_310(raw: Bytes) -> Numbers:
    """Three 10-bit numbers in two words of 16 bits: bits 1-10 of each, the third from the bits left over."""
    words = raw.view("<u2").reshape(-1, 2).astype(np.int32)
    third = words[:, 0] >> 11 | (words[:, 1] >> 11) << 5
    return _twos(10, np.stack((words[:, 0] >> 1 & 1023, words[:, 1] >> 1 & 1023, third), axis=1).reshape(-1))


def _unpack_311(raw: Bytes) -> Numbers:
    """Three 10-bit numbers in 32 bits, lowest first."""
    word = raw.view("<u4").astype(np.int64)
    triple = np.stack((word & 1023, word >> 10 & 1023, word >> 20 & 1023), axis=1).astype(np.int32)
    return _twos(10, triple.reshape(-1))


@dataclass(frozen=True, slots=True)
class _Packing:
    """A storage format: `samples` numbers lie in `bytes` bytes, `invalid` marks a sample that is none."""

    samples: int
    bytes: int
    unpack: Callable[[Bytes], Numbers]
    invalid: int


PACKINGS: Final = {
    16: _Packing(1, 2, _words("<i2"), -(1 << 15)),
    24: _Packing(1, 3, _unpack_24, -(1 << 23)),
    32: _Packing(1, 4, _words("<i4"), -(1 << 31)),
    61: _Packing(1, 2, _words(">i2"), -(1 << 15)),
    80: _Packing(1, 1, _unpack_80, -(1 << 7)),
    160: _Packing(1, 2, _unpack_160, -(1 << 15)),
    212: _Packing(2, 3, _unpack_212, -(1 << 11)),
    310: _Packing(3, 4, _unpack_310, -(1 << 9)),
    311: _Packing(3, 4, _unpack_311, -(1 << 9)),
}
"""The formats of signal(5) but 8 (differences) and the FLAC ones, which no ECG recorder writes."""

_BLOCK_NUMBERS: Final = 1 << 20


def scaled(content: bytes, name: str, group: list[Signal], wanted: list[Signal], header: Header) -> Samples:
    """Microvolts of the `wanted` signals, shape (wanted, n); `group` are all signals that share the file `name`."""
    packing = _packing(name, group)
    per_frame = sum(signal.per_frame for signal in group)
    available = max(len(content) - group[0].offset, 0) // packing.bytes * packing.samples
    if packing.samples > 1:  # the last group may be cut after its first numbers
        available += _partial(packing, max(len(content) - group[0].offset, 0) % packing.bytes)
    frames = header.length or available // per_frame
    if available < frames * per_frame:
        raise UnreadableECG(NAME, len(content), f"{name} is cut short: {frames} frames are promised, {available // per_frame} are there")
    dense = wanted[0].per_frame
    samples = empty(NAME, 0, len(wanted), frames * dense, header.rate * dense)
    begins = np.cumsum([0, *(signal.per_frame for signal in group)])
    step = max(_BLOCK_NUMBERS // per_frame, 1)
    step -= step % packing.samples or 0  # blocks end where a group of packed numbers ends
    for first in range(0, frames, max(step, packing.samples)):
        count = min(max(step, packing.samples), frames - first)
        table = _numbers(content, group[0].offset, packing, first * per_frame, count * per_frame).reshape(count, per_frame)
        for row, signal in enumerate(wanted):
            begin = begins[group.index(signal)]
            _fill(samples[row, first * dense : (first + count) * dense], table[:, begin : begin + dense], signal, packing)
    for row, signal in enumerate(wanted):
        _unskew(samples[row], signal.skew * dense)
    return samples


def _packing(name: str, group: list[Signal]) -> _Packing:
    formats = {signal.format for signal in group}
    packing = PACKINGS.get(group[0].format)
    if len(formats) != 1 or packing is None or len({signal.offset for signal in group}) != 1:
        raise UnreadableECG(NAME, 0, f"{name} is in format {sorted(formats)}; one of {sorted(PACKINGS)} can be read")
    return packing


def _partial(packing: _Packing, left: int) -> int:
    """Whole numbers in a last group of `left` bytes: 12-bit pairs give one from two bytes, words one a word."""
    if packing.bytes == 3:
        return 1 if left >= 2 else 0
    return 1 if packing.unpack is _unpack_310 and left >= 2 else 0


def _numbers(content: bytes, offset: int, packing: _Packing, first: int, count: int) -> Numbers:
    """`count` stored numbers from number `first` on, which begins a packed group."""
    begin = offset + first // packing.samples * packing.bytes
    size = -(-count // packing.samples) * packing.bytes
    raw = content[begin : begin + size]
    return packing.unpack(np.frombuffer(raw.ljust(size, b"\0"), np.uint8))[:count]


def _fill(part: Samples, stored: Numbers, signal: Signal, packing: _Packing) -> None:
    numbers = stored.reshape(-1)
    part[:] = (numbers.astype(np.float64) - signal.baseline) * (signal.microvolts or 1.0)
    part[numbers == packing.invalid] = np.nan


def _unskew(row: Samples, skew: int) -> None:
    """Move a signal that was stored late by `skew` samples to its time."""
    if skew and skew < row.size:
        row[:-skew] = row[skew:].copy()
        row[-skew:] = np.nan

"""Huffman coding of SCP-ECG samples (EN 1064, 5.5 and annex C): the default table, tables from the file, decoding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ecg.formats.cursor import Cursor
from ecg.recording import UnreadableECG

DEFAULT_TABLE_MARK: Final = 19999
"""Number of tables that stands for "the default table"."""

MAX_TABLES: Final = 64
MAX_CODES: Final = 4096
WINDOW: Final = 16
"""Longest prefix that is looked up, in bits; the default table's longest is 10."""


@dataclass(frozen=True, slots=True)
class Code:
    """One code structure: a prefix of `prefix` bits, then `total - prefix` bits of a number unless `switches`.

    `base_code` holds the prefix with its first bit lowest, as the standard stores it.
    """

    prefix: int
    total: int
    switches: bool
    value: int
    base_code: int


def _default_table() -> tuple[Code, ...]:
    """Annex C: 0; ±1 to ±8 by ever longer prefixes; then 8-bit and 16-bit originals."""
    codes = [Code(1, 1, False, 0, 0)]
    for size in range(1, 9):
        bits, ones = size + 2, (1 << size) - 1
        codes += [Code(bits, bits, False, size, ones), Code(bits, bits, False, -size, ones | 1 << (size + 1))]
    return (*codes, Code(10, 18, False, 0, 0b0111111111), Code(10, 26, False, 0, 0b1111111111))


DEFAULT_TABLE: Final = _default_table()
Lookup = list[tuple[int, int, int, bool] | None]


def read_tables(at: Cursor) -> tuple[tuple[Code, ...], ...]:
    """Tables of section 2, `at` standing behind the section's header."""
    count = at.number("<H", "the number of Huffman tables")
    if count == DEFAULT_TABLE_MARK:
        return (DEFAULT_TABLE,)
    if not 1 <= count <= MAX_TABLES:
        raise UnreadableECG(at.format, at.at - 2, f"{count} Huffman tables; 1 to {MAX_TABLES} can be read")
    tables = []
    for _ in range(count):
        size = at.number("<H", "the size of a Huffman table")
        if not 1 <= size <= MAX_CODES:
            raise UnreadableECG(at.format, at.at - 2, f"a Huffman table of {size} codes")
        tables.append(tuple(_read_code(at) for _ in range(size)))
    return tuple(tables)


def _read_code(at: Cursor) -> Code:
    prefix, total, mode, value, base = at.unpack("<BBBhI", "a Huffman code")
    if not 1 <= prefix <= WINDOW or not prefix <= total <= prefix + 16:
        raise UnreadableECG(at.format, at.at - 9, f"a Huffman code of {prefix} of {total} bits")
    return Code(prefix, total, mode == 0, value, base)


def lookup(table: Sequence[Code]) -> Lookup:
    """The table indexed by the next WINDOW bits: (bits of the prefix, bits of the number, value, switches)."""
    found: Lookup = [None] * (1 << WINDOW)
    for code in table:
        prefix = int(f"{code.base_code & ((1 << code.prefix) - 1):0{code.prefix}b}"[::-1], 2)
        begin = prefix << (WINDOW - code.prefix)
        entry = (code.prefix, code.total - code.prefix, code.value, code.switches)
        found[begin : begin + (1 << (WINDOW - code.prefix))] = [entry] * (1 << (WINDOW - code.prefix))
    return found


def decode(name: str, data: bytes, lookups: Sequence[Lookup], most: int, offset: int) -> npt.NDArray[np.int64]:
    """At most `most` numbers coded in `data`, which begins at byte `offset` of the file; decoding starts with table 1.

    Bits left over at the end that form no whole code are padding.
    """
    numbers: list[int] = []
    table = lookups[0]
    held = bits = at = 0
    size, mask = len(data), (1 << WINDOW) - 1
    while len(numbers) < most:
        while bits < WINDOW + 16 and at < size:
            held, bits, at = (held << 8) | data[at], bits + 8, at + 1
        window = (held >> (bits - WINDOW)) if bits >= WINDOW else (held << (WINDOW - bits))
        entry = table[window & mask]
        if entry is None:
            if bits < WINDOW:
                break
            raise UnreadableECG(name, offset + at - (bits + 7) // 8, "bits that are no code of the Huffman table")
        prefix, more, value, switches = entry
        if prefix + more > bits:
            break
        bits -= prefix + more
        if switches:
            if not 1 <= value <= len(lookups):
                raise UnreadableECG(name, offset + at, f"a switch to Huffman table {value} of {len(lookups)}")
            table = lookups[value - 1]
        elif more:
            number = (held >> bits) & ((1 << more) - 1)
            numbers.append(number - (1 << more) if number >> (more - 1) else number)
        else:
            numbers.append(value)
        held &= (1 << bits) - 1
    return np.array(numbers, dtype=np.int64)

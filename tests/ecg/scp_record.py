"""An SCP-ECG record written for tests: raw, difference coded, Huffman coded, with a reference beat, decimated."""

from __future__ import annotations

import binascii
import struct
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

DEFAULT_TABLE = struct.pack("<H", 19999)


def section(number: int, content: bytes) -> bytes:
    """A section with its header; lengths are even."""
    content += b"\0" * (len(content) % 2)
    body = struct.pack("<HIBB6x", number, len(content) + 16, 20, 20) + content
    return struct.pack("<H", binascii.crc_hqx(body, 0xFFFF)) + body


def record(sections: Mapping[int, bytes]) -> bytes:
    """The whole record: checksum, length, pointers, sections."""
    packed = {number: section(number, content) for number, content in sorted(sections.items())}
    pointers, at = b"", 6 + 16 + 120
    for number in range(12):
        size = 16 + 120 if number == 0 else len(packed.get(number, b""))
        pointers += struct.pack("<HII", number, size, 7 if number == 0 else (at + 1 if size else 0))
        at += size if number else 0
    rest = b"\0\0" + struct.pack("<HI", 0, 136) + b"\x14\x14SCPECG" + pointers + b"".join(packed.values())
    return sealed(bytearray(6) + rest)


def sealed(content: bytearray) -> bytes:
    """The record with its length and a checksum that fits."""
    struct.pack_into("<I", content, 2, len(content))
    struct.pack_into("<H", content, 0, binascii.crc_hqx(bytes(content[2:]), 0xFFFF))
    return bytes(content)


def huffman(numbers: Sequence[int]) -> bytes:
    """Numbers in the default table's code, padded to a byte with ones."""
    text = "".join(_code(number) for number in numbers)
    text += "1" * (-len(text) % 8)
    return int(text or "0", 2).to_bytes(len(text) // 8, "big")


def _code(number: int) -> str:
    """n ones, a zero, then the sign: 1 is 100, -1 is 101, 2 is 1100. Larger ones stand behind a mark as they are."""
    if number == 0:
        return "0"
    if abs(number) <= 8:
        return "1" * abs(number) + "0" + ("0" if number > 0 else "1")
    if -128 <= number <= 127:
        return "1111111110" + f"{number & 0xFF:08b}"
    return "1111111111" + f"{number & 0xFFFF:016b}"


def differences(numbers: Sequence[int], order: int) -> list[int]:
    """First or second differences, the first numbers as they are."""
    values = np.asarray(numbers)
    return [*values[:order].tolist(), *np.diff(values, order).tolist()]


def leads_section(lengths: Sequence[int], numbers: Sequence[int], flags: int = 4) -> bytes:
    """Section 3."""
    rows = b"".join(struct.pack("<IIB", 1, length, lead) for length, lead in zip(lengths, numbers, strict=True))
    return struct.pack("<BB", len(lengths), flags | len(lengths) << 3) + rows


def data_section(rows: Sequence[bytes], *, interval: int = 2000, coding: int = 0, bimodal: int = 0) -> bytes:
    """Section 5 or 6, a microvolt a unit."""
    head = struct.pack("<HHBB", 1000, interval, coding, bimodal)
    return head + b"".join(struct.pack("<H", len(row) & 0xFFFF) for row in rows) + b"".join(rows)


def raw(numbers: npt.ArrayLike) -> bytes:
    """Numbers of 16 bits."""
    return np.asarray(numbers).astype("<i2").tobytes()


def patient_section(fields: Mapping[int, bytes]) -> bytes:
    """Section 1 from its tags."""
    return b"".join(struct.pack("<BH", tag, len(value)) + value for tag, value in fields.items()) + b"\xff\0\0"

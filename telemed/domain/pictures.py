"""How many pixels a picture claims to have, by its first bytes. Nothing is decoded: a browser will, and reserves what is claimed."""

from __future__ import annotations

import struct
from typing import Final

MAX_PIXELS: Final = 100_000_000
"""Pixels of a picture among the documents: 400 MB in a browser; a page scanned at 600 dots per inch has 35 million (practice)."""

PICTURE_HEAD: Final = 4 << 20
"""Bytes in which the size must stand: profiles and previews come before it in a JPEG file."""

_FRAMES: Final = frozenset({*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)})
"""Markers of a frame header (ITU-T T.81 table B.1)."""
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_SCAN, _END = 0xDA, 0xD9


def pixels_of(head: bytes) -> int | None:
    """Pixels of a PNG or JPEG file, None where its first bytes do not say: the largest of all frame headers in front of the scan."""
    try:
        if head.startswith(b"\x89PNG\r\n\x1a\n"):
            width, height = struct.unpack_from(">II", head, 16)
            return int(width * height) if head[12:16] == b"IHDR" else None
        return _jpeg(head) if head.startswith(b"\xff\xd8") else None
    except (struct.error, IndexError):
        return None


def _jpeg(head: bytes) -> int | None:
    position, found = 2, None
    while True:
        position = head.find(b"\xff", position)
        if position < 0:
            return None
        while head[position] == 0xFF:
            position += 1
        marker, position = head[position], position + 1
        if marker in (_SCAN, _END):
            return found
        if marker in _ALONE or not marker:
            continue
        if marker in _FRAMES:
            _, height, width = struct.unpack_from(">BHH", head, position + 2)
            found = max(found or 0, height * width)
        position += max(2, int(struct.unpack_from(">H", head, position)[0]))

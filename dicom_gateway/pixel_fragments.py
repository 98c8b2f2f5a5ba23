"""Where encapsulated pixel data lie in a stored object: the fragments behind the offset table, and what follows all of them (PS3.5 A.4)."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from dicom_gateway.frames import MAX_FRAMES
from storage.protocol import ObjectStore

_ITEM: Final = 0xFFFEE000
_WINDOW: Final = 64 << 10
"""Bytes that are read at once: many small fragments have their heads close together."""
_PIECE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Fragments:
    """Offset and length of the content of each fragment; `behind` is the position behind the pixel data."""

    places: tuple[tuple[int, int], ...]
    behind: int

    @property
    def size(self) -> int:
        """Bytes of all fragments."""
        return sum(length for _, length in self.places)

    def within(self, start: int, end: int) -> list[tuple[int, int]]:
        """Offset in the object and length of what of the fragments is bytes `start` to `end` of all of them in a row."""
        found, here = [], 0
        for offset, length in self.places:
            first, last = max(start - here, 0), min(end - here, length)
            if first < last:
                found.append((offset + first, last - first))
            here += length
        return found


async def fragments_at(store: ObjectStore, key: str, position: int, size: int) -> Fragments | None:
    """The fragments whose items begin at `position` of an object of `size` bytes; None where they are damaged."""
    places: list[tuple[int, int]] = []
    window, begins = b"", position
    while position + 8 <= size and len(places) <= MAX_FRAMES:
        if not begins <= position <= begins + len(window) - 8:
            begins, window = position, await store.read(key, offset=position, length=min(_WINDOW, size - position))
        group, element, length = struct.unpack_from("<HHI", window, position - begins)
        position += 8
        if group << 16 | element != _ITEM:
            break
        if position + length > size:
            return None
        places.append((position, length))
        position += length
    return Fragments(tuple(places[1:]), position) if len(places) > 1 else None


async def joined(store: ObjectStore, key: str, fragments: Fragments, start: int, end: int) -> AsyncIterator[bytes]:
    """Bytes `start` to `end` of the fragments in a row, in pieces."""
    for offset, length in fragments.within(start, end):
        for begin in range(offset, offset + length, _PIECE):
            yield await store.read(key, offset=begin, length=min(_PIECE, offset + length - begin))

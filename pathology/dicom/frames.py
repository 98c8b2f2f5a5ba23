"""Where each frame lies in its object (PS3.5 annex A.4). Offset tables are believed only where an item begins there."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from pathology.dicom.instance import NAME, Instance
from pathology.errors import Refusal, UnreadableSlide
from pathology.limits import MAX_TILES
from pathology.slide import Pieces, Place
from pathology.source import ByteSource

_ITEM: Final = 0xFFFEE000
_DELIMITER: Final = 0xFFFEE0DD
_HEAD: Final = struct.Struct("<HHI")
_WINDOW: Final = 1 << 18
_CODE_STREAM_STARTS: Final = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51")


@dataclass(slots=True)
class _Heads:
    """Heads of items, read in windows so that small frames cost few reads and large ones few bytes."""

    source: ByteSource
    start: int = 0
    window: bytes = b""

    def at(self, offset: int) -> tuple[int, int] | None:
        """Tag and length at `offset`, or None where the file ends before."""
        if offset + 8 > self.source.size:
            return None
        if not self.start <= offset <= self.start + len(self.window) - 8:
            near = self.window and offset - self.start < 2 * _WINDOW
            self.start, self.window = offset, self.source.read_at(offset, min(_WINDOW if near else 8, self.source.size - offset))
        group, element, length = _HEAD.unpack_from(self.window, offset - self.start)
        return group << 16 | element, length


def frame_places(instance: Instance, file: int, frames: int, frame_bytes: int) -> Pieces:
    """Return where the frames of an object lie, in the order of the object. `frame_bytes` is the size of a native frame.

    Raises UnreadableSlide where the pixel data is absent, cut off or does not hold as many frames.
    """
    if not instance.pixel_offset:
        raise UnreadableSlide(Refusal.NO_PICTURE, NAME, 0, "an object without pixel data")
    if frames > MAX_TILES:
        raise UnreadableSlide(Refusal.TOO_LARGE, NAME, 0, f"{frames} frames, at most {MAX_TILES} are read")
    if instance.pixel_length is not None:
        return _native(instance, file, frames, frame_bytes)
    fragments, table = _fragments(instance.source, instance.pixel_offset)
    firsts = _first_fragments(instance, fragments, table, frames)
    offsets = np.array([fragments[at][0] for at in firsts], np.uint64)
    ends = [*firsts[1:], len(fragments)]
    lengths = np.array([sum(length for _, length in fragments[at:end]) for at, end in zip(firsts, ends, strict=True)], np.uint64)
    several = {
        number: tuple(Place(file, offset, length) for offset, length in fragments[at:end])
        for number, (at, end) in enumerate(zip(firsts, ends, strict=True))
        if end - at > 1
    }
    return Pieces(offsets, lengths, file, fragments=several)


def _native(instance: Instance, file: int, frames: int, frame_bytes: int) -> Pieces:
    available = min(instance.pixel_length or 0, instance.source.size - instance.pixel_offset)
    if frames * frame_bytes > available:
        found = f"{frames} frames of {frame_bytes} bytes are declared, {available} bytes are there"
        refusal = Refusal.CUT_OFF if frames * frame_bytes <= (instance.pixel_length or 0) else Refusal.CONTRADICTION
        raise UnreadableSlide(refusal, NAME, instance.pixel_offset + available, found)
    offsets = np.uint64(instance.pixel_offset) + np.arange(frames, dtype=np.uint64) * np.uint64(frame_bytes)
    return Pieces(offsets, np.full(frames, frame_bytes, np.uint64), file)


def _fragments(source: ByteSource, start: int) -> tuple[list[tuple[int, int]], tuple[int, ...]]:
    """Offset and length of every fragment's value, and the basic offset table."""
    heads, found, at = _Heads(source), [], start
    table: tuple[int, ...] | None = None
    while (head := heads.at(at)) is not None:
        tag, length = head
        if tag == _DELIMITER:
            break
        if tag != _ITEM:
            raise UnreadableSlide(Refusal.DAMAGED, NAME, at, f"a fragment was expected, ({tag >> 16:04X},{tag & 0xFFFF:04X}) is there")
        if at + 8 + length > source.size:
            found_here = f"a fragment of {length} bytes passes the end of the file at byte {source.size}"
            raise UnreadableSlide(Refusal.CUT_OFF, NAME, at, found_here)
        if table is None:
            table = _table(source.read_at(at + 8, min(length, 4 * MAX_TILES)), "I")
        else:
            found.append((at + 8, length))
        if len(found) > MAX_TILES:
            raise UnreadableSlide(Refusal.TOO_LARGE, NAME, at, f"more than {MAX_TILES} fragments")
        at += 8 + length
    return found, table or ()


def _table(raw: bytes, kind: str) -> tuple[int, ...]:
    count = len(raw) // struct.calcsize("<" + kind)
    return struct.unpack_from(f"<{count}{kind}", raw)


def _first_fragments(instance: Instance, fragments: list[tuple[int, int]], table: tuple[int, ...], frames: int) -> list[int]:
    """Index of each frame's first fragment: one a frame, by an offset table that fits, or where code streams begin."""
    if len(fragments) == frames:
        return list(range(frames))
    if len(fragments) < frames:
        found = f"{frames} frames are declared, {len(fragments)} fragments are there"
        raise UnreadableSlide(Refusal.CONTRADICTION, NAME, instance.pixel_offset, found)
    extended = _table(bytes(instance.dataset.get("ExtendedOffsetTable") or b""), "Q")
    by_offset = {offset - 8: number for number, (offset, _) in enumerate(fragments)}
    first = fragments[0][0] - 8
    for offsets in (extended, table):
        firsts = [by_offset.get(first + offset, -1) for offset in offsets] if len(offsets) == frames else []
        if firsts and firsts[0] == 0 and all(before < after for before, after in pairwise(firsts)):
            return firsts
    firsts = [
        number
        for number, (offset, length) in enumerate(fragments)
        if length >= 4 and instance.source.read_at(offset, 4).startswith(_CODE_STREAM_STARTS)
    ]
    if len(firsts) == frames and firsts[0] == 0:
        return firsts
    found = f"{frames} frames are declared in {len(fragments)} fragments, and nothing says which belong together"
    raise UnreadableSlide(Refusal.CONTRADICTION, NAME, instance.pixel_offset, found)

"""The offsets of frames inside an object, so that one frame never costs the whole object (PS3.5 annex A.4)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import accumulate, pairwise

from dicom_gateway.errors import UnreadableDICOM
from dicom_gateway.transfer_syntax import TransferSyntax

_HEAD = struct.Struct("<cQQI")
_NATIVE, _ENCAPSULATED = b"N", b"E"
_ITEM, _DELIMITER = 0xFFFEE000, 0xFFFEE0DD
MAX_FRAMES = 1_000_000
_END_OF_IMAGE = b"\xff\xd9"  # the same marker closes JPEG, JPEG-LS and JPEG 2000 code streams


@dataclass(frozen=True, slots=True)
class FramePlace:
    """Bytes `offset` to `offset + length`; a native frame may begin `skip_bits` into them."""

    offset: int
    length: int
    skip_bits: int = 0


@dataclass(frozen=True, slots=True)
class NativeFrames:
    """Frames of equal size, one after the other: `start` in bytes, `frame_bits` in bits."""

    start: int
    frame_bits: int
    count: int

    def place(self, frame: int) -> FramePlace:
        """Place of `frame`, counted from 0. Raises `IndexError` where there is none."""
        _check(frame, self.count)
        first = frame * self.frame_bits
        last = first + self.frame_bits
        return FramePlace(self.start + first // 8, (last + 7) // 8 - first // 8, first % 8)

    def place_in_words(self, frame: int) -> FramePlace:
        """The same in whole words of 16 bits, in which big-endian bytes lie swapped (PS3.5 7.3); `skip_bits` counts the byte in front."""
        place = self.place(frame)
        before = (place.offset - self.start) % 2
        length = before + place.length
        return FramePlace(place.offset - before, length + length % 2, place.skip_bits + 8 * before)

    def pack(self) -> bytes:
        """Compact form for the database."""
        return _HEAD.pack(_NATIVE, self.start, self.frame_bits, self.count)


@dataclass(frozen=True, slots=True)
class EncapsulatedFrames:
    """Frames as runs of pixel data items: `boundaries[i]` to `boundaries[i + 1]` holds the items of frame `i`,
    their 8-byte headers included."""

    boundaries: tuple[int, ...]

    @property
    def count(self) -> int:
        """Number of frames."""
        return len(self.boundaries) - 1

    def place(self, frame: int) -> FramePlace:
        """Place of the items of `frame`, counted from 0. Raises `IndexError` where there is none."""
        _check(frame, self.count)
        return FramePlace(self.boundaries[frame], self.boundaries[frame + 1] - self.boundaries[frame])

    def pack(self) -> bytes:
        """Compact form for the database: the first boundary, then one length a frame."""
        lengths = [after - before for before, after in pairwise(self.boundaries)]
        width = "I" if max(lengths) < 2**32 else "Q"
        head = _HEAD.pack(_ENCAPSULATED, self.boundaries[0], 4 if width == "I" else 8, len(lengths))
        return head + struct.pack(f"<{len(lengths)}{width}", *lengths)


FrameIndex = NativeFrames | EncapsulatedFrames


def place_of(index: FrameIndex, frame: int, syntax: TransferSyntax) -> FramePlace:
    """The bytes out of which `frame`, counted from 0, can be decoded. Raises `IndexError` where there is none."""
    return index.place_in_words(frame) if syntax.big_endian and isinstance(index, NativeFrames) else index.place(frame)


def unpack(packed: bytes) -> FrameIndex:
    """The index that `pack` made."""
    kind, start, detail, count = _HEAD.unpack_from(packed)
    if kind == _NATIVE:
        return NativeFrames(start, detail, count)
    lengths = struct.unpack_from(f"<{count}{'I' if detail == 4 else 'Q'}", packed, _HEAD.size)
    return EncapsulatedFrames(tuple(accumulate(lengths, initial=start)))


def join_fragments(items: bytes) -> bytes:
    """The encoded frame out of its pixel data items. Raises `UnreadableDICOM` if they do not fit together."""
    fragments, position = [], 0
    while position + 8 <= len(items):
        group, element, length = struct.unpack_from("<HHI", items, position)
        if group << 16 | element != _ITEM or position + 8 + length > len(items):
            raise UnreadableDICOM(position, "the fragments of this frame are damaged")
        fragments.append(items[position + 8 : position + 8 + length])
        position += 8 + length
    return fragments[0] if len(fragments) == 1 else b"".join(fragments)


def locate_native(start: int, length: int, frame_bits: int, frames: int) -> NativeFrames | None:
    """Index of native pixel data of `length` bytes; only frames that are wholly there are counted."""
    if frame_bits <= 0:
        return None
    whole = min(frames, length * 8 // frame_bits, MAX_FRAMES)
    return NativeFrames(start, frame_bits, whole) if whole else None


def locate_encapsulated(data: memoryview, start: int, frames: int, extended_offsets: bytes = b"") -> tuple[EncapsulatedFrames | None, int]:
    """Walk the items that begin at `start` and tell the frames apart.

    By the extended offset table, the basic offset table, one fragment a frame, or end-of-image markers: the first
    that fits. Returns the index (None where nothing fits) and the position behind the pixel data.
    Raises `UnreadableDICOM` where an item is damaged or cut off.
    """
    items, end = _items(data, start)
    if len(items) < 2:
        return None, end
    table_at, fragments = items[0], items[1:]
    table_length = struct.unpack_from("<I", data, table_at + 4)[0]
    table = struct.unpack_from(f"<{table_length // 4}I", data, table_at + 8)
    extended = struct.unpack_from(f"<{len(extended_offsets) // 8}Q", extended_offsets)
    last = _end_of_items(data, fragments[-1])
    for offsets in (extended, table):
        bounds = _by_offsets(offsets, fragments, last, frames)
        if bounds:
            return EncapsulatedFrames(bounds), end
    bounds = _by_counting(data, fragments, last, frames)
    return (EncapsulatedFrames(bounds) if bounds else None), end


def _items(data: memoryview, start: int) -> tuple[list[int], int]:
    """Positions of all items from `start`, and the position behind the sequence delimiter (or the end of the data)."""
    positions: list[int] = []
    position = start
    while position + 8 <= len(data):
        group, element, length = struct.unpack_from("<HHI", data, position)
        tag = group << 16 | element
        if tag == _DELIMITER:
            return positions, position + 8
        if tag != _ITEM:
            raise UnreadableDICOM(position, f"a pixel data fragment was expected, ({group:04X},{element:04X}) is there")
        if position + 8 + length > len(data):
            raise UnreadableDICOM(position, f"cut off: a pixel data fragment of {length} bytes passes the end")
        positions.append(position)
        if len(positions) > MAX_FRAMES:
            raise UnreadableDICOM(position, f"more than {MAX_FRAMES} pixel data fragments")
        position += 8 + length
    return positions, len(data)


def _end_of_items(data: memoryview, item: int) -> int:
    return item + 8 + int(struct.unpack_from("<I", data, item + 4)[0])


def _by_offsets(offsets: tuple[int, ...], fragments: list[int], last: int, frames: int) -> tuple[int, ...]:
    """Boundaries by an offset table, or nothing if the table contradicts the fragments (writers get it wrong)."""
    if len(offsets) != frames or offsets[0] != 0:
        return ()
    bounds = [fragments[0] + offset for offset in offsets]
    if sorted(set(bounds)) != bounds or not set(fragments).issuperset(bounds):
        return ()
    return (*bounds, last)


def _by_counting(data: memoryview, fragments: list[int], last: int, frames: int) -> tuple[int, ...]:
    """Boundaries without a table. Fragments in which nothing is belong to the frame in front of them."""
    filled = [item for item in fragments if _end_of_items(data, item) > item + 8]
    if len(fragments) == frames:
        return (*fragments, last)
    if not filled:
        return ()
    if frames in (1, len(filled)):
        return (*filled[:frames], last)
    starts = [filled[0]]
    for item, after in pairwise(filled):
        end = _end_of_items(data, item)
        tail = bytes(data[max(item + 8, end - 12) : end]).rstrip(b"\0")
        if tail.endswith(_END_OF_IMAGE):
            starts.append(after)
    return (*starts, last) if len(starts) == frames else ()


def _check(frame: int, count: int) -> None:
    if not 0 <= frame < count:
        raise IndexError(f"frame {frame + 1} of {count}")

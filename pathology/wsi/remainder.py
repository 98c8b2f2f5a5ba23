"""What a wrapped file has besides its frames, kept compressed, with the order in which frames and remainder make the file again.

Layout: the mark; the length of the head and the head (JSON, Deflate); the table (Deflate): per copied range the bytes of
remainder in front of it (u8), its frame in the whole slide (u4), what stands in front in the frame (u4) and behind it (u1), as
columns; then the remainder itself (Deflate).
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt

from pathology.errors import Refusal, UnreadableSlide
from pathology.limits import MAX_LEVELS, MAX_TILES
from pathology.source import ByteSource

NAME: Final = "remainder"
MARK: Final = b"WSI-REMAINDER-1\n"
_BLOCK: Final = 1 << 20
_MAX_HEAD: Final = 8 << 20
_COLUMNS: Final = (("gap", "<u8"), ("frame", "<u4"), ("prefix", "<u4"), ("padding", "u1"))
_MAX_TABLE: Final = MAX_TILES * 2 * sum(np.dtype(kind).itemsize for _, kind in _COLUMNS)


@dataclass(frozen=True, slots=True)
class Copied:
    """Ranges of the file that are frames, in the file's order without overlap; arrays of one length.

    `starts` and `lengths` in bytes of the file; `frames` counts all frames of all instances; `prefixes` is how many bytes were put
    behind a frame's first two.
    """

    starts: npt.NDArray[np.uint64]
    lengths: npt.NDArray[np.uint64]
    frames: npt.NDArray[np.uint32]
    prefixes: npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Head:
    """What is said of the file: its length and digest, and the instances (SOP Instance UID, number of frames) in order."""

    size: int
    sha256: str
    instances: tuple[tuple[str, int], ...]


def in_file_order(copied: Copied) -> Copied:
    """The same ranges sorted, without those that begin inside an earlier one (tiles that share their bytes)."""
    order = np.lexsort((copied.frames, copied.starts))
    starts, ends = copied.starts[order], (copied.starts + copied.lengths)[order]
    kept = np.zeros(len(order), bool)
    reached = 0
    for at, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        if start >= reached:
            kept[at], reached = True, end
    chosen = order[kept]
    return Copied(copied.starts[chosen], copied.lengths[chosen], copied.frames[chosen], copied.prefixes[chosen])


def write(path: Path, source: ByteSource, head: Head, copied: Copied) -> None:
    """Write the remainder of a file whose ranges `copied` (in the file's order) are frames."""
    said = json.dumps({"size": head.size, "sha256": head.sha256, "instances": head.instances}).encode()
    starts = copied.starts.astype(np.int64)
    ends = starts + copied.lengths.astype(np.int64)
    gaps = starts - np.concatenate([np.zeros(1, np.int64), ends[:-1]])[: len(starts)]
    columns = (gaps, copied.frames, copied.prefixes, copied.lengths % 2 ^ copied.prefixes % 2)
    table = b"".join(np.asarray(values).astype(kind).tobytes() for values, (_, kind) in zip(columns, _COLUMNS, strict=True))
    with path.open("xb") as out:
        out.write(MARK)
        for part in (said, table):
            packed = zlib.compress(part, 9)
            out.write(struct.pack("<Q", len(packed)))
            out.write(packed)
        packer = zlib.compressobj(6)
        for block in _literal(source, gaps.tolist(), ends.tolist()):
            out.write(packer.compress(block))
        out.write(packer.flush())


def _literal(source: ByteSource, gaps: Sequence[int], ends: Sequence[int]) -> Iterator[bytes]:
    """The bytes between the copied ranges, and those behind the last."""
    reached = 0
    for gap, end in zip(gaps, ends, strict=True):
        yield from _blocks(source, reached, gap)
        reached = end
    yield from _blocks(source, reached, source.size - reached)


def _blocks(source: ByteSource, start: int, length: int) -> Iterator[bytes]:
    for at in range(start, start + length, _BLOCK):
        yield source.read_at(at, min(_BLOCK, start + length - at))


class Remainder:
    """A remainder that is open for reading. Raises UnreadableSlide for one that is damaged."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        if file.read(len(MARK)) != MARK:
            raise _damaged(0, "the file does not begin as a remainder does")
        said = json.loads(self._section(_MAX_HEAD))
        self.head = Head(int(said["size"]), str(said["sha256"]), tuple((str(uid), int(frames)) for uid, frames in said["instances"]))
        if len(self.head.instances) > MAX_LEVELS * 64:
            raise _damaged(len(MARK), f"{len(self.head.instances)} instances")
        table = self._section(_MAX_TABLE)
        width = sum(np.dtype(kind).itemsize for _, kind in _COLUMNS)
        if len(table) % width:
            raise _damaged(file.tell(), "the table of ranges is cut off")
        self.ranges: dict[str, npt.NDArray[np.int64]] = {}
        count, at = len(table) // width, 0
        for name, kind in _COLUMNS:
            self.ranges[name] = np.frombuffer(table, kind, count, at).astype(np.int64)
            at += count * np.dtype(kind).itemsize
        self._unpacker = zlib.decompressobj()
        self._buffer = b""

    def literal(self, length: int) -> Iterator[bytes]:
        """The next `length` bytes of the remainder, in blocks."""
        while length:
            if not self._buffer:
                packed = self._unpacker.unconsumed_tail or self._file.read(_BLOCK)
                self._buffer = self._unpacker.decompress(packed, _BLOCK) if packed else self._unpacker.flush()
                if not self._buffer and (not packed or self._unpacker.eof):
                    raise _damaged(self._file.tell(), f"it ends {length} bytes too early")
            yield self._buffer[:length]
            taken = min(length, len(self._buffer))
            self._buffer, length = self._buffer[taken:], length - taken

    def _section(self, most: int) -> bytes:
        raw = self._file.read(8)
        length = struct.unpack("<Q", raw)[0] if len(raw) == 8 else most + 1
        if length > most:
            raise _damaged(self._file.tell(), "a section is cut off or too long")
        unpacker = zlib.decompressobj()
        content = unpacker.decompress(self._file.read(length), most)
        if not unpacker.eof:
            raise _damaged(self._file.tell(), "a section is cut off or too long")
        return content


def _damaged(offset: int, found: str) -> UnreadableSlide:
    return UnreadableSlide(Refusal.DAMAGED, NAME, offset, found, "Take the copy of a backup.")

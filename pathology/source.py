"""Random access to a file's bytes: whole, still arriving, or with places blanked."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from pathology.errors import NotArrived, Refusal, UnreadableSlide


class ByteSource(Protocol):
    """Bytes that can be read anywhere. `size` is the whole length in bytes, also of a file that is still arriving."""

    @property
    def size(self) -> int:
        """Length in bytes."""

    def read_at(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes. Raises UnreadableSlide (cut off) where they pass the end, NotArrived where they are to come."""

    def close(self) -> None:
        """Give back what is held open."""


def check_range(source: ByteSource, offset: int, length: int) -> None:
    """Raise UnreadableSlide if the range is not inside the file."""
    if offset < 0 or length < 0 or offset + length > source.size:
        found = f"{length} bytes are said to stand at byte {offset}, but the file ends at byte {source.size}"
        raise UnreadableSlide(Refusal.CUT_OFF, "slide", max(offset, 0), found)


class FileSource:
    """A file on disk, read by position: safe for several threads at once."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._file = self.path.open("rb", buffering=0)
        self._size = os.fstat(self._file.fileno()).st_size

    @property
    def size(self) -> int:
        """Length in bytes when it was opened."""
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes at `offset`."""
        check_range(self, offset, length)
        found = os.pread(self._file.fileno(), length, offset)
        while len(found) < length:
            more = os.pread(self._file.fileno(), length - len(found), offset + len(found))
            if not more:
                raise UnreadableSlide(Refusal.CUT_OFF, "slide", offset + len(found), "the file became shorter while it was read")
            found += more
        return found

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class BytesSource:
    """Bytes in memory."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    @property
    def size(self) -> int:
        """Length in bytes."""
        return len(self._content)

    def read_at(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes at `offset`."""
        check_range(self, offset, length)
        return self._content[offset : offset + length]

    def close(self) -> None:
        """Nothing is held open."""


class ArrivingSource:
    """A file of known length of which only some ranges are here yet; `arrived` is told of every new one."""

    def __init__(self, source: ByteSource, size: int) -> None:
        self._source, self._size = source, size
        self._starts: list[int] = []
        self._ends: list[int] = []

    @property
    def size(self) -> int:
        """Length of the whole file in bytes."""
        return self._size

    @property
    def here(self) -> int:
        """How many bytes have arrived."""
        return sum(self._ends) - sum(self._starts)

    def arrived(self, offset: int, length: int) -> None:
        """Count bytes `offset` to `offset + length` as here. The same range twice counts once."""
        start, end = max(0, offset), min(offset + length, self._size)
        if end <= start:
            return
        ranges = sorted([*zip(self._starts, self._ends, strict=True), (start, end)])
        joined = [ranges[0]]
        for begin, stop in ranges[1:]:
            if begin <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(joined[-1][1], stop))
            else:
                joined.append((begin, stop))
        self._starts, self._ends = [begin for begin, _ in joined], [stop for _, stop in joined]

    def has(self, offset: int, length: int) -> bool:
        """True if all of these bytes are here."""
        at = bisect_right(self._starts, offset) - 1
        return length == 0 or (at >= 0 and offset + length <= self._ends[at])

    def read_at(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes at `offset`. Raises NotArrived where one of them is to come."""
        check_range(self, offset, length)
        if not self.has(offset, length):
            raise NotArrived(offset, length)
        return self._source.read_at(offset, length)

    def close(self) -> None:
        """Close the source beneath."""
        self._source.close()


class BlankedSource:
    """Another source in which some places read as given bytes instead (see `pathology.identity`)."""

    def __init__(self, source: ByteSource, places: Iterable[tuple[int, int, int]]) -> None:
        """`places` are (offset, length, the byte that fills them), not overlapping."""
        self._source = source
        self._places: Sequence[tuple[int, int, int]] = sorted(places)
        self._offsets = [offset for offset, _, _ in self._places]

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self._source.size

    def read_at(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes at `offset`, with the blanked ones blank."""
        found = self._source.read_at(offset, length)
        first = max(0, bisect_right(self._offsets, offset) - 1)
        changed: bytearray | None = None
        for start, span, fill in self._places[first:]:
            if start >= offset + length:
                break
            begin, end = max(start, offset) - offset, min(start + span, offset + length) - offset
            if begin < end:
                changed = bytearray(found) if changed is None else changed
                changed[begin:end] = bytes([fill]) * (end - begin)
        return found if changed is None else bytes(changed)

    def close(self) -> None:
        """Close the source beneath."""
        self._source.close()

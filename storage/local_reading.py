"""Reading objects of a local folder: files, and records of packs. Everything here blocks and belongs in a thread."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from storage.packs import is_live, read_record, split_key


@dataclass(frozen=True, slots=True)
class Extent:
    """An open file and the part of it that is the object; `record` is where its record begins in a pack, None for a file."""

    file: int
    start: int
    size: int
    record: int | None = None

    def read(self, offset: int, amount: int) -> bytes:
        """Bytes of the object; fewer where the system gives fewer. Raises OSError, also for an object deleted meanwhile.

        A deleted record's content is zeros. It is marked before it is wiped, so what is read while the mark is not yet there is whole.
        """
        piece = os.pread(self.file, min(amount, self.size - offset), self.start + offset)
        if self.record is not None and not is_live(self.file, self.record):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return piece


def open_object(objects: Path, key: str, flags: int = os.O_RDONLY) -> Extent:
    """Open the object `key`: a file, or a record of a pack. Raises OSError."""
    packed = split_key(key)
    path = objects / (packed[0] if packed else key)
    file = os.open(path, flags | os.O_CLOEXEC)
    try:
        if packed is None:
            found = os.fstat(file)
            if stat.S_ISDIR(found.st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
            return Extent(file, 0, found.st_size)
        record = read_record(file, packed[1])
        if record is None or record.deleted:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), key)
        return Extent(file, record.content_offset, record.size, record.offset)
    except BaseException:
        os.close(file)
        raise


class OpenFile:
    """An object read from its beginning, opened at the first step. `next` blocks and belongs in a thread."""

    def __init__(self, objects: Path, key: str) -> None:
        self._objects = objects
        self._key = key
        self._extent: Extent | None = None
        self._position = 0

    def next(self, amount: int) -> bytes:
        """The next bytes, at most `amount`; empty at the end. Raises OSError."""
        if self._extent is None:
            self._extent = open_object(self._objects, self._key)
        extent = self._extent
        piece = extent.read(self._position, amount)
        self._position += len(piece)
        return piece

    def close(self) -> None:
        """Close the file, if it was opened: quick enough for the event loop, as nothing was written."""
        if self._extent is not None:
            os.close(self._extent.file)


def read_range(objects: Path, key: str, offset: int, length: int | None) -> bytes:
    """Bytes of an object, shorter at its end. Raises OSError."""
    extent = open_object(objects, key)
    try:
        rest = extent.size - offset if length is None else min(extent.size - offset, length)
        pieces = []
        while rest > 0 and (piece := extent.read(offset, rest)):  # Linux reads at most 2 GiB - 4 KiB at once
            pieces.append(piece)
            offset += len(piece)
            rest -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
    finally:
        os.close(extent.file)


def size_of(objects: Path, key: str) -> int:
    """Bytes. Raises OSError."""
    extent = open_object(objects, key)
    os.close(extent.file)
    return extent.size

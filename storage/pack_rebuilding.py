"""A pack made again from its objects, each at its own place, so that all keys stay as they are."""

from __future__ import annotations

import os
from pathlib import Path

from storage.packs import ALIGNMENT, HEAD, aligned, deleted_head, head


class PackInProgress:
    """The file of a pack on its way. Every method blocks and belongs in a thread; all but `discard` raise OSError."""

    def __init__(self, path: Path) -> None:
        self._path, self._file, self._end = path, os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600), 0

    def add(self, offset: int, content: bytes, sha256: bytes) -> None:
        """Write the next object. What lies between it and the one before is marked as deleted, so that a walk goes on behind it.

        Raises ValueError for a place where no record may begin.
        """
        if offset % ALIGNMENT or offset < self._end:
            raise ValueError(f"no object of a pack can begin at {offset}, behind one that ends at {self._end}")
        if offset > self._end:
            os.pwrite(self._file, deleted_head(offset - self._end - HEAD), self._end)
        os.pwrite(self._file, head(b"", len(content), sha256), offset)
        begin, rest = offset + HEAD, memoryview(content)
        while rest:
            written = os.pwrite(self._file, rest, begin)
            begin, rest = begin + written, rest[written:]
        self._end = aligned(begin)

    def finish(self, target: Path) -> None:
        """Become the pack `target`, whole and durable but for the entry in its folder."""
        os.ftruncate(self._file, self._end)
        os.fsync(self._file)
        self._close()
        self._path.rename(target)

    def discard(self) -> None:
        """Leave nothing behind. Does nothing after `finish`."""
        self._close()
        self._path.unlink(missing_ok=True)

    def _close(self) -> None:
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

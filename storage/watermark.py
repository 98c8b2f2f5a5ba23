"""The numbers of packed objects promised, and of those noted (entered in an index): two counters that
one process writes and others read.

They tell a reader of the index whether it may miss something that somebody was promised already. They live in a mapped
file and need no sync: after a crash the packs themselves are read again. What a killed writer left stands until that has
been done, so that readers wait for it too; then the counters begin anew.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from pathlib import Path

_SIZE = 16  # two counters of 64 bits, each written by one store


class Watermark:
    """The writer's side, with the counters as they were left. Raises `BlockingIOError` where another process holds the file."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._file, _SIZE)
            self._map = mmap.mmap(self._file, _SIZE)
            self._counters = memoryview(self._map).cast("Q")
        except BaseException:
            os.close(self._file)
            raise

    def begin(self) -> None:
        """Count from nothing: whatever was promised here has been noted."""
        self._counters[0] = self._counters[1] = 0

    def promise(self, count: int) -> None:
        """`count` more objects are being promised; to be called before anybody is told."""
        self._counters[0] += count

    def note(self, count: int) -> None:
        """`count` of them have been noted, visibly to every reader."""
        self._counters[1] += count

    @property
    def lag(self) -> int:
        """Objects promised and not yet noted."""
        return self._counters[0] - self._counters[1]

    def close(self) -> None:
        """Give the file up to others."""
        self._counters.release()
        self._map.close()
        os.close(self._file)


class WatermarkReader:
    """The reader's side."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._map = mmap.mmap(self._file, _SIZE, access=mmap.ACCESS_READ)
        except BaseException:
            os.close(self._file)
            raise
        self._counters = memoryview(self._map).cast("Q")

    @property
    def promised(self) -> int:
        """Objects promised until now."""
        return self._counters[0]

    @property
    def noted(self) -> int:
        """Of these, how many have been noted."""
        return self._counters[1]

    def close(self) -> None:
        """Close the file."""
        self._counters.release()
        self._map.close()
        os.close(self._file)

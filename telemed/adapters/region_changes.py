"""The word between the processes of one machine that the region was changed."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Final

LENGTH: Final = 16


class RegionChanges:
    """A mark in memory that the processes share through a file: a new one with each change. Looking at it costs no call of the system.

    Marks are made up, not counted: two processes that change the region at once leave one that neither has seen before.
    """

    def __init__(self, file: Path) -> None:
        """Raises OSError where the file cannot be had."""
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.ftruncate(descriptor, LENGTH)
            self._shared = mmap.mmap(descriptor, LENGTH)
        finally:
            os.close(descriptor)

    def mark(self) -> bytes:
        """Return the mark of the last change."""
        return self._shared[:]

    def tell(self) -> bytes:
        """Say that the region was changed. Return the new mark."""
        mark = os.urandom(LENGTH)
        self._shared[:] = mark
        return mark

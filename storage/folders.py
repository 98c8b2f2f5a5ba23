"""Folders that have survived a power cut, not only been made."""

from __future__ import annotations

import os
from pathlib import Path

_MAX_REMEMBERED = 65_536  # folders; some 30 MB of paths


def sync_folder(folder: Path) -> None:
    """Bring the entries of `folder` to the disk. Raises OSError."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


class Folders:
    """The folders below `root`, made on demand. Each is brought to the disk once, then remembered.

    A folder found existing is synced as well: whoever made it may not have come to it yet. Safe to share by threads.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._durable = {root}

    def ensure(self, folder: Path) -> None:
        """Let `folder` exist durably, with all between it and the root. Raises OSError."""
        if folder in self._durable:
            return
        self.ensure(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(folder.parent)
        if len(self._durable) >= _MAX_REMEMBERED:
            self.forget()
        self._durable.add(folder)

    def forget(self) -> None:
        """Look at every folder anew: somebody has removed one."""
        self._durable = {self._root}


def make_root(folder: Path) -> None:
    """Make `folder`, and the folders above it that are missing, durably. Raises OSError."""
    if folder.is_dir():
        return
    make_root(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)

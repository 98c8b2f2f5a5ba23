"""One object on its way into a folder, and the sweeping up after those that never arrived."""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import time
from pathlib import Path

_STALE_SECONDS = 24 * 3600  # far longer than any upload goes without a write; younger files may be somebody's work

_log = logging.getLogger(__name__)


class Abandoned(Exception):
    """The caller was cancelled before the object appeared. Not an error: it ends work that nobody waits for."""


class Incoming:
    """A temporary file that takes the bytes, then becomes the object by `place`, or vanishes by `discard`.

    Every method blocks and belongs in a thread; `abandon` alone is for the event loop.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / secrets.token_hex(16)
        self._file = -1
        self._digest = hashlib.sha256()
        self._abandoned = False
        self.size = 0

    @property
    def sha256(self) -> str:
        """Digest of what was written so far, 64 hex digits."""
        return self._digest.hexdigest()

    def abandon(self) -> None:
        """Let the work under way in a thread stop before the object appears."""
        self._abandoned = True

    def create(self) -> None:
        """Make the file. Raises OSError."""
        self._file = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)

    def write(self, content: bytes) -> None:
        """Append `content`. Raises OSError."""
        written = os.write(self._file, content)
        if written < len(content):  # a nearly full disk, or more than Linux writes at once (2 GiB - 4 KiB)
            rest = memoryview(content)[written:]
            while rest:
                rest = rest[os.write(self._file, rest) :]
        self._digest.update(content)
        self.size += len(content)

    def sync(self) -> None:
        """Bring content and size to the disk, and close the file. Raises OSError."""
        os.fdatasync(self._file)
        self._close()

    def place(self, target: Path) -> None:
        """Become the file `target`, replacing another, in one step. Raises OSError, or `Abandoned`."""
        if self._abandoned:
            raise Abandoned
        self._path.rename(target)

    def content(self) -> bytes:
        """Return the content of the file, read back. Raises OSError."""
        return self._path.read_bytes()

    def discard(self) -> None:
        """Leave nothing behind. Does nothing after `place`."""
        try:
            self._close()
        except OSError as error:
            _log.warning("closing the temporary file %s: %s", self._path, error.strerror)
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:  # what brought us here is worth more than this; the next start sweeps the file up
            _log.warning("removing the temporary file %s: %s", self._path, error.strerror)

    def _close(self) -> None:
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)


def sweep(folder: Path) -> int:
    """Remove temporary files that nobody has written to for a day: what a crash left. Returns how many."""
    oldest = time.time() - _STALE_SECONDS
    swept = 0
    try:
        for file in folder.iterdir():
            if file.lstat().st_mtime < oldest:
                file.unlink()
                swept += 1
    except OSError as error:  # another process sweeps too, or the disk is read-only: neither harms the objects
        _log.warning("sweeping %s: %s", folder, error.strerror)
    if swept:
        _log.info("swept %d unfinished objects from %s", swept, folder)
    return swept

"""The free space of the disks that an archive lies on, and the reserve below which nothing bulky is taken in any more.

A disk that images have filled to the last byte also ends what needs a few: a report, its signature, the record that somebody looked. So
what comes by the gigabyte stops while there is room for the rest. The disks are asked at most once a second, by whoever wants to
store then; between two answers what this process has stored is counted. Other processes are seen at the next answer: the reserve
is far larger than what they store in a second.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from storage.errors import StoreFull

EVERY_SECONDS = 1.0
"""From one question to the disks to the next."""

WARNED_AT = 5
"""A disk is called scarce from so many reserves of free space on: with the usual reserve at a tenth of the disk."""

_log = logging.getLogger(__name__)


class ReserveReached(StoreFull):
    """So little space is left that it is kept for records; nothing was stored."""


class Room(StrEnum):
    """How much room a disk has."""

    AMPLE = "ample"
    SCARCE = "scarce"
    RESERVED = "reserved"
    """What is left is kept for records: nothing bulky is taken in."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """What is kept free on a disk: `percent` of it, and never less than `least` bytes."""

    percent: float = 2.0
    least: int = 1 << 30

    def of(self, total: int) -> int:
        """Return the reserve of a disk of `total` bytes."""
        return max(self.least, int(total * self.percent / 100))


@dataclass(frozen=True, slots=True)
class DiskSpace:
    """Bytes of one disk: all, those that are free to us, and those that are kept free."""

    total: int
    free: int
    reserve: int

    @property
    def room(self) -> Room:
        if self.free < self.reserve:
            return Room.RESERVED
        return Room.SCARCE if self.free < WARNED_AT * self.reserve else Room.AMPLE


class SpaceGuard:
    """Watches the disks of `folders`, by name. Objects whose keys begin with one of `bulky` are taken in only while all of them have more
    than their reserve. One for a process; threads share it."""

    def __init__(
        self,
        folders: Mapping[str, Path],
        reserve: Reserve,
        bulky: tuple[str, ...],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folders, self._reserve, self._bulky, self._clock = dict(folders), reserve, bulky, clock
        self._lock = threading.Lock()
        self._disks: dict[str, DiskSpace] = {}
        self._asked_at: float | None = None
        self._taken = 0  # bytes since then
        self._closed = False

    def admit(self, key: str, size: int = 0) -> None:
        """Count `size` bytes more under `key`. Raises `ReserveReached` where the reserve would be touched. Blocks once a second."""
        if not key.startswith(self._bulky) or not self._folders:
            return
        if self._asked_at is None or self._clock() - self._asked_at >= EVERY_SECONDS:
            self.look()
        for name, disk in self._disks.items():
            if disk.free - self._taken - size < disk.reserve:
                self._say(closed=True, name=name, disk=disk)
                raise ReserveReached(f"The disk of the {name} has {disk.free} bytes free and {disk.reserve} are kept for records.", key)
        self._taken += size

    def look(self) -> Mapping[str, DiskSpace]:
        """Ask the disks and return their space by name; one that does not answer is left out. Blocks."""
        with self._lock:
            found = {}
            for name, folder in self._folders.items():
                try:
                    space = os.statvfs(folder)
                except OSError as error:
                    _log.warning("the space of %s cannot be asked for: %s", folder, error.strerror)
                    continue
                total, free = space.f_blocks * space.f_frsize, space.f_bavail * space.f_frsize
                found[name] = DiskSpace(total, free, self._reserve.of(total))
            self._disks, self._asked_at, self._taken = found, self._clock(), 0
        if all(disk.room is not Room.RESERVED for disk in found.values()):
            self._say(closed=False)
        return found

    def _say(self, *, closed: bool, name: str = "", disk: DiskSpace | None = None) -> None:
        """Log a change, and no more than that: a sender that tries again for hours would fill the disk with lines."""
        if closed == self._closed:
            return
        self._closed = closed
        if disk is not None:
            _log.error("no images and files are taken: the disk of the %s has %d bytes free of %d", name, disk.free, disk.total)
        else:
            _log.warning("images and files are taken again: there is room")


UNGUARDED = SpaceGuard({}, Reserve(0, 0), ())
"""Where nobody watches over the disks."""

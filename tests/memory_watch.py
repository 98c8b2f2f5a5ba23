"""How much memory the processes of an installation take while something is done."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

EVERY = 0.05
"""Seconds between two looks."""
_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident(group: int) -> dict[tuple[int, str], int]:
    """Resident bytes of every process of a process group, by its number and what it is."""
    found: dict[tuple[int, str], int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(folder.name)) != group:
                continue
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            pages = int((folder / "statm").read_text().split()[1])
            name = _name(folder) or f"process of {_name(Path('/proc') / parent) or 'nobody'}"
        except (OSError, IndexError):
            continue  # it has ended meanwhile
        found[int(folder.name), name] = pages * _PAGE
    return found


def _name(folder: Path) -> str:
    """The role of a process that was started as one, or `supervisor`; empty for those that a role started."""
    words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
    if words[1:3] != ["-m", "telemed"]:
        return ""
    return words[4] if words[3] == "serve" and words[4] else "supervisor"


@dataclass
class MemoryWatch:
    """Looks at a process group again and again. What a process had at `settle` is its own; what is beyond it counts.

    A process that was started later is held to the least that one of its kind had, since it replaces one of them.
    """

    group: int
    own: dict[tuple[int, str], int] = field(default_factory=dict)

    def settle(self) -> None:
        """Take what every process has now for its own."""
        self.own = resident(self.group)

    @contextmanager
    def watching(self) -> Iterator[dict[str, int]]:
        """The most bytes that processes of each kind had beyond their own; filled at the end of the block."""
        most: dict[str, int] = {}
        done = threading.Event()

        def look() -> None:
            while True:
                ended = done.is_set()  # one look more, when all is done
                for process, size in resident(self.group).items():
                    most[process[1]] = max(most.get(process[1], 0), size - self._own(process))
                if ended:
                    return
                done.wait(EVERY)

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield most
        finally:
            done.set()
            thread.join()

    def _own(self, process: tuple[int, str]) -> int:
        alike = [size for (_, name), size in self.own.items() if name == process[1]]
        return self.own.get(process, min(alike, default=0))

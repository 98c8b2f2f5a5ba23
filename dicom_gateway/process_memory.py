"""A hard limit on the memory of a process that works on what strangers sent: past it the work fails, not the machine."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import Final

_OF_A_THREAD: Final = 40 << 20
"""Bytes that numerical libraries may set aside for each processor when they are loaded: a stack and a buffer (OpenBLAS)."""


def limit_memory(most: int, *, numerical: bool = True) -> None:
    """Let this process take `most` bytes (0: as many as there are) beyond what it has and what its libraries set aside, where it
    loads `numerical` ones.

    What passes it is `MemoryError`, or the failure of a library in C that reserves it. Counted is what is written to
    (RLIMIT_DATA of Linux), not what is mapped from files.
    """
    if not most:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = _data_size() + most + numerical * _OF_A_THREAD * (os.cpu_count() or 1)
    resource.setrlimit(resource.RLIMIT_DATA, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def _data_size() -> int:
    """Bytes of the process that count by now; 0 where the system does not say."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmData:")), 0)

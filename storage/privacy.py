"""What this program writes is readable by its own user alone: by the mask for what is new, by narrowing for what is there."""

from __future__ import annotations

import os
import stat
from pathlib import Path

OTHERS = stat.S_IRWXG | stat.S_IRWXO
"""The rights of the group and of everybody else."""


def write_privately() -> None:
    """From here on files of this process and of those that it starts are 0600, folders 0700."""
    os.umask(OTHERS)


def narrow(path: Path) -> bool:
    """Take the rights of others away from a file or folder that is there. True if it had any. Raises OSError where it is not ours."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & OTHERS:
        return False
    path.chmod(mode & ~OTHERS)
    return True

"""Whose programs are run: pynetdicom installs some with the names of dcmtk's (storescp, findscu and so on) beside this Python."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def prefer_dcmtk() -> None:
    """Leave pynetdicom's out of this process's search path, where the environment is activated."""
    own = Path(sys.executable).parent
    os.environ["PATH"] = os.pathsep.join(folder for folder in os.environ.get("PATH", "").split(os.pathsep) if Path(folder) != own)

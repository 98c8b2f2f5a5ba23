"""The folder that everything of an installation is kept in."""

from __future__ import annotations

import tempfile
from pathlib import Path


def make_ready(folder: Path) -> None:
    """Make `folder` where it is missing, and see that it can be written. Raises `OSError` where not.

    All roles ask at once when an installation starts, so each writes a file that no other can meet.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as probe:
        probe.write(b"x")

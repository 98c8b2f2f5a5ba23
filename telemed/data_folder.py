"""The folder that everything of an installation is kept in."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

import structlog

from storage.privacy import narrow

log = structlog.get_logger()

DATABASE = "telemed.db"
OURS = frozenset({DATABASE, "objects", "keys"})
"""What an installation keeps in its data folder: by these an existing folder is known as one."""

RESTORING = "restoring"
"""Names the snapshot that is being put back into this folder: until that is done there is nothing to be served."""

COMPANIONS = ("", "-wal", "-shm", "-journal")
"""What SQLite adds to the name of a database for the files beside it."""


def make_ready(folder: Path) -> None:
    """Make `folder` where it is missing, and see that it can be written and read by nobody else. Raises `OSError` where it cannot be
    written.

    All roles ask at once when an installation starts, so each writes a file that no other can meet.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as probe:
        probe.write(b"x")
    present = {entry.name for entry in folder.iterdir()}
    # A folder with other things in it and nothing of ours may be anybody's (/tmp, a home): what is written there is private all the same.
    if not present or present & OURS:
        keep_private([folder, *(folder / name for name in sorted(present & OURS))])


def keep_private(paths: Iterable[Path]) -> None:
    """Narrow what others can read of `paths`, and say so; a missing one is passed over, one of another user is said."""
    for path in paths:
        try:
            if narrow(path):
                log.warning("data.narrowed", path=str(path), reason="others could read it")
        except FileNotFoundError:
            continue
        except OSError as error:
            log.warning("data.open_to_others", path=str(path), error=error.strerror, remedy="chmod go-rwx, or run as its owner")


def keep_database_private(file: Path) -> None:
    """Narrow a SQLite database and the files beside it."""
    keep_private(file.with_name(file.name + suffix) for suffix in COMPANIONS)

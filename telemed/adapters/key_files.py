"""Files that are made once and then only read: keys.

Such a file appears complete or not at all. It is written under another name (mode 0600), flushed to the disk and then
linked into place; of several processes that try, one wins and all others read what it left.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def kept(file: Path, make: Callable[[], bytes]) -> bytes:
    """Return the content of the file; it is made with `make` if there is none yet."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return _keep(file, make())


def _keep(file: Path, content: bytes) -> bytes:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # mkstemp gives mode 0600 from the start.
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=".new-")
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        try:
            os.link(temporary, file)
        except FileExistsError:
            return file.read_bytes()
    finally:
        Path(temporary).unlink()
    _flush_folder(file.parent)
    return content


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""The operating system's errors, turned into those of the store."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import BadKey, ObjectMissing, StorageError, StoreFull, StoreUnavailable

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # EFBIG: the process's own file size limit


@contextmanager
def reading(folder: Path, key: str = "") -> Iterator[None]:
    """Turn an OSError met while reading the object `key` of `folder` into an error of the store."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise ObjectMissing(f"There is no object {key}.", key) from error
    except OSError as error:
        raise _unavailable(folder, key, error) from error


@contextmanager
def writing(folder: Path, key: str = "") -> Iterator[None]:
    """Turn an OSError met while storing the object `key` in `folder` into an error of the store."""
    try:
        yield
    except (NotADirectoryError, IsADirectoryError, FileExistsError) as error:
        if not key:
            raise _unavailable(folder, key, error) from error
        raise BadKey(f"The key {key} cannot be used: it is the folder of another key, or lies in one.", key) from error
    except OSError as error:
        if error.errno in _FULL:
            raise StoreFull(f"There is no space left in {folder} ({error.strerror}); nothing was stored.", key) from error
        raise _unavailable(folder, key, error) from error


def _unavailable(folder: Path, key: str, error: OSError) -> StorageError:
    return StoreUnavailable(f"The folder {folder} cannot be used now ({error.strerror or error}).", key)

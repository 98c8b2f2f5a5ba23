"""Object stores: one protocol (`ObjectStore`) over a local folder or an S3 bucket, opened by `open_store(url)`."""

from __future__ import annotations

import os
from collections.abc import Mapping

from storage.errors import (
    BadKey,
    BadStoreURL,
    DamagedObject,
    ObjectMissing,
    StorageError,
    StoreFull,
    StoreUnavailable,
)
from storage.fingerprint import fingerprint
from storage.protocol import ObjectStore, StoredObject
from storage.space import UNGUARDED, SpaceGuard
from storage.url import LocalPlace, parse

__all__ = [
    "BadKey",
    "BadStoreURL",
    "DamagedObject",
    "ObjectMissing",
    "ObjectStore",
    "StorageError",
    "StoreFull",
    "StoreUnavailable",
    "StoredObject",
    "fingerprint",
    "open_store",
]


def open_store(
    url: str, environment: Mapping[str, str] | None = None, space: SpaceGuard = UNGUARDED, *, read_only: bool = False
) -> ObjectStore:
    """The store at `url`: `file:///absolute/path` or `s3://bucket?endpoint=http://host:port&region=..&prefix=..`.

    S3 credentials come from the URL (`s3://key:secret@bucket?...`, percent-encoded) or from `TELEMED_S3_ACCESS_KEY`
    and `TELEMED_S3_SECRET_KEY` in `environment` (the process's own when None). A local folder is created where it
    is missing, which blocks for a moment; an S3 server is not called yet, `check` does that. `space` watches over the disks
    (`storage.space`): what it calls bulky is refused while they are nearly full. With `read_only` a folder is not made, nor
    written to in any other way.

    Raises `BadStoreURL` for a URL of another form, `StoreUnavailable` for a folder that cannot be made.
    """
    place = parse(url, os.environ if environment is None else environment)
    if isinstance(place, LocalPlace):
        from storage.local import LocalStore

        return LocalStore(place.folder, space, read_only=read_only)
    # Only here, because the S3 SDK is slow to import and a local store has no use for it.
    from storage.s3 import S3Store

    return S3Store(place, space=space)

"""The digest of an object as it lies in the store now, for proving that it is what was put there."""

from __future__ import annotations

import asyncio
import hashlib

from storage.pieces import PIECE
from storage.protocol import ObjectStore, StoredObject


async def fingerprint(store: ObjectStore, key: str) -> StoredObject:
    """Read the whole object and take its size and SHA-256 anew. Compare with what `put` returned.

    Holds one piece of 1 MiB at a time. Raises `ObjectMissing`, `StoreUnavailable`, and `DamagedObject` where the
    backend itself can tell (an S3 object whose content no longer has the digest kept beside it).
    """
    digest = hashlib.sha256()
    size = 0
    async for piece in store.stream(key, chunk=PIECE):
        await asyncio.to_thread(digest.update, piece)
        size += len(piece)
    return StoredObject(key, size, digest.hexdigest())

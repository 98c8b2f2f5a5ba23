"""Letting old snapshots go, and what no snapshot names any more."""

from __future__ import annotations

import asyncio
from itertools import islice
from pathlib import Path

from storage import ObjectMissing
from storage.errors import DamagedObject
from telemed.adapters.backup.catalogue import Catalogue
from telemed.adapters.backup.layout import pool_key
from telemed.adapters.backup.object_copy import Progress
from telemed.adapters.backup.target import Target


async def prune(target: Target, keep: int, folder: Path, progress: Progress) -> tuple[list[str], int]:
    """Keep the newest `keep` snapshots, and the newest without a fault. Returns those that were removed, and how many contents went.

    Raises DamagedObject where a snapshot that is kept cannot be read: what it needs is not known, so nothing is removed.
    """
    names = await target.names()
    kept = names[-keep:]
    if sound := await _newest_sound(target, names):
        kept = sorted({*kept, sound})
    catalogue = Catalogue(folder / "pruning.db")
    try:
        async for keys in target.pool.listed():
            await asyncio.to_thread(catalogue.note, keys)
        for name in kept:
            await _want(target, name, catalogue, folder)
        removed = [name for name in names if name not in kept]
        for name in (*removed, *await target.unfinished()):
            await target.remove(name)
        freed, unwanted = 0, catalogue.unwanted()
        while some := await asyncio.to_thread(lambda: list(islice(unwanted, 500))):
            for key in some:
                await target.store.delete(key)
            freed += len(some)
            progress("removing", freed, 0)
    finally:
        catalogue.close()
    return removed, freed


async def _newest_sound(target: Target, names: list[str]) -> str:
    for name in reversed(names):
        try:
            if not (await target.manifest(name))[0].faults:
                return name
        except (DamagedObject, ObjectMissing):
            continue
    return ""


async def _want(target: Target, name: str, catalogue: Catalogue, folder: Path) -> None:
    manifest, _ = await target.manifest(name)
    chunks = [pool_key(chunk) for file in manifest.database.files for chunk in file.chunks]
    await asyncio.to_thread(catalogue.want, chunks)
    async for lines in target.lines(name, manifest.list_sha256, folder):
        await asyncio.to_thread(catalogue.want, [line.pool_key for line in lines])

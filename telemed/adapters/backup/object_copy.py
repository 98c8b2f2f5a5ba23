"""The objects of the store that one moment of the database names, into the pool."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from storage import ObjectMissing, fingerprint
from storage.errors import DamagedObject
from storage.packs import packed_key
from storage.pieces import PIECE
from storage.protocol import ObjectStore
from telemed.adapters.backup.catalogue import Catalogue, Unit
from telemed.adapters.backup.layout import Listed, packs_key, pool_key
from telemed.adapters.backup.pool import PACKED_HEAD, Changed, Member, Pool, digest_of_members
from telemed.adapters.database import tables as t
from telemed.adapters.stored_objects import PAGE, StoredObjects, rows_of

AT_ONCE: Final = 8
"""Objects under way: a store over a network is waited for most of the time."""

T = TypeVar("T")
Progress = Callable[[str, int, int], None]
"""Told what is being done, how many are done, and of how many (0: not known)."""


async def in_steps(items: Iterator[T], step: int = 500) -> AsyncIterator[T]:
    """Yield what an iterator that blocks gives, taken in a thread."""
    while some := await asyncio.to_thread(lambda: list(islice(items, step))):
        for item in some:
            yield item


async def at_once(items: AsyncIterator[T], work: Callable[[T], Awaitable[None]], many: int = AT_ONCE) -> None:
    """Do the work for all, `many` at a time. The first that fails ends all."""
    running: set[asyncio.Task[None]] = set()
    try:
        async for item in items:
            running.add(asyncio.ensure_future(work(item)))
            if len(running) >= many:
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                _raise_first(done)
        while running:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            _raise_first(done)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _raise_first(done: Iterable[asyncio.Task[None]]) -> None:
    """Raise the error of one that failed, if one did. Of a disk that is full all of them fail at once: every error is taken."""
    for error in [task.exception() for task in done]:
        if error is not None:
            raise error


class ObjectCopy:
    """Copies into `pool` what the catalogue names. `missing` are keys that could not be had, each with a sentence."""

    def __init__(self, store: ObjectStore, pool: Pool, catalogue: Catalogue, progress: Progress) -> None:
        self._store, self._pool, self._catalogue, self._progress = store, pool, catalogue, progress
        self.missing: dict[str, str] = {}
        self.objects = self.bytes = self.copied_objects = self.copied_bytes = 0

    async def run(self, file: Path) -> None:
        """Have all of it in the pool, and write the list of what is there to `file`."""
        self.missing, self.objects, self.bytes = {}, 0, 0
        total, done = await asyncio.to_thread(self._catalogue.count), 0
        self._progress("objects", done, total)
        with gzip.open(file, "wb", compresslevel=6) as lines:

            async def copy(unit: Unit) -> None:
                nonlocal done
                if line := await self._listed(unit):
                    lines.write(msgspec.json.encode(line) + b"\n")
                    self.objects += max(1, line.packed)
                    self.bytes += line.size
                done += max(1, len(unit.members))
                self._progress("objects", done, total)

            await at_once(in_steps(self._catalogue.units()), copy)

    async def _listed(self, unit: Unit) -> Listed | None:
        """Have a unit in the pool, and return its line; None where nothing of it is to be had."""
        known = self._catalogue.before(unit.key)
        if known and unit.digest in ("", known[0]) and self._catalogue.has((packs_key if unit.members else pool_key)(known[0])):
            return Listed(unit.key, known[0], known[1], len(unit.members))
        if unit.members:
            return await self._pack(unit)
        try:
            return await self._object(unit)
        except (ObjectMissing, DamagedObject, Changed) as error:
            if unit.needed:
                self.missing[unit.key] = _fault(unit.key, error)
        return None

    async def _object(self, unit: Unit) -> Listed:
        digest = unit.digest or (await fingerprint(self._store, unit.key)).sha256
        if self._catalogue.has(pool_key(digest)):
            return Listed(unit.key, digest, await self._pool.store.size(pool_key(digest)))
        size = await self._pool.put_object(digest, self._store.stream(unit.key, chunk=PIECE))
        self._count(pool_key(digest), size)
        return Listed(unit.key, digest, size)

    async def _pack(self, unit: Unit) -> Listed | None:
        """The objects of a pack. Those that cannot be had are left out, and named."""
        members: Sequence[Member] = unit.members
        if not self._catalogue.has(packs_key(unit.digest)):
            try:
                return await self._put_pack(unit.key, members)
            except (ObjectMissing, DamagedObject, Changed):
                members = [member for member in unit.members if await self._is_had(unit.key, member)]
                if not members:
                    return None
        digest = digest_of_members(members)
        if self._catalogue.has(packs_key(digest)):
            size = await self._pool.store.size(packs_key(digest)) - len(members) * PACKED_HEAD
            return Listed(unit.key, digest, size, len(members))
        return await self._put_pack(unit.key, members)

    async def _put_pack(self, pack: str, members: Sequence[Member]) -> Listed:
        async def read(offset: int) -> bytes:
            return await self._store.read(packed_key(pack, offset))

        digest = digest_of_members(members)
        size = await self._pool.put_pack(digest, members, read)
        self._count(packs_key(digest), size, len(members))
        return Listed(pack, digest, size, len(members))

    async def _is_had(self, pack: str, member: Member) -> bool:
        key = packed_key(pack, member.offset)
        try:
            found = (await fingerprint(self._store, key)).sha256
            if found != member.sha256:
                raise Changed(found)
        except (ObjectMissing, DamagedObject, Changed) as error:
            self.missing[key] = _fault(key, error)
            return False
        return True

    def _count(self, key: str, size: int, objects: int = 1) -> None:
        self._catalogue.note([key])
        self.copied_objects += objects
        self.copied_bytes += size


def _fault(key: str, error: Exception) -> str:
    if isinstance(error, ObjectMissing):
        return f"{key} is missing in the installation"
    what = f"its digest is {error}" if isinstance(error, Changed) else str(error)
    return f"{key} is not as it is on record in the installation: {what}"


async def name_objects(catalogue: Catalogue, engine: AsyncEngine, sources: Sequence[StoredObjects], extra: Iterable[str]) -> None:
    """Put into the catalogue what the database of `engine` names, and `extra` keys that may be gone by now."""
    await asyncio.to_thread(catalogue.begin)
    await asyncio.to_thread(catalogue.add, [(key, "") for key in extra], needed=False)
    await asyncio.to_thread(catalogue.add, [(key, "") async for key in upload_parts(engine)])
    for source in sources:
        batch: list[tuple[str, str]] = []
        async for recorded in source.recorded(engine):
            batch.append((recorded.key, recorded.sha256))
            if len(batch) == PAGE:
                await asyncio.to_thread(catalogue.add, batch)
                batch = []
        await asyncio.to_thread(catalogue.add, batch)


async def upload_parts(engine: AsyncEngine) -> AsyncIterator[str]:
    """Yield the keys of what has come of uploads that are on their way."""
    u, last = t.upload.c, ""
    query = sa.select(u.id, u.parts).where(u.evidence_id.is_(None)).order_by(u.id).limit(PAGE)
    while rows := await rows_of(engine, query.where(u.id > last)):
        for row in rows:
            for _offset, _size, key in row["parts"]:
                yield key
        last = rows[-1]["id"]

"""Objects of the store that no row names: found, reported, and removed a day later.

An object is stored before the row that names it is committed. What is stored for a signature that somebody else was faster
with, by a worker that died, or twice by a sender, stays without a row: patient data that nobody can find. Once a day the worker
walks the whole store, a portion at a time, and notes what is older than a day and named by nobody. What is still unnamed a day
after it was noted is removed, and the trail says so.

Never removed is what is younger, what is in a pack that its writer has not settled (`ObjectStore.settled_since`), what begins
with no known prefix, and anything at all while there is more of it than crashes leave behind: then the database is not the
one that belongs to the store, or older than it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage.errors import ObjectMissing
from storage.protocol import ObjectStore
from telemed.adapters.audit import chain as audit_chain
from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import insert_or_nothing
from telemed.adapters.stored_objects import StoredObjects
from telemed.domain.audit import AuditRecord

log = structlog.get_logger()

EVERY: Final = timedelta(days=1)
"""A walk begins this long after the one before."""
GRACE: Final = timedelta(days=1)
"""Age from which an object without a row is noted, and time from its note to its removal."""
PORTION: Final = 1000
"""Objects of one step, some seconds apart: a million take an hour and a half."""
LEASE: Final = timedelta(minutes=10)
"""A step whose worker died is taken up again after this."""
REMOVED_AT_ONCE: Final = 50
MAX_UNNAMED: Final = 1000
"""More than these are never removed by themselves: crashes leave a handful behind."""
MAX_NOTED: Final = 10_000
KEPT_WALKS: Final = 10


@dataclass(slots=True)
class Sorting:
    """Keys of a portion that no row names, by the noun they belong to, and those that belong to none."""

    unnamed: dict[str, list[str]] = field(default_factory=dict)
    unattributed: list[str] = field(default_factory=list)


async def sort_keys(connection: AsyncConnection, sources: Sequence[StoredObjects], keys: Sequence[str]) -> Sorting:
    """Find those of at most `PORTION` keys that no row names."""
    found, by_noun = Sorting(), defaultdict[str, list[str]](list)
    for key in keys:
        noun = next((source.noun for source in sources if key.startswith(source.prefixes)), None)
        found.unattributed.append(key) if noun is None else by_noun[noun].append(key)
    for source in sources:
        if mine := by_noun[source.noun]:
            named = set(await source.named(connection, mine))
            if unnamed := [key for key in mine if key not in named]:
                found.unnamed[source.noun] = unnamed
    return found


async def older_than_a_day(store: ObjectStore, key: str, now: datetime) -> bool | None:
    """True if the object is surely older than `GRACE`; None where it is gone."""
    try:
        since = await store.settled_since(key)
    except ObjectMissing:
        return None
    return since is not None and since <= now - GRACE


@dataclass(frozen=True, slots=True)
class _Walk:
    started_at: datetime
    position: str
    objects: int
    unnamed: int
    unattributed: int
    example: str


class ObjectSweep:
    """One of the worker's maintenance: each call is a step. Several workers share one walk. `store` lists what is really there,
    compact forms under their own keys."""

    def __init__(self, engine: AsyncEngine, store: ObjectStore, sources: Sequence[StoredObjects], portion: int = PORTION) -> None:
        self._engine, self._store, self._sources, self._portion = engine, store, sources, portion

    async def __call__(self, now: datetime) -> int:
        """Look at a portion of the store, or, between walks, remove some of what was noted. Returns how many were removed."""
        walk = await self._take(now)
        if walk is None:
            return await self.remove(now)
        keys = []
        async for key in self._store.list(after=walk.position):
            keys.append(key)
            if len(keys) == self._portion:
                break
        async with self._engine.connect() as bare:
            connection = await bare.execution_options(reading=True)
            found = await sort_keys(connection, self._sources, keys)
        notes = [
            {"key": key, "noun": noun, "found_at": now}
            for noun, unnamed in found.unnamed.items()
            for key in unnamed
            if await older_than_a_day(self._store, key, now)
        ]
        await self._note(walk, keys, notes, found.unattributed, now)
        return 0

    async def _take(self, now: datetime) -> _Walk | None:
        """The walk to go on with, held for this step; None while none is due, or another worker is at it."""
        w = t.object_sweep.c
        newest = sa.select(t.object_sweep).order_by(w.started_at.desc()).limit(1)
        async with self._engine.connect() as bare:
            connection = await bare.execution_options(reading=True)
            last = (await connection.execute(newest)).mappings().first()
        if last is None or (last["ended_at"] and now >= last["started_at"] + EVERY):
            fresh = {"position": "", "taken_until": now + LEASE, "objects": 0, "unnamed": 0, "unattributed": 0, "example": ""}
            async with self._engine.begin() as connection:
                begun = insert_or_nothing(connection, t.object_sweep).values(started_at=now, **fresh)
                mine = (await connection.execute(begun)).rowcount
                kept = sa.select(w.started_at).order_by(w.started_at.desc()).limit(KEPT_WALKS)
                await connection.execute(sa.delete(t.object_sweep).where(w.started_at.not_in(kept.scalar_subquery())))
            return _Walk(now, "", 0, 0, 0, "") if mine else None
        if last["ended_at"] or (last["taken_until"] and last["taken_until"] > now):
            return None
        free = sa.or_(w.taken_until.is_(None), w.taken_until <= now)
        held = sa.update(t.object_sweep).where(w.started_at == last["started_at"], w.position == last["position"], free)
        async with self._engine.begin() as connection:
            mine = (await connection.execute(held.values(taken_until=now + LEASE))).rowcount
        return _Walk(**{each.name: last[each.name] for each in fields(_Walk)}) if mine else None

    async def _note(
        self, walk: _Walk, keys: Sequence[str], notes: Sequence[Mapping[str, Any]], unattributed: Sequence[str], now: datetime
    ) -> None:
        """Put on record how far the walk has come and what it met."""
        w, u = t.object_sweep.c, t.unnamed_object.c
        ended = len(keys) < self._portion
        then = replace(
            walk,
            position=keys[-1] if keys else walk.position,
            objects=walk.objects + len(keys),
            unnamed=walk.unnamed + len(notes),
            unattributed=walk.unattributed + len(unattributed),
            example=walk.example or (unattributed[0] if unattributed else ""),
        )
        state = asdict(then) | {"taken_until": None, "ended_at": now if ended else None}
        async with self._engine.begin() as connection:
            mine = sa.update(t.object_sweep).where(w.started_at == walk.started_at, w.position == walk.position)
            if not (await connection.execute(mine.values(state))).rowcount:
                return  # this step took longer than its lease, and another worker was faster
            room = MAX_NOTED - (await connection.execute(sa.select(sa.func.count()).select_from(t.unnamed_object))).scalar_one()
            for note in notes[: max(0, room)]:
                await connection.execute(insert_or_nothing(connection, t.unnamed_object).values(note))
            if ended:
                await connection.execute(sa.delete(t.unnamed_object).where(u.noun.not_in([source.noun for source in self._sources])))
        for note in notes:
            log.warning("object.unnamed", key=note["key"], noun=note["noun"])
        if ended:
            log.info("objects.walked", objects=then.objects, unnamed=then.unnamed, unattributed=then.unattributed, example=then.example)
            if then.unnamed > MAX_UNNAMED:
                log.error("objects.kept", unnamed=then.unnamed, most=MAX_UNNAMED)

    async def remove(self, now: datetime, most: int = MAX_UNNAMED) -> int:
        """Remove some of what was noted a day ago and is still unnamed; nothing while more than `most` are noted.

        Returns how many, 0 where nothing is left to remove.
        """
        while due := await self._due(now, most):
            removed = sum([await self._settle(key, noun, now) for key, noun in due.items()])
            if removed:
                return removed
        return 0

    async def _due(self, now: datetime, most: int) -> dict[str, str | None]:
        """Noted keys whose time has come, each with its noun if it is still unnamed, else None."""
        u = t.unnamed_object.c
        due = sa.select(u.key).where(u.found_at <= now - GRACE).order_by(u.found_at, u.key).limit(REMOVED_AT_ONCE)
        async with self._engine.connect() as bare:
            connection = await bare.execution_options(reading=True)
            keys = list((await connection.execute(due)).scalars())
            noted = (await connection.execute(sa.select(sa.func.count()).select_from(t.unnamed_object))).scalar_one()
            if not keys or noted > most:
                return {}
            found = await sort_keys(connection, self._sources, keys)
        nouns = {key: noun for noun, unnamed in found.unnamed.items() for key in unnamed}
        return {key: nouns.get(key) for key in keys}

    async def _settle(self, key: str, noun: str | None, now: datetime) -> bool:
        """Be done with a note: remove its object, or leave it where it is named by now. True if it was removed."""
        old = await older_than_a_day(self._store, key, now) if noun is not None else None
        if noun is not None and old:
            # On record before it happens: who dies in between does both again.
            async with self._engine.begin() as connection:
                record = AuditRecord(now, "object:remove", "system", "", f"object/{key}"[:200], "success", {"kind": noun})
                await audit_chain.append(connection, [record])
            await self._store.delete(key)
            log.info("object.removed", key=key, noun=noun)
        async with self._engine.begin() as connection:
            forget = t.unnamed_object.c.key == key
            await connection.execute(sa.delete(t.unnamed_object).where(forget))
        return bool(old)

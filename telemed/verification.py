"""`telemed verify`: the audit chain, then every stored object that a record names. Offline; names the first fault of each.

Proved are objects with a digest on record. Of tracings that were analysed before digests were kept it is only seen that their
objects are there; they are counted. Not read are caches (`revised/` of a tracing) and parts of uploads that are on their way.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncEngine

from dicom_gateway.compact import CompactStore
from storage import ObjectMissing, StorageError, fingerprint, open_store
from storage.protocol import ObjectStore
from telemed.adapters.audit.anchors import AuditAnchors, ForgedAnchor
from telemed.adapters.audit.chain import GENESIS, ChainFault, first_fault
from telemed.adapters.clock import utc_now
from telemed.adapters.database import engine as database
from telemed.adapters.database import tables as t
from telemed.adapters.database.engine import make_engine
from telemed.adapters.object_sweep import PORTION, older_than_a_day, sort_keys
from telemed.adapters.stored_objects import RecordedObject, StoredObjects
from telemed.bootstrap import anchor_key, stored_objects
from telemed.centres import extensions
from telemed.settings import Settings

PAGE = 2000


async def verify_installation(settings: Settings, console: Console, sources: Sequence[StoredObjects] | None = None) -> int:
    """0 where everything holds, 1 where something does not."""
    sources = stored_objects(extensions()) if sources is None else sources
    engine = make_engine(settings.database)
    store = CompactStore(open_store(settings.storage, settings.store_keys))
    try:
        await database.check(engine)
        records, fault = await verify_audit(engine)
        wrong = f"record {fault.position} {fault.reason}" if fault else await verify_end(AuditAnchors(engine, store, anchor_key(settings)))
        if wrong:
            console.print(f"[bold red]audit:[/] {wrong}", soft_wrap=True)
        else:
            console.print(f"audit: {records} records, the chain is whole")
        checked = await verify_objects(engine, store, sources)
        if checked.fault:
            console.print(f"[bold red]objects:[/] {checked.fault}", soft_wrap=True)
        else:
            console.print(f"objects: {checked.good}, every digest is right")
        if checked.without_digest:
            console.print(f"objects without a digest on record: {checked.without_digest}; they are there, no more can be said")
        unnamed, unattributed = await count_unnamed(engine, store.inner, sources, utc_now())
        console.print(f"objects that no record names: {unnamed} older than a day, {unattributed} of no known kind", soft_wrap=True)
        return 1 if wrong or checked.fault else 0
    finally:
        await engine.dispose()
        await store.close()


async def verify_audit(engine: AsyncEngine) -> tuple[int, ChainFault | None]:
    """Recompute the chain from its beginning. Returns how many records were walked, and the first fault."""
    position, previous = 0, GENESIS
    while True:
        query = sa.select(t.audit).where(t.audit.c.position > position).order_by(t.audit.c.position).limit(PAGE)
        async with engine.connect() as bare:
            connection = await bare.execution_options(reading=True)
            rows = (await connection.execute(query)).mappings().all()
        fault, position, previous = first_fault(rows, position, previous)
        if fault or not rows:
            return position, fault


async def verify_end(anchors: AuditAnchors) -> str:
    """Is the record still there that the trail was last known to end with? Returns what is wrong, or empty."""
    try:
        anchor = await anchors.newest()
    except ForgedAnchor as forged:
        return f"the note of its end {forged}"
    return await anchors.fault_of(anchor) if anchor else ""


@dataclass(frozen=True, slots=True)
class CheckedObjects:
    """Objects whose digest is right, those that are there and have none on record, and the first fault in words, or empty."""

    good: int
    without_digest: int
    fault: str


async def verify_objects(engine: AsyncEngine, store: ObjectStore, sources: Sequence[StoredObjects]) -> CheckedObjects:
    """Read every object that a record names, up to the first fault."""
    good = without = 0
    for source in sources:
        async for recorded in source.recorded(engine):
            fault = await _fault_of(store, recorded)
            if fault:
                return CheckedObjects(good, without, fault)
            good += bool(recorded.sha256)
            without += not recorded.sha256
    return CheckedObjects(good, without, "")


async def _fault_of(store: ObjectStore, recorded: RecordedObject) -> str:
    try:
        if not recorded.sha256:
            await store.size(recorded.key)
            return ""
        found = await fingerprint(store, recorded.key)
    except ObjectMissing:
        return f"{recorded.key} is missing"
    except StorageError as error:
        return f"{recorded.key}: {error}"
    if found.sha256 != recorded.sha256:
        return f"{recorded.key} was changed: its digest is {found.sha256}, on record is {recorded.sha256}"
    return ""


async def count_unnamed(engine: AsyncEngine, store: ObjectStore, sources: Sequence[StoredObjects], now: datetime) -> tuple[int, int]:
    """Walk the whole store. Returns how many objects older than a day no record names, and how many are of no known kind."""
    unnamed = unattributed = 0
    async for keys in portions(store):
        async with engine.connect() as bare:
            connection = await bare.execution_options(reading=True)
            found = await sort_keys(connection, sources, keys)
        unattributed += len(found.unattributed)
        for key in (key for more in found.unnamed.values() for key in more):
            unnamed += bool(await older_than_a_day(store, key, now))
    return unnamed, unattributed


async def portions(store: ObjectStore) -> AsyncIterator[list[str]]:
    """Yield all keys, `PORTION` at a time."""
    keys: list[str] = []
    async for key in store.list():
        keys.append(key)
        if len(keys) == PORTION:
            yield keys
            keys = []
    if keys:
        yield keys

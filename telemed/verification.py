"""`telemed verify`: the audit chain, then the digest of every stored object. Offline; names the first fault of each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence

import sqlalchemy as sa
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncEngine

from dicom_gateway.compact import CompactStore
from dicom_gateway.index import dicom_conflict, dicom_instance, dicom_quarantine
from storage import ObjectMissing, StorageError, fingerprint, open_store
from storage.protocol import ObjectStore
from telemed.adapters.audit.anchors import AuditAnchors, ForgedAnchor
from telemed.adapters.audit.chain import GENESIS, ChainFault, first_fault
from telemed.adapters.database import engine as database
from telemed.adapters.database import tables as t
from telemed.adapters.database.engine import make_engine
from telemed.bootstrap import anchor_key
from telemed.centres import extensions
from telemed.settings import Settings

PAGE = 2000


async def verify_installation(settings: Settings, console: Console) -> int:
    """0 where everything holds, 1 where something does not."""
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
        objects, bad = await verify_objects(engine, store, [e.stored_objects for e in extensions() if e.stored_objects])
        if bad:
            console.print(f"[bold red]objects:[/] {bad}", soft_wrap=True)
        else:
            console.print(f"objects: {objects}, every digest is right")
        return 1 if wrong or bad else 0
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


async def stored_objects(engine: AsyncEngine) -> AsyncIterator[tuple[str, str]]:
    """Key and digest of every object that some row names."""
    places = (
        (t.evidence.c.key, t.evidence.c.sha256),
        (t.report.c.pdf_key, t.report.c.pdf_sha256),
        *((table.c.object_key, table.c.sha256) for table in (dicom_instance, dicom_conflict, dicom_quarantine)),
    )
    for key, digest in places:
        last = ""
        while True:
            query = sa.select(key, digest).where(key > last).order_by(key).limit(PAGE)
            async with engine.connect() as bare:
                connection = await bare.execution_options(reading=True)
                rows = (await connection.execute(query)).all()
            if not rows:
                break
            for name, sha256 in rows:
                yield name, sha256
            last = rows[-1][0]


StoredObjects = Callable[[AsyncEngine], AsyncIterator[tuple[str, str]]]


async def verify_objects(engine: AsyncEngine, store: ObjectStore, of_centres: Sequence[StoredObjects] = ()) -> tuple[int, str]:
    """Read every object that a row of the platform or of a centre names. Returns how many were good, and the first fault in words."""
    good = 0
    for named in (stored_objects, *of_centres):
        async for key, digest in named(engine):
            try:
                found = await fingerprint(store, key)
            except ObjectMissing:
                return good, f"{key} is missing"
            except StorageError as error:
                return good, f"{key}: {error}"
            if found.sha256 != digest:
                return good, f"{key} was changed: its digest is {found.sha256}, on record is {digest}"
            good += 1
    return good, ""

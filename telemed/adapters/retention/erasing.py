"""Erasing what two people agreed to erase, so that whatever ends it leaves it to be gone on with.

Of each record all rows go in one transaction, which also writes down the objects that are left and the tombstone: from then on nobody
finds it, and the proof of the installation is clean. Then the objects go, one after the other, each out of the list once it is gone;
deleting what is gone already does no harm. In a pack the content's blocks are given back or overwritten, and what else the pack
holds stays where it is. What became of a record meanwhile counts: a hold that came, or the patient, keeps it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage.protocol import ObjectStore
from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import insert_or_nothing
from telemed.adapters.database.repositories.kept_records import KeptTable
from telemed.adapters.database.repositories.retention import tombstone
from telemed.adapters.database.unit_of_work import SqlUnitOfWork
from telemed.adapters.object_sweep import PORTION, sort_keys
from telemed.adapters.retention.case_rows import erase_case, erase_patient
from telemed.adapters.retention.findings import Findings
from telemed.adapters.retention.study_rows import erase_quarantined, erase_study
from telemed.adapters.stored_objects import RecordedObject, StoredObjects
from telemed.domain.errors import NotDue, UnderHold
from telemed.domain.people import SYSTEM
from telemed.domain.retention import RecordKind, RequestState, require_due
from telemed.service.ports.retention import ErasureState, Tombstone
from telemed.service.retention import retained, today

log = structlog.get_logger()

REMOVED_AT_ONCE: Final = 100
"""Objects between two notes of how far it has come."""

_e, _o = t.erasure.c, t.erased_object.c

Writing = Callable[[], AbstractAsyncContextManager[Any]]
"""Begins a transaction with the repositories of one (`SqlUnitOfWork`)."""


class Erasing:
    """Carries out requests. `store` is the one that knows compact forms; `sources` are all kinds of objects."""

    def __init__(self, engine: AsyncEngine, store: ObjectStore, sources: Sequence[StoredObjects], writing: Writing) -> None:
        self._engine, self._store, self._sources, self._writing = engine, store, sources, writing

    async def job(self, payload: Mapping[str, Any]) -> None:
        """Erase all that a confirmed request names. May be repeated."""
        await self.carry_out(payload["request"])

    async def carry_out(self, request_id: str) -> None:
        """Erase all that a confirmed request names; one that is not confirmed, or done, is left alone."""
        async with self._reading() as connection:
            r = t.erasure_request.c
            state = (await connection.execute(sa.select(r.state).where(r.id == request_id))).scalar_one_or_none()
            rows = (await connection.execute(sa.select(t.erasure).where(_e.request_id == request_id).order_by(_e.id))).mappings().all()
        if state != RequestState.CONFIRMED.value:
            return
        for row in rows:
            await self.erase(tombstone(row))
        async with self._writing() as work:
            r = t.erasure_request.c
            done = sa.update(t.erasure_request).where(r.id == request_id, r.state == RequestState.CONFIRMED.value)
            finished = await work.connection.execute(done.values(state=RequestState.DONE.value, done_at=work.now))
            if finished.rowcount:
                work.outbox.audit(
                    "erasure:finish", SYSTEM, "", f"erasure/{request_id}", detail={"erasure": request_id, "records": len(rows)}
                )

    async def erase(self, record: Tombstone, *, again: bool = False) -> None:
        """Erase one record: what is left to be done of it. `again`: it was erased before, and an older backup brought it back."""
        if record.state is ErasureState.WAITING:
            async with self._writing() as work:
                state = await self._take_rows(work, record, again)
            record = replace(record, state=state)
        if record.state is ErasureState.ERASING:
            await self._remove_objects(record.id)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        async with self._engine.connect() as bare:
            yield await bare.execution_options(reading=True)

    async def _take_rows(self, work: SqlUnitOfWork, record: Tombstone, again: bool) -> ErasureState:
        """The one transaction in which the record's rows go."""
        connection = work.connection
        held = sa.select(_e.state).where(_e.id == record.id).with_for_update()
        state = ErasureState((await connection.execute(held)).scalar_one())
        if state is not ErasureState.WAITING:
            return state
        if not again and (why := await self._why_kept(work, record)):
            await connection.execute(sa.update(t.erasure).where(_e.id == record.id).values(state=ErasureState.KEPT.value))
            work.outbox.audit(
                "erasure:erase", SYSTEM, "", f"{record.kind.value}/{record.subject}", "kept", {"erasure": record.request_id, "why": why}
            )
            return ErasureState.KEPT
        found = Findings()
        await self._find(work, record, found)
        await self._note_objects(connection, record.id, found)
        counts = {name: count for name, count in sorted(found.counts.items()) if count} | {"objects": len(found.digests)}
        stone = {"state": ErasureState.ERASING.value, "erased_at": record.erased_at or work.now}
        if found.digests or not again:  # of what an older backup did not have, the tombstone stays as it was
            stone |= {"counts": counts, "digest": found.digest}
        await connection.execute(sa.update(t.erasure).where(_e.id == record.id).values(stone))
        detail = {"erasure": record.request_id, "kind": record.kind.value, "objects": len(found.digests), "digest": found.digest}
        subject = f"{record.kind.value}/{record.subject}"
        work.outbox.audit("erasure:erase", SYSTEM, "", subject, "again" if again else "success", detail)
        return ErasureState.ERASING

    async def _why_kept(self, work: SqlUnitOfWork, record: Tombstone) -> str:
        """Why the record may not be erased any more; empty where it may, or is gone."""
        kept = await work.kept.find(record.kind, record.subject)
        try:
            if kept is not None:
                require_due(retained(work, kept), today(work))
        except (NotDue, UnderHold) as refusal:
            return refusal.code
        return ""

    async def _find(self, work: SqlUnitOfWork, record: Tombstone, found: Findings) -> None:
        """Take the rows away, and note what they said."""
        connection = work.connection
        match record.kind:
            case RecordKind.CASE:
                await erase_case(work, self._sources, record.subject, found)
            case RecordKind.PATIENT:
                c = t.case.c
                for case_id in sorted((await connection.execute(sa.select(c.id).where(c.patient_id == record.subject))).scalars()):
                    await erase_case(work, self._sources, case_id, found)
                await erase_patient(work, record.subject, found)
            case RecordKind.STUDY:
                for kept, (owner, uid) in await KeptTable(connection).lone_studies(sa.true(), None):
                    if kept.subject == record.subject:
                        await erase_study(connection, owner, uid, found)
            case RecordKind.QUARANTINE:
                for kept, (owner, sha256) in await KeptTable(connection).quarantined(sa.true(), None):
                    if kept.subject == record.subject:
                        await erase_quarantined(connection, owner, sha256, found)
            case RecordKind.FILE:
                f = t.file_aside.c
                files = await connection.execute(sa.select(f.key, f.sha256).where(f.id == record.subject))
                found.take(RecordedObject(*row) for row in files.all())
                found.counts["file_aside"] += (await connection.execute(sa.delete(t.file_aside).where(f.id == record.subject))).rowcount

    async def _note_objects(self, connection: AsyncConnection, erasure_id: str, found: Findings) -> None:
        """Write down names, and the objects that no row names any more."""
        rows = [
            {"kind": kind, "digest": digest, "erasure_id": erasure_id, "content_sha256": content}
            for kind, digest, content in sorted(found.names)
        ]
        for row in rows:
            this = (t.erased_name.c.kind == row["kind"], t.erased_name.c.digest == row["digest"])
            await connection.execute(sa.delete(t.erased_name).where(*this))
            await connection.execute(sa.insert(t.erased_name).values(row))
        keys = sorted(key for key in found.keys if not key.endswith("/"))
        left = [key for key in found.keys if key.endswith("/")]
        for begin in range(0, len(keys), PORTION):
            unnamed = (await sort_keys(connection, self._sources, keys[begin : begin + PORTION])).unnamed
            left += [key for some in unnamed.values() for key in some]
        for key in sorted(left):
            await connection.execute(insert_or_nothing(connection, t.erased_object).values(erasure_id=erasure_id, key=key))

    async def _remove_objects(self, erasure_id: str) -> None:
        next_ones = sa.select(_o.key).where(_o.erasure_id == erasure_id).order_by(_o.key).limit(REMOVED_AT_ONCE)
        while True:
            async with self._reading() as connection:
                keys = list((await connection.execute(next_ones)).scalars())
            for key in keys:
                await self._remove(key)
            async with self._engine.begin() as connection:
                await connection.execute(sa.delete(t.erased_object).where(_o.erasure_id == erasure_id, _o.key.in_(keys)))
                if not keys:
                    await connection.execute(sa.update(t.erasure).where(_e.id == erasure_id).values(state=ErasureState.DONE.value))
                    log.info("record.erased", erasure=erasure_id)
                    return

    async def _remove(self, key: str) -> None:
        if not key.endswith("/"):
            await self._store.delete(key)
            return
        for below in [each async for each in self._store.list(key)]:
            await self._store.delete(below)

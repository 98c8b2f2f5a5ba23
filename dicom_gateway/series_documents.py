"""The metadata of whole series as documents: made once from the objects, kept in the index, made again when it changes.

A document lists its instances by number, in a state that is written beside it. A series whose state has moved on (an
instance came, or went) is described anew at the next question, so a document is never wrong, only sometimes missing.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import logging
import zlib
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from dicom_gateway.index import Correction, Index, Scope, StoredInstance, corrections
from dicom_gateway.index.recording import insert_or_replace
from dicom_gateway.index.tables import dicom_instance, dicom_series, dicom_series_document, dicom_study
from dicom_gateway.json_dataset import Head, describe_series
from dicom_gateway.objects import Objects
from dicom_gateway.pixels.pool import PixelPool

log = logging.getLogger(__name__)

RULES = 2  # raised when the same objects would be described otherwise: kept documents are then made anew
HEADS_AT_ONCE = 8
HEADS_IN_A_JOB = 100  # one trip to a process
BYTES_IN_A_JOB = 16 << 20
JOBS_AT_ONCE = 4
MAX_KEPT = 64 << 20  # bytes of JSON; a series beyond it is described whenever it is asked for


@dataclass(frozen=True, slots=True)
class SeriesState:
    """One series of a study as the index has it now, and the ETag of its document if that is current."""

    id: int
    owner: str
    series_instance_uid: str
    instances: int
    state: str
    etag: str | None
    divided: bool = False
    """The caller may not see all of it: its document is not for them."""


@dataclass(frozen=True, slots=True)
class SeriesDocument:
    """`content` is a JSON array, compressed with gzip; bulk data addresses are relative to the series."""

    etag: str
    content: bytes

    def json(self) -> bytes:
        """The JSON array."""
        return zlib.decompress(self.content, zlib.MAX_WBITS | 16)


class SeriesDocuments:
    """Documents of series, made where they are missing. Safe to use from many tasks and processes."""

    def __init__(self, index: Index, objects: Objects, pool: PixelPool) -> None:
        self._index = index
        self._objects = objects
        self._pool = pool
        self._making: dict[int, asyncio.Task[SeriesDocument | None]] = {}

    async def states(self, scope: Scope, study: str, series: str | None = None) -> list[SeriesState]:
        """The series in scope under these UIDs, in order; two owners may both have sent one."""
        where = [scope.studies, scope.filled_series, dicom_study.c.study_instance_uid == study]
        if series is not None:
            where.append(dicom_series.c.series_instance_uid == series)
        await self._index.barrier()
        found = await self._states(*where)
        if scope.division is None or not found:
            return found
        divided = sa.select(dicom_series.c.id).join_from(dicom_series, dicom_study)
        ids = {row.id for row in await self._index.rows(divided.where(*where, scope.division.studies))}
        return [replace(each, divided=each.id in ids) for each in found]

    async def _states(self, *where: sa.ColumnElement[bool]) -> list[SeriesState]:
        s, e, i, d = dicom_study.c, dicom_series.c, dicom_instance.c, dicom_series_document.c
        state = [sa.func.count(i.id), sa.func.max(i.id), sa.func.sum(i.id), sa.func.max(i.received_at), s.revision]
        query = (
            sa.select(e.id, s.owner, e.series_instance_uid, *state, d.instances, d.etag)
            .join_from(dicom_series, dicom_study)
            .join(dicom_instance, i.series_id == e.id)
            .outerjoin(dicom_series_document, d.series_id == e.id)
            .where(*where)
            .group_by(e.id, s.owner, s.revision, e.series_instance_uid, e.series_number, d.instances, d.etag)
            .order_by(e.series_number.nulls_last(), e.id)
        )
        found = []
        for id_, owner, uid, count, last, total, received, revision, kept, etag in await self._index.rows(query):
            now = f"{RULES} {count} {last} {total} {received:%Y%m%d%H%M%S%f} {revision}"
            found.append(SeriesState(id_, owner, uid, count, now, etag if kept == now else None))
        return found

    async def document(self, series: SeriesState) -> SeriesDocument | None:
        """The document of `series`, made if need be; None for a series that is too large for one."""
        if series.etag is not None and (kept := await self._kept(series.id)) is not None:
            return kept
        making = self._making.get(series.id)
        if making is None:  # who asks meanwhile waits for the same work
            making = self._making[series.id] = asyncio.create_task(self._make(series))
            making.add_done_callback(lambda _: self._making.pop(series.id, None))
        return await asyncio.shield(making)

    async def prepare(self, study_id: int) -> int:
        """Make what is missing for a study, before anybody asks. Returns the number of documents made."""
        missing = [series for series in await self._states(dicom_study.c.id == study_id) if series.etag is None]
        for series in missing:
            await self.document(series)
        return len(missing)

    async def forget_unused(self, before: datetime) -> int:
        """Delete documents made before then: old studies are seldom opened, and theirs are made again in no time."""
        async with self._index.engine.begin() as connection:
            gone = await connection.execute(dicom_series_document.delete().where(dicom_series_document.c.made_at < before))
        return gone.rowcount

    async def described(self, instances: Sequence[tuple[StoredInstance, str]]) -> AsyncIterator[bytes]:
        """JSON arrays that together describe `instances` in their order, each with the prefix of its bulk data addresses."""
        running: deque[asyncio.Task[bytes]] = deque()
        try:
            async for job in self._jobs(instances):
                running.append(asyncio.create_task(self._pool.run(describe_series, job)))
                if len(running) == JOBS_AT_ONCE:
                    yield await running.popleft()
            while running:
                yield await running.popleft()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _jobs(self, instances: Sequence[tuple[StoredInstance, str]]) -> AsyncIterator[list[tuple[Head, str]]]:
        """Yield batches of heads to describe, each as large as one call of a process should carry."""
        job: list[tuple[Head, str]] = []
        size = 0
        corrected = await self._corrections([instance for instance, _ in instances])
        for start in range(0, len(instances), HEADS_AT_ONCE):
            part = instances[start : start + HEADS_AT_ONCE]
            heads = await asyncio.gather(*(self._head(instance, corrected.get(_study(instance), ())) for instance, _ in part))
            job += [(head, prefix) for head, (_, prefix) in zip(heads, part, strict=True)]
            size += sum(len(head.content) + len(head.tail) for head in heads)
            if len(job) >= HEADS_IN_A_JOB or size >= BYTES_IN_A_JOB:
                yield job
                job, size = [], 0
        if job:
            yield job

    async def _head(self, instance: StoredInstance, corrected: tuple[Correction, ...]) -> Head:
        """Everything of an object but its pixels."""
        head = await self._objects.head(instance)
        return Head(head, instance.pixel_data_offset is not None, corrected, await self._objects.tail(instance, head))

    async def _corrections(self, instances: Sequence[StoredInstance]) -> dict[tuple[str, str], tuple[Correction, ...]]:
        """Return the corrections of the studies of `instances`, by owner and Study Instance UID."""
        touched = {_study(each) for each in instances if each.revision}
        if not touched:
            return {}
        s = dicom_study.c
        rows = await self._index.rows(
            sa.select(s.id, s.owner, s.study_instance_uid).where(s.study_instance_uid.in_({uid for _, uid in touched}))
        )
        ids = {row.id: (row.owner, row.study_instance_uid) for row in rows}
        async with self._index.engine.execution_options(reading=True).connect() as connection:
            found = await connection.run_sync(corrections, list(ids))
        return {ids[study]: each for study, each in found.items()}

    async def _make(self, series: SeriesState) -> SeriesDocument | None:
        """Describe the series and keep that. `series.state` is older than the list of instances: should one come in
        between, the document is made once more at the next question, and never taken for newer than it is."""
        instances = await self._index.instances_of_series(series.id)
        pieces: list[bytes] = []
        size = 0
        async for described in self.described([(instance, f"instances/{instance.sop_instance_uid}/") for instance in instances]):
            pieces.append(described[1:-1])
            size += len(described)
            if size > MAX_KEPT:
                return None
        made = await asyncio.to_thread(_document, pieces)
        await self._keep(series, made)
        return made

    async def _kept(self, series_id: int) -> SeriesDocument | None:
        d = dicom_series_document.c
        rows = await self._index.rows(sa.select(d.etag, d.content).where(d.series_id == series_id))
        return SeriesDocument(*rows[0]) if rows else None

    async def _keep(self, series: SeriesState, made: SeriesDocument) -> None:
        row = {"instances": series.state, "etag": made.etag, "content": made.content, "made_at": datetime.now(UTC)}
        async with self._index.engine.begin() as connection:
            insert = insert_or_replace(connection.dialect, dicom_series_document, "series_id")
            try:
                await connection.execute(insert, {"series_id": series.id, **row})
            except IntegrityError:
                log.info("series %d was removed while it was described", series.id)


def _study(instance: StoredInstance) -> tuple[str, str]:
    return instance.owner, instance.study_instance_uid


def _document(pieces: Sequence[bytes]) -> SeriesDocument:
    content = b"[" + b",".join(pieces) + b"]"
    return SeriesDocument(hashlib.sha256(content).hexdigest()[:32], gzip.compress(content, 6, mtime=0))

"""Questions to the index. Every one takes the caller's `Scope`: what lies outside it does not exist."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dicom_gateway.frames import FrameIndex, unpack
from dicom_gateway.index.attributes import BY_KEYWORD, Level
from dicom_gateway.index.counting import Found, count_series, count_studies
from dicom_gateway.index.disclosure import check_key
from dicom_gateway.index.finding import Query, matching
from dicom_gateway.index.scope import Scope
from dicom_gateway.index.tables import dicom_frame_index, dicom_instance, dicom_series, dicom_study

PAGE = 500  # matches that are read and counted together


@dataclass(frozen=True, slots=True)
class StoredInstance:
    """The attributes of one instance that retrieval needs."""

    id: int
    owner: str
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    number_of_frames: int
    pixel_data_offset: int | None
    object_key: str
    size: int
    sha256: str
    revision: int = 0
    """The number of corrections of its study (`index.correcting`)."""


@dataclass(frozen=True, slots=True)
class Target:
    """Which instances to retrieve: each list narrows, an empty one does not."""

    patient_ids: Sequence[str] = ()
    studies: Sequence[str] = ()
    series: Sequence[str] = ()
    instances: Sequence[str] = ()


class Index:
    """The study index over an engine that the host program made (aiosqlite or asyncpg).

    `barrier` is awaited before a question, so that what was acknowledged is found (`dicom_gateway.index_barrier`).
    """

    def __init__(self, engine: AsyncEngine, barrier: Callable[[], Awaitable[None]] | None = None) -> None:
        self.engine = engine
        # On SQLite a host may begin its transactions with the write lock; questions do without.
        self._reading = engine.execution_options(reading=True)
        self.barrier = barrier or _nothing_to_wait_for

    async def find(self, query: Query, scope: Scope) -> list[dict[str, Any]]:
        """Attributes by keyword, one mapping a match; counts included. Raises `BadQuery`."""
        _check(query, scope)
        statement = matching(query, scope, self.engine.dialect.name)
        await self.barrier()
        async with self._reading.connect() as connection:
            rows = (await connection.execute(statement)).mappings().all()
            found = [Found.of(row) for row in rows]
            await self._count(connection, query, found, scope)
        return [_disclosed(each.values, scope) for each in found]

    async def pages(self, query: Query, scope: Scope, size: int = PAGE) -> AsyncGenerator[list[dict[str, Any]], None]:
        """All matches in pieces of `size`, however many; the query's limit and offset do not count. Raises `BadQuery`.

        What is found stands still: one statement, read as it is asked for."""
        _check(query, scope)
        statement = matching(query, scope, self.engine.dialect.name).limit(None).offset(None)
        await self.barrier()
        async with self._reading.connect() as connection, connection.stream(statement) as result:
            async for part in result.mappings().partitions(size):
                found = [Found.of(row) for row in part]
                await self._count(connection, query, found, scope)
                yield [_disclosed(each.values, scope) for each in found]

    async def _count(self, connection: AsyncConnection, query: Query, found: list[Found], scope: Scope) -> None:
        if query.level >= Level.STUDY:
            await count_studies(connection, found, query.counted, scope)
        if query.level >= Level.SERIES:
            await count_series(connection, found, scope)

    async def locate(self, target: Target, scope: Scope) -> list[StoredInstance]:
        """Instances of `target` in series and instance order. At most one per SOP Instance UID, although two owners
        in scope may both have sent it."""
        e, i, s = dicom_series.c, dicom_instance.c, dicom_study.c
        statement = _instances().where(scope.studies, scope.instances)
        for column, wanted in (
            (s.patient_id, target.patient_ids),
            (s.study_instance_uid, target.studies),
            (e.series_instance_uid, target.series),
            (i.sop_instance_uid, target.instances),
        ):
            if wanted:
                statement = statement.where(column.in_(list(wanted)))
        await self.barrier()
        rows = await self.rows(statement)
        unique = {row.sop_instance_uid: StoredInstance(*row) for row in reversed(rows)}
        return list(reversed(unique.values()))

    async def frames(self, instance: StoredInstance) -> FrameIndex | None:
        """Return the frame index of `instance`; None if its frames could not be told apart."""
        c = dicom_frame_index.c
        rows = await self.rows(sa.select(c.packed).where(c.instance_id == instance.id))
        return unpack(rows[0].packed) if rows else None

    async def instances_of_series(self, series_id: int) -> list[StoredInstance]:
        """All instances of one series in order. Who asks has seen that it is in the caller's scope."""
        return [StoredInstance(*row) for row in await self.rows(_instances().where(dicom_series.c.id == series_id))]

    async def rows(self, statement: sa.Select[Any]) -> Sequence[Any]:
        """All rows of a statement, read without waiting for a writer."""
        async with self._reading.connect() as connection:
            found: Sequence[Any] = (await connection.execute(statement)).all()
        return found


def _check(query: Query, scope: Scope) -> None:
    """Raises `WithheldKey`, a `BadQuery`."""
    for match in query.matches:
        attribute = match.attribute
        check_key(attribute.keyword, filter(None, (attribute.within, attribute.tag)), match.values, scope.attributes)


def _disclosed(values: dict[str, Any], scope: Scope) -> dict[str, Any]:
    """What the caller may see of a row of the index."""
    if scope.attributes is None:
        return values
    return {keyword: value for keyword, value in values.items() if BY_KEYWORD[keyword].tag in scope.attributes}


def _instances() -> sa.Select[Any]:
    """Instances as `StoredInstance` lists them, in series and instance order."""
    i, e, s = dicom_instance.c, dicom_series.c, dicom_study.c
    return (
        sa.select(
            i.id, i.owner, s.study_instance_uid, e.series_instance_uid, i.sop_instance_uid, i.sop_class_uid,
            i.transfer_syntax_uid, sa.func.coalesce(i.number_of_frames, 1).label("number_of_frames"),
            i.pixel_data_offset, i.object_key, i.size, i.sha256, s.revision,
        )
        .join_from(dicom_instance, dicom_series)
        .join(dicom_study)
        .order_by(e.series_number.nulls_last(), e.id, i.instance_number.nulls_last(), i.id)
    )  # fmt: skip


async def _nothing_to_wait_for() -> None:
    """Every answer came after its entry."""

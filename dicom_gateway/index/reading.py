"""Questions to the index. Every one takes the caller's `Scope`: what lies outside it does not exist."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dicom_gateway.frames import FrameIndex, unpack
from dicom_gateway.index.attributes import ATTRIBUTES, Level
from dicom_gateway.index.matching import Match, condition
from dicom_gateway.index.tables import dicom_frame_index, dicom_instance, dicom_series, dicom_study

MAX_ROWS = 10_000  # of one answer


@dataclass(frozen=True, slots=True)
class Scope:
    """What a caller may do: `studies` is a condition on `dicom_study`, `owner` the institution to store as."""

    studies: sa.ColumnElement[bool]
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """Matches at a level. `limit` rows from `offset`, in a stable order (newest study first)."""

    level: Level
    matches: Sequence[Match] = ()
    limit: int = MAX_ROWS
    offset: int = 0


@dataclass(frozen=True, slots=True)
class StoredInstance:
    """What retrieving needs to know about one instance."""

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


@dataclass(frozen=True, slots=True)
class Target:
    """Which instances to retrieve: each list narrows, an empty one does not."""

    patient_ids: Sequence[str] = ()
    studies: Sequence[str] = ()
    series: Sequence[str] = ()
    instances: Sequence[str] = ()


@dataclass(slots=True)
class Found:
    """One answer row: values by keyword, and the row ids it was counted by."""

    values: dict[str, Any] = field(default_factory=dict)
    study_id: int = 0
    series_id: int = 0


class Index:
    """The study index over an engine that the host program made (aiosqlite or asyncpg).

    `settled` is awaited before a question, so that what was acknowledged is found (`dicom_gateway.settled`).
    """

    def __init__(self, engine: AsyncEngine, settled: Callable[[], Awaitable[None]] | None = None) -> None:
        self.engine = engine
        self._settled = settled or _nothing_to_wait_for

    async def find(self, query: Query, scope: Scope) -> list[dict[str, Any]]:
        """Attributes by keyword, one mapping a match; counts included. Raises `BadQuery`."""
        statement = self._statement(query, scope)
        await self._settled()
        async with self.engine.connect() as connection:
            rows = (await connection.execute(statement)).mappings().all()
            found = []
            for row in rows:
                values = {k: v for k, v in row.items() if k[0].isupper()}
                found.append(Found(values, row.get("study_id", 0), row.get("series_id", 0)))
            if query.level >= Level.STUDY:
                await self._count_studies(connection, found)
            if query.level >= Level.SERIES:
                await self._count_series(connection, found)
        return [each.values for each in found]

    async def locate(self, target: Target, scope: Scope) -> list[StoredInstance]:
        """Instances of `target` in series and instance order. At most one per SOP Instance UID, although two owners
        in scope may both have sent it."""
        i, e, s = dicom_instance.c, dicom_series.c, dicom_study.c
        statement = (
            sa.select(
                i.id, i.owner, s.study_instance_uid, e.series_instance_uid, i.sop_instance_uid, i.sop_class_uid,
                i.transfer_syntax_uid, sa.func.coalesce(i.number_of_frames, 1).label("number_of_frames"),
                i.pixel_data_offset, i.object_key, i.size, i.sha256,
            )
            .join_from(dicom_instance, dicom_series)
            .join(dicom_study)
            .where(scope.studies)
            .order_by(e.series_number.nulls_last(), e.id, i.instance_number.nulls_last(), i.id)
        )  # fmt: skip
        for column, wanted in (
            (s.patient_id, target.patient_ids),
            (s.study_instance_uid, target.studies),
            (e.series_instance_uid, target.series),
            (i.sop_instance_uid, target.instances),
        ):
            if wanted:
                statement = statement.where(column.in_(list(wanted)))
        await self._settled()
        async with self.engine.connect() as connection:
            rows = (await connection.execute(statement)).all()
        unique = {row.sop_instance_uid: StoredInstance(*row) for row in reversed(rows)}
        return list(reversed(unique.values()))

    async def frames(self, instance: StoredInstance) -> FrameIndex | None:
        """Where the frames of `instance` lie; None where they could not be told apart."""
        c = dicom_frame_index.c
        async with self.engine.connect() as connection:
            packed = await connection.scalar(sa.select(c.packed).where(c.instance_id == instance.id))
        return unpack(packed) if packed else None

    def _statement(self, query: Query, scope: Scope) -> sa.Select[Any]:
        level = query.level
        # A patient is who shares these values: there is no patient table to disagree with its studies.
        shown = [a for a in ATTRIBUTES if a.column is not None and a.level <= level]
        columns: list[sa.ColumnElement[Any]] = [a.column.label(a.keyword) for a in shown if a.column is not None]
        ids: list[sa.ColumnElement[Any]] = []
        source: sa.FromClause = dicom_study
        order: list[Any] = [
            dicom_study.c.study_date.desc().nulls_last(),
            dicom_study.c.study_time.desc().nulls_last(),
            dicom_study.c.id,
        ]
        if level == Level.PATIENT:
            order = [dicom_study.c.patient_name.nulls_last(), dicom_study.c.patient_id.nulls_last()]
        if level >= Level.STUDY:
            ids.append(dicom_study.c.id.label("study_id"))
        if level >= Level.SERIES:
            source = source.join(dicom_series)
            ids.append(dicom_series.c.id.label("series_id"))
            order += [dicom_series.c.series_number.nulls_last(), dicom_series.c.id]
        if level >= Level.IMAGE:
            source = source.join(dicom_instance)
            order += [dicom_instance.c.instance_number.nulls_last(), dicom_instance.c.id]
        statement: sa.Select[Any] = sa.select(*[*columns, *ids]).select_from(source).where(scope.studies)
        for match in query.matches:
            statement = statement.where(self._condition(match, level))
        if level == Level.PATIENT:
            statement = statement.distinct()
        return statement.order_by(*order).limit(max(0, min(query.limit, MAX_ROWS))).offset(max(0, query.offset))

    def _condition(self, match: Match, level: Level) -> sa.ColumnElement[bool]:
        """The condition at `level`; a key of a deeper level holds where any descendant matches."""
        clause = condition(match, self.engine.dialect.name)
        if match.attribute.level <= max(level, Level.STUDY) or match.attribute.column is None or isinstance(clause, sa.sql.elements.True_):
            return clause
        descendants = sa.select(sa.literal(1)).select_from(dicom_series)
        if match.attribute.level == Level.IMAGE:
            descendants = descendants.join(dicom_instance)
        if level >= Level.SERIES:
            inner = dicom_instance.c.series_id == dicom_series.c.id
            return sa.select(sa.literal(1)).select_from(dicom_instance).where(inner, clause).correlate(dicom_series).exists()
        return descendants.where(dicom_series.c.study_id == dicom_study.c.id, clause).correlate(dicom_study).exists()

    async def _count_studies(self, connection: AsyncConnection, found: list[Found]) -> None:
        """Add modalities, SOP classes and numbers of series and instances to each study."""
        ids = {each.study_id for each in found}
        counts: dict[int, dict[str, Any]] = {
            study: {
                "ModalitiesInStudy": set(),
                "SOPClassesInStudy": set(),
                "NumberOfStudyRelatedSeries": set(),
                "NumberOfStudyRelatedInstances": 0,
            }
            for study in ids
        }
        for part in _parts(sorted(ids)):
            rows = await connection.execute(
                sa.select(
                    dicom_series.c.study_id,
                    dicom_series.c.id,
                    dicom_series.c.modality,
                    dicom_instance.c.sop_class_uid,
                    sa.func.count(),
                )
                .join_from(dicom_series, dicom_instance)
                .where(dicom_series.c.study_id.in_(part))
                .group_by(dicom_series.c.study_id, dicom_series.c.id, dicom_series.c.modality, dicom_instance.c.sop_class_uid)
            )
            for study, series, modality, sop_class, instances in rows:
                counts[study]["NumberOfStudyRelatedSeries"].add(series)
                counts[study]["NumberOfStudyRelatedInstances"] += instances
                counts[study]["SOPClassesInStudy"].add(sop_class)
                if modality:
                    counts[study]["ModalitiesInStudy"].add(modality)
        for each in found:
            of = counts[each.study_id]
            each.values["ModalitiesInStudy"] = sorted(of["ModalitiesInStudy"])
            each.values["SOPClassesInStudy"] = sorted(of["SOPClassesInStudy"])
            each.values["NumberOfStudyRelatedSeries"] = len(of["NumberOfStudyRelatedSeries"])
            each.values["NumberOfStudyRelatedInstances"] = of["NumberOfStudyRelatedInstances"]

    async def _count_series(self, connection: AsyncConnection, found: list[Found]) -> None:
        """Add the number of instances to each series."""
        counts: dict[int, int] = {}
        for part in _parts(sorted({each.series_id for each in found})):
            rows = await connection.execute(
                sa.select(dicom_instance.c.series_id, sa.func.count().label("instances"))
                .where(dicom_instance.c.series_id.in_(part))
                .group_by(dicom_instance.c.series_id)
            )
            counts |= {row.series_id: row.instances for row in rows}
        for each in found:
            each.values["NumberOfSeriesRelatedInstances"] = counts.get(each.series_id, 0)


async def _nothing_to_wait_for() -> None:
    """Every answer came after its entry."""


def _parts(ids: list[int], size: int = 500) -> list[list[int]]:
    """Lists short enough for any database's limit on bound values."""
    return [ids[start : start + size] for start in range(0, len(ids), size)]

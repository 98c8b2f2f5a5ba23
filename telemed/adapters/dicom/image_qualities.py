"""Assessments of image quality and models' proposals in the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from telemed.adapters.database.columns import aware
from telemed.adapters.database.repositories.base import insert_or_nothing
from telemed.adapters.database.snapshots import read_rows
from telemed.adapters.database.tables import image_quality as q
from telemed.service.image_quality import DIMENSIONS, PASSING, Proposal, QualitySum, StudyQuality


class SqlImageQualities:
    """Implements `telemed.service.image_quality.ImageQualities`, and keeps what the worker measured."""

    def __init__(self, engine: AsyncEngine, readers: AsyncEngine | None = None) -> None:
        self._engine, self._readers = engine, readers or engine

    async def keep(self, quality: StudyQuality, zone: ZoneInfo) -> None:
        """The study's newest assessment takes the place of an earlier one."""
        table = q.study_quality
        key = sa.and_(table.c.owner == quality.owner, table.c.study_instance_uid == quality.study_instance_uid)
        values = {
            "owner": quality.owner,
            "study_instance_uid": quality.study_instance_uid,
            "assessed_at": quality.assessed_at,
            "day": quality.assessed_at.astimezone(zone).date(),
            "images": quality.images,
            "document": dict(quality.document),
            **{name: quality.scores.get(name) for name in DIMENSIONS},
        }
        async with self._engine.begin() as connection:
            await connection.execute(sa.delete(table).where(key))
            await connection.execute(insert_or_nothing(connection, table).values(values))

    async def keep_proposal(self, proposal: Proposal) -> None:
        """A model's newest word about a study takes the place of the same version's earlier one."""
        m = q.model_proposal
        same = (m.c.owner == proposal.owner, m.c.study_instance_uid == proposal.study_instance_uid, m.c.model == proposal.model)
        async with self._engine.begin() as connection:
            await connection.execute(sa.delete(m).where(*same, m.c.version == proposal.version))
            values = {
                "owner": proposal.owner,
                "study_instance_uid": proposal.study_instance_uid,
                "model": proposal.model,
                "version": proposal.version,
                "received_at": proposal.received_at,
                "findings": [dict(each) for each in proposal.findings],
            }
            await connection.execute(insert_or_nothing(connection, m).values(values))

    async def of_studies(self, owner: str, studies: Sequence[str]) -> list[StudyQuality]:
        s = q.study_quality.c
        rows = await self._rows(sa.select(q.study_quality).where(s.owner == owner, s.study_instance_uid.in_(list(studies))))
        return [_quality(row) for row in rows]

    async def proposals(self, owner: str, studies: Sequence[str]) -> list[Proposal]:
        m = q.model_proposal.c
        wanted = sa.select(q.model_proposal).where(m.owner == owner, m.study_instance_uid.in_(list(studies)))
        return [
            Proposal(r["owner"], r["study_instance_uid"], r["model"], r["version"], aware(r["received_at"]), r["findings"])
            for r in await self._rows(wanted.order_by(m.received_at, m.id))
        ]

    async def sums(self, first: date, last: date) -> list[QualitySum]:
        s = q.study_quality.c
        faulty = sa.or_(*(s[name] < PASSING for name in DIMENSIONS))
        query = (
            sa.select(
                s.owner,
                sa.func.count().label("studies"),
                sa.func.sum(sa.case((faulty, 1), else_=0)).label("faulty"),
                *(sa.func.avg(s[name]).label(name) for name in DIMENSIONS),
            )
            .where(s.day.between(first, last))
            .group_by(s.owner)
        )
        return [
            QualitySum(row["owner"], row["studies"], int(row["faulty"]), {name: _number(row[name]) for name in DIMENSIONS})
            for row in await self._rows(query.order_by(s.owner))
        ]

    async def _rows(self, query: sa.Executable) -> Sequence[sa.RowMapping]:
        return await read_rows(self._readers, query)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _quality(row: Mapping[Any, Any]) -> StudyQuality:
    at: datetime = aware(row["assessed_at"])
    scores = {name: row[name] for name in DIMENSIONS}
    return StudyQuality(row["owner"], row["study_instance_uid"], at, row["images"], scores, row["document"])

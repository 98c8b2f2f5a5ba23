"""The figures of the bulletin, from the daily volumes and an index over answered cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from telemed.adapters.database import tables as t
from telemed.adapters.database.snapshots import read_rows
from telemed.adapters.dicom.image_qualities import SqlImageQualities
from telemed.domain.volume import Volume
from telemed.service.image_quality import QualitySum
from telemed.service.ports.region import Region
from telemed.service.statistics import VolumeSum

ASKED = (Volume.REQUEST.value, Volume.CONSULTATION.value)


class seconds_between(GenericFunction[float]):  # noqa: N801  # an SQL function is named as in SQL
    """`seconds_between(earlier, later)`."""

    type = sa.Float()
    inherit_cache = True


@compiles(seconds_between, "sqlite")
def _sqlite(element: Any, compiler: Any, **options: Any) -> str:
    earlier, later = (compiler.process(clause, **options) for clause in element.clauses)
    return f"((julianday({later}) - julianday({earlier})) * 86400.0)"


@compiles(seconds_between, "postgresql")
def _postgresql(element: Any, compiler: Any, **options: Any) -> str:
    earlier, later = (compiler.process(clause, **options) for clause in element.clauses)
    return f"extract(epoch FROM {later} - {earlier})"


class SqlStatistics:
    """Implements `telemed.service.statistics.Statistics`."""

    def __init__(self, engine: AsyncEngine, region: Callable[[], Region]) -> None:
        self._engine, self._region = engine, region

    async def _rows(self, query: sa.Executable) -> Sequence[sa.RowMapping]:
        return await read_rows(self._engine, query)

    async def volumes(self, first: date, last: date) -> list[VolumeSum]:
        v = t.daily_volume.c
        key = (v.institution, v.kind, v.centre, v.hub)
        sums = (sa.func.sum(v["items"]).label("items"), sa.func.sum(v.parts).label("parts"))
        query = sa.select(*key, *sums).where(v.day.between(first, last), v.kind != Volume.C_STORE.value).group_by(*key)
        return [VolumeSum(**{**row, "items": int(row["items"]), "parts": int(row["parts"])}) for row in await self._rows(query)]

    async def days_with_data(self, first: date, last: date) -> Mapping[str, int]:
        v = t.daily_volume.c
        days = sa.func.count(v.day.distinct()).label("days")
        query = (
            sa.select(v.institution, days)
            .where(v.day.between(first, last), v.kind.in_((*ASKED, *self._region().evidence)))
            .group_by(v.institution)
        )
        return {row["institution"]: row["days"] for row in await self._rows(query)}

    async def image_quality(self, first: date, last: date) -> list[QualitySum]:
        return await SqlImageQualities(self._engine).sums(first, last)

    async def median_answer(self, first: date, last: date, centre: str, members: frozenset[str] | None) -> float | None:
        c, zone = t.case.c, self._region().network.zone
        begin = datetime.combine(first, time(0), zone)
        end = datetime.combine(last + timedelta(days=1), time(0), zone)
        where = [c.completed_at >= begin, c.completed_at < end, c.centre == centre, c.submitted_at.is_not(None)]
        if members is not None:
            where.append(c.member.in_(sorted(members)))
        span = seconds_between(c.submitted_at, c.completed_at).label("span")
        count = (await self._rows(sa.select(sa.func.count().label("n")).select_from(t.case).where(*where)))[0]["n"]
        if not count:
            return None
        middle = sa.select(span).where(*where).order_by(span).offset((count - 1) // 2).limit(2 - count % 2)
        values = [float(row["span"]) for row in await self._rows(middle)]
        return sum(values) / len(values)

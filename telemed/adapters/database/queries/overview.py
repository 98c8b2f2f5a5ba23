"""The operator's questions in SQL: volumes from the daily counts, lists over small partial indexes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from dicom_gateway.index import dicom_conflict, dicom_quarantine
from telemed.adapters.clock import utc_now
from telemed.adapters.database import tables as t
from telemed.adapters.database.columns import aware
from telemed.adapters.database.rows import route_from_json
from telemed.adapters.database.snapshots import read_rows
from telemed.domain.errors import Forbidden
from telemed.domain.network import Level
from telemed.domain.people import Person
from telemed.domain.policy import Action, Relation, may, require
from telemed.domain.volume import Volume
from telemed.service.overview import CaseLine, Connection, CriticalLine, DayVolume, HubLoad, KeptAside, Some
from telemed.service.ports.region import Region

ASKED = (Volume.REQUEST.value, Volume.CONSULTATION.value)
LOAD_DAYS = 30
TAKEN_UID = "taken-uid"

c, v = t.case.c, t.daily_volume.c
OPEN = sa.text("status IN ('requested', 'accepted', 'in-progress')")
"""Said as the partial index says it: SQLite uses a partial index only for its own condition."""

LINE = (c.id, c.accession_number, c.centre, c.priority, c.status, c.member, c.hub, c.submitted_at, c.due_at, c.route)


def count_if(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)


def _sum_of(kinds: Sequence[str], column: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((v.kind.in_(kinds), column), else_=0)), 0)


class SqlOverview:
    """Implements `telemed.service.overview.Overview`."""

    def __init__(self, engine: AsyncEngine, region: Callable[[], Region], clock: Callable[[], datetime] = utc_now) -> None:
        self._engine, self._region, self._clock = engine, region, clock

    async def _rows(self, query: sa.Executable) -> Sequence[sa.RowMapping]:
        return await read_rows(self._engine, query)

    def _today(self) -> date:
        return self._clock().astimezone(self._region().network.zone).date()

    async def connections(self, person: Person, days: int) -> list[Connection]:
        require(person, Action.NETWORK_READ)
        first = self._today() - timedelta(days=days - 1)
        codes = [code for code, i in sorted(self._region().network.institutions.items()) if i.level is not Level.OPERATOR]
        by_day: dict[str, dict[date, DayVolume]] = {code: {} for code in codes}
        evidence = tuple(self._region().evidence)
        sums = (
            _sum_of(ASKED, v["items"]).label("cases"),
            _sum_of(evidence, v["items"]).label("evidence"),
            sa.func.sum(v.parts).label("images"),
        )
        counted = sa.select(v.institution, v.day, *sums).where(v.day >= first, v.kind.in_((*ASKED, *evidence)))
        for row in await self._rows(counted.group_by(v.institution, v.day)):
            if row["institution"] in by_day:
                by_day[row["institution"]][row["day"]] = DayVolume(int(row["cases"]), int(row["evidence"]), int(row["images"]))
        asked, sent, stored = [await self._last(codes, kinds) for kinds in (ASKED, evidence, (Volume.C_STORE.value,))]
        return [Connection(code, asked.get(code), sent.get(code), stored.get(code), by_day[code]) for code in codes]

    async def _last(self, codes: Sequence[str], kinds: Sequence[str]) -> dict[str, datetime]:
        """When each institution was last heard of by one of the kinds: its newest row of each kind, by the index."""
        newest = [
            sa.select(v.last_at)
            .where(v.institution == t.institution.c.code, v.kind == kind)
            .order_by(v.day.desc(), v.last_at.desc())
            .limit(1)
            .scalar_subquery()
            for kind in kinds
        ]
        query = sa.select(t.institution.c.code, *(at.label(f"k{n}") for n, at in enumerate(newest))).where(t.institution.c.code.in_(codes))
        found = {}
        for row in await self._rows(query):
            times = [row[f"k{n}"] for n in range(len(newest)) if row[f"k{n}"] is not None]
            if times:
                found[row["code"]] = max(times)
        return found

    async def loads(self, person: Person) -> list[HubLoad]:
        require(person, Action.NETWORK_READ)
        now = self._clock()
        found = {key: HubLoad(hub=key[1], centre=key[0]) for key in sorted(self._region().network.services)}
        late = count_if(c.due_at < now).label("overdue")
        waiting, held = count_if(c.status == "requested").label("waiting"), count_if(c.status != "requested").label("held")
        for row in await self._rows(sa.select(c.centre, c.hub, waiting, held, late).where(OPEN).group_by(c.centre, c.hub)):
            if (key := (row["centre"], row["hub"])) in found:
                found[key] = replace(found[key], waiting=row["waiting"], held=row["held"], overdue=row["overdue"])
        kept, missed = (_sum_of((kind.value,), v["items"]) for kind in (Volume.DEADLINE_KEPT, Volume.DEADLINE_MISSED))
        recent = sa.select(v.centre, v.hub, kept.label("kept"), missed.label("missed")).where(v.hub != "")
        since = self._today() - timedelta(days=LOAD_DAYS)
        for row in await self._rows(recent.where(v.day > since).group_by(v.centre, v.hub)):
            if (key := (row["centre"], row["hub"])) in found:
                found[key] = replace(found[key], kept=int(row["kept"]), missed=int(row["missed"]))
        return list(found.values())

    async def failed(self, person: Person, limit: int) -> Some[CaseLine]:
        _require_metadata(person)
        return await self._lines(sa.text("status = 'failed'"), (c.created_at,), limit)

    async def overdue(self, person: Person, limit: int) -> Some[CaseLine]:
        _require_metadata(person)
        return await self._lines(sa.and_(OPEN, c.due_at < self._clock()), (c.due_at,), limit)

    async def _lines(self, where: Any, order: tuple[Any, ...], limit: int) -> Some[CaseLine]:
        rows = await self._rows(sa.select(*LINE).where(where).order_by(*order).limit(limit))
        total = len(rows)
        if total == limit:
            total = (await self._rows(sa.select(sa.func.count().label("n")).select_from(t.case).where(where)))[0]["n"]
        return Some([CaseLine(**{**row, "route": route_from_json(row["route"])}) for row in rows], total)

    async def criticals(self, person: Person, limit: int) -> Some[CriticalLine]:
        _require_metadata(person)
        k = t.critical_value.c
        running = k.status.in_(("open", "told", "acknowledged"))
        columns = (k.case_id, c.accession_number, c.centre, c.member, c.hub, k.status, k.found_at, k.due_at, k.escalations)
        query = sa.select(*columns).select_from(t.critical_value.join(t.case, c.id == k.case_id)).where(running)
        rows = await self._rows(query.order_by(k.due_at).limit(limit))
        total = len(rows)
        if total == limit:
            total = (await self._rows(sa.select(sa.func.count().label("n")).select_from(t.critical_value).where(running)))[0]["n"]
        return Some([CriticalLine(**row) for row in rows], total)

    async def unmatched(self, person: Person) -> int:
        require(person, Action.NETWORK_READ)
        return int((await self._rows(sa.select(sa.func.count().label("n")).select_from(t.unmatched_study)))[0]["n"])

    async def kept_aside(self, person: Person, limit: int) -> list[KeptAside]:
        require(person, Action.UNMATCHED_READ)
        conflicts = await self._rows(sa.select(dicom_conflict).order_by(dicom_conflict.c.id.desc()).limit(limit))
        unread = await self._rows(sa.select(dicom_quarantine).order_by(dicom_quarantine.c.id.desc()).limit(limit))
        found = [_aside("conflict", row, TAKEN_UID) for row in conflicts] + [_aside("quarantine", row, row["reason"]) for row in unread]
        return sorted(found, key=lambda aside: aside.received_at, reverse=True)[:limit]


def _require_metadata(person: Person) -> None:
    """Lists of everybody's cases, without what is in them."""
    if not may(person, Action.CASE_READ_METADATA, Relation.FOREIGN):
        raise Forbidden(Action.CASE_READ_METADATA)


def _aside(kind: str, row: sa.RowMapping, reason: str) -> KeptAside:
    uids = {name: row[name] for name in ("sop_instance_uid", "study_instance_uid") if name in row}
    same = ("owner", "received_by", "calling_ae", "peer_address", "size")
    return KeptAside(kind=kind, reason=reason, received_at=aware(row["received_at"]), **{name: row[name] for name in same}, **uids)

"""Questions about the laboratory's traffic: each walks an index, whatever a year has brought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from telemed.adapters.database import tables as platform
from telemed.adapters.database.repositories.base import Repository
from telemed.adapters.database.repositories.patients import PatientTable
from telemed.centres.lab.adapters import tables as t
from telemed.centres.lab.adapters.repository import result_from_row
from telemed.centres.lab.domain import LabJob, LabMessage, MessageState, Result
from telemed.centres.lab.operation import DAY, HOUR, WEEK, Traffic
from telemed.domain.patient import Patient

ASIDE: Final = sa.text("state <> 'accepted'")
"""As the partial index of what lies aside is written: SQLite takes it only for the same words."""

_META: Final = [column for column in t.lab_message.c if column.name not in ("raw", "answer")]


class TrafficTable(Repository):
    """Implements `telemed.centres.lab.operation.MessageTraffic`."""

    async def of_senders(self, senders: Sequence[str], now: datetime) -> list[Traffic]:
        c, i = t.lab_message.c, platform.institution.c

        def count(since: datetime) -> sa.ScalarSelect[int]:
            query = sa.select(sa.func.count()).select_from(t.lab_message)
            return query.where(c.sender == i.code, c.received_at > since).scalar_subquery()

        last = sa.select(sa.func.max(c.received_at)).where(c.sender == i.code).scalar_subquery()
        query = sa.select(
            i.code, last.label("last_at"), count(now - HOUR).label("hour"), count(now - DAY).label("day"), count(now - WEEK).label("week")
        )
        rows = await self._all(query.where(i.code.in_(senders)).order_by(i.code))
        aside, refused = await self._aside_by_sender(MessageState.QUARANTINED), await self._aside_by_sender(MessageState.REFUSED, now - DAY)
        return [
            Traffic(
                row["code"], row["last_at"], row["hour"], row["day"], row["week"], aside.get(row["code"], 0), refused.get(row["code"], 0)
            )
            for row in rows
        ]

    async def _aside_by_sender(self, state: MessageState, since: datetime | None = None) -> dict[str, int]:
        c = t.lab_message.c
        query = sa.select(c.sender, sa.func.count().label("n")).where(ASIDE, c.state == state.value).group_by(c.sender)
        if since is not None:
            query = query.where(c.received_at > since)
        return {row["sender"]: row["n"] for row in await self._all(query)}

    async def aside(self, sender: str, state: MessageState, before: str, limit: int) -> list[LabMessage]:
        c = t.lab_message.c
        query = sa.select(*_META).where(ASIDE, c.state == state.value).order_by(c.received_at.desc(), c.id.desc()).limit(limit)
        if sender:
            query = query.where(c.sender == sender)
        if before:
            at = sa.select(c.received_at).where(c.id == before).scalar_subquery()
            query = query.where(sa.or_(c.received_at < at, sa.and_(c.received_at == at, c.id < before)))
        return [_message(row) for row in await self._all(query)]

    async def waiting(self) -> int:
        c = platform.job.c
        query = sa.select(sa.func.count()).select_from(platform.job)
        return int((await self._do(query.where(c.done_at.is_(None), c.kind == LabJob.RESULTS_ARRIVED.value))).scalar_one())


def _message(row: sa.RowMapping) -> LabMessage:
    values: dict[str, Any] = dict(row) | {"state": MessageState(row["state"]), "answer": b""}
    return LabMessage(**values)


class MemberOrderTable(Repository):
    """Implements `telemed.centres.lab.operation.MemberOrders`."""

    async def newest(self, member: str, before: datetime | None, limit: int) -> list[Result]:
        c = t.lab_result.c
        query = sa.select(t.lab_result).where(c.member == member)
        if before is not None:
            query = query.where(c.reported_at < before)
        return await self._results(query, limit)

    async def numbered(self, member: str, number: str, limit: int) -> list[Result]:
        c = t.lab_result.c
        by_order = sa.select(t.lab_result).where(c.member == member, c.order_number == number)
        found = await self._results(by_order, limit)
        by_patient = sa.select(t.lab_result).where(c.member == member, c.patient_number == number)
        known = {each.id for each in found}
        found += [each for each in await self._results(by_patient, limit) if each.id not in known]
        return sorted(found, key=lambda each: (each.reported_at, each.id), reverse=True)[:limit]

    async def _results(self, query: sa.Select[Any], limit: int) -> list[Result]:
        c = t.lab_result.c
        rows = await self._all(query.order_by(c.reported_at.desc(), c.id.desc()).limit(limit))
        return [result_from_row(row) for row in rows]

    async def records(self, member: str, numbers: Sequence[str]) -> Mapping[str, Patient]:
        if not numbers:
            return {}
        c = platform.patient_identifier.c
        query = sa.select(c.patient_id).where(c.system == member, c.value.in_(numbers)).limit(200)
        people = await PatientTable(self._connection).get_many(list((await self._do(query)).scalars()))
        return {person.identifier(member): person for person in people if person.member == member}

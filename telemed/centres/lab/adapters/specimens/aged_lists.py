"""What waits at each stage of a specimen's way, and how long the steps took, as questions to the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from telemed.adapters.database import tables as platform
from telemed.adapters.database.repositories.base import Repository
from telemed.centres.lab.adapters.specimens import tables as t
from telemed.centres.lab.adapters.tables import lab_order
from telemed.centres.lab.specimens.ages import STEPS
from telemed.centres.lab.specimens.ports import AgedLine

case, tube, box, content, evidence = platform.case, t.lab_specimen, t.lab_box, t.lab_box_content, platform.evidence

OPEN_CASE: Final = ("requested", "accepted", "in-progress", "on-hold", "rejected")
SECONDS_AN_HOUR: Final = 3600


class _Columns(NamedTuple):
    """What a stage's question gives: what waits, whose, and since when."""

    source: sa.FromClause
    kind: str
    name: sa.ColumnElement[Any]
    member: sa.ColumnElement[Any]
    hub: sa.ColumnElement[Any]
    since: sa.ColumnElement[Any]
    where: Sequence[sa.ColumnElement[bool]]


def _tubes(state: str, since: sa.ColumnElement[Any], *where: sa.ColumnElement[bool]) -> _Columns:
    joined = tube.join(case, case.c.id == tube.c.case_id)
    living = case.c.status.in_((*OPEN_CASE, "draft"))
    return _Columns(joined, "specimen", tube.c.number, tube.c.member, case.c.hub, since, (tube.c.state == state, living, *where))


def _boxes(state: str, since: sa.ColumnElement[Any]) -> _Columns:
    return _Columns(box, "box", box.c.id, box.c.member, box.c.hub, since, (box.c.state == state,))


def _has_results() -> sa.ColumnElement[bool]:
    return sa.exists().where(lab_order.c.case_id == case.c.id)


def _resulted() -> _Columns:
    first = sa.select(sa.func.min(evidence.c.added_at)).where(evidence.c.case_id == case.c.id, evidence.c.type == "lab-report")
    where = (case.c.centre == "lab", case.c.status.in_(OPEN_CASE), _has_results())
    since = sa.func.coalesce(first.scalar_subquery(), case.c.submitted_at)
    return _Columns(case, "case", case.c.accession_number, case.c.member, case.c.hub, sa.type_coerce(since, case.c.created_at.type), where)


def _unread() -> _Columns:
    where = (case.c.centre == "lab", case.c.status == "completed", case.c.acknowledged_at.is_(None))
    return _Columns(case, "case", case.c.accession_number, case.c.member, case.c.hub, case.c.completed_at, where)


_STAGES: Final[Mapping[str, Callable[[], _Columns]]] = {
    "ordered-not-collected": lambda: _tubes("registered", tube.c.created_at, case.c.status != "draft"),
    "collected-not-boxed": lambda: _tubes("collected", tube.c.collected_at),
    "boxed-not-sent": lambda: _tubes("boxed", tube.c.collected_at),
    "sent-not-taken": lambda: _boxes("sent", box.c.sent_at),
    "in-transit": lambda: _boxes("in-transit", box.c.taken_at),
    "received-not-resulted": lambda: _tubes("received", tube.c.received_at, sa.not_(_has_results())),
    "resulted-not-released": _resulted,
    "released-not-read": _unread,
}


def _bounded(columns: _Columns, member: str, hub: str, before: datetime) -> list[sa.ColumnElement[bool]]:
    found = [*columns.where, columns.since < before]
    if member:
        found.append(columns.member == member)
    if hub:
        found.append(columns.hub == hub)
        found += [case.c.status != "draft"] if columns.kind == "specimen" else []
    return found


class AgedListTable(Repository):
    """Implements `telemed.centres.lab.specimens.ports.AgedLists`."""

    async def waiting(self, stage: str, member: str, hub: str, before: datetime, limit: int) -> list[AgedLine]:
        columns = _STAGES[stage]()
        named = (columns.name.label("name"), columns.member.label("member"), columns.hub.label("hub"), columns.since.label("since"))
        query = sa.select(*named).select_from(columns.source).where(*_bounded(columns, member, hub, before))
        rows = await self._all(query.order_by(columns.since, columns.name).limit(limit))
        return [AgedLine(columns.kind, row["name"], row["member"], row["hub"] or "", row["since"]) for row in rows]

    async def count(self, stage: str, member: str, hub: str, before: datetime) -> int:
        columns = _STAGES[stage]()
        query = sa.select(sa.func.count()).select_from(columns.source).where(*_bounded(columns, member, hub, before))
        return int((await self._do(query)).scalar_one())

    async def spans(self, member: str, hub: str, start: datetime, end: datetime) -> Mapping[str, Sequence[float]]:
        way = tube.join(case, case.c.id == tube.c.case_id).outerjoin(
            content, sa.and_(content.c.number == tube.c.number, content.c.condition.is_not(None), content.c.condition != "missing")
        )
        way = way.outerjoin(box, box.c.id == content.c.box_id)
        query = sa.select(
            tube.c.created_at.label("ordered"),
            tube.c.collected_at.label("collected"),
            box.c.sent_at.label("sent"),
            tube.c.received_at.label("received"),
            case.c.completed_at.label("released"),
        )
        query = query.select_from(way).where(tube.c.received_at >= start, tube.c.received_at < end)
        if member:
            query = query.where(tube.c.member == member)
        if hub:
            query = query.where(tube.c.hub == hub)
        found: dict[str, list[float]] = {}
        for row in await self._all(query):
            for step in STEPS:
                since, until = (row[moment] for moment in step.split("-to-"))
                if since is not None and until is not None and until >= since:
                    found.setdefault(step, []).append((until - since).total_seconds() / SECONDS_AN_HOUR)
        return found

"""Notices: lines of history that concern a person, and how far they have read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from telemed.adapters.clock import utc_now
from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import Repository, insert_or_nothing
from telemed.adapters.database.rows import case_from_row
from telemed.domain.notices import Audience, rules_for
from telemed.domain.people import Person
from telemed.domain.policy import Action, Relation, relations
from telemed.service.queries import HistoryLine, Notice

e, c = t.case_event.c, t.case.c

KEPT = timedelta(days=30)
"""Older lines are no notices any more: the case keeps its history."""


class NoticeMarkTable(Repository):
    """Up to which line of history each person has read."""

    async def mark(self, username: str, event_id: int) -> None:
        await self._do(insert_or_nothing(self._connection, t.notice_mark).values(username=username, seen=0))
        where = (t.notice_mark.c.username == username, t.notice_mark.c.seen < event_id)
        await self._do(sa.update(t.notice_mark).where(*where).values(seen=event_id))


def _rules(audience: Audience) -> sa.ColumnElement[bool]:
    rules = rules_for(audience)
    plain = [rule.action for rule in rules if not rule.status]
    with_state = [sa.and_(e.action == rule.action, e.status == rule.status) for rule in rules if rule.status]
    return sa.or_(e.action.in_(plain), *with_state)


def concerning(person: Person) -> sa.ColumnElement[bool]:
    """The lines that concern this person; their own doings are no news to them."""
    allowed = relations(person, Action.CASE_READ)
    clauses: list[sa.ColumnElement[bool]] = []
    if Relation.OWN in allowed:
        clauses.append(sa.and_(e.member == person.institution, _rules(Audience.MEMBER)))
    if Relation.ROUTED in allowed:
        r = t.report.c
        wrote = sa.exists().where(r.case_id == e.case_id, sa.or_(r.author == person.username, r.reviewer == person.username))
        hub = sa.and_(e.hub == person.institution, e.centre.in_(sorted(person.centres)))
        clauses.append(sa.and_(hub, _rules(Audience.READERS), sa.or_(c.claimed_by == person.username, wrote)))
    if Relation.FOREIGN in relations(person, Action.CASE_READ_METADATA):
        clauses.append(_rules(Audience.OPERATOR))
    fresh = e.at > utc_now() - KEPT
    return sa.and_(e.actor != person.username, fresh, sa.or_(*clauses)) if clauses else sa.false()


def seen_by(person: Person) -> sa.ScalarSelect[Any]:
    return (
        sa.select(sa.func.coalesce(sa.func.max(t.notice_mark.c.seen), 0))
        .where(t.notice_mark.c.username == person.username)
        .scalar_subquery()
    )


def unread(person: Person, limit: int) -> sa.Select[Any]:
    """How many, lines of cases counted up to `limit`; with what was done to the person's own account."""
    lines = (
        sa.select(e.id).join_from(t.case_event, t.case, c.id == e.case_id).where(concerning(person), e.id > seen_by(person)).limit(limit)
    )
    n = t.account_notice.c
    own = sa.select(sa.func.count()).where(n.username == person.username, sa.not_(n.seen)).scalar_subquery()
    return sa.select((sa.func.count() + own).label("unread")).select_from(lines.subquery())


def newest(person: Person, before: int | None, limit: int) -> sa.Select[Any]:
    """The newest notices, each line with its case and whether it was read."""
    line = [column.label(f"event_{column.name}") for column in t.case_event.columns]
    was_read = (e.id <= seen_by(person)).label("was_read")
    query = sa.select(*line, t.case, was_read).join_from(t.case_event, t.case, c.id == e.case_id).where(concerning(person))
    if before is not None:
        query = query.where(e.id < before)
    return query.order_by(e.id.desc()).limit(limit)


def notice(row: sa.RowMapping) -> Notice:
    line = HistoryLine(**{column.name: row[f"event_{column.name}"] for column in t.case_event.columns})
    return Notice(line, case_from_row(row), bool(row["was_read"]))

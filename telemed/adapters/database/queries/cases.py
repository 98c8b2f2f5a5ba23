"""Lists of cases: who sees which, filters, tabs, order, cursors."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa

from dicom_gateway.index import dicom_study
from telemed.adapters.database import tables as t
from telemed.adapters.database.columns import Instant
from telemed.adapters.database.repositories.patients import PatientTable
from telemed.adapters.database.rows import case_from_row
from telemed.domain.case import Case
from telemed.domain.errors import FieldError, Forbidden, Invalid
from telemed.domain.evidence import EvidenceType
from telemed.domain.patient import Patient
from telemed.domain.people import Person, Role
from telemed.domain.policy import Action, Relation, relations
from telemed.service.queries import CaseFilter, CasePage, EvidenceSummary, View

c = t.case.c
OPEN_STATES = ("requested", "accepted", "in-progress")


def visible_to(person: Person, *, search: bool = False) -> sa.ColumnElement[bool]:
    """The cases that this person may list. With `search`, also those that their hub kept open after asking further up.

    A draft has no hub, so no hub lists it.
    """
    allowed = relations(person, Action.CASE_READ) | relations(person, Action.CASE_READ_METADATA)
    if Relation.FOREIGN in allowed:
        return c.status != "draft"
    if not allowed:
        raise Forbidden(Action.CASE_READ)
    return _related(person, allowed, search=search)


def _readable_by(person: Person) -> sa.ColumnElement[bool]:
    """The cases, of those that this person may list, whose patient they may see."""
    return _related(person, relations(person, Action.CASE_READ), search=True)


def _related(person: Person, allowed: frozenset[Relation], *, search: bool) -> sa.ColumnElement[bool]:
    """The cases to which the person stands in one of these relations."""
    clauses: list[sa.ColumnElement[bool]] = []
    if Relation.OWN in allowed:
        clauses.append(c.member == person.institution)
    if Relation.ROUTED in allowed:
        hubs: sa.ColumnElement[bool] = c.hub == person.institution
        if search:
            kept = sa.select(t.case_access.c.case_id).where(t.case_access.c.institution == person.institution)
            hubs = sa.or_(hubs, c.id.in_(kept))
        centres = sorted(person.centres)
        clauses.append(sa.and_(hubs, c.centre == centres[0] if len(centres) == 1 else c.centre.in_(centres)))
    return sa.or_(sa.false(), *clauses)


def _begins(column: sa.ColumnElement[str], prefix: str) -> sa.ColumnElement[bool]:
    """A prefix as a range, which an index in code point order serves on both databases."""
    return sa.and_(column >= prefix, column < prefix + "\U0010ffff")


def works_at_hub(person: Person) -> bool:
    return person.has(Role.SPECIALIST, Role.REVIEWER)


HELD: Mapping[View, sa.ColumnElement[bool]] = {
    View.MINE: sa.and_(c.parked_at.is_(None), c.report_status.in_(("partial",))),
    View.PARKED: sa.and_(c.status.in_(("accepted", "in-progress")), c.parked_at.is_not(None)),
}
"""The tabs of what a person holds, besides that it is theirs."""


def _views(person: Person, day_start: datetime) -> Mapping[View, Callable[[], sa.ColumnElement[bool]]]:
    """Return the condition of each tab."""
    author = sa.exists().where(t.report.c.case_id == c.id, t.report.c.author == person.username, t.report.c.status == "preliminary")
    return {
        View.UNCLAIMED: lambda: c.status == "requested",
        View.MINE: lambda: sa.and_(c.claimed_by == person.username, HELD[View.MINE]),
        View.REVIEW: lambda: sa.and_(c.report_status == "preliminary", sa.not_(author)),
        View.PARKED: lambda: sa.and_(c.claimed_by == person.username, HELD[View.PARKED]),
        View.DONE_TODAY: lambda: c.completed_at >= day_start,
        View.CRITICAL: lambda: c.critical_open,
        View.OPEN: lambda: c.status.in_(OPEN_STATES),
        View.ATTENTION: lambda: t.wants_attention,
        View.RUNNING: lambda: t.is_running,
        View.DONE: lambda: t.is_done,
    }


TABS_AT_HUB = (View.UNCLAIMED, View.MINE, View.REVIEW, View.PARKED, View.CRITICAL, View.DONE_TODAY, View.OPEN)
TABS_OF_MEMBER = (View.ATTENTION, View.RUNNING, View.CRITICAL, View.DONE)


class CaseQueries:
    """Questions to the list of cases on one connection."""

    def __init__(
        self, execute: Callable[[sa.Select[Any]], Any], patients: PatientTable, zone: ZoneInfo, now: datetime, needs: frozenset[str]
    ) -> None:
        self._execute, self._patients, self._zone, self._now, self._needs = execute, patients, zone, now, sorted(needs)

    def _day_start(self) -> datetime:
        return datetime.combine(self._now.astimezone(self._zone).date(), time(0), self._zone)

    def _conditions(self, person: Person, wanted: CaseFilter, patient_ids: Sequence[str]) -> list[sa.ColumnElement[bool]]:
        found = [visible_to(person, search=bool(wanted.q))]
        for column, value in ((c.centre, wanted.centre), (c.member, wanted.member), (c.priority, wanted.priority), (c.hub, wanted.hub)):
            if value:
                found.append(column == value)
        if wanted.status:
            found.append(c.status.in_(wanted.status.split(",")))
        if wanted.need:
            found.append(sa.or_(*(c.request[name].as_string() == wanted.need for name in self._needs)))
        if wanted.body_part:
            found.append(c.request["body_part"].as_string() == wanted.body_part)
        if wanted.ids:
            found.append(c.id.in_(wanted.ids))
        if wanted.view:
            found.append(_views(person, self._day_start())[wanted.view]())
        if wanted.q:
            found.append(self._search(person, wanted.q, patient_ids))
        return found

    def _search(self, person: Person, q: str, patient_ids: Sequence[str]) -> sa.ColumnElement[bool]:
        """By the beginning of the name or of the accession number, by report code, or by the patient's number; by the accession
        number alone where the person may not see the patient, or an answer would tell who it is.

        Each is a walk of its own index; one condition with OR would read every row.
        """
        by_number = c.id.in_(sa.select(c.id).where(_begins(c.accession_number, q)))
        if not relations(person, Action.CASE_READ):
            return by_number
        found = sa.union_all(
            sa.select(c.id).where(_begins(c.patient_name, q)),
            sa.select(c.id).where(_begins(c.accession_number, q)),
            sa.select(t.report.c.case_id).where(t.report.c.verification_code == q.upper()),
            sa.select(c.id).where(c.patient_id.in_(patient_ids)),
        )
        if not relations(person, Action.CASE_READ_METADATA):
            return c.id.in_(found)
        return sa.or_(by_number, sa.and_(c.id.in_(found), _readable_by(person)))

    async def page(self, person: Person, wanted: CaseFilter, cursor: str | None, limit: int, *, records: bool) -> CasePage:
        numbered = await self._patients.with_number(wanted.q) if wanted.q else []
        conditions = self._conditions(person, wanted, numbered)
        by_clock = works_at_hub(person) and wanted.view not in (View.DONE_TODAY, View.DONE) and wanted.status != "completed"
        query = sa.select(t.case).where(*conditions)
        # A waiting case always has its clock; where there is none (a cancelled one) it stands at the end.
        order = (c.rank, c.due_at.is_(None), c.due_at, c.id) if by_clock else (c.created_at.desc(), c.id.desc())
        query = query.order_by(*order)
        if cursor:
            query = query.where(_after(cursor, by_clock))
        rows = (await self._execute(query.limit(limit + 1))).mappings().all()
        cases = [case_from_row(row) for row in rows[:limit]]
        following = _cursor(cases[-1], rows[limit - 1]["rank"], by_clock) if len(rows) > limit else None
        patients = await self._patient_records([case.patient.id for case in cases]) if records else {}
        return CasePage(cases, patients, following, await self._evidence([case.id for case in cases]))

    async def _patient_records(self, ids: Sequence[str]) -> dict[str, Patient]:
        return {patient.id: patient for patient in await self._patients.get_many(ids)}

    async def _evidence(self, ids: Sequence[str]) -> dict[str, EvidenceSummary]:
        """One statement for what all these cases rest on; cases without anything are left out."""
        if not ids:
            return {}
        e, s = t.evidence.c, dicom_study.c
        sent = sa.and_(s.study_instance_uid == e.study_instance_uid, s.owner == c.member)
        query = (
            sa.select(
                e.case_id,
                e.type,
                sa.func.count().label("pieces"),
                sa.func.sum(e.instances).label("instances"),
                sa.type_coerce(sa.func.max(s.last_received_at), Instant()).label("last"),
            )
            .select_from(t.evidence.join(t.case, c.id == e.case_id).outerjoin(dicom_study, sent))
            .where(e.case_id.in_(ids), e.type != EvidenceType.PRIOR_STUDY.value)
            .group_by(e.case_id, e.type)
        )
        consented = set((await self._execute(sa.select(t.consent.c.case_id).where(t.consent.c.case_id.in_(ids)))).scalars())
        found: dict[str, list[Any]] = {case_id: [] for case_id in consented}
        for row in (await self._execute(query)).mappings():
            found.setdefault(row["case_id"], []).append(row)
        return {case_id: _summary(rows, case_id in consented) for case_id, rows in found.items()}

    async def counts(self, person: Person, centre: str) -> dict[View, int]:
        """One statement for all tabs of this person's kind."""
        tabs = TABS_AT_HUB if works_at_hub(person) else TABS_OF_MEMBER
        views = _views(person, self._day_start())
        scope = [visible_to(person)] + ([c.centre == centre] if centre else [])
        counted = [sa.select(sa.func.count()).select_from(t.case).where(*scope, views[view]()).scalar_subquery() for view in tabs]
        row = (await self._execute(sa.select(*(column.label(view.name) for view, column in zip(tabs, counted, strict=True))))).one()
        return dict(zip(tabs, row, strict=True))

    async def counts_of_each(self, people: Sequence[Person], centre: str) -> dict[str, dict[View, int]]:
        """Two statements more for what differs between people of one kind, however many they are."""
        if not works_at_hub(people[0]):
            return dict.fromkeys((person.username for person in people), await self.counts(people[0], centre))
        names = [person.username for person in people]
        scope = [visible_to(people[0])] + ([c.centre == centre] if centre else [])
        held = sa.select(c.claimed_by, *(sa.func.sum(sa.case((holds, 1), else_=0)).label(view.name) for view, holds in HELD.items()))
        own = {row["claimed_by"]: row for row in await self._mapped(held.where(*scope, c.claimed_by.in_(names)).group_by(c.claimed_by))}
        r = t.report.c
        signed = sa.select(r.author, sa.func.count(c.id.distinct()).label("signed")).join_from(t.case, t.report, r.case_id == c.id)
        waiting = (c.report_status == "preliminary", r.status == "preliminary", r.author.in_(names))
        authors = {row["author"]: row["signed"] for row in await self._mapped(signed.where(*scope, *waiting).group_by(r.author))}
        nobody = replace(people[0], username="")
        shared = await self.counts(nobody, centre)
        return {
            name: shared
            | {view: int(own[name][view.name]) if name in own else 0 for view in HELD}
            | {View.REVIEW: shared[View.REVIEW] - authors.get(name, 0)}
            for name in names
        }

    async def _mapped(self, query: sa.Select[Any]) -> Sequence[sa.RowMapping]:
        return list((await self._execute(query)).mappings())


def _summary(rows: Sequence[Any], consented: bool) -> EvidenceSummary:
    received = [row["last"] for row in rows if row["last"] is not None]
    pieces = {EvidenceType(row["type"]): row["pieces"] for row in rows}
    return EvidenceSummary(pieces, sum(row["instances"] or 0 for row in rows), max(received, default=None), consented)


CaseId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
ByClock = tuple[Literal["due"], Annotated[int, msgspec.Meta(ge=-1, le=9)], Moment | None, CaseId]
ByAge = tuple[Literal["new"], Moment, CaseId]


def _cursor(case: Case, rank: int, by_clock: bool) -> str:
    parts = ["due", rank, case.due_at, case.id] if by_clock else ["new", case.created_at, case.id]
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


def _after(cursor: str, by_clock: bool) -> sa.ColumnElement[bool]:
    """The rows behind the cursor. Raises Invalid for a cursor of another list or none at all."""
    try:
        content = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return _behind_clock(msgspec.json.decode(content, type=ByClock)) if by_clock else _behind(msgspec.json.decode(content, type=ByAge))
    except (ValueError, OverflowError, msgspec.DecodeError):  # no base64, no such place, or a moment that no calendar has
        raise Invalid(FieldError("cursor", "not-a-cursor")) from None


def _behind_clock(place: ByClock) -> sa.ColumnElement[bool]:
    _, rank, due, case_id = place
    if due is None:
        return sa.or_(c.rank > rank, sa.and_(c.rank == rank, c.due_at.is_(None), c.id > case_id))
    moment = due.astimezone(UTC)
    same = sa.or_(c.due_at > moment, sa.and_(c.due_at == moment, c.id > case_id), c.due_at.is_(None))
    return sa.or_(c.rank > rank, sa.and_(c.rank == rank, same))


def _behind(place: ByAge) -> sa.ColumnElement[bool]:
    _, created, case_id = place
    moment = created.astimezone(UTC)
    return sa.or_(c.created_at < moment, sa.and_(c.created_at == moment, c.id < case_id))

"""Questions beside the lists of cases: history, priors, the network's state, the audit trail."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from telemed.adapters.audit.chain import FIELDS as AUDIT_FIELDS
from telemed.adapters.clock import utc_now
from telemed.adapters.database import tables as t
from telemed.adapters.database.columns import Instant
from telemed.adapters.database.queries import notices as notice_queries
from telemed.adapters.database.queries.cases import CaseQueries, visible_to
from telemed.adapters.database.repositories.patients import PatientTable
from telemed.adapters.database.rows import case_from_row, critical_from_row, evidence_from_row, report_from_row
from telemed.domain.audit import AuditLine
from telemed.domain.case import Case
from telemed.domain.critical import CriticalValue
from telemed.domain.people import Person, Role
from telemed.domain.policy import Action, Relation, may, require
from telemed.domain.report import Report
from telemed.service.ports.region import Region
from telemed.service.queries import (
    MANY_NOTICES,
    CaseFilter,
    CasePage,
    DuplicateCandidate,
    HistoryLine,
    Merged,
    Notice,
    PriorCase,
    View,
)

AUDIT_FILTERS = {"actor": t.audit.c.actor, "action": t.audit.c.action, "subject": t.audit.c.subject, "outcome": t.audit.c.outcome}


class SqlQueries:
    """Each question takes one connection for one snapshot."""

    def __init__(self, engine: AsyncEngine, region: Callable[[], Region], clock: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._region = region
        self._clock = clock

    async def _connect(self) -> AsyncConnection:
        return await (await self._engine.connect()).execution_options(reading=True)

    async def _rows(self, query: sa.Executable) -> Sequence[sa.RowMapping]:
        connection = await self._connect()
        try:
            return (await connection.execute(query)).mappings().all()
        finally:
            await connection.close()

    async def cases(self, person: Person, wanted: CaseFilter, cursor: str | None, limit: int) -> CasePage:
        connection = await self._connect()
        try:
            return await self._on(connection).page(person, wanted, cursor, limit)
        finally:
            await connection.close()

    async def counts(self, person: Person, centre: str = "") -> Mapping[View, int]:
        connection = await self._connect()
        try:
            return await self._on(connection).counts(person, centre)
        finally:
            await connection.close()

    def _on(self, connection: AsyncConnection) -> CaseQueries:
        region = self._region()
        needs = frozenset(centre.need for centre in region.centres.values() if centre.need)
        return CaseQueries(connection.execute, PatientTable(connection), region.network.zone, self._clock(), needs)

    async def history(self, case_id: str) -> list[HistoryLine]:
        rows = await self._rows(sa.select(t.case_event).where(t.case_event.c.case_id == case_id).order_by(t.case_event.c.id))
        return [HistoryLine(**row) for row in rows]

    async def history_since(self, after: int, limit: int) -> list[HistoryLine]:
        rows = await self._rows(sa.select(t.case_event).where(t.case_event.c.id > after).order_by(t.case_event.c.id).limit(limit))
        return [HistoryLine(**row) for row in rows]

    async def last_history_id(self) -> int:
        rows = await self._rows(sa.select(sa.func.coalesce(sa.func.max(t.case_event.c.id), 0).label("last")))
        return int(rows[0]["last"])

    async def milestones(self, case_ids: Sequence[str]) -> Mapping[str, Mapping[str, datetime]]:
        e = t.case_event.c
        last = sa.type_coerce(sa.func.max(e.at), Instant()).label("at")
        found: dict[str, dict[str, datetime]] = {}
        for row in await self._rows(
            sa.select(e.case_id, e.action, last).where(e.case_id.in_(list(case_ids))).group_by(e.case_id, e.action)
        ):
            found.setdefault(row["case_id"], {})[row["action"]] = row["at"]
        return found

    async def running_criticals(self, case_ids: Sequence[str]) -> list[CriticalValue]:
        v = t.critical_value.c
        query = sa.select(t.critical_value).where(v.case_id.in_(list(case_ids)), v.status.in_(("open", "told", "acknowledged")))
        return [critical_from_row(row) for row in await self._rows(query.order_by(v.due_at))]

    async def notices(self, person: Person, before: int | None, limit: int) -> list[Notice]:
        return [notice_queries.notice(row) for row in await self._rows(notice_queries.newest(person, before, limit))]

    async def unread_notices(self, person: Person) -> int:
        rows = await self._rows(notice_queries.unread(person, MANY_NOTICES))
        return int(next(iter(rows[0].values())))

    async def priors(self, person: Person, case: Case) -> list[PriorCase]:
        """At most 50. The same person: under the same master, or by the word of the record's own member."""
        p = t.patient.c
        masters = {level: sa.select(level).where(p.id == case.patient.id).scalar_subquery() for level in (p.master_id, p.local_master_id)}
        same = sa.select(p.id).where(sa.or_(*(level == master for level, master in masters.items())))
        seen = visible_to(person, search=True)
        in_hand = case.is_held_by(person.username) and may(person, Action.TIMELINE_READ, Relation.EARLIER)
        wanted = sa.or_(seen, t.case.c.status != "draft") if in_hand else seen
        query = sa.select(t.case, seen.label("openable")).where(
            t.case.c.patient_id.in_(same), t.case.c.id != case.id, wanted, t.case.c.status != "cancelled"
        )
        rows = await self._rows(query.order_by(t.case.c.created_at.desc()).limit(50))
        found = [PriorCase(case_from_row(row), [], bool(row["openable"])) for row in rows]
        readable = [prior.case.id for prior in found if prior.readable]
        proofs = await self._rows(sa.select(t.evidence).where(t.evidence.c.case_id.in_(readable))) if readable else []
        evidence = [evidence_from_row(row) for row in proofs]
        return [replace(prior, evidence=[e for e in evidence if e.case_id == prior.case.id]) for prior in found]

    async def duplicate_candidates(self, person: Person, limit: int) -> list[DuplicateCandidate]:
        require(person, Action.PATIENT_MERGE)
        rows = await self._rows(
            sa.select(t.patient_doubt)
            .where(t.patient_doubt.c.settled_at.is_(None))
            .order_by(t.patient_doubt.c.noted_at.desc())
            .limit(limit)
        )
        connection = await self._connect()
        try:
            records = {
                p.id: p for p in await PatientTable(connection).get_many([row[side] for row in rows for side in ("first", "second")])
            }
        finally:
            await connection.close()
        pairs = [(records.get(row["first"]), records.get(row["second"]), row["rule"]) for row in rows]
        mine = person.has(Role.OPERATOR)
        return [
            DuplicateCandidate(a, b, rule) for a, b, rule in pairs if a and b and (mine or {a.member, b.member} == {person.institution})
        ]

    async def merged(self, person: Person, limit: int) -> list[Merged]:
        require(person, Action.PATIENT_MERGE)
        p = t.patient.c
        everywhere = person.has(Role.OPERATOR)
        kept_id = sa.case((p.master_id != p.id, p.master_id), else_=p.local_master_id) if everywhere else p.local_master_id
        query = sa.select(p.id, kept_id.label("kept_id")).where(kept_id != p.id).order_by(p.id.desc()).limit(limit)
        if not everywhere:
            query = query.where(p.member == person.institution)
        pairs = await self._rows(query)
        connection = await self._connect()
        try:
            records = {r.id: r for r in await PatientTable(connection).get_many([row[side] for row in pairs for side in ("id", "kept_id")])}
        finally:
            await connection.close()
        found = [(records.get(row["id"]), records.get(row["kept_id"])) for row in pairs]
        return [Merged(record, kept) for record, kept in found if record and kept]

    async def audit(self, wanted: Mapping[str, str], before: int | None, limit: int) -> list[AuditLine]:
        """Newest first. `wanted` may name actor, action, subject (from their beginning) or outcome, and days `from`, `to`."""
        query = sa.select(t.audit).order_by(t.audit.c.position.desc()).limit(limit)
        for name, column in AUDIT_FILTERS.items():
            if wanted.get(name):
                query = query.where(column.startswith(wanted[name], autoescape=True))
        zone = self._region().network.zone
        if wanted.get("from"):
            query = query.where(t.audit.c.at >= datetime.fromisoformat(wanted["from"]).replace(tzinfo=zone))
        if wanted.get("to"):
            query = query.where(t.audit.c.at < datetime.fromisoformat(wanted["to"]).replace(tzinfo=zone) + timedelta(days=1))
        if before is not None:
            query = query.where(t.audit.c.position < before)
        return [AuditLine(**{name: row[name] for name in (*AUDIT_FIELDS, "position")}) for row in await self._rows(query)]

    async def report_by_code(self, code: str) -> tuple[Case, Report, list[Report]] | None:
        """The report version with this verification code, its case, and all released versions of the case."""
        found = await self._rows(sa.select(t.report).where(t.report.c.verification_code == code, t.report.c.pdf_sha256 != "").limit(1))
        if not found:
            return None
        report = report_from_row(found[0])
        case = case_from_row((await self._rows(sa.select(t.case).where(t.case.c.id == report.case_id)))[0])
        versions = await self._rows(sa.select(t.report).where(t.report.c.case_id == report.case_id).order_by(t.report.c.version))
        return case, report, [v for v in map(report_from_row, versions) if v.released]

    async def people_names(self, usernames: Sequence[str]) -> Mapping[str, str]:
        rows = await self._rows(sa.select(t.person.c.username, t.person.c.name).where(t.person.c.username.in_(list(usernames))))
        return {row["username"]: row["name"] for row in rows}

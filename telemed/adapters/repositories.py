"""The repositories of one transaction, by SQLAlchemy Core."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from telemed.adapters import rows as r
from telemed.adapters import tables as t
from telemed.domain.case import Case
from telemed.domain.consent import Consent
from telemed.domain.critical import CriticalValue
from telemed.domain.errors import FieldError, Invalid
from telemed.domain.evidence import Evidence
from telemed.domain.people import Person
from telemed.domain.report import Report
from telemed.service.ports import Credentials, SavedView, Session


def insert_or_nothing(connection: AsyncConnection | sa.Connection, table: sa.Table) -> Any:
    """INSERT ... ON CONFLICT DO NOTHING in the dialect at hand."""
    return _insert_or_nothing(connection.dialect.name, table)


@lru_cache(maxsize=64)
def _insert_or_nothing(dialect: str, table: sa.Table) -> Any:
    insert = postgresql_insert if dialect == "postgresql" else sqlite_insert
    return insert(table).on_conflict_do_nothing()


class _Repository:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        sync = connection.sync_connection
        self._reading = bool(sync and sync.get_execution_options().get("reading"))

    async def _one(self, query: sa.Executable) -> sa.RowMapping | None:
        return (await self._connection.execute(query)).mappings().first()

    async def _all(self, query: sa.Executable) -> Sequence[sa.RowMapping]:
        return (await self._connection.execute(query)).mappings().all()

    async def _do(self, statement: sa.Executable, rows: list[dict[str, Any]] | None = None) -> sa.CursorResult[Any]:
        return await self._connection.execute(statement, rows)

    def _locked(self, query: sa.Select[Any]) -> sa.Select[Any]:
        """Rows that a writing transaction means to change are locked; a reading one leaves them alone."""
        return query if self._reading else query.with_for_update()


class CaseTable(_Repository):
    async def add(self, case: Case) -> None:
        added = await self._do(insert_or_nothing(self._connection, t.case).values(r.case_to_row(case)))
        if not added.rowcount:
            raise Invalid(FieldError("request.accession_number", "taken"))

    async def get(self, case_id: str) -> Case | None:
        row = await self._one(self._locked(sa.select(t.case).where(t.case.c.id == case_id)))
        return r.case_from_row(row) if row else None

    async def save(self, case: Case) -> None:
        await self._do(sa.update(t.case).where(t.case.c.id == case.id).values(r.case_to_row(case)))

    async def next_accession(self, letter: str, day: date) -> str:
        key = f"{letter}{day:%Y%m%d}"
        await self._do(insert_or_nothing(self._connection, t.accession).values(day=key, last=0))
        counted = sa.update(t.accession).where(t.accession.c.day == key).values(last=t.accession.c.last + 1).returning(t.accession.c.last)
        number = (await self._do(counted)).scalar_one()
        return f"{key}-{number:04d}"

    async def with_accession(self, member: str, number: str) -> list[Case]:
        query = sa.select(t.case).where(t.case.c.member == member, t.case.c.accession_number == number)
        return [r.case_from_row(row) for row in await self._all(query)]

    async def with_study(self, member: str, study_instance_uid: str) -> list[Case]:
        has = sa.select(t.evidence.c.case_id).where(t.evidence.c.study_instance_uid == study_instance_uid)
        where = (t.case.c.member == member, t.case.c.id.in_(has), t.case.c.status != "cancelled")
        query = sa.select(t.case).where(*where).order_by(t.case.c.created_at.desc())
        return [r.case_from_row(row) for row in await self._all(query)]

    async def of_patient(self, member: str, patient_number: str, since: datetime) -> list[Case]:
        known = sa.select(t.patient_identifier.c.patient_id).where(
            t.patient_identifier.c.system == member, t.patient_identifier.c.value == patient_number
        )
        query = (
            sa.select(t.case)
            .where(t.case.c.member == member, t.case.c.patient_id.in_(known), t.case.c.created_at >= since, t.case.c.status != "cancelled")
            .order_by(t.case.c.created_at.desc())
            .limit(50)
        )
        return [r.case_from_row(row) for row in await self._all(query)]

    async def sharing(self, patient_id: str) -> int:
        query = sa.select(sa.func.count()).select_from(t.case).where(t.case.c.patient_id == patient_id)
        return int((await self._do(query)).scalar_one())

    async def made_between(self, member: str, first: datetime, last: datetime, limit: int) -> list[Case]:
        where = (t.case.c.member == member, t.case.c.created_at.between(first, last), t.case.c.status != "cancelled")
        query = sa.select(t.case).where(*where).order_by(t.case.c.created_at.desc()).limit(limit)
        return [r.case_from_row(row) for row in await self._all(query)]

    async def open_access(self, case_id: str, institution: str) -> None:
        await self._do(insert_or_nothing(self._connection, t.case_access).values(case_id=case_id, institution=institution))

    async def has_access(self, case_id: str, institution: str) -> bool:
        where = (t.case_access.c.case_id == case_id, t.case_access.c.institution == institution)
        return await self._one(sa.select(t.case_access.c.case_id).where(*where)) is not None

    async def held_by(self, username: str) -> int:
        # Claims of one reader wait for each other here, or two at once would both find room under the cap.
        await self._one(self._locked(sa.select(t.person.c.username).where(t.person.c.username == username)))
        where = (t.case.c.claimed_by == username, t.case.c.status.in_(("accepted", "in-progress")))
        return int((await self._do(sa.select(sa.func.count()).select_from(t.case).where(*where))).scalar_one())

    async def past_accept(self, now: datetime, limit: int) -> list[str]:
        where = (t.case.c.accept_by <= now, t.case.c.status == "requested")
        query = sa.select(t.case.c.id).where(*where).order_by(t.case.c.accept_by).limit(limit)
        return list((await self._do(query)).scalars())

    async def claimed_before(self, centre: str, moment: datetime, limit: int) -> list[str]:
        where = (
            t.case.c.claimed_by.is_not(None),
            t.case.c.status == "accepted",
            t.case.c.centre == centre,
            t.case.c.active_at <= moment,
            t.case.c.parked_at.is_(None),
        )
        return list((await self._do(sa.select(t.case.c.id).where(*where).limit(limit))).scalars())


class ReportTable(_Repository):
    async def add(self, report: Report) -> None:
        await self._do(sa.insert(t.report).values(r.report_to_row(report)))

    async def save(self, report: Report) -> None:
        where = (t.report.c.case_id == report.case_id, t.report.c.version == report.version)
        await self._do(sa.update(t.report).where(*where).values(r.report_to_row(report)))

    async def versions(self, case_id: str) -> list[Report]:
        query = sa.select(t.report).where(t.report.c.case_id == case_id).order_by(t.report.c.version)
        return [r.report_from_row(row) for row in await self._all(query)]


class EvidenceTable(_Repository):
    async def add(self, evidence: Evidence) -> None:
        await self._do(sa.insert(t.evidence).values(r.evidence_to_row(evidence)))

    async def save(self, evidence: Evidence) -> None:
        await self._do(sa.update(t.evidence).where(t.evidence.c.id == evidence.id).values(r.evidence_to_row(evidence)))

    async def get(self, evidence_id: str) -> Evidence | None:
        row = await self._one(sa.select(t.evidence).where(t.evidence.c.id == evidence_id))
        return r.evidence_from_row(row) if row else None

    async def of_case(self, case_id: str) -> list[Evidence]:
        query = sa.select(t.evidence).where(t.evidence.c.case_id == case_id).order_by(t.evidence.c.added_at, t.evidence.c.id)
        return [r.evidence_from_row(row) for row in await self._all(query)]

    async def remove(self, evidence_id: str) -> None:
        await self._do(sa.delete(t.evidence).where(t.evidence.c.id == evidence_id))


class CriticalTable(_Repository):
    async def add(self, value: CriticalValue) -> None:
        await self._do(sa.insert(t.critical_value).values(r.critical_to_row(value)))

    async def save(self, value: CriticalValue) -> None:
        await self._do(sa.update(t.critical_value).where(t.critical_value.c.id == value.id).values(r.critical_to_row(value)))

    async def get(self, value_id: str) -> CriticalValue | None:
        row = await self._one(sa.select(t.critical_value).where(t.critical_value.c.id == value_id))
        return r.critical_from_row(row) if row else None

    async def of_case(self, case_id: str) -> list[CriticalValue]:
        query = sa.select(t.critical_value).where(t.critical_value.c.case_id == case_id).order_by(t.critical_value.c.found_at)
        return [r.critical_from_row(row) for row in await self._all(query)]

    async def due(self, now: datetime, limit: int) -> list[CriticalValue]:
        where = (t.critical_value.c.status.in_(("open", "told")), t.critical_value.c.due_at <= now)
        order = (t.critical_value.c.escalations, t.critical_value.c.due_at)  # who rose before does not keep others from rising
        query = sa.select(t.critical_value).where(*where).order_by(*order).limit(limit)
        return [r.critical_from_row(row) for row in await self._all(query)]


class ConsentTable(_Repository):
    async def add(self, consent: Consent) -> None:
        await self._do(
            sa.insert(t.consent).values(
                case_id=consent.case_id,
                giver=consent.giver.value,
                signed_name=consent.signed_name,
                evidence_id=consent.evidence_id,
                recorded_by=consent.recorded_by,
                recorded_at=consent.recorded_at,
            )
        )

    async def of_case(self, case_id: str) -> list[Consent]:
        query = sa.select(t.consent).where(t.consent.c.case_id == case_id).order_by(t.consent.c.id)
        return [r.consent_from_row(row) for row in await self._all(query)]


class PersonTable(_Repository):
    async def get(self, username: str) -> Person | None:
        row = await self._one(sa.select(t.person).where(t.person.c.username == username))
        return r.person_from_row(row) if row else None

    async def credentials(self, username: str) -> Credentials | None:
        columns = (t.person.c.username, t.person.c.password_hash, t.person.c.failures, t.person.c.locked_until)
        row = await self._one(self._locked(sa.select(*columns).where(t.person.c.username == username)))
        return Credentials(**row) if row else None

    async def save_credentials(self, credentials: Credentials) -> None:
        values = {
            "password_hash": credentials.password_hash,
            "failures": credentials.failures,
            "locked_until": credentials.locked_until,
        }
        await self._do(sa.update(t.person).where(t.person.c.username == credentials.username).values(values))

    async def signed_in(self, username: str, at: datetime) -> None:
        await self._do(sa.update(t.person).where(t.person.c.username == username).values(last_sign_in_at=at))

    async def with_role(self, role: str) -> list[Person]:
        query = sa.select(t.person).where(t.person.c.active).order_by(t.person.c.username)
        people = (r.person_from_row(row) for row in await self._all(query))
        return [person for person in people if role in {held.value for held in person.roles}]

    async def readers(self, institution: str, centre: str) -> list[Person]:
        query = sa.select(t.person).where(t.person.c.institution == institution, t.person.c.active).order_by(t.person.c.username)
        people = [r.person_from_row(row) for row in await self._all(query)]
        return [p for p in people if centre in p.centres]


class SessionTable(_Repository):
    async def add(self, session: Session) -> None:
        values = {"token_digest": session.token_digest, "username": session.username}
        await self._do(sa.insert(t.session).values(**values, created_at=session.created_at, seen_at=session.seen_at))

    async def get(self, token_digest: str) -> Session | None:
        row = await self._one(sa.select(t.session).where(t.session.c.token_digest == token_digest))
        return Session(**row) if row else None

    async def seen(self, token_digest: str, at: datetime) -> None:
        await self._do(sa.update(t.session).where(t.session.c.token_digest == token_digest).values(seen_at=at))

    async def end(self, token_digest: str) -> None:
        await self._do(sa.delete(t.session).where(t.session.c.token_digest == token_digest))

    async def sweep(self, unseen_since: datetime, begun_before: datetime) -> int:
        ended = sa.or_(t.session.c.seen_at <= unseen_since, t.session.c.created_at <= begun_before)
        return (await self._do(sa.delete(t.session).where(ended))).rowcount


class SavedViewTable(_Repository):
    async def save(self, username: str, view: SavedView) -> None:
        await self.remove(username, view.name)
        await self._do(sa.insert(t.saved_view).values(username=username, name=view.name, query=view.query))

    async def remove(self, username: str, name: str) -> bool:
        done = await self._do(sa.delete(t.saved_view).where(t.saved_view.c.username == username, t.saved_view.c.name == name))
        return done.rowcount > 0

    async def of(self, username: str) -> list[SavedView]:
        query = sa.select(t.saved_view.c.name, t.saved_view.c.query).where(t.saved_view.c.username == username)
        return [SavedView(row["name"], row["query"]) for row in await self._all(query.order_by(t.saved_view.c.name))]

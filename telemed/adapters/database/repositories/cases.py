"""Cases in one transaction."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa

from telemed.adapters.database import rows as r
from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import Recorder, insert_or_nothing
from telemed.adapters.database.timeline import records_in_hand
from telemed.domain.attestation import AttestedKind
from telemed.domain.case import Case
from telemed.domain.errors import FieldError, Invalid


class CaseTable(Recorder):
    async def add(self, case: Case) -> None:
        added = await self._do(insert_or_nothing(self._connection, t.case).values(r.case_to_row(case)))
        if not added.rowcount:
            raise Invalid(FieldError("request.accession_number", "taken"))

    async def get(self, case_id: str) -> Case | None:
        row = await self._one(self._locked(sa.select(t.case).where(t.case.c.id == case_id)))
        return r.case_from_row(row) if row else None

    async def save(self, case: Case) -> None:
        if case.completed_at is not None:
            self._touched.note(AttestedKind.IDENTITY, case.id)
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
        has = sa.select(t.evidence.c.case_id).where(t.evidence.c.study_instance_uid == study_instance_uid, t.evidence.c.whole)
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

    async def count_with_patient(self, patient_id: str) -> int:
        query = sa.select(sa.func.count()).select_from(t.case).where(t.case.c.patient_id == patient_id)
        return int((await self._do(query)).scalar_one())

    async def newest_of_record(self, patient_id: str) -> Case | None:
        query = sa.select(t.case).where(t.case.c.patient_id == patient_id).order_by(t.case.c.created_at.desc(), t.case.c.id.desc())
        row = await self._one(query.limit(1))
        return r.case_from_row(row) if row else None

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

    async def holds_one_of_the_patient(self, username: str, case: Case) -> bool:
        p = t.patient.c
        return await self._one(sa.select(p.id).where(p.id == case.patient.id, p.id.in_(records_in_hand(username)))) is not None

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

    async def in_hand(self, username: str) -> list[str]:
        c = t.case.c
        running = c.status.in_(("accepted", "in-progress"))
        unfinished = sa.and_(c.status == "completed", c.report_status.in_(("partial", "preliminary")))
        query = sa.select(c.id).where(c.claimed_by == username, sa.or_(running, unfinished)).order_by(c.id)
        return list((await self._do(query)).scalars())

"""Records, cases and results of one person in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from telemed.adapters.database import rows as r
from telemed.adapters.database import tables as platform
from telemed.adapters.database.repositories.base import Repository
from telemed.adapters.database.repositories.patients import PatientTable
from telemed.centres.lab.adapters.repository import ResultTable
from telemed.centres.lab.domain import Result
from telemed.centres.lab.patient_results import Source
from telemed.domain.case import Case
from telemed.domain.patient import Patient

MOST_CASES = 100
UNSENT = ("draft", "cancelled")


class PatientRecordTable(Repository):
    """Implements `telemed.centres.lab.patient_results.PatientRecords`."""

    async def same_person(self, patient: Patient) -> list[Patient]:
        c = platform.patient.c
        local = patient.local_master_id or patient.id
        query = sa.select(c.id).where(sa.or_(c.master_id == patient.master_id, c.local_master_id == local)).order_by(c.id).limit(200)
        return await PatientTable(self._connection).get_many(list((await self._do(query)).scalars()))

    async def cases_of(self, records: Sequence[str]) -> list[Case]:
        if not records:
            return []
        c = platform.case.c
        query = sa.select(platform.case).where(c.patient_id.in_(records), c.status.not_in(UNSENT))
        query = query.order_by(c.created_at.desc(), c.id.desc()).limit(MOST_CASES)
        return [r.case_from_row(row) for row in await self._all(query)]

    async def results_of(self, sources: Sequence[Source], limit: int) -> list[Result]:
        found: list[Result] = []
        for member, number in sources:  # each by its index; a person has few numbers
            found += await ResultTable(self._connection).of_patient(member, number, "", limit)
        found.sort(key=lambda each: (each.observed_at or each.reported_at, each.id), reverse=True)
        return found[:limit]

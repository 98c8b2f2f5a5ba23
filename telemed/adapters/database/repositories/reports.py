"""Report versions in one transaction."""

from __future__ import annotations

import sqlalchemy as sa

from telemed.adapters.database import rows as r
from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import Recorder
from telemed.domain.attestation import AttestedKind
from telemed.domain.report import Report


class ReportTable(Recorder):
    async def add(self, report: Report) -> None:
        await self._do(sa.insert(t.report).values(r.report_to_row(report)))

    async def save(self, report: Report) -> None:
        where = (t.report.c.case_id == report.case_id, t.report.c.version == report.version)
        await self._do(sa.update(t.report).where(*where).values(r.report_to_row(report)))
        if report.released:
            self._touched.note(AttestedKind.REPORT, report.case_id, report.version)

    async def versions(self, case_id: str) -> list[Report]:
        query = sa.select(t.report).where(t.report.c.case_id == case_id).order_by(t.report.c.version)
        return [r.report_from_row(row) for row in await self._all(query)]

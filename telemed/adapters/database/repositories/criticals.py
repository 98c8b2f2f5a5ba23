"""Critical values in one transaction."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from telemed.adapters.database import rows as r
from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import Recorder
from telemed.domain.attestation import AttestedKind
from telemed.domain.critical import CriticalValue


class CriticalTable(Recorder):
    async def add(self, value: CriticalValue) -> None:
        self._touched.note(AttestedKind.CRITICAL, value.id)
        await self._do(sa.insert(t.critical_value).values(r.critical_to_row(value)))

    async def save(self, value: CriticalValue) -> None:
        self._touched.note(AttestedKind.CRITICAL, value.id)
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

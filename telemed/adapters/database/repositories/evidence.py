"""Evidence in one transaction."""

from __future__ import annotations

import sqlalchemy as sa

from telemed.adapters.database import rows as r
from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import Repository
from telemed.domain.evidence import Evidence


class EvidenceTable(Repository):
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

"""Evidence in one transaction."""

from __future__ import annotations

import sqlalchemy as sa

from telemed.adapters.database import rows as r
from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import Recorder
from telemed.domain.attestation import AttestedKind
from telemed.domain.evidence import Evidence


class EvidenceTable(Recorder):
    async def add(self, evidence: Evidence) -> None:
        self._note(evidence)
        await self._do(sa.insert(t.evidence).values(r.evidence_to_row(evidence)))

    async def save(self, evidence: Evidence) -> None:
        self._note(evidence)
        await self._do(sa.update(t.evidence).where(t.evidence.c.id == evidence.id).values(r.evidence_to_row(evidence)))

    async def get(self, evidence_id: str) -> Evidence | None:
        row = await self._one(sa.select(t.evidence).where(t.evidence.c.id == evidence_id))
        return r.evidence_from_row(row) if row else None

    async def of_case(self, case_id: str) -> list[Evidence]:
        query = sa.select(t.evidence).where(t.evidence.c.case_id == case_id).order_by(t.evidence.c.added_at, t.evidence.c.id)
        return [r.evidence_from_row(row) for row in await self._all(query)]

    async def remove(self, evidence_id: str) -> None:
        removed = await self.get(evidence_id)
        if removed is not None:
            self._note(removed)
        await self._do(sa.delete(t.evidence).where(t.evidence.c.id == evidence_id))

    def _note(self, evidence: Evidence) -> None:
        if evidence.key:  # a study's objects have their digests in the index of DICOM objects
            self._touched.note(AttestedKind.EVIDENCE, evidence.id)

"""Consents in one transaction."""

from __future__ import annotations

import sqlalchemy as sa

from telemed.adapters.database import rows as r
from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import Recorder
from telemed.domain.attestation import AttestedKind
from telemed.domain.consent import Consent


class ConsentTable(Recorder):
    async def add(self, consent: Consent) -> None:
        added = await self._do(
            sa.insert(t.consent).values(
                case_id=consent.case_id,
                giver=consent.giver.value,
                signed_name=consent.signed_name,
                evidence_id=consent.evidence_id,
                recorded_by=consent.recorded_by,
                recorded_at=consent.recorded_at,
            )
        )
        self._touched.note(AttestedKind.CONSENT, *added.inserted_primary_key or ())

    async def of_case(self, case_id: str) -> list[Consent]:
        query = sa.select(t.consent).where(t.consent.c.case_id == case_id).order_by(t.consent.c.id)
        return [r.consent_from_row(row) for row in await self._all(query)]

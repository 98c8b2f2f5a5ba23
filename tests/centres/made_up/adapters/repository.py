"""Audiograms in one transaction."""

from __future__ import annotations

from dataclasses import asdict

import sqlalchemy as sa

from telemed.adapters.database.repositories.base import Repository, insert_or_nothing
from tests.centres.made_up.adapters.tables import audiogram
from tests.centres.made_up.domain import Audiogram


class AudiogramTable(Repository):
    """Implements `Audiograms`."""

    async def add(self, found: Audiogram) -> bool:
        return bool((await self._do(insert_or_nothing(self._connection, audiogram).values(asdict(found)))).rowcount)

    async def of_case(self, case_id: str) -> list[Audiogram]:
        rows = await self._all(sa.select(audiogram).where(audiogram.c.case_id == case_id).order_by(audiogram.c.evidence_id))
        return [Audiogram(**row) for row in rows]

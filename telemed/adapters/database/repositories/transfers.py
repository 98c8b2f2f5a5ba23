"""Transfers of studies, as asked for and how far they are."""

from __future__ import annotations

from dataclasses import asdict

import sqlalchemy as sa

from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import Repository
from telemed.domain.transfer import Transfer, TransferKind, TransferStatus

MAX_SHOWN = 50
"""Transfers of one case, newest first."""


class TransferTable(Repository):
    async def add(self, transfer: Transfer) -> None:
        await self._do(sa.insert(t.transfer).values(asdict(transfer)))

    async def get(self, transfer_id: str) -> Transfer | None:
        row = await self._one(self._locked(sa.select(t.transfer).where(t.transfer.c.id == transfer_id)))
        return _transfer(row) if row else None

    async def save(self, transfer: Transfer) -> None:
        await self._do(sa.update(t.transfer).where(t.transfer.c.id == transfer.id).values(asdict(transfer)))

    async def of_case(self, case_id: str) -> list[Transfer]:
        c = t.transfer.c
        query = sa.select(t.transfer).where(c.case_id == case_id).order_by(c.asked_at.desc(), c.id.desc()).limit(MAX_SHOWN)
        return [_transfer(row) for row in await self._all(query)]


def _transfer(row: sa.RowMapping) -> Transfer:
    return Transfer(**{**row, "kind": TransferKind(row["kind"]), "status": TransferStatus(row["status"])})

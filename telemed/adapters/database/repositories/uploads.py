"""Uploads on their way in."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import Repository
from telemed.domain.upload import Part, Upload

u = t.upload.c


class UploadTable(Repository):
    async def add(self, upload: Upload) -> None:
        await self._do(sa.insert(t.upload).values(_row(upload)))

    async def get(self, upload_id: str) -> Upload | None:
        row = await self._one(self._locked(sa.select(t.upload).where(u.id == upload_id)))
        return _upload(row) if row else None

    async def save(self, upload: Upload) -> None:
        await self._do(sa.update(t.upload).where(u.id == upload.id).values(_row(upload)))

    async def remove(self, upload_id: str) -> None:
        await self._do(sa.delete(t.upload).where(u.id == upload_id))

    async def unfinished(self, username: str) -> int:
        query = sa.select(sa.func.count()).select_from(t.upload).where(u.username == username, u.evidence_id.is_(None))
        return int((await self._do(query)).scalar_one())

    async def expired(self, now: datetime, limit: int) -> list[Upload]:
        return [_upload(row) for row in await self._all(sa.select(t.upload).where(u.expires_at <= now).limit(limit))]


def _row(upload: Upload) -> dict[str, Any]:
    return asdict(upload) | {"parts": [[p.offset, p.size, p.key] for p in upload.parts]}


def _upload(row: sa.RowMapping) -> Upload:
    return Upload(**{**row, "parts": tuple(Part(*part) for part in row["parts"])})

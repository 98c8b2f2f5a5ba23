"""Sessions in one transaction."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import Repository
from telemed.service.ports.sessions import Session


class SessionTable(Repository):
    async def add(self, session: Session) -> None:
        values = {"token_digest": session.token_digest, "username": session.username}
        await self._do(sa.insert(t.session).values(**values, created_at=session.created_at, seen_at=session.seen_at))

    async def get(self, token_digest: str) -> Session | None:
        row = await self._one(sa.select(t.session).where(t.session.c.token_digest == token_digest))
        return Session(**row) if row else None

    async def seen(self, token_digest: str, at: datetime) -> None:
        await self._do(sa.update(t.session).where(t.session.c.token_digest == token_digest).values(seen_at=at))

    async def end(self, token_digest: str) -> None:
        await self._do(sa.delete(t.session).where(t.session.c.token_digest == token_digest))

    async def sweep(self, unseen_since: datetime, begun_before: datetime) -> int:
        ended = sa.or_(t.session.c.seen_at <= unseen_since, t.session.c.created_at <= begun_before)
        return (await self._do(sa.delete(t.session).where(ended))).rowcount

"""Sessions in one transaction."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import Repository
from telemed.domain.authentication_profile import Requirement
from telemed.service.ports.sessions import Session


class SessionTable(Repository):
    async def add(self, session: Session) -> None:
        await self._do(sa.insert(t.session).values(asdict(session)))

    async def get(self, token_digest: str) -> Session | None:
        row = await self._one(sa.select(t.session).where(t.session.c.token_digest == token_digest))
        return _session(row) if row else None

    async def of(self, username: str) -> list[Session]:
        s = t.session.c
        found = sa.select(t.session).where(s.username == username).order_by(s.created_at.desc(), s.token_digest)
        return [_session(row) for row in await self._all(found)]

    async def seen(self, token_digest: str, at: datetime) -> None:
        await self._do(sa.update(t.session).where(t.session.c.token_digest == token_digest).values(seen_at=at))

    async def fulfil(self, username: str, requirement: Requirement) -> None:
        s = t.session.c
        waiting = sa.select(s.token_digest, s.required).where(s.username == username, s.required != frozenset())
        for row in await self._all(self._locked(waiting)):
            left = row["required"] - {requirement.value}
            await self._do(sa.update(t.session).where(s.token_digest == row["token_digest"]).values(required=left))

    async def end(self, token_digest: str) -> None:
        await self._do(sa.delete(t.session).where(t.session.c.token_digest == token_digest))

    async def end_all(self, username: str, but: str = "") -> int:
        s = t.session.c
        return (await self._do(sa.delete(t.session).where(s.username == username, s.token_digest != but))).rowcount

    async def sweep(self, unseen_since: datetime, begun_before: datetime) -> int:
        ended = sa.or_(t.session.c.seen_at <= unseen_since, t.session.c.created_at <= begun_before)
        return (await self._do(sa.delete(t.session).where(ended))).rowcount

    async def sweep_ahead(self, seen_after: datetime, begun_after: datetime) -> int:
        closed = sa.select(t.person.c.username).where(sa.not_(t.person.c.active))
        s = t.session.c
        ended = sa.or_(s.seen_at >= seen_after, s.created_at >= begun_after, s.username.in_(closed))
        return (await self._do(sa.delete(t.session).where(ended))).rowcount


def _session(row: sa.RowMapping) -> Session:
    return Session(**{**row, "required": frozenset(map(Requirement, row["required"]))})

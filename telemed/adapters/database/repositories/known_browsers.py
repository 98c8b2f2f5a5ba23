"""Browsers in which people have signed in, in one transaction."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import Repository, insert_into


class KnownBrowserTable(Repository):
    async def find(self, username: str, digests: Collection[str], after: datetime, before: datetime) -> str | None:
        b = t.known_browser.c
        known = sa.select(b.token_digest).where(b.username == username, b.token_digest.in_(digests))
        row = await self._one(known.where(b.seen_at > after, b.seen_at < before).limit(1))
        return row["token_digest"] if row else None

    async def signed_in(self, digest: str, username: str, at: datetime, at_most: int) -> None:
        b = t.known_browser.c
        row = insert_into(self._connection.dialect.name, t.known_browser).values(token_digest=digest, username=username, seen_at=at)
        await self._do(row.on_conflict_do_update(index_elements=["token_digest"], set_={"seen_at": at}))
        newest = sa.select(b.token_digest).where(b.username == username).order_by(b.seen_at.desc(), b.token_digest).limit(at_most)
        await self._do(sa.delete(t.known_browser).where(b.username == username, b.token_digest.not_in(newest)))

    async def forget(self, digest: str) -> None:
        await self._do(sa.delete(t.known_browser).where(t.known_browser.c.token_digest == digest))

    async def forget_all(self, username: str, but: str = "") -> None:
        b = t.known_browser.c
        await self._do(sa.delete(t.known_browser).where(b.username == username, b.token_digest != but))

    async def sweep(self, before: datetime, after: datetime) -> int:
        b = t.known_browser.c
        closed = sa.select(t.person.c.username).where(sa.not_(t.person.c.active))
        ended = sa.or_(b.seen_at <= before, b.seen_at >= after, b.username.in_(closed))
        return (await self._do(sa.delete(t.known_browser).where(ended))).rowcount

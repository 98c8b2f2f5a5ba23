"""Invitations in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict

import sqlalchemy as sa

from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import Repository
from telemed.domain.accounts import Invitation


class InvitationTable(Repository):
    async def put(self, invitations: Sequence[Invitation]) -> None:
        await self.remove([each.username for each in invitations])
        if invitations:
            await self._do(sa.insert(t.invitation), [asdict(each) for each in invitations])

    async def get(self, token_digest: str) -> Invitation | None:
        row = await self._one(self._locked(sa.select(t.invitation).where(t.invitation.c.token_digest == token_digest)))
        return Invitation(**row) if row else None

    async def of(self, username: str) -> Invitation | None:
        row = await self._one(sa.select(t.invitation).where(t.invitation.c.username == username))
        return Invitation(**row) if row else None

    async def remove(self, usernames: Collection[str]) -> int:
        return (await self._do(sa.delete(t.invitation).where(t.invitation.c.username.in_(list(usernames))))).rowcount

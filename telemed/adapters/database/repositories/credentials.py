"""Passwords' state and history, half sessions, recoveries and notices of accounts, in one transaction."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import Repository
from telemed.domain.authentication_profile import CredentialState
from telemed.domain.second_factor import Recovery, RecoveryState
from telemed.service.ports.credentials import AccountEvent, AccountNotice, HalfSession


class PasswordTable(Repository):
    async def state(self, username: str) -> CredentialState:
        p, o, k = t.person.c, t.totp.c, t.passkey.c
        has_factor = sa.or_(sa.exists().where(o.username == username, o.confirmed), sa.exists().where(k.username == username)).label(
            "has_factor"
        )
        found = await self._one(sa.select(p.must_change_password, p.password_changed_at, has_factor).where(p.username == username))
        return CredentialState(**found) if found else CredentialState(False, None, False)

    async def replace(self, username: str, password_hash: str, at: datetime, kept: int, must_change: bool) -> None:
        p, h = t.person.c, t.password_history.c
        before = (await self._do(sa.select(p.password_hash).where(p.username == username).with_for_update())).scalar_one()
        await self._do(sa.insert(t.password_history).values(username=username, password_hash=before, replaced_at=at))
        newest = sa.select(h.id).where(h.username == username).order_by(h.id.desc()).limit(kept)
        await self._do(sa.delete(t.password_history).where(h.username == username, h.id.not_in(newest)))
        values = {"password_hash": password_hash, "password_changed_at": at, "must_change_password": must_change}
        await self._do(sa.update(t.person).where(p.username == username).values(values))

    async def earlier(self, username: str, at_most: int) -> list[str]:
        h = t.password_history.c
        newest = sa.select(h.password_hash).where(h.username == username).order_by(h.id.desc()).limit(at_most)
        return [row["password_hash"] for row in await self._all(newest)]


class HalfSessionTable(Repository):
    async def add(self, half: HalfSession) -> None:
        await self._do(sa.insert(t.half_session).values(asdict(half)))

    async def get(self, token_digest: str) -> HalfSession | None:
        row = await self._one(sa.select(t.half_session).where(t.half_session.c.token_digest == token_digest))
        return HalfSession(**row) if row else None

    async def take(self, token_digest: str) -> bool:
        return bool((await self._do(sa.delete(t.half_session).where(t.half_session.c.token_digest == token_digest))).rowcount)

    async def end_all(self, username: str) -> None:
        await self._do(sa.delete(t.half_session).where(t.half_session.c.username == username))

    async def sweep(self, before: datetime, after: datetime) -> int:
        gone = 0
        for table in (t.half_session, t.passkey_challenge):
            made = table.c.created_at
            gone += (await self._do(sa.delete(table).where(sa.or_(made <= before, made >= after)))).rowcount
        return gone


class RecoveryTable(Repository):
    async def add(self, recovery: Recovery) -> None:
        await self._do(sa.insert(t.factor_recovery).values(asdict(recovery) | {"state": recovery.state.value}))

    async def get(self, id_: str) -> Recovery | None:
        row = await self._one(self._locked(sa.select(t.factor_recovery).where(t.factor_recovery.c.id == id_)))
        return _recovery(row) if row else None

    async def since(self, moment: datetime) -> list[Recovery]:
        r = t.factor_recovery.c
        rows = await self._all(sa.select(t.factor_recovery).where(r.asked_at >= moment).order_by(r.asked_at.desc(), r.id))
        return [_recovery(row) for row in rows]

    async def confirm(self, id_: str, by: str, at: datetime) -> bool:
        r = t.factor_recovery.c
        asked = sa.update(t.factor_recovery).where(r.id == id_, r.state == RecoveryState.ASKED.value)
        return bool((await self._do(asked.values(state=RecoveryState.CONFIRMED.value, confirmed_by=by, confirmed_at=at))).rowcount)


def _recovery(row: sa.RowMapping) -> Recovery:
    return Recovery(**{**row, "state": RecoveryState(row["state"])})


class AccountNoticeTable(Repository):
    async def tell(self, username: str, kind: AccountEvent, actor: str, at: datetime) -> None:
        await self._do(sa.insert(t.account_notice).values(username=username, kind=kind.value, actor=actor, at=at))

    async def of(self, username: str, since: datetime, at_most: int) -> list[AccountNotice]:
        n, p = t.account_notice.c, t.person.c
        name = sa.func.coalesce(p.name, "").label("name")
        lines = sa.select(t.account_notice, name).outerjoin_from(t.account_notice, t.person, p.username == n.actor)
        newest = lines.where(n.username == username, n.at >= since).order_by(n.id.desc()).limit(at_most)
        rows = await self._all(newest)
        return [AccountNotice(row["at"], AccountEvent(row["kind"]), row["actor"], row["name"], row["seen"]) for row in rows]

    async def mark(self, username: str) -> None:
        n = t.account_notice.c
        await self._do(sa.update(t.account_notice).where(n.username == username, sa.not_(n.seen)).values(seen=True))

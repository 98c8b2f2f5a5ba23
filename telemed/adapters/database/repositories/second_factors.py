"""Second factors in one transaction: whatever is used once is used up by one statement."""

from __future__ import annotations

import base64
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import Repository, insert_into, insert_or_nothing
from telemed.domain.second_factor import Factors, Passkey, Totp, base32


class SecondFactorTable(Repository):
    async def of(self, username: str) -> Factors:
        o, k, c = t.totp.c, t.passkey.c, t.recovery_code.c
        confirmed = sa.exists().where(o.username == username, o.confirmed).label("totp")
        codes = sa.select(sa.func.count()).where(c.username == username).scalar_subquery().label("codes")
        counted = await self._one(sa.select(confirmed, codes))
        keys = await self._all(sa.select(t.passkey).where(k.username == username).order_by(k.created_at, k.id))
        passkeys = tuple(Passkey(**row) for row in keys)
        return Factors(bool(counted and counted["totp"]), passkeys, counted["codes"] if counted else 0)

    async def totp(self, username: str) -> Totp | None:
        row = await self._one(sa.select(t.totp).where(t.totp.c.username == username))
        return Totp(_bytes(row["secret"]), row["confirmed"], row["last_step"]) if row else None

    async def begin_totp(self, username: str, secret: bytes, at: datetime) -> None:
        values = {"secret": base32(secret), "confirmed": False, "last_step": 0, "created_at": at}
        row = insert_into(self._connection.dialect.name, t.totp).values(username=username, **values)
        again = row.on_conflict_do_update(index_elements=["username"], set_=values, where=sa.not_(t.totp.c.confirmed))
        await self._do(again)

    async def use_step(self, username: str, step: int) -> bool:
        o = t.totp.c
        fresh = sa.update(t.totp).where(o.username == username, o.last_step < step)
        return bool((await self._do(fresh.values(confirmed=True, last_step=step))).rowcount)

    async def remove_totp(self, username: str) -> bool:
        return bool((await self._do(sa.delete(t.totp).where(t.totp.c.username == username))).rowcount)

    async def put_recovery_codes(self, username: str, digests: list[str]) -> None:
        await self._do(sa.delete(t.recovery_code).where(t.recovery_code.c.username == username))
        if digests:
            await self._do(sa.insert(t.recovery_code), [{"username": username, "digest": digest} for digest in digests])

    async def use_recovery_code(self, username: str, digest: str) -> bool:
        c = t.recovery_code.c
        return bool((await self._do(sa.delete(t.recovery_code).where(c.username == username, c.digest == digest))).rowcount)

    async def add_passkey(self, passkey: Passkey) -> bool:
        return bool((await self._do(insert_or_nothing(self._connection, t.passkey).values(asdict(passkey)))).rowcount)

    async def use_passkey(self, id_: str, before: int, after: int, at: datetime) -> bool:
        k = t.passkey.c
        same = sa.update(t.passkey).where(k.id == id_, k.sign_count == before)
        return bool((await self._do(same.values(sign_count=after, last_used_at=at))).rowcount)

    async def remove_passkey(self, username: str, id_: str) -> bool:
        k = t.passkey.c
        return bool((await self._do(sa.delete(t.passkey).where(k.username == username, k.id == id_))).rowcount)

    async def remove_all(self, username: str) -> None:
        for table in (t.totp, t.recovery_code, t.passkey):
            await self._do(sa.delete(table).where(table.c.username == username))

    async def put_challenge(self, holder: str, challenge: str, at: datetime) -> None:
        values = {"challenge": challenge, "created_at": at}
        row = insert_into(self._connection.dialect.name, t.passkey_challenge).values(holder=holder, **values)
        await self._do(row.on_conflict_do_update(index_elements=["holder"], set_=values))

    async def take_challenge(self, holder: str, after: datetime, before: datetime) -> str | None:
        h = t.passkey_challenge.c
        given = sa.delete(t.passkey_challenge).where(h.holder == holder).returning(h.challenge, h.created_at)
        row = (await self._do(given)).mappings().first()
        return row["challenge"] if row and after < row["created_at"] < before else None


def _bytes(text: str) -> bytes:
    return base64.b32decode(text + "=" * (-len(text) % 8))

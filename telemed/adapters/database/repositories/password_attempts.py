"""Counts of attempts to give a password, and sums of the refused ones, in one transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import Repository, insert_into, insert_or_nothing
from telemed.domain.sign_in import AttemptKey, Attempts, Refusals, Scope


def _is(key: AttemptKey) -> sa.ColumnElement[bool]:
    a = t.password_attempt.c
    return sa.and_(a.scope == key.scope.value, a.account == key.account, a.origin == key.origin)


def _outside(moment: sa.Column[Any], before: datetime, after: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(moment <= before, moment >= after)


class PasswordAttemptTable(Repository):
    async def get(self, key: AttemptKey) -> Attempts | None:
        a = t.password_attempt.c
        row = await self._one(self._locked(sa.select(a.count, a.first_at, a.last_at).where(_is(key))))
        return Attempts(**row) if row else None

    async def held(self, key: AttemptKey, now: datetime) -> Attempts:
        values = {"scope": key.scope.value, "account": key.account, "origin": key.origin, "count": 0, "first_at": now, "last_at": now}
        await self._do(insert_or_nothing(self._connection, t.password_attempt).values(values))
        return await self.get(key) or Attempts(0, now, now)

    async def put(self, key: AttemptKey, attempts: Attempts) -> None:
        values = {"count": attempts.count, "first_at": attempts.first_at, "last_at": attempts.last_at}
        await self._do(sa.update(t.password_attempt).where(_is(key)).values(values))

    async def forget(self, key: AttemptKey) -> None:
        await self._do(sa.delete(t.password_attempt).where(_is(key)))

    async def forget_account(self, username: str) -> None:
        await self._do(sa.delete(t.password_attempt).where(t.password_attempt.c.account == username))

    async def sweep(self, scope: Scope, before: datetime, after: datetime) -> int:
        a = t.password_attempt.c
        return (await self._do(sa.delete(t.password_attempt).where(a.scope == scope.value, _outside(a.last_at, before, after)))).rowcount

    async def add_refusals(self, account: str, address: str, times: int, now: datetime) -> bool:
        table = t.refused_sign_in
        row = insert_into(self._connection.dialect.name, table).values(account=account, address=address, since=now, times=times)
        again = row.on_conflict_do_update(index_elements=["account", "address"], set_={"times": table.c.times + row.excluded.times})
        total = (await self._do(again.returning(table.c.times))).scalar_one()
        return bool(total == times)

    async def take_refusals(self, before: datetime, after: datetime, at_most: int) -> list[Refusals]:
        r = t.refused_sign_in.c
        ended = sa.select(r.account, r.address).where(_outside(r.since, before, after)).limit(at_most)
        taken = sa.delete(t.refused_sign_in).where(sa.tuple_(r.account, r.address).in_(ended))
        return [Refusals(**row) for row in await self._all(taken.returning(r.account, r.address, r.since, r.times))]

"""Accounts in one transaction."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from telemed.adapters.database import rows as r
from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import Repository, insert_or_nothing
from telemed.domain.people import Person


class PersonTable(Repository):
    async def any(self) -> bool:
        return await self._one(sa.select(t.person.c.username).limit(1)) is not None

    async def add(self, person: Person, password_hash: str = "", *, must_change: bool = False) -> bool:
        values = r.person_to_row(person) | {"password_hash": password_hash, "must_change_password": must_change}
        return bool((await self._do(insert_or_nothing(self._connection, t.person).values(values))).rowcount)

    async def get(self, username: str) -> Person | None:
        row = await self._one(sa.select(t.person).where(t.person.c.username == username))
        return r.person_from_row(row) if row else None

    async def password_hash(self, username: str) -> str | None:
        query = sa.select(t.person.c.password_hash).where(t.person.c.username == username, t.person.c.active)
        row = await self._one(self._locked(query))
        return row["password_hash"] if row else None

    async def signed_in(self, username: str, at: datetime) -> None:
        await self._do(sa.update(t.person).where(t.person.c.username == username).values(last_sign_in_at=at))

    async def with_role(self, role: str) -> list[Person]:
        query = sa.select(t.person).where(t.person.c.active).order_by(t.person.c.username)
        people = (r.person_from_row(row) for row in await self._all(query))
        return [person for person in people if role in {held.value for held in person.roles}]

    async def readers(self, institution: str, centre: str) -> list[Person]:
        query = sa.select(t.person).where(t.person.c.institution == institution, t.person.c.active).order_by(t.person.c.username)
        people = [r.person_from_row(row) for row in await self._all(query)]
        return [p for p in people if centre in p.centres]

"""Accounts in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa

from telemed.adapters.database import rows as r
from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import Repository, insert_or_nothing
from telemed.domain.people import Person

AT_ONCE = 500
"""Names in one statement: SQLite takes 32,766 values, older ones 999."""


class PersonTable(Repository):
    async def get(self, username: str) -> Person | None:
        row = await self._one(sa.select(t.person).where(t.person.c.username == username))
        return r.person_from_row(row) if row else None

    async def locked(self, username: str) -> Person | None:
        row = await self._one(self._locked(sa.select(t.person).where(t.person.c.username == username)))
        return r.person_from_row(row) if row else None

    async def get_many(self, usernames: Collection[str]) -> dict[str, Person]:
        found: dict[str, Person] = {}
        names = sorted(usernames)
        for start in range(0, len(names), AT_ONCE):
            some = names[start : start + AT_ONCE]
            query = sa.select(t.person).where(t.person.c.username.in_(some)).order_by(t.person.c.username)
            found |= {row["username"]: r.person_from_row(row) for row in await self._all(self._locked(query))}
        return found

    async def add(self, person: Person, password_hash: str = "", *, must_change: bool = False) -> bool:
        values = r.person_to_row(person) | {"password_hash": password_hash, "must_change_password": must_change}
        return bool((await self._do(insert_or_nothing(self._connection, t.person).values(values))).rowcount)

    async def add_all(self, people: Sequence[Person]) -> None:
        if people:
            await self._do(sa.insert(t.person), [r.person_to_row(person) | {"password_hash": ""} for person in people])

    async def save(self, person: Person) -> None:
        await self._do(sa.update(t.person).where(t.person.c.username == person.username).values(r.person_to_row(person)))

    async def set_password(self, username: str, password_hash: str, *, must_change: bool = False) -> None:
        values = {"password_hash": password_hash, "must_change_password": must_change}
        await self._do(sa.update(t.person).where(t.person.c.username == username).values(values))

    async def has_password(self, username: str) -> bool:
        row = await self._one(sa.select(t.person.c.password_hash).where(t.person.c.username == username))
        return bool(row and row["password_hash"])

    async def holding(self, role: str) -> list[Person]:
        named = t.person.c.roles.cast(sa.String).contains(role)  # a part of the text between commas; looked at again below
        query = sa.select(t.person).where(t.person.c.active, named).order_by(t.person.c.username)
        people = [r.person_from_row(row) for row in await self._all(self._locked(query))]
        return [person for person in people if role in {held.value for held in person.roles}]

    async def password_hash(self, username: str) -> str | None:
        query = sa.select(t.person.c.password_hash).where(t.person.c.username == username, t.person.c.active)
        row = await self._one(self._locked(query))
        return (row["password_hash"] or None) if row else None

    async def signed_in(self, username: str, at: datetime) -> None:
        await self._do(sa.update(t.person).where(t.person.c.username == username).values(last_sign_in_at=at))

    async def with_role(self, role: str) -> list[Person]:
        query = sa.select(t.person).where(t.person.c.active).order_by(t.person.c.username)
        people = (r.person_from_row(row) for row in await self._all(query))
        return [person for person in people if role in {held.value for held in person.roles}]

    async def readers(self, institution: str, centre: str) -> list[Person]:
        return [person for person in await self.at(institution) if centre in person.centres]

    async def at(self, institution: str) -> list[Person]:
        query = sa.select(t.person).where(t.person.c.institution == institution, t.person.c.active).order_by(t.person.c.username)
        return [r.person_from_row(row) for row in await self._all(query)]

"""Accounts and their passwords."""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from telemed.domain.people import Person


class People(Protocol):
    async def get(self, username: str) -> Person | None: ...
    async def locked(self, username: str) -> Person | None:
        """The person, locked for the rest of the transaction: two who change the same account do so one after the other."""
        ...

    async def get_many(self, usernames: Collection[str]) -> Mapping[str, Person]:
        """Those of the names that are there, by name, locked for the rest of a writing transaction."""
        ...

    async def add(self, person: Person, password_hash: str = "", *, must_change: bool = False) -> bool:
        """A new account; False where one has the name already. Without a hash no password is right."""
        ...

    async def add_all(self, people: Sequence[Person]) -> None:
        """New accounts without a password, whose names nobody has."""
        ...

    async def save(self, person: Person) -> None:
        """What the account says from now on, but for the password."""
        ...

    async def set_password(self, username: str, password_hash: str, *, must_change: bool = False) -> None:
        """From now on this password alone is right; an empty hash: none."""
        ...

    async def has_password(self, username: str) -> bool:
        """True if the account has one, whether it is closed or not."""
        ...

    async def holding(self, role: str) -> list[Person]:
        """Active people with this role, locked for the rest of the transaction in the order of their names."""
        ...

    async def password_hash(self, username: str) -> str | None:
        """Return the hash to check against; None for a name that nobody has and for an account that is closed."""
        ...

    async def signed_in(self, username: str, at: datetime) -> None:
        """Note the time of the last sign-in."""
        ...

    async def with_role(self, role: str) -> list[Person]:
        """Active people with this role."""
        ...

    async def readers(self, institution: str, centre: str) -> list[Person]: ...
    async def at(self, institution: str) -> list[Person]:
        """Active people of the institution, by name."""
        ...


class Asker(StrEnum):
    """Who has a password judged. Each kind has a queue of its own: strangers never stand before people who are known."""

    KNOWN = "known"
    """Signed in, or in a browser in which they signed in before."""
    STRANGER = "stranger"


class Passwords(Protocol):
    """Slow on purpose: call it outside a transaction."""

    def place(self, asker: Asker) -> AbstractContextManager[None]:
        """A place in the queue for as long as the block lasts. Raises TooManyWaiting where all are taken."""
        ...

    @property
    def common(self) -> Container[str]:
        """Passwords that everybody thinks of, in small letters."""
        ...

    async def hash(self, password: str) -> str: ...
    async def matches(self, password_hash: str, password: str, asker: Asker = Asker.KNOWN) -> bool: ...

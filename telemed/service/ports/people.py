"""Accounts and their passwords."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from telemed.domain.people import Person


class People(Protocol):
    async def any(self) -> bool:
        """True if there is an account, open or closed."""
        ...

    async def add(self, person: Person, password_hash: str = "", *, must_change: bool = False) -> bool:
        """A new account; False where one has the name already. Without a hash no password is right."""
        ...

    async def get(self, username: str) -> Person | None: ...
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

    async def hash(self, password: str) -> str: ...
    async def matches(self, password_hash: str, password: str, asker: Asker = Asker.KNOWN) -> bool: ...

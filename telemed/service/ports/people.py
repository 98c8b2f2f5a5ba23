"""Accounts and their passwords."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from telemed.domain.people import Person


@dataclass(slots=True)
class Credentials:
    """A password hash and the count of failures since the last success."""

    username: str
    password_hash: str
    failures: int = 0
    locked_until: datetime | None = None


class People(Protocol):
    async def get(self, username: str) -> Person | None: ...
    async def credentials(self, username: str) -> Credentials | None: ...
    async def save_credentials(self, credentials: Credentials) -> None: ...
    async def signed_in(self, username: str, at: datetime) -> None:
        """Note the time of the last sign-in."""
        ...

    async def with_role(self, role: str) -> list[Person]:
        """Active people with this role."""
        ...

    async def readers(self, institution: str, centre: str) -> list[Person]: ...


class Passwords(Protocol):
    """Slow on purpose: call it outside a transaction."""

    async def hash(self, password: str) -> str: ...
    async def matches(self, password_hash: str, password: str) -> bool: ...

"""Attempts to give a password, counted before they are judged."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from telemed.domain.sign_in import AttemptKey, Attempts, Refusals, Scope


class PasswordAttempts(Protocol):
    async def get(self, key: AttemptKey) -> Attempts | None: ...
    async def held(self, key: AttemptKey, now: datetime) -> Attempts:
        """Return the attempts so far; until the end of this transaction no other counts under the key."""
        ...

    async def put(self, key: AttemptKey, attempts: Attempts) -> None: ...
    async def forget(self, key: AttemptKey) -> None: ...
    async def forget_account(self, username: str) -> None:
        """Forget everything that is counted for the account."""
        ...

    async def sweep(self, scope: Scope, before: datetime, after: datetime) -> int:
        """Forget counts whose last attempt lies at or outside these moments; return how many."""
        ...

    async def add_refusals(self, account: str, address: str, times: int, now: datetime) -> bool:
        """Count refused attempts for a name from an address; return True if they are the first since the last were summed."""
        ...

    async def take_refusals(self, before: datetime, after: datetime, at_most: int) -> list[Refusals]:
        """Return and forget what has been summed since a moment at or outside these."""
        ...

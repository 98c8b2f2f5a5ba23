"""Browsers in which a person has signed in: only the digests of their tokens are kept."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol


class KnownBrowsers(Protocol):
    async def find(self, username: str, digests: Collection[str], after: datetime, before: datetime) -> str | None:
        """Return which of these the account is known in, by a sign-in between the two moments."""
        ...

    async def signed_in(self, digest: str, username: str, at: datetime, at_most: int) -> None:
        """Know this browser from now on, and of all of the account's the newest `at_most`."""
        ...

    async def forget(self, digest: str) -> None: ...
    async def forget_all(self, username: str, but: str = "") -> None: ...
    async def sweep(self, before: datetime, after: datetime) -> int:
        """Forget browsers with no sign-in between the two moments, and those of closed accounts; return how many."""
        ...

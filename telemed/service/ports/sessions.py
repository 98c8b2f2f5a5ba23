"""Sessions of signed-in people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from telemed.domain.authentication_profile import Requirement


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in session; only the digest of its token is kept. `address` and `client` are those of the sign-in,
    `browser` the digest of the known browser's token, each empty where there is none."""

    token_digest: str
    username: str
    created_at: datetime
    seen_at: datetime
    address: str = ""
    client: str = ""
    browser: str = ""
    required: frozenset[Requirement] = frozenset()
    """What the person must do in it before anything else."""


class Sessions(Protocol):
    async def add(self, session: Session) -> None: ...
    async def get(self, token_digest: str) -> Session | None: ...
    async def of(self, username: str) -> list[Session]:
        """Every session of the account, the newest first."""
        ...

    async def seen(self, token_digest: str, at: datetime) -> None: ...
    async def fulfil(self, username: str, requirement: Requirement) -> None:
        """The person has done this: no session of theirs waits for it any more."""
        ...

    async def end(self, token_digest: str) -> None: ...
    async def end_all(self, username: str, but: str = "") -> int:
        """End the account's sessions but this one; returns how many."""
        ...

    async def sweep(self, unseen_since: datetime, begun_before: datetime) -> int:
        """Forget sessions that nobody can use any more; returns how many."""
        ...

    async def sweep_ahead(self, seen_after: datetime, begun_after: datetime) -> int:
        """Forget sessions from a time when the clock ran ahead, and those of closed accounts; returns how many."""
        ...

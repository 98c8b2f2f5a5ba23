"""Sessions of signed-in people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in session; only the digest of its token is kept."""

    token_digest: str
    username: str
    created_at: datetime
    seen_at: datetime


class Sessions(Protocol):
    async def add(self, session: Session) -> None: ...
    async def get(self, token_digest: str) -> Session | None: ...
    async def seen(self, token_digest: str, at: datetime) -> None: ...
    async def end(self, token_digest: str) -> None: ...
    async def sweep(self, unseen_since: datetime, begun_before: datetime) -> int:
        """Forget sessions that nobody can use any more; returns how many."""
        ...

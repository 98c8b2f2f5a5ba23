"""Invitations to choose the first password of an account: only the digests of their tokens are kept."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from telemed.domain.accounts import Invitation


class Invitations(Protocol):
    async def put(self, invitations: Sequence[Invitation]) -> None:
        """Keep these; of each account there is one, the last."""
        ...

    async def get(self, token_digest: str) -> Invitation | None:
        """The invitation, locked for the rest of a writing transaction."""
        ...

    async def of(self, username: str) -> Invitation | None: ...
    async def remove(self, usernames: Collection[str]) -> int:
        """Take back what these accounts have; returns how many there were."""
        ...

"""Resumable uploads."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from telemed.domain.upload import Upload


class Uploads(Protocol):
    async def add(self, upload: Upload) -> None: ...
    async def get(self, upload_id: str) -> Upload | None:
        """The upload, locked for the rest of a writing transaction."""
        ...

    async def save(self, upload: Upload) -> None: ...
    async def remove(self, upload_id: str) -> None: ...
    async def unfinished(self, username: str) -> int:
        """Return how many uploads of this person are not yet evidence."""
        ...

    async def expired(self, now: datetime, limit: int) -> list[Upload]: ...

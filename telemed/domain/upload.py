"""A file on its way in: resumable, in parts, until the last byte is here and it becomes evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

LIFETIME = timedelta(days=7)
"""An upload that nobody went on with for this long is dropped (practice: a clinic's line is back within days)."""

MAX_UNFINISHED = 200
"""Unfinished uploads of one person: a browser sends three at a time, the rest was left behind by closed pages."""

MAX_PARTS = 10_000
"""Requests of a few bytes each would make as many objects; a file of 4 GiB in parts of 8 MiB has 512."""


@dataclass(frozen=True, slots=True)
class Part:
    """`size` bytes at `offset` of the file, stored under `key`."""

    offset: int
    size: int
    key: str


@dataclass(slots=True)
class Upload:
    """`length` and `offset` in bytes; `offset` counts what is durable. `evidence_id` is set when the file is evidence."""

    id: str
    case_id: str
    username: str
    name: str
    length: int
    created_at: datetime
    expires_at: datetime
    offset: int = 0
    parts: tuple[Part, ...] = ()
    evidence_id: str | None = None

    @property
    def folder(self) -> str:
        """Return the prefix of the keys of its parts."""
        return f"uploads/{self.id}/"

    def take(self, parts: tuple[Part, ...], now: datetime) -> None:
        """The parts are durable and follow what is here."""
        for part in parts:
            if part.offset != self.offset:
                raise ValueError(f"part at {part.offset} does not follow {self.offset}")
            self.offset += part.size
        self.parts += parts
        self.expires_at = now + LIFETIME

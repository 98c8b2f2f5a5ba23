"""The end of the audit trail, sealed and kept apart from it.

The chain shows a record that was changed, put in or taken out, but not that its end was cut off: a shorter chain is whole
too. So the worker notes now and then where it ends, in the object store and not in the database, under a seal
(HMAC-SHA256) whose key lies in neither. `telemed verify` looks whether the noted record is still there. What was appended
since the last note can still be cut off unseen; that is at most `EVERY`.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.protocol import ObjectStore
from telemed.adapters.database import tables as t
from telemed.adapters.key_files import kept

log = structlog.get_logger()

FOLDER = "audit/anchors/"
EVERY = timedelta(minutes=1)
KEPT = 2
"""The newest covers all before it; one more stays for the moment in which a store loses the last thing it was given."""


class ForgedAnchor(Exception):
    """A note of the trail's end that does not bear this installation's seal."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """At the time `at` the trail ended with the record at `position`, whose digest was `digest`."""

    position: int
    digest: str
    at: datetime

    @property
    def key(self) -> str:
        return f"{FOLDER}{self.position:015d}.json"


class _Sealed(msgspec.Struct):
    position: int
    digest: str
    at: datetime
    seal: str


class AuditAnchors:
    """The notes of one installation. As a maintenance task of the worker, call it now and then."""

    def __init__(self, engine: AsyncEngine, store: ObjectStore, key_file: Path) -> None:
        self._engine, self._store = engine, store
        self._key = kept(key_file, lambda: os.urandom(32))
        self._last: Anchor | None = None

    async def __call__(self, now: datetime) -> None:
        """Note the end, where it has moved and it is time. A trail that lost the last noted record is not noted again."""
        self._last = self._last or await self.newest()
        if self._last and now - self._last.at < EVERY:
            return
        end = await self._end()
        if end is None or (self._last and end[0] == self._last.position):
            return
        if self._last and (fault := await self.fault_of(self._last)):
            log.error("audit.fault", reason=fault)
            return
        anchor = Anchor(*end, now)
        sealed = _Sealed(anchor.position, anchor.digest, now, self._seal(anchor))
        await self._store.put(anchor.key, msgspec.json.encode(sealed), media_type="application/json")
        self._last = anchor
        for key in (await self._keys())[:-KEPT]:
            await self._store.delete(key)

    async def newest(self) -> Anchor | None:
        """The note of the farthest end. Raises ForgedAnchor."""
        keys = await self._keys()
        if not keys:
            return None
        try:
            sealed = msgspec.json.decode(await self._store.read(keys[-1]), type=_Sealed)
        except msgspec.DecodeError:
            raise ForgedAnchor(f"{keys[-1]} cannot be read") from None
        anchor = Anchor(sealed.position, sealed.digest, sealed.at)
        if not hmac.compare_digest(self._seal(anchor), sealed.seal) or anchor.key != keys[-1]:
            raise ForgedAnchor(f"{keys[-1]} does not bear the seal of this installation")
        return anchor

    async def fault_of(self, anchor: Anchor) -> str:
        """Return the fault of the trail by this note, or an empty text."""
        query = sa.select(t.audit.c.digest).where(t.audit.c.position == anchor.position)
        async with self._engine.connect() as bare:
            connection = await bare.execution_options(reading=True)
            found = (await connection.execute(query)).scalar_one_or_none()
        if found is None:
            return f"the end was cut off: record {anchor.position} was there at {anchor.at.isoformat()}"
        return "" if found == anchor.digest else f"record {anchor.position} is not the one that was there at {anchor.at.isoformat()}"

    async def _end(self) -> tuple[int, str] | None:
        query = sa.select(t.audit.c.position, t.audit.c.digest).order_by(t.audit.c.position.desc()).limit(1)
        async with self._engine.connect() as bare:
            connection = await bare.execution_options(reading=True)
            row = (await connection.execute(query)).first()
        return (row.position, row.digest) if row else None

    async def _keys(self) -> list[str]:
        return [key async for key in self._store.list(FOLDER)]

    def _seal(self, anchor: Anchor) -> str:
        content = msgspec.json.encode([anchor.position, anchor.digest, anchor.at.isoformat()])
        return hmac.new(self._key, content, hashlib.sha256).hexdigest()

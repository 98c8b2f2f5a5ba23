"""The end of the audit trail, signed and kept apart from it.

The chain shows a record that was changed, put in or taken out, but not that its end was cut off, nor that all of it was computed
anew: such a chain is whole too. So the worker notes now and then where the trail ends, in the object store and not in the database,
signed with a key that lies in neither, and in further places that the settings name. `telemed verify` looks whether every noted
record is still there. What was appended since the last note can still be cut off unseen; that is at most `EVERY`.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from storage import StorageError
from storage.protocol import ObjectStore
from telemed.adapters.audit import chain
from telemed.adapters.audit.anchor_key import AnchorSigner, AnchorVerifier, load_signer
from telemed.adapters.audit.anchor_places import FOLDER, AnchorPlace, StorePlace
from telemed.adapters.database import tables as t
from telemed.domain.audit import AuditRecord
from telemed.domain.people import SYSTEM

if TYPE_CHECKING:
    from telemed.adapters.audit.time_stamps import TimeStamps  # it loads what reads certificates: who stamps nothing does not wait for it

__all__ = ["EVERY", "FOLDER", "Anchor", "AuditAnchors", "ForgedAnchor", "decode_anchor", "thinned"]

log = structlog.get_logger()

FORM: Final = "telemed-anchor-1"
EVERY: Final = timedelta(minutes=1)
FURTHER_EVERY: Final = timedelta(minutes=10)
"""Further places take fewer: nothing is ever removed there."""
STAMP_EVERY: Final = timedelta(hours=1)

KEPT_ALL: Final = timedelta(days=1)
KEPT_HOURLY: Final = timedelta(days=31)
"""In the object store all anchors of the last day are kept, of the last 31 days the last one of each hour, before that the last one of
each day (UTC)."""

NEW_KEY: Final = "audit:key"
"""Record of the trail: from here on, anchors are signed with this key."""


class ForgedAnchor(Exception):
    """A note of the trail's end that does not bear a signature of this installation."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """At the time `at` the trail ended with the record at `position`, whose digest was `digest`. `key`: fingerprint of the signing key."""

    position: int
    digest: str
    at: datetime
    key: str = ""
    signature: bytes = b""
    time_stamp: bytes = b""

    @property
    def name(self) -> str:
        return f"{self.position:015d}-{self.at.astimezone(UTC):%Y%m%dT%H%M%SZ}.json"

    @property
    def content(self) -> bytes:
        """What is signed: JSON in UTF-8 without white space, names in the order of their characters."""
        at = self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return msgspec.json.encode({"at": at, "digest": self.digest, "form": FORM, "position": self.position}, order="sorted")

    @property
    def stamped(self) -> bytes:
        """What an authority's time stamp is over: the content and its signature."""
        return self.content + self.signature

    def encoded(self) -> bytes:
        """Return the anchor as it is kept."""
        lines = {"signature": base64.b64encode(self.signature).decode(), "time_stamp": base64.b64encode(self.time_stamp).decode()}
        return msgspec.json.encode({**msgspec.json.decode(self.content), "key": self.key} | lines)


class _Kept(msgspec.Struct):
    position: int
    digest: str
    at: datetime
    key: str = ""
    signature: str = ""
    time_stamp: str = ""
    seal: str = ""
    form: str = ""


def decode_anchor(name: str, content: bytes, verifier: AnchorVerifier, seal: bytes) -> Anchor:
    """Return the anchor, proved. `seal` is the key of anchors as they were sealed before they were signed. Raises ForgedAnchor."""
    try:
        kept = msgspec.json.decode(content, type=_Kept)
        anchor = Anchor(kept.position, kept.digest, kept.at, kept.key, *map(base64.b64decode, (kept.signature, kept.time_stamp)))
    except (msgspec.DecodeError, ValueError):
        raise ForgedAnchor(f"{name} cannot be read") from None
    if kept.seal:
        if not seal or not hmac.compare_digest(_seal(anchor, seal), kept.seal) or name != f"{anchor.position:015d}.json":
            raise ForgedAnchor(f"{name} does not bear the seal of this installation")
        return anchor
    try:
        signed = verifier.is_signed(anchor.key, anchor.content, anchor.signature)
    except KeyError:
        raise ForgedAnchor(f"{name} is signed with a key that is not at hand (SHA-256 {anchor.key[:16]}...)") from None
    if not signed or name != anchor.name:
        raise ForgedAnchor(f"{name} does not bear a signature of this installation")
    return anchor


def _seal(anchor: Anchor, key: bytes) -> str:
    content = msgspec.json.encode([anchor.position, anchor.digest, anchor.at.isoformat()])
    return hmac.new(key, content, hashlib.sha256).hexdigest()


def thinned(names: Sequence[str], now: datetime) -> list[str]:
    """Return the names of those anchors, in order, that are no longer kept."""
    last: dict[str, str] = {}
    gone = []
    for name in names:
        at = _moment(name)
        if at is None or now - at < KEPT_ALL:
            continue
        span = f"{at:%Y%m%d%H}" if now - at < KEPT_HOURLY else f"{at:%Y%m%d}"
        if span in last:
            gone.append(last[span])
        last[span] = name
    return gone


def _moment(name: str) -> datetime | None:
    """The time in an anchor's name; None for one of the older form."""
    try:
        return datetime.strptime(name.partition("-")[2], "%Y%m%dT%H%M%SZ.json").replace(tzinfo=UTC)
    except ValueError:
        return None


class AuditAnchors:
    """Writes the notes of one installation. As a maintenance task of the worker, call it now and then.

    `made`: the key lies in the data folder, and is made with the first anchor.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        store: ObjectStore,
        key_file: Path,
        *,
        made: bool = True,
        further: Sequence[AnchorPlace] = (),
        time_stamps: TimeStamps | None = None,
    ) -> None:
        self._engine, self._place = engine, StorePlace(store)
        self._key_file, self._made = key_file, made
        self._further, self._time_stamps = further, time_stamps
        self._signer: AnchorSigner | None = None if made else load_signer(key_file, make=False)
        self._last: Anchor | None = None
        self._looked = False
        self._sent: dict[str, datetime] = {}
        self._stamped: datetime | None = None

    async def __call__(self, now: datetime) -> None:
        """Note the end, where it has moved and it is time. A trail that lost the last noted record is not noted again."""
        if not self._looked:
            self._last, self._looked = await self._newest(), True
        if self._last and now - self._last.at < EVERY:
            return
        end = await self._end()
        if end is None or (self._last and end[0] == self._last.position):
            return
        if self._last and (fault := await self._fault_of(self._last)):
            log.error("audit.fault", reason=fault)
            return
        signer = await self._ready_signer(now)
        end = await self._end() or end
        anchor = await self._time_stamped(_signed(Anchor(*end, now), signer))
        await self._place.put(anchor.name, anchor.encoded())
        self._last = anchor
        for place in self._further:
            await self._send(place, anchor)
        for name in thinned(await self._place.names(), now):
            await self._place.delete(name)

    async def _newest(self) -> Anchor | None:
        """The anchor of the farthest end, as it is noted: whether its signature is right, `telemed verify` says."""
        names = await self._place.names()
        if not names:
            return None
        try:
            kept = msgspec.json.decode(await self._place.read(names[-1]), type=_Kept)
        except msgspec.DecodeError:
            raise ForgedAnchor(f"{names[-1]} cannot be read") from None
        return Anchor(kept.position, kept.digest, kept.at)

    async def _ready_signer(self, now: datetime) -> AnchorSigner:
        """The signer; the trail says with which key, before the first anchor that bears its signature."""
        if self._signer is None:
            self._signer = await asyncio.to_thread(load_signer, self._key_file, make=True)
        subject = f"key/{self._signer.fingerprint}"
        query = sa.select(t.audit.c.subject).where(t.audit.c.action == NEW_KEY).order_by(t.audit.c.position.desc()).limit(1)
        async with self._engine.begin() as connection:
            if (await connection.execute(query)).scalar_one_or_none() != subject:
                await chain.append(connection, [AuditRecord(now, "audit:key", SYSTEM, "", subject, "success", {})])
        return self._signer

    async def _time_stamped(self, anchor: Anchor) -> Anchor:
        if self._time_stamps is None or (self._stamped and anchor.at - self._stamped < STAMP_EVERY):
            return anchor
        try:
            token = await self._time_stamps.stamp(anchor.stamped)
        except OSError as error:
            log.error("audit.time_stamp_failed", reason=str(error))
            return anchor
        self._stamped = anchor.at
        return Anchor(anchor.position, anchor.digest, anchor.at, anchor.key, anchor.signature, token)

    async def _send(self, place: AnchorPlace, anchor: Anchor) -> None:
        """A place that does not answer is tried again with the next anchor, which covers this one."""
        last = self._sent.get(place.label)
        if last and anchor.at - last < FURTHER_EVERY:
            return
        try:
            await place.put(anchor.name, anchor.encoded())
        except StorageError as error:
            log.error("audit.anchor_not_sent", place=place.label, reason=str(error))
            return
        self._sent[place.label] = anchor.at

    async def _fault_of(self, anchor: Anchor) -> str:
        query = sa.select(t.audit.c.digest).where(t.audit.c.position == anchor.position)
        async with self._engine.connect() as bare:
            connection = await bare.execution_options(reading=True)
            found = (await connection.execute(query)).scalar_one_or_none()
        return fault_by(anchor, found)

    async def _end(self) -> tuple[int, str] | None:
        query = sa.select(t.audit.c.position, t.audit.c.digest).order_by(t.audit.c.position.desc()).limit(1)
        async with self._engine.connect() as bare:
            connection = await bare.execution_options(reading=True)
            row = (await connection.execute(query)).first()
        return (row.position, row.digest) if row else None


def _signed(anchor: Anchor, signer: AnchorSigner) -> Anchor:
    return Anchor(anchor.position, anchor.digest, anchor.at, signer.fingerprint, signer.sign(anchor.content))


def fault_by(anchor: Anchor, digest: str | None) -> str:
    """Return the fault of the trail by this note, where the record at its position has this digest now; None: it has no such record."""
    if digest is None:
        return f"the end was cut off: record {anchor.position} was there at {anchor.at.isoformat()}"
    return "" if digest == anchor.digest else f"record {anchor.position} is not the one that was there at {anchor.at.isoformat()}"

"""The one way in, for C-STORE, STOW-RS and upload: check, store the bytes as sent, index, acknowledge.

What was acknowledged is on disk and in the index. Objects have unique keys in order of time: two senders of the same
bytes never touch each other's object, so whichever loses in the database may delete its own without a race, and a key
that no row names after a day was left by a crash and can be swept. Sameness is decided by the database.

Same SOP Instance UID, other content: the new object is kept aside and the sender is answered B000H. C-STORE has no
status for it (PS3.4 table B.2-1, PS3.7 9.1.1.1.9); a failure would make modalities repeat for ever or tell an operator
that nothing was kept, a bare success would hide it. A warning says both: kept, and look at it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterable, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum

import sqlalchemy as sa
import uuid6
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from dicom_gateway.errors import NotStorable, UnreadableDICOM
from dicom_gateway.header import InstanceHeader, read_header
from dicom_gateway.index.quarantine import QuarantinedObject, quarantine
from dicom_gateway.index.recording import IndexedInstance, KnownPlaces, ReceivedInstance, Recorded, record
from dicom_gateway.inflation import INFLATING
from dicom_gateway.part10 import data_set_digest
from dicom_gateway.scanner import is_deflated, scan
from dicom_gateway.spool import TooLarge, gathered, pieces_of
from storage.errors import StorageError, StoreFull
from storage.group_commit import GroupCommit
from storage.protocol import ObjectStore, StoredObject
from storage.space import UNGUARDED, SpaceGuard

log = logging.getLogger(__name__)

MAX_OBJECT = 8 << 30  # bytes; whole-slide images reach several gigabytes
MAX_IN_FLIGHT = 64  # objects between the first byte and the commit
OFF_LOOP = 256 << 10  # bytes from which hashing and scanning leave the event loop

# (header of an object that is about to be kept) -> why it may not be, empty where it may.
Admit = Callable[[InstanceHeader], Awaitable[str]]
PLACE, ASIDE = "dicom/", "quarantine/"
"""What the keys of objects begin with, and of those that cannot be read."""

OnIndexed = Callable[[sa.Connection, Sequence[IndexedInstance]], None]
AfterCommit = Callable[[], None]


class Outcome(Enum):
    """The outcome for an object, with its DIMSE status (PS3.7 annex C, PS3.4 table B.2-1)."""

    STORED = 0x0000
    DUPLICATE = 0x10000  # answered as success: what was asked for is so
    CONFLICT = 0xB000  # warning: coercion of data elements; see the module's docstring
    OUT_OF_RESOURCES = 0xA700
    FULL = 0x2A700  # out of resources as well: the disk, or what of it may be filled
    NOT_STORABLE = 0xA900  # error: data set does not match SOP class
    UNREADABLE = 0xC000  # error: cannot understand
    NOT_ADMITTED = 0x0124  # refused: not authorised; nothing was kept

    @property
    def status(self) -> int:
        """The DIMSE status."""
        return self.value & 0xFFFF


@dataclass(frozen=True, slots=True)
class Source:
    """The origin of an object. `via` is dimse, stow or upload; the UIDs, where given, are what
    the C-STORE request or the STOW-RS address named; the object must agree. `reference` is handed to the host's hook."""

    via: str
    calling_ae: str | None = None
    address: str | None = None
    sop_class_uid: str | None = None
    sop_instance_uid: str | None = None
    study_instance_uid: str | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Received:
    """The answer to the sender. `status` is the DIMSE status, `comment` one plain sentence (empty on success)."""

    outcome: Outcome
    comment: str = ""
    study_instance_uid: str | None = None
    series_instance_uid: str | None = None
    sop_instance_uid: str | None = None
    sop_class_uid: str | None = None
    instance_id: int | None = None

    @property
    def status(self) -> int:
        """The DIMSE status."""
        return self.outcome.status


CANNOT_STORE_NOW = Received(Outcome.OUT_OF_RESOURCES, "the archive cannot store now; send again later")
NO_ROOM = Received(Outcome.FULL, "the archive's disk is full; make room, then send again")


class Intake:
    """Takes objects in. One for a process; it may be called from many tasks at once.

    `space` watches over the disks: what comes as a flow is refused before it is gathered; the store refuses the rest.
    `on_indexed` runs inside the transaction with everything the batch did, `after_commit` behind it (a wake-up only).
    """

    def __init__(
        self,
        engine: AsyncEngine,
        store: ObjectStore,
        *,
        on_indexed: OnIndexed | None = None,
        after_commit: AfterCommit | None = None,
        max_object: int = MAX_OBJECT,
        max_in_flight: int = MAX_IN_FLIGHT,
        space: SpaceGuard = UNGUARDED,
    ) -> None:
        self.engine = engine
        self.store = store
        self._on_indexed = on_indexed
        self._known = KnownPlaces()
        self.after_commit: AfterCommit = after_commit or _nothing
        self._max_object = max_object
        self._space = space
        self._places = asyncio.Semaphore(max_in_flight)
        self._commits: GroupCommit[ReceivedInstance, IndexedInstance] = GroupCommit(
            self._write, away=(OperationalError, InterfaceError, OSError)
        )

    async def receive(self, part10: bytes | AsyncIterable[bytes], owner: str, source: Source, admit: Admit | None = None) -> Received:
        """Take one DICOM file in. Returns only after it is durable, or with a status that says it is not. `admit` is asked before
        anything is kept.

        Raises nothing for bad content or a store or database that fails: that is in the answer.
        """
        async with self._places:
            try:
                if not isinstance(part10, bytes):
                    await asyncio.to_thread(self._space.admit, PLACE)
                async with gathered(part10, self._max_object) as content:
                    return await self._receive(content, owner, source, admit)
            except TooLarge as error:
                return Received(Outcome.OUT_OF_RESOURCES, str(error))
            except StoreFull:  # the log says once that it is full
                return NO_ROOM
            except (StorageError, SQLAlchemyError, OSError) as error:
                log.warning("an object from %s could not be stored: %s", owner, error)
            except Exception:  # the host's hook may fail in ways of its own; the sender must get an answer all the same
                log.exception("an object from %s could not be stored", owner)
            return CANNOT_STORE_NOW

    async def close(self) -> None:
        """Wait for the commits under way."""
        await self._commits.close()

    async def _receive(self, content: bytes | memoryview, owner: str, source: Source, admit: Admit | None) -> Received:
        try:
            if is_deflated(content):
                header, digest = await asyncio.get_running_loop().run_in_executor(INFLATING, _examine, content, source)
            elif len(content) < OFF_LOOP:
                header, digest = _examine(content, source)
            else:
                header, digest = await asyncio.to_thread(_examine, content, source)
        except UnreadableDICOM as error:
            return await self._quarantine(content, owner, source, Outcome.UNREADABLE, error.reason, error.offset)
        except NotStorable as error:
            return await self._quarantine(content, owner, source, Outcome.NOT_STORABLE, str(error), None)
        if admit is not None and (refusal := await admit(header)):
            uids = (header.study_instance_uid, header.series_instance_uid, header.sop_instance_uid, header.sop_class_uid)
            return Received(Outcome.NOT_ADMITTED, refusal, *uids)
        stored = await self._put(f"{PLACE}{owner}", content)
        indexed = await self._commits.submit(
            ReceivedInstance(
                owner=owner,
                header=header,
                object_key=stored.key,
                size=stored.size,
                sha256=stored.sha256,
                data_set_sha256=digest,
                received_at=datetime.now(UTC),
                received_by=source.via,
                calling_ae=source.calling_ae,
                peer_address=source.address,
                reference=source.reference,
            )
        )
        if indexed.recorded in (Recorded.DUPLICATE, Recorded.REPEATED_CONFLICT):
            await self._discard(stored.key)
        return _answer(indexed)

    async def _write(self, batch: Sequence[ReceivedInstance]) -> Sequence[IndexedInstance]:
        async with self.engine.begin() as connection:
            indexed = await connection.run_sync(self.enter, batch)
        self.entered(indexed)
        return indexed

    def enter(self, connection: sa.Connection, batch: Sequence[ReceivedInstance]) -> list[IndexedInstance]:
        """Record `batch` inside the caller's transaction, and let the host's hook have its part in it."""
        indexed = record(connection, batch, self._known)
        if self._on_indexed is not None:
            self._on_indexed(connection, indexed)
        return indexed

    def entered(self, indexed: Sequence[IndexedInstance]) -> None:
        """To be called once what `enter` returned is committed. Raises nothing: a caller that failed here would enter it once more."""
        self._known.learn(indexed)
        try:
            self.after_commit()
        except Exception:
            log.exception("the host was not woken")

    async def _put(self, place: str, content: bytes | memoryview) -> StoredObject:
        now = datetime.now(UTC)
        key = f"{place}/{now:%Y/%m/%d/%H}/{uuid6.uuid7().hex}"
        body = content if isinstance(content, bytes) else pieces_of(content)
        return await self.store.put(key, body, media_type="application/dicom")

    async def _quarantine(
        self, content: bytes | memoryview, owner: str, source: Source, outcome: Outcome, reason: str, offset: int | None
    ) -> Received:
        """Keep what cannot be placed where a person sees it; the same bytes once."""
        answer = Received(outcome, reason, sop_instance_uid=source.sop_instance_uid, sop_class_uid=source.sop_class_uid)
        if not content:
            return replace(answer, comment="the object is empty")
        stored = await self._put(f"{ASIDE}{owner}", content)
        found = QuarantinedObject(
            owner=owner,
            object_key=stored.key,
            size=stored.size,
            sha256=stored.sha256,
            reason=reason,
            received_at=datetime.now(UTC),
            received_by=source.via,
            calling_ae=source.calling_ae,
            peer_address=source.address,
            offset=offset,
        )
        async with self.engine.begin() as connection:
            is_new = await connection.run_sync(quarantine, found)
        if not is_new:
            await self._discard(stored.key)
        return answer

    async def _discard(self, key: str) -> None:
        """Delete an object of ours that no row names. A failure leaves it to the host's object sweep."""
        try:
            await self.store.delete(key)
        except StorageError as error:
            log.info("an unneeded object stays behind at %s: %s", key, error)


def _nothing() -> None:
    """Do nothing: the host gave no `after_commit`."""


def _examine(content: bytes | memoryview, source: Source) -> tuple[InstanceHeader, str]:
    """The header, and the digest that stands for the data set."""
    found = scan(content)
    header = read_header(found, source.sop_class_uid, source.sop_instance_uid)
    if source.study_instance_uid and source.study_instance_uid != header.study_instance_uid:
        raise NotStorable("Study Instance UID differs from the one in the address")
    data_set = memoryview(content)[found.data_set_offset :]
    return header, data_set_digest(data_set, header.sop_class_uid, header.sop_instance_uid, header.transfer_syntax_uid)


CONFLICT_COMMENT = "other content under this SOP Instance UID; kept aside"
_ANSWERS = {
    Recorded.NEW: (Outcome.STORED, ""),
    Recorded.DUPLICATE: (Outcome.DUPLICATE, ""),
    Recorded.CONFLICT: (Outcome.CONFLICT, CONFLICT_COMMENT),
    Recorded.REPEATED_CONFLICT: (Outcome.CONFLICT, CONFLICT_COMMENT),
}


def _answer(indexed: IndexedInstance) -> Received:
    outcome, comment = _ANSWERS[indexed.recorded]
    header = indexed.received.header
    return Received(
        outcome,
        comment,
        header.study_instance_uid,
        header.series_instance_uid,
        header.sop_instance_uid,
        header.sop_class_uid,
        indexed.instance_id,
    )

"""Sending stored instances to a peer: several associations side by side, each reading ahead of what it sends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from dicom_gateway.errors import NotStorable, UnreadableDICOM
from dicom_gateway.index import StoredInstance
from dicom_gateway.pixels import PixelPool
from dicom_gateway.pixels.errors import PixelError
from dicom_gateway.pixels.transcode import TARGETS, transcode
from dicom_gateway.scanner import read_meta
from dicom_gateway.upper_layer.sender import Peer, SendingFailed, StorageAssociation
from storage.errors import StorageError
from storage.protocol import ObjectStore

log = logging.getLogger(__name__)

ASSOCIATIONS = 4  # to one peer for one request: more give no more on the networks of clinics
EACH = 16  # instances for which a further association is worth its making
_WARNINGS = range(0xB000, 0xC000)  # statuses of C-STORE (PS3.4 table B.2-1), beside 0001H and 0107H
_OFF_LOOP = 256 << 10  # bytes from which scanning leaves the event loop


@dataclass(slots=True)
class Progress:
    """The progress of a request. Written in one place, read anywhere."""

    remaining: int
    completed: int = 0
    warned: int = 0
    failed: list[str] = field(default_factory=list)
    reason: str = ""
    cancelled: bool = False

    def note(self, status: int | None, sop_instance_uid: str, reason: str = "") -> None:
        """One sub-operation has ended with this status of C-STORE, or without any."""
        self.remaining -= 1
        if status == 0:
            self.completed += 1
        elif status is not None and (status in _WARNINGS or status in (0x0001, 0x0107, 0x0116)):
            self.warned += 1
        else:
            self.failed.append(sop_instance_uid)
            self.reason = reason or f"the peer answered {status:04X}H"


class Readable:
    """Objects as data sets, in a transfer syntax that the peer takes."""

    def __init__(self, store: ObjectStore, pool: PixelPool) -> None:
        self._store, self._pool = store, pool

    async def data_set(self, instance: StoredInstance, syntax: str) -> memoryview:
        """The data set's bytes, as they lie in the store where `syntax` is theirs. Raises `StorageError`, `PixelError`,
        `UnreadableDICOM` or `NotStorable`."""
        content = await self._store.read(instance.object_key)
        if syntax != instance.transfer_syntax_uid:
            content = await self._pool.run(transcode, content, syntax)
        if len(content) > _OFF_LOOP:
            return await asyncio.to_thread(_behind_meta, content)
        return _behind_meta(content)


def _behind_meta(content: bytes) -> memoryview:
    """The data set as it is encoded: deflated where it was sent so."""
    return memoryview(content)[data_set_offset(content) :]


def data_set_offset(content: bytes) -> int:
    """Return the offset of the data set in a DICOM file. Raises `UnreadableDICOM`."""
    # (0002,0000) Group Length comes first in every file that we or a PS3.10 writer made.
    if content[132:144] == b"\2\0\0\0UL\4\0" + content[140:144] and len(content) > 144:
        return 144 + int.from_bytes(content[140:144], "little")
    return read_meta(memoryview(content))[1]


async def send(
    peer: Peer, instances: Sequence[StoredInstance], readable: Readable, progress: Progress, originator: tuple[str, int] | None = None
) -> None:
    """Send all `instances`; what becomes of each is in `progress`. Returns when all are done, or soon after `cancelled`.

    Raises `SendingFailed` where the peer cannot be reached at all. An association that breaks off is made once more.
    """
    waiting = deque(instances)
    kinds = {(instance.sop_class_uid, instance.transfer_syntax_uid) for instance in instances}
    first = await StorageAssociation.open(peer, kinds)
    async with asyncio.TaskGroup() as lanes:
        lanes.create_task(_lane(first, waiting, readable, progress, originator))
        for _ in range(min(ASSOCIATIONS, -(-len(instances) // EACH)) - 1):
            lanes.create_task(_further(peer, kinds, waiting, readable, progress, originator))
    if waiting and not progress.cancelled:  # every association broke off
        again = await StorageAssociation.open(peer, kinds)
        await _lane(again, waiting, readable, progress, originator)
    for instance in waiting if not progress.cancelled else ():
        progress.note(None, instance.sop_instance_uid, "the association ended twice")


async def _further(
    peer: Peer,
    kinds: set[tuple[str, str]],
    waiting: deque[StoredInstance],
    readable: Readable,
    progress: Progress,
    originator: tuple[str, int] | None,
) -> None:
    """One more association, where the peer allows it."""
    with contextlib.suppress(SendingFailed):
        await _lane(await StorageAssociation.open(peer, kinds), waiting, readable, progress, originator)


async def _lane(
    association: StorageAssociation,
    waiting: deque[StoredInstance],
    readable: Readable,
    progress: Progress,
    originator: tuple[str, int] | None,
) -> None:
    """Send what waits until nothing does; the next object is read while one is sent."""
    ahead: tuple[StoredInstance, str | None, asyncio.Task[memoryview] | None] | None = None
    try:
        while (taken := ahead or _take(association, waiting, readable, progress)) is not None:
            ahead = _take(association, waiting, readable, progress)
            await _one(association, *taken, progress, originator)
        await association.release()
    except SendingFailed as error:
        progress.reason = str(error)
        log.info("sending to a peer: %s", error)
    except BaseException:
        association.abort()
        raise
    finally:
        if ahead is not None:
            waiting.appendleft(ahead[0])
            if ahead[2] is not None:
                ahead[2].cancel()


def _take(
    association: StorageAssociation, waiting: deque[StoredInstance], readable: Readable, progress: Progress
) -> tuple[StoredInstance, str | None, asyncio.Task[memoryview] | None] | None:
    """The next instance, the syntax to send it in, and its reading begun."""
    if progress.cancelled or not waiting:
        return None
    instance = waiting.popleft()
    syntax = association.takes(instance.sop_class_uid, instance.transfer_syntax_uid)
    if syntax is None or (syntax != instance.transfer_syntax_uid and syntax not in TARGETS):
        return instance, None, None
    return instance, syntax, asyncio.create_task(readable.data_set(instance, syntax))


async def _one(
    association: StorageAssociation,
    instance: StoredInstance,
    syntax: str | None,
    reading: asyncio.Task[memoryview] | None,
    progress: Progress,
    originator: tuple[str, int] | None,
) -> None:
    uid = instance.sop_instance_uid
    if syntax is None or reading is None:
        progress.note(None, uid, "the peer takes neither this kind of object nor a native form of it")
        return
    try:
        data_set = await reading
    except (StorageError, PixelError, UnreadableDICOM, NotStorable, OSError) as error:
        progress.note(None, uid, str(error))
        return
    try:
        progress.note(await association.store(instance.sop_class_uid, uid, syntax, data_set, originator), uid)
    except SendingFailed as error:
        progress.note(None, uid, str(error))
        raise

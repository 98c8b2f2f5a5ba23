"""The fast way in for the embedded archive (SQLite and a folder on this machine): durable before indexed.

An instance goes into a pack of the store (`storage.packs`), together with all others that came at the same time or while those
before it were being synced; one sync, then Success. Small ones are written on the event loop that receives them, which serves
nobody else, while the disk is quick; large ones, and all behind a slow sync, in a thread. Another thread enters what was stored
in the index, in batches, the host's hook in the same transaction (`dicom_gateway.indexing`). After a crash the packs that are
not fully entered are read again before the port opens. The pack is the object's place for good: bytes are written once.

Why so, measured on two cores with 30 KB instances: a transaction for each (index, hook) takes 6 ms of processor time, and
0.1-0.2 ms an instance in batches of 100 to 300, so an association that waits for each answer can never be quick if the
answer waits for the index; a file of its own takes 0.2 ms of processor time and several milliseconds until it is safe,
a record in a pack 0.1 ms. A log that is copied into the store afterwards would write everything twice. The change to a
thread and back takes 0.1 ms and more, a quarter of the time of an instance.

What follows from answering before the index knows:
- Readers wait. Whoever asks the index asks first whether something promised is not entered yet (`dicom_gateway.index_barrier`).
- Sameness is decided before the answer: by what is on its way, and by the index. Should another process store other
  content under the same UID between the answer and the entry, both are kept and the later one is listed as a conflict.
- When the index cannot be written, nothing more is promised (A700H), and what was promised is entered as soon as it can be.

With PostgreSQL or S3 the disk of this machine is not where the archive lives, so an answer there waits for both (`Intake`).
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import queue
import sqlite3
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from dicom_gateway.errors import NotStorable, UnreadableDICOM
from dicom_gateway.header import InstanceHeader, read_header
from dicom_gateway.index.recording import ReceivedInstance
from dicom_gateway.indexing import Arrival, Indexing
from dicom_gateway.instance_lookup import ContentDigest, InstanceKey, InstanceLookup
from dicom_gateway.intake import CANNOT_STORE_NOW, CONFLICT_COMMENT, NO_ROOM, Intake, Outcome, Received, Source
from dicom_gateway.loop_thread import on
from dicom_gateway.scanner import TakesLong, scan
from storage.errors import StorageError, StoreFull
from storage.local import LocalStore
from storage.pack_writer import Entry, PackWriter

log = logging.getLogger(__name__)

PLACE = "dicom/packs"  # keys of packs begin with this
MAX_PACKED = 16 << 20  # bytes; larger objects get a file of their own through the intake
MAX_GROUP = 6 << 20  # bytes of one sync
MAX_ITEMS = 300  # of one sync
MAX_LAG = 5000  # instances promised and not entered; past this, answers wait
AT_ONCE = 64 << 10  # bytes of a file that are looked at on the event loop
ON_LOOP = 256 << 10  # bytes of one sync that the event loop waits for
SLOW = 0.02  # seconds; behind a sync that took longer the thread does it for a while
_WARY = 0.25  # seconds: that while
_CROWDED = 0.1  # seconds behind instances that came together, in which a sync is put off until a round of the loop brings no more
_READERS = 2  # threads that read what takes longer


@dataclass(slots=True, eq=False)
class _Item:
    """One instance between its last byte and the answer."""

    content: bytearray
    arrival: Arrival
    header: InstanceHeader
    digest: bytes  # empty: not taken yet
    answer: asyncio.Future[Received]

    @property
    def key(self) -> InstanceKey:
        return self.arrival.owner, self.header.sop_instance_uid

    def received(self, key: str) -> ReceivedInstance:
        """Return the row for the index, once the item is stored under `key`."""
        return self.arrival.received(self.header, key, len(self.content), self.digest.hex())


class WriteAheadLog:
    """One for a process. `receive` is for the event loop that opened it: one that has nothing else to do, since it waits for quick
    syncs. `home` is the loop of the intake."""

    def __init__(self, intake: Intake, indexing: Indexing, writer: PackWriter, database: str, home: asyncio.AbstractEventLoop) -> None:
        self._intake = intake
        self._home = home
        self._indexing = indexing
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._known = InstanceLookup(database)
        self._arrived: list[_Item] = []
        self._seen = 0  # of them, when a sync was put off
        self._crowded_until = self._apart_until = 0.0  # on the loop's clock
        self._closing = False
        self._handed = self._flushed = 0  # instances given to the thread, and written by it
        self._queue: queue.SimpleQueue[list[_Item] | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="dicom-read")
        self._flusher = threading.Thread(target=self._flush_all, name="dicom-wal", daemon=True)
        self._flusher.start()

    @classmethod
    async def open(cls, intake: Intake, home: asyncio.AbstractEventLoop | None = None) -> WriteAheadLog | None:
        """Enter what a crash left behind, then be ready. None where database or store are not of this machine. `home` is the loop of
        the intake, where that is another than the running one.

        Raises `StorageError`, `OSError` or `SQLAlchemyError` where that fails.
        """
        store, database = intake.store, intake.engine.url.database
        if not isinstance(store, LocalStore) or intake.engine.dialect.name != "sqlite" or database in (None, "", ":memory:"):
            return None
        indexing = Indexing(intake, store)
        await asyncio.to_thread(indexing.recover)
        writer = await asyncio.to_thread(store.pack_writer, PLACE)
        indexing.start(writer)
        return cls(intake, indexing, writer, str(database), home or asyncio.get_running_loop())

    def receive(self, content: bytearray, owner: str, source: Source, digest: bytes = b"") -> asyncio.Future[Received]:
        """Take in one file that begins with `dicom_gateway.part10.preface`. The answer comes when the object is durable.

        The caller gives `content` away; `digest` is its SHA-256, if that is known. Nothing is raised: what is wrong is in the answer.
        """
        if self._indexing.failing:
            return self._answered(CANNOT_STORE_NOW)
        if len(content) > MAX_PACKED:
            return self._by_intake(content, owner, source)
        try:
            header = _header(content, source, within=AT_ONCE)
        except TakesLong:
            return asyncio.ensure_future(self._receive_long(content, owner, source, digest))
        except (UnreadableDICOM, NotStorable):
            return self._by_intake(content, owner, source)
        return self._enqueue(content, owner, source, header, digest)

    async def close(self) -> None:
        """Finish what is under way: all that was answered is in the index then, if that can be written."""
        self._closing = True
        self._hand_over()
        self._queue.put(None)
        await asyncio.to_thread(self._flusher.join)
        await asyncio.to_thread(self._readers.shutdown)
        await asyncio.to_thread(self._indexing.close)
        await asyncio.to_thread(self._writer.close)
        self._known.close()

    async def _receive_long(self, content: bytearray, owner: str, source: Source, digest: bytes) -> Received:
        """Reading takes long enough to leave the loop."""
        try:
            header = await self._loop.run_in_executor(self._readers, _header, content, source)
        except (UnreadableDICOM, NotStorable):
            return await self._by_intake(content, owner, source)
        return await self._enqueue(content, owner, source, header, digest)

    def _by_intake(self, content: bytearray, owner: str, source: Source) -> asyncio.Future[Received]:
        """Pass an unreadable or a very large object to the intake: quarantine, or a file of its own."""
        return on(self._home, self._intake.receive(bytes(content), owner, source))

    def _answered(self, received: Received) -> asyncio.Future[Received]:
        answer: asyncio.Future[Received] = self._loop.create_future()
        answer.set_result(received)
        return answer

    def _enqueue(self, content: bytearray, owner: str, source: Source, header: InstanceHeader, digest: bytes) -> asyncio.Future[Received]:
        answer: asyncio.Future[Received] = self._loop.create_future()
        if not self._arrived:  # one sync, or one wake-up of the thread, for all that one round of the loop brings
            self._loop.call_soon(self._hand_over)
        self._arrived.append(_Item(content, Arrival.of(owner, source, datetime.now(UTC)), header, digest, answer))
        return answer

    def _hand_over(self) -> None:
        """Write what arrived in one round of the loop: here if the disk is quick, otherwise in the thread."""
        if not self._arrived:  # closing was quicker
            return
        now, size = self._loop.time(), sum(len(item.content) for item in self._arrived)
        if len(self._arrived) > 1:
            self._crowded_until = now + _CROWDED
        if self._may_wait_for_disk(size, now):
            if now < self._crowded_until and len(self._arrived) > self._seen and size <= ON_LOOP // 2 and not self._closing:
                self._seen = len(self._arrived)  # the next round may bring more for the same sync
                self._loop.call_soon(self._hand_over)
                return
            arrived = self._taken()
            answers, keys = self._keep(arrived)
            _resolve(arrived, answers)
            self._loop.call_soon(self._note, arrived, keys)  # behind the sending of the answers
            if self._loop.time() - now > SLOW:
                self._apart_until = now + _WARY
        else:
            arrived = self._taken()
            self._handed += len(arrived)
            self._queue.put(arrived)

    def _may_wait_for_disk(self, size: int, now: float) -> bool:
        """True if the loop writes itself: few bytes, and a disk that is quick. The change to the thread and back would take a quarter of
        the time of a small instance; large ones are written while the next are read."""
        return size <= ON_LOOP and now >= self._apart_until and self._flushed == self._handed and self._indexing.lag < MAX_LAG

    def _taken(self) -> list[_Item]:
        arrived, self._arrived, self._seen = self._arrived, [], 0
        return arrived

    def _flush_all(self) -> None:
        """The log's own thread: everything that waits, again and again."""
        while (first := self._queue.get()) is not None:
            batch, last = self._gather(first)
            answers, keys = self._keep(batch)
            self._loop.call_soon_threadsafe(_resolve, batch, answers)
            self._note(batch, keys)
            self._flushed += len(batch)  # behind the note: what the loop writes next must not come into the index before it
            if last:
                return
            self._indexing.wait_for_lag(MAX_LAG)

    def _gather(self, first: list[_Item]) -> tuple[list[_Item], bool]:
        """`first` and what else waits; whether the log is being closed."""
        batch, size = first, sum(len(item.content) for item in first)
        while size < MAX_GROUP and len(batch) < MAX_ITEMS:
            try:
                more = self._queue.get_nowait()
            except queue.Empty:
                break
            if more is None:
                return batch, True
            batch += more
            size += sum(len(item.content) for item in more)
        return batch, False

    def _keep(self, batch: Sequence[_Item]) -> tuple[Sequence[Received], Sequence[str]]:
        """Write all items with one sync. The answers, and the keys of what was stored: all or none."""
        keys: Sequence[str] = ()
        try:
            for item in batch:
                item.digest = item.digest or hashlib.sha256(item.content).digest()
            claims = self._claims(batch)
            keys = self._writer.write([Entry(item.arrival.packed(), item.content, item.digest) for item in batch])
            self._indexing.expect(claims)
            answers = [_answer(item, claims[item.key]) for item in batch]
        except StoreFull:  # the log says once that it is full
            answers = [NO_ROOM] * len(batch)
        except (StorageError, sqlite3.Error) as error:
            log.warning("%d instances could not be stored: %s", len(batch), error)
            answers = [CANNOT_STORE_NOW] * len(batch)
        except Exception:  # whatever it is: the senders get an answer, and the thread lives on
            log.exception("%d instances could not be stored", len(batch))
            answers = [CANNOT_STORE_NOW] * len(batch)
        return answers, keys

    def _note(self, batch: Sequence[_Item], keys: Sequence[str]) -> None:
        """Let what was stored be entered; the senders need not wait for what the index wants to know."""
        if keys:
            self._indexing.put([item.received(key) for item, key in zip(batch, keys, strict=True)])

    def _claims(self, batch: Sequence[_Item]) -> dict[InstanceKey, ContentDigest]:
        """Whose content each UID of the batch stands for: that in the index, else the first that came."""
        on_the_way = self._indexing.on_the_way
        claims = {item.key: content for item in batch if (content := on_the_way.get(item.key)) is not None}
        # Asked after looking at what is on the way: that is forgotten only when the index has it.
        claims |= self._known.find(item.key for item in batch if item.key not in claims)
        for item in batch:
            claims.setdefault(item.key, item.digest.hex())
        return claims


def _header(content: bytearray, source: Source, within: int | None = None) -> InstanceHeader:
    """Raises `TakesLong` where more than `within` bytes would have to be looked at."""
    found = scan(content, within=within)
    encapsulated = found.pixel_data is not None and found.pixel_data.length is None
    if within is not None and encapsulated and len(content) > within:  # all its fragments are looked at
        raise TakesLong
    return read_header(found, source.sop_class_uid, source.sop_instance_uid)


def _answer(item: _Item, claim: ContentDigest) -> Received:
    header = item.header
    same = claim == item.digest.hex()
    return Received(
        Outcome.STORED if same else Outcome.CONFLICT,
        "" if same else CONFLICT_COMMENT,
        header.study_instance_uid,
        header.series_instance_uid,
        header.sop_instance_uid,
        header.sop_class_uid,
    )


def _resolve(batch: Sequence[_Item], answers: Sequence[Received]) -> None:
    for item, received in zip(batch, answers, strict=True):
        if not item.answer.done():  # the association may be gone
            item.answer.set_result(received)

"""Entering in the index what the write-ahead log has stored, in a thread of its own and in batches.

What cannot be entered is never dropped. While the database is away or full, the batch is tried again and `failing` tells
the write-ahead log to promise nothing more. An instance that is refused by the index or by the host's hook, alone in its
transaction, goes to the quarantine with the reason, where a person sees it.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import msgspec
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import InterfaceError, OperationalError

from dicom_gateway.errors import NotStorable, UnreadableDICOM
from dicom_gateway.header import InstanceHeader, read_header
from dicom_gateway.index.quarantine import QuarantinedObject, quarantine
from dicom_gateway.index.recording import ReceivedInstance, Recorded
from dicom_gateway.index.tables import dicom_conflict, dicom_instance, dicom_quarantine
from dicom_gateway.instance_lookup import ContentDigest, InstanceKey
from dicom_gateway.intake import Intake, Source
from dicom_gateway.scanner import scan
from storage.errors import StorageError
from storage.local import LocalStore
from storage.pack_writer import PackWriter, UnsettledPack
from storage.packs import PackedObject

log = logging.getLogger(__name__)

LINGER = 0.1  # seconds that the first of a batch waits for others: a batch of hundreds costs a tenth an instance
MAX_BATCH = 500
LOOK_EVERY = 0.5  # seconds between two looks for what another gateway of this machine left when it died
_PAUSES = (0.1, 0.5, 1.0, 2.0, 5.0)  # seconds between attempts; the last one repeats
_BUSY = 20  # seconds that SQLite waits for another process's transaction


@dataclass(frozen=True, slots=True)
class Arrival:
    """The meta of a record in a pack: everything that the index needs and the object does not say."""

    owner: str
    via: str
    calling_ae: str | None
    address: str | None
    sop_class_uid: str | None
    sop_instance_uid: str | None
    at: datetime

    @classmethod
    def of(cls, owner: str, source: Source, at: datetime) -> Self:
        """An arrival for `owner` at the moment `at`."""
        return cls(owner, source.via, source.calling_ae, source.address, source.sop_class_uid, source.sop_instance_uid, at)

    def packed(self) -> bytes:
        """As the pack keeps it."""
        return msgspec.json.encode(self)

    def received(self, header: InstanceHeader, key: str, size: int, sha256: str) -> ReceivedInstance:
        """The row to be. The digest of a file that we began ourselves stands for its data set too."""
        return ReceivedInstance(self.owner, header, key, size, sha256, sha256, self.at, self.via, self.calling_ae, self.address)


class Indexing:
    """The thread between write-ahead log and index; `on_the_way` says which UIDs it still holds, with their content."""

    def __init__(self, intake: Intake, store: LocalStore) -> None:
        self.on_the_way: dict[InstanceKey, ContentDigest] = {}
        self.failing = False
        self._intake = intake
        self._store = store
        self._engine = _sync_engine(intake.engine.url)
        self._writer: PackWriter | None = None
        self._queue: queue.SimpleQueue[Sequence[ReceivedInstance] | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._progress = threading.Condition()
        self._lag = 0
        self._look_at = 0.0  # on the monotonic clock
        self._thread = threading.Thread(target=self._run, name="dicom-index", daemon=True)

    def recover(self) -> None:
        """Enter what earlier processes promised and did not live to enter. Blocks.

        Raises what database or store raise; nothing is lost then, and a later start takes it up.
        """
        for pack in self._store.unsettled_packs():
            entered = 0
            for batch in _batches(pack):
                fresh = self._not_on_record(batch)
                self._enter(fresh)
                entered += len(fresh)
            pack.settle()
            if entered:
                log.warning("%d instances of %s were entered in the index after an unclean end", entered, pack.key)

    def start(self, writer: PackWriter) -> None:
        """Begin; `writer` is told what has been entered."""
        self._writer = writer
        self._thread.start()

    def expect(self, claims: Mapping[InstanceKey, ContentDigest]) -> None:
        """Say before the answer what content each UID of a batch stands for; `put` follows."""
        self.on_the_way |= claims

    def put(self, batch: Sequence[ReceivedInstance]) -> None:
        """Enter `batch` soon."""
        with self._progress:
            self._lag += len(batch)
        self._queue.put(batch)

    @property
    def lag(self) -> int:
        """Instances that wait here."""
        return self._lag

    def wait_for_lag(self, most: int) -> None:
        """Wait until fewer than `most` instances wait here, or until closing."""
        with self._progress:
            self._progress.wait_for(lambda: self._lag < most or self.failing or self._closing.is_set())

    def close(self) -> None:
        """Enter what waits, once more where that fails, and end. What is left is found by the next `recover`."""
        self._closing.set()
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join()
        self._engine.dispose()

    def _run(self) -> None:
        while True:
            self._take_over()
            try:
                first = self._queue.get(timeout=LOOK_EVERY)
            except queue.Empty:
                continue
            if first is None:
                return
            if self._lag < MAX_BATCH:
                self._closing.wait(LINGER)
            batch = self._gather(first)
            if not self._enter_patiently(batch):
                return  # closing, and the database is away: the packs stay unsettled
            with self._progress:
                self._lag -= len(batch)
                self._progress.notify_all()

    def _take_over(self) -> None:
        """Enter what another gateway promised and did not live to enter: readers wait for it, and its successor takes seconds
        to start."""
        if time.monotonic() < self._look_at:
            return
        try:
            self.recover()
        except Exception as error:  # its packs stay unsettled, and are looked for again
            log.warning("what another gateway left cannot be entered now: %s", error)
        self._look_at = time.monotonic() + LOOK_EVERY

    def _gather(self, first: Sequence[ReceivedInstance]) -> list[ReceivedInstance]:
        """`first` and what else waits."""
        gathered = list(first)
        while len(gathered) < MAX_BATCH:
            try:
                more = self._queue.get_nowait()
            except queue.Empty:
                break
            if more is None:
                self._queue.put(None)
                break
            gathered += more
        return gathered

    def _enter_patiently(self, batch: Sequence[ReceivedInstance]) -> bool:
        """Enter `batch`, however long the database is away; False where that would outlast the closing."""
        attempt = 0
        while True:
            try:
                # What failed behind its commit is on record: entered again it would be taken for its own repeat, and thrown away.
                self._enter(self._not_on_record(batch) if attempt else batch)
            except Exception as error:  # a thread that ended here would leave everything promised unseen
                log.error("the index cannot be written, %d instances wait: %s", self._lag, error)
                self.failing = True
                with self._progress:
                    self._progress.notify_all()
                if self._closing.wait(_PAUSES[min(attempt, len(_PAUSES) - 1)]):
                    return False
                attempt += 1
            else:
                self.failing = False
                self._note(batch)
                return True

    def _enter(self, batch: Sequence[ReceivedInstance]) -> None:
        """Enter `batch` in one transaction, or one by one where that fails for a reason of one of them."""
        if not batch:
            return
        try:
            with self._engine.begin() as connection:
                indexed = self._intake.enter(connection, batch)
        except (OperationalError, InterfaceError):
            raise  # the database is away, full or locked: each would fail the same way
        except Exception as error:
            if len(batch) == 1:
                self._quarantine(batch[0], error)
                return
            for received in batch:
                self._enter([received])
            return
        self._intake.entered(indexed)
        for each in indexed:
            if each.recorded in (Recorded.DUPLICATE, Recorded.REPEATED_CONFLICT):
                self._discard(each.received.object_key)

    def _quarantine(self, received: ReceivedInstance, error: Exception) -> None:
        """Put aside what cannot be entered. Raises where that fails too."""
        log.error("%s cannot be entered in the index: %s", received.object_key, error)
        refused = QuarantinedObject(
            owner=received.owner,
            object_key=received.object_key,
            size=received.size,
            sha256=received.sha256,
            reason=f"the index refused it: {error}",
            received_at=received.received_at,
            received_by=received.received_by,
            calling_ae=received.calling_ae,
            peer_address=received.peer_address,
        )
        with self._engine.begin() as connection:
            is_new = quarantine(connection, refused)
        if not is_new:
            self._discard(received.object_key)

    def _discard(self, key: str) -> None:
        """Delete an object that no row names. A failure leaves it to the host's object sweep."""
        try:
            self._store.remove_now(key)
        except StorageError as error:
            log.info("an unneeded object stays behind at %s: %s", key, error)

    def _note(self, batch: Sequence[ReceivedInstance]) -> None:
        for received in batch:
            self.on_the_way.pop((received.owner, received.header.sop_instance_uid), None)
        if self._writer is not None:
            self._writer.note(received.object_key for received in batch)

    def _not_on_record(self, batch: Sequence[ReceivedInstance]) -> list[ReceivedInstance]:
        """Return those whose object no row names yet: the others, entered again, would be taken for their own repeats."""
        keys = [received.object_key for received in batch]
        with self._engine.connect() as connection:
            known = {
                key
                for table in (dicom_instance, dicom_conflict, dicom_quarantine)
                for key in connection.scalars(sa.select(table.c.object_key).where(table.c.object_key.in_(keys)))
            }
        return [received for received in batch if received.object_key not in known]


def _batches(pack: UnsettledPack) -> Iterator[list[ReceivedInstance]]:
    """Yield the instances of the pack in batches, ready to be entered."""
    batch: list[ReceivedInstance] = []
    for key, record, content in pack.objects():
        received = _again(key, record, content)
        if received is not None:
            batch.append(received)
        if len(batch) == MAX_BATCH:
            yield batch
            batch = []
    yield batch


def _again(key: str, record: PackedObject, content: bytes) -> ReceivedInstance | None:
    """The instance in a record that was found after a crash; None where it is none that anybody was promised."""
    if not record.holds(content):
        log.warning("%s was being written when its writer ended; it was not acknowledged", key)
        return None
    arrival = msgspec.json.decode(record.meta, type=Arrival)
    try:
        header = read_header(scan(content), arrival.sop_class_uid, arrival.sop_instance_uid)
    except (UnreadableDICOM, NotStorable) as error:  # it could be read when it came in
        log.error("%s cannot be read any more: %s", key, error)
        return None
    return arrival.received(header, key, record.size, record.sha256.hex())


def _sync_engine(url: sa.URL) -> sa.Engine:
    """An engine for one thread, with commits that survive a power cut and transactions that begin with the write lock."""
    engine = sa.create_engine(url.set(drivername="sqlite"), connect_args={"timeout": _BUSY, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def configure(connection: sa.engine.interfaces.DBAPIConnection, _: object) -> None:
        connection.isolation_level = None  # transactions begin below
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine

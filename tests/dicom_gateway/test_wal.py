"""Answers before the index knows: durable, found by whoever asks, and entered whatever happens in between."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydicom.encaps import encapsulate
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, JPEGBaseline8Bit
from pynetdicom.dsutils import decode
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from dicom_gateway import Index, IndexedInstance, Intake, Outcome, Scope, Source, start_dimse
from dicom_gateway.index import dicom_frame_index, dicom_instance, dicom_quarantine, metadata
from dicom_gateway.index.attributes import Level
from dicom_gateway.index.reading import Query, Target
from dicom_gateway.index_barrier import IndexBarrier
from dicom_gateway.part10 import preface
from dicom_gateway.scanner import read_meta
from dicom_gateway.upper_layer.pdu import HEAD, PDUType, ProposedContext
from dicom_gateway.wal import WriteAheadLog
from storage import open_store
from storage.packs import PackedObject, records
from storage.protocol import ObjectStore
from tests.cutting_proxy import CuttingProxy
from tests.dicom_gateway.campaign import Archive, campaign
from tests.dicom_gateway.conftest import scope_for
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.dicom_gateway.peer import LITTLE_ENDIAN, connected, encoded, store_request
from tests.s3_server import S3Server, s3_process, s3_server
from tests.storage.test_failure import small_disk

__all__ = ["s3_process", "s3_server"]

pytestmark = pytest.mark.database

embedded = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
async def intake(engine: AsyncEngine, store: ObjectStore) -> AsyncIterator[Intake]:
    made = Intake(engine, store)
    yield made
    await made.close()


@asynccontextmanager
async def wal_of(intake: Intake) -> AsyncIterator[WriteAheadLog]:
    wal = await WriteAheadLog.open(intake)
    assert wal is not None
    try:
        yield wal
    finally:
        await wal.close()


def sent(**attributes: object) -> tuple[str, bytearray, Source]:
    """SOP Instance UID, file as an association makes it, and source of a new instance."""
    slice_ = ct_slice(**attributes)
    content = bytearray(preface(slice_.SOPClassUID, slice_.SOPInstanceUID, LITTLE_ENDIAN)) + encoded(slice_)
    uid = str(slice_.SOPInstanceUID)
    return uid, content, Source("dimse", "CLINIC1", "127.0.0.1", str(slice_.SOPClassUID), uid)


async def found(engine: AsyncEngine, store: ObjectStore) -> set[str]:
    """UIDs as whoever asks the index sees them: another process would do the same."""
    index = Index(engine, IndexBarrier(store))
    return {row["SOPInstanceUID"] for row in await index.find(Query(Level.IMAGE), Scope(sa.true(), None))}


@embedded
async def test_what_was_answered_is_found_at_once(engine: AsyncEngine, store: ObjectStore, intake: Intake) -> None:
    async with wal_of(intake) as wal:
        for _ in range(5):
            batch = [sent() for _ in range(40)]
            answers = await asyncio.gather(*(wal.receive(content, "CLINIC1", source) for _, content, source in batch))
            assert {answer.outcome for answer in answers} == {Outcome.STORED}
            assert {uid for uid, _, _ in batch} <= await found(engine, store)


async def everything(*_: object) -> Scope:
    return Scope(sa.true(), "CLINIC1")


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, JPEGBaseline8Bit])
@pytest.mark.parametrize("side", [32, 400])
@embedded
async def test_the_digest_on_record_is_that_of_the_bytes(
    engine: AsyncEngine, store: ObjectStore, intake: Intake, syntax: UID, side: int
) -> None:
    """Taken piece by piece while they come, whatever they are and wherever they are read."""
    slice_ = ct_slice(Rows=side, Columns=side, PixelData=os.urandom(side * side * 2))
    if syntax.is_encapsulated:
        slice_.PixelData = encapsulate([os.urandom(side * side)])
    whole = part10_of(slice_, syntax)
    content = whole[read_meta(memoryview(whole))[1] :]
    server = await start_dimse(Index(engine), store, intake, everything, port=0)
    async with connected(server.port) as peer:
        await peer.associate(contexts=[ProposedContext(1, str(slice_.SOPClassUID), (str(syntax),))])
        await peer.send(store_request(content, fragment=999, instance=slice_.SOPInstanceUID))
        assert (await peer.response()).Status == 0
    await server.close()
    async with engine.connect() as connection:
        row = (await connection.execute(sa.select(dicom_instance))).one()
    kept = await store.read(row.object_key)
    assert kept == bytes(preface(slice_.SOPClassUID, slice_.SOPInstanceUID, syntax)) + content
    assert row.sha256 == hashlib.sha256(kept).hexdigest()


@embedded
async def test_alone_or_together_small_or_large_each_is_kept_once(engine: AsyncEngine, store: ObjectStore, intake: Intake) -> None:
    """On the loop and in the thread, by turns: the answer never depends on who wrote."""
    files: dict[str, bytes] = {}
    async with wal_of(intake) as wal:
        for together, side in ((1, 32), (1, 32), (9, 32), (1, 400), (1, 32), (3, 200), (1, 700), (1, 32), (20, 100), (1, 32)):
            batch = [sent(Rows=side, Columns=side, PixelData=os.urandom(side * side * 2)) for _ in range(together)]
            files |= {uid: bytes(content) for uid, content, _ in batch}
            twice = [(bytearray(content), source) for _, content, source in batch for _ in range(2)]
            answers = await asyncio.gather(*(wal.receive(content, "CLINIC1", source) for content, source in twice))
            assert {answer.outcome for answer in answers} == {Outcome.STORED}
            other = sent(SOPInstanceUID=batch[0][0])
            assert (await wal.receive(other[1], "CLINIC1", other[2])).outcome is Outcome.CONFLICT
    async with engine.connect() as connection:
        rows = (await connection.execute(sa.select(dicom_instance))).all()
    assert {row.sop_instance_uid: await store.read(row.object_key) for row in rows} == files


@embedded
async def test_receiving_goes_on_while_the_loop_of_the_host_is_held_up(engine: AsyncEngine, store: ObjectStore, intake: Intake) -> None:
    server = await start_dimse(Index(engine), store, intake, everything, port=0)
    async with connected(server.port) as peer:
        await peer.associate()
        raw = peer.writer.get_extra_info("socket")
        with socket.socket(fileno=os.dup(raw.fileno())) as connection:  # read and written here, so that nothing else runs
            connection.settimeout(30)
            for _ in range(3):
                slice_ = ct_slice()
                connection.sendall(store_request(encoded(slice_), instance=slice_.SOPInstanceUID))
                kind, length = HEAD.unpack(connection.recv(HEAD.size, socket.MSG_WAITALL))
                body = connection.recv(length, socket.MSG_WAITALL)
                assert (kind, decode(BytesIO(body[6:]), True, True).Status) == (PDUType.P_DATA_TF, 0)
    await server.close()


@embedded
async def test_closing_enters_everything(engine: AsyncEngine, store: ObjectStore, intake: Intake) -> None:
    batch = [sent() for _ in range(30)]
    async with wal_of(intake) as wal:
        waiting = [wal.receive(content, "CLINIC1", source) for _, content, source in batch]
    assert {(await each).outcome for each in waiting} == {Outcome.STORED}
    async with engine.connect() as connection:
        assert set(await connection.scalars(sa.select(dicom_instance.c.sop_instance_uid))) == {uid for uid, _, _ in batch}


@embedded
async def test_a_locked_index_delays_the_entry_and_not_the_answer(engine: AsyncEngine, store: ObjectStore, intake: Intake) -> None:
    async with wal_of(intake) as wal:
        other = sqlite3.connect(engine.url.database or "", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        uid, content, source = sent()
        assert (await wal.receive(content, "CLINIC1", source)).outcome is Outcome.STORED
        repeated = sent(SOPInstanceUID=uid, PatientName="Other")
        assert (await wal.receive(repeated[1], "CLINIC1", repeated[2])).outcome is Outcome.CONFLICT
        other.execute("ROLLBACK")
        other.close()
        assert await found(engine, store) == {uid}


class Hook:
    """A host's part of the transaction that fails as told."""

    def __init__(self) -> None:
        self.failures: list[Exception] = []
        self.refused: set[str] = set()
        self.asked = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def __call__(self, connection: sa.Connection, indexed: Sequence[IndexedInstance]) -> None:
        self._loop.call_soon_threadsafe(self.asked.set)
        if self.failures:
            raise self.failures[0]
        if any(each.received.header.sop_instance_uid in self.refused for each in indexed):
            raise ValueError("the host wants none of this")


@embedded
async def test_while_the_index_cannot_be_written_nothing_more_is_promised(engine: AsyncEngine, store: ObjectStore) -> None:
    hook = Hook()
    intake = Intake(engine, store, on_indexed=hook)
    async with wal_of(intake) as wal:
        hook.failures = [sa.exc.OperationalError("INSERT", {}, Exception("database or disk is full"))]
        first, content, source = sent()
        assert (await wal.receive(content, "CLINIC1", source)).outcome is Outcome.STORED
        await hook.asked.wait()
        async with asyncio.timeout(30):
            while True:  # what comes before the failure is known is promised, and kept
                uid, content, source = sent()
                answer = await wal.receive(content, "CLINIC1", source)
                if answer.outcome is not Outcome.STORED:
                    break
        assert answer.status == 0xA700
        hook.failures = []
        async with asyncio.timeout(30):
            while (await wal.receive(content, "CLINIC1", source)).outcome is not Outcome.STORED:
                content = sent(SOPInstanceUID=uid)[1]
                await asyncio.sleep(0.05)
        assert {first, uid} <= await found(engine, store)
    await intake.close()


@embedded
async def test_an_entry_that_fails_behind_its_commit_is_not_taken_for_a_repeat(engine: AsyncEngine, store: ObjectStore) -> None:
    failures = [sa.exc.OperationalError("COMMIT", {}, Exception("disk I/O error"))]

    def broken(connection: sa.Connection, indexed: Sequence[IndexedInstance]) -> None:
        if failures:  # as a disk does that has taken the commit and cannot say so
            failure = failures.pop()
            connection.exec_driver_sql("COMMIT")
            raise failure

    intake = Intake(engine, store, on_indexed=broken)
    async with wal_of(intake) as wal:
        batch = [sent() for _ in range(5)]
        await asyncio.gather(*(wal.receive(content, "CLINIC1", source) for _, content, source in batch))
        assert await found(engine, store) == {uid for uid, _, _ in batch}
    async with engine.connect() as connection:
        for key in list(await connection.scalars(sa.select(dicom_instance.c.object_key))):
            assert await store.read(key)
    assert not failures
    await intake.close()


@embedded
async def test_what_the_host_refuses_is_put_aside_alone(engine: AsyncEngine, store: ObjectStore) -> None:
    hook = Hook()
    intake = Intake(engine, store, on_indexed=hook)
    async with wal_of(intake) as wal:
        batch = [sent() for _ in range(10)]
        hook.refused = {batch[4][0]}
        await asyncio.gather(*(wal.receive(content, "CLINIC1", source) for _, content, source in batch))
        assert await found(engine, store) == {uid for uid, _, _ in batch} - hook.refused
    async with engine.connect() as connection:
        (row,) = (await connection.execute(sa.select(dicom_quarantine))).all()
    assert "wants none" in row.reason
    assert await store.read(row.object_key)
    await intake.close()


def leave_unclean(store_folder: Path) -> list[Path]:
    """Put back the markers that a process which is killed leaves behind; the packs that they name."""
    packs = sorted((store_folder / "objects/dicom/packs").rglob("*.pack"))
    for pack in packs:
        (store_folder / "unsettled/0" / pack.name).write_text(str(pack.relative_to(store_folder / "objects")))
    return packs


async def forget(engine: AsyncEngine, instances: sa.ColumnElement[bool]) -> None:
    """Take rows out of the index, as if they had never been entered."""
    async with engine.begin() as connection:
        lost = sa.select(dicom_instance.c.id).where(instances)
        await connection.execute(sa.delete(dicom_frame_index).where(dicom_frame_index.c.instance_id.in_(lost)))
        await connection.execute(sa.delete(dicom_instance).where(dicom_instance.c.id.in_(lost)))


@embedded
async def test_a_log_that_ended_uncleanly_is_read_again(engine: AsyncEngine, store: ObjectStore, tmp_path: Path, intake: Intake) -> None:
    """Promised and never entered, entered, repeated and deleted: each is what it was."""
    batch = [sent() for _ in range(6)]
    async with wal_of(intake) as wal:
        for _, content, source in batch[:3]:
            await wal.receive(bytearray(content), "CLINIC1", source)
        await wal.receive(bytearray(batch[0][1]), "CLINIC1", batch[0][2])
    leave_unclean(tmp_path / "objects")
    await forget(engine, dicom_instance.c.sop_instance_uid != batch[1][0])
    async with wal_of(intake) as wal:
        assert await found(engine, store) == {uid for uid, _, _ in batch[:3]}
        for _, content, source in batch:
            assert (await wal.receive(content, "CLINIC1", source)).status == 0
    assert await found(engine, store) == {uid for uid, _, _ in batch}
    assert len([key async for key in store.list()]) == 6


def half_of_the_content(file: int, record: PackedObject) -> None:
    """The head and the first blocks came to rest, the others still hold what was there before: zeros."""
    half = record.size // 2
    os.pwrite(file, bytes(record.size - half), record.content_offset + half)


def no_content_at_all(file: int, record: PackedObject) -> None:
    """Blocks come to rest in any order: the head's did."""
    os.pwrite(file, bytes(record.size), record.content_offset)


def the_end_of_the_file(file: int, record: PackedObject) -> None:
    """The file had not grown yet."""
    os.ftruncate(file, record.content_offset + record.size // 2)


def half_of_the_head(file: int, record: PackedObject) -> None:
    """The content came to rest, and of the head only the beginning."""
    os.pwrite(file, bytes(record.content_offset - record.offset - 16), record.offset + 16)


@pytest.mark.parametrize("tear", [half_of_the_content, no_content_at_all, the_end_of_the_file, half_of_the_head])
@embedded
async def test_a_record_torn_by_a_power_cut_is_not_taken_for_one_that_was_answered(
    engine: AsyncEngine, store: ObjectStore, tmp_path: Path, intake: Intake, tear: Callable[[int, PackedObject], None]
) -> None:
    """What was answered before is entered, the half-written record is not, and sent again it is stored whole."""
    batch = [sent(Rows=64, Columns=64, PixelData=os.urandom(64 * 64 * 2)) for _ in range(4)]
    *answered, (torn, _, _) = batch
    async with wal_of(intake) as wal:
        for _, content, source in batch:
            assert (await wal.receive(bytearray(content), "CLINIC1", source)).outcome is Outcome.STORED
    (pack,) = leave_unclean(tmp_path / "objects")
    with pack.open("r+b") as file:
        *_, last = records(file.fileno())
        tear(file.fileno(), last)
    await forget(engine, sa.true())
    async with wal_of(intake) as wal:
        assert await found(engine, store) == {uid for uid, _, _ in answered}
        for _, content, source in batch:
            assert (await wal.receive(bytearray(content), "CLINIC1", source)).outcome is Outcome.STORED
    async with engine.connect() as connection:
        rows = (await connection.execute(sa.select(dicom_instance))).all()
    assert torn in {row.sop_instance_uid for row in rows}
    assert {row.sop_instance_uid: await store.read(row.object_key) for row in rows} == {uid: bytes(content) for uid, content, _ in batch}


async def test_a_full_disk_refuses_and_recovers(tmp_path: Path) -> None:
    """Everything answered with success is there; with room again, storing goes on."""
    with small_disk(tmp_path / "small"):
        ballast = tmp_path / "small" / "ballast"
        await asyncio.to_thread(ballast.write_bytes, bytes(3 << 19))
        engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'small' / 'index.sqlite'}")
        async with engine.begin() as connection:
            await connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            await connection.run_sync(metadata.create_all)
        store = open_store((tmp_path / "small/objects").as_uri())
        intake = Intake(engine, store)
        answered: set[str] = set()
        async with wal_of(intake) as wal:
            async with asyncio.timeout(60):
                while True:
                    uid, content, source = sent(PixelData=bytes(30_000), Rows=100, Columns=150)
                    answer = await wal.receive(content, "CLINIC1", source)
                    if answer.outcome is not Outcome.STORED:
                        break
                    answered.add(uid)
            assert answer.status == 0xA700
            assert len(answered) > 10
            await asyncio.to_thread(ballast.unlink)
            async with asyncio.timeout(60):
                while True:
                    uid, content, source = sent()
                    if (await wal.receive(content, "CLINIC1", source)).outcome is Outcome.STORED:
                        answered.add(uid)
                        break
                    await asyncio.sleep(0.05)
            there = await found(engine, store)
        assert answered <= there
        instances = await Index(engine).locate(Target(instances=sorted(answered)), Scope(sa.true(), None))
        for instance in instances:
            assert len(await store.read(instance.object_key)) == instance.size
        assert len(instances) == len(answered)
        await intake.close()
        await store.close()
        await engine.dispose()


async def test_without_a_disk_of_its_own_there_is_no_log(engine: AsyncEngine, store: ObjectStore, s3_server: S3Server) -> None:
    if engine.dialect.name == "postgresql":
        assert await WriteAheadLog.open(Intake(engine, store)) is None
        return
    remote = open_store(s3_server.url(s3_server.new_bucket()))
    assert await WriteAheadLog.open(Intake(engine, remote)) is None
    await remote.close()


async def test_an_object_store_that_is_away_refuses_and_comes_back(engine: AsyncEngine, s3_server: S3Server) -> None:
    """Nothing is acknowledged meanwhile, and what was refused can be sent again."""

    async def policy(calling: str, called: str, address: str, certificate: bytes) -> Scope:
        return scope_for(calling)

    line = Line(s3_server.endpoint)
    await line.open()
    remote = open_store(s3_server.url(s3_server.new_bucket(), endpoint=line.endpoint))
    intake = Intake(engine, remote)
    server = await start_dimse(Index(engine), remote, intake, policy, port=0)
    slices = [ct_slice() for _ in range(3)]
    async with connected(server.port) as peer:
        await peer.associate()
        assert (await peer.store(slices[0])).Status == 0
        await line.cut()
        assert (await peer.store(slices[1])).Status == 0xA700
        assert await found(engine, remote) == {slices[0].SOPInstanceUID}
        await line.open()
        assert (await peer.store(slices[1])).Status == 0
        assert await found(engine, remote) == {each.SOPInstanceUID for each in slices[:2]}
    await server.close()
    await intake.close()
    await remote.close()
    await line.cut()


class Line:
    """The way to a server, on a port that stays the same while it is cut and open again."""

    def __init__(self, target: str) -> None:
        self._proxy, self._port, self._tasks = CuttingProxy(target), 0, set[asyncio.Task[None]]()

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self._port}"

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._proxy.serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
async def test_the_disk_has_the_bytes_before_the_sender_hears_of_it(tmp_path: Path, free_port: Callable[[], int]) -> None:
    """What the kernel saw: the synchronous write of each instance returns before its response is handed over."""
    port, log, count = free_port(), tmp_path / "calls", 25
    calls = "trace=pwritev2,pwritev,pwrite64,fsync,fdatasync,sendto,sendmsg,write,writev"
    command = ["strace", "-f", "-yy", "-s", "6", "-e", calls, "-o", str(log), sys.executable, "-m", "dicom_gateway", "serve"]
    command += ["--data", str(tmp_path / "data"), "--port", str(port), "--http-port", str(free_port())]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    async with asyncio.timeout(60):
        assert b"DICOMweb" in await process.stdout.readline()
    async with connected(port) as peer:
        await peer.associate()
        for number in range(count):
            slice_ = ct_slice()
            if number % 5 == 4:  # one that is read and hashed off the loop
                slice_ = ct_slice(Rows=512, Columns=512, PixelData=bytes(512 * 512 * 2))
            await peer.send(store_request(slice_))
            assert (await peer.response()).Status == 0
    traced = await asyncio.to_thread(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text)
    os.kill(int(traced), signal.SIGTERM)
    await asyncio.wait_for(process.wait(), 60)
    durable = told = 0
    for line in (await asyncio.to_thread(log.read_text)).splitlines():
        if re.search(r"pwritev2.*RWF_DSYNC\)\s+= \d+|fdatasync.*\.pack>\)\s+= 0", line) or re.search(
            r"<\.\.\. pwritev2 resumed>.*= \d+", line
        ):
            durable += 1
        elif re.search(r'(sendto|write|sendmsg)\(\d+<TCP:.*"\\4\\0', line):
            told += 1
            assert durable >= told, line
    assert told == count


@pytest.mark.slow
async def test_nothing_acknowledged_is_lost_when_it_is_killed_while_four_store(tmp_path: Path) -> None:
    """The short form of `python -m tests.dicom_gateway.campaign`."""
    total, faults = await campaign(Archive(tmp_path), rounds=3)
    assert not faults
    assert total > 50

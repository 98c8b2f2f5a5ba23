"""The intake where things go wrong: full store, lost database, failing hook, crowds of the same object."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from dicom_gateway import IndexedInstance, Intake, Outcome, Source
from dicom_gateway.header import read_header
from dicom_gateway.index import dicom_instance, dicom_quarantine, dicom_series, dicom_study, metadata
from dicom_gateway.index.recording import Recorded
from dicom_gateway.indexing import Arrival
from dicom_gateway.intake import OFF_LOOP
from dicom_gateway.scanner import scan
from dicom_gateway.spool import IN_MEMORY
from storage.protocol import ObjectStore
from tests.dicom_gateway.objects import ct_slice, part10_of

pytestmark = pytest.mark.database

UPLOAD = Source("upload")


@contextmanager
def no_room_beyond(size: int) -> Iterator[None]:
    """No file of this process grows past `size` bytes: the store meets what a full disk answers."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def count(engine: AsyncEngine, table: sa.Table) -> int:
    async with engine.connect() as connection:
        return int(await connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


async def keys(store: ObjectStore) -> list[str]:
    return [key async for key in store.list()]


async def test_a_full_store_refuses_and_keeps_nothing(engine: AsyncEngine, store: ObjectStore) -> None:
    intake = Intake(engine, store)
    large = ct_slice(Rows=1500, Columns=1500, PixelData=bytes(1500 * 1500 * 2))
    for content in (part10_of(large), b"unreadable" * 300_000):
        with no_room_beyond(2 << 20):
            received = await intake.receive(content, "CLINIC1", UPLOAD)
        assert (received.outcome, received.status) == (Outcome.FULL, 0xA700)
    assert await count(engine, dicom_instance) == await count(engine, dicom_quarantine) == 0
    assert await keys(store) == []
    assert (await intake.receive(part10_of(large), "CLINIC1", UPLOAD)).outcome is Outcome.STORED  # there is room again


async def test_a_lost_database_refuses(engine: AsyncEngine, store: ObjectStore) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(metadata.drop_all)
    intake = Intake(engine, store)
    content = part10_of(ct_slice())
    assert (await intake.receive(content, "CLINIC1", UPLOAD)).status == 0xA700
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    assert (await intake.receive(content, "CLINIC1", UPLOAD)).outcome is Outcome.STORED


async def test_the_hook_shares_the_transaction(engine: AsyncEngine, store: ObjectStore) -> None:
    refused = ct_slice(PatientID="REFUSED")

    def hook(connection: sa.Connection, indexed: Sequence[IndexedInstance]) -> None:
        if any(i.received.header.study["patient_id"] == "REFUSED" for i in indexed):
            raise ValueError("the host says no")

    intake = Intake(engine, store, on_indexed=hook)
    contents = [part10_of(refused), *(part10_of(ct_slice()) for _ in range(5))]
    received = await asyncio.gather(*(intake.receive(content, "CLINIC1", UPLOAD) for content in contents))
    assert [each.status for each in received] == [0xA700, 0, 0, 0, 0, 0]
    assert await count(engine, dicom_instance) == 5


def unwilling() -> None:
    raise ValueError("the host does not want to be woken")


async def test_what_fails_behind_the_commit_takes_nothing_back(engine: AsyncEngine, store: ObjectStore) -> None:
    intake = Intake(engine, store, after_commit=unwilling)
    received = await asyncio.gather(*(intake.receive(part10_of(ct_slice()), "CLINIC1", UPLOAD) for _ in range(5)))
    assert {each.outcome for each in received} == {Outcome.STORED}
    async with engine.connect() as connection:
        named = set(await connection.scalars(sa.select(dicom_instance.c.object_key)))
    assert len(named) == 5
    assert set(await keys(store)) == named


async def test_the_same_object_from_many_senders_at_once(engine: AsyncEngine, store: ObjectStore) -> None:
    first, second = Intake(engine, store), Intake(engine, store)
    content = part10_of(ct_slice())
    received = await asyncio.gather(*(i.receive(content, "CLINIC1", UPLOAD) for i in (first, second) * 10))
    assert {each.status for each in received} == {0}
    assert sorted(each.outcome.name for each in received) == ["DUPLICATE"] * 19 + ["STORED"]
    assert len(await keys(store)) == await count(engine, dicom_instance) == 1


async def test_two_writers_of_the_same_study(engine: AsyncEngine, store: ObjectStore) -> None:
    intakes = Intake(engine, store), Intake(engine, store)
    model = ct_slice()
    same = {"StudyInstanceUID": model.StudyInstanceUID, "SeriesInstanceUID": model.SeriesInstanceUID}
    contents = [part10_of(ct_slice(**same)) for _ in range(40)]
    received = await asyncio.gather(*(intakes[n % 2].receive(content, "CLINIC1", UPLOAD) for n, content in enumerate(contents)))
    assert {each.outcome for each in received} == {Outcome.STORED}
    assert (await count(engine, dicom_study), await count(engine, dicom_series)) == (1, 1)
    assert await count(engine, dicom_instance) == 40


async def test_a_conflict_leaves_no_empty_study_behind(engine: AsyncEngine, store: ObjectStore) -> None:
    intake = Intake(engine, store)
    slice_ = ct_slice()
    await intake.receive(part10_of(slice_), "CLINIC1", UPLOAD)
    slice_.StudyInstanceUID = "1.2.3.4"
    assert (await intake.receive(part10_of(slice_), "CLINIC1", UPLOAD)).outcome is Outcome.CONFLICT
    assert (await count(engine, dicom_study), await count(engine, dicom_series)) == (1, 1)
    other = await intake.receive(part10_of(slice_), "CLINIC2", UPLOAD)
    assert other.outcome is Outcome.STORED  # another tenant's instance is another instance
    later = await intake.receive(part10_of(ct_slice(StudyInstanceUID="1.2.3.4")), "CLINIC1", UPLOAD)
    assert later.outcome is Outcome.STORED  # the study that the conflict named begins with this one
    assert await count(engine, dicom_study) == 3


async def test_what_was_rolled_back_is_not_taken_for_there(engine: AsyncEngine, store: ObjectStore) -> None:
    refuses = [True, False, False]

    def hook(connection: sa.Connection, indexed: Sequence[IndexedInstance]) -> None:
        if refuses.pop(0):
            raise ValueError("the host says no")

    intake = Intake(engine, store, on_indexed=hook)
    model = ct_slice()
    same = {"StudyInstanceUID": model.StudyInstanceUID, "SeriesInstanceUID": model.SeriesInstanceUID}
    statuses = [(await intake.receive(part10_of(ct_slice(**same)), "CLINIC1", UPLOAD)).status for _ in range(3)]
    assert statuses == [0xA700, 0, 0]
    assert (await count(engine, dicom_study), await count(engine, dicom_series), await count(engine, dicom_instance)) == (1, 1, 2)


@pytest.mark.parametrize("size", [100, OFF_LOOP + 2, IN_MEMORY + 2])
async def test_streams_of_any_size_come_back_whole(engine: AsyncEngine, store: ObjectStore, size: int) -> None:
    slice_ = ct_slice(PixelData=bytes(range(100)) * (size // 100) + bytes(size % 100))
    content = part10_of(slice_)

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 100_000):
            yield content[start : start + 100_000]

    received = await Intake(engine, store).receive(pieces(), "CLINIC1", UPLOAD)
    assert received.outcome is Outcome.STORED
    (key,) = await keys(store)
    assert await store.read(key) == content


async def test_an_object_past_the_limit_is_refused(engine: AsyncEngine, store: ObjectStore) -> None:
    intake = Intake(engine, store, max_object=1000)
    received = await intake.receive(part10_of(ct_slice()), "CLINIC1", UPLOAD)
    assert received.outcome is Outcome.OUT_OF_RESOURCES
    assert "limit of 1000 bytes" in received.comment
    assert await keys(store) == []


async def test_of_two_that_are_entered_together_the_first_has_the_place(engine: AsyncEngine, store: ObjectStore) -> None:
    """Wherever their study sorts: its sender was told that it is stored, the other's that it is not the same."""
    intake = Intake(engine, store)
    for first_study, second_study in (("1.2.1", "1.2.2"), ("1.2.4", "1.2.3")):
        first = ct_slice(StudyInstanceUID=first_study)
        second = ct_slice(StudyInstanceUID=second_study, SOPInstanceUID=first.SOPInstanceUID)
        batch = [
            Arrival.of("CLINIC1", UPLOAD, datetime.now(UTC)).received(read_header(scan(content)), f"{study}/object", len(content), digest)
            for study, content, digest in ((first_study, part10_of(first), "a" * 64), (second_study, part10_of(second), "b" * 64))
        ]
        async with engine.begin() as connection:
            entered = await connection.run_sync(intake.enter, batch)
            place = await connection.scalar(
                sa.select(dicom_instance.c.object_key).where(dicom_instance.c.sop_instance_uid == first.SOPInstanceUID)
            )
        assert [each.recorded for each in entered] == [Recorded.NEW, Recorded.CONFLICT]
        assert place == f"{first_study}/object"
    await intake.close()

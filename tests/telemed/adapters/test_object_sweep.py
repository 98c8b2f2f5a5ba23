"""Objects that no row names are found and removed; no other object ever is. Ages are the store's; the clock of the sweep is moved."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from dicom_gateway import Intake, Outcome, Source
from dicom_gateway.compact import compact_key
from dicom_gateway.index import dicom_instance, dicom_quarantine
from storage import ObjectStore, StorageError, StoreUnavailable, open_store
from storage.local import LocalStore
from storage.pack_writer import Entry
from telemed import centres
from telemed.adapters.application import SqlApplication
from telemed.adapters.audit.anchors import AuditAnchors
from telemed.adapters.clock import utc_now
from telemed.adapters.database import tables as t
from telemed.adapters.dicom.study_intake import DicomStudyIntake
from telemed.adapters.object_sweep import GRACE, LEASE, MAX_UNNAMED, ObjectSweep
from telemed.adapters.stored_objects import PLATFORM
from telemed.bootstrap import stored_objects
from telemed.service import execution, reporting
from telemed.service.files import attach_file
from telemed.service.uploads import begin_upload
from telemed.verification import count_unnamed, verify_objects
from tests.machine_time import machine_time
from tests.s3_server import S3Server, s3_process, s3_server
from tests.telemed.harness import Harness
from tests.telemed.test_image_quality import slices

__all__ = ["s3_process", "s3_server"]

pytestmark = pytest.mark.database

STORED_OBJECTS = stored_objects(centres.extensions())

DAY = timedelta(days=1, minutes=1)


@pytest.fixture(autouse=True)
def stores_clock() -> Iterator[None]:
    """How old an object is, a store tells by the machine's clock."""
    with machine_time():
        yield


@pytest.fixture(params=["folder", "s3"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ObjectStore]:
    if request.param == "folder":
        opened = open_store((tmp_path / "objects").as_uri())
    else:
        server: S3Server = request.getfixturevalue("s3_server")
        opened = open_store(server.url(server.new_bucket()))
    yield opened
    await opened.close()


async def keys_of(store: ObjectStore) -> set[str]:
    return {key async for key in store.list()}


async def newest_walk(application: SqlApplication) -> sa.RowMapping | None:
    query = sa.select(t.object_sweep).order_by(t.object_sweep.c.started_at.desc()).limit(1)
    async with application.engine.connect() as connection:
        return (await connection.execute(query)).mappings().first()


async def noted(application: SqlApplication) -> set[str]:
    async with application.engine.connect() as connection:
        return set((await connection.execute(sa.select(t.unnamed_object.c.key))).scalars())


async def sweep_at(application: SqlApplication, now: datetime, portion: int = 1000) -> int:
    """A whole walk, and what is due to be removed then. Returns how many were removed."""
    sweep = ObjectSweep(application.engine, application.store, STORED_OBJECTS, portion)
    removed = await sweep(now)
    while (walk := await newest_walk(application)) is not None and not walk["ended_at"]:
        removed += await sweep(now)
    while more := await sweep(now):
        removed += more
    return removed


async def content() -> AsyncIterator[bytes]:
    yield PDF


PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


async def put_everything_in(harness: Harness, store: ObjectStore, keys: Path) -> None:
    """An object of every kind that a row names."""
    application = harness.application
    case = await harness.at_main()
    intake = Intake(application.engine, store)
    studies = DicomStudyIntake(intake, application.engine)
    await attach_file(application, studies, harness.people["clinic1"], case.id, "letter.pdf", content())
    await harness.sign(case.id, "imaging.main")
    await harness.review(case.id)
    images = slices(2)
    for image in images:
        assert (await intake.receive(image, "CLINIC1", Source("upload"))).outcome is Outcome.STORED
    other = bytearray(images[0])
    other[-100:] = bytes(100)
    assert (await intake.receive(bytes(other), "CLINIC1", Source("upload"))).outcome is Outcome.CONFLICT
    await intake.receive(b"no image at all" * 20, "CLINIC1", Source("upload"))
    await intake.close()
    async with application.engine.connect() as connection:
        image = (await connection.execute(sa.select(dicom_instance.c.object_key))).scalars().first()
        assert (await connection.execute(sa.select(sa.func.count()).select_from(dicom_quarantine))).scalar_one() == 1
    await store.put(compact_key(str(image)), b"compact")
    upload = await execution.execute(application, begin_upload, harness.people["clinic1"], case.id, "long.pdf", 10_000)
    await store.put(f"{upload.folder}0000000000-0a", PDF)
    await AuditAnchors(application.engine, store, keys / "audit.key")(application.now())


LEFT_BEHIND = (
    "reports/01a2292c3d5c75b7ae9833d839af2526/1-0123456789abcdef.pdf",
    "evidence/01a2292c3d5c75b7ae9833d839af2526/01a2292c3d5c75b7ae9833d839af2527",
    "evidence/carts/CLINIC1/01a2292c3d5c75b7ae9833d839af2528",
    "ecg/01a2292c3d5c75b7ae9833d839af2529/samples",
    "ecg/01a2292c3d5c75b7ae9833d839af2529/revised/00.json",
    "dicom/CLINIC1/2026/11/18/04/01a2292c3d5c75b7ae9833d839af2530",
    "quarantine/CLINIC1/2026/11/18/04/01a2292c3d5c75b7ae9833d839af2531",
    "compact/dicom/CLINIC1/2026/11/18/04/01a2292c3d5c75b7ae9833d839af2532",
    "uploads/01a2292c3d5c75b7ae9833d839af2533/0000000000-0a",
    "storage-check/0123456789abcdef0123456789abcdef",
)

OF_NO_KIND = ("somebody/else", "evidences/x")


async def test_only_what_nobody_names_is_removed_and_a_day_after_it_was_noted(harness: Harness, store: ObjectStore, keys: Path) -> None:
    application = harness.application
    await put_everything_in(harness, store, keys)
    wanted = await keys_of(store)
    for key in (*LEFT_BEHIND, *OF_NO_KIND):
        await store.put(key, b"x")
    everything = await keys_of(store)

    await sweep_at(application, utc_now())
    assert await noted(application) == set(), "all of it is younger than a day"
    assert await sweep_at(application, utc_now() + DAY, portion=7) == 0
    assert await noted(application) == set(LEFT_BEHIND)
    assert await keys_of(store) == everything
    walk = await newest_walk(application)
    assert walk is not None
    assert (walk["objects"], walk["unnamed"], walk["unattributed"], walk["example"]) == (
        len(everything),
        len(LEFT_BEHIND),
        2,
        "evidences/x",
    )
    assert await count_unnamed(application.engine, store, STORED_OBJECTS, utc_now() + DAY) == (len(LEFT_BEHIND), 2)

    assert await sweep_at(application, utc_now() + 3 * DAY) == len(LEFT_BEHIND)
    assert await keys_of(store) == wanted | set(OF_NO_KIND)
    records = await harness.audited("object:remove")
    assert sorted(subject.removeprefix("object/") for _action, _actor, subject, _outcome in records) == sorted(LEFT_BEHIND)
    assert await noted(application) == set()
    checked = await verify_objects(application.engine, store, STORED_OBJECTS)
    assert (checked.fault, checked.without_digest) == ("", 0)
    assert checked.good == 7  # a letter, two prints of a report, two images, one of other content, one in quarantine


async def test_a_print_that_was_not_signed_goes_and_those_that_were_stay(harness: Harness, store: ObjectStore) -> None:
    """The print of the first signature stays too: the history names it by its digest."""
    case = await harness.at_main()
    person = harness.people["imaging.main"]
    request = await execution.query(harness.application, reporting.prepare_signature, person, case.id, ())
    lost = await harness.application.renderer.print(request)
    harness.clock.forward(seconds=1)
    await harness.sign(case.id, "imaging.main")
    (first,) = await harness.versions(case.id)
    final = await harness.review(case.id)
    assert await keys_of(store) == {lost.key, first.pdf_key, final.pdf_key}
    await sweep_at(harness.application, utc_now() + DAY)
    await sweep_at(harness.application, utc_now() + 3 * DAY)
    assert await keys_of(store) == {first.pdf_key, final.pdf_key}


one_of_each = pytest.mark.parametrize(("database_url", "store"), [("sqlite", "folder")], indirect=True)


@one_of_each
async def test_what_is_named_after_it_was_noted_stays(harness: Harness, store: ObjectStore) -> None:
    application = harness.application
    await store.put("quarantine/CLINIC1/a", b"x")
    await sweep_at(application, utc_now() + DAY)
    assert await noted(application) == {"quarantine/CLINIC1/a"}
    row = {"owner": "CLINIC1", "sha256": "0" * 64, "size": 1, "object_key": "quarantine/CLINIC1/a", "reason": "x"}
    async with application.engine.begin() as connection:
        await connection.execute(sa.insert(dicom_quarantine).values(**row, received_at=utc_now(), received_by="upload"))
    assert await sweep_at(application, utc_now() + 3 * DAY) == 0
    assert await keys_of(store) == {"quarantine/CLINIC1/a"}
    assert await noted(application) == set()


@one_of_each
async def test_the_limits_of_age_are_exact(harness: Harness, store: ObjectStore) -> None:
    application = harness.application
    await store.put("uploads/none/a", b"x")
    settled = await store.settled_since("uploads/none/a")
    assert settled is not None
    moment = timedelta(microseconds=1)
    await sweep_at(application, settled + GRACE - moment)
    assert await noted(application) == set()
    found_at = settled + 2 * GRACE
    await sweep_at(application, found_at)
    assert await noted(application) == {"uploads/none/a"}
    sweep = ObjectSweep(application.engine, store, STORED_OBJECTS)
    assert await sweep(found_at + GRACE - moment) == 0
    assert await keys_of(store) == {"uploads/none/a"}
    assert await sweep_at(application, found_at + GRACE) == 1


@one_of_each
async def test_what_a_pack_holds_is_left_alone_until_its_writer_has_settled_it(harness: Harness, store: ObjectStore) -> None:
    """A gateway may have promised objects that no row names yet, and be away for days."""
    application = harness.application
    assert isinstance(store, LocalStore)
    writer = store.pack_writer("dicom/packs")
    entries = [Entry(b"", content, hashlib.sha256(content).digest()) for content in (b"promised", b"torn")]
    promised, torn = writer.write(entries)
    writer.close()
    for days in (2, 4, 6):
        assert await sweep_at(application, utc_now() + days * DAY) == 0
    assert await noted(application) == set()
    for pack in store.unsettled_packs():
        list(pack.objects())
        pack.settle()
    row = {"owner": "CLINIC1", "sha256": "0" * 64, "size": 1, "object_key": promised, "reason": "x", "received_by": "upload"}
    async with application.engine.begin() as connection:
        await connection.execute(sa.insert(dicom_quarantine).values(**row, received_at=utc_now()))
    await sweep_at(application, utc_now() + 8 * DAY)
    assert await noted(application) == {torn}
    assert await sweep_at(application, utc_now() + 10 * DAY) == 1
    assert await keys_of(store) == {promised}


@one_of_each
async def test_more_than_crashes_leave_behind_is_never_removed_by_itself(harness: Harness, store: ObjectStore) -> None:
    """An older database was put beside the store: nobody names what came since."""
    application = harness.application
    await store.put_many([(f"dicom/CLINIC1/{number:04}", b"x") for number in range(MAX_UNNAMED + 1)])
    await sweep_at(application, utc_now() + DAY)
    assert await sweep_at(application, utc_now() + 3 * DAY) == 0
    assert len(await keys_of(store)) == MAX_UNNAMED + 1
    await store.delete("dicom/CLINIC1/0000")
    async with application.engine.begin() as connection:
        await connection.execute(sa.delete(t.unnamed_object).where(t.unnamed_object.c.key == "dicom/CLINIC1/0000"))
    assert await sweep_at(application, utc_now() + 3 * DAY) == MAX_UNNAMED


@one_of_each
async def test_several_workers_share_a_walk_and_one_that_dies_holds_it_up_for_its_lease(
    harness: Harness, store: ObjectStore, tmp_path: Path
) -> None:
    application, now = harness.application, utc_now() + DAY
    await store.put_many([(f"uploads/none/{number:02}", b"x") for number in range(20)])

    class Dies(LocalStore):
        def list(self, prefix: str = "", *, after: str = "") -> AsyncIterator[str]:
            raise StoreUnavailable("gone")

    workers = [ObjectSweep(application.engine, store, STORED_OBJECTS, 3) for _ in range(2)]
    await workers[0](now)
    with pytest.raises(StorageError):
        await ObjectSweep(application.engine, Dies(tmp_path / "objects"), STORED_OBJECTS, 3)(now)
    await workers[1](now)
    walk = await newest_walk(application)
    assert walk is not None
    assert walk["objects"] == 3, "held by the one that died"
    now += LEASE
    for turn in range(8):
        await workers[turn % 2](now)
    walk = await newest_walk(application)
    assert walk is not None
    assert (walk["objects"], walk["unnamed"]) == (20, 20)
    assert walk["ended_at"] == now


def test_no_kind_of_object_lies_in_the_folder_of_another() -> None:
    prefixes = [prefix for source in STORED_OBJECTS for prefix in source.prefixes]
    assert not [(one, other) for one in prefixes for other in prefixes if one is not other and one.startswith(other)]
    assert len({source.noun for source in STORED_OBJECTS}) == len(STORED_OBJECTS) > len(PLATFORM)

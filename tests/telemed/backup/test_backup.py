"""A backup while everything is there, and put back where nothing is: whole, small the second time, kept as many as asked for."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage import open_store
from storage.protocol import ObjectStore
from telemed.adapters.audit import chain
from telemed.adapters.backup.layout import BackupRefused
from telemed.adapters.clock import utc_now
from telemed.adapters.database import tables as t
from telemed.adapters.database.engine import make_engine
from telemed.domain.audit import AuditRecord
from telemed.settings import Settings
from tests.postgres_server import PostgresServer
from tests.s3_server import S3Server
from tests.telemed.attacks import Copy, flip
from tests.telemed.backup.copies import Backups, files_of

pytestmark = pytest.mark.database

Server = Callable[[], PostgresServer]
CLEAN = "verified: no fault was found"


def fresh(settings: Settings, server: Server) -> dict[str, str]:
    """What an empty installation of the same kind is told."""
    return {"database_url": server().new_database()} if settings.database_url else {}


async def content(store: ObjectStore) -> dict[str, bytes]:
    return {key: await store.read(key) async for key in store.list()}


async def objects_of(settings: Settings) -> dict[str, bytes]:
    store = open_store(settings.storage, settings.store_keys, read_only=True)
    try:
        return await content(store)
    finally:
        await store.close()


async def test_what_was_there_is_there_again(whole: Copy, backups: Backups, tmp_path: Path, server: Server) -> None:
    report = await backups.make()
    assert report.faults == report.warnings == []
    assert report.copied_objects == report.objects > 5
    records, objects, keys = list(await whole.rows(t.audit)), await objects_of(whole.settings), files_of(whole.keys)
    settings = fresh(whole.settings, server)
    shutil.rmtree(whole.settings.data_dir)
    status, words = await backups.restore(tmp_path / "again", **settings)
    assert status == 0, words
    assert CLEAN in words
    assert f"the audit trail up to record {len(records)}" in words
    again = Copy(Settings(data_dir=tmp_path / "again", **settings))
    assert await objects_of(again.settings) == objects
    assert files_of(again.keys) == keys
    assert all(not stat.S_IMODE(path.stat().st_mode) & 0o077 for path in again.keys.rglob("*"))
    assert list(await again.rows(t.audit)) == records
    await one_more_record(again)


async def test_nobody_is_signed_in_after_a_restore(whole: Copy, backups: Backups, tmp_path: Path, server: Server) -> None:
    """A session, or an account's, may have been ended since the snapshot."""
    await sign_in(whole.settings)
    assert await session_count(whole.settings) == 1
    await backups.make()
    settings = fresh(whole.settings, server)
    shutil.rmtree(whole.settings.data_dir)
    status, words = await backups.restore(tmp_path / "again", **settings)
    assert status == 0, words
    assert "sessions ended" in words
    assert await session_count(Settings(data_dir=tmp_path / "again", **settings)) == 0


async def sign_in(settings: Settings) -> None:
    engine, now = make_engine(settings.database), utc_now()
    async with engine.begin() as connection:
        username = (await connection.execute(sa.select(t.person.c.username).limit(1))).scalar_one()
        await connection.execute(sa.insert(t.session).values(token_digest="0" * 64, username=username, created_at=now, seen_at=now))
    await engine.dispose()


async def session_count(settings: Settings) -> int:
    engine = make_engine(settings.database)
    async with engine.connect() as connection:
        found = (await connection.execute(sa.select(sa.func.count()).select_from(t.session))).scalar_one()
    await engine.dispose()
    return int(found)


async def one_more_record(copy: Copy) -> None:
    """What numbers itself goes on behind what is there, and the trail takes a record at its end alone."""
    engine = make_engine(copy.settings.database)
    async with engine.begin() as connection:
        await chain.append(connection, [AuditRecord(utc_now(), "sign-in", "clinic1", "CLINIC1", "", "success", {})])
        row = (await connection.execute(sa.select(t.case_event).limit(1))).mappings().one()
        values = {name: value for name, value in row.items() if name != "id"}
        newest = (await connection.execute(sa.select(sa.func.max(t.case_event.c.id)))).scalar_one()
        made = await connection.execute(sa.insert(t.case_event).values(values).returning(t.case_event.c.id))
        assert made.scalar_one() > newest
    await engine.dispose()


async def test_the_second_copies_what_is_new(whole: Copy, backups: Backups) -> None:
    first = await backups.make()
    second = await backups.make()
    assert second.objects == first.objects
    assert second.copied_objects == 0
    assert second.copied_bytes <= second.database_bytes < first.copied_bytes, "pieces of the database that changed, and nothing else"
    status, words = await backups.check()
    assert status == 0, words
    assert first.snapshot in words
    assert second.snapshot in words
    assert "signed with the key of the audit trail" in words
    assert words.rstrip().endswith("checked: no fault was found")


async def test_as_many_are_kept_as_are_asked_for(backups: Backups, tmp_path: Path, server: Server) -> None:
    made = [await backups.make() for _ in range(3)]
    before = len(files_of(tmp_path / "backups"))
    last = await backups.make(keep=2)
    assert last.removed == [report.snapshot for report in made[:2]]
    assert last.freed > 0
    assert len(files_of(tmp_path / "backups")) < before
    assert (await backups.check())[0] == 0
    with pytest.raises(BackupRefused, match=f"There is no snapshot {made[0].snapshot}"):
        await backups.restore(tmp_path / "again", at=made[0].snapshot, **fresh(backups.settings, server))
    status, words = await backups.restore(tmp_path / "again", at=made[2].snapshot, **fresh(backups.settings, server))
    assert status == 0, words


async def test_what_the_installation_lacks_is_said_and_the_last_sound_one_stays(whole: Copy, backups: Backups) -> None:
    sound = await backups.make()
    for file in whole.objects.glob("reports/*/*"):
        file.unlink()
    for file in whole.objects.glob("evidence/*/*"):
        flip(file)
    shutil.rmtree(Path(backups.place) / "objects" / "pool")  # so that nothing is there already
    faulty = [await backups.make(keep=1) for _ in range(3)]
    assert all(len(report.faults) == 2 for report in faulty)
    assert any("is missing in the installation" in fault for fault in faulty[0].faults)
    assert any("is not as it is on record" in fault for fault in faulty[0].faults)
    assert (Path(backups.place) / "objects" / "snapshots" / sound.snapshot / "manifest.json").is_file()
    assert not (Path(backups.place) / "objects" / "snapshots" / faulty[1].snapshot / "manifest.json").exists()


@pytest.mark.parametrize("lost", ["folder", "bucket"])
async def test_from_a_folder_into_a_bucket_and_back(
    whole: Copy, backups: Backups, tmp_path: Path, server: Server, s3_server: S3Server, lost: str
) -> None:
    """Installation in a folder, backup in a bucket, restored into a bucket, backed up into a folder, restored into a folder."""
    to_bucket = Backups(whole.settings, s3_server.url(s3_server.new_bucket()) if lost == "folder" else str(tmp_path / "first"))
    await to_bucket.make()
    remote = {"storage_url": s3_server.url(s3_server.new_bucket()), **fresh(whole.settings, server)}
    status, words = await to_bucket.restore(tmp_path / "remote", **remote)
    assert status == 0, words
    objects = await objects_of(whole.settings)
    assert await objects_of(Settings(data_dir=tmp_path / "remote", **remote)) == objects
    back = Backups(Settings(data_dir=tmp_path / "remote", **remote), str(tmp_path / "second"))
    await back.make()
    status, words = await back.restore(tmp_path / "local", **fresh(whole.settings, server))
    assert status == 0, words
    assert await objects_of(Settings(data_dir=tmp_path / "local")) == objects

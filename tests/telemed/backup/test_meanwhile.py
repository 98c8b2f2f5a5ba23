"""A backup is consistent whatever happens meanwhile, and whenever it dies."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from dicom_gateway import Intake
from storage import ObjectStore, open_store
from telemed import backups as installation_backups
from telemed.adapters.clock import utc_now
from telemed.adapters.database import tables as t
from telemed.adapters.database.engine import make_engine
from telemed.bootstrap import stored_objects
from telemed.centres import extensions
from tests.installation import ROOT
from tests.telemed.attacks import Copy
from tests.telemed.backup.conftest import receive
from tests.telemed.backup.copies import Backups
from tests.telemed.test_image_quality import slices

DYING = """
import asyncio, os, signal, sys
from telemed.adapters.clock import utc_now
from telemed.backups import Plan, make
from telemed.bootstrap import stored_objects
from telemed.centres import extensions
from telemed.settings import Settings

place, left = sys.argv[1], int(sys.argv[2])

def die(what, done, of):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(make(Settings(), Plan(place, 1), stored_objects(extensions()), utc_now(), die))
print("ended")
"""


async def with_upload(copy: Copy) -> str:
    """An upload of which one part has come; returns its key."""
    key = "uploads/abc/0"
    store = open_store(copy.settings.storage)
    await store.put(key, b"half of a file")
    await store.close()
    engine, now = make_engine(copy.settings.database), utc_now()
    row = {"id": "abc", "case_id": "x", "username": "clinic1", "name": "a.pdf", "length": 28, "offset": 14, "parts": [[0, 14, key]]}
    async with engine.begin() as connection:
        await connection.execute(sa.insert(t.upload).values(**row, created_at=now, expires_at=now + timedelta(days=7)))
    await engine.dispose()
    return key


async def test_what_came_of_an_upload_is_there_again(whole: Copy, backups: Backups, tmp_path: Path) -> None:
    key = await with_upload(whole)
    await backups.make()
    status, words = await backups.restore(tmp_path / "again")
    assert status == 0, words
    assert (tmp_path / "again" / "objects" / "objects" / key).read_bytes() == b"half of a file"


async def test_what_is_removed_meanwhile_is_named_no_longer(whole: Copy, backups: Backups, tmp_path: Path) -> None:
    """The database was copied while it named the part; when it is the part's turn, both are gone."""
    key = await with_upload(whole)
    rounds = []

    def give_up(what: str, done: int, of: int) -> None:
        if what == "database":
            rounds.append(done)
        elif (whole.objects / key).exists():
            (whole.objects / key).unlink()
            with sqlite3.connect(whole.settings.data_dir / "telemed.db") as connection:
                connection.execute("DELETE FROM upload")
            connection.close()

    report = await installation_backups.make(whole.settings, backups.plan(), stored_objects(extensions()), utc_now(), give_up)
    assert rounds == [0, 1]
    assert report.faults == []
    status, words = await backups.restore(tmp_path / "again")
    assert status == 0, words
    with sqlite3.connect(tmp_path / "again" / "telemed.db") as connection:
        assert connection.execute("SELECT count(*) FROM upload").fetchone() == (0,)
    connection.close()


async def test_writers_go_on_and_what_came_before_is_in_it(whole: Copy, backups: Backups, tmp_path: Path) -> None:
    """Images arrive and records are written all the time. Each snapshot has all that was acknowledged before it began."""
    engine = make_engine(whole.settings.database)
    store = open_store(whole.settings.storage)
    before, acknowledged, ended, more = [], [0], asyncio.Event(), asyncio.Event()

    async def write() -> None:
        files = iter(slices(60))
        while not ended.is_set():
            await receive_one(Intake(engine, store), next(files))
            acknowledged[0] += 1
            more.set()
            await asyncio.sleep(0.01)

    writing = asyncio.create_task(write())
    try:
        for _ in range(3):
            more.clear()
            await more.wait()
            known = acknowledged[0]
            before.append(((await backups.make()).snapshot, known))
    finally:
        ended.set()
        await writing
        await engine.dispose()
        await store.close()
    assert acknowledged[0] > before[-1][1], "it wrote while the last one was made"
    for snapshot, known in before:
        into = tmp_path / snapshot
        status, words = await backups.restore(into, at=snapshot)
        assert status == 0, words
        with sqlite3.connect(into / "telemed.db") as connection:
            (count,) = connection.execute("SELECT count(*) FROM dicom_instance").fetchone()
        connection.close()
        assert count >= known
        assert "0 older than a day, 0 of no known kind" in words


async def receive_one(intake: Intake, content: bytes) -> None:
    await receive(intake, [content])


def manifests(backups: Backups) -> list[bytes]:
    """Those of all whole snapshots."""
    return [path.read_bytes() for path in Path(backups.place).glob("objects/snapshots/*/manifest.json")]


async def died_after(backups: Backups, events: int) -> bool:
    """A run that is killed at the given event of its progress; True if it was."""
    environment = os.environ | {"TELEMED_DATA_DIR": str(backups.settings.data_dir), "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DYING, backups.place, str(events), env=environment, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert process.returncode in (0, -signal.SIGKILL)
    assert (process.returncode == 0) == (said == b"ended\n")
    return process.returncode != 0


@pytest.mark.slow
async def test_whenever_it_is_killed_what_was_there_stays_good(whole: Copy, backups: Backups, tmp_path: Path) -> None:
    """At the database, at each object, at what is removed: the last whole snapshot can be restored, and the next run goes on."""
    killed, events = 0, 1
    while await died_after(backups, events):
        killed += 1
        events += 1
        if manifests(backups):
            assert (await backups.check())[0] == 0
    assert killed > 5
    assert (await backups.check())[0] == 0
    engine = make_engine(whole.settings.database)
    store: ObjectStore = open_store(whole.settings.storage)
    await receive(Intake(engine, store), slices(5)[3:])
    await engine.dispose()
    await store.close()
    events = 1
    while await died_after(backups, events):
        assert (await backups.check())[0] == 0
        events += 1
    status, words = await backups.restore(tmp_path / "again")
    assert status == 0, words
    (manifest,) = manifests(backups)
    assert json.loads(manifest)["faults"] == []

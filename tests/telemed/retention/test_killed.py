"""Killed at whatever point of an erasure, the next run makes it complete."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from telemed.domain.retention import RecordKind
from telemed.service import retention
from tests.installation import ROOT
from tests.postgres_server import PostgresServer
from tests.telemed.attacks import copied
from tests.telemed.retention.conftest import YEARS, Archive

DYING = """
import asyncio, io, itertools, json, os, shutil, signal, sqlite3, sys
from datetime import datetime
from functools import partial
from pathlib import Path
import sqlalchemy as sa
from rich.console import Console
from storage.local import LocalStore
from telemed import bootstrap
from telemed.adapters.database.engine import make_engine
from telemed.adapters.database.repositories.region import load_region
from telemed.adapters.database.unit_of_work import writing
from telemed.adapters.retention.erasing import Erasing
from telemed.centres import discover, extensions
from telemed.settings import Settings
from telemed.verification import verify_installation

source, copy, request, moment = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], datetime.fromisoformat(sys.argv[4])
left = 0

def step(*_):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

class Dying(LocalStore):
    async def delete(self, key):
        step()
        await super().delete(key)
        step()

async def erase():
    settings = Settings(data_dir=copy)
    engine = make_engine(settings.database)
    async with engine.connect() as connection:
        region = await load_region(connection, discover(), settings.time_zone)
    sa.event.listen(engine.sync_engine, "commit", step)
    store = Dying(copy / "objects")
    sources = bootstrap.stored_objects(extensions())
    await Erasing(engine, store, sources, partial(writing, engine, region, lambda: moment)).carry_out(request)
    await engine.dispose()
    await store.close()

async def verify():
    said = io.StringIO()
    status = await verify_installation(Settings(data_dir=copy), Console(file=said, width=1000))
    copy.with_suffix(".words").write_text(said.getvalue())
    if status:
        os._exit(3)

def child(work, dies_at=0):
    '''Run in a process of its own; its exit status, negative where a signal ended it.'''
    global left
    pid = os.fork()
    if not pid:
        left = dies_at
        asyncio.run(work())
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def rows(query):
    with sqlite3.connect(copy / "telemed.db") as connection:
        return [row[0] for row in connection.execute(query)]

for number in itertools.count(1):
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(source, copy)
    died = child(erase, number)
    between = child(verify)
    if died:
        again = child(erase)
    after = child(verify)
    words = copy.with_suffix(".words").read_text()
    cases, states = rows('SELECT id FROM "case"'), rows("SELECT state FROM erasure UNION ALL SELECT state FROM erasure_request")
    objects = sorted(str(path.relative_to(copy)) for path in (copy / "objects" / "objects").rglob("*") if path.is_file())
    found = [died, between, again if died else 0, after, cases, states, rows("SELECT count(*) FROM erased_object"), objects, words]
    print("said", json.dumps(found), flush=True)
    if not died:
        break
"""


@pytest.mark.slow
async def test_whenever_it_is_killed_it_is_gone_on_with(
    archive: Archive, tmp_path: Path, database_url: str, server: Callable[[], PostgresServer]
) -> None:
    """At each commit, before and behind the removal of each object; the proof is clean in between and at the end."""
    case, _ = await archive.whole_case()
    kept = await archive.harness.signed()
    archive.harness.clock.forward(days=YEARS)
    asked = await archive.ask(RecordKind.CASE, case.id)
    await archive.harness.do("secadmin", retention.confirm, asked.id)
    await archive.note_end()
    await archive.harness.application.engine.dispose()
    whole = copied(tmp_path, database_url, tmp_path / "whole", server).settings.data_dir
    arguments = ("-c", DYING, str(whole), str(tmp_path / "copy"), asked.id, archive.harness.clock().isoformat())
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, env=environment, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    assert process.returncode == 0
    runs = [json.loads(line.removeprefix("said ")) for line in said.decode().splitlines() if line.startswith("said ")]
    assert len(runs) > 12
    assert [died for died, *_ in runs] == [-9] * (len(runs) - 1) + [0]
    objects = runs[-1][7]
    assert not [path for path in objects if case.id in path]
    for died, between, again, after, cases, states, left, there, words in runs:
        assert (between, again, after) == (0, 0, 0), (died, words)
        assert (cases, states, left) == ([kept.id], ["done", "done"], [0])
        assert there == objects
        assert "that no record names: 0 older than a day, 0 of no known kind" in words

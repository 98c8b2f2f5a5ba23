"""Killed at whatever point of an erasure, the next run makes it complete."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from telemed.adapters.database import tables as t
from telemed.domain.retention import RecordKind
from telemed.service import retention
from tests.installation import ROOT
from tests.postgres_server import PostgresServer
from tests.telemed.attacks import Copy, copied
from tests.telemed.retention.conftest import YEARS, Archive

DYING = """
import asyncio, os, signal, sys
import sqlalchemy as sa
from functools import partial
from storage.local import LocalStore
from telemed import bootstrap
from telemed.adapters.database.engine import make_engine
from telemed.adapters.database.repositories.region import load_region
from telemed.adapters.database.unit_of_work import writing
from telemed.adapters.retention.erasing import Erasing
from telemed.centres import discover, extensions
from telemed.settings import Settings

request, left, moment = sys.argv[1], int(sys.argv[2]), sys.argv[3]

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

async def main():
    from datetime import datetime
    settings = Settings()
    engine = make_engine(settings.database)
    async with engine.connect() as connection:
        region = await load_region(connection, discover(), settings.time_zone)
    sa.event.listen(engine.sync_engine, "commit", step)
    store = Dying(settings.data_dir / "objects")
    erasing = Erasing(engine, store, bootstrap.stored_objects(extensions()), partial(writing, engine, region, lambda: datetime.fromisoformat(moment)))
    await erasing.carry_out(request)
    await engine.dispose()
    await store.close()
    print("ended")

asyncio.run(main())
"""


async def run(copy: Copy, request: str, events: int, moment: str) -> bool:
    """Erase, and die at the given event: a commit, or before or behind the removal of an object. True if it was killed."""
    environment = os.environ | {"TELEMED_DATA_DIR": str(copy.settings.data_dir), "PYTHONPATH": str(ROOT)}
    arguments = ("-c", DYING, request, str(events), moment)
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, env=environment, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    assert process.returncode in (0, -signal.SIGKILL)
    assert (process.returncode == 0) == said.endswith(b"ended\n")
    return process.returncode != 0


@pytest.mark.slow
async def test_whenever_it_is_killed_it_is_gone_on_with(
    archive: Archive, tmp_path: Path, database_url: str, server: Callable[[], PostgresServer]
) -> None:
    case, _ = await archive.whole_case()
    kept = await archive.harness.signed()
    archive.harness.clock.forward(days=YEARS)
    asked = await archive.ask(RecordKind.CASE, case.id)
    await archive.harness.do("secadmin", retention.confirm, asked.id)
    await archive.note_end()
    await archive.harness.application.engine.dispose()
    moment, killed = archive.harness.clock().isoformat(), 0
    while True:
        copy = copied(tmp_path, database_url, tmp_path / "copy", server)
        died = await run(copy, asked.id, killed + 1, moment)
        status, words = await copy.verify()
        assert status == 0, (killed, words)
        if died:
            killed += 1
            assert not await run(copy, asked.id, 0, moment)
        assert [row["id"] for row in await copy.rows(t.case.c.id)] == [kept.id]
        assert [row["state"] for row in await copy.rows(t.erasure)] == ["done"]
        assert await copy.rows(t.erased_object) == []
        assert not list(copy.objects.glob(f"reports/{case.id}/*"))
        status, words = await copy.verify()
        assert status == 0, (killed, words)
        assert "that no record names: 0 older than a day, 0 of no known kind" in words
        shutil.rmtree(tmp_path / "copy")
        if not died:
            break
    assert killed > 10

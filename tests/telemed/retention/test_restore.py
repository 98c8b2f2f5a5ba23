"""An older backup that is put back does not bring back what was erased since."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from telemed.adapters.database import tables as t
from telemed.domain.retention import RecordKind
from telemed.settings import Settings
from tests.postgres_server import PostgresServer
from tests.telemed.attacks import Copy, copied
from tests.telemed.backup.copies import Backups
from tests.telemed.retention.conftest import YEARS, Archive

pytestmark = pytest.mark.database


async def test_what_was_erased_stays_erased(
    archive: Archive, tmp_path: Path, database_url: str, server: Callable[[], PostgresServer]
) -> None:
    """Two snapshots: before the erasure and after it. The first is restored, and a restore that was cut off is gone on with."""
    case, study = await archive.whole_case()
    kept = await archive.harness.signed()
    archive.harness.clock.forward(days=YEARS)
    await archive.harness.application.engine.dispose()
    before = Backups(copied(tmp_path, database_url, tmp_path / "before", server).settings, str(tmp_path / "backups"))
    first = await before.make()
    await archive.erase(RecordKind.CASE, case.id)
    (stone,) = await archive.rows(t.erasure)
    await archive.harness.application.engine.dispose()
    after = Backups(copied(tmp_path, database_url, tmp_path / "after", server).settings, before.place, made=before.made)
    await after.make()
    settings = {"database_url": server().new_database()} if after.settings.database_url else {}
    status, words = await after.restore(tmp_path / "again", at=first.snapshot, **settings)
    assert status == 0, words
    assert "erased again, since the snapshot is older than their erasure: 1 records" in words
    assert "that no record names: 0 older than a day, 0 of no known kind" in words
    again = Copy(Settings(data_dir=tmp_path / "again", **settings))
    assert [row["id"] for row in await again.rows(t.case.c.id)] == [kept.id]
    (found,) = await again.rows(t.erasure)
    assert (found["subject"], found["digest"], found["state"]) == (case.id, stone["digest"], "done")
    assert {row["state"] for row in await again.rows(t.erasure_request)} == {"done"}
    assert not list(again.objects.glob(f"reports/{case.id}/*"))
    assert study not in json.dumps([dict(row) for row in await again.rows(t.evidence.c.study_instance_uid)])
    assert [row["outcome"] for row in await again.rows(t.audit.c.action, t.audit.c.outcome) if row["action"] == "erasure:erase"] == [
        "again"
    ]

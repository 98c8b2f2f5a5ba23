"""Migrations give the schema that the tables describe, on both databases, also when several start at once."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import AsyncEngine

from dicom_gateway.index import metadata as dicom_metadata
from telemed.adapters.audit.chain import append
from telemed.adapters.audit.trail import walk_trail
from telemed.adapters.clock import utc_now
from telemed.adapters.database.engine import DatabaseUnavailable, async_url, check, make_engine
from telemed.adapters.database.migrate import migrate
from telemed.adapters.database.tables import audit, job, metadata
from telemed.adapters.jobs.queue import take
from telemed.centres import extensions, migrations
from telemed.centres.ecg.domain import EcgJob
from telemed.domain.audit import AuditRecord
from telemed.domain.jobs import JobKind
from tests.postgres_server import PostgresServer

pytestmark = pytest.mark.database


assert extensions()  # bring the tables of the centres to the described schema


def differences(connection: sa.Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": False})
    both = sa.MetaData()
    for part in (metadata, dicom_metadata):
        for table in part.tables.values():
            table.to_metadata(both)
    return list(compare_metadata(context, both))


async def test_the_migrated_schema_is_the_described_one(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_migrating_again_changes_nothing(engine: AsyncEngine) -> None:
    await migrate(engine, migrations())
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_several_processes_that_start_at_once_migrate_once(kind: str, tmp_path: Path, postgres_server: PostgresServer) -> None:
    url = f"sqlite:///{tmp_path}/new.db" if kind == "sqlite" else postgres_server.new_database()
    environment = os.environ | {"TELEMED_DATA_DIR": str(tmp_path), "TELEMED_DATABASE_URL": url}
    command = (sys.executable, "-m", "telemed", "migrate")
    started = [await asyncio.create_subprocess_exec(*command, env=environment, stderr=asyncio.subprocess.PIPE) for _ in range(4)]
    for process in started:
        _, said = await process.communicate()
        assert process.returncode == 0, said.decode()
    engine = make_engine(url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


def to_revision(connection: sa.Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(files("telemed.adapters.database") / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


@pytest.fixture(params=["sqlite", "postgresql"])
async def at_0014(request: pytest.FixtureRequest, tmp_path: Path, postgres_server: PostgresServer) -> AsyncIterator[AsyncEngine]:
    """A database as it was before jobs were renamed."""
    url = f"sqlite:///{tmp_path}/old.db" if request.param == "sqlite" else postgres_server.new_database()
    made = make_engine(url)
    async with made.begin() as connection:
        await connection.run_sync(to_revision, "0014")
    yield made
    await made.dispose()


async def test_jobs_that_wait_under_their_old_names_are_renamed(at_0014: AsyncEngine) -> None:
    now = utc_now()
    renamed = {
        "place-study": JobKind.MATCH_STUDY,
        "place-waiting": JobKind.MATCH_UNMATCHED,
        "place-step": JobKind.MATCH_STEP,
        "raise-found": EcgJob.OPEN_DETECTED_CRITICALS,
        "read-ecg": EcgJob.READ,
        "complete-study": JobKind.COMPLETE_STUDY,
    }
    times = {"created_at": now, "run_after": now, "attempts": 0}
    rows = [{"kind": old, "payload": {"number": n}, "waiting_key": f"{n}", **times} for n, old in enumerate(renamed)]
    async with at_0014.begin() as connection:
        await connection.execute(sa.insert(job), rows)
    await migrate(at_0014, migrations())
    taken = await take(at_0014, now, 50)
    assert [(line.kind, line.payload["number"]) for line in taken] == [(kind, n) for n, kind in enumerate(renamed.values())]


OLD_RECORD = sa.table(
    "audit", *map(sa.column, ["position", "at", "action", "actor", "institution", "subject", "outcome", "detail", "previous", "digest"])
)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_trail_of_before_it_had_digests_of_the_record_goes_on(kind: str, tmp_path: Path, postgres_server: PostgresServer) -> None:
    """Its records keep their digests, which are computed here as they were then."""
    engine = make_engine(f"sqlite:///{tmp_path}/old.db" if kind == "sqlite" else postgres_server.new_database())
    old, previous, at = [], "0" * 64, datetime(2026, 1, 31, 8, 15, tzinfo=UTC)
    for position in range(1, 4):
        fields = ["2026-01-31T08:15:00.000000+00:00", "case:read", "reader", "HUBA", "case/1", "success", {"文": [1.5, None]}]
        content = json.dumps([position, previous, *fields], ensure_ascii=False, separators=(",", ":"))
        digest = hashlib.sha256(content.encode()).hexdigest()
        named = dict(zip(("action", "actor", "institution", "subject", "outcome"), fields[1:6], strict=True))
        old.append({"position": position, "at": at, **named, "detail": fields[6], "previous": previous, "digest": digest})
        previous = digest
    typed = OLD_RECORD.insert().values({c.name: sa.bindparam(c.name, type_=audit.c[c.name].type) for c in OLD_RECORD.c})
    async with engine.begin() as connection:
        await connection.run_sync(to_revision, "0016")
        await connection.execute(typed, old)
    await migrate(engine, migrations())
    async with engine.begin() as connection:
        await append(connection, [AuditRecord(at, "case:read", "reader", "HUBA", "case/2", "success", {})], {"consent/1": "1:x"})
    trail = await walk_trail(engine)
    assert (trail.records, trail.faults, trail.attested) == (4, [], {"consent/1": "1:x"})
    await engine.dispose()


async def test_a_writer_waits_its_turn_and_readers_do_not(engine: AsyncEngine) -> None:
    """Two connections: one holds a transaction open, the other reads what was there before."""
    async with engine.begin() as writing:
        await writing.execute(sa.text("UPDATE institution SET city = 'x'"))
        async with engine.connect() as bare:
            reading = await bare.execution_options(reading=True)
            assert (await reading.execute(sa.text("SELECT count(*) FROM institution WHERE city = 'x'"))).scalar_one() == 0


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("sqlite:////data/x.db", "sqlite+aiosqlite:////data/x.db"),
        ("postgres://h/d", "postgresql+asyncpg://h/d"),
        ("postgresql://u:p@h:5/d", "postgresql+asyncpg://u:p@h:5/d"),
        ("postgresql+asyncpg://h/d", "postgresql+asyncpg://h/d"),
    ],
)
def test_urls_may_be_given_without_a_driver(given: str, used: str) -> None:
    assert async_url(given) == used


async def test_a_database_that_is_not_there_is_one_plain_sentence(tmp_path: Path, postgres_server: PostgresServer) -> None:
    folder = tmp_path / "is-a-file"
    folder.write_text("")
    missing = postgres_server.new_database()
    postgres_server.drop(missing)
    for url in (f"sqlite:///{folder}/x.db", "postgresql://nobody:secret@127.0.0.1:1/none", missing):
        engine = make_engine(url)
        with pytest.raises(DatabaseUnavailable) as refused:
            await check(engine)
        assert "secret" not in str(refused.value)
        assert "\n" not in str(refused.value)
        await engine.dispose()


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://h/d", "postgresql://h:port/d", "sqlite+pysqlite:///x.db"])
def test_a_url_of_another_kind_is_one_plain_sentence(url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="sqlite:///"):
        make_engine(url)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # PostgreSQL brings its own tools for copies
async def test_a_copy_of_the_database_file_is_a_database(engine: AsyncEngine, tmp_path: Path) -> None:
    """A backup of the embedded database is a copy made while nothing runs."""
    await engine.dispose()
    shutil.copyfile(tmp_path / "telemed.db", tmp_path / "copy.db")
    copy = make_engine(f"sqlite:///{tmp_path}/copy.db")
    await check(copy)
    await copy.dispose()

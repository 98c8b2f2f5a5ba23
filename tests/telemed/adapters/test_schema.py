"""Migrations give the schema that the tables describe, on both databases, also when several start at once."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import AsyncEngine

from dicom_gateway.index import metadata as dicom_metadata
from telemed.adapters.database.engine import DatabaseUnavailable, async_url, check, make_engine
from telemed.adapters.database.migrate import migrate
from telemed.adapters.database.tables import (
    metadata,
)
from telemed.centres import extensions, migrations
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

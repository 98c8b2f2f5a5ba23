"""Migrations give the schema that the tables describe, on both databases, also when several start at once."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import AsyncEngine

from dicom_gateway.index import StatedPatient, dicom_correction, dicom_study, stated_patients
from dicom_gateway.index import metadata as dicom_metadata
from dicom_gateway.index.stated_patients import enter_stated_patients
from telemed.adapters.clock import utc_now
from telemed.adapters.database.engine import DatabaseUnavailable, async_url, check, make_engine
from telemed.adapters.database.migrate import migrate
from telemed.adapters.database.tables import case, job, metadata
from telemed.adapters.jobs.queue import take
from telemed.centres import extensions, migrations
from telemed.centres.ecg.domain import EcgJob
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


@pytest.fixture(params=["sqlite", "postgresql"])
async def at_0016(request: pytest.FixtureRequest, tmp_path: Path, postgres_server: PostgresServer) -> AsyncIterator[AsyncEngine]:
    """A database as it was before evidence was compared with its patient."""
    url = f"sqlite:///{tmp_path}/old.db" if request.param == "sqlite" else postgres_server.new_database()
    made = make_engine(url)
    async with made.begin() as connection:
        await connection.run_sync(to_revision, "0016")
    yield made
    await made.dispose()


async def test_studies_that_came_before_state_the_patient_that_they_were_received_with(at_0016: AsyncEngine) -> None:
    now = utc_now().replace(tzinfo=None) if at_0016.dialect.name == "sqlite" else utc_now()
    columns = ("patient_name", "patient_id", "patient_birth_date", "patient_sex")
    as_sent, silent, corrected = ("Zhang^Wei", "P1", "19610305", "M"), (None, None, None, None), ("Wang^Wu", "P9", "19700101", "M")
    studies = [
        {"id": number, "owner": "CLINIC1", "study_instance_uid": f"1.{number}", "first_received_at": now, "last_received_at": now}
        | dict(zip(columns, values, strict=True))
        for number, values in enumerate((as_sent, silent, corrected), 1)
    ]
    originals = [
        {"study_id": 3, "keyword": "PatientName", "original": "Li^Si", "corrected_at": now},
        {"study_id": 3, "keyword": "AccessionNumber", "original": "A1", "corrected_at": now},
    ]
    async with at_0016.begin() as connection:
        await connection.execute(sa.insert(dicom_study), studies)
        await connection.execute(sa.insert(dicom_correction), originals)
    await migrate(at_0016, migrations())
    async with at_0016.connect() as connection:
        found = [await connection.run_sync(stated_patients, number) for number in (1, 2, 3)]
    assert found == [[StatedPatient(*as_sent)], [StatedPatient(*silent)], [StatedPatient("Li^Si", "P9", "19700101", "M")]]
    async with at_0016.begin() as connection:  # an instance that comes now states nothing new
        await connection.run_sync(enter_stated_patients, [(1, StatedPatient(*as_sent))])
        assert await connection.run_sync(stated_patients, 1) == [StatedPatient(*as_sent)]


async def test_open_cases_that_were_there_before_are_compared(at_0016: AsyncEngine) -> None:
    now = utc_now().replace(tzinfo=None) if at_0016.dialect.name == "sqlite" else utc_now()
    async with at_0016.begin() as connection:
        old = await connection.run_sync(lambda sync: sa.Table("case", sa.MetaData(), autoload_with=sync))
        for number, status in enumerate(("draft", "requested", "in-progress", "completed", "cancelled")):
            row = {"id": f"{number}", "centre": "imaging", "kind": "diagnosis", "priority": "routine", "rank": 3, "status": status, "accession_number": f"{number}",
                   "member": "CLINIC1", "patient_id": "1", "patient_name": "张伟", "patient_sex": "male", "request": {}, "route": [], "created_by": "clinic1",
                   "created_at": now, "readers": []}  # fmt: skip
            await connection.execute(sa.insert(old), row)
    await migrate(at_0016, migrations())
    taken = await take(at_0016, utc_now(), 50)
    assert sorted((line.kind, line.payload["case_id"]) for line in taken) == [(JobKind.COMPARE_IDENTITIES, f"{n}") for n in range(3)]
    async with at_0016.connect() as connection:
        assert set((await connection.execute(sa.select(case.c.identity_open))).scalars()) == {False}


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

"""SQLite by connections that hop to their thread once for a statement: the same answers, and what is leant on is there."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from telemed.adapters.database import sqlite_driver
from telemed.adapters.database.engine import make_engine

table = sa.Table("thing", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String, unique=True))
MANY = 3 * sqlite_driver.AT_ONCE + 7


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    made = make_engine(f"sqlite:///{tmp_path}/x.db")
    async with made.begin() as connection:
        await connection.run_sync(table.metadata.create_all)
    yield made
    await made.dispose()


async def test_a_statement_takes_one_hop_to_the_thread(engine: AsyncEngine, caplog: pytest.LogCaptureFixture) -> None:
    """The thread says in the driver's log what it is given."""
    async with engine.connect() as bare:
        connection = await bare.execution_options(reading=True)
        await connection.execute(sa.select(table))
        with caplog.at_level(logging.DEBUG, "aiosqlite"):
            for number in range(10):
                assert (await connection.execute(sa.select(table).where(table.c.id == number))).all() == []
        assert sum("executing" in record.getMessage() for record in caplog.records) == 10


async def test_rows_of_any_number_come_whole_and_in_order(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(sa.insert(table), [{"id": n, "name": f"n{n}"} for n in range(MANY)])
        ordered = sa.select(table.c.id).order_by(table.c.id)
        assert list((await connection.execute(ordered)).scalars()) == list(range(MANY))
        for exact in (sqlite_driver.AT_ONCE - 1, sqlite_driver.AT_ONCE, sqlite_driver.AT_ONCE + 1):
            assert len((await connection.execute(ordered.limit(exact))).all()) == exact
        async with connection.stream(ordered) as streamed:
            assert [row.id async for row in streamed] == list(range(MANY))
        async with connection.stream(ordered) as streamed:
            assert (await streamed.fetchone())[0] == 0  # the rest is left
        assert (await connection.execute(sa.select(sa.func.count()).select_from(table))).scalar_one() == MANY


async def test_changes_tell_how_many_rows_and_what_they_were(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        added = await connection.execute(sa.insert(table).values(name="a"))
        assert added.inserted_primary_key == (1,)
        changed = await connection.execute(sa.update(table).values(name="b").returning(table.c.id, table.c.name))
        assert changed.all() == [(1, "b")]
        assert (await connection.execute(sa.delete(table).where(table.c.id == 7))).rowcount == 0
        assert (await connection.execute(sa.delete(table))).rowcount == 1


async def test_errors_are_those_of_the_database_and_the_connection_goes_on(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(sa.insert(table).values(name="a"))
    async with engine.connect() as connection:
        with pytest.raises(IntegrityError):
            await connection.execute(sa.insert(table).values(name="a"))
        await connection.rollback()
        with pytest.raises(OperationalError):
            await connection.execute(sa.text("SELECT nothing FROM nowhere"))
        await connection.rollback()
        assert (await connection.execute(sa.select(table.c.name))).scalars().all() == ["a"]


async def test_what_is_not_committed_is_gone(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execute(sa.insert(table).values(name="a"))
        await connection.rollback()
        assert (await connection.execute(sa.select(table))).all() == []


async def test_a_statement_whose_asker_is_gone_leaves_its_connection_sound(engine: AsyncEngine) -> None:
    """As when a browser goes away: the task is cancelled while the thread is at work."""
    slow = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 200000) SELECT count(*) FROM n"

    async def ask() -> None:
        async with engine.connect() as bare:
            await (await bare.execution_options(reading=True)).execute(sa.text(slow))

    for _ in range(30):  # more than the pool has
        task = asyncio.create_task(ask())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with engine.begin() as connection:
        await connection.execute(sa.insert(table).values(name="a"))
    async with engine.connect() as connection:
        assert (await connection.execute(sa.select(table.c.name))).scalars().all() == ["a"]


async def test_the_answers_are_those_of_the_driver_as_it_comes(engine: AsyncEngine, tmp_path: Path) -> None:
    """Values of every kind, names of columns, and nothing at all."""
    plain = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/x.db")
    asked = ("SELECT 1 AS a, 'x' AS b, NULL AS c, 1.5 AS d, x'00ff' AS e", "SELECT 1 AS a WHERE 0", "SELECT 1 UNION SELECT 2 ORDER BY 1")
    for text in asked:
        answers = []
        for made in (engine, plain):
            async with made.connect() as connection:
                found = await connection.execute(sa.text(text))
                answers.append((tuple(found.keys()), found.all()))
        assert answers[0] == answers[1], text
    await plain.dispose()


async def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("this is a letter, and rather a long one" * 100)
    connection = await sqlite_driver.connect(f"{tmp_path}/text.db")
    with pytest.raises(sqlite3.DatabaseError):
        await connection.cursor().execute("SELECT * FROM sqlite_master")
    await connection.close()


def test_what_is_leant_on_is_there() -> None:
    """Where this fails aiosqlite has changed: bring `sqlite_driver` in line with it, or live with four hops a statement."""
    assert sqlite_driver.missing() == []


async def test_with_another_aiosqlite_its_own_connections_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_driver, "LEANT_ON", ("_execute", "_gone"))
    assert sqlite_driver.missing() == ["_gone"]
    engine = make_engine(f"sqlite:///{tmp_path}/x.db")
    async with engine.begin() as connection:
        await connection.run_sync(table.metadata.create_all)
        await connection.execute(sa.insert(table).values(name="a"))
    async with engine.connect() as bare:
        connection = await bare.execution_options(reading=True)
        assert (await connection.execute(sa.select(table.c.name))).scalars().all() == ["a"]
        assert not isinstance((await connection.get_raw_connection()).driver_connection, sqlite_driver.Connection)
    await engine.dispose()

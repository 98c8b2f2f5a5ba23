"""One snapshot for all that a request reads, given back before it waits for a writer's turn."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from storage import ObjectStore
from telemed.adapters.database.confidential import Sealer
from telemed.adapters.database.engine import make_engine
from telemed.adapters.database.snapshots import give_back, one_snapshot, read_rows, reading_connection
from telemed.service.execution import query, record_look
from telemed.service.queries import CaseFilter
from telemed.service.saved_views import views_of
from tests.telemed.conftest import open_office
from tests.telemed.harness import Harness
from tests.telemed.moments import Clock

pytestmark = pytest.mark.database

CITY = sa.text("SELECT count(*) AS n FROM institution WHERE city = 'x'")
HANGING = 60
"""Seconds after which what stands still is ended; a test that passes takes a few."""


@contextmanager
def checkouts(engine: AsyncEngine) -> Iterator[list[object]]:
    """The connections that are taken from the pool within the block, in order."""
    taken: list[object] = []

    def note(_dbapi: object, record: object, _proxy: object) -> None:
        taken.append(record)

    sa.event.listen(engine.sync_engine, "checkout", note)
    try:
        yield taken
    finally:
        sa.event.remove(engine.sync_engine, "checkout", note)


async def test_all_that_a_request_reads_takes_one_connection(harness: Harness, engine: AsyncEngine) -> None:
    application, reader = harness.application, harness.people["imaging.huba"]
    await harness.requested()
    with checkouts(engine) as taken:
        async with application.one_snapshot():
            await application.queries.last_history_id()
            await application.queries.cases(reader, CaseFilter(), None, 20)
            await query(application, views_of, reader)
            await application.queries.counts(reader)
    assert len(taken) == 1
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]


async def test_what_is_written_meanwhile_is_seen_by_the_next_snapshot(database_url: str, engine: AsyncEngine) -> None:
    async with one_snapshot(engine):
        assert (await read_rows(engine, CITY))[0]["n"] == 0
        await asyncio.create_task(_rename(engine))
        if engine.dialect.name == "sqlite":  # PostgreSQL sees in each statement what was committed before it
            assert (await read_rows(engine, CITY))[0]["n"] == 0
        await give_back()
        assert (await read_rows(engine, CITY))[0]["n"] > 0


async def _rename(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(sa.text("UPDATE institution SET city = 'x'"))


async def test_who_reads_while_a_read_is_under_way_has_a_connection_of_their_own(engine: AsyncEngine) -> None:
    async with one_snapshot(engine):
        async with reading_connection(engine) as first, reading_connection(engine) as second:
            assert first is not second
        async with reading_connection(engine) as again:
            assert again is first


async def test_after_an_error_the_snapshot_is_not_read_on(engine: AsyncEngine) -> None:
    async with one_snapshot(engine):
        with pytest.raises(sa.exc.DBAPIError):
            await read_rows(engine, sa.text("SELECT nothing FROM nowhere"))
        assert (await read_rows(engine, CITY))[0]["n"] == 0


async def test_a_task_that_outlives_its_request_reads_by_itself(engine: AsyncEngine) -> None:
    ended = asyncio.Event()

    async def later() -> int:
        await ended.wait()
        return int((await read_rows(engine, CITY))[0]["n"])

    async with one_snapshot(engine):
        await read_rows(engine, CITY)
        task = asyncio.create_task(later())
    ended.set()
    assert await task == 0


@pytest.mark.parametrize("own_pool", [True, False], ids=["writers have a pool of their own", "one pool for all"])
async def test_nothing_stands_still_where_connections_are_few(
    own_pool: bool, database_url: str, store: ObjectStore, keys: Path, printers: Executor, clock: Clock, harness: Harness
) -> None:
    """Each of twenty requests reads, writes down its look, and reads on: with one connection, or one of each kind, for all."""
    sealer, reader = Sealer.of(keys / "identity.key"), harness.people["imaging.huba"]
    await harness.requested()
    engine, readers = (make_engine(database_url, sealer=sealer, pool_size=1, max_overflow=0) for _ in range(2))
    application = await open_office(engine, store, keys, printers, clock, readers if own_pool else None)

    async def visit() -> int:
        async with application.one_snapshot():
            found = await application.queries.cases(reader, CaseFilter(), None, 20)
            await record_look(application, reader, "case:list", "cases/1")
            await application.queries.counts(reader)
            return len(found.cases)

    async with asyncio.timeout(HANGING):
        assert set(await asyncio.gather(*(visit() for _ in range(20)))) == {1}
    await engine.dispose()
    await readers.dispose()

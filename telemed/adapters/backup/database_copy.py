"""The database at one moment, while everything goes on.

SQLite: its online backup, in steps, within one reading transaction. In WAL mode a reader holds up no writer, and the copy is that of
the moment at which the transaction began, however much is written meanwhile; without the transaction every foreign commit would
begin the copy anew.

PostgreSQL: the rows of every table by COPY in one repeatable-read transaction. `pg_dump` would be a program beside the product,
which refuses a server that is newer than itself; the schema is made by the product's own revisions anyway.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from telemed.adapters.backup.layout import CHUNK, POSTGRESQL, SQLITE, BackupRefused, DatabaseCopy, DatabaseFile
from telemed.adapters.backup.pool import Known, Pool
from telemed.adapters.database import tables as t
from telemed.adapters.database.engine import BUSY_SECONDS, async_url, check, make_engine

PAGES: Final = 2000
"""Pages of one step: 8 MiB."""


@dataclass(slots=True)
class Moment:
    """The database at one moment: `engine` reads it."""

    engine: AsyncEngine
    kind: str
    file: Path | None = None
    holder: AsyncConnection | None = None
    new_bytes: int = 0

    async def store(self, pool: Pool, known: Known) -> DatabaseCopy:
        """Put it into the pool; pieces that are known already are left out."""
        async with self.engine.connect() as bare:
            connection = await bare.execution_options(reading=True)
            revisions = sorted((await connection.execute(sa.text("SELECT version_num FROM alembic_version"))).scalars())
            end = (await connection.execute(sa.select(sa.func.coalesce(sa.func.max(t.audit.c.position), 0)))).scalar_one()
        if self.file is not None:
            size, chunks, self.new_bytes = await pool.put_file(self.file, known)
            return DatabaseCopy(SQLITE, revisions, end, [DatabaseFile("telemed.db", size, chunks)])
        files = [await self._store_table(table, pool, known) for table in await _tables(self._holder)]
        return DatabaseCopy(POSTGRESQL, revisions, end, files, await _sequences(self._holder))

    async def _store_table(self, table: str, pool: Pool, known: Known) -> DatabaseFile:
        columns, chunks, held, size = await _columns(self._holder, table), list[str](), bytearray(), 0

        async def cut(count: int) -> None:
            piece = bytes(held[:count])
            del held[:count]
            digest, new = await pool.put_piece(piece, known)
            self.new_bytes += new
            chunks.append(digest)

        async def take(content: bytes) -> None:
            nonlocal size
            held.extend(content)
            size += len(content)
            while len(held) >= CHUNK:
                await cut(CHUNK)

        driver = (await self._holder.get_raw_connection()).driver_connection
        if driver is None:
            raise TypeError("a connection that is open has a driver")
        await driver.copy_from_table(table, columns=columns, output=take)
        if held:
            await cut(len(held))
        return DatabaseFile(table, size, chunks, columns)

    @property
    def _holder(self) -> AsyncConnection:
        if self.holder is None:
            raise TypeError("a moment of a server has a transaction that holds it")
        return self.holder


@asynccontextmanager
async def moment_of(url: str, folder: Path) -> AsyncIterator[Moment]:
    """Hold the database of `url` as it is now. Copies go to `folder`. Raises DatabaseUnavailable, BackupRefused."""
    opened = _sqlite(url, folder) if async_url(url).startswith("sqlite") else _postgresql(url)
    async with opened as moment:
        yield moment


@asynccontextmanager
async def _sqlite(url: str, folder: Path) -> AsyncIterator[Moment]:
    source, copy = Path(make_url(async_url(url)).database or ""), folder / "telemed.db"
    if not await asyncio.to_thread(source.is_file):
        raise BackupRefused(f"There is no database {source}: nothing is there to be backed up.")
    try:
        await asyncio.to_thread(_copied, source, copy)
    except (sqlite3.Error, OSError) as error:
        raise BackupRefused(f"The database cannot be copied to {folder} ({error}): set TMPDIR to a folder with room for it.") from None
    engine = make_engine(f"sqlite:///{copy}", read_only=True)
    try:
        yield Moment(engine, SQLITE, copy)
    finally:
        await engine.dispose()


def _copied(source: Path, copy: Path) -> None:
    copy.unlink(missing_ok=True)
    with closing(sqlite3.connect(f"file:{quote(str(source))}?mode=rw", uri=True, timeout=BUSY_SECONDS, isolation_level=None)) as reading:
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
        with closing(sqlite3.connect(copy, isolation_level=None)) as writing:
            reading.backup(writing, pages=PAGES, sleep=0.01)
            writing.execute("PRAGMA journal_mode=DELETE")


@asynccontextmanager
async def _postgresql(url: str) -> AsyncIterator[Moment]:
    engine, reading = make_engine(url, pool_size=1), make_engine(url, pool_size=2)
    try:
        await check(engine)
        async with engine.connect() as bare:
            holder = await bare.execution_options(isolation_level="REPEATABLE READ")
            name = (await holder.execute(sa.text("SELECT pg_export_snapshot()"))).scalar_one()

            def join(connection: sa.Connection) -> None:
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{name}'")

            sa.event.listen(reading.sync_engine, "begin", join)
            yield Moment(reading, POSTGRESQL, holder=holder)
    finally:
        await reading.dispose()
        await engine.dispose()


async def _tables(connection: AsyncConnection) -> list[str]:
    """Tables in an order in which rows find those that they refer to."""

    def asked(sync: sa.Connection) -> list[str]:
        ordered = sa.inspect(sync).get_sorted_table_and_fkc_names()
        return [name for name, _ in ordered if name is not None and name != "alembic_version"]

    return await connection.run_sync(asked)


async def _columns(connection: AsyncConnection, table: str) -> list[str]:
    query = sa.text(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = :name "
        "AND is_generated = 'NEVER' ORDER BY ordinal_position"
    )
    return list((await connection.execute(query, {"name": table})).scalars())


async def _sequences(connection: AsyncConnection) -> dict[str, int]:
    query = sa.text("SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = current_schema() AND last_value IS NOT NULL")
    found: list[Any] = list((await connection.execute(query)).all())
    return dict(found)

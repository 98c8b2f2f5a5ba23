"""A database put back: the file of an embedded one, or the rows of a server's, in one step."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.folders import sync_folder
from telemed.adapters.backup.layout import POSTGRESQL, SQLITE, BackupRefused, DatabaseCopy, DatabaseFile
from telemed.adapters.backup.pool import Pool
from telemed.adapters.database.engine import async_url, check, make_engine
from telemed.adapters.database.migrate import configuration

WORDS = {SQLITE: "an embedded database (SQLite)", POSTGRESQL: "PostgreSQL"}


def kind_of(url: str) -> str:
    return SQLITE if async_url(url).startswith("sqlite") else POSTGRESQL


def _file_of(url: str) -> Path:
    return Path(make_url(async_url(url)).database or "")


async def seen_to_fit(copy: DatabaseCopy, url: str, folders: Sequence[Path]) -> None:
    """Raises BackupRefused where the database is of the other kind, is not empty, or the copy's schema is not known here."""
    if copy.kind != kind_of(url):
        raise BackupRefused(
            f"The backup is of {WORDS[copy.kind]}, and the settings name {WORDS[kind_of(url)]}: "
            "set TELEMED_DATABASE_URL to one of the same kind."
        )
    if copy.kind == SQLITE:
        file = _file_of(url)
        if file.exists() and file.stat().st_size:
            raise BackupRefused(f"There is a database already ({file}): a backup is restored into an empty installation only.")
        connection = sa.create_engine("sqlite://").connect()
        with connection:
            _seen_to_be_known(connection, copy, folders)
        return
    engine = make_engine(url, pool_size=1)
    try:
        await check(engine)
        async with engine.connect() as asking:
            if tables := await asking.run_sync(lambda sync: sa.inspect(sync).get_table_names()):
                raise BackupRefused(f"The database has {len(tables)} tables already: a backup is restored into an empty installation only.")
            await asking.run_sync(_seen_to_be_known, copy, folders)
    finally:
        await engine.dispose()


def _seen_to_be_known(connection: sa.Connection, copy: DatabaseCopy, folders: Sequence[Path]) -> None:
    script = ScriptDirectory.from_config(configuration(connection, folders))
    for revision in copy.revisions:
        try:
            script.get_revision(revision)
        except CommandError:
            raise BackupRefused(
                f"The backup has the database schema {revision[:40]!r}, which this version does not know: install the version that made it."
            ) from None


async def put_back(copy: DatabaseCopy, pool: Pool, url: str, folders: Sequence[Path]) -> None:
    """Restore the database; it is whole when this returns, and not there before."""
    if copy.kind == SQLITE:
        await _write_file(copy.files[0], pool, _file_of(url))
        return
    engine = make_engine(url, pool_size=1)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_make_schema, copy, folders)
            await _fill(connection, copy, pool)
    finally:
        await engine.dispose()


async def _content(file: DatabaseFile, pool: Pool) -> AsyncIterator[bytes]:
    for chunk in file.chunks:
        async for piece in pool.read_object(chunk):
            yield piece


async def _write_file(copy: DatabaseFile, pool: Pool, file: Path) -> None:
    on_its_way = file.with_name(f"{file.name}.restoring")
    on_its_way.unlink(missing_ok=True)
    descriptor = os.open(on_its_way, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        async for piece in _content(copy, pool):
            await asyncio.to_thread(opened.write, piece)
        opened.flush()
        await asyncio.to_thread(os.fsync, opened.fileno())
    on_its_way.rename(file)
    await asyncio.to_thread(sync_folder, file.parent)


def _make_schema(connection: sa.Connection, copy: DatabaseCopy, folders: Sequence[Path]) -> None:
    for revision in copy.revisions:
        command.upgrade(configuration(connection, folders), revision)


async def _fill(connection: AsyncConnection, copy: DatabaseCopy, pool: Pool) -> None:
    """Put the rows in. The guards of the audit trail, which takes a record at its end only, are off until the commit."""
    quoted = connection.dialect.identifier_preparer.quote_identifier
    names = [quoted(file.name) for file in copy.files]
    for name in names:
        await connection.exec_driver_sql(f"ALTER TABLE {name} DISABLE TRIGGER USER")
    await connection.exec_driver_sql(f"TRUNCATE {', '.join(names)}")
    driver: Any = (await connection.get_raw_connection()).driver_connection
    for file in copy.files:
        await driver.copy_to_table(file.name, columns=file.columns, source=_content(file, pool))
    for sequence, last in copy.sequences.items():
        await connection.execute(sa.text("SELECT setval(quote_ident(:name)::regclass, :last)"), {"name": sequence, "last": last})
    for name in names:
        await connection.exec_driver_sql(f"ALTER TABLE {name} ENABLE TRIGGER USER")

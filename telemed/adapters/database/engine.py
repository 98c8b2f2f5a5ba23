"""Engines for SQLite and PostgreSQL, with the settings that durability asks for."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from telemed.adapters.database import sqlite_driver
from telemed.adapters.database.confidential import Sealer

CONNECT_SECONDS = 10
"""How long a PostgreSQL server may take to let us in."""

BUSY_SECONDS = 20
"""How long a SQLite writer waits for another process's transaction."""

SQLITE_OVERFLOW, POSTGRESQL_OVERFLOW = 10, 4
"""Connections beyond the pool's size: a file's cost nothing, a server has some hundred for all processes."""

_encoder = msgspec.json.Encoder()


class DatabaseUnavailable(Exception):
    """The database cannot be reached or used; the message is a plain sentence."""


def async_url(url: str) -> str:
    """The URL with the asynchronous driver: `sqlite:///x` and `postgresql://x` may be given without one."""
    return re.sub(r"^postgres(ql)?://", "postgresql+asyncpg://", re.sub(r"^sqlite://", "sqlite+aiosqlite://", url))


def make_engine(
    url: str, *, sealer: Sealer | None = None, pool_size: int = 8, max_overflow: int | None = None, read_only: bool = False
) -> AsyncEngine:
    """An engine for `url`. SQLite: WAL, every commit synced, one writer at a time, foreign keys on. Confidential columns are
    read and written by engines with a `sealer` only.

    With `read_only` a SQLite file is asked for nothing that would write to it (`telemed.adapters.database.read_only`).
    `pool_size` connections are kept open; `max_overflow` more are opened while they are wanted (None: as many as suit the
    database).

    Raises DatabaseUnavailable for a URL of no known form.
    """
    common: dict[str, Any] = {"json_serializer": lambda v: _encoder.encode(v).decode(), "json_deserializer": msgspec.json.decode}
    url = async_url(url)
    _check_form(url)
    connect_args: dict[str, Any]
    if url.startswith("sqlite"):
        overflow = SQLITE_OVERFLOW if max_overflow is None else max_overflow
        connect_args = {"timeout": BUSY_SECONDS}
        if not sqlite_driver.missing():
            connect_args["async_creator_fn"] = sqlite_driver.connect
        engine = create_async_engine(url, connect_args=connect_args, pool_size=pool_size, max_overflow=overflow, **common)
        sa.event.listen(engine.sync_engine, "connect", _prepare_reading if read_only else _prepare_sqlite)
        sa.event.listen(engine.sync_engine, "begin", _begin_reading if read_only else _begin_sqlite)
    else:
        overflow = POSTGRESQL_OVERFLOW if max_overflow is None else max_overflow
        connect_args = {"timeout": CONNECT_SECONDS}
        engine = create_async_engine(
            url, connect_args=connect_args, pool_size=pool_size, max_overflow=overflow, pool_pre_ping=True, **common
        )
    if sealer:
        sealer.guard(engine.dialect)
    return engine


def _check_form(url: str) -> None:
    """The message does not repeat the URL: it may hold a password."""
    try:
        driver = make_url(url).drivername
    except (ArgumentError, ValueError):
        driver = ""
    if driver not in ("sqlite+aiosqlite", "postgresql+asyncpg"):
        raise DatabaseUnavailable("The database URL has no known form: give sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE.")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun by us: the driver's own begin is deferred
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_SECONDS * 1000}", "cache_size=-32000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _prepare_reading(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("query_only=ON", f"busy_timeout={BUSY_SECONDS * 1000}", "cache_size=-32000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_reading(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_sqlite(connection: sa.Connection) -> None:
    """A writer takes the write lock at once: a later upgrade of a reading transaction could not wait its turn."""
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _open_once(file: str) -> None:
    """Raises sqlite3.Error. The asynchronous driver, refused a file, leaves a thread behind that speaks after the loop has ended."""
    sqlite3.connect(file, timeout=BUSY_SECONDS).close()


async def check(engine: AsyncEngine) -> None:
    """Raises DatabaseUnavailable with a plain sentence where the database does not answer."""
    try:
        if engine.dialect.name == "sqlite" and engine.url.database:
            await asyncio.to_thread(_open_once, engine.url.database)
        async with engine.connect() as connection:
            await connection.execute(sa.text("SELECT 1"))
    except (DBAPIError, OperationalError, sqlite3.Error, OSError) as error:
        shown = engine.url.render_as_string(hide_password=True)
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise DatabaseUnavailable(f"The database {shown} cannot be used: {reason}") from error

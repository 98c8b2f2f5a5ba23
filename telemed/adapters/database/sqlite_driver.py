"""Connections to SQLite that take one hop to their thread and back for a statement.

aiosqlite hops four times: for a cursor, to execute, to fetch, to close. Here the statement is executed and its rows are
fetched in one call of the connection's thread, which is what nearly every statement wants.

SQLAlchemy takes such connections by `async_creator_fn`. What is leant on is the protocol that SQLAlchemy asks of asynchronous drivers
(`AsyncIODBAPIConnection`, `AsyncIODBAPICursor`), and private parts of aiosqlite, of which `_execute` carries a function to the
connection's thread: both are pinned to the version. With an aiosqlite that has not all of them (`missing`) engines take its own
connections, which are slower and no worse; `tests/telemed/adapters/test_sqlite_driver.py` then fails and says which.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from functools import partial
from typing import Any, Self

import aiosqlite

AT_ONCE = 2000
"""Rows fetched with the statement. Of longer answers the rest is fetched as it is asked for, so that a stream stays one."""


LEANT_ON = ("_conn", "_execute", "_thread")
"""Private parts of a connection of aiosqlite."""


def missing() -> list[str]:
    """Return what is leant on and is not there in this version of aiosqlite."""
    unopened = aiosqlite.Connection(partial(sqlite3.connect, ":memory:"), iter_chunk_size=AT_ONCE)
    named = dir(unopened)
    return [name for name in LEANT_ON if name not in named]


class Cursor:
    """One statement's answer. SQLAlchemy asks it as it asks a cursor of aiosqlite."""

    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._cursor: sqlite3.Cursor | None = None
        self._rows: deque[Any] = deque()
        self._whole = True
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, operation: str, parameters: Sequence[Any] | None = None) -> Self:
        """Execute and fetch, in one call of the connection's thread."""
        await self._connection.call(partial(self._execute, operation, parameters))
        return self

    def _execute(self, operation: str, parameters: Sequence[Any] | None) -> None:
        cursor = self._opened()
        cursor.execute(operation, () if parameters is None else parameters)
        self._note(cursor)
        if cursor.description is None:
            return
        self._rows.extend(cursor.fetchmany(AT_ONCE))
        self._whole = len(self._rows) < AT_ONCE
        if self._whole:
            self._end(cursor)

    async def executemany(self, operation: str, parameters: Iterable[Sequence[Any]]) -> Self:
        """Execute with each of the parameters."""
        await self._connection.call(partial(self._execute_many, operation, parameters))
        return self

    def _execute_many(self, operation: str, parameters: Iterable[Sequence[Any]]) -> None:
        cursor = self._opened()
        cursor.executemany(operation, parameters)
        self._note(cursor)

    def _opened(self) -> sqlite3.Cursor:
        self._rows.clear()
        self._whole = True
        self._cursor = self._connection.in_thread().cursor()
        return self._cursor

    def _note(self, cursor: sqlite3.Cursor) -> None:
        self.description, self.rowcount, self.lastrowid = cursor.description, cursor.rowcount, cursor.lastrowid

    def _end(self, cursor: sqlite3.Cursor) -> None:
        """Let the statement go, which would hold its place in the database open."""
        cursor.close()
        self._cursor = None

    async def fetchall(self) -> list[Any]:
        """Return the rest."""
        rows = list(self._rows)
        self._rows.clear()
        if not self._whole and self._cursor is not None:
            rows += await self._connection.call(self._cursor.fetchall)
            self._whole = True
        return rows

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return the next `size` rows, or `arraysize` of them."""
        wanted = size or self.arraysize
        while len(self._rows) < wanted and not self._whole and self._cursor is not None:
            more = await self._connection.call(partial(self._cursor.fetchmany, AT_ONCE))
            self._whole = len(more) < AT_ONCE
            self._rows.extend(more)
        return [self._rows.popleft() for _ in range(min(wanted, len(self._rows)))]

    async def fetchone(self) -> Any:
        """Return the next row, or None."""
        rows = await self.fetchmany(1)
        return rows[0] if rows else None

    async def __aiter__(self) -> AsyncIterator[Any]:
        while rows := await self.fetchmany(AT_ONCE):
            for row in rows:
                yield row

    async def close(self) -> None:
        """Let what was not fetched go."""
        self._rows.clear()
        if self._cursor is not None:
            cursor, self._cursor = self._cursor, None
            await self._connection.call(cursor.close)


class Connection(aiosqlite.Connection):
    """A connection of aiosqlite whose cursors are those of this module."""

    def cursor(self) -> Cursor:  # type: ignore[override]
        """Return a cursor; none is opened before there is a statement."""
        return Cursor(self)

    async def call(self, function: Callable[[], Any]) -> Any:
        """Return what the function returns in the connection's thread."""
        return await self._execute(function)  # type: ignore[no-untyped-call]

    def in_thread(self) -> sqlite3.Connection:
        """The connection itself, for a function that `call` carries to its thread. Raises ValueError where it was closed."""
        return self._conn

    async def rollback(self) -> None:
        """Roll back. Where no transaction is open nothing is asked of the thread."""
        if self.in_transaction:
            await super().rollback()


async def connect(database: str, **options: Any) -> Connection:
    """Open a connection. Its thread ends with the process, whoever forgot to close it. Raises sqlite3.Error."""
    connection = Connection(partial(sqlite3.connect, database, **options), iter_chunk_size=AT_ONCE)
    connection._thread.daemon = True
    await connection
    return connection

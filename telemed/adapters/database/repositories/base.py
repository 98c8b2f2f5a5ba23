"""The connection of one transaction, as repositories use it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from telemed.adapters.audit.attestation import Touched


def insert_into(dialect: str, table: sa.Table) -> Any:
    """INSERT in this dialect's words, which can say what is to be done where the row is there."""
    return postgresql_insert(table) if dialect == "postgresql" else sqlite_insert(table)


def insert_or_nothing(connection: AsyncConnection | sa.Connection, table: sa.Table) -> Any:
    """INSERT ... ON CONFLICT DO NOTHING in the dialect at hand."""
    return _insert_or_nothing(connection.dialect.name, table)


@lru_cache(maxsize=64)
def _insert_or_nothing(dialect: str, table: sa.Table) -> Any:
    return insert_into(dialect, table).on_conflict_do_nothing()


class Repository:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        sync = connection.sync_connection
        self._reading = bool(sync and sync.get_execution_options().get("reading"))

    async def _one(self, query: sa.Executable) -> sa.RowMapping | None:
        return (await self._connection.execute(query)).mappings().first()

    async def _all(self, query: sa.Executable) -> Sequence[sa.RowMapping]:
        return (await self._connection.execute(query)).mappings().all()

    async def _do(self, statement: sa.Executable, rows: list[dict[str, Any]] | None = None) -> sa.CursorResult[Any]:
        return await self._connection.execute(statement, rows)

    def _locked(self, query: sa.Select[Any]) -> sa.Select[Any]:
        """Rows that a writing transaction means to change are locked; a reading one leaves them alone."""
        return query if self._reading else query.with_for_update()


class Recorder(Repository):
    """A repository of what the audit trail has digests of: whatever it writes is noted in `touched`."""

    def __init__(self, connection: AsyncConnection, touched: Touched | None = None) -> None:
        super().__init__(connection)
        self._touched = touched or Touched()

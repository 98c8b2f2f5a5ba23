"""Connections to read by. A request may hold one snapshot for all that it reads; it never waits for a writer with it in hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


@dataclass(slots=True)
class _Held:
    """What one request holds: a connection from its first read on. `busy` while a block reads by it."""

    engine: AsyncEngine
    connection: AsyncConnection | None = None
    busy: bool = False
    over: bool = False

    async def give_back(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            await asyncio.shield(connection.close())


_held: ContextVar[_Held | None] = ContextVar("held", default=None)


@asynccontextmanager
async def one_snapshot(engine: AsyncEngine) -> AsyncIterator[None]:
    """What is read within the block, one thing after the other, is read from one snapshot, which the first read takes.

    A task that was begun in the block has connections of its own, and so has whoever reads while a read is under way.
    """
    held = _Held(engine)
    token = _held.set(held)
    try:
        yield
    finally:
        _held.reset(token)
        held.over = True
        await held.give_back()


async def give_back() -> None:
    """Give back what this request holds; its next read takes a new snapshot.

    Call it before waiting for anything that others may hold who wait for a connection to read by: above all for a writer's.
    """
    held = _held.get()
    if held is not None and not held.busy:
        await held.give_back()


@asynccontextmanager
async def reading_connection(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """The snapshot that this request holds, or one for this block."""
    held = _held.get()
    if held is None or held.over or held.busy or held.engine is not engine:
        async with engine.connect() as bare:
            yield await bare.execution_options(reading=True)
        return
    held.busy = True
    try:
        if held.connection is None:
            held.connection = await engine.connect()
            await held.connection.execution_options(reading=True)
        yield held.connection
    except BaseException:
        await held.give_back()  # after an error, or half way through an answer, nobody else is to go on with it
        raise
    finally:
        held.busy = False


async def read_rows(engine: AsyncEngine, query: sa.Executable) -> Sequence[sa.RowMapping]:
    """The rows of one question."""
    async with reading_connection(engine) as connection:
        return (await connection.execute(query)).mappings().all()

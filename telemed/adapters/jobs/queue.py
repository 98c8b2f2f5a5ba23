"""The job table: rows written with the change that asks for them, taken by workers, done once or tried again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from telemed.adapters.database import tables as t

LEASE = timedelta(minutes=2)
"""A worker that dies with a job loses it to another after this."""

RETRY = (5, 30, 120, 600, 3600)
"""Seconds before the next try; the last one repeats."""

GIVE_UP = 20
"""After so many tries the job stays for a person to look at."""


@dataclass(frozen=True, slots=True)
class Job:
    id: int
    kind: str
    payload: dict[str, Any]
    attempts: int


def _waiting(now: datetime, kinds: Collection[str] | None, without: Collection[str]) -> sa.ColumnElement[bool]:
    """Of these kinds (None: of all but `without`), not done, due, in nobody's hands, and not yet given up."""
    j = t.job.c
    free = sa.or_(j.taken_until.is_(None), j.taken_until < now)
    wanted = j.kind.not_in(sorted(without)) if kinds is None else j.kind.in_(sorted(kinds))
    return sa.and_(j.done_at.is_(None), j.run_after <= now, wanted, free, j.attempts < GIVE_UP)


async def take(
    engine: AsyncEngine, now: datetime, limit: int, kinds: Collection[str] | None = None, without: Collection[str] = ()
) -> list[Job]:
    """Take waiting jobs, oldest first; each is taken by one worker. Its key is free again: what comes now is new work."""
    j = t.job.c
    async with engine.begin() as connection:
        chosen = sa.select(j.id).where(_waiting(now, kinds, without)).order_by(j.run_after, j.id).limit(limit)
        if connection.dialect.name == "postgresql":
            chosen = chosen.with_for_update(skip_locked=True)
        taken = (
            sa.update(t.job)
            .where(j.id.in_(chosen.scalar_subquery()))
            .values(taken_until=now + LEASE, attempts=j.attempts + 1, waiting_key=None)
            .returning(j.id, j.kind, j.payload, j.attempts)
        )
        return [Job(*row) for row in sorted((await connection.execute(taken)).all())]


async def any_waiting(engine: AsyncEngine, now: datetime, kinds: Collection[str] | None = None, without: Collection[str] = ()) -> bool:
    """A cheap look before the write lock is asked for."""
    async with engine.connect() as bare:
        connection = await bare.execution_options(reading=True)
        return (await connection.execute(sa.select(t.job.c.id).where(_waiting(now, kinds, without)).limit(1))).first() is not None


async def prolong(engine: AsyncEngine, job: Job, now: datetime) -> None:
    """Keep a job that is still under way."""
    async with engine.begin() as connection:
        where = (t.job.c.id == job.id, t.job.c.done_at.is_(None))
        await connection.execute(sa.update(t.job).where(*where).values(taken_until=now + LEASE))


async def finish(engine: AsyncEngine, job: Job, now: datetime, reason: str = "") -> None:
    """The job is done; `reason` says why where nothing was done."""
    async with engine.begin() as connection:
        await connection.execute(sa.update(t.job).where(t.job.c.id == job.id).values(done_at=now, error=reason))


async def postpone(engine: AsyncEngine, job: Job, now: datetime, error: str) -> None:
    """Try again later, further apart each time."""
    wait = RETRY[min(job.attempts, len(RETRY)) - 1]
    async with engine.begin() as connection:
        values = {"run_after": now + timedelta(seconds=wait), "taken_until": None, "error": error[:2000]}
        await connection.execute(sa.update(t.job).where(t.job.c.id == job.id).values(values))


async def clear_done(engine: AsyncEngine, before: datetime) -> int:
    """Done jobs are dropped after a while: the audit trail and the case's history keep what happened."""
    async with engine.begin() as connection:
        return (await connection.execute(sa.delete(t.job).where(t.job.c.done_at < before))).rowcount

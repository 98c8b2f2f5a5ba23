"""When the worker makes a backup by itself: a job is asked for at each of the times of day that the settings name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from telemed.adapters.database import tables as t
from telemed.adapters.jobs.rows import insert_jobs, job_row
from telemed.domain.jobs import JobKind


def last_due(now: datetime, times: Sequence[time], zone: ZoneInfo) -> datetime:
    """Return the newest moment at or before `now` at which a backup was to be made."""
    today = now.astimezone(zone).date()
    moments = (datetime.combine(day, each, zone) for day in (today, today - timedelta(days=1)) for each in times)
    return max(moment for moment in moments if moment <= now)


class BackupSchedule:
    """One of the worker's maintenance. Several workers ask for one job: it waits under one key, and while it is open for no other."""

    def __init__(self, engine: AsyncEngine, times: Sequence[time], zone: ZoneInfo) -> None:
        self._engine, self._times, self._zone = engine, times, zone

    async def __call__(self, now: datetime) -> bool:
        """Ask for a backup where one is due. True if it was."""
        due = last_due(now, self._times, self._zone)
        made = sa.select(t.backup_run.c.id).where(t.backup_run.c.started_at >= due, t.backup_run.c.error == "").limit(1)
        asked = sa.select(t.job.c.id).where(t.job.c.kind == JobKind.BACK_UP.value, t.job.c.done_at.is_(None)).limit(1)
        async with self._engine.connect() as bare:
            connection = await bare.execution_options(reading=True)
            if (await connection.execute(made)).first() or (await connection.execute(asked)).first():
                return False
        async with self._engine.begin() as connection:
            await connection.execute(insert_jobs(connection), [job_row(JobKind.BACK_UP, {}, now, key=JobKind.BACK_UP.value)])
        return True

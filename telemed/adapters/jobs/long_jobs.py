"""Jobs that take longer than a transaction may: each runs beside the others and keeps its job as long as it lives."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError

from storage.errors import StorageError
from telemed.adapters.application import SqlApplication
from telemed.adapters.jobs import queue as jobs
from telemed.adapters.jobs.queue import LEASE, Job
from telemed.adapters.jobs.worker import IDLE_SECONDS, done_jobs, failed_jobs

log = structlog.get_logger()

LongJob = Callable[[Mapping[str, Any]], Awaitable[None]]

AT_ONCE = 4
"""Jobs under way: most of them wait for the store or for a process."""


class LongJobs:
    """Takes jobs of its kinds. What it does may be repeated, and begins its own transactions."""

    def __init__(self, application: SqlApplication, kinds: Mapping[str, LongJob], at_once: int = AT_ONCE) -> None:
        self._application, self.kinds, self._room = application, kinds, at_once
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until cancelled; what is under way then is given up and taken again after its lease."""
        try:
            while True:
                try:
                    busy = await self.once()
                except (DBAPIError, OSError) as error:
                    log.warning("worker.interrupted", error=str(error))
                    busy = False
                    await asyncio.sleep(1)
                if not busy:
                    await asyncio.sleep(IDLE_SECONDS)
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def once(self) -> bool:
        """Begin what waits, as far as there is room. True where something was begun."""
        room = self._room - len(self._running)
        now = self._application.now()
        if room <= 0 or not await jobs.any_waiting(self._application.engine, now, kinds=self.kinds):
            return False
        taken = await jobs.take(self._application.engine, now, room, kinds=self.kinds)
        for job in taken:
            task = asyncio.create_task(self._do(job))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return bool(taken)

    async def finish(self) -> None:
        """Wait for all that is under way."""
        await asyncio.gather(*self._running)

    async def _do(self, job: Job) -> None:
        holding = asyncio.create_task(self._hold(job))
        try:
            await self.kinds[job.kind](job.payload)
        except Exception as error:
            failed_jobs.labels(job.kind).inc()
            log.warning("job.failed", kind=job.kind, job=job.id, attempts=job.attempts, exc_info=error)
            await jobs.postpone(self._application.engine, job, self._application.now(), repr(error))
            return
        finally:
            holding.cancel()
        done_jobs.labels(job.kind).inc()
        await jobs.finish(self._application.engine, job, self._application.now())

    async def _hold(self, job: Job) -> None:
        """No other worker takes the job while this one is alive."""
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            try:
                await jobs.prolong(self._application.engine, job, self._application.now())
            except (DBAPIError, StorageError, OSError) as error:
                log.warning("job.not_held", job=job.id, error=str(error))

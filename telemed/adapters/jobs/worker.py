"""The worker: takes jobs that changes have asked for, and watches the clocks. Everything it does may be repeated."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from prometheus_client import Counter
from sqlalchemy.exc import DBAPIError

from telemed.adapters.application import SqlApplication
from telemed.adapters.jobs import queue as jobs
from telemed.adapters.jobs.queue import Job
from telemed.centres.ecg import service as ecg_reading
from telemed.centres.ecg.domain import EcgJob
from telemed.domain.jobs import JobKind, JobType
from telemed.service import accounts, criticals, routing
from telemed.service import matching as matching
from telemed.service import mpps as performed
from telemed.service.ports.unit_of_work import UnitOfWork

log = structlog.get_logger()

IDLE_SECONDS = 0.25
CLOCKS_EVERY = timedelta(seconds=5)
KEEP_DONE = timedelta(days=2)
BATCH = 20

done_jobs = Counter("telemed_jobs_done_total", "Jobs done", ["kind"])
failed_clocks = Counter("telemed_clocks_failed_total", "Looks at a clock, and tidyings, that failed")
failed_jobs = Counter("telemed_jobs_failed_total", "Tries of jobs that failed", ["kind"])


async def match_study(work: UnitOfWork, payload: Mapping[str, Any]) -> None:
    await matching.match_study(work, payload["owner"], payload["study"])


async def match_unmatched(work: UnitOfWork, payload: Mapping[str, Any]) -> None:
    await matching.match_unmatched_studies(work, payload["case_id"])


async def open_detected_criticals(work: UnitOfWork, payload: Mapping[str, Any]) -> None:
    await ecg_reading.open_detected_criticals(work, payload["case_id"])


async def complete_study(work: UnitOfWork, payload: Mapping[str, Any]) -> None:
    await matching.complete_study(work, payload["owner"], payload["study"])


async def match_step(work: UnitOfWork, payload: Mapping[str, Any]) -> None:
    await performed.match_step(work, payload["owner"], payload["step"])


JOBS: Mapping[str, Callable[[UnitOfWork, Mapping[str, Any]], Awaitable[None]]] = {
    JobKind.COMPLETE_STUDY: complete_study,
    JobKind.MATCH_STUDY: match_study,
    JobKind.MATCH_UNMATCHED: match_unmatched,
    JobKind.MATCH_STEP: match_step,
    EcgJob.OPEN_DETECTED_CRITICALS: open_detected_criticals,
}

LONG: frozenset[JobType] = frozenset(
    {JobKind.ASSESS_STUDY, JobKind.ASK_MODEL, JobKind.COMPACT_STUDY, JobKind.SEND_STUDY, JobKind.FETCH_PRIORS, EcgJob.READ}
)
"""Kinds that `LongJobs` takes. A kind that nobody knows is taken here, and shows its failure."""

CLOCKS: tuple[Callable[[UnitOfWork], Awaitable[int]], ...] = (
    routing.expire_offers,
    routing.release_idle_claims,
    criticals.raise_overdue,
    accounts.sweep_sessions,
)


class Worker:
    """One worker; several may run beside each other."""

    def __init__(self, application: SqlApplication, maintenance: tuple[Callable[[datetime], Awaitable[object]], ...] = ()) -> None:
        self._application = application
        self._maintenance = maintenance
        self._clocks_at = application.now()

    async def run(self) -> None:
        """Until cancelled. A database that is away for a while only delays the work."""
        while True:
            try:
                busy = await self.once()
            except (DBAPIError, OSError) as error:
                log.warning("worker.interrupted", error=str(error))
                busy = False
                await asyncio.sleep(1)
            if not busy:
                await asyncio.sleep(IDLE_SECONDS)

    async def once(self) -> bool:
        """Look at the clocks if it is time, and do what waits. True where there was something to do."""
        now = self._application.now()
        if now >= self._clocks_at:
            self._clocks_at = now + CLOCKS_EVERY
            await self._watch_clocks(now)
        engine = self._application.engine
        if not await jobs.any_waiting(engine, now, without=LONG):
            return False
        taken = await jobs.take(engine, now, BATCH, without=LONG)
        for job in taken:
            await self._do(job)
        return bool(taken)

    async def _do(self, job: Job) -> None:
        """The job's own change and its being done are two transactions: dying between them repeats it, harmlessly."""
        try:
            async with self._application.writing() as work:
                await JOBS[job.kind](work, job.payload)
        except Exception as error:
            failed_jobs.labels(job.kind).inc()
            log.warning("job.failed", kind=job.kind, job=job.id, attempts=job.attempts, exc_info=error)
            await jobs.postpone(self._application.engine, job, self._application.now(), repr(error))
            return
        done_jobs.labels(job.kind).inc()
        await jobs.finish(self._application.engine, job, self._application.now())

    async def _watch_clocks(self, now: datetime) -> None:
        await self._application.refresh()
        await jobs.clear_done(self._application.engine, now - KEEP_DONE)
        steps: list[partial[Any]] = [partial(self._watch, clock) for clock in CLOCKS]
        for step in (*steps, *(partial(tidy, now) for tidy in self._maintenance)):
            try:
                await step()
            except Exception as error:  # one clock that fails must not stop the others, nor the worker
                failed_clocks.inc()
                log.error("clock.failed", step=str(step.func), exc_info=error)

    async def _watch(self, clock: Callable[[UnitOfWork], Awaitable[int]]) -> None:
        async with self._application.writing() as work:
            await clock(work)

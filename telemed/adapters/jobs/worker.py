"""The worker: takes jobs that changes have asked for, and watches the clocks. Everything it does may be repeated."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy.exc import SQLAlchemyError

from storage.errors import StorageError
from telemed.adapters.application import SqlApplication
from telemed.adapters.jobs import queue
from telemed.adapters.jobs.queue import LEASE, Job
from telemed.domain.jobs import JobKind, JobType
from telemed.service import accounts, criticals, evidence_identity, matching, mpps, password_limits, routing
from telemed.service.ports.unit_of_work import UnitOfWork

log = structlog.get_logger()

IDLE_SECONDS = 0.25
CHECKS_EVERY = timedelta(seconds=5)
KEEP_DONE = timedelta(days=2)
BATCH = 20

LONG_AT_ONCE = 4
"""Long jobs under way: most of them wait for the store or for a process."""

done_jobs = Counter("telemed_jobs_done_total", "Jobs done", ["kind"])
failed_checks = Counter("telemed_clocks_failed_total", "Deadline checks and maintenance tasks that failed")
checked_at = Gauge("telemed_clocks_run_timestamp_seconds", "When the deadline checks and maintenance tasks were last gone through")
failed_jobs = Counter("telemed_jobs_failed_total", "Tries of jobs that failed", ["kind"])


@dataclass(frozen=True, slots=True)
class Handler:
    """Carries out one kind of job, given its payload.

    A `long` one takes longer than a transaction may: it begins its own, runs beside others, and keeps its job as long as it lives.
    """

    run: Callable[[Mapping[str, Any]], Awaitable[None]]
    long: bool = False


def in_transaction(application: SqlApplication, use_case: Callable[[UnitOfWork, Mapping[str, Any]], Awaitable[object]]) -> Handler:
    """Return a handler that carries the use case out in one transaction."""

    async def run(payload: Mapping[str, Any]) -> None:
        async with application.writing() as work:
            await use_case(work, payload)

    return Handler(run)


class SwitchedOff(Exception):
    """The job asks for what a setting has switched off since: it is finished with this reason."""


def switched_off(setting: str) -> Handler:
    """Return a handler for rows that were left when the setting was switched off."""

    async def run(_payload: Mapping[str, Any]) -> None:
        raise SwitchedOff(f"{setting} is not set")

    return Handler(run)


async def _match_study(work: UnitOfWork, payload: Mapping[str, Any]) -> None:
    await matching.match_study(work, payload["owner"], payload["study"])


async def _match_unmatched(work: UnitOfWork, payload: Mapping[str, Any]) -> None:
    await matching.match_unmatched_studies(work, payload["case_id"])


async def _complete_study(work: UnitOfWork, payload: Mapping[str, Any]) -> None:
    await matching.complete_study(work, payload["owner"], payload["study"])


async def _compare_identities(work: UnitOfWork, payload: Mapping[str, Any]) -> None:
    await evidence_identity.compare_again(work, payload["case_id"])


async def _match_step(work: UnitOfWork, payload: Mapping[str, Any]) -> None:
    await mpps.match_step(work, payload["owner"], payload["step"])


def core_handlers(application: SqlApplication) -> dict[JobType, Handler]:
    """Return the handlers of the platform's own quick jobs."""
    return {
        JobKind.COMPLETE_STUDY: in_transaction(application, _complete_study),
        JobKind.MATCH_STUDY: in_transaction(application, _match_study),
        JobKind.MATCH_UNMATCHED: in_transaction(application, _match_unmatched),
        JobKind.COMPARE_IDENTITIES: in_transaction(application, _compare_identities),
        JobKind.MATCH_STEP: in_transaction(application, _match_step),
    }


DEADLINE_CHECKS: tuple[Callable[[UnitOfWork], Awaitable[int]], ...] = (
    routing.expire_offers,
    routing.release_idle_claims,
    criticals.raise_overdue,
    accounts.sweep_sessions,
    password_limits.sweep,
)


class Worker:
    """One worker; several may run beside each other. A kind without a handler shows its failure, and is tried again."""

    def __init__(
        self,
        application: SqlApplication,
        handlers: Mapping[JobType, Handler] | None = None,
        maintenance: tuple[Callable[[datetime], Awaitable[object]], ...] = (),
        long_at_once: int = LONG_AT_ONCE,
    ) -> None:
        self._application = application
        self._handlers: dict[str, Handler] = {str(kind): each for kind, each in (core_handlers(application) | dict(handlers or {})).items()}
        self._long = frozenset(kind for kind, handler in self._handlers.items() if handler.long)
        self._maintenance, self._long_at_once = maintenance, long_at_once
        self._running: set[asyncio.Task[None]] = set()
        self._checks_at = application.now()
        for kind in self._handlers:  # a counter that appears with its first failure has not risen, for whoever watches
            failed_jobs.labels(kind)

    async def run(self) -> None:
        """Until cancelled. A database that is away for a while only delays the work; long jobs under way are given up then, and
        taken again after their lease."""
        try:
            while True:
                try:
                    busy = await self.once()
                except (SQLAlchemyError, OSError) as error:
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
        """Look at the clocks if it is time, do the quick jobs that wait, begin long ones as far as there is room. True if there was
        something to do."""
        now = self._application.now()
        if now >= self._checks_at:
            self._checks_at = now + CHECKS_EVERY
            await self._check_deadlines(now)
        begun = await self._begin_long(now)
        engine = self._application.engine
        if not await queue.any_waiting(engine, now, without=self._long):
            return begun
        taken = await queue.take(engine, now, BATCH, without=self._long)
        for job in taken:
            await self._do(job)
        return begun or bool(taken)

    async def finish(self) -> None:
        """Wait for the long jobs that are under way."""
        await asyncio.gather(*self._running)

    async def _begin_long(self, now: datetime) -> bool:
        room, engine = self._long_at_once - len(self._running), self._application.engine
        if room <= 0 or not self._long or not await queue.any_waiting(engine, now, kinds=self._long):
            return False
        taken = await queue.take(engine, now, room, kinds=self._long)
        for job in taken:
            task = asyncio.create_task(self._do_long(job))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return bool(taken)

    async def _do_long(self, job: Job) -> None:
        holding = asyncio.create_task(self._hold(job))
        try:
            await self._do(job)
        finally:
            holding.cancel()

    async def _do(self, job: Job) -> None:
        """The job's own change and its being done are two transactions: dying between them repeats it, harmlessly."""
        engine, reason = self._application.engine, ""
        try:
            await self._handlers[job.kind].run(job.payload)
        except SwitchedOff as off:
            reason = str(off)
            log.info("job.switched_off", kind=job.kind, job=job.id, reason=reason)
        except Exception as error:
            failed_jobs.labels(job.kind).inc()
            log.warning("job.failed", kind=job.kind, job=job.id, attempts=job.attempts, exc_info=error)
            await queue.postpone(engine, job, self._application.now(), repr(error))
            return
        done_jobs.labels(job.kind).inc()
        await queue.finish(engine, job, self._application.now(), reason)

    async def _hold(self, job: Job) -> None:
        """No other worker takes the job while this one is alive."""
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            try:
                await queue.prolong(self._application.engine, job, self._application.now())
            except (SQLAlchemyError, StorageError, OSError) as error:
                log.warning("job.not_held", job=job.id, error=str(error))

    async def _check_deadlines(self, now: datetime) -> None:
        await self._application.refresh()
        await queue.clear_done(self._application.engine, now - KEEP_DONE)
        steps: list[partial[Any]] = [partial(self._check, check) for check in DEADLINE_CHECKS]
        for step in (*steps, *(partial(task, now) for task in self._maintenance)):
            try:
                await step()
            except Exception as error:  # one check that fails must not stop the others, nor the worker
                failed_checks.inc()
                log.error("clock.failed", step=str(step.func), exc_info=error)
        checked_at.set_to_current_time()

    async def _check(self, check: Callable[[UnitOfWork], Awaitable[int]]) -> None:
        async with self._application.writing() as work:
            await check(work)

"""The job table and the worker: taken by one, leased, tried again further apart, given up, never lost."""

from __future__ import annotations

import asyncio
from copy import copy
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from storage import StoreUnavailable
from telemed.adapters.database import tables as t
from telemed.adapters.jobs import queue as jobs
from telemed.adapters.jobs.queue import GIVE_UP, LEASE, RETRY, Job
from telemed.adapters.jobs.rows import insert_jobs, job_row
from telemed.adapters.jobs.worker import Worker
from telemed.domain.jobs import JobKind, JobType
from tests.telemed.harness import Harness

pytestmark = pytest.mark.database


class UnknownJob(JobType):
    """A kind that no worker of this version does."""

    UNKNOWN = "of-no-known-kind"


async def ask(harness: Harness, number: int = 1, key: str | None = None, kind: JobType = JobKind.MATCH_STUDY) -> None:
    async with harness.application.writing() as work:
        work.outbox.job(kind, {"owner": "CLINIC1", "study": f"1.2.{number}"}, key=key)


async def take(harness: Harness, limit: int = 50) -> list[Job]:
    return await jobs.take(harness.application.engine, harness.clock.now, limit)


async def row_of(harness: Harness) -> Any:
    async with harness.application.engine.connect() as connection:
        return (await connection.execute(sa.select(t.job))).mappings().one()


class TestTable:
    async def test_several_workers_share_the_work_and_nothing_is_taken_twice(self, harness: Harness) -> None:
        for number in range(30):
            await ask(harness, number)
        taken = [job.id for some in await asyncio.gather(*(take(harness, 7) for _ in range(6))) for job in some]
        taken += [job.id for job in await take(harness)]
        assert len(taken) == len(set(taken)) == 30

    async def test_the_oldest_first(self, harness: Harness) -> None:
        for number in range(3):
            await ask(harness, number)
            harness.clock.forward(seconds=1)
        assert [job.payload["study"] for job in await take(harness, 2)] == ["1.2.0", "1.2.1"]

    async def test_a_job_that_failed_with_its_worker_comes_back_after_the_lease(self, harness: Harness) -> None:
        await ask(harness)
        (first,) = await take(harness)
        harness.clock.now += LEASE
        assert await take(harness) == []
        harness.clock.forward(seconds=1)
        (again,) = await take(harness)
        assert (again.id, again.attempts) == (first.id, 2)

    async def test_done_is_done(self, harness: Harness) -> None:
        await ask(harness)
        (job,) = await take(harness)
        await jobs.finish(harness.application.engine, job, harness.clock.now)
        harness.clock.forward(days=1)
        assert await take(harness) == []
        assert not await jobs.any_waiting(harness.application.engine, harness.clock.now)
        assert await jobs.clear_done(harness.application.engine, harness.clock.now) == 1

    async def test_work_for_later_waits(self, harness: Harness) -> None:
        async with harness.application.writing() as work:
            work.outbox.job(JobKind.MATCH_STUDY, {}, after=harness.clock.now + timedelta(hours=1))
        assert await take(harness) == []
        harness.clock.forward(hours=1)
        assert len(await take(harness)) == 1

    async def test_while_one_waits_another_of_its_key_is_not_added_and_once_it_is_taken_it_is(self, harness: Harness) -> None:
        """What comes while a job is under way may not be seen by it: it is new work."""
        for _ in range(3):
            await ask(harness, key="study:1")
        (job,) = await take(harness)
        await ask(harness, key="study:1")
        assert len(await take(harness)) == 1
        await jobs.postpone(harness.application.engine, job, harness.clock.now, "again")
        await ask(harness, key="study:1")

    async def test_what_is_asked_for_while_one_of_its_key_waits_is_seen_by_the_worker_that_takes_that(self, harness: Harness) -> None:
        """The change that asks is not committed yet: a worker that took the waiting job now would not see it, and nobody would come back."""
        await ask(harness, key="study:1")
        async with harness.application.engine.begin() as connection:
            same = job_row(JobKind.MATCH_STUDY, {"owner": "CLINIC1", "study": "1.2.1"}, harness.clock.now, key="study:1")
            await connection.execute(insert_jobs(connection).values(same))
            taking = asyncio.create_task(take(harness))
            early, _ = await asyncio.wait([taking], timeout=0.5)
        before = taking.result() if early else []
        assert len([*await taking, *await take(harness)]) - len(before) == 1, "one is taken behind the commit"

    async def test_each_try_waits_longer_and_at_last_a_person_looks(self, harness: Harness) -> None:
        await ask(harness)
        waits = []
        for _ in range(GIVE_UP):
            (job,) = await take(harness)
            await jobs.postpone(harness.application.engine, job, harness.clock.now, "no way")
            waits.append(((await row_of(harness))["run_after"] - harness.clock.now).total_seconds())
            harness.clock.now = (await row_of(harness))["run_after"]
        assert waits == [*RETRY, *[RETRY[-1]] * (GIVE_UP - len(RETRY))]
        harness.clock.forward(days=30)
        assert await take(harness) == []
        assert (await row_of(harness))["error"] == "no way", "it stays, with its last word"


class TestWorker:
    async def test_a_job_that_fails_does_not_stop_the_others(self, harness: Harness) -> None:
        await ask(harness, kind=UnknownJob.UNKNOWN)
        await ask(harness, 2)
        await Worker(harness.application).once()
        async with harness.application.engine.connect() as connection:
            rows = (await connection.execute(sa.select(t.job.c.kind, t.job.c.done_at, t.job.c.error))).all()
        states = {kind: (done is not None, error != "") for kind, done, error in rows}
        assert states == {"of-no-known-kind": (False, True), "match-study": (True, False)}

    async def test_a_clock_or_a_tidying_that_fails_stops_neither_the_others_nor_the_worker(self, harness: Harness) -> None:
        seen: list[datetime] = []

        async def store_is_away(_now: datetime) -> None:
            raise StoreUnavailable("the store does not answer")

        async def tidy(now: datetime) -> None:
            seen.append(now)

        await ask(harness)
        worker = Worker(harness.application, maintenance=(store_is_away, tidy))
        assert await worker.once()
        assert seen == [harness.clock.now]

    async def test_it_watches_the_clocks_by_itself(self, harness: Harness) -> None:
        case = await harness.requested("ecg")
        worker = Worker(harness.application)
        harness.clock.forward(minutes=16)
        await worker.once()
        assert (await harness.case(case.id)).hub == "MAIN"

    @pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
    async def test_it_outlives_a_while_in_which_no_connection_is_free(self, harness: Harness) -> None:
        await ask(harness, kind=UnknownJob.UNKNOWN)
        crowded = copy(harness.application)
        crowded.engine = create_async_engine(harness.application.engine.url, pool_size=1, max_overflow=0, pool_timeout=0.05)
        held = await crowded.engine.connect()
        running = asyncio.create_task(Worker(crowded).run())
        await asyncio.sleep(0.5)
        await held.close()
        ended, _ = await asyncio.wait([running], timeout=1.5)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await crowded.engine.dispose()
        assert not ended
        assert (await row_of(harness))["error"], "it has gone on with what waits"

    async def test_cancelled_it_stops(self, harness: Harness) -> None:
        running = asyncio.create_task(Worker(harness.application).run())
        await asyncio.sleep(0.05)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

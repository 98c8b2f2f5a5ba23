"""The job table and the worker: taken by one, leased, tried again further apart, given up, never lost."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from storage import StoreUnavailable
from telemed.adapters import jobs
from telemed.adapters import tables as t
from telemed.adapters.jobs import GIVE_UP, LEASE, RETRY, Job
from telemed.worker import Worker
from tests.telemed.desk import Desk


async def ask(desk: Desk, number: int = 1, key: str | None = None, kind: str = "place-study") -> None:
    async with desk.office.writing() as work:
        work.journal.job(kind, {"owner": "CLINIC1", "study": f"1.2.{number}"}, key=key)


async def take(desk: Desk, limit: int = 50) -> list[Job]:
    return await jobs.take(desk.office.engine, desk.clock.now, limit)


async def row_of(desk: Desk) -> Any:
    async with desk.office.engine.connect() as connection:
        return (await connection.execute(sa.select(t.job))).mappings().one()


class TestTable:
    async def test_several_workers_share_the_work_and_nothing_is_taken_twice(self, desk: Desk) -> None:
        for number in range(30):
            await ask(desk, number)
        taken = [job.id for some in await asyncio.gather(*(take(desk, 7) for _ in range(6))) for job in some]
        taken += [job.id for job in await take(desk)]
        assert len(taken) == len(set(taken)) == 30

    async def test_the_oldest_first(self, desk: Desk) -> None:
        for number in range(3):
            await ask(desk, number)
            desk.clock.forward(seconds=1)
        assert [job.payload["study"] for job in await take(desk, 2)] == ["1.2.0", "1.2.1"]

    async def test_a_job_that_failed_with_its_worker_comes_back_after_the_lease(self, desk: Desk) -> None:
        await ask(desk)
        (first,) = await take(desk)
        desk.clock.now += LEASE
        assert await take(desk) == []
        desk.clock.forward(seconds=1)
        (again,) = await take(desk)
        assert (again.id, again.attempts) == (first.id, 2)

    async def test_done_is_done(self, desk: Desk) -> None:
        await ask(desk)
        (job,) = await take(desk)
        await jobs.finish(desk.office.engine, job, desk.clock.now)
        desk.clock.forward(days=1)
        assert await take(desk) == []
        assert not await jobs.any_waiting(desk.office.engine, desk.clock.now)
        assert await jobs.clear_done(desk.office.engine, desk.clock.now) == 1

    async def test_work_for_later_waits(self, desk: Desk) -> None:
        async with desk.office.writing() as work:
            work.journal.job("place-study", {}, after=desk.clock.now + timedelta(hours=1))
        assert await take(desk) == []
        desk.clock.forward(hours=1)
        assert len(await take(desk)) == 1

    async def test_while_one_waits_another_of_its_key_is_not_added_and_once_it_is_taken_it_is(self, desk: Desk) -> None:
        """What comes while a job is under way may not be seen by it: it is new work."""
        for _ in range(3):
            await ask(desk, key="study:1")
        (job,) = await take(desk)
        await ask(desk, key="study:1")
        assert len(await take(desk)) == 1
        await jobs.postpone(desk.office.engine, job, desk.clock.now, "again")
        await ask(desk, key="study:1")

    async def test_each_try_waits_longer_and_at_last_a_person_looks(self, desk: Desk) -> None:
        await ask(desk)
        waits = []
        for _ in range(GIVE_UP):
            (job,) = await take(desk)
            await jobs.postpone(desk.office.engine, job, desk.clock.now, "no way")
            waits.append(((await row_of(desk))["run_after"] - desk.clock.now).total_seconds())
            desk.clock.now = (await row_of(desk))["run_after"]
        assert waits == [*RETRY, *[RETRY[-1]] * (GIVE_UP - len(RETRY))]
        desk.clock.forward(days=30)
        assert await take(desk) == []
        assert (await row_of(desk))["error"] == "no way", "it stays, with its last word"


class TestWorker:
    async def test_a_job_that_fails_does_not_stop_the_others(self, desk: Desk) -> None:
        await ask(desk, kind="of-no-known-kind")
        await ask(desk, 2)
        await Worker(desk.office).once()
        async with desk.office.engine.connect() as connection:
            rows = (await connection.execute(sa.select(t.job.c.kind, t.job.c.done_at, t.job.c.error))).all()
        states = {kind: (done is not None, error != "") for kind, done, error in rows}
        assert states == {"of-no-known-kind": (False, True), "place-study": (True, False)}

    async def test_a_clock_or_a_tidying_that_fails_stops_neither_the_others_nor_the_worker(self, desk: Desk) -> None:
        seen: list[datetime] = []

        async def store_is_away(_now: datetime) -> None:
            raise StoreUnavailable("the store does not answer")

        async def tidy(now: datetime) -> None:
            seen.append(now)

        await ask(desk)
        worker = Worker(desk.office, janitors=(store_is_away, tidy))
        assert await worker.once()
        assert seen == [desk.clock.now]

    async def test_it_watches_the_clocks_by_itself(self, desk: Desk) -> None:
        case = await desk.requested("ecg")
        worker = Worker(desk.office)
        desk.clock.forward(minutes=16)
        await worker.once()
        assert (await desk.case(case.id)).hub == "MAIN"

    async def test_cancelled_it_stops(self, desk: Desk) -> None:
        running = asyncio.create_task(Worker(desk.office).run())
        await asyncio.sleep(0.05)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

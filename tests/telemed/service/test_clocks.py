"""What happens by itself when time passes: offers expire, idle claims are freed, critical values rise."""

from __future__ import annotations

import asyncio
from datetime import time

import pytest

from telemed.domain.case import CaseStatus, Priority
from telemed.domain.network import DutyPeriod, HubService
from telemed.service import case_reading as reading
from telemed.service import criticals, routing
from tests.telemed.harness import Harness

pytestmark = pytest.mark.database


async def expire(harness: Harness) -> int:
    async with harness.application.writing() as work:
        return await routing.expire_offers(work)


async def free_idle(harness: Harness) -> int:
    async with harness.application.writing() as work:
        return await routing.release_idle_claims(work)


class TestAcceptDeadline:
    async def test_a_missed_one_sends_the_case_up_with_a_new_one(self, harness: Harness) -> None:
        case = await harness.requested("ecg", priority=Priority.URGENT)
        assert case.accept_by is not None
        harness.clock.now = case.accept_by
        assert await expire(harness) == 1
        risen = await harness.case(case.id)
        assert (risen.status, risen.hub) == (CaseStatus.REQUESTED, "MAIN")
        assert [(s.hub, s.rule, s.outcome) for s in risen.route] == [
            ("HUBA", "home-hub", "expired"),
            ("MAIN", "accept-deadline-missed", "offered"),
        ]
        assert risen.accept_by is not None
        assert risen.accept_by > harness.clock.now
        assert risen.due_at == case.due_at
        assert (await harness.history(case.id))[-2:] == ["expire", "offer"]

    async def test_nothing_happens_before_it(self, harness: Harness) -> None:
        case = await harness.requested("ecg")
        assert case.accept_by is not None
        harness.clock.now = case.accept_by
        harness.clock.forward(seconds=-1)
        assert await expire(harness) == 0
        assert await harness.case(case.id) == case

    async def test_a_claim_stops_it(self, harness: Harness) -> None:
        await harness.claimed("ecg", "ecg.huba")
        harness.clock.forward(days=1)
        assert await expire(harness) == 0

    async def test_the_last_hub_keeps_the_case_overdue_rather_than_nobody(self, harness: Harness) -> None:
        case = await harness.requested("ecg")
        for _ in range(4):
            harness.clock.forward(days=1)
            await expire(harness)
        kept = await harness.case(case.id)
        assert (kept.status, kept.hub, kept.accept_by) == (CaseStatus.REQUESTED, "MAIN", None)
        assert (await harness.history(case.id)).count("accept-missed") == 1, "a person is told once"
        assert (await harness.do("ecg.main", reading.claim_case, case.id)).claimed_by == "ecg.main"

    async def test_where_no_later_hub_is_on_duty_this_one_keeps_it_too(self, harness: Harness) -> None:
        never = (DutyPeriod(frozenset(), time(0), time(0)),)
        await harness.put_service(HubService("MAIN", "ecg", duty=never))
        case = await harness.requested("ecg")
        harness.clock.forward(days=1)
        await expire(harness)
        kept = await harness.case(case.id)
        assert (kept.status, kept.hub) == (CaseStatus.REQUESTED, "HUBA")

    async def test_two_workers_at_once_move_it_once(self, harness: Harness) -> None:
        case = await harness.requested("ecg")
        harness.clock.forward(minutes=16)
        assert sum(await asyncio.gather(*(expire(harness) for _ in range(4)))) == 1
        assert (await harness.history(case.id)).count("expire") == 1


class TestIdleClaims:
    async def test_a_claim_that_nobody_works_on_goes_back_to_the_worklist(self, harness: Harness) -> None:
        case = await harness.claimed()
        harness.clock.forward(minutes=29, seconds=59)
        assert await free_idle(harness) == 0
        harness.clock.forward(seconds=1)
        assert await free_idle(harness) == 1
        freed = await harness.case(case.id)
        assert (freed.status, freed.hub, freed.claimed_by) == (CaseStatus.REQUESTED, "HUBA", None)
        assert (await harness.history(case.id))[-1] == "release"

    async def test_each_centre_has_its_own_time(self, harness: Harness) -> None:
        await harness.claimed("consultation", "consult.huba")
        harness.clock.forward(minutes=119)
        assert await free_idle(harness) == 0
        harness.clock.forward(minutes=1)
        assert await free_idle(harness) == 1

    @pytest.mark.parametrize("step", ["written", "parked", "signed"])
    async def test_work_that_was_begun_set_aside_or_signed_stays(self, harness: Harness, step: str) -> None:
        case = await (harness.at_main() if step == "signed" else harness.written() if step == "written" else harness.claimed())
        if step == "parked":
            await harness.do("imaging.huba", reading.park_case, case.id, parked=True)
        if step == "signed":
            await harness.sign(case.id, "imaging.main")
        harness.clock.forward(days=2)
        assert await free_idle(harness) == 0

    async def test_a_finished_draft_that_was_handed_over_and_signed_is_not_freed(self, harness: Harness) -> None:
        """Its first signature stands: nobody may take the case away before the second."""
        case = await harness.at_main()
        await harness.do("imaging.main", reading.release_case, case.id)
        await harness.do("imaging.main", reading.claim_case, case.id)
        await harness.sign(case.id, "imaging.main")
        harness.clock.forward(days=2)
        assert await free_idle(harness) == 0
        assert (await harness.review(case.id)).status == "final"


async def rise(harness: Harness) -> int:
    async with harness.application.writing() as work:
        return await criticals.raise_overdue(work)


class TestCriticalValues:
    async def test_it_rises_to_the_reviewers_then_to_the_operator(self, harness: Harness) -> None:
        case = await harness.claimed()
        value = await harness.do("imaging.huba", criticals.declare_critical, case.id, "主动脉夹层")
        assert value.due_at > harness.clock.now
        assert await rise(harness) == 0
        harness.clock.now = value.due_at
        assert await rise(harness) == 1
        assert await rise(harness) == 0
        harness.clock.forward(minutes=10)
        assert await rise(harness) == 1
        lines = [line.detail for line in await harness.application.queries.history(case.id) if line.action == "critical-rise"]
        assert [(line["to"], line["times"]) for line in lines] == [("reviewers", 1), ("operator", 2)]
        assert len(await harness.audited("critical:rise")) == 2

    async def test_being_told_does_not_stop_it_and_being_acknowledged_does(self, harness: Harness) -> None:
        case = await harness.claimed()
        value = await harness.do("imaging.huba", criticals.declare_critical, case.id, "主动脉夹层")
        await harness.do("imaging.huba", criticals.notify_critical, case.id, value.id, "陶小满", "电话", True)
        harness.clock.forward(minutes=11)
        assert await rise(harness) == 1
        await harness.do("clinic1", criticals.acknowledge_critical, case.id, value.id)
        harness.clock.forward(days=1)
        assert await rise(harness) == 0

    async def test_an_old_value_does_not_keep_a_new_one_from_rising(self, harness: Harness) -> None:
        case = await harness.claimed()
        for finding in ("主动脉夹层", "张力性气胸"):
            await harness.do("imaging.huba", criticals.declare_critical, case.id, finding)
        harness.clock.forward(minutes=11)
        async with harness.application.writing() as work:
            assert await criticals.raise_overdue(work, limit=1) == 1
        async with harness.application.writing() as work:
            assert await criticals.raise_overdue(work, limit=1) == 1

    async def test_two_workers_at_once_raise_it_once(self, harness: Harness) -> None:
        case = await harness.claimed()
        await harness.do("imaging.huba", criticals.declare_critical, case.id, "主动脉夹层")
        harness.clock.forward(minutes=11)
        assert sum(await asyncio.gather(*(rise(harness) for _ in range(4)))) == 1
        assert (await harness.history(case.id)).count("critical-rise") == 1

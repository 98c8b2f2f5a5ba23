"""The hub's side: claims and their race, giving back, declining, asking further up, handing over."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from telemed.domain.case import CaseStatus
from telemed.domain.errors import AlreadyClaimed, Forbidden, Invalid, InvalidTransition, NotFound
from telemed.domain.network import HubService
from telemed.service import case_reading as reading
from telemed.service import case_request as case_request
from telemed.service import case_view, reporting, routing
from tests.telemed.harness import SECTIONS, Harness

pytestmark = pytest.mark.database

REASON = "无相应专业"


async def second_reader(harness: Harness) -> str:
    """One more specialist of imaging at HUBA."""
    return await harness.add_person(replace(harness.people["imaging.huba"], username="imaging3.huba"))


class TestClaim:
    async def test_it_opens_a_draft_report(self, harness: Harness) -> None:
        case = await harness.claimed()
        assert (case.status, case.claimed_by, case.report_status) == (CaseStatus.ACCEPTED, "imaging.huba", "partial")
        assert (case.claimed_at, case.accept_by, case.readers) == (harness.clock.now, None, ("imaging.huba",))
        (report,) = await harness.versions(case.id)
        assert (report.version, report.author, report.status, report.hub) == (1, "imaging.huba", "partial", "HUBA")

    async def test_of_many_at_once_one_has_it_and_the_others_learn_who(self, harness: Harness) -> None:
        case = await harness.requested()
        readers = ["imaging.huba", await second_reader(harness)]
        tries = [harness.do(readers[n % 2], reading.claim_case, case.id) for n in range(10)]
        done = await asyncio.gather(*tries, return_exceptions=True)
        winner = (await harness.case(case.id)).claimed_by
        for n, one in enumerate(done):
            if readers[n % 2] == winner:
                assert not isinstance(one, BaseException)
            else:
                assert isinstance(one, AlreadyClaimed)
                assert one.by == winner
        assert (await harness.history(case.id)).count("claim") == 1
        assert len(await harness.versions(case.id)) == 1

    async def test_twice_by_the_same_reader_changes_nothing(self, harness: Harness) -> None:
        case = await harness.claimed()
        harness.clock.forward(minutes=5)
        assert (await harness.do("imaging.huba", reading.claim_case, case.id)).claimed_at == case.claimed_at

    @pytest.mark.parametrize("stranger", ["imaging.hubb", "imaging.main", "ecg.huba"])
    async def test_another_hub_and_another_centre_see_no_such_case(self, harness: Harness, stranger: str) -> None:
        case = await harness.requested()
        with pytest.raises(NotFound):
            await harness.do(stranger, reading.claim_case, case.id)

    async def test_a_draft_is_not_there_for_anybody_else(self, harness: Harness) -> None:
        case = await harness.draft()
        with pytest.raises(NotFound):
            await harness.do("imaging.huba", reading.claim_case, case.id)

    async def test_a_reviewer_and_the_member_may_not(self, harness: Harness) -> None:
        case = await harness.requested(modality="PT")
        for username in ("imaging2.main", "clinic1"):
            with pytest.raises(Forbidden):
                await harness.do(username, reading.claim_case, case.id)

    async def test_a_cap_bounds_the_cases_of_one_reader(self, harness: Harness) -> None:
        await harness.put_service(HubService("HUBA", "imaging", parent="MAIN", reader_cap=2))
        first, second, third = [(await harness.requested()).id for _ in range(3)]
        await harness.do("imaging.huba", reading.claim_case, first)
        await harness.do("imaging.huba", reading.claim_case, second)
        with pytest.raises(Forbidden) as refused:
            await harness.do("imaging.huba", reading.claim_case, third)
        assert refused.value.reason == "reader-cap"
        await harness.do("imaging.huba", reading.release_case, first)
        assert (await harness.do("imaging.huba", reading.claim_case, third)).claimed_by == "imaging.huba"

    async def test_the_cap_holds_against_many_claims_at_once(self, harness: Harness) -> None:
        await harness.put_service(HubService("HUBA", "imaging", parent="MAIN", reader_cap=2))
        cases = [(await harness.requested()).id for _ in range(5)]
        await asyncio.gather(*(harness.do("imaging.huba", reading.claim_case, c) for c in cases), return_exceptions=True)
        assert sum([(await harness.case(c)).claimed_by is not None for c in cases]) == 2


class TestRelease:
    async def test_the_draft_stays_for_who_takes_it_next(self, harness: Harness) -> None:
        case = await harness.written()
        released = await harness.do("imaging.huba", reading.release_case, case.id)
        assert (released.status, released.claimed_by, released.claimed_at) == (CaseStatus.REQUESTED, None, None)
        other = await second_reader(harness)
        taken = await harness.do(other, reading.claim_case, case.id)
        assert taken.readers == ("imaging.huba", other)
        (report,) = await harness.versions(case.id)
        assert (report.sections, report.author) == (SECTIONS["imaging"], other)

    async def test_who_takes_a_finished_draft_over_may_sign_it(self, harness: Harness) -> None:
        case = await harness.written()
        await harness.do("imaging.huba", reading.release_case, case.id)
        await harness.do("imaging.huba", reading.claim_case, case.id)
        assert (await harness.sign(case.id, "imaging.huba")).status == "final"
        assert (await harness.case(case.id)).status is CaseStatus.COMPLETED

    @pytest.mark.parametrize("step", [reading.release_case, reading.decline_case, reading.return_case, reading.escalate_case])
    async def test_only_the_holder_may_give_a_claimed_case_away(self, harness: Harness, step: Any) -> None:
        case = await harness.claimed()
        other = await second_reader(harness)
        reason = () if step is reading.release_case else (REASON,)
        with pytest.raises(AlreadyClaimed):
            await harness.do(other, step, case.id, *reason)

    async def test_not_once_somebody_has_signed(self, harness: Harness) -> None:
        case = await harness.at_main()
        await harness.sign(case.id, "imaging.main")
        for step, reason in ((reading.release_case, ()), (reading.decline_case, (REASON,)), (reading.return_case, (REASON,))):
            with pytest.raises(InvalidTransition):
                await harness.do("imaging.main", step, case.id, *reason)
        with pytest.raises(InvalidTransition):
            await harness.do("imaging2.main", reading.reassign_case, case.id, "imaging.main", REASON)


class TestPark:
    async def test_it_keeps_the_claim_and_the_clock(self, harness: Harness) -> None:
        case = await harness.claimed()
        parked = await harness.do("imaging.huba", reading.park_case, case.id, parked=True)
        assert (parked.claimed_by, parked.due_at, parked.parked_at) == ("imaging.huba", case.due_at, harness.clock.now)
        again = await harness.do("imaging.huba", reading.park_case, case.id, parked=True)
        assert again == parked
        resumed = await harness.do("imaging.huba", reading.park_case, case.id, parked=False)
        assert resumed.parked_at is None
        assert (await harness.history(case.id))[-2:] == ["park", "resume"]

    async def test_a_waiting_case_cannot_be_set_aside(self, harness: Harness) -> None:
        case = await harness.requested()
        with pytest.raises(InvalidTransition):
            await harness.do("imaging.huba", reading.park_case, case.id, parked=True)


class TestDecline:
    async def test_the_next_hub_has_it_and_this_one_sees_it_no_more(self, harness: Harness) -> None:
        case = await harness.written()
        declined = await harness.do("imaging.huba", reading.decline_case, case.id, REASON)
        assert (declined.status, declined.hub, declined.claimed_by, declined.report_status) == (CaseStatus.REQUESTED, "MAIN", None, None)
        assert [(s.hub, s.outcome, s.reason) for s in declined.route] == [("HUBA", "declined", REASON), ("MAIN", "offered", "")]
        assert declined.due_at == case.due_at, "a change of hub does not set the report clock back"
        with pytest.raises(NotFound):
            await harness.ask("imaging.huba", case_view.view_case, case.id)
        assert (await harness.history(case.id))[-2:] == ["decline", "offer"]

    async def test_the_draft_of_the_hub_that_declined_counts_no_more(self, harness: Harness) -> None:
        case = await harness.written()
        await harness.do("imaging.huba", reading.decline_case, case.id, REASON)
        await harness.do("imaging.main", reading.claim_case, case.id)
        report, visible = await harness.ask("imaging.main", reporting.read_report, case.id)
        assert (report.version, report.sections, len(visible)) == (2, {}, 1)
        kept = (await harness.versions(case.id))[0]
        assert (kept.status, kept.sections) == ("entered-in-error", SECTIONS["imaging"])

    async def test_after_the_last_hub_it_has_failed_and_the_operator_names_one(self, harness: Harness) -> None:
        case = await harness.requested()
        await harness.do("imaging.huba", reading.decline_case, case.id, REASON)
        failed = await harness.do("imaging.main", reading.decline_case, case.id, REASON)
        assert (failed.status, failed.hub, failed.accept_by) == (CaseStatus.FAILED, None, None)
        assert (await harness.history(case.id))[-1] == "fail"
        offered = await harness.do("operator", routing.offer_by_operator, case.id, "HUBB", "已电话确认")
        assert (offered.status, offered.hub) == (CaseStatus.REQUESTED, "HUBB")
        assert offered.route[-1].rule == "assigned-by-operator"
        assert (await harness.do("imaging.hubb", reading.claim_case, case.id)).claimed_by == "imaging.hubb"

    async def test_the_operator_cannot_name_the_member_itself_or_nobody(self, harness: Harness) -> None:
        case = await harness.requested()
        for hub in ("CLINIC1", "NOWHERE"):
            with pytest.raises(Invalid):
                await harness.do("operator", routing.offer_by_operator, case.id, hub, "x")

    async def test_the_operator_moves_a_waiting_case_and_not_a_claimed_one(self, harness: Harness) -> None:
        case = await harness.requested()
        assert (await harness.do("operator", routing.offer_by_operator, case.id, "HUBB", "x")).hub == "HUBB"
        await harness.do("imaging.hubb", reading.claim_case, case.id)
        with pytest.raises(InvalidTransition):
            await harness.do("operator", routing.offer_by_operator, case.id, "HUBA", "x")

    async def test_a_draft_stays_with_the_hub_that_wrote_it(self, harness: Harness) -> None:
        case = await harness.written()
        await harness.do("imaging.huba", reading.release_case, case.id)
        same = await harness.do("operator", routing.offer_by_operator, case.id, "HUBA", "x")
        assert same.report_status == "partial"
        moved = await harness.do("operator", routing.offer_by_operator, case.id, "HUBB", "x")
        assert moved.report_status is None
        await harness.do("imaging.hubb", reading.claim_case, case.id)
        report, versions = await harness.ask("imaging.hubb", reporting.read_report, case.id)
        assert (report.version, report.author, report.hub, report.sections) == (2, "imaging.hubb", "HUBB", {})
        assert versions == [report]


class TestEscalate:
    async def test_this_hub_keeps_seeing_the_case_and_its_answer(self, harness: Harness) -> None:
        case = await harness.written()
        risen = await harness.do("imaging.huba", reading.escalate_case, case.id, "请上级会诊")
        assert (risen.hub, risen.status) == ("MAIN", CaseStatus.REQUESTED)
        view = await harness.ask("imaging.huba", case_view.view_case, case.id)
        assert view.whole
        await harness.do("imaging.main", reading.claim_case, case.id)
        await harness.save(case.id, "imaging.main", SECTIONS["imaging"])
        with pytest.raises(NotFound):
            await harness.ask("imaging.huba", reporting.read_report, case.id)
        await harness.sign(case.id, "imaging.main")
        await harness.review(case.id)
        report, _ = await harness.ask("imaging.huba", reporting.read_report, case.id)
        assert report.status == "final"

    @pytest.mark.parametrize("step", [reading.claim_case, reading.release_case])
    async def test_it_can_change_nothing_any_more(self, harness: Harness, step: Any) -> None:
        case = await harness.requested()
        await harness.do("imaging.huba", reading.escalate_case, case.id, "请上级会诊")
        with pytest.raises(NotFound):
            await harness.do("imaging.huba", step, case.id)
        view = await harness.ask("imaging.huba", case_view.view_case, case.id)
        assert set(view.actions) <= {"declare-critical", "export", "send"}

    async def test_there_is_nobody_above_the_main_hub(self, harness: Harness) -> None:
        case = await harness.requested(modality="PT")
        with pytest.raises(InvalidTransition):
            await harness.do("imaging.main", reading.escalate_case, case.id, "x")


class TestReassign:
    async def test_the_other_reader_holds_the_case_with_its_draft_and_may_sign_it(self, harness: Harness) -> None:
        case = await harness.written()
        other = await second_reader(harness)
        handed = await harness.do("imaging.huba", reading.reassign_case, case.id, other, "下班交接")
        assert (handed.claimed_by, handed.status) == (other, CaseStatus.ACCEPTED)
        (report,) = await harness.versions(case.id)
        assert (report.author, report.sections) == (other, SECTIONS["imaging"])
        with pytest.raises(AlreadyClaimed):
            await harness.save(case.id, "imaging.huba", SECTIONS["imaging"])

    @pytest.mark.parametrize("reader", ["imaging.hubb", "ecg.huba", "nobody", "imaging2.main"])
    async def test_only_to_who_can_read_it_here(self, harness: Harness, reader: str) -> None:
        case = await harness.claimed()
        with pytest.raises(Invalid):
            await harness.do("imaging.huba", reading.reassign_case, case.id, reader, "x")

    async def test_never_to_a_reviewer_who_could_not_write(self, harness: Harness) -> None:
        case = await harness.at_main()
        with pytest.raises(Invalid) as refused:
            await harness.do("imaging.main", reading.reassign_case, case.id, "imaging2.main", "x")
        assert refused.value.errors[0].expected == "imaging.main"

    async def test_a_reviewer_may_move_a_case_and_another_reader_may_not(self, harness: Harness) -> None:
        case = await harness.at_main()
        assert (await harness.do("imaging2.main", reading.reassign_case, case.id, "imaging.main", "x")).claimed_by == "imaging.main"
        held = await harness.claimed()
        other = await second_reader(harness)
        with pytest.raises(Forbidden):
            await harness.do(other, reading.reassign_case, held.id, other, "x")

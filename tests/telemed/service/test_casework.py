"""The member's side: made, submitted, sent back and answered, cancelled, acknowledged."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest

from telemed.domain.case import CaseKind, CaseStatus, Priority
from telemed.domain.consent import ConsentGiver
from telemed.domain.errors import DomainError, Forbidden, Invalid, InvalidTransition, NotFound
from telemed.domain.patient import RESIDENT_ID, Identifier
from telemed.service import case_reading as reading
from telemed.service import case_request as case_request
from telemed.service.case_request import create_case
from tests.telemed.harness import REQUESTS, Harness, patient_card


def fields(refused: pytest.ExceptionInfo[Invalid]) -> dict[str, str]:
    return {error.field: error.code for error in refused.value.errors}


WRONG_NUMBER = (Identifier(RESIDENT_ID, "320102196103050018"),)
TWICE = (Identifier("CLINIC1", "P1"), Identifier("CLINIC1", "P2"))
WRONG_CARDS = [
    (patient_card(name=" "), {"patient.name": "required"}),
    (patient_card(birth_date=date(1999, 1, 1)), {"patient.birth_date": "contradicts-resident-id"}),
    (patient_card(identifiers=WRONG_NUMBER), {"patient.identifiers.0.value": "resident-id-check-digit"}),
    (patient_card(identifiers=(Identifier("CLINIC2", "P1"),)), {"patient.identifiers.0.system": "choice"}),
    (patient_card(identifiers=TWICE), {"patient.identifiers.1.system": "repeated"}),
]


class TestCreate:
    @pytest.mark.parametrize("centre", REQUESTS)
    async def test_a_draft_in_every_centre(self, harness: Harness, centre: str) -> None:
        case = await harness.draft(centre)
        assert await harness.case(case.id) == case
        assert (case.status, case.hub, case.member, case.created_by) == (CaseStatus.DRAFT, None, "CLINIC1", "clinic1")
        assert await harness.history(case.id) == ["create"]
        assert await harness.audited("case:create") == [("case:create", "clinic1", f"case/{case.id}", "success")]

    async def test_accession_numbers_are_made_in_order_and_at_most_16_characters(self, harness: Harness) -> None:
        numbers = [(await harness.draft()).accession_number for _ in range(3)]
        assert [n[-4:] for n in numbers] == ["0001", "0002", "0003"]
        assert all(len(n) <= 16 and n[0] == "A" for n in numbers)

    async def test_many_at_once_have_numbers_of_their_own(self, harness: Harness) -> None:
        made = await asyncio.gather(*(harness.draft() for _ in range(12)))
        assert len({case.accession_number for case in made}) == 12

    async def test_a_given_number_is_kept_and_cannot_be_given_twice(self, harness: Harness) -> None:
        assert (await harness.draft(accession_number="RIS-1")).accession_number == "RIS-1"
        with pytest.raises(Invalid) as refused:
            await harness.draft(accession_number="RIS-1")
        assert fields(refused) == {"request.accession_number": "taken"}

    async def test_the_same_given_number_from_two_at_once_is_taken_once(self, harness: Harness) -> None:
        made = await asyncio.gather(*(harness.draft(accession_number="RIS-1") for _ in range(6)), return_exceptions=True)
        assert sorted(type(one).__name__ for one in made) == ["Case"] + ["Invalid"] * 5

    async def test_another_member_may_use_the_same_number(self, harness: Harness) -> None:
        await harness.draft(accession_number="RIS-1")
        assert (await harness.draft(by="clinic2", accession_number="RIS-1")).member == "CLINIC2"

    async def test_a_given_number_that_looks_like_ours_does_not_stand_in_the_way(self, harness: Harness) -> None:
        ours = (await harness.draft()).accession_number
        following = ours[:-4] + "0002"
        await harness.draft(accession_number=following)
        assert (await harness.draft()).accession_number == ours[:-4] + "0003"

    async def test_every_fault_of_the_request_is_named(self, harness: Harness) -> None:
        with pytest.raises(Invalid) as refused:
            await harness.draft(modality="XYZ", colour="red")
        assert fields(refused) == {"request.modality": "choice", "request.colour": "unknown-field"}

    async def test_an_unknown_centre(self, harness: Harness) -> None:
        with pytest.raises(Invalid) as refused:
            await harness.do("clinic1", create_case, "dental", CaseKind.DIAGNOSIS, Priority.ROUTINE, patient_card(), {})
        assert fields(refused) == {"centre": "choice"}

    async def test_only_a_member_may(self, harness: Harness) -> None:
        with pytest.raises(Forbidden):
            await harness.draft(by="imaging.huba")
        assert await harness.audited("access:create-case") == [("access:create-case", "imaging.huba", "create_case", "refused")]

    @pytest.mark.parametrize(("card", "errors"), WRONG_CARDS)
    async def test_a_wrong_card_is_refused_and_nothing_is_kept(
        self, harness: Harness, card: case_request.Demographics, errors: dict[str, str]
    ) -> None:
        with pytest.raises(Invalid) as refused:
            await harness.draft(patient=card)
        assert fields(refused) == errors
        assert await harness.audited("case:create") == []


class TestSubmit:
    async def test_it_goes_to_the_home_hub_with_its_clocks(self, harness: Harness) -> None:
        case = await harness.requested(priority=Priority.URGENT)
        assert (case.status, case.hub) == (CaseStatus.REQUESTED, "HUBA")
        assert [(s.hub, s.rule) for s in case.route] == [("HUBA", "home-hub"), ("MAIN", "parent-hub")]
        assert case.submitted_at == harness.clock.now
        assert case.accept_by is not None
        assert case.due_at is not None
        assert harness.clock.now < case.accept_by < case.due_at
        assert await harness.case(case.id) == case

    async def test_an_incomplete_request_is_refused(self, harness: Harness) -> None:
        case = await harness.draft(reason="  ")
        with pytest.raises(Invalid) as refused:
            await harness.do("clinic1", case_request.submit_case, case.id)
        assert fields(refused) == {"request.reason": "required"}
        assert (await harness.case(case.id)).status is CaseStatus.DRAFT

    async def test_twice_is_refused_and_many_at_once_submit_it_once(self, harness: Harness) -> None:
        case = await harness.draft()
        tries = (harness.do("clinic1", case_request.submit_case, case.id) for _ in range(6))
        done = await asyncio.gather(*tries, return_exceptions=True)
        assert sorted(type(one).__name__ for one in done) == ["Case"] + ["InvalidTransition"] * 5
        assert (await harness.history(case.id)).count("submit") == 1

    async def test_a_modality_that_the_sub_hub_does_not_cover_goes_up_at_once(self, harness: Harness) -> None:
        case = await harness.requested(modality="PT")
        assert case.hub == "MAIN"
        assert (case.route[0].hub, case.route[0].rule, case.route[0].outcome) == ("HUBA", "not-covered", "skipped")

    async def test_another_member_is_told_that_there_is_no_such_case(self, harness: Harness) -> None:
        case = await harness.draft()
        with pytest.raises(NotFound):
            await harness.do("clinic2", case_request.submit_case, case.id)
        assert await harness.audited("access:submit-case") == [("access:submit-case", "clinic2", f"case/{case.id}", "refused")]


class TestAnswer:
    async def test_a_case_that_was_sent_back_returns_to_the_hub_that_asked(self, harness: Harness) -> None:
        case = await harness.requested()
        await harness.do("imaging.huba", reading.decline_case, case.id, "无相应专业")
        back = await harness.do("imaging.main", reading.return_case, case.id, "请补充病史")
        assert (back.status, back.hold_reason, back.accept_by, back.claimed_by) == (CaseStatus.ON_HOLD, "请补充病史", None, None)
        due = back.due_at
        harness.clock.forward(hours=1)
        await harness.do("clinic1", case_request.edit_case, case.id, None, REQUESTS["imaging"] | {"history": "高血压十年"})
        answered = await harness.do("clinic1", case_request.submit_case, case.id)
        assert (answered.status, answered.hub, answered.hold_reason) == (CaseStatus.REQUESTED, "MAIN", "")
        assert answered.request["history"] == "高血压十年"
        assert answered.due_at == due, "the report clock runs from the first submission"
        assert answered.accept_by is not None
        assert (await harness.history(case.id))[-3:] == ["return", "edit", "answer"]

    async def test_a_running_case_cannot_be_edited(self, harness: Harness) -> None:
        case = await harness.requested()
        with pytest.raises(InvalidTransition):
            await harness.do("clinic1", case_request.edit_case, case.id, Priority.STAT, None)

    async def test_a_draft_can_with_every_fault_named(self, harness: Harness) -> None:
        case = await harness.draft()
        edited = await harness.do("clinic1", case_request.edit_case, case.id, Priority.STAT, {"modality": "MR"})
        assert (edited.priority, edited.request) == (Priority.STAT, {"modality": "MR"})
        with pytest.raises(Invalid) as refused:
            await harness.do("clinic1", case_request.edit_case, case.id, None, {"modality": 5, "x": 1})
        assert fields(refused) == {"request.modality": "type", "request.x": "unknown-field"}


class TestCancel:
    @pytest.mark.parametrize("step", ["draft", "requested", "claimed", "written"])
    async def test_before_a_signature(self, harness: Harness, step: str) -> None:
        case = await getattr(harness, step)()
        cancelled = await harness.do("clinic1", case_request.cancel_case, case.id, "患者转院")
        assert (cancelled.status, cancelled.claimed_by, cancelled.accept_by) == (CaseStatus.CANCELLED, None, None)
        for again in (case_request.submit_case, reading.claim_case):
            with pytest.raises(DomainError):
                await harness.do("clinic1" if again is case_request.submit_case else "imaging.huba", again, case.id)

    async def test_not_after_the_first_signature(self, harness: Harness) -> None:
        case = await harness.at_main()
        await harness.sign(case.id, "imaging.main")
        with pytest.raises(InvalidTransition):
            await harness.do("clinic1", case_request.cancel_case, case.id, "患者转院")


class TestAcknowledge:
    async def test_once_and_again_changes_nothing(self, harness: Harness) -> None:
        case = await harness.signed()
        first = await harness.do("clinic1", case_request.acknowledge_report, case.id)
        assert first.acknowledged_at == harness.clock.now
        harness.clock.forward(hours=1)
        again = await harness.do("clinic1", case_request.acknowledge_report, case.id)
        assert (again.acknowledged_at, again.acknowledged_by) == (first.acknowledged_at, "clinic1")
        assert (await harness.history(case.id)).count("acknowledge") == 1

    async def test_not_before_there_is_a_report(self, harness: Harness) -> None:
        case = await harness.written()
        with pytest.raises(InvalidTransition):
            await harness.do("clinic1", case_request.acknowledge_report, case.id)


class TestConsent:
    async def test_it_is_kept_with_its_paper(self, harness: Harness) -> None:
        case = await harness.draft("consultation")
        await harness.do("clinic1", case_request.record_consent, case.id, ConsentGiver.GUARDIAN, "张大山", None)
        async with harness.application.reading() as work:
            kept = await work.consents.of_case(case.id)
        assert [(c.giver, c.signed_name, c.recorded_by, c.recorded_at) for c in kept] == [
            ("guardian", "张大山", "clinic1", harness.clock.now)
        ]

    async def test_a_paper_of_another_case_is_refused(self, harness: Harness) -> None:
        case = await harness.draft("consultation")
        with pytest.raises(NotFound):
            await harness.do("clinic1", case_request.record_consent, case.id, ConsentGiver.PATIENT, "张伟", "0" * 32)

    async def test_the_hub_cannot_record_it(self, harness: Harness) -> None:
        case = await harness.requested("consultation")
        with pytest.raises(Forbidden):
            await harness.do("consult.huba", case_request.record_consent, case.id, ConsentGiver.PATIENT, "张伟", None)

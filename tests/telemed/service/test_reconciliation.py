"""Studies without a case and records in doubt: the right cases are proposed, and what was settled stays settled."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from dicom_gateway import Intake, Source
from telemed.adapters.clock import utc_now
from telemed.adapters.jobs.worker import Worker
from telemed.domain.case import Case
from telemed.domain.errors import Forbidden, Invalid, NotFound
from telemed.domain.patient import Identifier, Sex
from telemed.domain.reconciliation import Step, StudyAttributes
from telemed.service import case_reading as reading
from telemed.service import case_request as case_request
from telemed.service import evidence, patients, reconciliation
from telemed.service.reconciliation import TakenStep, UnmatchedStudy
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.telemed.harness import Harness, patient_card

pytestmark = pytest.mark.database


async def arrive(harness: Harness, intake: Intake, owner: str = "CLINIC1", **attributes: Any) -> None:
    """A study that finds no case by itself."""
    image = ct_slice(**({"AccessionNumber": "", "PatientID": ""} | attributes))
    assert (await intake.receive(part10_of(image), owner, Source("dimse"))).status == 0
    harness.clock.now = max(harness.clock.now, utc_now())
    worker = Worker(harness.application)
    while await worker.once():
        pass


async def waiting(harness: Harness, owner: str = "") -> list[UnmatchedStudy]:
    found: list[UnmatchedStudy] = await harness.ask("operator", reconciliation.unmatched_studies, owner, 50)
    return found


async def test_cases_of_the_same_member_and_modality_are_proposed(harness: Harness, intake: Intake) -> None:
    fitting = await harness.requested()
    await harness.requested(modality="MR")
    await harness.requested(by="clinic2")
    await harness.requested("ecg")
    await arrive(harness, intake)
    (study,) = await waiting(harness)
    assert [c.case_id for c in study.candidates] == [fitting.id]
    assert set(study.candidates[0].reasons) == {"near-time", "modality"}


async def test_the_patients_number_weighs_more_than_the_time(harness: Harness, intake: Intake) -> None:
    card = patient_card(7)
    cases = [await harness.requested(patient=card), await harness.requested(patient=card)]
    await harness.requested()
    await arrive(harness, intake, PatientID="P00007")
    (study,) = await waiting(harness)
    assert {c.case_id for c in study.candidates[:2]} == {case.id for case in cases}
    assert all("patient-number" in c.reasons for c in study.candidates[:2])
    assert "patient-number" not in study.candidates[2].reasons


async def test_a_linked_study_waits_no_more(harness: Harness, intake: Intake) -> None:
    case: Case = await harness.requested()
    await arrive(harness, intake)
    (study,) = await waiting(harness, "CLINIC1")
    assert await waiting(harness, "CLINIC2") == []
    await harness.do("operator", evidence.link_by_hand, case.id, "CLINIC1", study.study.study_instance_uid)
    assert await waiting(harness) == []
    assert (await harness.case(case.id)).evidence_count == 1
    assert ("evidence:link", "operator", f"case/{case.id}", "success") in await harness.audited("evidence:link")


async def test_the_name_is_shown_as_it_is_written(harness: Harness, intake: Intake) -> None:
    await arrive(harness, intake, PatientName="Wang^XiaoDong=王^小东")
    await arrive(harness, intake, PatientName="Smith^John")
    assert {study.study.patient_name for study in await waiting(harness)} == {"王 小东", "Smith John"}


async def test_only_the_operator_sees_them(harness: Harness) -> None:
    for username in ("clinic1", "imaging.huba", "imaging2.main", "sysadmin", "secadmin", "auditor"):
        with pytest.raises(Forbidden):
            await harness.ask(username, reconciliation.unmatched_studies, "", 5)


async def two_records(harness: Harness) -> tuple[str, str]:
    """One name, sex and birth date at two members, without a common number."""
    cards = (patient_card(1, identifiers=()), patient_card(2, "CLINIC2", identifiers=()))
    first, second = await harness.draft(patient=cards[0]), await harness.draft(by="clinic2", patient=cards[1])
    return first.patient.id, second.patient.id


async def test_the_names_of_a_doubt_are_shown_to_who_decides_and_to_nobody_else(harness: Harness) -> None:
    """Each look is on record for both; once it is decided, and of records in no doubt, there is nothing to see."""
    first, second = await two_records(harness)
    shown = await harness.do("operator", patients.names_in_doubt, second, first)
    assert [(record.id, record.name) for record in shown] == [(second, patient_card(1).name), (first, patient_card(1).name)]
    looks = {("patient:compare", "operator", f"patient/{record}", "success") for record in (first, second)}
    assert looks <= set(await harness.audited("patient:compare"))
    for stranger in ("clinic1", "clinic2", "clinic3"):  # one of the records is another institution's
        with pytest.raises(NotFound):
            await harness.do(stranger, patients.names_in_doubt, first, second)
    for administrator in ("sysadmin", "secadmin", "auditor"):
        with pytest.raises(Forbidden):
            await harness.do(administrator, patients.names_in_doubt, first, second)
    other = await harness.draft(patient=patient_card(3, name="李娜"))
    with pytest.raises(NotFound):
        await harness.do("operator", patients.names_in_doubt, first, other.patient.id)
    await harness.do("operator", patients.mark_distinct, second, first, "出生地不同")
    with pytest.raises(NotFound):
        await harness.do("operator", patients.names_in_doubt, first, second)


async def test_two_people_are_not_asked_about_again(harness: Harness) -> None:
    first, second = await two_records(harness)
    operator = harness.people["operator"]
    assert len(await harness.application.queries.duplicate_candidates(operator, 10)) == 1
    await harness.do("operator", patients.mark_distinct, second, first, "出生地不同")
    assert await harness.application.queries.duplicate_candidates(operator, 10) == []
    await harness.draft(by="clinic2", patient=patient_card(2, "CLINIC2", identifiers=()))
    assert {(d.first.id, d.second.id) for d in await harness.application.queries.duplicate_candidates(operator, 10)}.isdisjoint(
        {(first, second), (second, first)}
    )
    assert ("patient:merge", "operator", f"patient/{second}", "success") in await harness.audited("patient:merge")


async def test_a_doubt_that_nobody_has_cannot_be_settled(harness: Harness) -> None:
    first = await harness.draft(patient=patient_card(1, name="甲"))
    second = await harness.draft(by="clinic2", patient=patient_card(2, "CLINIC2", name="乙"))
    with pytest.raises(NotFound):
        await harness.do("operator", patients.mark_distinct, first.patient.id, second.patient.id, "核对")


async def test_merged_records_are_listed_until_they_are_split(harness: Harness) -> None:
    first, second = await two_records(harness)
    operator = harness.people["operator"]
    await harness.do("operator", patients.merge_patients, first, second, "电话核对")
    (merged,) = await harness.application.queries.merged(operator, 10)
    assert (merged.record.id, merged.kept.id) == (second, first)
    await harness.do("operator", patients.split_patient, second, "误合并")
    assert await harness.application.queries.merged(operator, 10) == []


async def test_a_foreign_member_cannot_settle_it(harness: Harness) -> None:
    first, second = await two_records(harness)
    with pytest.raises(NotFound):
        await harness.do("clinic3", patients.mark_distinct, first, second, "核对")


async def steps(harness: Harness) -> list[TakenStep]:
    found: list[TakenStep] = await harness.ask("operator", reconciliation.steps_taken, 50)
    return found


class TestTakenAway:
    async def matched(self, harness: Harness, intake: Intake) -> tuple[Case, str]:
        """A study that found the wrong case by its accession number."""
        case = await harness.requested()
        await arrive(harness, intake, AccessionNumber=case.accession_number, PatientID="P99999")
        (known,) = await self.evidence_of(harness, case.id)
        return case, known.study_instance_uid

    async def evidence_of(self, harness: Harness, case_id: str) -> list[Any]:
        async with harness.application.reading() as work:
            return await work.evidence.of_case(case_id)

    async def take(self, harness: Harness, case: Case, study: str, by: str = "operator") -> None:
        await harness.do(by, evidence.unlink_study, case.id, "CLINIC1", study, "姓名不符，已电话核对")

    async def test_it_looks_for_its_case_again_and_the_history_says_what_was_there(self, harness: Harness, intake: Intake) -> None:
        case, study = await self.matched(harness, intake)
        await self.take(harness, case, study)
        assert await self.evidence_of(harness, case.id) == []
        assert (await harness.case(case.id)).evidence_count == 0
        (unmatched,) = await waiting(harness)
        assert unmatched.study.study_instance_uid == study
        line = (await harness.application.queries.history(case.id))[-1]
        assert (line.action, line.actor, line.detail["instances"], line.detail["rule"]) == (
            "evidence-unlinked",
            "operator",
            "1",
            "accession-number",
        )
        assert ("evidence:link", "operator", f"case/{case.id}", "success") in await harness.audited("evidence:link")
        (step,) = await steps(harness)
        assert (step.entry.step, step.entry.reason, step.accession_number) == (Step.UNLINK, "姓名不符，已电话核对", case.accession_number)

    async def test_no_rule_gives_it_back_however_it_grows(self, harness: Harness, intake: Intake) -> None:
        case, study = await self.matched(harness, intake)
        await self.take(harness, case, study)
        await arrive(harness, intake, AccessionNumber=case.accession_number, StudyInstanceUID=study)
        assert await self.evidence_of(harness, case.id) == []
        (unmatched,) = await waiting(harness)
        assert case.id not in [candidate.case_id for candidate in unmatched.candidates]

    async def test_a_person_may_link_it_again_and_then_it_grows_there(self, harness: Harness, intake: Intake) -> None:
        case, study = await self.matched(harness, intake)
        await self.take(harness, case, study)
        await harness.do("operator", evidence.link_by_number, "CLINIC1", study, case.accession_number)
        await arrive(harness, intake, AccessionNumber=case.accession_number, StudyInstanceUID=study)
        (known,) = await self.evidence_of(harness, case.id)
        assert known.instances == 2
        assert await waiting(harness) == []

    async def test_the_hub_and_the_member_hear_of_it(self, harness: Harness, intake: Intake) -> None:
        case, study = await self.matched(harness, intake)
        await harness.do("imaging.huba", reading.claim_case, case.id)
        await self.take(harness, case, study)
        for user in ("clinic1", "imaging.huba"):
            notices = await harness.application.queries.notices(harness.people[user], None, 10)
            assert "evidence-unlinked" in [notice.line.action for notice in notices], user

    @pytest.mark.parametrize(
        ("user", "refusal"), [("clinic1", Forbidden), ("imaging.huba", Forbidden), ("clinic2", NotFound), ("auditor", NotFound)]
    )
    async def test_only_the_operator_takes_away(self, harness: Harness, intake: Intake, user: str, refusal: type[Exception]) -> None:
        case, study = await self.matched(harness, intake)
        with pytest.raises(refusal):
            await self.take(harness, case, study, user)
        assert len(await self.evidence_of(harness, case.id)) == 1

    async def test_what_is_not_there_cannot_be_taken(self, harness: Harness, intake: Intake) -> None:
        case, study = await self.matched(harness, intake)
        for owner, uid in (("CLINIC2", study), ("CLINIC1", "1.2.3")):
            with pytest.raises(NotFound):
                await harness.do("operator", evidence.unlink_study, case.id, owner, uid, "x")

    async def test_a_number_that_no_case_of_the_institution_has_links_nothing(self, harness: Harness, intake: Intake) -> None:
        other = await harness.requested(by="clinic2")
        await arrive(harness, intake)
        (unmatched,) = await waiting(harness)
        with pytest.raises(NotFound):
            await harness.do("operator", evidence.link_by_number, "CLINIC1", unmatched.study.study_instance_uid, other.accession_number)


class TestCorrected:
    async def unmatched(self, harness: Harness, intake: Intake, **attributes: Any) -> str:
        await arrive(harness, intake, **({"PatientID": "TYPO-1"} | attributes))
        uid: str = (await waiting(harness))[0].study.study_instance_uid
        return uid

    async def correct(self, harness: Harness, study: str, by: str = "operator", **right: Any) -> None:
        await harness.do(by, reconciliation.correct_study, "CLINIC1", study, StudyAttributes(**right), "号码录错")

    async def test_a_study_that_was_corrected_finds_its_case_and_says_what_it_said(self, harness: Harness, intake: Intake) -> None:
        case = await harness.requested()
        study = await self.unmatched(harness, intake)
        await self.correct(harness, study, accession_number=case.accession_number, patient_number="P00001")
        assert await waiting(harness) == []
        assert (await harness.case(case.id)).evidence_count == 1
        found = await harness.ask("operator", reconciliation.find_by_number, [case.accession_number])
        (brought,) = found.studies
        assert brought.study.originals == {"AccessionNumber": "", "PatientID": "TYPO-1"}
        assert [c.case_id for c in brought.candidates] == [case.id]
        (step,) = await steps(harness)
        assert step.entry.before == {"AccessionNumber": "", "PatientID": "TYPO-1"}
        assert step.entry.after == {"AccessionNumber": case.accession_number, "PatientID": "P00001"}
        assert await harness.audited("study:correct") == [("study:correct", "operator", f"study/{study}", "success")]

    async def test_the_cases_that_have_it_are_told(self, harness: Harness, intake: Intake) -> None:
        case = await harness.requested()
        await arrive(harness, intake, AccessionNumber=case.accession_number, PatientID="TYPO-1")
        async with harness.application.reading() as work:
            (known,) = await work.evidence.of_case(case.id)
        await self.correct(harness, known.study_instance_uid or "", patient_number="P00001")
        (line,) = [each for each in await harness.application.queries.history(case.id) if each.action == "evidence-corrected"]
        assert (line.action, line.detail["attributes"]) == ("evidence-corrected", "PatientID")
        assert "P00001" not in str(line.detail)

    async def test_taken_back_what_was_received_holds(self, harness: Harness, intake: Intake) -> None:
        study = await self.unmatched(harness, intake)
        await self.correct(
            harness, study, patient_number="P00001", patient_name="张^伟", patient_sex=Sex.FEMALE, patient_birth_date=date(1961, 3, 5)
        )
        (now,) = await waiting(harness)
        assert (now.study.patient_number, now.study.patient_name, now.study.patient_sex) == ("P00001", "张 伟", "female")
        await harness.do("operator", reconciliation.restore_study, "CLINIC1", study, "改错了")
        (again,) = await waiting(harness)
        assert (again.study.patient_number, again.study.originals) == ("TYPO-1", {})
        assert [s.entry.step for s in await steps(harness)] == [Step.RESTORE, Step.CORRECT]
        with pytest.raises(NotFound):
            await harness.do("operator", reconciliation.restore_study, "CLINIC1", study, "x")

    @pytest.mark.parametrize(
        ("right", "field"),
        [({}, "attributes"), ({"patient_number": "a\\b"}, "patient_number"), ({"patient_name": "x" * 65}, "patient_name"),
         ({"accession_number": "x" * 17}, "accession_number"), ({"patient_name": "a\nb"}, "patient_name")],
    )  # fmt: skip
    async def test_what_dicom_cannot_say_is_refused(self, harness: Harness, intake: Intake, right: dict[str, Any], field: str) -> None:
        study = await self.unmatched(harness, intake)
        with pytest.raises(Invalid) as refusal:
            await self.correct(harness, study, **right)
        assert [error.field for error in refusal.value.errors] == [field]

    async def test_what_is_right_already_is_no_step(self, harness: Harness, intake: Intake) -> None:
        study = await self.unmatched(harness, intake)
        await self.correct(harness, study, patient_number="TYPO-1")
        assert await steps(harness) == []

    @pytest.mark.parametrize("user", ["clinic1", "imaging.huba", "imaging2.main", "sysadmin", "auditor"])
    async def test_only_the_operator_corrects_and_looks(self, harness: Harness, intake: Intake, user: str) -> None:
        study = await self.unmatched(harness, intake)
        with pytest.raises(Forbidden):
            await self.correct(harness, study, user, patient_number="P00001")
        for query, argument in ((reconciliation.find_by_number, ["P1"]), (reconciliation.steps_taken, 5)):
            with pytest.raises(Forbidden):
                await harness.ask(user, query, argument)

    async def test_a_study_that_nobody_has_cannot_be_corrected(self, harness: Harness) -> None:
        with pytest.raises(NotFound):
            await self.correct(harness, "1.2.3", patient_number="P00001")


async def test_records_of_any_institution_are_found_by_their_numbers_and_every_step_stays(harness: Harness) -> None:
    first, second = await two_records(harness)
    third = await harness.draft(patient=patient_card(7, name="章伟"))
    found = await harness.ask("operator", reconciliation.find_by_number, ["P00007", "P00002"])
    assert {record.id for record in found.records} == {third.patient.id}
    await harness.do("operator", patients.merge_patients, first, third.patient.id, "电话核对")
    await harness.do("operator", patients.split_patient, third.patient.id, "误合并")
    await harness.do("operator", patients.mark_distinct, first, second, "出生地不同")
    taken = await steps(harness)
    assert [s.entry.step for s in taken] == [Step.DIFFERENT, Step.SPLIT, Step.MERGE]
    merge = taken[-1]
    assert (merge.entry.before, merge.entry.after) == ({"master": third.patient.id}, {"master": first})
    assert [record.id for record in merge.records] == [first, third.patient.id]
    with pytest.raises(Invalid):
        await harness.do("operator", patients.merge_patients, first, first, "x")


class TestEarlier:
    """A member writes a card that it has otherwise: what stood there is kept and shown."""

    async def found(self, harness: Harness, number: str) -> list[dict[str, str]]:
        brought = await harness.ask("operator", reconciliation.find_by_number, [number])
        return [dict(change.before) for changes in brought.earlier.values() for change in changes]

    async def test_another_number_and_birth_date_of_the_same_person(self, harness: Harness) -> None:
        card = patient_card(3, phone="025-1")
        await harness.requested(patient=card)
        number = (card.identifiers[0], Identifier("CLINIC1", "NEW-3"))
        await harness.requested(patient=replace(card, identifiers=number, phone=""))
        assert await self.found(harness, "NEW-3") == [{"number:CLINIC1": "P00003"}]
        assert await steps(harness) == []  # nobody decided anything

    async def test_a_draft_that_is_written_otherwise(self, harness: Harness) -> None:
        draft = await harness.draft(patient=patient_card(4, name="章伟"))
        await harness.do("clinic1", case_request.edit_case, draft.id, None, None, None, patient_card(4, name="张伟"))
        assert await self.found(harness, "P00004") == [{"name": "章伟"}]

    async def test_what_is_added_is_no_loss(self, harness: Harness) -> None:
        card = patient_card(5)
        await harness.requested(patient=replace(card, birth_date=None, phone=""))
        await harness.requested(patient=replace(card, phone="025-1"))
        assert await self.found(harness, "P00005") == []

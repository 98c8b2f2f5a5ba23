"""Studies without a case and records in doubt: the right cases are proposed, and what was settled stays settled."""

from __future__ import annotations

from typing import Any

import pytest

from dicom_gateway import Intake, Source
from telemed.adapters.work_clock import utc_now
from telemed.domain.case import Case
from telemed.domain.errors import Forbidden, NotFound
from telemed.service import evidence, patients, reconciliation
from telemed.service.reconciliation import UnmatchedStudy
from telemed.worker import Worker
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.telemed.desk import Desk, patient_card


async def arrive(desk: Desk, intake: Intake, owner: str = "CLINIC1", **attributes: Any) -> None:
    """A study that finds no case by itself."""
    image = ct_slice(**({"AccessionNumber": "", "PatientID": ""} | attributes))
    assert (await intake.receive(part10_of(image), owner, Source("dimse"))).status == 0
    desk.clock.now = max(desk.clock.now, utc_now())
    worker = Worker(desk.office)
    while await worker.once():
        pass


async def waiting(desk: Desk, owner: str = "") -> list[UnmatchedStudy]:
    found: list[UnmatchedStudy] = await desk.ask("operator", reconciliation.unmatched_studies, owner, 50)
    return found


async def test_cases_of_the_same_member_and_modality_are_proposed(desk: Desk, intake: Intake) -> None:
    fitting = await desk.requested()
    await desk.requested(modality="MR")
    await desk.requested(by="clinic2")
    await desk.requested("ecg")
    await arrive(desk, intake)
    (study,) = await waiting(desk)
    assert [c.case_id for c in study.candidates] == [fitting.id]
    assert set(study.candidates[0].reasons) == {"near-time", "modality"}


async def test_the_patients_number_weighs_more_than_the_time(desk: Desk, intake: Intake) -> None:
    card = patient_card(7)
    cases = [await desk.requested(patient=card), await desk.requested(patient=card)]
    await desk.requested()
    await arrive(desk, intake, PatientID="P00007")
    (study,) = await waiting(desk)
    assert {c.case_id for c in study.candidates[:2]} == {case.id for case in cases}
    assert all("patient-number" in c.reasons for c in study.candidates[:2])
    assert "patient-number" not in study.candidates[2].reasons


async def test_a_linked_study_waits_no_more(desk: Desk, intake: Intake) -> None:
    case: Case = await desk.requested()
    await arrive(desk, intake)
    (study,) = await waiting(desk, "CLINIC1")
    assert await waiting(desk, "CLINIC2") == []
    await desk.do("operator", evidence.link_by_hand, case.id, "CLINIC1", study.study.study_instance_uid)
    assert await waiting(desk) == []
    assert (await desk.case(case.id)).evidence_count == 1
    assert ("evidence:link", "operator", f"case/{case.id}", "success") in await desk.audited("evidence:link")


async def test_the_name_is_shown_as_it_is_written(desk: Desk, intake: Intake) -> None:
    await arrive(desk, intake, PatientName="Wang^XiaoDong=王^小东")
    await arrive(desk, intake, PatientName="Smith^John")
    assert {study.study.patient_name for study in await waiting(desk)} == {"王 小东", "Smith John"}


async def test_only_the_operator_sees_them(desk: Desk) -> None:
    for username in ("clinic1", "imaging.huba", "imaging2.main", "sysadmin", "secadmin", "auditor"):
        with pytest.raises(Forbidden):
            await desk.ask(username, reconciliation.unmatched_studies, "", 5)


async def two_records(desk: Desk) -> tuple[str, str]:
    """One name, sex and birth date at two members, without a common number."""
    cards = (patient_card(1, identifiers=()), patient_card(2, "CLINIC2", identifiers=()))
    first, second = await desk.draft(patient=cards[0]), await desk.draft(by="clinic2", patient=cards[1])
    return first.patient.id, second.patient.id


async def test_two_people_are_not_asked_about_again(desk: Desk) -> None:
    first, second = await two_records(desk)
    operator = desk.people["operator"]
    assert len(await desk.office.queries.doubts(operator, 10)) == 1
    await desk.do("operator", patients.not_the_same, second, first, "出生地不同")
    assert await desk.office.queries.doubts(operator, 10) == []
    await desk.draft(by="clinic2", patient=patient_card(2, "CLINIC2", identifiers=()))
    assert {(d.first.id, d.second.id) for d in await desk.office.queries.doubts(operator, 10)}.isdisjoint(
        {(first, second), (second, first)}
    )
    assert ("patient:merge", "operator", f"patient/{second}", "success") in await desk.audited("patient:merge")


async def test_a_doubt_that_nobody_has_cannot_be_settled(desk: Desk) -> None:
    first = await desk.draft(patient=patient_card(1, name="甲"))
    second = await desk.draft(by="clinic2", patient=patient_card(2, "CLINIC2", name="乙"))
    with pytest.raises(NotFound):
        await desk.do("operator", patients.not_the_same, first.patient.id, second.patient.id, "核对")


async def test_merged_records_are_listed_until_they_are_split(desk: Desk) -> None:
    first, second = await two_records(desk)
    operator = desk.people["operator"]
    await desk.do("operator", patients.merge_patients, first, second, "电话核对")
    (merged,) = await desk.office.queries.merged(operator, 10)
    assert (merged.record.id, merged.kept.id) == (second, first)
    await desk.do("operator", patients.split_patient, second, "误合并")
    assert await desk.office.queries.merged(operator, 10) == []


async def test_a_foreign_member_cannot_settle_it(desk: Desk) -> None:
    first, second = await two_records(desk)
    with pytest.raises(NotFound):
        await desk.do("clinic3", patients.not_the_same, first, second, "核对")

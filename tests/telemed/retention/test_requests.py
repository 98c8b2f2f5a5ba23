"""One asks, another confirms, and what happens in between counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from pydicom.uid import generate_uid

from dicom_gateway import Intake, Source
from dicom_gateway.index import dicom_quarantine, dicom_stated_patient, dicom_study
from storage import ObjectMissing
from telemed.adapters.database import tables as t
from telemed.domain.errors import Forbidden, Invalid, InvalidTransition, NotDue, NotFound, UnderHold
from telemed.domain.people import Person, Role
from telemed.domain.retention import OPEN_FOR, RecordKind, RequestState
from telemed.service import authenticity, retention
from telemed.service.evidence import link_study
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.telemed.harness import patient_card
from tests.telemed.retention.conftest import YEARS, Archive

pytestmark = pytest.mark.database

LAWYER = "律师函，案号 1"


async def put_hold(archive: Archive, number: str, kind: RecordKind = RecordKind.CASE) -> str:
    hold = await archive.harness.do("operator", retention.set_hold, kind, "CLINIC1", number, LAWYER, None)
    return str(hold.id)


async def test_before_its_period_it_is_refused_with_the_day(archive: Archive) -> None:
    case = await archive.harness.signed()
    last = (await archive.harness.ask("sysadmin", retention.overview)).rules[1][1]
    assert last == 30
    with pytest.raises(NotDue) as refused:
        await archive.ask(RecordKind.CASE, case.id)
    day = refused.value.kept_until
    assert day.year == archive.harness.clock().year + 30
    archive.harness.clock.forward(days=(day - archive.harness.clock().date()).days - 1)
    with pytest.raises(NotDue):
        await archive.ask(RecordKind.CASE, case.id)
    archive.harness.clock.forward(days=2)
    assert (await archive.ask(RecordKind.CASE, case.id)).records == 1


async def test_of_an_institution_without_beds_it_is_due_earlier_and_a_region_keeps_longer(archive: Archive) -> None:
    case = await archive.harness.signed()
    archive.harness.clock.forward(days=366 * 16)
    with pytest.raises(NotDue):
        await archive.ask(RecordKind.CASE, case.id)
    await archive.by_region(outpatient_members=["CLINIC1"], years={"outpatient": 20})
    with pytest.raises(NotDue):
        await archive.ask(RecordKind.CASE, case.id)
    await archive.by_region(outpatient_members=["CLINIC1"], years={"outpatient": 3})
    assert (await archive.ask(RecordKind.CASE, case.id)).records == 1


async def test_a_later_visit_keeps_the_earlier_case(archive: Archive) -> None:
    card = patient_card(1)
    first = await archive.harness.signed(patient=card)
    archive.harness.clock.forward(days=366 * 29)
    await archive.harness.signed(patient=card)
    archive.harness.clock.forward(days=366 * 2)
    with pytest.raises(NotDue):
        await archive.ask(RecordKind.CASE, first.id)


async def test_what_is_worked_on_is_not_due(archive: Archive) -> None:
    case = await archive.harness.claimed()
    archive.harness.clock.forward(days=YEARS)
    with pytest.raises(NotDue) as refused:
        await archive.ask(RecordKind.CASE, case.id)
    assert not refused.value.finished


async def test_nobody_confirms_what_they_asked(archive: Archive) -> None:
    case = await archive.harness.signed()
    archive.harness.clock.forward(days=YEARS)
    both = frozenset({Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR})
    await archive.harness.add_person(Person("both", "两职", "NETWORK", both, frozenset()))
    asked = await archive.ask(RecordKind.CASE, case.id, by="both")
    with pytest.raises(Forbidden):
        await archive.harness.do("both", retention.confirm, asked.id)
    with pytest.raises(Forbidden):
        await archive.harness.do("sysadmin", retention.confirm, asked.id)
    await archive.work()
    assert (await archive.harness.case(case.id)).id == case.id
    assert (await archive.harness.do("secadmin", retention.confirm, asked.id)).state is RequestState.CONFIRMED
    with pytest.raises(InvalidTransition):
        await archive.harness.do("secadmin", retention.confirm, asked.id)


@pytest.mark.parametrize(
    ("who", "step", "other"), [("secadmin", retention.decline, "sysadmin"), ("sysadmin", retention.withdraw, "secadmin")]
)
async def test_it_is_asked_once_and_may_be_declined_or_taken_back(archive: Archive, who: str, step: Callable[..., Any], other: str) -> None:
    case = await archive.harness.signed()
    archive.harness.clock.forward(days=YEARS)
    asked = await archive.ask(RecordKind.CASE, case.id)
    with pytest.raises(Invalid):
        await archive.ask(RecordKind.CASE, case.id)
    assert await archive.harness.ask("sysadmin", retention.due, RecordKind.CASE, "") == []
    with pytest.raises(Forbidden):
        await archive.harness.do(other, step, asked.id, "先问科室")
    declined = await archive.harness.do(who, step, asked.id, "先问科室")
    assert (declined.state, declined.decided_by) == (RequestState.DECLINED, who)
    await archive.work()
    assert (await archive.harness.case(case.id)).id == case.id
    assert (await archive.ask(RecordKind.CASE, case.id)).id != asked.id


async def test_what_nobody_confirms_is_over(archive: Archive) -> None:
    case = await archive.harness.signed()
    archive.harness.clock.forward(days=YEARS)
    asked = await archive.ask(RecordKind.CASE, case.id)
    archive.harness.clock.forward(seconds=OPEN_FOR.total_seconds())
    with pytest.raises(InvalidTransition):
        await archive.harness.do("secadmin", retention.confirm, asked.id)
    assert (await archive.ask(RecordKind.CASE, case.id)).records == 1


async def test_a_month_is_asked_as_a_whole(archive: Archive) -> None:
    cases = [await archive.harness.signed() for _ in range(2)]
    archive.harness.clock.forward(days=YEARS)
    overview = await archive.harness.ask("sysadmin", retention.overview)
    group = next(group for group in overview.due if group.kind is RecordKind.CASE)
    assert group.count == 2
    assert {record.subject for record in await archive.harness.ask("sysadmin", retention.due, RecordKind.CASE, group.month)} == {
        case.id for case in cases
    }
    with pytest.raises(Invalid):
        await archive.ask(RecordKind.CASE, month="2020-01")
    asked = await archive.ask(RecordKind.CASE, month=group.month)
    assert asked.records == 2
    await archive.harness.do("secadmin", retention.confirm, asked.id)
    await archive.work()
    assert (await archive.request(asked.id)).erased == 2


@pytest.mark.parametrize("kind", [RecordKind.CASE, RecordKind.PATIENT])
async def test_what_is_held_is_not_due(archive: Archive, kind: RecordKind) -> None:
    case = await archive.harness.signed()
    archive.harness.clock.forward(days=YEARS)
    hold = await put_hold(archive, case.accession_number, kind)
    for subject in ((RecordKind.CASE, case.id), (RecordKind.PATIENT, case.patient.id)):
        with pytest.raises(UnderHold):
            await archive.ask(*subject)
    assert await archive.harness.ask("sysadmin", retention.due, RecordKind.CASE, "") == []
    await archive.harness.do("operator", retention.lift_hold, hold, "判决已生效")
    assert (await archive.ask(RecordKind.CASE, case.id)).records == 1


async def test_a_hold_that_comes_before_the_worker_keeps_it(archive: Archive) -> None:
    case = await archive.harness.signed()
    archive.harness.clock.forward(days=YEARS)
    asked = await archive.ask(RecordKind.CASE, case.id)
    await archive.harness.do("secadmin", retention.confirm, asked.id)
    await put_hold(archive, case.accession_number)
    await archive.work()
    done = await archive.request(asked.id)
    assert (done.state, done.erased, done.kept) == (RequestState.DONE, 0, 1)
    assert (await archive.harness.case(case.id)).id == case.id
    assert ("erasure:erase", "system", f"case/{case.id}", "kept") in await archive.harness.audited("erasure:erase")


async def test_a_hold_needs_a_day_to_come_and_a_case(archive: Archive) -> None:
    case = await archive.harness.signed()
    over = archive.harness.clock().date() - timedelta(days=2)
    with pytest.raises(Invalid):
        await archive.harness.do("operator", retention.set_hold, RecordKind.CASE, "CLINIC1", case.accession_number, LAWYER, over)
    with pytest.raises(NotFound):
        await put_hold(archive, "NONE")


async def test_a_patient_goes_with_all_cases(archive: Archive) -> None:
    card = patient_card(1)
    cases = [await archive.harness.signed(patient=card) for _ in range(2)]
    archive.harness.clock.forward(days=YEARS)
    assert (await archive.erase(RecordKind.PATIENT, cases[0].patient.id)).erased == 1
    assert await archive.rows(t.case) == await archive.rows(t.patient) == await archive.rows(t.patient_identifier) == []


async def test_with_one_of_two_cases_the_patient_and_the_shared_study_stay(archive: Archive) -> None:
    card = patient_card(1)
    cases = [await archive.harness.signed(patient=card) for _ in range(2)]
    study = await archive.send(AccessionNumber=cases[0].accession_number)
    async with archive.harness.application.writing() as work:
        facts = await work.studies.facts("CLINIC1", study)
        assert facts is not None
        await link_study(work, facts, cases[1], "by-hand")
    archive.harness.clock.forward(days=YEARS)
    keys = await archive.objects_of(study)
    await archive.erase(RecordKind.CASE, cases[0].id)
    assert await archive.objects_of(study) == keys
    assert [row["id"] for row in await archive.rows(t.patient)] == [cases[0].patient.id]
    assert all([await archive.store.read(key) for key in keys])
    await archive.erase(RecordKind.CASE, cases[1].id)
    assert await archive.rows(dicom_study) == await archive.rows(t.patient) == []
    with pytest.raises(ObjectMissing):
        await archive.store.read(keys.pop())


async def one_due(archive: Archive, kind: RecordKind) -> str:
    """The one record of the kind that is due."""
    (due,) = await archive.harness.ask("sysadmin", retention.due, kind, "")
    return str(due.subject)


async def test_a_study_that_is_nobodys_and_comes_again(archive: Archive) -> None:
    """It is erased by the same two people; what comes again is new data, and the operator is told once."""
    study = await archive.send()
    archive.harness.clock.forward(days=YEARS)
    subject = await one_due(archive, RecordKind.STUDY)
    assert study not in subject
    await archive.erase(RecordKind.STUDY, subject)
    assert await archive.rows(dicom_study) == await archive.rows(t.unmatched_study) == []
    assert (await archive.harness.ask("operator", retention.overview)).came_again == []
    for _ in range(2):
        await archive.send(study)
    assert [row["study_instance_uid"] for row in await archive.rows(t.unmatched_study)] == [study]
    (again,) = (await archive.harness.ask("operator", retention.overview)).came_again
    assert again["member"] == "CLINIC1"
    assert len(await archive.harness.audited("erasure:return")) == 1


async def test_what_could_not_be_read(archive: Archive) -> None:
    intake = Intake(archive.harness.application.engine, archive.store)
    await intake.receive(b"no DICOM" * 100, "CLINIC1", Source("dimse", calling_ae="CLINIC1"))
    await intake.close()
    (row,) = await archive.rows(dicom_quarantine)
    archive.harness.clock.forward(days=366)
    assert await archive.harness.ask("sysadmin", retention.due, RecordKind.QUARANTINE, "") == []
    archive.harness.clock.forward(days=366)
    await archive.erase(RecordKind.QUARANTINE, await one_due(archive, RecordKind.QUARANTINE))
    assert await archive.rows(dicom_quarantine) == []
    with pytest.raises(ObjectMissing):
        await archive.store.read(row["object_key"])


async def test_who_has_the_code_of_an_erased_report_learns_that(archive: Archive) -> None:
    case = await archive.harness.signed()
    (report,) = await archive.harness.versions(case.id)
    application, code = archive.harness.application, report.verification_code
    assert await authenticity.erased_report(application, code) is None
    archive.harness.clock.forward(days=YEARS)
    await archive.erase(RecordKind.CASE, case.id)
    found = await authenticity.erased_report(application, code)
    assert found is not None
    assert (found.content_sha256, found.erased_at) == (report.pdf_sha256, archive.harness.clock())


async def test_what_the_job_does_twice_it_does_once(archive: Archive) -> None:
    case = await archive.harness.signed()
    archive.harness.clock.forward(days=YEARS)
    done = await archive.erase(RecordKind.CASE, case.id)
    records = await archive.harness.audited("erasure:")
    before = await archive.rows(sa.func.count(t.audit.c.position).label("count"))
    await archive.erasing.carry_out(done.id)
    assert await archive.rows(sa.func.count(t.audit.c.position).label("count")) == before
    assert records == await archive.harness.audited("erasure:")


async def test_a_gateway_that_remembers_the_study_does_not_mistake_another_for_it(archive: Archive) -> None:
    """One intake all the time; the number of the erased row may be given to the next study."""
    intake = Intake(archive.harness.application.engine, archive.store)
    first, second = str(generate_uid()), str(generate_uid())

    async def receive(study: str) -> None:
        image = part10_of(ct_slice(StudyInstanceUID=study, AccessionNumber="", PatientName=study[-8:]))
        assert (await intake.receive(image, "CLINIC1", Source("dimse", calling_ae="CLINIC1"))).status == 0

    await receive(first)
    archive.harness.clock.forward(days=YEARS)
    await archive.erase(RecordKind.STUDY, await one_due(archive, RecordKind.STUDY))
    for study in (second, first, second):
        await receive(study)
    await intake.close()
    assert {study: len(await archive.objects_of(study)) for study in (first, second)} == {first: 1, second: 2}
    assert len(await archive.rows(dicom_stated_patient)) == 2

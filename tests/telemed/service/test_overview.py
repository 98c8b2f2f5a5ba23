"""The operator's morning: who is silent, what waits, what went wrong; nothing of any patient."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta

import pytest
from pydicom.uid import generate_uid

from dicom_gateway import Intake, Source
from telemed.domain.errors import Forbidden
from telemed.domain.people import Role
from telemed.service import case_reading as reading
from telemed.service import criticals
from telemed.service.overview import CaseLine, Connection, CriticalLine, DayVolume, Standing, standing
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.telemed.harness import Harness
from tests.telemed.moments import NOON, ZONE

pytestmark = pytest.mark.database

CLINICAL = {"patient", "patient_name", "request", "finding", "reason"}


async def test_each_institution_shows_its_days_and_its_last_message(harness: Harness, intake: Intake) -> None:
    await harness.requested()
    image = ct_slice()
    for content in (part10_of(image), part10_of(image)):
        await intake.receive(content, "CLINIC2", Source("dimse", calling_ae="CLINIC2"))
    found = {c.code: c for c in await harness.application.overview.connections(harness.people["operator"], 7)}
    today = harness.clock().astimezone(ZONE).date()
    assert set(found) == {"CLINIC1", "CLINIC2", "CLINIC3", "HUBA", "HUBB", "MAIN"}
    assert found["CLINIC1"].days == {today: DayVolume(cases=1)}
    assert found["CLINIC2"].days == {today: DayVolume(evidence=1, images=1)}
    assert found["CLINIC1"].last_case_at is not None
    assert found["CLINIC1"].last_evidence_at is None
    assert found["CLINIC2"].last_c_store_at is not None
    assert found["CLINIC3"].last_at is None


@pytest.mark.parametrize(
    ("hours", "expected"), [(1, Standing.ACTIVE), (13, Standing.QUIET), (50, Standing.QUIET), (61, Standing.SILENT), (900, Standing.SILENT)]
)
def test_silence_is_counted_in_days_of_the_region(hours: int, expected: Standing) -> None:
    assert standing(Connection("A", last_case_at=NOON - timedelta(hours=hours)), NOON, ZONE) is expected


def test_who_never_sent_is_not_silent() -> None:
    assert standing(Connection("A"), NOON, ZONE) is Standing.NEVER


async def test_a_case_that_nobody_takes_and_one_that_is_late_are_listed(harness: Harness) -> None:
    failed = await harness.requested()
    for reader in ("imaging.huba", "imaging.main"):
        await harness.do(reader, reading.decline_case, failed.id, "设备停机")
    late = await harness.claimed()
    overview, operator = harness.application.overview, harness.people["operator"]
    assert [line.id for line in (await overview.failed(operator, 10)).items] == [failed.id]
    assert (await overview.overdue(operator, 10)).total == 0
    harness.clock.forward(days=10)
    overdue = await overview.overdue(operator, 10)
    assert [line.id for line in overdue.items] == [late.id]
    loads = {(load.centre, load.hub): load for load in await overview.loads(operator)}
    assert (loads["imaging", "HUBA"].held, loads["imaging", "HUBA"].overdue) == (1, 1)
    assert len(loads) == 15


async def test_more_than_the_limit_is_counted_all_the_same(harness: Harness) -> None:
    for _ in range(3):
        await harness.claimed()
    harness.clock.forward(days=10)
    overdue = await harness.application.overview.overdue(harness.people["operator"], 2)
    assert (len(overdue.items), overdue.total) == (2, 3)


async def test_an_open_critical_value_is_listed_until_it_is_settled(harness: Harness) -> None:
    case = await harness.claimed()
    value = await harness.do("imaging.huba", criticals.declare_critical, case.id, "急性颅内出血")
    overview, operator = harness.application.overview, harness.people["operator"]
    assert [line.case_id for line in (await overview.criticals(operator, 5)).items] == [case.id]
    await harness.do("imaging.huba", criticals.withdraw_critical, case.id, value.id, "误报")
    assert (await overview.criticals(operator, 5)).total == 0


def test_the_lines_have_no_place_for_clinical_words() -> None:
    for line in (CaseLine, CriticalLine):
        assert not CLINICAL & {field.name for field in fields(line)}


async def test_what_the_gateway_did_not_enter_is_listed_with_its_reason(harness: Harness, intake: Intake) -> None:
    uid = generate_uid()
    for text in ("one", "other"):
        await intake.receive(part10_of(ct_slice(SOPInstanceUID=uid, StudyDescription=text)), "CLINIC1", Source("dimse"))
    await intake.receive(b"\0" * 128 + b"DICM" + b"nonsense", "CLINIC2", Source("dimse"))
    aside = await harness.application.overview.kept_aside(harness.people["operator"], 10)
    assert {(each.kind, each.owner) for each in aside} == {("conflict", "CLINIC1"), ("quarantine", "CLINIC2")}
    assert all(each.reason and each.received_at.tzinfo for each in aside)


async def test_only_the_operator_sees_lists_of_cases(harness: Harness) -> None:
    overview = harness.application.overview
    for person in harness.people.values():
        if person.has(Role.OPERATOR):
            continue
        for ask in (overview.failed, overview.overdue, overview.criticals, overview.kept_aside):
            with pytest.raises(Forbidden):
                await ask(person, 5)
        if not person.has(Role.SYSTEM_ADMINISTRATOR):
            with pytest.raises(Forbidden):
                await overview.connections(person, 5)

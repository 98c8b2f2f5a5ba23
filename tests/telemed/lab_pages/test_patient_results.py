"""The cumulative view over HTTP: whose results whom it shows, and what of the looks is on record."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from tests.demo_region import DemoRegion, running_region
from tests.telemed.lab_pages.messages import CREATININE, OWN_CODE, POTASSIUM, case_of, oru, record_of, send

people = count(40)


@pytest.fixture(scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory, region_database: Path) -> AsyncIterator[DemoRegion]:
    """A region of this file's own: records of others, with the same numbers, would be its patients' too."""
    async with running_region(tmp_path_factory.mktemp("patients-results"), region_database) as running:
        yield running


NOW = datetime(2026, 11, 17, 8, 0, tzinfo=UTC)


async def page_of(region: DemoRegion, patient: str, user: str, more: str = "") -> tuple[int, str]:
    answer = await region.call(
        "GET", f"/lab/patients/{patient}{more}{'&' if '?' in more else '?'}lang=en", user=user, headers={"Accept": "text/html"}
    )
    return answer.status, answer.body.decode()


async def looks(region: DemoRegion, action: str, subject: str) -> int:
    lines = await region.parts.application.queries.audit({"action": action}, None, 500)
    return len([line for line in lines if line.subject == subject])


@pytest.fixture
async def person(region: DemoRegion) -> tuple[int, str]:
    """A person of whom CLINIC1 and CLINIC2 have results, and the record of CLINIC1 by a draft there."""
    number = next(people)
    patient = f"LP{number:04d}"
    await send(
        region,
        oru("CLINIC1", patient, [(POTASSIUM, "4.1", "mmol/L", "3.5-5.3"), (OWN_CODE, "7", "", "")], at=NOW - timedelta(days=90)),
        oru("CLINIC1", patient, [(POTASSIUM, "5.6", "mmol/L", "3.5-5.3")], at=NOW),
        oru("CLINIC2", patient, [(CREATININE, "4.3", "mg/dL", "0.6-1.1")], at=NOW - timedelta(days=30)),
    )
    return number, await record_of(region, await case_of(region, number, "CLINIC1", submit=False))


async def test_a_member_sees_its_own_results_by_day_and_the_look_is_on_record(region: DemoRegion, person: tuple[int, str]) -> None:
    _, record = person
    status, page = await page_of(region, record, "clinic1")
    assert status == 200
    assert ">4.1" in page
    assert ">5.6" in page
    assert "11-17" in page
    assert "08-19" in page
    assert "4.3" not in page
    assert await looks(region, "result:read", f"patient/{record}") == 1
    assert await looks(region, "result:read-elsewhere", f"patient/{record}") == 0


@pytest.mark.parametrize("user", ["clinic2", "clinic3", "lab.huba", "lab.main", "operator", "sysadmin", "secadmin", "auditor"])
async def test_nobody_else_learns_of_the_patient(region: DemoRegion, person: tuple[int, str], user: str) -> None:
    status, page = await page_of(region, person[1], user)
    assert status == 404
    assert "5.6" not in page


async def test_a_hub_with_the_open_case_sees_all_institutions(region: DemoRegion, person: tuple[int, str]) -> None:
    number, _ = person
    await case_of(region, number, "CLINIC2")
    record = await record_of(region, await case_of(region, number, "CLINIC1"))
    status, page = await page_of(region, record, "lab.huba")
    assert status == 200
    assert ">5.6" in page
    assert "4.3" in page
    assert await looks(region, "result:read-elsewhere", f"patient/{record}") == 1
    assert (await page_of(region, record, "imaging.huba"))[0] == 404


async def test_a_member_sees_others_results_while_its_case_is_open_with_consent(region: DemoRegion, person: tuple[int, str]) -> None:
    number, _ = person
    case_id = await case_of(region, number, "CLINIC2")
    record = await record_of(region, case_id)
    status, page = await page_of(region, record, "clinic2")
    assert status == 200
    assert "4.3" in page
    assert ">5.6" not in page
    assert f"/api/v1/cases/{case_id}/consent" in page
    consent = {"giver": "patient", "signed_name": "张伟"}
    assert (await region.call("POST", f"/api/v1/cases/{case_id}/consent", consent, user="clinic2")).status == 201
    _, page = await page_of(region, record, "clinic2")
    assert ">5.6" in page
    assert await looks(region, "result:read-elsewhere", f"patient/{record}") == 1
    assert (await region.step(case_id, "cancel", {"reason": "患者已转院"}, user="clinic2")).status == 200
    _, page = await page_of(region, record, "clinic2")
    assert "4.3" in page
    assert ">5.6" not in page


async def test_any_result_names_a_patient_whom_nobody_has_entered(region: DemoRegion) -> None:
    patient = f"LP{next(people):04d}"
    await send(region, oru("CLINIC3", patient, [(POTASSIUM, "4.4", "mmol/L", "3.5-5.3")], at=NOW))
    found = await region.call("GET", f"/api/v1/lab/results?member=CLINIC3&patient={patient}", user="clinic3")
    result = found.body["items"][0]["id"]
    status, page = await page_of(region, result, "clinic3")
    assert status == 200
    assert patient in page
    assert (await page_of(region, result, "clinic1"))[0] == 404


async def test_period_and_choice_leave_out_what_they_say(region: DemoRegion, person: tuple[int, str]) -> None:
    _, record = person
    _, page = await page_of(region, record, "clinic1", "?period=3&show=abnormal")
    assert ">5.6" in page
    assert "自编项目" not in page
    _, page = await page_of(region, record, "clinic1", "?period=nonsense")
    assert "自编项目" in page


async def test_courses_are_drawn_with_their_table_and_words_are_only_told(region: DemoRegion, person: tuple[int, str]) -> None:
    number, record = person
    await send(region, oru("CLINIC1", f"LP{number:04d}", [("5195-3^乙肝表面抗原^LN", "阴性", "", "阴性")], at=NOW))
    _, page = await page_of(region, record, "clinic1", "/trends?item=1400605A&item=5195-3&item=unknown")
    assert page.count("<figure") == 2
    assert page.count('class="lab-chart"') == 1
    assert "lab-band" in page
    assert page.count("<td>CLINIC1</td>") == 3
    assert "no number to draw" in page
    status, page = await page_of(region, record, "clinic1", "/trends")
    assert status == 200
    assert "No test is picked." in page


async def test_a_patient_that_is_not_there_is_not_there(region: DemoRegion) -> None:
    assert (await page_of(region, "0" * 32, "clinic1"))[0] == 404

"""Beside a critical value stands whom to call: the requesting doctor, the institution, and their numbers."""

from __future__ import annotations

import re

import pytest

from telemed.demo.region import CONTACT_PHONES, INSTITUTIONS
from telemed.domain.case import Case, CaseKind, PatientSummary, Priority
from telemed.domain.network import Institution, Level, Network
from telemed.web.requester import requester_of
from tests.demo_region import DemoRegion, new_case
from tests.telemed.api.stories import done
from tests.telemed.moments import NOON

CLINIC = next(each for each in INSTITUTIONS if each.code == "CLINIC1")


async def critical_box(region: DemoRegion, **request: str) -> str:
    """What the reader's page says of a critical value, without line breaks."""
    case_id = await new_case(region, **request)
    await done(await region.step(case_id, "submit", user="clinic1"))
    await done(await region.step(case_id, "claim", user="imaging.huba"))
    await done(await region.step(case_id, "criticals", {"finding": "急性颅内出血"}, user="imaging.huba"))
    page = await region.call("GET", f"/read/{case_id}", user="imaging.huba", headers={"Accept": "text/html"})
    (box,) = re.findall(r'<article class="critical.*?</article>', page.body.decode(), re.DOTALL)
    return re.sub(r"\s+", " ", box)


async def test_the_requesting_doctor_is_named_with_both_numbers_and_filled_in(region: DemoRegion) -> None:
    box = await critical_box(region, contact_phone="000-0000 2011")
    assert '<a href="tel:00000002011">000-0000 2011</a>' in box
    assert f'href="tel:{CLINIC.phone.replace("-", "")}"' in box
    assert "<b>陶小满</b>" in box
    assert CLINIC.name in box
    assert re.search(r'name="whom"[^>]*value="陶小满"', box)


async def test_without_a_number_in_the_request_the_institution_is_called(region: DemoRegion) -> None:
    box = await critical_box(region)
    assert box.count('href="tel:') == 1
    assert CLINIC.phone in box


async def test_a_new_request_proposes_the_institution_s_number(region: DemoRegion) -> None:
    page = await region.call("GET", "/cases/new/imaging", user="clinic1", headers={"Accept": "text/html"})
    assert re.search(rf'name="request.contact_phone"[^>]*value="{CLINIC.phone}"', page.body.decode())


@pytest.mark.parametrize("number", ["abc", "1" * 33, "1;2"])
async def test_a_number_has_digits_and_the_signs_of_numbers(region: DemoRegion, number: str) -> None:
    body = {"centre": "imaging", "kind": "diagnosis", "priority": "routine", "patient": {"name": "张伟", "sex": "male"}}
    request = {"modality": "CT", "body_part": "HEAD", "reason": "头痛", "contact_phone": number}
    answer = await region.call("POST", "/api/v1/cases", body | {"request": request}, user="clinic1")
    assert answer.status == 422
    assert "request.contact_phone" in {each["field"] for each in answer.body["errors"]}


def case_of(created_by: str, **request: str) -> Case:
    patient = PatientSummary("p", "张伟", "male", None)
    return Case("c", "ecg", CaseKind.DIAGNOSIS, Priority.ROUTINE, "E1", "CLINIC1", patient, request, created_by, NOON)


def test_a_device_that_asked_is_nobody_to_call_and_a_number_without_digits_is_none() -> None:
    network = Network({"CLINIC1": Institution("CLINIC1", "江北", "", Level.MEMBER)})
    asked = requester_of(case_of("ecg-cart", contact_phone=" - "), network, {"clinic1": "陶小满"})
    assert (asked.name, asked.phone, asked.institution_phone) == ("", None, None)


def test_numbers_of_the_demo_are_made_up() -> None:
    numbers = [*CONTACT_PHONES.values(), *(each.phone for each in INSTITUTIONS)]
    assert all(number.startswith("000-0000-") for number in numbers)
    assert len(set(numbers)) == len(numbers)

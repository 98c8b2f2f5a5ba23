"""Earlier studies come from the member's PACS by themselves and by a button of the reading page; a study is sent from the case's page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from playwright.async_api import expect
from pydicom.uid import generate_uid

from telemed.demo.people import PATIENTS
from tests.browser.conftest import Visitor
from tests.browser.platform import Platform, free_port
from tests.browser.test_reading import keep_picture
from tests.dicom_gateway.devices import StorageProvider
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.telemed.service.test_transfers import earlier, pacs

__all__ = ["pacs"]


async def put_device(platform: Platform, title: str, institution: str, port: int, use: str) -> None:
    body = {"institution": institution, "host": "127.0.0.1", "port": port, "uses": [use]}
    if title in {each["title"] for each in (await platform.call("GET", "/devices", "operator"))["items"]}:
        await platform.call("PUT", f"/devices/{title}", "operator", body)
    else:
        await platform.call("POST", "/devices", "operator", body | {"title": title})


async def test_priors_come_and_a_study_goes_to_a_workstation(platform: Platform, sign_in: Visitor, pacs: Callable[..., Any]) -> None:
    patient, prior = PATIENTS[17], str(generate_uid())
    port = await pacs(earlier(prior, "20230102", patient.number), earlier(prior, "20230102", patient.number))
    workstation = StorageProvider(0)
    server = await asyncio.to_thread(workstation.start)
    await put_device(platform, "PACS1", "CLINIC1", port, "query")
    await put_device(platform, "WS1", "HUBA", server.server_address[1], "store")
    try:
        case = await platform.new_case(patient)
        page = await sign_in("imaging.huba")
        await page.goto(f"/read/{case['id']}")  # nobody asked for them
        await expect(page.locator(".prior-fetched")).to_contain_text("2023-01-02")
        await expect(page.locator(".transfer-list li")).to_contain_text("PACS1")
        await expect(page.locator(".transfer-list li")).to_contain_text("全部到达")
        await platform.send([part10_of(ct_slice(AccessionNumber=case["accession_number"], PatientID=patient.number))])
        await platform.evidence(case["id"], "imaging.huba", 3)
        await page.get_by_role("button", name="调取历史检查").click()
        await expect(page.locator(".transfer-list li", has_text="全部到达")).to_have_count(2)
        await expect(page.locator(".prior-fetched")).to_have_count(1)
        await keep_picture(page, "priors-fetched")
        await page.goto(f"/cases/{case['id']}")
        async with page.expect_response("**/send") as answer:
            await page.locator(".send-form").last.get_by_role("button").click()
        assert (await answer.value).status == 202, await (await answer.value).text()
        await expect(page.locator(".transfer-list li", has_text="WS1")).to_contain_text("全部到达")
        await keep_picture(page, "study-sent")
        assert len(workstation.received) == 1
    finally:
        await platform.call("DELETE", "/devices/PACS1", "operator")
        await platform.call("DELETE", "/devices/WS1", "operator")
        await asyncio.to_thread(server.shutdown)


async def test_a_pacs_that_does_not_answer_is_said_beside_the_priors(platform: Platform, sign_in: Visitor) -> None:
    await put_device(platform, "PACS1", "CLINIC1", free_port(), "query")
    try:
        case = await platform.new_case(PATIENTS[18])
        page = await sign_in("imaging.huba", locale="en")
        await page.goto(f"/read/{case['id']}")
        line = page.locator(".transfer-list li")
        await expect(line).to_contain_text("did not answer, is asked again by itself")
        await keep_picture(page, "priors-no-answer")
    finally:
        await platform.call("DELETE", "/devices/PACS1", "operator")

"""Earlier studies are fetched from the member's PACS by a button of the reading page, and a study is sent from the case's page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from playwright.async_api import expect
from pydicom.uid import generate_uid

from telemed.demo.people import PATIENTS
from telemed.devices_command import device_of, put_device
from tests.browser.conftest import Visitor
from tests.browser.platform import Platform
from tests.browser.test_reading import keep_picture
from tests.dicom_gateway.devices import StorageProvider
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.telemed.service.test_transfers import earlier, pacs

__all__ = ["pacs"]


async def test_priors_come_by_a_button_and_a_study_goes_to_a_workstation(
    platform: Platform, sign_in: Visitor, pacs: Callable[..., Any]
) -> None:
    patient, prior = PATIENTS[17], str(generate_uid())
    port = await pacs(earlier(prior, "20230102", patient.number), earlier(prior, "20230102", patient.number))
    workstation = StorageProvider(0)
    server = await asyncio.to_thread(workstation.start)
    address = f"127.0.0.1:{server.server_address[1]}"
    await put_device(platform.settings, device_of("PACS1", "CLINIC1", f"127.0.0.1:{port}", ["query"], ""))
    await put_device(platform.settings, device_of("WS1", "HUBA", address, ["store"], ""))
    try:
        case = await platform.new_case(patient)
        await platform.send([part10_of(ct_slice(AccessionNumber=case["accession_number"], PatientID=patient.number))])
        await platform.evidence(case["id"], "imaging.huba", 1)
        page = await sign_in("imaging.huba")
        button = page.get_by_role("button", name="调取历史检查")
        async with asyncio.timeout(60):
            while not await button.count():  # the process looks at the network every few seconds
                await page.goto(f"/read/{case['id']}")
                await asyncio.sleep(0.5)
        await button.click()
        await expect(page.locator(".transfer-list li")).to_contain_text("PACS1")
        await expect(page.locator(".prior-fetched")).to_contain_text("2023-01-02")
        await expect(page.locator(".transfer-list li")).to_contain_text("全部到达")
        await keep_picture(page, "priors-fetched")
        await page.goto(f"/cases/{case['id']}")
        async with page.expect_response("**/send") as answer:
            await page.locator(".send-form").first.get_by_role("button").click()
        assert (await answer.value).status == 202, await (await answer.value).text()
        await expect(page.locator(".transfer-list li", has_text="WS1")).to_contain_text("全部到达")
        await keep_picture(page, "study-sent")
        assert len(workstation.received) == 1
    finally:
        await asyncio.to_thread(server.shutdown)

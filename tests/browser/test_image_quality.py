"""Image quality on the reading page: six marks with their figures, and the fault drawn on the image."""

from __future__ import annotations

import asyncio

import numpy as np
from playwright.async_api import expect
from pydicom.uid import generate_uid

from telemed.demo.people import PATIENTS
from tests.browser.conftest import Visitor
from tests.browser.platform import Platform
from tests.browser.test_reading import READY, keep_picture, shown
from tests.dicom_gateway.objects import ct_slice, part10_of


def slice_with_a_dead_row(accession: str, study: str) -> bytes:
    rows, columns = np.mgrid[0:256, 0:256]
    body = (rows - 128) ** 2 + (columns - 128) ** 2 < 90**2
    pixels = np.where(body, 1060 + 25 * np.sin(columns / 5), 40) + np.random.default_rng(1).normal(0, 6, rows.shape)
    pixels[100] = 3000
    made = ct_slice(AccessionNumber=accession, StudyInstanceUID=study)
    made.Rows = made.Columns = 256
    made.PixelSpacing, made.PixelData = ["0.8", "0.8"], pixels.astype("<u2").tobytes()
    return part10_of(made)


async def test_the_marks_stand_beside_the_request_and_the_fault_on_the_image(platform: Platform, sign_in: Visitor) -> None:
    case = await platform.new_case(PATIENTS[31])
    study = str(generate_uid())
    await platform.send([slice_with_a_dead_row(case["accession_number"], study)])
    await platform.evidence(case["id"], "imaging.huba", 1)
    headers = {"Authorization": f"Bearer {await platform.token('clinic1')}"}
    async with platform.session.post(f"{platform.home}/dicomweb/studies/{study}/complete", headers=headers) as answer:
        assert answer.status < 300, await answer.text()
    page = await sign_in("imaging.huba")
    async with asyncio.timeout(60):
        while True:
            await page.goto(f"/read/{case['id']}")
            await page.wait_for_selector(READY)
            if await page.locator(".quality-mark").count():
                break
            await asyncio.sleep(0.5)
    await expect(page.locator(".quality-mark")).to_have_count(6)
    artefact = page.locator(".quality-mark", has_text="伪影")
    await artefact.locator("summary").click()
    await expect(artefact).to_contain_text("坏线 1")
    await shown(page)
    marks = page.locator("[data-viewer] button[aria-label='图像质量标记']")
    await expect(marks).to_have_attribute("aria-pressed", "true")
    await keep_picture(page, "image-quality")
    await page.keyboard.press("k")
    await expect(marks).to_have_attribute("aria-pressed", "false")

"""The whole way as new users would go it: a clinic's case, a real CT from its scanner, the hub's signed report, received."""

from __future__ import annotations

import asyncio
import hashlib
import io
import re
import shutil
import subprocess
from pathlib import Path

import pypdfium2
from playwright.async_api import Page, expect
from pydicom import dcmread
from pydicom.data import get_testdata_file

from telemed.demo.people import PATIENTS
from telemed.demo.region import PASSWORD
from tests.browser.conftest import Visitor
from tests.browser.platform import Platform
from tests.browser.test_reading import READY, keep_picture, shown, sign

CT = "CT_small.dcm"
"""A real slice that pydicom brings along."""
PATIENT = PATIENTS[35]
FINDINGS = "双侧大脑半球对称，脑实质内未见异常密度影，脑室系统未见扩大，中线结构居中。"
IMPRESSION = "颅脑平扫未见明显异常。"


def as_the_scanner_sends(accession_number: str) -> bytes:
    """Return the real CT slice under this accession number and of this patient, as a scanner has them from its worklist."""
    dataset = dcmread(get_testdata_file(CT, download=False))
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.AccessionNumber, dataset.PatientName, dataset.PatientID = accession_number, PATIENT.name, PATIENT.number
    dataset.PatientSex, dataset.PatientBirthDate = PATIENT.sex[0].upper(), f"{PATIENT.birth_date:%Y%m%d}"
    written = io.BytesIO()
    dataset.save_as(written)
    return written.getvalue()


async def send(platform: Platform, content: bytes, folder: Path) -> None:
    """By dcmtk's client where it is installed, else by pynetdicom's."""
    storescu = shutil.which("storescu")
    if storescu is None:
        await platform.send([content])
        return
    file = folder / "slice.dcm"
    file.write_bytes(content)
    command = [storescu, "-aet", "CLINIC1", "-aec", "TELEMED", "127.0.0.1", str(platform.dicom_port), str(file)]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


async def draft(page: Page) -> str:
    """The clinic writes a case down and keeps it as a draft; its id."""
    await page.wait_for_selector("html[data-ready]")
    await page.goto("/cases/new/imaging")
    await page.wait_for_selector("html[data-ready]")
    await page.fill("[name='patient.own_number']", PATIENT.number)
    await page.fill("[name='patient.resident_id']", PATIENT.resident_id)
    await page.fill("[name='patient.name']", PATIENT.name)
    await page.select_option("[name='request.modality']", "CT")
    await page.fill("[name='request.body_part']", "头")
    await page.fill("[name='request.reason']", "头痛三天，呕吐一次")
    await page.keyboard.press("Control+s")
    await expect(page).to_have_url(re.compile("/cases/[0-9a-f]{32}/edit$"))
    return page.url.split("/")[-2]


async def test_from_the_clinic_to_the_hub_and_back(platform: Platform, sign_in: Visitor, tmp_path: Path) -> None:
    clinic = await sign_in("clinic1")
    case_id = await draft(clinic)
    case = await platform.call("GET", f"/cases/{case_id}", "clinic1")
    assert case["status"] == "draft"

    content = as_the_scanner_sends(case["accession_number"])
    await send(platform, content, tmp_path)
    await expect(clinic.locator("[data-arrived]")).to_contain_text("1 幅")  # it is there without a reload
    await keep_picture(clinic, "journey-1-draft-with-study")
    await clinic.keyboard.press("Control+Enter")
    await expect(clinic).to_have_url(re.compile(f"/cases/{case_id}$"))
    await expect(clinic.locator("#evidence")).to_contain_text("1 幅")
    await keep_picture(clinic, "journey-2-sent")

    hub = await sign_in("imaging.huba")
    await hub.wait_for_selector(READY)
    await hub.locator(f"#case-{case_id} a[href^='/read/']").first.click()
    await hub.wait_for_selector(READY)
    await shown(hub)
    await hub.keyboard.press("c")
    await expect(hub.locator("[name='sections.findings']")).to_be_focused()
    await hub.keyboard.type(FINDINGS)
    await hub.fill("[name='sections.impression']", IMPRESSION)
    await hub.keyboard.press("Alt+g")
    await expect(hub.locator("[data-save-state]")).to_contain_text(re.compile(r"\d\d:\d\d:\d\d"))
    await keep_picture(hub, "journey-3-reading")
    await sign(hub)
    await expect(hub).not_to_have_url(re.compile(case_id))

    await expect(clinic.locator(".case-report")).to_contain_text(IMPRESSION)  # the open page has it
    await keep_picture(clinic, "journey-4-report")
    answer = await clinic.request.get(await clinic.locator("a[href*='report.pdf']").get_attribute("href") or "")
    pdf = await answer.body()
    printed = pypdfium2.PdfDocument(pdf)
    text = "".join(page.get_textpage().get_text_range() for page in printed)
    printed.close()
    for words in (PATIENT.name, IMPRESSION.rstrip("。"), case["accession_number"]):
        assert words in text.replace("\r\n", "")
    await clinic.wait_for_selector("html[data-ready]")
    await clinic.keyboard.press("a")
    await expect(clinic.locator(".report-received")).to_be_visible()
    await keep_picture(clinic, "journey-5-received")

    done = await platform.call("GET", f"/cases/{case_id}", "clinic1")
    assert (done["status"], done["report_status"]) == ("completed", "final")
    assert done["acknowledged_at"]
    report = await platform.call("GET", f"/cases/{case_id}/report", "clinic1")
    assert report["pdf_sha256"] == hashlib.sha256(pdf).hexdigest()


async def test_a_wrong_password_does_not_open_a_door(platform: Platform, sign_in: Visitor) -> None:
    page = await sign_in("clinic1")
    await page.context.clear_cookies()
    await page.goto("/cases")
    await expect(page).to_have_url(re.compile("/login"))
    await page.fill("input[name=username]", "clinic1")
    await page.fill("input[name=password]", PASSWORD + "x")
    await page.keyboard.press("Enter")
    await expect(page.locator("[role=alert]")).to_be_visible()
    await expect(page).to_have_url(re.compile("/login"))

"""The operator, the auditor, the administrators and anybody with a report in hand, at a real browser."""

from __future__ import annotations

import dataclasses
import itertools
from datetime import datetime
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from telemed.demo.dicom_header import StudyOrder
from telemed.demo.hand_xray import hand_xray
from telemed.demo.people import PATIENTS, DemoPatient
from tests.browser.conftest import Visitor
from tests.browser.fit import misfits
from tests.browser.platform import Platform
from tests.browser.soundness import grave_findings

PAGES = (
    ("operator", "/network"),
    ("operator", "/devices"),
    ("operator", "/devices/new"),
    ("auditor", "/audit"),
    ("operator", "/unmatched"),
    ("operator", "/unmatched/find"),
    ("operator", "/network?view=hubs&centre=imaging&member=CLINIC1&need=NM"),
    ("operator", "/network?view=aside"),
    ("operator", "/statistics"),
    ("operator", "/help"),
    ("secadmin", "/accounts"),
    ("sysadmin", "/system"),
    ("sysadmin", "/network"),
)
serial = itertools.count(1)


def somebody(number: int) -> DemoPatient:
    """A patient that no other test uses: the number is this test's own."""
    return dataclasses.replace(PATIENTS[number], number=f"OP{next(serial):05d}")


async def failed_case(platform: Platform) -> dict[str, str]:
    """A case that the only hub for its modality has declined."""
    case: dict[str, str] = await platform.new_case(somebody(0), modality="NM", body_part="CHEST")
    await platform.call("POST", f"/cases/{case['id']}/decline", "imaging.main", {"reason": "设备停机"})
    return case


async def unmatched_study(platform: Platform, patient: DemoPatient, member: str = "CLINIC1") -> None:
    """A study whose accession number is nobody's."""
    order = StudyOrder("", datetime(2026, 11, 20, 9, 0), member)
    await platform.send(hand_xray(patient, order, seed=next(serial)), member)


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_nothing_serious_for_axe_and_no_scrolling_sideways(platform: Platform, sign_in: Visitor, theme: str) -> None:
    await failed_case(platform)
    pages: dict[str, Page] = {}
    for user, address in PAGES if theme == "light" else PAGES[:7]:
        page = pages.get(user) or await sign_in(user, theme=theme, locale="en" if theme == "dark" else "zh-CN")
        pages[user] = page
        await page.goto(address)
        await page.wait_for_selector("html[data-ready]")
        assert grave_findings(await Axe().run(page)) == [], address
        assert await misfits(page) == [], address


async def test_a_failed_case_arrives_by_itself_and_is_offered_in_place(platform: Platform, sign_in: Visitor) -> None:
    page = await sign_in("operator", locale="en")
    await page.goto("/network?list=whole")
    await page.wait_for_selector("html[data-ready]")
    case = await failed_case(platform)
    line = page.locator(".lines li", has_text=case["accession_number"])
    await expect(line).to_be_visible()  # nobody pressed anything
    await expect(line).to_contain_text("MAIN declined: 设备停机")
    await line.locator("summary").click()
    await line.get_by_label("Reason").fill("经电话同意")
    await line.get_by_role("button", name="Offer the case").click()
    await expect(line).to_have_count(0)
    seen = await platform.call("GET", f"/cases/{case['id']}", "operator")
    assert (seen["status"], seen["hub"]) == ("requested", "HUBA")
    assert seen["route"][-1]["rule"] == "assigned-by-operator"


async def test_an_open_form_is_not_drawn_over(platform: Platform, sign_in: Visitor) -> None:
    first = await failed_case(platform)
    page = await sign_in("operator", locale="en")
    await page.goto("/network?list=whole")
    await page.wait_for_selector("html[data-ready]")
    line = page.locator(".lines li", has_text=first["accession_number"])
    await line.locator("summary").click()
    await line.get_by_label("Reason").fill("half a sen")
    second = await failed_case(platform)
    await page.wait_for_timeout(2500)
    assert await line.get_by_label("Reason").input_value() == "half a sen"
    await line.locator("summary").click()
    await page.locator("h2").first.click()
    await page.evaluate("document.dispatchEvent(new CustomEvent('telemed:step'))")
    await expect(page.locator(".lines li", has_text=second["accession_number"])).to_be_visible()


async def test_a_case_is_tried_and_every_rule_is_said(sign_in: Visitor) -> None:
    page = await sign_in("operator", locale="en")
    await page.goto("/network?view=hubs")
    await page.wait_for_selector("html[data-ready]")
    await page.select_option("[name=centre]", "imaging")
    await page.select_option("[name=member]", "CLINIC1")
    await page.select_option("[name=need]", "NM")
    await page.fill("[name=at]", "2026-11-21T23:30")
    await page.get_by_role("button", name="Try", exact=True).click()
    await expect(page.locator(".route-steps li").first).to_contain_text(
        "passed over Jianglin Central Hospital (demo) does not read this modality"
    )
    await expect(page.locator("#route-answer")).to_contain_text("Jinling Bay Medical Centre (demo) would get the case")
    await expect(page.locator("#route-answer")).to_contain_text("to be answered by")


async def test_a_study_is_linked_with_one_key(platform: Platform, sign_in: Visitor) -> None:
    patient = somebody(3)
    case = await platform.new_case(patient, modality="DX", body_part="HAND")
    await platform.new_case(somebody(4), modality="DX", body_part="HAND")
    await unmatched_study(platform, dataclasses.replace(patient, number="TYPO-1"))
    page = await sign_in("operator")
    study = page.locator("[data-study]", has_text="TYPO-1")
    await shown(page, "/unmatched", "TYPO-1")
    await expect(study).not_to_contain_text(patient.name)
    await study.focus()
    choice = study.locator("li", has_text=case["accession_number"]).locator("[data-choice]")
    await page.keyboard.press(await choice.get_attribute("data-choice") or "")
    await expect(study).to_have_count(0)
    assert len(await platform.evidence(case["id"], "clinic1", 1)) == 1


async def test_a_link_is_taken_back_at_once(platform: Platform, sign_in: Visitor) -> None:
    patient = somebody(3)
    case = await platform.new_case(patient, modality="DX", body_part="HAND")
    await unmatched_study(platform, dataclasses.replace(patient, number="TYPO-2"))
    page = await sign_in("operator")
    study = page.locator("[data-study]", has_text="TYPO-2")
    await shown(page, "/unmatched", "TYPO-2")
    await study.locator("li", has_text=case["accession_number"]).locator("[data-choice]").click()
    await expect(study).to_have_count(0)
    await page.get_by_role("button", name="撤销").click()
    await expect(study).to_be_visible()


async def test_records_in_doubt_are_settled_with_a_reason(platform: Platform, sign_in: Visitor) -> None:
    name = "司马长风"
    for member in ("CLINIC1", "CLINIC2"):
        card = {"name": name, "sex": "male", "birth_date": "1950-02-03", "identifiers": [{"system": member, "value": f"D{next(serial)}"}]}
        body = {"centre": "imaging", "patient": card, "request": {"modality": "CT", "body_part": "HEAD", "reason": "头晕"}}
        await platform.call("POST", "/cases", member.lower(), body)
    page = await sign_in("operator", locale="en")
    await page.goto("/unmatched")
    doubt = page.locator("article.doubt", has_text="1950-02-03")
    await expect(doubt.get_by_text(name)).to_have_count(0)
    await doubt.get_by_role("button", name="Show names").click()
    await expect(doubt.get_by_text(name)).to_have_count(2)
    await expect(doubt.locator("tbody tr.differs")).to_have_count(0)  # same name, sex, birth date; the numbers are of two institutions
    await page.keyboard.press("j")
    await expect(page.locator("article.doubt:focus, li:focus")).to_have_count(1)
    await doubt.get_by_role("button", name="One person").click()
    await expect(doubt.locator("[data-step-problem]")).to_contain_text("Write the reason first.")
    await doubt.get_by_label("Reason").fill("asked both clinics by telephone")
    await doubt.get_by_role("button", name="One person").click()
    await expect(doubt).to_have_count(0)
    await page.reload()
    merged = page.locator("details.doubt", has_text="1950-02-03")
    await merged.locator("summary").click()
    await merged.get_by_label("Reason").fill("another person after all")
    await merged.get_by_role("button", name="Split again").click()
    await expect(merged).to_have_count(0)


async def test_records_that_were_joined_by_mistake_are_taken_apart_at_once(platform: Platform, sign_in: Visitor) -> None:
    for member in ("CLINIC1", "CLINIC2"):
        number = [{"system": member, "value": f"D{next(serial)}"}]
        card = {"name": "令狐远山", "sex": "male", "birth_date": "1951-04-05", "identifiers": number}
        body = {"centre": "imaging", "patient": card, "request": {"modality": "CT", "body_part": "HEAD", "reason": "头晕"}}
        await platform.call("POST", "/cases", member.lower(), body)
    page = await sign_in("operator", locale="en")
    await page.goto("/unmatched")
    await page.wait_for_selector("html[data-ready]")
    doubt = page.locator("article.doubt", has_text="1951-04-05")
    await doubt.get_by_label("Reason").fill("asked both clinics by telephone")
    await doubt.get_by_role("button", name="One person").click()
    await expect(doubt).to_have_count(0)
    async with page.expect_navigation():  # the page is drawn anew
        await page.get_by_role("button", name="Undo").click()
    await expect(page.locator("details.doubt", has_text="1951-04-05")).to_have_count(0)  # no longer joined
    await page.goto("/unmatched/find")
    await expect(page.locator(".hand-steps li").first).to_contain_text("Record split off")


async def test_a_wrong_link_and_a_wrong_number_are_put_right_with_what_was_there_before(platform: Platform, sign_in: Visitor) -> None:
    wrong, right = somebody(6), somebody(7)
    taken = await platform.new_case(wrong, modality="DX", body_part="HAND")
    meant = await platform.new_case(right, modality="DX", body_part="HAND")
    typed = f"MISREAD-{next(serial)}"
    await unmatched_study(platform, dataclasses.replace(right, number=typed))
    page = await sign_in("operator", locale="en")
    study = page.locator("[data-study]", has_text=typed)
    await shown(page, "/unmatched", typed)
    await study.get_by_text("Another case, or wrong particulars").click()
    link = study.locator("form", has_text="Accession number of the case")
    await link.get_by_label("Accession number of the case").fill(taken["accession_number"])
    await link.get_by_label("Reason").fill("as the ward said")
    await link.get_by_role("button", name="Link").click()
    await expect(study).to_have_count(0)

    await page.goto("/unmatched/find")
    await page.get_by_label("Patient or accession number").fill(typed)
    await page.get_by_role("button", name="Find").click()
    await page.locator("summary", has_text=taken["accession_number"]).click()
    assert grave_findings(await Axe().run(page)) == []
    away = page.get_by_role("region", name="Studies").locator("form", has_text="Take away from this case")
    await away.get_by_role("button", name="Take away").click()
    await expect(away.locator("[data-step-problem]")).to_contain_text("Write the reason first.")
    await away.get_by_label("Reason").fill("another hand")
    await away.get_by_role("button", name="Take away").click()
    await expect(page.locator(".hand-steps li").first).to_contain_text("Study taken away from the case")

    await shown(page, "/unmatched", typed)
    await study.get_by_text("Another case, or wrong particulars").click()
    correct = study.locator("form", has_text="Fill in only what is wrong")
    await correct.get_by_label("Patient number").fill(right.number)
    await correct.get_by_label("Accession number").fill(meant["accession_number"])
    await correct.get_by_label("Reason").fill("the ward's list")
    await correct.get_by_role("button", name="Correct").click()
    await expect(study).to_have_count(0)
    assert len(await platform.evidence(meant["id"], "clinic1", 1)) == 1
    await page.goto("/unmatched/find")
    step = page.locator(".hand-steps li").first
    await expect(step).to_contain_text(typed)
    await expect(step).to_contain_text(right.number)
    await step.get_by_text("Undo").click()
    await step.get_by_label("Reason").fill("no, it was right")
    await step.get_by_role("button", name="Back to what was received").click()
    await expect(page.locator(".hand-steps li").first).to_contain_text("Correction taken back")


async def test_the_trail_is_filtered_in_the_address(sign_in: Visitor) -> None:
    await sign_in("operator")
    page = await sign_in("auditor", locale="en")
    await page.goto("/audit")
    await page.get_by_label("Who").fill("operator")
    await page.get_by_label("What").fill("session:begin")
    await page.get_by_role("button", name="Filter").click()
    assert "actor=operator" in page.url
    rows = page.locator("tbody tr")
    assert await rows.count() > 0
    for text in await rows.all_inner_texts():
        assert "operator" in text
        assert "session:begin" in text
    link = page.get_by_role("link", name="CSV")
    file = await page.context.request.get(await link.get_attribute("href") or "")
    assert b"session:begin" in await file.body()


async def test_a_file_is_compared_in_the_browser_and_goes_nowhere(platform: Platform, sign_in: Visitor, tmp_path: Path) -> None:
    case = await platform.new_case(somebody(5))
    await platform.write(case["id"], "imaging.huba", "颅内未见异常。", "正常。")
    await platform.sign(case["id"], "imaging.huba")
    pdf: bytes = await platform.call("GET", f"/cases/{case['id']}/report.pdf", "clinic1")
    report = await platform.call("GET", f"/cases/{case['id']}/report", "clinic1")
    genuine, changed = tmp_path / "report.pdf", tmp_path / "changed.pdf"
    genuine.write_bytes(pdf)
    changed.write_bytes(pdf + b"\n")
    page = await sign_in("clinic1", locale="en")
    await page.context.clear_cookies()  # whoever holds the paper has no account
    await page.goto(f"/verify/{report['verification_code']}")
    await expect(page.locator(".notice").first).to_contain_text("issued here and is the newest version")
    await expect(page.locator(".signatures")).to_contain_text("valid")
    assert grave_findings(await Axe().run(page)) == []
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    answer = page.locator("[data-compare-answer]")
    await page.set_input_files("[data-compare-file]", genuine)
    await expect(answer).to_contain_text("report.pdf is the file that was issued, unchanged.")
    await page.set_input_files("[data-compare-file]", changed)
    await expect(answer).to_contain_text("changed.pdf is not the file that was issued")
    assert sent == []


async def test_the_bulletin_prints_and_a_wrong_month_is_said_beside_the_field(sign_in: Visitor) -> None:
    page = await sign_in("operator", locale="en")
    await page.goto("/statistics")
    await expect(page.locator("#table-1")).to_have_text("Centres")
    assert (await page.pdf(format="A4", landscape=True)).startswith(b"%PDF-")
    answer = await page.goto("/statistics?month=2026-13")
    assert answer is not None
    assert answer.status == 422
    await expect(page.locator("#month-problem")).to_contain_text("A month is written as 2026-11.")


async def shown(page: Page, address: str, text: str) -> None:
    """Open the page until the worker has done its part and the text is there."""
    for _ in range(50):
        await page.goto(address)
        if await page.locator("body", has_text=text).count():
            return
        await page.wait_for_timeout(100)
    raise AssertionError(f"{text} never appeared on {address}")

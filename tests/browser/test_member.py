"""The member's pages in a real browser: from an empty page to the report that was received."""

from __future__ import annotations

import asyncio
import io
import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from PIL import Image
from playwright.async_api import Page, expect

from telemed.demo.people import PATIENTS, DemoPatient
from tests.browser.conftest import Visitor
from tests.browser.fit import misfits
from tests.browser.platform import Platform
from tests.browser.soundness import grave_findings
from tests.browser.test_reading import head_series, shown

HUB = "imaging.huba"


def paper(name: str, pages: int = 1) -> dict[str, Any]:
    """A PDF as a browser's file chooser takes it."""
    content = io.BytesIO()
    Image.effect_noise((600, 800), 80).convert("RGB").save(content, "PDF", save_all=True, append_images=[])
    return {"name": name, "mimeType": "application/pdf", "buffer": content.getvalue() * pages}


async def on(page: Page, address: str) -> None:
    await page.goto(address)
    await page.wait_for_selector("html[data-ready]")


async def fill_card(page: Page, patient: DemoPatient) -> None:
    await page.fill("[name='patient.own_number']", patient.number)
    await page.fill("[name='patient.resident_id']", patient.resident_id)
    await page.fill("[name='patient.name']", patient.name)


async def reported(platform: Platform, patient: DemoPatient) -> str:
    """A case whose report was released."""
    case = await platform.new_case(patient)
    await platform.write(case["id"], HUB, "颅内未见异常密度影。", "未见明显异常。")
    await platform.sign(case["id"], HUB)
    return str(case["id"])


async def test_a_case_from_an_empty_page_to_the_hub(platform: Platform, sign_in: Visitor) -> None:
    page = await sign_in("clinic1")
    for key, address in (("n", "/cases/new$"), ("2", "/cases/new/imaging$")):
        await page.wait_for_selector("html[data-ready]")
        await page.keyboard.press(key)
        await expect(page).to_have_url(re.compile(address))
    await page.wait_for_selector("html[data-ready]")
    await fill_card(page, PATIENTS[20])
    await expect(page.locator("[name='patient.birth_date']")).to_have_value(PATIENTS[20].birth_date.isoformat())
    await expect(page.locator(f"[name='patient.sex'][value={PATIENTS[20].sex}]")).to_be_checked()
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("[data-field='request.modality'] [data-error-text]")).to_have_text("必须填写")
    await expect(page.locator("[name='request.modality']")).to_be_focused()
    await page.select_option("[name='request.modality']", "CT")
    await page.fill("[name='request.body_part']", "头")
    await page.fill("[name='request.reason']", "头痛三天，呕吐一次")
    await page.set_input_files("[data-upload-input]", [paper("既往报告.pdf")])
    await expect(page.locator(".files .tone-done")).to_be_visible()
    await expect(page).to_have_url(re.compile("/cases/[0-9a-f]{32}/edit"))
    await page.keyboard.press("Control+Enter")
    await expect(page).to_have_url(re.compile("/cases/[0-9a-f]{32}$"))
    await expect(page.locator(".case-head")).to_contain_text("待认领")
    await expect(page.locator("#evidence")).to_contain_text("既往报告.pdf")
    case = await platform.call("GET", f"/cases/{page.url.rsplit('/', 1)[1]}", "clinic1")
    assert (case["status"], case["request"]["body_part"], case["hub"]) == ("requested", "HEAD", "HUBA")
    assert case["patient"]["name"] == PATIENTS[20].name


async def test_what_was_typed_survives_a_closed_page(sign_in: Visitor) -> None:
    page = await sign_in("clinic1")
    await on(page, "/cases/new/ecg")
    await page.fill("[name='patient.name']", "林晓")
    await page.fill("[name='request.reason']", "胸闷两小时")
    await page.check("[name='priority'][value=stat]")
    await page.goto("about:blank")
    await on(page, "/cases/new/ecg")
    await expect(page.locator("[name='request.reason']")).to_have_value("胸闷两小时")
    await expect(page.locator("[name='priority'][value=stat]")).to_be_checked()
    await page.click("[data-save]")
    await expect(page).to_have_url(re.compile("/edit$"))
    await on(page, "/cases/new/ecg")  # the draft has it now: a new page is empty
    await expect(page.locator("[name='request.reason']")).to_have_value("")


async def test_a_known_patient_fills_the_card_and_a_wrong_digit_is_told_at_once(platform: Platform, sign_in: Visitor) -> None:
    known = PATIENTS[21]
    await platform.new_case(known)
    page = await sign_in("clinic1")
    await on(page, "/cases/new/lab")
    number = page.locator("[name='patient.resident_id']")
    wrong = known.resident_id[:-1] + ("1" if known.resident_id[-1] != "1" else "2")
    await number.press_sequentially(wrong)
    await expect(page.locator("[data-field='patient.resident_id'] [data-error-text]")).to_contain_text("校验")
    await number.fill("")
    await page.fill("[name='patient.own_number']", known.number)
    await page.keyboard.press("Tab")
    await expect(page.locator("[name='patient.name']")).to_have_value(known.name)
    await expect(number).to_have_value(known.resident_id)
    await page.fill("[name='patient.own_number']", PATIENTS[22].number)
    await page.keyboard.press("Tab")
    await expect(page.locator("[name='patient.name']")).to_have_value(known.name)  # nothing typed is overwritten


async def test_an_upload_that_was_cut_goes_on_by_itself(platform: Platform, sign_in: Visitor) -> None:
    case = await platform.new_case(PATIENTS[23])
    page = await sign_in("clinic1")
    await on(page, f"/cases/{case['id']}")
    cuts = iter([True, False, True])

    async def cut(route: Any) -> None:
        if route.request.method == "PATCH" and next(cuts, False):
            await route.abort("connectionreset")
        else:
            await route.continue_()

    await page.route("**/api/v1/uploads/**", cut)
    await page.set_input_files("[data-upload-input]", [paper("a.pdf"), paper("b.pdf", 2)])
    await expect(page.locator(".files .tone-done")).to_have_count(2)  # two bars, both full
    await expect(page.locator("#evidence")).to_contain_text("a.pdf")
    names = {each["name"] for each in (await platform.call("GET", f"/cases/{case['id']}/evidence", "clinic1"))["items"]}
    assert names == {"a.pdf", "b.pdf"}


async def test_a_study_arrives_while_the_member_looks_and_opens_in_place(platform: Platform, sign_in: Visitor) -> None:
    case = await platform.new_case(PATIENTS[24])
    page = await sign_in("clinic1")
    await on(page, f"/cases/{case['id']}")
    await expect(page.locator("#evidence")).to_contain_text(case["accession_number"])
    await platform.send(head_series(24, case["accession_number"], 3))
    await expect(page.locator("#evidence")).to_contain_text("3 幅")
    await page.keyboard.press("i")
    await shown(page)


async def test_the_report_comes_in_is_read_and_received(platform: Platform, sign_in: Visitor) -> None:
    case = await platform.new_case(PATIENTS[25])
    page = await sign_in("clinic1")
    await on(page, "/cases")
    row = page.locator(f"#case-{case['id']}")
    await expect(page.locator(f".part-running #case-{case['id']}")).to_be_visible()
    await page.mouse.move(700, 760)  # the hand is off the lists
    await platform.write(case["id"], HUB, "颅内未见异常密度影。", "未见明显异常。")
    await expect(row).to_contain_text("诊断中")
    await platform.sign(case["id"], HUB)
    await expect(page.locator(f".part-attention #case-{case['id']}")).to_contain_text("新报告")
    await expect(page.locator("[data-count=notices]")).not_to_have_text("0")
    await page.locator(f".part-attention #case-{case['id']} a[data-open]").click()
    await expect(page.locator(".case-report")).to_contain_text("未见明显异常。")
    await page.wait_for_selector("html[data-ready]")
    await page.keyboard.press("a")
    await expect(page.locator(".report-received")).to_be_visible()
    await on(page, "/cases")
    await expect(page.locator(f".part-done #case-{case['id']}")).to_be_visible()
    pdf = await page.request.get(f"/api/v1/cases/{case['id']}/report.pdf")
    assert (await pdf.body())[:5] == b"%PDF-"


async def test_a_critical_value_is_acknowledged_on_the_board_and_closed_with_what_was_done(platform: Platform, sign_in: Visitor) -> None:
    case = await platform.new_case(PATIENTS[26])
    page = await sign_in("clinic1")
    await on(page, "/cases")
    await page.mouse.move(700, 760)
    await platform.call("POST", f"/cases/{case['id']}/criticals", HUB, {"finding": "Acute intracranial haemorrhage"})
    row = page.locator(f".part-attention #case-{case['id']}")
    await expect(row.locator("[data-due]")).to_be_visible()
    await row.locator("button[data-post]").click()
    await page.mouse.move(700, 760)
    await row.locator("a.btn").click()
    await page.wait_for_selector("html[data-ready]")
    await page.fill(".critical-form textarea", "已联系救护车转院")
    await page.click(".critical-form [type=submit]")
    await expect(page.locator(".critical-panel")).to_contain_text("已联系救护车转院")
    await expect(page.locator(".critical-running")).to_have_count(0)


async def test_a_question_is_answered_in_place(platform: Platform, sign_in: Visitor) -> None:
    case = await platform.new_case(PATIENTS[27])
    await platform.call("POST", f"/cases/{case['id']}/return", HUB, {"reason": "请补充外伤史"})
    page = await sign_in("clinic1")
    await on(page, f"/cases/{case['id']}")
    await expect(page.locator("#now")).to_contain_text("请补充外伤史")
    await page.click("#now a.btn-primary")
    await page.wait_for_selector("html[data-ready]")
    await expect(page.locator("[name='patient.name']")).to_be_disabled()
    await page.fill("[name='request.history']", "三天前跌倒")
    await page.keyboard.press("Control+Enter")
    await expect(page).to_have_url(re.compile(f"/cases/{case['id']}$"))
    await expect(page.locator("#request")).to_contain_text("三天前跌倒")
    answered = await platform.call("GET", f"/cases/{case['id']}", "clinic1")
    assert (answered["status"], answered["hub"]) == ("requested", "HUBA")


async def test_what_is_being_typed_stays_when_the_case_changes(platform: Platform, sign_in: Visitor) -> None:
    case = await platform.new_case(PATIENTS[28])
    value = await platform.call("POST", f"/cases/{case['id']}/criticals", HUB, {"finding": "Aortic dissection"})
    await platform.call("POST", f"/cases/{case['id']}/criticals/{value['id']}/acknowledge", "clinic1", {})
    page = await sign_in("clinic1")
    await on(page, f"/cases/{case['id']}")
    await page.fill(".critical-form textarea", "正在联系")
    await platform.call("POST", f"/cases/{case['id']}/claim", HUB, {})
    await expect(page.locator("#history")).to_contain_text("已认领")
    await expect(page.locator(".critical-form textarea")).to_have_value("正在联系")


async def test_a_number_leads_straight_to_its_case_and_a_name_to_a_list(platform: Platform, sign_in: Visitor) -> None:
    case = await platform.new_case(PATIENTS[29])
    page = await sign_in("clinic1")
    await page.wait_for_selector("html[data-ready]")
    await page.keyboard.press("/")
    await page.keyboard.type(case["accession_number"])
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(f"/cases/{case['id']}$"))
    await on(page, f"/search?q={PATIENTS[29].name[:2]}")
    await expect(page.locator(f"a[href='/cases/{case['id']}']")).to_be_visible()
    other = await sign_in("clinic2")
    await on(other, f"/search?q={case['accession_number']}")
    await expect(other.locator(".empty")).to_be_visible()
    assert (await other.request.get(f"/cases/{case['id']}")).status == 404


async def test_notices_are_counted_until_they_were_seen(platform: Platform, sign_in: Visitor) -> None:
    case = await platform.new_case(PATIENTS[30], member="CLINIC2")
    await platform.call("POST", f"/cases/{case['id']}/return", HUB, {"reason": "请补充过敏史"})
    page = await sign_in("clinic2")
    await expect(page.locator("[data-count=notices]")).to_have_text("1")
    await page.click("a[href='/notices']")
    await expect(page.locator(".notice-new")).to_contain_text("请补充过敏史")
    await page.reload()
    await expect(page.locator(".notice-new")).to_have_count(0)
    await expect(page.locator("[data-count=notices]")).to_be_hidden()


async def test_the_hub_and_the_operator_see_the_case_as_far_as_they_may(platform: Platform, sign_in: Visitor) -> None:
    patient = PATIENTS[31]
    case = await platform.new_case(patient, reason="外伤后头痛")
    hub, operator = await asyncio.gather(sign_in(HUB), sign_in("operator"))
    await on(hub, f"/cases/{case['id']}")
    await expect(hub.locator(f"a[href='/read/{case['id']}']")).to_be_visible()
    await expect(hub.locator("#request")).to_contain_text("外伤后头痛")
    await on(operator, f"/cases/{case['id']}")
    content = await operator.content()
    assert patient.name not in content
    assert patient.number not in content
    assert "外伤后头痛" not in content
    assert case["accession_number"] in content


async def test_on_paper_stands_the_record_and_not_the_screen(platform: Platform, sign_in: Visitor, tmp_path: Path) -> None:
    case = await reported(platform, PATIENTS[32])
    page = await sign_in("clinic1")
    await on(page, f"/cases/{case}")
    await page.emulate_media(media="print")
    await expect(page.locator(".case-report")).to_be_visible()
    for hidden in (".bar", ".case-actions", ".drop-zone", "#history"):
        await expect(page.locator(hidden).first).to_be_hidden()
    printed = await page.pdf(path=tmp_path / "case.pdf", format="A4")
    assert printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") <= 2


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_serious_and_nothing_is_cut_off(platform: Platform, sign_in: Visitor, theme: str) -> None:
    case = await reported(platform, PATIENTS[33])
    running = await platform.new_case(PATIENTS[34])
    await platform.call("POST", f"/cases/{running['id']}/criticals", HUB, {"finding": "Aortic dissection"})
    page = await sign_in("clinic1", theme=theme, locale="en-GB" if theme == "dark" else "zh-CN")
    addresses = ("/cases", "/cases/new", "/cases/new/consultation", f"/cases/{case}", f"/cases/{running['id']}", "/notices", "/search?q=C")
    for address in addresses:
        await on(page, address)
        assert grave_findings(await Axe().run(page)) == [], address
        assert await misfits(page) == [], address

"""The hub's worklist and the reading page, from a clinic's request to the signed report, in a real browser."""

from __future__ import annotations

import asyncio
import io
import os
import re
from datetime import datetime
from itertools import islice

import pytest
from axe_playwright_python.async_playwright import Axe
from PIL import Image
from playwright.async_api import Page, Route, expect
from reportlab.pdfgen.canvas import Canvas

from telemed.demo.ct_head import ct_head
from telemed.demo.dicom_header import StudyOrder
from telemed.demo.people import PATIENTS
from telemed.demo.region import PASSWORD
from tests.browser.conftest import Visitor
from tests.browser.fit import misfits
from tests.browser.platform import Platform
from tests.browser.soundness import grave_findings

PICTURES = os.environ.get("TELEMED_SCREENSHOTS")
"""Where pictures of the journey go, for people to look at; none are kept where it is not set."""


async def keep_picture(page: Page, name: str) -> None:
    if PICTURES:
        await page.screenshot(path=f"{PICTURES}/{name}.png")


def head_series(index: int, accession_number: str, slices: int) -> list[bytes]:
    """The first slices of a CT head of one of the made-up people."""
    order = StudyOrder(accession_number, datetime(2026, 11, 20, 9, 30), "CLINIC1")
    return list(islice(ct_head(PATIENTS[index], order, seed=index), slices))


READY = "html[data-page-ready]"
"""The page's own module listens: keys are heard."""


async def go(page: Page, address: str) -> None:
    await page.goto(address)
    await page.wait_for_selector(READY)


async def shown(page: Page) -> None:
    """An image is on the screen."""
    await page.locator(".pane[data-state=shown]").first.wait_for()


async def sign(page: Page) -> None:
    await page.keyboard.press("Control+Enter")
    await page.locator("dialog[open] input[type=password]").fill(PASSWORD)
    await page.keyboard.press("Enter")


async def test_from_a_request_to_the_signed_report_by_keyboard(platform: Platform, sign_in: Visitor) -> None:
    page = await sign_in("imaging.huba")
    await expect(page).to_have_url(re.compile("/worklist"))
    await page.wait_for_selector(READY)

    first = await platform.new_case(PATIENTS[0], priority="stat")
    await platform.new_case(PATIENTS[1], priority="urgent")
    row = page.locator(f"#case-{first['id']}")
    await expect(row).to_contain_text("影像未到")  # it slid in by itself
    files = head_series(0, first["accession_number"], 8)
    await platform.send(files[:4])
    await expect(row).to_contain_text("4 幅")
    await keep_picture(page, "worklist")

    await row.locator("a[href^='/read/']").first.click()
    await expect(page).to_have_url(re.compile(f"/read/{first['id']}"))
    await page.wait_for_selector(READY)
    await shown(page)
    await expect(page.locator(".reading-report")).to_contain_text("尚未认领")
    await page.keyboard.press("c")
    findings = page.locator("[name='sections.findings']")
    await expect(findings).to_be_focused()

    slice_before = await page.locator(".corner-bottom-left").first.inner_text()
    await platform.send(files[4:])
    await expect(page.locator(".strip-count")).to_have_text("8 幅")  # more arrived; nothing was reloaded
    assert (await page.locator(".corner-bottom-left").first.inner_text()).split("\n")[:2] == slice_before.split("\n")[:2]

    await page.keyboard.type("脑实质内未见异常密度影。")
    impression = page.locator("[name='sections.impression']")
    await impression.focus()
    await page.keyboard.type("//头颅")
    await page.keyboard.press("Enter")
    await expect(impression).to_have_value("颅脑 CT 平扫未见明显异常。")
    await expect(page.locator("[data-save-state]")).to_contain_text(re.compile(r"\d\d:\d\d:\d\d"))
    await keep_picture(page, "reading")
    waiting = (await platform.call("GET", "/cases?view=unclaimed", "imaging.huba"))["items"]
    await page.keyboard.press("Alt+g")
    await expect(page.locator("[name=result][value=negative]")).to_be_checked()
    await sign(page)
    await expect(page).to_have_url(re.compile(f"/read/{waiting[0]['id']}"))  # the next case opens by itself
    await keep_picture(page, "next")

    report = await platform.call("GET", f"/cases/{first['id']}/report", "clinic1")
    assert report["status"] == "final"
    assert report["sections"] == {"findings": "脑实质内未见异常密度影。", "impression": "颅脑 CT 平扫未见明显异常。"}
    assert (report["author"], report["result"]) == ("imaging.huba", "negative")


async def test_a_report_without_an_impression_asks_for_it_before_the_password(platform: Platform, sign_in: Visitor) -> None:
    case = await platform.new_case(PATIENTS[2])
    page = await sign_in("imaging.huba")
    await go(page, f"/read/{case['id']}")
    await page.keyboard.press("c")
    await page.locator("[name='sections.findings']").fill("未见异常。")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("[name='sections.impression']")).to_be_focused()
    await expect(page.locator("[data-field='sections.impression']")).to_contain_text("签发前必填")
    await expect(page.locator("dialog[open]")).to_have_count(0)


async def test_a_result_is_chosen_by_its_writer_before_the_password(platform: Platform, sign_in: Visitor) -> None:
    case = await platform.new_case(PATIENTS[2])
    page = await sign_in("imaging.huba")
    await go(page, f"/read/{case['id']}")
    await page.keyboard.press("c")
    await page.locator("[name='sections.findings']").fill("右侧颞叶低密度影。")
    await page.locator("[name='sections.impression']").fill("右侧颞叶低密度影。")
    await expect(page.locator("[name=result]:checked")).to_have_count(0)
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("[data-field=result]")).to_contain_text("签发前请选择结果")
    await expect(page.locator("dialog[open]")).to_have_count(0)
    await page.keyboard.press("Alt+p")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#sign-sheet [data-shown-result]")).to_have_text("阳性")


async def test_a_critical_value_makes_the_form_positive_and_a_negative_result_beside_it_takes_a_reason(
    platform: Platform, sign_in: Visitor
) -> None:
    case = await platform.new_case(PATIENTS[5])
    page = await sign_in("imaging.huba")
    await go(page, f"/read/{case['id']}")
    await page.keyboard.press("c")
    await page.locator("[name='sections.findings']").fill("左侧基底节区见高密度影。")
    await page.locator("[name='sections.impression']").fill("左侧基底节区脑出血。")
    await page.locator("[data-sheet=critical-sheet]").click()
    await page.locator("#critical-finding").fill("急性颅内出血")
    await page.locator("#critical-sheet [type=submit]").click()
    await expect(page.locator("[name=result][value=positive]")).to_be_checked()
    await expect(page.locator(".critical [name=whom]")).to_have_value("陶小满")
    await expect(page.locator(".critical a[href^='tel:']").first).to_be_visible()
    await page.keyboard.press("Alt+g")
    await page.keyboard.press("Control+Enter")
    sheet = page.locator("#sign-sheet")
    await expect(sheet.locator("[data-contradictions-list]")).to_contain_text("结果为阴性，而已登记危急值：急性颅内出血")
    await sheet.locator("input[type=password]").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(sheet).to_be_visible()  # the reason is missing
    await sheet.locator("[name=reason]").fill("陈旧性出血，已电话核实")
    await sheet.locator("input[type=password]").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page).not_to_have_url(re.compile(f"/read/{case['id']}"))
    report = await platform.call("GET", f"/cases/{case['id']}/report", "clinic1")
    assert (report["result"], [each["code"] for each in report["acknowledged"]]) == ("negative", ["critical-negative"])


async def test_normal_in_one_key_fits_the_request_and_can_be_taken_back(platform: Platform, sign_in: Visitor) -> None:
    case = await platform.new_case(PATIENTS[3], modality="DX", body_part="HAND")
    page = await sign_in("imaging.huba")
    await go(page, f"/read/{case['id']}")
    await page.keyboard.press("c")
    findings = page.locator("[name='sections.findings']")
    await findings.fill("写了一半")
    await page.locator("[name=result][value=positive]").check()
    await page.keyboard.press("Alt+n")
    await expect(findings).to_have_value(re.compile("骨质结构完整"))
    await expect(page.locator("[name=result][value=negative]")).to_be_checked()
    await page.keyboard.press("Escape")
    await page.keyboard.press("z")
    await expect(findings).to_have_value("写了一半")
    await expect(page.locator("[name=result][value=positive]")).to_be_checked()


async def test_who_comes_second_is_told_who_has_the_case(platform: Platform, sign_in: Visitor) -> None:
    case = await platform.new_case(PATIENTS[4])
    slow, fast = await sign_in("imaging.huba"), await sign_in("imaging3.huba")
    await go(slow, f"/read/{case['id']}")
    await go(fast, f"/read/{case['id']}")
    await fast.keyboard.press("c")
    await fast.locator("form[data-autosave]").wait_for()
    await expect(slow.locator(".report")).to_contain_text("周一鸣 于")  # without reloading
    await expect(slow.locator("[data-key=c]")).to_have_count(0)
    await go(slow, "/worklist?view=open")
    await expect(slow.locator(f"#case-{case['id']} .holder")).to_have_text("周一鸣")


async def test_given_back_by_one_key_and_taken_again_by_undo(platform: Platform, sign_in: Visitor) -> None:
    case = await platform.new_case(PATIENTS[5])
    page = await sign_in("imaging.huba")
    await go(page, f"/read/{case['id']}?view=unclaimed")
    await page.keyboard.press("c")
    await page.locator("[name='sections.findings']").fill("草稿")
    await page.keyboard.press("Escape")
    await page.keyboard.press("r")
    await expect(page).to_have_url(re.compile("/worklist"))
    await page.wait_for_selector(READY)
    await expect(page.locator(f"#case-{case['id']}")).to_contain_text("草稿")
    await page.keyboard.press("z")
    await expect(page).to_have_url(re.compile(f"/read/{case['id']}"))
    await expect(page.locator("[name='sections.findings']")).to_have_value("草稿")


async def test_back_to_the_member_with_a_reason(platform: Platform, sign_in: Visitor) -> None:
    case = await platform.new_case(PATIENTS[6])
    page = await sign_in("imaging.huba")
    await go(page, f"/read/{case['id']}")
    await page.keyboard.press("b")
    sheet = page.locator("dialog[open]")
    await sheet.get_by_role("button", name="病史不详").click()
    await sheet.get_by_role("button", name="退回", exact=True).click()
    await expect(page).to_have_url(re.compile("/worklist"))
    answer = await platform.call("GET", f"/cases/{case['id']}", "clinic1")
    assert (answer["status"], answer["hold_reason"]) == ("on-hold", "病史不详")


async def test_a_critical_value_is_declared_and_told_with_read_back(platform: Platform, sign_in: Visitor) -> None:
    case = await platform.new_case(PATIENTS[7])
    page = await sign_in("imaging.huba")
    await go(page, f"/read/{case['id']}")
    await page.keyboard.press("c")
    await page.locator("[name='sections.findings']").fill("右侧硬膜外血肿。")
    await page.keyboard.press("Escape")
    await page.keyboard.press("!")
    await page.locator("dialog[open]").get_by_role("button", name="急性颅内出血").click()
    await page.locator("dialog[open] [type=submit]").click()
    value = page.locator(".critical")
    await expect(value).to_contain_text(re.compile(r"0:0\d:\d\d"))  # the countdown runs
    await expect(page.locator("[name='sections.findings']")).to_have_value("右侧硬膜外血肿。")
    await value.locator("[name=whom]").fill("陶医生")
    await value.locator("[name=read_back]").check()
    await value.get_by_role("button", name="已通知").click()
    await expect(value).to_contain_text("已通知 陶医生（电话，已复述）")
    found = (await platform.call("GET", f"/cases/{case['id']}/criticals", "clinic1"))["items"][0]
    assert (found["status"], found["told_whom"], found["read_back"]) == ("told", "陶医生", True)


async def test_two_people_sign_at_the_main_hub(platform: Platform, sign_in: Visitor) -> None:
    case = await platform.new_case(PATIENTS[8], modality="PT", body_part="CHEST")  # HUBA does not cover PT
    await platform.write(case["id"], "imaging.main", "右肺结节。", "考虑良性。")
    await platform.sign(case["id"], "imaging.main")
    reviewer, author = await sign_in("imaging2.main"), await sign_in("imaging.main")
    await go(reviewer, "/worklist?view=review")
    await reviewer.locator(f"#case-{case['id']} a").click()
    await reviewer.wait_for_url(f"**/read/{case['id']}*")
    await reviewer.wait_for_selector(READY)
    await expect(reviewer.locator(".report-shown")).to_contain_text("李若冰")
    await expect(reviewer.locator(".report-shown")).to_contain_text("考虑良性。")
    await expect(reviewer.locator("textarea[name='sections.findings']")).to_have_count(0)
    await reviewer.keyboard.press("b")
    await reviewer.locator("dialog[open] textarea").fill("请描述大小。")
    await reviewer.locator("dialog[open] [type=submit]").click()
    await expect(reviewer).to_have_url(re.compile("/worklist|/read/(?!" + case["id"] + ")"))

    await go(author, f"/read/{case['id']}")
    await expect(author.locator(".report .notice")).to_contain_text("请描述大小。")
    await author.locator("[name='sections.findings']").fill("右肺结节，直径 6 mm。")
    await author.keyboard.press("Alt+p")
    await sign(author)
    await expect(author).not_to_have_url(re.compile(f"/read/{case['id']}"))

    await go(reviewer, f"/read/{case['id']}?view=review")
    await expect(reviewer.locator(".report-shown")).to_contain_text("直径 6 mm")
    await expect(reviewer.locator(".result-shown")).to_contain_text("阳性")
    await sign(reviewer)
    await expect(reviewer).not_to_have_url(re.compile(f"/read/{case['id']}"))
    report = await platform.call("GET", f"/cases/{case['id']}/report", "clinic1")
    assert (report["status"], report["author"], report["reviewer"]) == ("final", "imaging.main", "imaging2.main")


async def test_a_released_report_is_amended_and_the_amendment_thrown_away(platform: Platform, sign_in: Visitor) -> None:
    case = await platform.new_case(PATIENTS[9])
    await platform.write(case["id"], "imaging.huba", "未见异常。", "正常。")
    await platform.sign(case["id"], "imaging.huba")
    page = await sign_in("imaging.huba")
    await go(page, f"/read/{case['id']}")
    await page.get_by_role("button", name="修订").click()
    await page.locator("#amend-sheet textarea").fill("更正")
    await page.locator("#amend-sheet [type=submit]").click()
    await expect(page.locator("[name='sections.findings']")).to_have_value("未见异常。")
    await expect(page.locator(".report .notice")).to_contain_text("更正")
    await page.get_by_role("button", name="放弃此版本").click()
    await page.locator("#discard-sheet [type=submit]").click()
    await expect(page.locator(".report-shown")).to_contain_text("正常。")
    assert (await platform.call("GET", f"/cases/{case['id']}/report", "clinic1"))["version"] == 1


async def test_a_prior_is_read_and_compared_side_by_side(platform: Platform, sign_in: Visitor) -> None:
    earlier = await platform.new_case(PATIENTS[10])
    await platform.send(head_series(10, earlier["accession_number"], 3))
    await platform.evidence(earlier["id"], "clinic1", 3)
    await platform.write(earlier["id"], "imaging.huba", "左侧基底节区腔隙灶。", "腔隙性脑梗死。")
    await platform.sign(earlier["id"], "imaging.huba")
    case = await platform.new_case(PATIENTS[10])
    await platform.send(head_series(11, case["accession_number"], 3))
    await platform.evidence(case["id"], "clinic1", 3)
    page = await sign_in("imaging.huba")
    await go(page, f"/read/{case['id']}")
    await shown(page)
    await page.keyboard.press("o")
    await expect(page.locator(".prior-report")).to_contain_text("腔隙性脑梗死。")
    await page.keyboard.press("x")
    await expect(page.locator(".pane[data-state=shown]")).to_have_count(2)


def summary_of_two_pages() -> bytes:
    written = io.BytesIO()
    canvas = Canvas(written)
    for line in ("Discharge summary", "Medication"):
        canvas.drawString(72, 720, line)
        canvas.showPage()
    canvas.save()
    return written.getvalue()


async def test_documents_are_read_page_by_page_beside_the_report(platform: Platform, sign_in: Visitor) -> None:
    case = await platform.new_case(PATIENTS[19], centre="consultation", speciality="CARDIOLOGY")
    page = await sign_in("consult.huba")
    await go(page, f"/read/{case['id']}")
    await expect(page.locator(".reading-request")).to_contain_text("资料未到")
    await platform.attach(case["id"], "clinic1", "病历摘要.pdf", summary_of_two_pages())
    first = page.locator(".paper img").first
    await expect(first).to_be_visible()  # it came while the page was open
    await expect(page.locator(".paper img")).to_have_count(2)
    await expect(first).to_have_js_property("naturalWidth", 1600)
    await expect(page.locator(".reading-request")).not_to_contain_text("资料未到")
    await platform.attach(case["id"], "clinic1", "胸片.png", picture())
    await page.locator(".evidence-tabs [role=tab]").nth(1).wait_for()
    await page.keyboard.press("]")
    await expect(page.locator(".picture img")).to_be_visible()
    await expect(first).to_be_hidden()


def picture() -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(written, "PNG")
    return written.getvalue()


async def test_the_second_window_follows_the_case(platform: Platform, sign_in: Visitor) -> None:
    cases = [await platform.new_case(PATIENTS[index]) for index in (12, 13)]
    page = await sign_in("imaging.huba")
    await go(page, f"/read/{cases[0]['id']}")
    window = await page.context.new_page()
    await window.goto(f"/read/{cases[0]['id']}/images")
    await go(page, f"/read/{cases[1]['id']}")
    await expect(window).to_have_url(re.compile(f"/read/{cases[1]['id']}/images"))
    await platform.send(head_series(13, cases[1]["accession_number"], 2))
    await shown(window)
    await shown(page)


async def test_filters_live_in_the_address_and_are_kept_as_a_view(platform: Platform, sign_in: Visitor) -> None:
    mine = await platform.new_case(PATIENTS[14], modality="DX", body_part="KNEE")
    other = await platform.new_case(PATIENTS[15], modality="CT", body_part="HEAD")
    page = await sign_in("imaging3.huba")
    await page.wait_for_selector(READY)
    await page.locator("select[name=body_part]").select_option("KNEE")
    await expect(page).to_have_url(re.compile("body_part=KNEE"))
    await expect(page.locator(f"#case-{mine['id']}")).to_be_visible()
    await expect(page.locator(f"#case-{other['id']}")).to_have_count(0)
    await page.locator("main .menu > summary").click()
    await page.get_by_placeholder("视图名称").fill("膝关节")
    async with page.expect_navigation():
        await page.get_by_role("button", name="保存为我的视图").click()
    await go(page, "/worklist")
    await page.locator("main .menu > summary").click()
    await page.get_by_role("link", name="膝关节").click()
    await expect(page).to_have_url(re.compile("body_part=KNEE"))
    await page.locator("main .menu > summary").click()
    await page.get_by_role("button", name="删除视图 膝关节").click()
    await expect(page.get_by_role("link", name="膝关节")).to_have_count(0)


async def test_rows_do_not_move_under_the_hand(platform: Platform, sign_in: Visitor) -> None:
    below = await platform.new_case(PATIENTS[16])
    page = await sign_in("imaging.huba")
    await page.wait_for_selector(READY)
    await page.locator(f"#case-{below['id']} td").nth(6).hover()
    above = await platform.new_case(PATIENTS[17], priority="stat")
    await page.get_by_role("button", name=re.compile("项更新")).wait_for()
    await expect(page.locator(f"#case-{above['id']}")).to_have_count(0)
    await page.mouse.move(700, 20)
    await expect(page.locator(f"#case-{above['id']}")).to_be_visible()


async def test_an_empty_tab_says_what_to_do(sign_in: Visitor) -> None:
    page = await sign_in("pathology.hubb")
    await expect(page.locator(".worklist-empty")).to_contain_text("没有待诊断病例。")


@pytest.mark.parametrize(("locale", "theme"), [("zh-CN", "light"), ("en", "dark")])
async def test_pages_fit_and_axe_finds_nothing_serious(platform: Platform, sign_in: Visitor, locale: str, theme: str) -> None:
    case = await platform.new_case(PATIENTS[18], priority="urgent")
    page = await sign_in("imaging.huba", locale=locale, theme=theme)
    for address in ("/worklist", f"/read/{case['id']}"):
        await go(page, address)
        assert await misfits(page) == [], address
        assert grave_findings(await Axe().run(page)) == []
    await page.keyboard.press("c")
    await page.locator("form[data-autosave]").wait_for()
    assert grave_findings(await Axe().run(page)) == []
    await keep_picture(page, f"reading-{locale}-{theme}")


async def test_what_happens_while_the_page_still_loads_is_shown(platform: Platform, sign_in: Visitor) -> None:
    """Its module may come late: nothing is told before it listens."""
    case = await platform.new_case(PATIENTS[11])
    await platform.call("POST", f"/cases/{case['id']}/claim", "imaging.huba", {})
    page, may_go_on = await sign_in("imaging.huba"), asyncio.Event()

    async def hold(route: Route) -> None:
        await may_go_on.wait()
        await route.continue_()

    await page.route("**/js/reading.js*", hold)
    await page.goto(f"{platform.home}/read/{case['id']}", wait_until="commit")
    await page.locator("[data-part=criticals]").wait_for(state="attached")
    await platform.call("POST", f"/cases/{case['id']}/criticals", "imaging.huba", {"finding": "颅内出血"})
    await asyncio.sleep(2)  # the feed has told by now who listened
    may_go_on.set()
    await expect(page.locator(".critical-line")).to_contain_text("颅内出血")

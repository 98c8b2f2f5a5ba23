"""The reading page lists every series for what it is, and shows reports, documents and films; projections say which side is which."""

from __future__ import annotations

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect
from pydicom.uid import generate_uid

from tests.browser import objects_of_a_study as made
from tests.browser.conftest import Visitor
from tests.browser.fit import misfits
from tests.browser.platform import Platform
from tests.browser.soundness import grave_findings
from tests.browser.test_reading import go, keep_picture, shown
from tests.browser.waiting import until

PLAYER = "document.querySelector('.pane-object video')"
READER = "imaging.huba"


@pytest.fixture(scope="module")
async def mixed(platform: Platform) -> str:
    """A case whose study holds one object of each kind."""
    case = await platform.new_case(made.PATIENT)
    study, number = str(generate_uid()), case["accession_number"]
    files = [
        made.chest(study, number), made.mammogram(study, number, "L", 3), made.mammogram(study, number, "R", 4),
        made.report(study, number), made.paper(study, number), made.film(study, number), made.film(study, number, number=14, mpeg2=True),
        made.waveform(study, number), made.presentation(study, number), made.undecodable(study, number),
    ]  # fmt: skip
    for file in files:
        await platform.attach(case["id"], "clinic1", "object.dcm", file)
    await platform.evidence(case["id"], READER, len(files))
    return str(case["id"])


async def open_case(sign_in: Visitor, case_id: str, locale: str = "zh-CN") -> Page:
    page = await sign_in(READER, locale=locale)
    await go(page, f"/read/{case_id}")
    await shown(page)
    return page


async def test_every_series_is_listed_for_what_it_is(sign_in: Visitor, mixed: str) -> None:
    page = await open_case(sign_in, mixed, "en")
    cards = page.locator(".strip-card")
    await expect(cards).to_have_count(10)
    await page.locator(".strip-card", has_text="Damaged").scroll_into_view_if_needed()
    await expect(page.locator(".strip-card", has_text="Damaged").locator(".strip-count")).to_have_text("cannot be shown")
    listed = await page.locator(".strip-count").all_inner_texts()
    assert listed == [
        "1 image", "1 image", "1 image", "Structured report", "Document", "Video", "Video", "Waveform", "Presentation state",
        "cannot be shown",
    ]  # fmt: skip
    broken = "[...document.querySelectorAll('.strip-card img')].filter(each => each.complete && !each.naturalWidth).length"
    assert await page.evaluate(broken) == 0
    await keep_picture(page, "objects-list")


async def test_a_structured_report_is_text(sign_in: Visitor, mixed: str) -> None:
    page = await open_case(sign_in, mixed)
    await page.locator(".strip-card", has_text="Measurements").click()
    text = page.locator(".pane-object .sr")
    await expect(text.locator(".sr-title")).to_have_text("OB-GYN Ultrasound Procedure Report")
    await expect(text.locator(".sr-state")).to_contain_text("2024-01-15 11:30:05 · 已完成 · 未核实")
    await expect(text.locator(".sr-heading")).to_have_text(["Findings", "Conclusion"])
    assert await text.locator(".sr-value").all_inner_texts() == [
        "Biparietal Diameter  91.5 mm", "Placenta  Anterior", "Comment  双顶径正常 <script>alert(1)</script>", "LMP  2023-08-01",
        "Impression  Normal growth.",
    ]  # fmt: skip
    assert grave_findings(await Axe().run(page)) == []
    await keep_picture(page, "objects-report")


async def test_the_pages_of_a_document_are_pictures(sign_in: Visitor, mixed: str) -> None:
    page = await open_case(sign_in, mixed)
    await page.locator(".strip-card", has_text="Summary").click()
    pages = page.locator(".object-pages img")
    await expect(pages).to_have_count(2)
    await until(page, "document.querySelector('.object-pages img').naturalWidth === 1600")
    await keep_picture(page, "objects-document")


async def test_a_film_plays_and_is_fetched_in_parts(sign_in: Visitor, mixed: str) -> None:
    page = await open_case(sign_in, mixed)
    async with page.expect_response(lambda answer: "/bulkdata/7FE00010" in answer.url) as fetched:
        await page.locator(".strip-card", has_text="Endoscopy").click()
    answer = await fetched.value
    assert answer.status == 206
    assert answer.headers["content-type"].split(";")[0] == "video/mp4"
    await until(page, f"{PLAYER}.readyState >= 2")
    assert await page.evaluate(f"[{PLAYER}.videoWidth, {PLAYER}.duration]") == [16, 2]
    await page.keyboard.press("Space")
    await until(page, f"{PLAYER}.currentTime > 0.3")
    await keep_picture(page, "objects-film")
    await page.keyboard.press("ArrowRight")
    await expect(page.locator(".pane-object")).to_contain_text("MPEG-2")
    async with page.expect_download() as begun:
        await page.locator(".pane-object a[download]").first.click()
    assert (await begun.value).suggested_filename.endswith(".mp4")


async def test_what_this_viewer_cannot_show_says_so_and_can_be_fetched(sign_in: Visitor, mixed: str) -> None:
    page = await open_case(sign_in, mixed)
    for words, sentence in (("12 leads", "波形"), ("As the author saw it", "呈现状态")):
        await page.locator(".strip-card", has_text=words).click()
        await expect(page.locator(".pane-object")).to_contain_text(sentence)
        async with page.expect_download() as begun:
            await page.locator(".pane-object a[download]").last.click()
        assert (await begun.value).suggested_filename.endswith(".dcm")
    await keep_picture(page, "objects-waveform")
    await page.locator(".strip-card").first.click()
    await shown(page)
    await expect(page.locator(".pane-object")).to_have_count(0)


async def test_a_projection_has_its_letters_and_they_turn_with_it(sign_in: Visitor, mixed: str) -> None:
    page = await open_case(sign_in, mixed)

    async def edges() -> list[str]:
        pane = page.locator(".pane:not([hidden])").first
        return [await pane.locator(f".edge-{side}").inner_text() for side in ("top", "right", "bottom", "left")]

    await page.locator(".strip-card", has_text="PA").first.click()
    await shown(page)
    assert await edges() == ["H", "L", "F", "R"]
    await page.keyboard.press("t")
    await expect(page.locator(".pane .edge-top").first).to_have_text("R")
    assert await edges() == ["R", "H", "L", "F"]
    await page.keyboard.press("h")
    await expect(page.locator(".pane .edge-top").first).to_have_text("L")
    assert await edges() == ["L", "H", "R", "F"]


async def test_a_mammogram_says_side_and_view(sign_in: Visitor, mixed: str) -> None:
    page = await open_case(sign_in, mixed)
    names = await page.locator(".strip-name").all_inner_texts()
    assert names[1].startswith("L CC MG")
    assert names[2].startswith("R CC MG")
    await page.locator(".strip-card", has_text="R CC").click()
    await shown(page)
    await expect(page.locator(".pane .corner-top-right").first).to_contain_text("R CC")
    await keep_picture(page, "objects-mammogram")


async def test_true_pixels_on_a_key(sign_in: Visitor, mixed: str) -> None:
    page = await open_case(sign_in, mixed, "en")
    corner = page.locator(".pane .corner-bottom-right").first
    await expect(corner).to_contain_text("fit ")
    await page.keyboard.press("9")
    await expect(corner).to_contain_text("1:1 100 %")
    await page.keyboard.press("+")
    await expect(corner).to_contain_text("120 %")
    await page.keyboard.press("0")
    await expect(corner).to_contain_text("fit ")


async def test_the_page_with_such_objects_fits(sign_in: Visitor, mixed: str) -> None:
    page = await open_case(sign_in, mixed)
    await page.locator(".strip-card", has_text="Measurements").click()
    assert await misfits(page) == []

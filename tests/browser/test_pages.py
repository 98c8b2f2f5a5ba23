"""Sign-in, the parts that pages are made of, themes and languages, as a browser shows them."""

from __future__ import annotations

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from tests.browser.fit import misfits
from tests.browser.soundness import grave_findings
from tests.browser.waiting import until


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("address", ["/login", "/gallery", "/worklist", "/read", "/new"])
async def test_axe_finds_nothing_serious(page: Page, home: str, address: str, theme: str) -> None:
    await page.context.add_cookies([{"name": "theme", "value": theme, "url": home}])
    await page.goto(address)
    await page.wait_for_selector("html[data-ready]")
    assert grave_findings(await Axe().run(page)) == []


async def test_pages_fit_a_small_screen(page: Page) -> None:
    for address in ("/login", "/gallery", "/worklist", "/read", "/new"):
        for language in ("zh-CN", "en"):
            await page.goto(f"{address}?lang={language}")
            assert await misfits(page) == [], (address, language)


async def test_thirty_rows_stand_on_one_screen(page: Page) -> None:
    await page.goto("/worklist")
    bottoms = await page.eval_on_selector_all("tbody tr", "rows => rows.map(row => row.getBoundingClientRect().bottom)")
    assert len([bottom for bottom in bottoms if bottom <= 768]) == 30


async def test_the_browser_chooses_the_language_and_the_address_overrules_it(browser: Browser, home: str) -> None:
    context = await browser.new_context(locale="en-GB", base_url=home)
    page = await context.new_page()
    await page.goto("/login")
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    await page.goto("/login?lang=zh-CN")
    await expect(page.get_by_role("button", name="登录")).to_be_visible()
    await page.goto("/login")  # the choice was remembered
    await expect(page.get_by_role("button", name="登录")).to_be_visible()
    await page.get_by_role("link", name="English").click()
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    await context.close()


async def test_a_dark_theme_is_chosen_and_kept(page: Page) -> None:
    await page.goto("/worklist")
    await page.click(".menu > summary")
    await page.click("[data-theme-set=dark]")
    assert await page.get_attribute("html", "data-bs-theme") == "dark"
    await page.goto("/gallery")
    assert await page.get_attribute("html", "data-bs-theme") == "dark"


async def test_the_person_menu_closes_by_a_press_elsewhere_and_by_escape(page: Page) -> None:
    await page.goto("/gallery")
    for close in ("click", "Escape"):
        await page.click(".menu > summary")
        await expect(page.locator(".menu-sheet")).to_be_visible()
        await (page.click("h1") if close == "click" else page.keyboard.press(close))
        await expect(page.locator(".menu-sheet")).to_be_hidden()


async def test_state_is_never_colour_alone(page: Page) -> None:
    await page.goto("/gallery")
    badges = page.locator(".state, .clock:not(.clock-stopped), .priority-stat")
    for badge in await badges.all():
        assert (await badge.inner_text()).strip()
        assert await badge.locator("svg").count() == 1


async def test_a_form_shows_what_was_typed_and_the_error_beside_it(page: Page) -> None:
    await page.goto("/gallery?lang=en")
    field = page.locator("[data-field='request.reason']")
    assert await field.locator("textarea").input_value() == "<b>pain</b>"
    await expect(field).to_contain_text("Too short")
    described = await field.locator("textarea").get_attribute("aria-describedby") or ""
    assert await page.locator(f"#{described.split()[-1]}").inner_text() == "Too short"
    assert await field.locator("textarea").evaluate("area => area.required")


async def test_printing_leaves_the_frame_out_and_opens_the_tables(page: Page) -> None:
    await page.goto("/gallery")
    await page.emulate_media(media="print")
    await expect(page.locator(".bar")).to_be_hidden()
    await expect(page.locator(".chart table")).to_be_visible()
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


async def test_icons_are_found(page: Page) -> None:
    await page.goto("/gallery")
    icons = page.locator("main svg.icon:visible use")
    assert await icons.count() > 20
    await until(page, "[...document.querySelectorAll('main svg.icon use')].every(use => !use.checkVisibility() || use.getBBox().width > 0)")

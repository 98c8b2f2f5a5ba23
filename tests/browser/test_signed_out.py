"""A session that ends while somebody fills in a form: it is said, and they sign in again without leaving."""

from __future__ import annotations

from playwright.async_api import expect

from telemed.demo.region import PASSWORD
from tests.browser.conftest import Visitor
from tests.browser.fit import misfits
from tests.browser.test_reading import keep_picture


async def test_a_form_says_that_one_is_signed_out_and_signs_in_in_place(sign_in: Visitor) -> None:
    page = await sign_in("clinic1")
    await page.goto("/cases/new/imaging")
    await page.wait_for_selector("html[data-ready]")
    await page.context.clear_cookies()
    await page.fill("[name='patient.name']", "张建国")
    banner = page.locator(".signed-out")
    await expect(banner).to_contain_text("登录已失效")
    await keep_picture(page, "signed-out")
    assert await misfits(page) == []
    await banner.get_by_role("button", name="重新登录").click()
    sheet = page.locator("dialog[open]")
    await expect(sheet.locator("[name=username]")).to_have_value("clinic1")
    await sheet.locator("[name=password]").fill("wrong")
    await page.keyboard.press("Enter")
    await expect(sheet.locator("[role=alert]")).to_contain_text("密码")
    await keep_picture(page, "signed-out-sheet")
    await sheet.locator("[name=password]").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(banner).to_have_count(0)
    assert await page.input_value("[name='patient.name']") == "张建国"
    async with page.expect_response(lambda answer: answer.url.endswith("/api/v1/cases")) as saved:
        await page.locator("[data-save]").click()
    assert (await saved.value).status == 201

"""One's own password and second factors in a browser: an app's codes, a passkey of Chromium's virtual authenticator, recovery codes."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.async_api import Browser, Page, expect

from telemed import bootstrap
from telemed.adapters.database import tables as t
from telemed.settings import Settings
from tests.browser.conftest import PATIENCE
from tests.browser.soundness import sound
from tests.browser.test_reading import keep_picture
from tests.demo_region import PASSWORD, DemoRegion, free_port, served
from tests.telemed.api.factors import code_of, set_person

NEW = "correct horse battery"


@pytest.fixture
async def region(tmp_path: Path, region_database: Path) -> AsyncIterator[DemoRegion]:
    """Reached as localhost, where passkeys may be made."""
    port = free_port()
    settings = Settings(data_dir=tmp_path, http_port=port, public_url=f"http://localhost:{port}")
    shutil.copyfile(region_database, tmp_path / "telemed.db")
    async with bootstrap.open_parts(settings) as parts, served(parts) as running:
        yield running


async def visitor(browser: Browser, region: DemoRegion, locale: str) -> Page:
    context = await browser.new_context(viewport={"width": 1366, "height": 768}, locale=locale, base_url=region.home)
    context.set_default_timeout(PATIENCE)
    return await context.new_page()


async def sign_in(page: Page, username: str, password: str = PASSWORD, following: str = "") -> None:
    await page.goto(f"/login?next={following}")
    await page.fill("#username", username)
    await page.fill("#password", password)
    await page.keyboard.press("Enter")


async def ready(page: Page, address: str) -> None:
    await page.wait_for_url(f"**{address}")
    await page.wait_for_selector("html[data-ready]")


async def test_the_first_password_is_changed_and_one_goes_where_one_wanted(browser: Browser, region: DemoRegion) -> None:
    await set_person(region, "clinic1", must_change_password=True)
    page = await visitor(browser, region, "zh-CN")
    await sign_in(page, "clinic1", following="/cases%3Fview=done")
    await ready(page, "/me/security?next=**")
    await expect(page.get_by_text("请先更改密码。在此之前其他功能不开放")).to_be_visible()
    await keep_picture(page, "security-first-zh")
    await sound(page)
    await page.get_by_label("当前密码").fill(PASSWORD)
    await page.get_by_label("新密码", exact=True).fill("telemed1")
    await page.get_by_label("再次输入新密码").fill("telemed2")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator('[data-field="again"] .field-error')).to_contain_text("两次输入不一致")
    await page.get_by_label("再次输入新密码").fill("telemed1")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator('[data-field="new"] .field-error')).to_contain_text("含有在此容易猜到的词")
    await keep_picture(page, "security-faults-zh")
    await page.get_by_label("新密码", exact=True).fill(NEW)
    await page.get_by_label("再次输入新密码").fill(NEW)
    await page.keyboard.press("Control+Enter")
    await page.wait_for_url("**/cases?view=done")


async def test_an_app_is_set_up_by_its_qr_and_asked_for(browser: Browser, region: DemoRegion) -> None:
    page = await visitor(browser, region, "en")
    await sign_in(page, "lab.main", following="/me/security")
    await ready(page, "/me/security")
    await keep_picture(page, "security-none-en")
    await sound(page)
    await page.get_by_text("Set up the app").click()
    await page.fill("#totp-password", PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-totp-picture] svg")).to_be_visible()
    await keep_picture(page, "security-qr-en")
    await sound(page)
    secret = await page.locator("[data-totp-secret]").inner_text()
    await page.fill("#totp-code", code_of(secret))
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-recovery-list] li")).to_have_count(10)
    await keep_picture(page, "security-codes-en")
    await sound(page)
    first = await page.locator("[data-recovery-list] li").first.inner_text()
    await page.get_by_role("link", name="I have kept them").click()
    await ready(page, "/me/security")
    await expect(page.get_by_text("asked for at each sign-in")).to_be_visible()
    await page.context.clear_cookies()
    await sign_in(page, "lab.main", following="/notices")
    await ready(page, "/login/factor?next=**")
    await keep_picture(page, "factor-en")
    await sound(page)
    await page.fill("#code", first)
    await page.keyboard.press("Enter")
    await ready(page, "/notices")
    await expect(page.get_by_text("A recovery code of yours was used to sign in")).to_be_visible()
    await keep_picture(page, "notices-account-en")
    await sound(page)


async def test_a_passkey_is_made_used_and_refused_when_it_is_a_copy(browser: Browser, region: DemoRegion) -> None:
    page = await visitor(browser, region, "zh-CN")
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasUserVerification": True, "isUserVerified": True}
    await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options | {"automaticPresenceSimulation": True}})
    await sign_in(page, "lab.main", following="/me/security")
    await ready(page, "/me/security")
    await page.get_by_text("添加通行密钥").click()
    await page.fill("#passkey-name", "工作站")
    await page.fill("#passkey-password", PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-recovery-list] li")).to_have_count(10)
    await page.get_by_role("link", name="我已保存").click()
    await ready(page, "/me/security")
    await expect(page.get_by_text("工作站")).to_be_visible()
    await keep_picture(page, "security-passkey-zh")
    await sound(page)
    await page.context.clear_cookies()
    await sign_in(page, "lab.main", following="/me/security")
    await ready(page, "/login/factor?next=**")
    await keep_picture(page, "factor-passkey-zh")
    await sound(page)
    await page.get_by_role("button", name="使用通行密钥").click()
    await ready(page, "/me/security")

    async with region.parts.application.engine.begin() as connection:  # another copy of the key has signed more often
        await connection.execute(sa.update(t.passkey).values(sign_count=1000))
    await page.context.clear_cookies()
    await sign_in(page, "lab.main", following="/me/security")
    await ready(page, "/login/factor?next=**")
    await page.get_by_role("button", name="使用通行密钥").click()
    await expect(page.locator("[data-passkey-problem]")).to_contain_text("通行密钥未能通过验证")


async def test_lost_factors_are_asked_for_and_confirmed(browser: Browser, region: DemoRegion) -> None:
    begun = await region.call("POST", "/api/v1/me/totp", {"password": PASSWORD}, user="lab.main")
    code = code_of(begun.body["secret"])
    assert (await region.call("POST", "/api/v1/me/totp/confirm", {"code": code}, user="lab.main")).status == 200
    asking = await visitor(browser, region, "zh-CN")
    await sign_in(asking, "secadmin", following="/recoveries")
    await ready(asking, "/recoveries")
    await keep_picture(asking, "recoveries-empty-zh")
    await sound(asking)
    await asking.fill("#username", "lab.main")
    await asking.fill("#reason", "手机丢失，已当面核实工作证")
    await asking.keyboard.press("Control+Enter")
    await expect(asking.get_by_text("待确认")).to_be_visible()
    await sound(asking)
    confirming = await visitor(browser, region, "en")
    await sign_in(confirming, "sysadmin", following="/recoveries")
    await ready(confirming, "/recoveries")
    await keep_picture(confirming, "recoveries-waiting-en")
    await sound(confirming)
    await confirming.get_by_role("button", name="Confirm for").click()
    await expect(confirming.get_by_text("factors removed")).to_be_visible()
    await keep_picture(confirming, "recoveries-done-en")


async def test_other_sessions_are_seen_and_ended(browser: Browser, region: DemoRegion) -> None:
    await region.token("lab.main")
    page = await visitor(browser, region, "en")
    await sign_in(page, "lab.main", following="/me/security")
    await ready(page, "/me/security")
    sessions = page.get_by_role("region", name="Your sessions")
    await expect(sessions.locator("li")).to_have_count(2)
    await expect(sessions.locator("li").first).to_contain_text("this session")
    await page.locator("#sessions-head").scroll_into_view_if_needed()
    await keep_picture(page, "security-sessions-en")
    await sessions.get_by_role("button", name="End all others").click()
    await expect(page.get_by_text("You are signed in nowhere else.")).to_be_visible()
    assert (await region.call("GET", "/api/v1/me", user="lab.main")).status == 401

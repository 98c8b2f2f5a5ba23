"""The security administrator makes, invites, changes, closes; the invited sign in; who leaves hands over; a list is imported."""

from __future__ import annotations

import asyncio
from pathlib import Path

from playwright.async_api import Browser, expect

from telemed.demo.people import PATIENTS
from tests.browser.conftest import Visitor
from tests.browser.platform import COLLEAGUE, Platform
from tests.browser.soundness import opened, sound
from tests.browser.test_reading import keep_picture

SECRET = "蓝天-白云-2026"


async def test_from_a_new_account_to_the_day_when_somebody_leaves(platform: Platform, sign_in: Visitor, browser: Browser) -> None:
    page = await sign_in("secadmin")
    await opened(page, "/accounts")
    await keep_picture(page, "accounts-list")
    await sound(page)

    # Made: faults stand at their fields, then there is a link.
    await page.keyboard.press("n")
    await page.wait_for_url("**/accounts/new")
    await page.wait_for_selector("html[data-ready]")
    await page.get_by_label("用户名").fill("Wang")
    await page.keyboard.press("Control+Enter")
    for name, words in (("username", "小写字母"), ("name", "必须填写"), ("institution", "必须填写"), ("roles", "至少选一个")):
        await expect(page.locator(f'[data-field="{name}"] .field-error')).to_contain_text(words)
    await keep_picture(page, "accounts-faults")
    await sound(page)
    await page.get_by_label("用户名").fill("wang.li")
    await page.locator("input[name=name]").fill("王莉")
    await page.select_option("[name=institution]", "HUBA")
    await page.locator('[name=roles][value="specialist"]').check()
    await page.locator('[name=centres][value="imaging"]').check()
    await page.keyboard.press("Control+Enter")
    link = page.locator("[data-invitation-link]")
    await expect(link).to_be_visible()
    address = await link.input_value()
    await keep_picture(page, "accounts-invitation")
    await sound(page)

    # Invited: a browser without a history chooses the password, and signs in with it.
    context = await browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN", base_url=platform.home)
    guest = await context.new_page()
    await guest.goto(address)
    await keep_picture(guest, "invitation")
    await sound(guest)
    await guest.get_by_label("新密码").fill(SECRET)
    await guest.get_by_label("再输一次").fill("别的密码-2026")
    await guest.get_by_role("button", name="确定").click()
    await expect(guest.get_by_role("alert")).to_contain_text("两次输入不一致")
    await guest.get_by_label("新密码").fill(SECRET)
    await guest.get_by_label("再输一次").fill(SECRET)
    await guest.get_by_role("button", name="确定").click()
    await expect(guest.get_by_role("status").first).to_contain_text("密码已设置")
    await keep_picture(guest, "invitation-done")
    await guest.goto(address)
    await expect(guest.get_by_role("alert")).to_contain_text("不能使用")
    await keep_picture(guest, "invitation-used")
    await sound(guest)
    await guest.goto("/login")
    await guest.get_by_label("用户名").fill("wang.li")
    await guest.get_by_label("密码").fill(SECRET)
    await guest.get_by_role("button", name="登录").click()
    await guest.wait_for_url("**/worklist*")

    # At work: a case is claimed.
    case = await platform.new_case(PATIENTS[7])
    async with platform.session.post(f"{platform.home}/api/v1/login", json={"username": "wang.li", "password": SECRET}) as answer:
        platform.tokens["wang.li"] = (await answer.json())["token"]
    await platform.call("POST", f"/cases/{case['id']}/claim", "wang.li", {})

    # Found by keyboard, changed, and the sessions seen.
    await opened(page, "/accounts?q=wang.li")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/accounts/wang.li")
    await page.wait_for_selector("html[data-ready]")
    await expect(page.get_by_role("region", name="会话")).to_contain_text("127.0.0.1")
    await expect(page.get_by_role("region", name="离岗")).to_contain_text("1 例未完成病例")
    await keep_picture(page, "account")
    await sound(page)
    await page.get_by_label("职称").fill("主任医师")
    await page.keyboard.press("Control+Enter")
    await page.wait_for_url("**/accounts")
    await opened(page, "/accounts/wang.li")
    await expect(page.get_by_label("职称")).to_have_value("主任医师")

    # Switched off and on again.
    await page.get_by_role("button", name="停用").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("已停用")
    await guest.goto("/worklist")
    await expect(guest).to_have_url(f"{platform.home}/login?next=/worklist")
    await page.get_by_role("button", name="启用").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("正常")

    # Leaves: the case goes to the colleague.
    await page.wait_for_selector("html[data-ready]")
    await page.select_option("[name=colleague]", COLLEAGUE.username)
    await page.get_by_role("button", name="办理王莉离岗").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("已停用")
    await expect(page.get_by_role("region", name="离岗")).to_contain_text("没有遗留病例")
    await keep_picture(page, "account-left")
    now = await platform.call("GET", f"/cases/{case['id']}", COLLEAGUE.username)
    assert now["claimed_by"] == COLLEAGUE.username
    await context.close()


async def test_in_english_on_every_screen(platform: Platform, sign_in: Visitor) -> None:
    page = await sign_in("secadmin", locale="en")
    for address, name in (("/accounts", "accounts-en"), ("/accounts/new", "accounts-new-en"), ("/accounts/imaging.huba", "account-en"),
                          ("/accounts/secadmin", "account-own-en"), ("/accounts/import", "accounts-import-en"),
                          ("/accounts?q=nobody-is-called-so", "accounts-none-en")):  # fmt: skip
        await opened(page, address)
        await keep_picture(page, name)
        await sound(page)


async def test_a_list_is_looked_at_mended_and_taken_over(sign_in: Visitor, tmp_path: Path) -> None:
    page = await sign_in("secadmin")
    await opened(page, "/accounts/import")
    await keep_picture(page, "accounts-import")
    await sound(page)
    list_ = tmp_path / "people.csv"
    list_.write_text("用户名,姓名,机构,角色,中心\nqian.yi,钱一,HUBB,诊断医生,影像\nSUN ER,孙二,HUBB,诊断医生,\n", "gb18030")
    await page.set_input_files("input[type=file]", list_)
    await page.get_by_role("button", name="预览").click()
    row = page.locator(".import-rows tbody tr").first
    await expect(row).to_contain_text("用户名 须为")
    await expect(row).to_contain_text("3")
    await expect(page.get_by_role("button", name="确认导入")).to_be_hidden()
    await keep_picture(page, "accounts-import-faults")
    await sound(page)

    list_.write_text("用户名,姓名,机构,角色,中心\nqian.yi,钱一,HUBB,诊断医生,影像\nsun.er,孙二,HUBB,诊断医生,心电\n", "utf-8-sig")
    await page.set_input_files("input[type=file]", list_)
    await page.get_by_role("button", name="预览").click()
    await expect(page.locator("[data-import-summary]")).to_contain_text("新 2")
    await page.get_by_role("button", name="确认导入").click()
    links = page.locator("[data-import-invitations] tbody tr")
    await expect(links).to_have_count(2)
    await expect(links.first).to_contain_text("/invitation/")
    await keep_picture(page, "accounts-import-links")
    await sound(page)
    async with page.expect_download() as saved:
        await page.get_by_role("button", name="存为 CSV").click()
    text = await asyncio.to_thread(Path(await (await saved.value).path()).read_text, "utf-8-sig")
    assert text.count("/invitation/") == 2
    assert text.startswith('"账号","姓名","机构","邀请链接"')

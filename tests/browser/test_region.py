"""Institutions, hubs, duty and the region's file in the browser, by mouse and by keyboard."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visitor
from tests.browser.fit import misfits
from tests.browser.platform import Platform
from tests.browser.soundness import opened, sound
from tests.browser.test_reading import keep_picture


async def test_a_new_member_is_entered_with_its_hubs_and_faults_stand_at_their_fields(platform: Platform, sign_in: Visitor) -> None:
    page = await sign_in("sysadmin", locale="en")
    await opened(page, "/institutions")
    await keep_picture(page, "region-institutions")
    await sound(page)
    await page.keyboard.press("n")
    await page.wait_for_url("**/institutions/new")
    await page.wait_for_selector("html[data-ready]")
    await page.get_by_label("Code", exact=False).first.fill("NEW|1")
    await page.locator("[name=name]").fill("城南诊所")
    await page.locator("[name=contacts]").fill("马俊杰, 负责人, none")
    await page.locator("[name='homes.ecg'][value=HUBB]").check()
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("[data-field=code] [data-error-text]")).to_contain_text("cannot be a code")
    await expect(page.locator("[data-field=contacts] [data-error-text]")).to_contain_text("no telephone number")
    await keep_picture(page, "region-institution-faults")
    await sound(page)
    await page.locator("[name=code]").fill("NEW1")
    await page.locator("[name=contacts]").fill("马俊杰，负责人，000-0000-2041")
    await page.keyboard.press("Control+Enter")
    await page.wait_for_url("**/institutions")
    await expect(page.locator("[data-row]", has_text="NEW1")).to_contain_text("000-0000-2041")
    kept = await platform.call("GET", "/institutions/NEW1", "sysadmin")
    assert kept["homes"] == {"ecg": "HUBB"}
    await page.wait_for_selector("html[data-ready]")
    row = page.locator("[data-row]", has_text="NEW1")
    await row.get_by_role("button", name="Switch off NEW1").click()
    await expect(row).to_contain_text("switched off")
    await page.get_by_role("button", name="Undo").click()
    await expect(row.locator(".state.tone-done")).to_be_visible()


async def test_the_duty_of_a_hub_is_shown_for_two_weeks(platform: Platform, sign_in: Visitor) -> None:
    page = await sign_in("operator", locale="en")
    await opened(page, "/hubs")
    await keep_picture(page, "region-hubs")
    await sound(page)
    await opened(page, "/hubs/edit?hub=HUBB&centre=pathology")
    await page.locator("[name=duty]").fill("mon-fri 8:00")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("[data-field=duty] [data-error-text]")).to_contain_text("no duty period")
    await page.locator("[name=duty]").fill("mon-fri 08:00-17:30\nsat 08:00-12:00")
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_url("**/hubs")
    await opened(page, "/hubs/edit?hub=HUBB&centre=pathology")
    await expect(page.locator(".duty-weeks td")).to_have_count(14)
    await expect(page.locator(".duty-weeks td.duty-none")).to_have_count(2)  # two Sundays
    await keep_picture(page, "region-hub")
    await sound(page)
    kept = await platform.call("GET", "/hubs/HUBB/pathology", "operator")
    assert kept["duty"] == ["mon-fri 08:00-17:30", "sat 08:00-12:00"]


async def test_a_day_is_entered_and_taken_out(platform: Platform, sign_in: Visitor) -> None:
    page = await sign_in("operator", locale="en")
    await opened(page, "/hubs")
    await page.locator("[name=date]").fill("2027-10-01")
    await page.locator("[name=name]").fill("国庆节")
    await page.get_by_role("button", name="Enter the day").click()
    line = page.locator("li", has_text="国庆节")
    await expect(line).to_contain_text("As on a Sunday")
    await page.wait_for_selector("html[data-ready]")
    await line.get_by_role("button", name="Remove 2027-10-01").click()
    await expect(line).to_have_count(0)
    assert (await platform.call("GET", "/holidays", "operator"))["items"] == []


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_a_file_is_tried_before_it_is_taken(tmp_path: Path, sign_in: Visitor, language: str) -> None:
    page = await sign_in("operator", locale=language)
    await opened(page, "/region")
    await sound(page)
    async with page.expect_download() as waiting:
        await page.locator("a[download]").click()
    text = (await asyncio.to_thread(Path(await (await waiting.value).path()).read_bytes)).decode()
    wrong, changed = tmp_path / "wrong.toml", tmp_path / "changed.toml"
    wrong.write_text(text.replace('parent = "MAIN"', 'parent = "HUBA"', 1), encoding="utf-8")
    changed.write_text(re.sub(r"000-0000-30\d+", f"000-0000-30{len(language)}1", text), encoding="utf-8")
    await page.set_input_files("#region-file", wrong)
    await expect(page.locator("[data-region-answer]")).to_contain_text("HUBA")
    await expect(page.locator("[data-region-take]")).to_be_hidden()
    await keep_picture(page, f"region-file-wrong-{language}")
    await page.set_input_files("#region-file", changed)
    await expect(page.locator("[data-region-answer] li")).to_have_count(1)
    await keep_picture(page, f"region-file-tried-{language}")
    await sound(page)
    await page.locator("[data-region-take]").click()
    await expect(page.locator("[data-region-answer] .tone-done")).to_be_visible()


async def test_the_demo_says_that_it_is_one(sign_in: Visitor) -> None:
    page = await sign_in("operator", locale="en")
    await opened(page, "/network?view=hubs")
    await expect(page.locator(".demonstration")).to_contain_text("Demo")
    assert await misfits(page) == []
    await page.context.clear_cookies()
    await opened(page, "/login")
    await expect(page.locator(".demonstration-notice")).to_contain_text("the passwords are published")
    assert await misfits(page) == []

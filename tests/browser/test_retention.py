"""Retention in a browser: what is due is asked for, confirmed by another, erased; what is held; what the public page says then."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.async_api import Browser, expect

from telemed.adapters.database import tables as t
from telemed.adapters.retention.findings import REPORT, name_digest
from tests.browser.soundness import sound
from tests.browser.test_own_security import ready, sign_in, visitor
from tests.browser.test_reading import keep_picture
from tests.demo_region import DemoRegion, new_case, running_region


@pytest.fixture
async def region(tmp_path: Path, region_database: Path) -> AsyncIterator[DemoRegion]:
    async with running_region(tmp_path, region_database) as running:
        yield running


async def old_case(region: DemoRegion, name: str, days: int = 366 * 31) -> str:
    """A draft that was made long ago and never sent."""
    case_id = await new_case(region, name=name)
    async with region.parts.application.engine.begin() as connection:
        then = region.parts.application.now() - timedelta(days=days)
        await connection.execute(sa.update(t.case).where(t.case.c.id == case_id).values(created_at=then, submitted_at=None))
        await connection.execute(sa.update(t.case).where(t.case.c.id == case_id).values(status="cancelled"))
    return case_id


async def test_two_people_erase_what_is_due(browser: Browser, region: DemoRegion) -> None:
    asking = await visitor(browser, region, "zh-CN")
    await sign_in(asking, "sysadmin", following="/retention")
    await ready(asking, "/retention")
    await expect(asking.get_by_text("没有期满的记录")).to_be_visible()
    await sound(asking)
    await keep_picture(asking, "retention-empty-zh")
    for number, name in enumerate(("王芳", "李强")):
        await old_case(region, name, 366 * (31 + number))
    await asking.reload()
    await keep_picture(asking, "retention-due-zh")
    await sound(asking)
    await asking.fill("#reason-case", "保存期满，按年度计划销毁")
    await asking.locator("#reason-case").press("Enter")
    await expect(asking.get_by_text("待确认").or_(asking.get_by_text("等待至")).first).to_be_visible()
    await sound(asking)
    confirming = await visitor(browser, region, "en")
    await sign_in(confirming, "secadmin", following="/retention")
    await ready(confirming, "/retention")
    await keep_picture(confirming, "retention-asked-en")
    await sound(confirming)
    await confirming.get_by_role("button", name="Confirm: erase 1 for ever").click()
    await expect(confirming.get_by_text("being erased: 0 of 1")).to_be_visible()
    await region.work()
    await confirming.reload()
    await expect(confirming.get_by_text("erased: 1")).to_be_visible()
    await keep_picture(confirming, "retention-done-en")
    await sound(confirming)


async def test_the_operator_holds_and_lifts(browser: Browser, region: DemoRegion) -> None:
    case_id = await old_case(region, "赵敏")
    number = (await region.call("GET", f"/api/v1/cases/{case_id}", user="clinic1")).body["accession_number"]
    page = await visitor(browser, region, "zh-CN")
    await sign_in(page, "operator", following="/retention")
    await ready(page, "/retention")
    await page.fill("#hold-number", "NONE")
    await page.fill("#hold-reason", "医疗纠纷，法院来函")
    await page.locator("#hold-reason").press("Enter")
    await expect(page.locator("[data-problem]:visible")).to_be_visible()
    await page.fill("#hold-number", number)
    await page.locator("#hold-reason").press("Enter")
    await expect(page.get_by_text("直至解除", exact=True)).to_be_visible()
    await keep_picture(page, "retention-held-zh")
    await sound(page)
    refused = {"kind": "case", "subjects": [case_id], "reason": "x"}
    answer = await region.call("POST", "/api/v1/retention/erasures", refused, user="sysadmin", headers={"Accept-Language": "en"})
    assert (answer.status, answer.body["type"]) == (409, "/problems/under-hold")
    assert "under hold" in answer.body["detail"]
    await page.get_by_text("解除", exact=True).click()
    await page.locator(".menu[open] input[name=reason]").fill("判决已生效")
    await page.get_by_role("button", name="解除冻结").click()
    await expect(page.get_by_text("没有被冻结的记录")).to_be_visible()


async def test_the_public_page_says_that_a_report_was_erased(browser: Browser, region: DemoRegion) -> None:
    code, now = "ABCDEFGHJKLM", region.parts.application.now()
    request = {"id": "r", "kind": "case", "asked_by": "sysadmin", "asked_at": now, "reason": "x", "records": 1, "state": "done"}
    stone = {"id": "e", "request_id": "r", "kind": "case", "subject": "0" * 32, "member": "CLINIC1", "centre": "", "kept_until": now.date()}
    name = {"kind": REPORT, "digest": name_digest(code), "erasure_id": "e", "content_sha256": "ab" * 32}
    async with region.parts.application.engine.begin() as connection:
        await connection.execute(sa.insert(t.erasure_request).values(request))
        await connection.execute(sa.insert(t.erasure).values(stone | {"state": "done", "erased_at": now, "counts": {}, "digest": ""}))
        await connection.execute(sa.insert(t.erased_name).values(name))
    for locale, words in (("zh-CN", "保存期满后销毁"), ("en", "after its period of retention")):
        page = await visitor(browser, region, locale)
        answer = await page.goto(f"/verify/{code}")
        assert answer is not None
        assert answer.status == 410
        await expect(page.get_by_text(words)).to_be_visible()
        await expect(page.locator("[data-digest]")).to_have_text("ab" * 32)
        await keep_picture(page, f"retention-verify-{locale}")
        await sound(page)

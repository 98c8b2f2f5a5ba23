"""Open lists of a running platform, whose rows come by the live feed and are not asked for."""

from __future__ import annotations

from playwright.async_api import Request, expect

from telemed.demo.people import PATIENTS
from tests.browser.conftest import Visitor
from tests.browser.platform import Platform


async def test_a_row_comes_changes_and_goes_without_being_asked_for(platform: Platform, sign_in: Visitor) -> None:
    reader, clinic = await sign_in("imaging.huba"), await sign_in("clinic1")
    asked: list[str] = []

    def note(request: Request) -> None:
        if "/rows" in request.url or "/counts" in request.url:
            asked.append(request.url)

    for page, path in ((reader, "/worklist?view=unclaimed"), (clinic, "/cases")):
        page.on("request", note)
        await page.goto(path)
        await page.wait_for_selector("html[data-ready]")
        await page.mouse.move(5, 5)
    case = await platform.new_case(PATIENTS[7], priority="stat")
    row = f"#case-{case['id']}"
    await expect(reader.locator(row)).to_be_visible()
    await expect(clinic.locator(f"[data-live-rows='/cases/rows?view=running'] {row}")).to_be_visible()
    figure = reader.locator("[data-count='/worklist?view=unclaimed']").first
    before = int(await figure.inner_text())
    await platform.call("POST", f"/cases/{case['id']}/claim", "imaging.huba", {})
    await expect(reader.locator(row)).to_have_count(0)
    await expect(figure).to_have_text(str(before - 1))
    await platform.call("POST", f"/cases/{case['id']}/release", "imaging.huba", {})
    await expect(reader.locator(row)).to_be_visible()
    assert asked == []

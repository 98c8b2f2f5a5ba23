"""A page that anybody can use: axe finds nothing serious, nothing is cut off on any screen."""

from __future__ import annotations

from axe_playwright_python.async_playwright import Axe
from axe_playwright_python.base import AxeResults
from playwright.async_api import Page

from tests.browser.fit import misfits

GRAVE = {"serious", "critical"}


def grave_findings(results: AxeResults) -> list[str]:
    """What axe calls serious or worse, with the places."""
    return [
        f"{violation['id']}: {node['html'][:120]}"
        for violation in results.response["violations"]
        if violation["impact"] in GRAVE
        for node in violation["nodes"]
    ]


async def sound(page: Page) -> None:
    grave = grave_findings(await Axe().run(page))
    assert not grave, grave
    cut = await misfits(page)
    assert not cut, cut


async def opened(page: Page, address: str) -> None:
    """Go there, and wait until its scripts are at work."""
    await page.goto(address)
    await page.wait_for_selector("html[data-ready]")

"""Waiting for something inside a page. Playwright's own `wait_for_function` evaluates text, which the page's policy forbids."""

from __future__ import annotations

import asyncio

from playwright.async_api import Page

PATIENCE_SECONDS = 10


async def until(page: Page, expression: str) -> None:
    """Return once the JavaScript expression is true in the page."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await page.evaluate(f"() => Boolean({expression})"):  # noqa: ASYNC110  # the page has no event to wait for
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"never true: {expression}") from None

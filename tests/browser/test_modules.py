"""What modules export and only a browser can say: its own matrices, and the catalogue that a page carries. All else: tests/js."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page

from tests.browser.site import make_app

MODULE_URL = "document.querySelector('script[src$=\"js/app.js\"]').src.replace('app.js', '{name}')"


@pytest.fixture(scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """One page for all: these tests call functions and leave nothing behind."""
    async with TestServer(make_app(), host="127.0.0.1") as server:
        context = await browser.new_context(base_url=str(server.make_url("")))
        opened = await context.new_page()
        await opened.goto("/login?lang=en")
        yield opened
        await context.close()


async def call(page: Page, module: str, expression: str) -> Any:
    """The value of an expression in which `m` is the module."""
    address = MODULE_URL.format(name=module)
    return await page.evaluate(f"async () => {{ const m = await import({address}); return {expression}; }}")


async def test_edge_letters_agree_with_the_picture_when_it_is_turned_and_flipped(page: Page) -> None:
    """The matrix that draws and the letters that name must turn the same way, in every combination."""
    expression = """[0, 90, 180, 270].flatMap(rotation => [false, true].map(flipped => {
        const size = {width: 100, height: 100, columns: 10, rows: 10, aspect: 1, zoom: 1, panX: 0, panY: 0};
        const matrix = m.imageToScreen({...size, rotation, flipped});
        const left = matrix.transformPoint(new DOMPoint(10, 5)); // the middle of the image's right edge: the patient's left
        const sides = {right: left.x > 90, left: left.x < 10, bottom: left.y > 90, top: left.y < 10};
        const drawn = Object.keys(sides).find(side => sides[side]);
        return [drawn, m.edgeLetters([1, 0, 0, 0, 1, 0], rotation, flipped)[drawn]];
    }))"""
    found = await call(page, "viewer/geometry.js", expression)
    assert len(found) == 8
    assert all(letter == "L" for _, letter in found), found


async def test_texts_come_from_the_catalogue(page: Page) -> None:
    await page.goto("/login?lang=zh-CN")
    assert await call(page, "i18n.js", "m.t('Saved {time}', {time: '10:32:05'})") == "已自动保存 10:32:05"
    assert await call(page, "i18n.js", "m.tn('{n} image', '{n} images', 1)") == "1 幅"
    await page.goto("/login?lang=en")
    assert await call(page, "i18n.js", "[m.tn('{n} image', '{n} images', 1), m.tn('{n} image', '{n} images', 2)]") == [
        "1 image",
        "2 images",
    ]

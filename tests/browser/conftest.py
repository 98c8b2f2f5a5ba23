"""A real browser for the tests of the pages. Any error in the console, broken policy or outside request fails a test."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from telemed.web.security import SESSION_COOKIE
from tests.browser.platform import Platform, running_platform
from tests.browser.site import STATE, State, make_app

# The shell without windows starts in half the time; the whole browser does as well.
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: What Chromium itself says in the console when a request fails that a test makes fail, and when a test reads a canvas.
EXPECTED_NOISE = ("Failed to load resource", "Canvas2D: Multiple readback")


PATIENCE = 20_000  # ms: a busy machine is slow, and no test is about time
expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, and skip them where there is no browser."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if not Path(CHROMIUM).exists():
                item.add_marker(pytest.mark.skip(reason="no Chromium here: install it, or set CHROMIUM to its path"))


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Headless Chromium, one for all tests."""
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        await opened.close()


@pytest.fixture
async def app() -> web.Application:
    """A fresh site."""
    return make_app()


@pytest.fixture
def state(app: web.Application) -> State:
    """What the site remembers."""
    return app[STATE]


@pytest.fixture
async def home(app: web.Application) -> AsyncIterator[str]:
    """The site's address."""
    server = TestServer(app, host="127.0.0.1")
    await server.start_server(shutdown_timeout=0.1)
    yield str(server.make_url("")).rstrip("/")
    await server.close()


@pytest.fixture
async def context(browser: Browser, home: str) -> AsyncIterator[BrowserContext]:
    """A browser without a history, on a hospital's small screen."""
    opened = await browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN", base_url=home)
    opened.set_default_timeout(10_000)
    yield opened
    await opened.close()


@pytest.fixture
async def page(context: BrowserContext, home: str) -> AsyncIterator[Page]:
    """A page whose console must stay quiet and that asks nobody but the site."""
    opened = await context.new_page()
    noise: list[str] = []
    opened.on(
        "console", lambda m: noise.append(m.text) if m.type in {"error", "warning"} and not m.text.startswith(EXPECTED_NOISE) else None
    )
    opened.on("pageerror", lambda error: noise.append(str(error)))
    allowed = (home, "data:", "blob:")
    opened.on("request", lambda r: None if r.url.startswith(allowed) else noise.append(f"asks outside: {r.url}"))
    yield opened
    assert noise == []


@pytest.fixture(scope="session")
async def platform(tmp_path_factory: pytest.TempPathFactory, region_database: Path) -> AsyncIterator[Platform]:
    """The whole platform, one for all tests: each makes cases of its own."""
    async with running_platform(tmp_path_factory.mktemp("platform"), region_database) as running:
        yield running


Visitor = Callable[..., Awaitable[Page]]


@pytest.fixture
async def sign_in(browser: Browser, platform: Platform) -> AsyncIterator[Visitor]:
    """`await sign_in("imaging.huba")` gives the first page of that person, whose console must stay quiet and that asks nobody else."""
    noise: list[str] = []
    contexts: list[BrowserContext] = []

    async def visit(username: str, *, locale: str = "zh-CN", theme: str = "light") -> Page:
        context = await browser.new_context(viewport={"width": 1366, "height": 768}, locale=locale, base_url=platform.home)
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        session = {"name": SESSION_COOKIE, "value": await platform.token(username), "url": platform.home}
        await context.add_cookies([{"name": "theme", "value": theme, "url": platform.home}, session])
        context.on(
            "console", lambda m: noise.append(m.text) if m.type in {"error", "warning"} and not m.text.startswith(EXPECTED_NOISE) else None
        )
        context.on("weberror", lambda error: noise.append(str(error.error)))
        allowed = (platform.home, "data:", "blob:")
        context.on("request", lambda r: None if r.url.startswith(allowed) else noise.append(f"asks outside: {r.url}"))
        page = await context.new_page()
        await page.goto("/")
        return page

    yield visit
    for context in contexts:
        await context.close()
    assert noise == []

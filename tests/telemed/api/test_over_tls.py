"""Behind a TLS proxy, as the settings say: the cookie and the promise to stay encrypted; and what no answer tells."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from pathlib import Path

import aiohttp
import pytest

from telemed import bootstrap
from telemed.demo.region import PASSWORD
from telemed.settings import Settings
from tests.demo_region import DemoRegion, free_port, put_in_place, served

NAME = "__Host-telemed_session"


@pytest.fixture
async def behind_tls(tmp_path: Path) -> AsyncIterator[DemoRegion]:
    """The demo region with secure cookies; the proxy itself is not part of it."""
    settings = Settings(data_dir=tmp_path, http_port=free_port(), secure_cookies=True)
    await put_in_place(settings)
    async with bootstrap.open_parts(settings) as parts, served(parts, aiohttp.DummyCookieJar()) as running:
        yield running


async def test_the_cookie_belongs_to_this_host_and_the_browser_stays_encrypted(behind_tls: DemoRegion) -> None:
    async with behind_tls.http.post("/api/v1/login", json={"username": "clinic1", "password": PASSWORD}) as answer:
        morsel = SimpleCookie(answer.headers["Set-Cookie"])[NAME]
        assert (morsel["secure"], morsel["path"], morsel["domain"], morsel["httponly"]) == (True, "/", "", True)
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    me = await behind_tls.call("GET", "/api/v1/me", headers={"Cookie": f"{NAME}={morsel.value}"})
    assert me.status == 200
    plain = await behind_tls.call("GET", "/api/v1/me", headers={"Cookie": f"telemed_session={morsel.value}"})
    assert plain.status == 401, "a cookie that any neighbouring host could have set opens nothing"
    for path in ("/login", "/dicomweb/studies", "/static/telemed.css", "/nowhere"):
        assert "Strict-Transport-Security" in (await behind_tls.call("GET", path)).headers
    out = await behind_tls.call("POST", "/api/v1/logout", {}, headers={"Cookie": f"{NAME}={morsel.value}"})
    forgotten = SimpleCookie(out.headers["Set-Cookie"])[NAME]
    assert (out.status, forgotten.value, forgotten["secure"]) == (204, "", True), "browsers ignore it without Secure"


async def test_the_cookie_of_a_known_browser_belongs_to_this_host_too(behind_tls: DemoRegion) -> None:
    body = {"username": "clinic1", "password": PASSWORD}
    async with behind_tls.http.post("/api/v1/login", json=body, headers={"Origin": behind_tls.home}) as answer:
        (kept,) = [cookie for cookie in answer.headers.getall("Set-Cookie") if "telemed_browser" in cookie]
    morsel = SimpleCookie(kept)["__Host-telemed_browser"]
    assert (morsel["secure"], morsel["path"], morsel["domain"], morsel["httponly"]) == (True, "/", "", True)


@pytest.fixture
async def behind_a_proxy(tmp_path: Path) -> AsyncIterator[DemoRegion]:
    """The demo region that believes this machine's proxies, with cookies for both ways."""
    settings = Settings(data_dir=tmp_path, http_port=free_port(), trusted_proxies="127.0.0.1/32")
    await put_in_place(settings)
    async with bootstrap.open_parts(settings) as parts, served(parts, aiohttp.DummyCookieJar()) as running:
        yield running


@pytest.mark.parametrize(
    ("said", "sent"), [("https", True), ("http, https", True), ("HTTPS", True), ("http", False), ("https, http", False), ("", False)]
)
async def test_the_browser_stays_encrypted_where_the_proxy_says_that_it_is(behind_a_proxy: DemoRegion, said: str, sent: bool) -> None:
    for path in ("/login", "/api/v1/openapi.json", "/static/telemed.css"):
        answer = await behind_a_proxy.call("GET", path, headers={"X-Forwarded-Proto": said} if said else {})
        assert ("Strict-Transport-Security" in answer.headers) is sent, path


async def test_strangers_are_not_believed(behind_tls: DemoRegion, region: DemoRegion) -> None:
    """Neither that it is encrypted, nor that it is not."""
    assert "Strict-Transport-Security" not in (await region.call("GET", "/login", headers={"X-Forwarded-Proto": "https"})).headers
    assert "Strict-Transport-Security" in (await behind_tls.call("GET", "/login", headers={"X-Forwarded-Proto": "http"})).headers


async def test_without_tls_nothing_is_promised(region: DemoRegion) -> None:
    answer = await region.call("POST", "/api/v1/login", {"username": "clinic1", "password": PASSWORD})
    assert "telemed_session" in SimpleCookie(answer.headers["Set-Cookie"])
    assert "Strict-Transport-Security" not in answer.headers


@pytest.mark.parametrize("sent", [b"no HTTP at all\r\n\r\n", b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n"])
async def test_what_is_no_http_is_answered_without_a_version(region: DemoRegion, sent: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", region.parts.settings.http_port)
    writer.write(sent)
    async with asyncio.timeout(30):
        answer = await reader.read()
    writer.close()
    assert answer.startswith((b"HTTP/1.0 400", b"HTTP/1.1 400")), answer[:100]
    assert b"aiohttp" not in answer
    assert b"Python" not in answer

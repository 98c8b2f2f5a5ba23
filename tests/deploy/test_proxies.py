"""The configurations of `deploy/` as a real HAProxy and a real nginx take them, in front of a real installation."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ssl
import subprocess
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pynetdicom.ae import ApplicationEntity
from pynetdicom.sop_class import Verification

from telemed.demo.region import PASSWORD
from tests.deploy.proxies import FEW, NAME, QUICK, Proxy, in_front, make_certificate, need
from tests.installation import Installation

KINDS = ("haproxy", "nginx")
PATIENCE = 30
"""Seconds until a test gives up: less than the product itself is patient with a slow body."""
LARGE = 300 << 20
PIECE = b"%" * (1 << 20)
CASE = {
    "centre": "imaging",
    "patient": {"name": "张伟", "sex": "male", "birth_date": "1961-03-05"},
    "request": {"modality": "CT", "body_part": "HEAD", "reason": "头痛三天"},
}


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """An installation as it stands behind a proxy, its DICOM over TLS."""
    folder = tmp_path_factory.mktemp("house")
    make_certificate(folder)
    settings = {
        "TELEMED_SECURE_COOKIES": "true",
        "TELEMED_TRUSTED_PROXIES": "127.0.0.1/32",
        "TELEMED_DICOM_TLS": str(folder / "tls.pem"),
        "TELEMED_DICOM_PROCESSES": "1",
    }
    installation = Installation(folder / "data", settings)
    await installation.start()
    yield installation
    await installation.stop()


@pytest.fixture(scope="module", params=KINDS)
async def proxy(request: pytest.FixtureRequest, house: Installation, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Proxy]:
    """The proxy as it is configured."""
    need(request.param)
    async with in_front(request.param, house, tmp_path_factory.mktemp("proxy") / request.param) as running:
        yield running


def browser(proxy: Proxy, **options: Any) -> aiohttp.ClientSession:
    """A client that trusts the proxy's certificate."""
    connector = aiohttp.TCPConnector(ssl=proxy.trust, **options)
    return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(120), cookie_jar=aiohttp.DummyCookieJar())


async def token(http: aiohttp.ClientSession, proxy: Proxy, username: str, headers: dict[str, str] | None = None) -> str:
    body = {"username": username, "password": PASSWORD}
    async with http.post(f"{proxy.home}/api/v1/login", json=body, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        return str((await answer.json())["token"])


def bearer(value: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {value}"}


async def new_case(http: aiohttp.ClientSession, proxy: Proxy, signed_in: str) -> str:
    async with http.post(f"{proxy.home}/api/v1/cases", json=CASE, headers=bearer(signed_in)) as answer:
        assert answer.status == 201, await answer.text()
        return str((await answer.json())["id"])


async def test_signing_in_gives_a_cookie_of_this_host_and_the_browser_stays_encrypted(proxy: Proxy) -> None:
    async with browser(proxy) as http:
        body, from_here = {"username": "clinic1", "password": PASSWORD}, {"Origin": proxy.home}
        async with http.post(f"{proxy.home}/api/v1/login", json=body, headers=from_here) as answer:
            (kept,) = [cookie for cookie in answer.headers.getall("Set-Cookie") if "_session" in cookie]
            assert answer.headers.getall("Strict-Transport-Security") == ["max-age=31536000; includeSubDomains"]
        morsel = SimpleCookie(kept)["__Host-telemed_session"]
        assert (morsel["secure"], morsel["path"], morsel["domain"]) == (True, "/", "")
        cookie = {"Cookie": f"__Host-telemed_session={morsel.value}"}
        # A change by cookie: Origin and Host agree through the proxy.
        async with http.post(f"{proxy.home}/api/v1/cases", json=CASE, headers=cookie | from_here) as answer:
            assert answer.status == 201, await answer.text()
        async with http.get(f"{proxy.home}/metrics") as answer:
            assert "Strict-Transport-Security" in answer.headers, "on the proxy's own answers too"
            assert "Server" not in answer.headers or not any(c.isdigit() for c in answer.headers["Server"])


@pytest.mark.parametrize(("version", "spoken"), [("tls1_1", False), ("tls1_2", True), ("tls1_3", True)])
async def test_only_new_tls_is_spoken(proxy: Proxy, version: str, spoken: bool) -> None:
    words = [f"-{version}", "-cipher", "DEFAULT:@SECLEVEL=0", "-connect", f"127.0.0.1:{proxy.https}", "-servername", NAME]
    client = await asyncio.create_subprocess_exec(
        "openssl", "s_client", *words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    assert (await client.wait() == 0) is spoken


async def test_another_name_is_told_nothing(proxy: Proxy) -> None:
    async with browser(proxy) as http:
        try:
            async with http.get(f"{proxy.home}/login", headers={"Host": "stranger.example"}) as answer:
                assert answer.status in (404, 421), "nginx answers by the name of the certificate, never with a page of another name"
        except aiohttp.ClientError:
            pass


async def test_browsers_are_led_to_https_and_programs_are_told(proxy: Proxy) -> None:
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{proxy.plain}/cases/7?x=1", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (301, f"https://{NAME}/cases/7?x=1")
        for path in ("/api/v1/login", "/dicomweb/studies"):
            async with http.post(f"{proxy.plain}{path}", json={}, allow_redirects=False) as answer:
                assert answer.status == 403
                assert "https://" in await answer.text()


async def test_counters_are_not_passed_on(proxy: Proxy) -> None:
    async with browser(proxy) as http:
        for path in ("/metrics", "/metrics?x=1", "/%6Detrics", "//metrics", "/metrics/"):
            async with http.get(f"{proxy.home}{path}") as answer:
                assert answer.status == 404, path
                assert b"telemed_" not in await answer.read()


async def test_an_address_that_somebody_claims_is_not_believed(proxy: Proxy) -> None:
    async with browser(proxy, local_addr=("127.0.0.3", 0)) as http:
        claimed = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
        signed_in = await token(http, proxy, "clinic2", claimed)
        async with http.get(f"{proxy.home}/api/v1/me/sessions", headers=bearer(signed_in) | claimed) as answer:
            (own,) = [each for each in (await answer.json())["items"] if each["current"]]
    assert own["address"] == "127.0.0.3"


async def test_events_come_while_the_stream_is_open(proxy: Proxy) -> None:
    async with browser(proxy) as http:
        signed_in = await token(http, proxy, "clinic1")
        headers = bearer(signed_in) | {"Accept": "text/event-stream"}
        async with http.get(f"{proxy.home}/api/v1/events", headers=headers) as stream:
            assert (stream.status, stream.content_type) == (200, "text/event-stream")
            case_id = await new_case(http, proxy, signed_in)
            async with asyncio.timeout(PATIENCE):
                async for line in stream.content:
                    if line.startswith(b"data:") and case_id.encode() in line:
                        return
    raise AssertionError("the stream ended without the event")


async def test_a_large_file_passes_without_staying_at_the_proxy(proxy: Proxy) -> None:
    async def content() -> AsyncIterator[bytes]:
        yield b"%PDF-1.7\n".ljust(len(PIECE), b"%")
        for _ in range(LARGE // len(PIECE) - 1):
            yield PIECE

    async with browser(proxy) as http:
        signed_in = await token(http, proxy, "clinic1")
        case_id = await new_case(http, proxy, signed_in)
        await new_case(http, proxy, signed_in)
        before, written = proxy.resident(), proxy.written()
        tus = bearer(signed_in) | {"Tus-Resumable": "1.0.0"}
        metadata = f"case {_base64(case_id)},filename {_base64('large.pdf')}"
        announced = tus | {"Upload-Length": str(LARGE + 1), "Upload-Metadata": metadata}
        async with http.post(f"{proxy.home}/api/v1/uploads", headers=announced) as answer:
            assert answer.status == 201, await answer.text()
            where = answer.headers["Location"]
        sent = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream", "Content-Length": str(LARGE)}
        async with http.patch(f"{proxy.home}{where}", headers=tus | sent, data=content()) as answer:
            assert (answer.status, answer.headers.get("Upload-Offset")) == (204, str(LARGE)), await answer.text()
            assert proxy.resident() - before < 32 << 20
            assert proxy.written() - written < 1 << 20
        async with http.delete(f"{proxy.home}{where}", headers=tus) as answer:
            assert answer.status == 204


async def test_a_body_beyond_what_is_taken_is_refused(proxy: Proxy) -> None:
    reader, writer = await proxy.connect()
    writer.write(b"POST /api/v1/cases HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n\r\n")
    async with asyncio.timeout(PATIENCE):
        assert b" 413 " in await reader.readline()
    writer.close()


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def certificate_of(file: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert(file.read_text().partition("-----BEGIN PRIVATE")[0])


async def test_devices_see_the_gateways_own_certificate(proxy: Proxy, house: Installation) -> None:
    client = ssl.create_default_context(cafile=house.environment["TELEMED_DICOM_TLS"])
    _, writer = await asyncio.open_connection("127.0.0.1", proxy.dicom, ssl=client, server_hostname=NAME)
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    own = certificate_of(Path(house.environment["TELEMED_DICOM_TLS"]))
    assert hashlib.sha256(shown).digest() == hashlib.sha256(own).digest()

    def echo() -> int:
        caller = ApplicationEntity("CLINIC1")
        caller.add_requested_context(Verification)
        association = caller.associate("127.0.0.1", proxy.dicom, ae_title="TELEMED", tls_args=(client, NAME))
        assert association.is_established
        status = int(association.send_c_echo().Status)
        association.release()
        return status

    assert await asyncio.to_thread(echo) == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "said",
    [
        b"GET /login HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        b"POST /api/v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
    ],
    ids=["head", "body"],
)
async def test_who_is_slow_is_cut_off(house: Installation, tmp_path: Path, kind: str, said: bytes) -> None:
    need(kind)
    async with in_front(kind, house, tmp_path / kind, QUICK[kind]) as proxy:
        reader, writer = await proxy.connect()
        writer.write(said)
        async with asyncio.timeout(PATIENCE):
            try:
                answer = await reader.read()
            except ConnectionError:
                answer = b""
        writer.close()
    assert not answer or b" 408 " in answer.splitlines()[0], answer


@pytest.mark.parametrize("kind", KINDS)
async def test_one_address_has_so_many_connections_and_others_are_served(house: Installation, tmp_path: Path, kind: str) -> None:
    need(kind)
    async with in_front(kind, house, tmp_path / kind, FEW[kind]) as proxy, browser(proxy, limit=0) as http:
        signed_in = await token(http, proxy, "clinic1")
        headers = bearer(signed_in)
        open_now: list[aiohttp.ClientResponse] = []
        refused = 0
        for _ in range(8):
            try:
                stream = await http.get(f"{proxy.home}/api/v1/events", headers=headers)
            except aiohttp.ClientError:
                refused += 1
                continue
            open_now.append(stream)
            refused += stream.status == 429
        assert 3 <= sum(stream.status == 200 for stream in open_now) <= 4
        assert refused >= 4
        async with browser(proxy, local_addr=("127.0.0.5", 0)) as other, other.get(f"{proxy.home}/login") as answer:
            assert answer.status == 200
        for stream in open_now:
            stream.close()

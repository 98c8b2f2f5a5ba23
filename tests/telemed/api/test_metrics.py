"""Who reads `/metrics`: nobody from outside, whatever stands in front."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest
import sqlalchemy as sa
from pydantic import SecretStr, ValidationError

from telemed import bootstrap
from telemed.settings import Settings
from tests.demo_region import DemoRegion, free_port, put_in_place, served

TOKEN = "0123456789abcdef"


async def test_at_the_machine_it_is_open_where_no_proxy_stands_in_front(region: DemoRegion) -> None:
    answer = await region.call("GET", "/metrics")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert b"telemed_jobs_waiting" in answer.body


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP", "X-Forwarded-Proto", "X-Forwarded-Host", "x-forwarded-for"]
)
async def test_what_a_proxy_passes_on_is_not_from_the_machine(region: DemoRegion, header: str) -> None:
    assert (await region.call("GET", "/metrics", headers={header: "127.0.0.1"})).status == 404


@pytest.mark.parametrize("said", [{"secure_cookies": True}, {"trusted_proxies": "127.0.0.1/32"}], ids=["cookies", "proxies"])
async def test_behind_a_proxy_without_a_token_there_is_nothing(tmp_path: Path, said: dict[str, object]) -> None:
    settings = Settings.model_validate({"data_dir": tmp_path, "http_port": free_port()} | said)
    await put_in_place(settings)
    async with bootstrap.open_parts(settings) as parts, served(parts) as running:
        assert (await running.call("GET", "/metrics")).status == 404


async def test_with_a_token_the_token_opens_and_nothing_else(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, http_port=free_port(), secure_cookies=True, metrics_token=SecretStr(TOKEN))
    await put_in_place(settings)
    async with bootstrap.open_parts(settings) as parts, served(parts, aiohttp.DummyCookieJar()) as running:
        for shown in ("", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer ", f"Basic {TOKEN}"):
            sent = {"Authorization": shown} if shown else {}
            answer = await running.call("GET", "/metrics", headers=sent)
            assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="metrics"')
            assert "telemed_" not in str(answer.body)
        sent = {"Authorization": f"Bearer {TOKEN}", "X-Forwarded-For": "203.0.113.9"}
        assert b"telemed_jobs_waiting" in (await running.call("GET", "/metrics", headers=sent)).body


async def test_without_its_database_it_says_so(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, http_port=free_port())
    await put_in_place(settings)
    async with bootstrap.open_parts(settings) as parts, served(parts) as running:
        async with parts.application.engine.begin() as connection:
            await connection.execute(sa.text("DROP TABLE job"))
        answer = await running.call("GET", "/metrics")
        assert answer.status == 200
        assert b"telemed_database_up 0.0" in answer.body
        assert b"telemed_disk_free_bytes" in answer.body


@pytest.mark.parametrize(("length", "taken"), [(0, True), (1, False), (15, False), (16, True), (17, True)])
def test_a_token_is_long_enough_not_to_be_guessed(length: int, taken: bool) -> None:
    try:
        Settings(metrics_token=SecretStr("x" * length))
    except ValidationError:
        assert not taken
    else:
        assert taken

"""Server-sent events over a real connection: resumed by Last-Event-ID, nothing missed, nothing foreign."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from telemed.web.feed import STREAMS_OF_ACCOUNT
from tests.demo_region import DemoRegion, new_case
from tests.telemed.api.stories import Story


async def hear(region: DemoRegion, user: str, count: int, after: str = "", most_seconds: float = 15) -> list[tuple[int, dict[str, Any]]]:
    """The next events of a listener, at most `count`."""
    headers = {"Authorization": f"Bearer {await region.token(user)}"} | ({"Last-Event-ID": after} if after else {})
    found: list[tuple[int, dict[str, Any]]] = []
    async with region.http.get("/api/v1/events", headers=headers) as stream:
        assert stream.status == 200
        assert stream.content_type == "text/event-stream"
        assert stream.headers["X-Content-Type-Options"] == "nosniff"
        number = 0
        try:
            async with asyncio.timeout(most_seconds):
                async for line in stream.content:
                    if line.startswith(b"id: "):
                        number = int(line[4:])
                    if line.startswith(b"data: "):
                        found.append((number, json.loads(line[6:])))
                        if len(found) == count:
                            break
        except TimeoutError:
            pass
    return found


async def test_everything_since_the_last_event_and_then_live(region: DemoRegion) -> None:
    case_id = await new_case(region)
    await region.step(case_id, "submit", user="clinic1")
    lines = (await region.call("GET", f"/api/v1/cases/{case_id}/events", user="clinic1")).body["items"]
    listening = asyncio.create_task(hear(region, "clinic1", 3, str(lines[0]["id"])))
    await asyncio.sleep(0.2)
    await region.step(case_id, "claim", user="imaging.huba")
    await region.step(case_id, "release", user="imaging.huba")
    heard = [(data["case_id"], data["action"]) for _, data in await listening]
    assert heard == [(case_id, "submit"), (case_id, "claim"), (case_id, "release")]


async def test_cut_and_resumed_at_every_point_the_story_is_whole(region: DemoRegion) -> None:
    story = Story(region, await new_case(region))
    for user, step in (("clinic1", "submit"), *[("imaging.huba", "claim"), ("imaging.huba", "release")] * 3):
        await story.step(user, step)
    lines = (await region.call("GET", f"{story.url}/events", user="clinic1")).body["items"]
    heard: list[dict[str, Any]] = []
    last = lines[0]["id"]
    while len(heard) < len(lines) - 1:
        ((last, data),) = await hear(region, "clinic1", 1, str(last))
        heard.append(data)
    assert heard == lines[1:]


async def test_nobody_hears_of_a_foreign_case(region: DemoRegion) -> None:
    before = (await region.call("GET", f"/api/v1/cases/{await new_case(region)}/events", user="clinic1")).body["items"][-1]["id"]
    story = Story(region, await new_case(region))
    await story.step("clinic1", "submit")
    await story.step("imaging.huba", "claim")
    for stranger in ("clinic2", "imaging.hubb", "ecg.huba", "auditor", "sysadmin", "secadmin"):
        heard = await hear(region, stranger, 1, str(before), 0.8)
        assert all(data["case_id"] != story.case_id for _, data in heard), stranger
    (_, offered), *_ = await hear(region, "operator", 1, str(before))
    assert (offered["case_id"], offered["action"], offered["detail"]) == (story.case_id, "submit", {})


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "9" * 40, "１", "1 2"])
async def test_a_last_event_that_is_none(region: DemoRegion, last: str) -> None:
    answer = await region.call("GET", "/api/v1/events", user="clinic1", headers={"Last-Event-ID": last})
    assert answer.status == 400
    assert "Last-Event-ID" in answer.body["detail"]


async def test_nobody_listens_without_signing_in(region: DemoRegion) -> None:
    assert (await region.call("GET", "/api/v1/events")).status == 401


async def test_streams_of_an_account_are_counted_and_end(region: DemoRegion) -> None:
    headers = {"Authorization": f"Bearer {await region.token('clinic3')}"}
    async with AsyncExitStack() as open_ones:
        http = await open_ones.enter_async_context(aiohttp.ClientSession(region.home, connector=aiohttp.TCPConnector(limit=0)))
        for _ in range(STREAMS_OF_ACCOUNT):
            stream = await open_ones.enter_async_context(http.get("/api/v1/events", headers=headers))
            assert stream.status == 200
        async with http.get("/api/v1/events", headers=headers) as refused:
            assert (refused.status, refused.headers["Retry-After"]) == (429, "60")
        other = {"Authorization": f"Bearer {await region.token('clinic2')}"}
        async with http.get("/api/v1/events", headers=other) as stream:
            assert stream.status == 200
    case_id = await new_case(region, user="clinic3")
    await region.step(case_id, "submit", user="clinic3")

    async def opened() -> int:
        async with aiohttp.ClientSession(region.home) as http, http.get("/api/v1/events", headers=headers) as stream:
            return stream.status

    async with asyncio.timeout(60):
        while True:
            if await opened() == 200:
                break
            await asyncio.sleep(0.2)

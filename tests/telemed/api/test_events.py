"""Server-sent events over a real connection: resumed by Last-Event-ID, nothing missed, nothing foreign."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa

from telemed.adapters.clock import utc_now
from telemed.adapters.database import tables as t
from telemed.service import accounts
from telemed.web.api import events
from telemed.web.feed import STREAMS_OF_ACCOUNT
from tests.demo_region import PASSWORD, DemoRegion, new_case
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


class Stream:
    """A listener of `user` with a session of its own, and what became of it."""

    def __init__(self, region: DemoRegion, token: str) -> None:
        self.region, self.headers = region, {"Authorization": f"Bearer {token}"}
        self.lines: list[bytes] = []

    async def me(self) -> int:
        return (await self.region.call("GET", "/api/v1/me", headers=self.headers | {"Telemed-Background": "1"})).status

    async def listen(self, opened: asyncio.Event) -> None:
        async with self.region.http.get("/api/v1/events", headers=self.headers) as stream:
            assert stream.status == 200
            opened.set()
            async for line in stream.content:
                self.lines.append(line)


@asynccontextmanager
async def listening(region: DemoRegion, user: str = "clinic1") -> AsyncIterator[tuple[Stream, asyncio.Task[None]]]:
    stream = Stream(region, await fresh_token(region, user))
    opened = asyncio.Event()
    task = asyncio.create_task(stream.listen(opened))
    await opened.wait()
    yield stream, task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def fresh_token(region: DemoRegion, user: str) -> str:
    answer = await region.call("POST", "/api/v1/login", {"username": user, "password": PASSWORD})
    token: str = answer.body["token"]
    return token


async def signed_out(region: DemoRegion, stream: Stream) -> None:
    assert (await region.call("POST", "/api/v1/logout", {}, headers=stream.headers)).status == 204


async def session_aged(region: DemoRegion, stream: Stream, **times: datetime) -> None:
    mine = t.session.c.token_digest == accounts.digest(stream.headers["Authorization"].removeprefix("Bearer "))
    async with region.parts.application.engine.begin() as connection:
        await connection.execute(sa.update(t.session).where(mine).values(**times))


async def idle_too_long(region: DemoRegion, stream: Stream) -> None:
    await session_aged(region, stream, seen_at=utc_now() - timedelta(minutes=31))


async def too_old(region: DemoRegion, stream: Stream) -> None:
    await session_aged(region, stream, created_at=utc_now() - timedelta(hours=13))


@asynccontextmanager
async def person_row(region: DemoRegion, user: str, **values: object) -> AsyncIterator[None]:
    """An account that is otherwise for a while."""
    engine, row = region.parts.application.engine, t.person.c.username == user
    async with engine.begin() as connection:
        before = (await connection.execute(sa.select(*(t.person.c[name] for name in values)).where(row))).mappings().one()
        await connection.execute(sa.update(t.person).where(row).values(**values))
    yield
    async with engine.begin() as connection:
        await connection.execute(sa.update(t.person).where(row).values(**before))


class TestTheSessionOfAStream:
    """A stream lives as long as its session, and does not lengthen it."""

    @pytest.fixture(autouse=True)
    def often(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(events, "KEEP_ALIVE_SECONDS", 0.2)

    @pytest.mark.parametrize("end", [signed_out, idle_too_long, too_old])
    async def test_it_ends_with_its_session(self, region: DemoRegion, end: Callable[[DemoRegion, Stream], Awaitable[None]]) -> None:
        async with listening(region) as (stream, task), listening(region) as (_, other):
            await end(region, stream)
            await asyncio.wait_for(task, 30)
            assert await stream.me() == 401
            assert not other.done(), "another session of the same person goes on"

    async def test_it_ends_however_many_lines_come(self, region: DemoRegion) -> None:
        """Also where it is never quiet for so long that it would say a word."""
        async with listening(region) as (stream, task):
            story = Story(region, await new_case(region))
            await signed_out(region, stream)
            while not task.done():
                assert (await region.call("PATCH", story.url, {"priority": "urgent"}, user="clinic1")).status == 200
            heard = len(stream.lines)
            await story.step("clinic1", "submit")
            assert len(stream.lines) == heard

    async def test_who_is_disabled_or_becomes_another_hears_no_more(self, region: DemoRegion) -> None:
        async with listening(region, "ecg.hubb") as (stream, task), person_row(region, "ecg.hubb", active=False):
            await asyncio.wait_for(task, 30)
            assert await stream.me() == 401
        async with listening(region, "ecg.hubb") as (stream, task), person_row(region, "ecg.hubb", centres=["lab"]):
            await asyncio.wait_for(task, 30)
            assert await stream.me() == 200, "the browser comes back, and hears what is theirs now"

    async def test_a_lock_ends_the_stream_where_it_ends_the_session(self, region: DemoRegion) -> None:
        async with listening(region, "lab.hubb") as (stream, task):
            for _ in range(5):
                await region.call("POST", "/api/v1/login", {"username": "lab.hubb", "password": "wrong"})
            ended, _ = await asyncio.wait({task}, timeout=2)
            assert bool(ended) is (await stream.me() == 401)
        await region.call("POST", "/api/v1/accounts/lab.hubb/unlock", {}, user="secadmin")

    @pytest.mark.parametrize(("path", "headers", "counts"), [
        ("/api/v1/me", {}, True),
        ("/api/v1/me", {"Telemed-Background": "1"}, False),
        ("/worklist/rows?ids=", {"Telemed-Background": "1"}, False),
        ("/api/v1/events", {}, False),
    ])  # fmt: skip
    async def test_what_nobody_asked_for_keeps_no_session_alive(
        self, region: DemoRegion, path: str, headers: dict[str, str], counts: bool
    ) -> None:
        stream = Stream(region, await fresh_token(region, "imaging.huba"))
        before = utc_now() - timedelta(minutes=10)
        await session_aged(region, stream, seen_at=before)
        async with region.http.get(path, headers=stream.headers | headers) as answer:
            assert answer.status == 200
        async with region.parts.application.reading() as work:
            session = await work.sessions.get(accounts.digest(stream.headers["Authorization"].removeprefix("Bearer ")))
        assert session is not None
        assert (session.seen_at > before) is counts

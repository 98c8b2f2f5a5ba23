"""Rows and figures that the live feed tells an open list: those that it would be given if it asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import aiohttp
import sqlalchemy as sa

from telemed.adapters.database import tables as t
from telemed.web.live_lists import MOST_ROWS, LiveLists
from tests.demo_region import DemoRegion, new_case
from tests.telemed.api.test_events import fresh_token, person_row


class OpenPage:
    """A page that listens, and what it was told."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.rows: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def listen(self, stream: aiohttp.ClientResponse) -> None:
        name = ""
        async for line in stream.content:
            if line.startswith(b"event: "):
                name = line[7:].decode().strip()
                self.names.append(name)
            if line.startswith(b"data: ") and name == "rows":
                self.rows.put_nowait(json.loads(line[6:]))

    async def told(self, case: str) -> dict[str, Any]:
        """What is told next of the case."""
        async with asyncio.timeout(30):
            while case not in (said := await self.rows.get())["ids"]:
                pass
            return said


@asynccontextmanager
async def open_page(region: DemoRegion, user: str, page: str) -> AsyncIterator[OpenPage]:
    headers = {"Authorization": f"Bearer {await fresh_token(region, user)}"}
    opened = OpenPage()
    async with region.http.get(f"/api/v1/events?page={quote(page)}", headers=headers) as stream:
        assert stream.status == 200
        listening = asyncio.create_task(opened.listen(stream))
        try:
            yield opened
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


async def asked(region: DemoRegion, user: str, address: str, **query: str) -> str:
    path = f"{address}{'&' if '?' in address else '?'}" + "&".join(f"{name}={quote(value)}" for name, value in query.items())
    answer = await region.call("GET", path, user=user, headers={"Telemed-Background": "1"})
    assert answer.status == 200
    content: str = answer.body.decode() if isinstance(answer.body, bytes) else json.dumps(answer.body)
    return content


def lines(markup: str) -> list[str]:
    """A row begins a line of its own, however rows were put together."""
    return [line.strip() for line in markup.replace("<tr", "\n<tr").splitlines() if line.strip()]


async def test_a_worklist_is_told_what_it_would_ask_for(region: DemoRegion) -> None:
    case = await new_case(region)
    for view, user in (("unclaimed", "imaging.huba"), ("mine", "imaging.huba"), ("open", "imaging.huba"), ("unclaimed", "imaging.hubb")):
        async with open_page(region, user, f"/worklist?view={view}") as page:
            for step, by in (("submit", "clinic1"), ("claim", "imaging.huba"), ("release", "imaging.huba")):
                if step == "submit" and (await region.step(case, "submit", user="clinic1")).status != 200:
                    continue  # it was sent in an earlier round
                if step != "submit":
                    assert (await region.step(case, step, user=by)).status == 200
                if user == "imaging.hubb":
                    continue
                told = await page.told(case)
                assert lines(told["rows"]["/worklist/rows"]) == lines(
                    await asked(region, user, "/worklist/rows", view=view, ids=",".join(told["ids"]))
                )
                assert told["counts"] == json.loads(await asked(region, user, "/worklist/counts"))
            assert page.names[0] == "lists"
            if user == "imaging.hubb":  # a foreign case is not told of, in whatever list
                assert "rows" not in page.names


async def test_a_board_is_told_its_parts(region: DemoRegion) -> None:
    case = await new_case(region)
    async with open_page(region, "clinic1", "/cases") as page:
        assert (await region.step(case, "submit", user="clinic1")).status == 200
        told = await page.told(case)
        assert sorted(told["rows"]) == ["/cases/rows?view=attention", "/cases/rows?view=done", "/cases/rows?view=running"]
        for address, drawn in told["rows"].items():
            assert lines(drawn) == lines(await asked(region, "clinic1", address, ids=",".join(told["ids"])))
        assert case in told["rows"]["/cases/rows?view=running"]
        assert told["counts"] == json.loads(await asked(region, "clinic1", "/cases/counts"))


async def test_filters_of_the_address_hold(region: DemoRegion) -> None:
    case = await new_case(region)
    async with open_page(region, "imaging.huba", "/worklist?view=unclaimed&priority=stat") as page:
        assert (await region.step(case, "submit", user="clinic1")).status == 200
        assert f"case-{case}" not in (await page.told(case))["rows"]["/worklist/rows"]
        assert (await region.call("PATCH", f"/api/v1/cases/{case}", {"priority": "stat"}, user="clinic1")).status in (200, 409)


async def test_a_page_without_lists_is_told_no_rows(region: DemoRegion) -> None:
    case = await new_case(region)
    async with open_page(region, "clinic1", f"/cases/{case}") as page:
        assert (await region.step(case, "submit", user="clinic1")).status == 200
        async with asyncio.timeout(30):
            while "case" not in page.names:  # noqa: ASYNC110  # nothing tells of what was heard
                await asyncio.sleep(0.05)
    assert {"lists", "rows"}.isdisjoint(page.names)


async def test_who_is_another_by_now_is_told_no_patient(region: DemoRegion) -> None:
    """The feed goes on for some seconds before it looks at its session again; rows are not told meanwhile."""
    case = await new_case(region)
    async with open_page(region, "imaging.huba", "/worklist") as page, person_row(region, "imaging.huba", active=False):
        assert (await region.step(case, "submit", user="clinic1")).status == 200
        assert "rows" not in await page.told(case)
    async with open_page(region, "imaging.huba", "/worklist") as page:
        assert (await region.step(case, "claim", user="imaging.huba")).status == 200
        assert "rows" in await page.told(case)


async def test_more_than_a_page_draws_is_left_to_it_to_ask_for(region: DemoRegion) -> None:
    said: list[bytes] = []

    async def write(event: bytes) -> None:
        said.append(event)

    def nobody() -> Any:
        return None

    lists = LiveLists(None, None, nobody, write)  # type: ignore[arg-type]  # neither is asked
    for number in range(MOST_ROWS + 1):
        lists.changed(f"{number:032x}")
    async with asyncio.timeout(30):
        while not said:  # noqa: ASYNC110  # nothing tells of what was said
            await asyncio.sleep(0.05)
    told = json.loads(said[0].partition(b"data: ")[2])
    assert len(told["ids"]) == MOST_ROWS + 1
    assert "rows" not in told


async def test_rows_that_appear_by_themselves_are_no_look(region: DemoRegion) -> None:
    case = await new_case(region)

    async def looks() -> int:
        async with region.parts.application.engine.connect() as connection:
            of_reader = (t.audit.c.actor == "imaging.huba", t.audit.c.action == "case:list")
            return (await connection.execute(sa.select(sa.func.count()).where(*of_reader).select_from(t.audit))).scalar_one()

    before = await looks()
    async with open_page(region, "imaging.huba", "/worklist") as page:
        assert (await region.step(case, "submit", user="clinic1")).status == 200
        assert case in (await page.told(case))["rows"]["/worklist/rows"]
    assert await looks() == before

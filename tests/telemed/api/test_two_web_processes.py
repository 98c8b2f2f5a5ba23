"""Several web processes of one installation: what one has done the others know with their next answer."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import cycle
from pathlib import Path

import pytest

from telemed import bootstrap
from telemed.settings import Settings
from tests.demo_region import DemoRegion, free_port, new_case, served
from tests.telemed.api.test_events import hear
from tests.telemed.api.test_sign_in import sign_in


@pytest.fixture
async def both(tmp_path: Path, region_database: Path) -> AsyncIterator[tuple[DemoRegion, DemoRegion]]:
    """Two web roles over the same database and folder, each with parts of its own, as two processes have them."""
    shutil.copyfile(region_database, tmp_path / "telemed.db")
    async with AsyncExitStack() as open_now:
        found = []
        for _ in range(2):
            parts = await open_now.enter_async_context(bootstrap.open_parts(Settings(data_dir=tmp_path, http_port=free_port())))
            found.append(await open_now.enter_async_context(served(parts)))
        yield found[0], found[1]


async def test_a_device_that_one_enters_and_removes_the_other_knows_at_once(both: tuple[DemoRegion, DemoRegion]) -> None:
    here, there = both
    entry = {"title": "NEWCT", "institution": "CLINIC1", "host": "10.0.2.7", "port": 104, "uses": ["store"]}
    for asked, asker in ((here, there), (there, here)):
        assert (await asked.call("POST", "/api/v1/devices", entry, user="operator")).status == 201
        known = asker.parts.application.region.network.entities
        assert "NEWCT" not in known
        listed = (await asker.call("GET", "/api/v1/devices", user="operator")).body["items"]
        assert "NEWCT" in {device["title"] for device in listed}
        assert "NEWCT" in asker.parts.application.region.network.entities
        assert (await asked.call("DELETE", "/api/v1/devices/NEWCT", user="operator")).status == 204
        await asker.call("GET", "/api/v1/me", user="operator")
        assert "NEWCT" not in asker.parts.application.region.network.entities


async def test_a_word_is_heard_once_and_said_no_further(both: tuple[DemoRegion, DemoRegion]) -> None:
    """Two that tell each other of what each was told would read the region for ever."""
    here, there = (running.parts.application for running in both)
    entry = {"title": "NEWCT", "institution": "CLINIC1", "host": "10.0.2.7", "port": 104, "uses": ["store"]}
    await both[0].call("POST", "/api/v1/devices", entry, user="operator")
    for _ in range(3):
        await there.follow()
        await here.follow()
    kept = here.region, there.region
    await there.follow()
    await here.follow()
    assert (here.region, there.region) == kept
    assert here.region is kept[0]
    assert there.region is kept[1]


async def test_of_guesses_at_both_together_as_many_are_judged_as_at_one(both: tuple[DemoRegion, DemoRegion]) -> None:
    doors = cycle(both)
    answers = await asyncio.gather(*(sign_in(next(doors), "lab.hubb", f"wrong{n}") for n in range(40)))
    assert sorted(answer.status for answer in answers) == [401] * 5 + [429] * 35
    assert {(await sign_in(door, "lab.hubb")).status for door in both} == {429}


async def test_a_session_lives_and_ends_in_both(both: tuple[DemoRegion, DemoRegion]) -> None:
    here, there = both
    there.tokens["clinic1"] = await here.token("clinic1")
    assert (await there.call("GET", "/api/v1/me", user="clinic1")).status == 200
    await there.call("POST", "/api/v1/logout", user="clinic1")
    assert [(await each.call("GET", "/api/v1/me", user="clinic1")).status for each in both] == [401, 401]


async def test_what_happens_at_one_is_heard_at_the_other(both: tuple[DemoRegion, DemoRegion]) -> None:
    here, there = both
    case_id = await new_case(here)
    lines = (await here.call("GET", f"/api/v1/cases/{case_id}/events", user="clinic1")).body["items"]
    listening = asyncio.create_task(hear(there, "clinic1", 1, str(lines[-1]["id"])))
    await here.step(case_id, "submit", user="clinic1")
    assert [(data["case_id"], data["action"]) for _, data in await listening] == [(case_id, "submit")]

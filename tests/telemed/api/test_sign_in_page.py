"""The page of signing in: how many attempts are left is said before there are none, and a demonstration says that it is one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from telemed.adapters.database import tables as t
from telemed.service.ports.region import DEMONSTRATION
from tests.demo_region import PASSWORD, DemoRegion, running_region

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept-Language": "en"}
WRONG = "not the one"
MADE_UP = "everybody here is made up"


@pytest.fixture
async def region(tmp_path: Path, region_database: Path) -> AsyncIterator[DemoRegion]:
    """One for each test: what it counts is its own."""
    async with running_region(tmp_path, region_database) as running:
        yield running


async def said(region: DemoRegion, username: str, password: str = WRONG) -> tuple[int, str]:
    """Status and sentence of the page after an attempt."""
    answer = await region.call("POST", "/login", data=f"username={username}&password={password}", headers=FORM)
    page = answer.body.decode()
    return answer.status, " ".join(page.split('role="alert">')[1].split("</p>")[0].split("</svg>")[-1].split()) if "alert" in page else ""


@pytest.mark.parametrize("username", ["lab.hubb", "nobody.at.all"])
async def test_the_page_counts_down_to_the_wait(username: str, region: DemoRegion) -> None:
    wrong = "The user name or the password is wrong. "
    for left in (4, 3, 2):
        assert await said(region, username) == (401, f"{wrong}{left} more attempts; then none is taken for 15 minutes.")
    assert await said(region, username) == (401, f"{wrong}1 more attempt; then none is taken for 15 minutes.")
    assert await said(region, username) == (401, f"{wrong}No further password is taken for 15 minutes.")
    status, text = await said(region, username, PASSWORD)
    assert (status, text.startswith("Too many wrong passwords")) == (429, True)


async def test_a_right_password_begins_the_count_anew(region: DemoRegion) -> None:
    await said(region, "lab.hubb")
    assert (await said(region, "lab.hubb", PASSWORD))[0] == 303
    assert "4 more attempts" in (await said(region, "lab.hubb"))[1]


async def test_a_closed_account_is_told_what_a_wrong_password_is(region: DemoRegion) -> None:
    async with region.parts.application.engine.begin() as connection:
        await connection.execute(sa.update(t.person).where(t.person.c.username == "lab.hubb").values(active=False))
    assert await said(region, "lab.hubb", PASSWORD) == await said(region, "nobody.at.all")


@pytest.mark.parametrize("demonstration", [True, False])
async def test_a_demonstration_says_that_it_is_one(demonstration: bool, region: DemoRegion) -> None:
    async with region.parts.application.engine.begin() as connection:
        kept = sa.update(t.region_setting).where(t.region_setting.c.name == DEMONSTRATION)
        await connection.execute(kept.values(value=demonstration))
    await region.parts.application.refresh()
    # Elsewhere a second factor is asked for before anything else.
    for path, user in (("/login", ""), *((("/network", "operator"), ("/worklist", "imaging.huba")) if demonstration else ())):
        page = (await region.call("GET", path, user=user, headers=FORM)).body.decode()
        assert (MADE_UP in page) is demonstration, path

"""One's own password over HTTP: what a new one must be, and what ends with the old one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from telemed.adapters.clock import utc_now
from telemed.adapters.database import tables as t
from telemed.domain.authentication_profile import PROFILES, ProfileName
from telemed.domain.people import SoftwareAgent
from telemed.service.own_password import set_password
from tests.demo_region import PASSWORD, PASSWORDS, Answer, DemoRegion, running_region
from tests.telemed.api.factors import for_real, set_person, sign_in, trail

ME, NEW = "lab.main", "correct horse battery"


@pytest.fixture
async def region(tmp_path: Path, region_database: Path) -> AsyncIterator[DemoRegion]:
    async with running_region(tmp_path, region_database) as running:
        yield running


async def change(region: DemoRegion, old: str, new: str, user: str = ME) -> Answer:
    return await region.call("PUT", "/api/v1/me/password", {"old": old, "new": new}, user=user, headers={"Accept-Language": "en"})


async def test_all_other_sessions_and_browsers_end_and_this_one_goes_on(region: DemoRegion) -> None:
    other = (await sign_in(region, ME)).body["token"]
    browser = await region.call("POST", "/login", data={"username": ME, "password": PASSWORD, "next": ""}, headers={"Origin": region.home})
    assert browser.status == 303
    await region.token(ME)
    assert (await change(region, PASSWORD, NEW)).status == 204
    assert (await region.call("GET", "/api/v1/me", user=ME)).status == 200
    region.tokens["other"] = other
    assert (await region.call("GET", "/api/v1/me", user="other")).status == 401
    async with region.parts.application.engine.connect() as connection:
        assert (await connection.execute(sa.select(t.known_browser).where(t.known_browser.c.username == ME))).all() == []
    assert (await sign_in(region, ME)).status == 401
    assert (await sign_in(region, ME, NEW)).status == 200
    assert await trail(region, "password:change") == [(ME, f"person/{ME}", "success", {"times": 2})]


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("short1!", "is too short; the fewest characters are 8"),
        ("password123", "is one of the passwords that everybody tries first"),
        ("my-lab.main-pass", "holds a word that is easily guessed here: lab.main"),
        ("Telemed is good", "holds a word that is easily guessed here: telemed"),
        (PASSWORD, "holds a word that is easily guessed here: telemed"),
        ("x" * 201, "200"),
    ],
)
async def test_what_makes_no_password_is_said(region: DemoRegion, new: str, said: str) -> None:
    refused = await change(region, PASSWORD, new)
    assert refused.status == 422
    assert refused.body["errors"][0]["field"] == "new"
    assert said in refused.body["detail"]
    assert (await sign_in(region, ME)).status == 200


async def test_the_present_one_again_is_no_new_one(region: DemoRegion) -> None:
    assert (await change(region, PASSWORD, NEW)).status == 204
    assert "was used before" in (await change(region, NEW, NEW)).body["detail"]


@pytest.mark.parametrize("earlier", [4, 5, 6])
async def test_mlps3_remembers_five(region: DemoRegion, earlier: int) -> None:
    """The first password is tried again after so many others."""
    region.parts.application._profile = PROFILES[ProfileName.MLPS3]
    await region.parts.application.refresh()
    used = [f"Sturm und Drang {n}" for n in range(earlier + 1)]
    old = PASSWORD
    for new in used:
        assert (await change(region, old, new)).status == 204
        old = new
    again = await change(region, old, used[0])
    assert again.status == (422 if earlier < 5 else 204), again.body


async def test_mlps3_asks_for_three_kinds(region: DemoRegion) -> None:
    region.parts.application._profile = PROFILES[ProfileName.MLPS3]
    await region.parts.application.refresh()
    assert "too few kinds" in (await change(region, PASSWORD, "sturmunddrang")).body["detail"]


async def test_a_wrong_old_one_is_counted_by_the_session(region: DemoRegion) -> None:
    for _ in range(5):
        assert (await change(region, "wrong", NEW)).body["type"] == "/problems/wrong-password"
    assert (await change(region, PASSWORD, NEW)).body["type"] == "/problems/not-authenticated"
    assert (await sign_in(region, ME)).status == 200


async def test_of_two_changes_at_once_one_holds(region: DemoRegion) -> None:
    await region.token(ME)
    answers = await asyncio.gather(change(region, PASSWORD, NEW), change(region, PASSWORD, "battery horse correct"))
    assert sorted(answer.status for answer in answers) == [204, 401]
    assert {(await sign_in(region, ME, new)).status for new in (NEW, "battery horse correct")} == {200, 401}


@pytest.mark.parametrize(("days", "required"), [(89, []), (90, ["password-change"]), (91, ["password-change"])])
async def test_mlps3_has_it_changed_after_ninety_days(region: DemoRegion, days: int, required: list[str]) -> None:
    region.parts.application._profile = PROFILES[ProfileName.MLPS3]
    await for_real(region)
    await set_person(region, ME, password_changed_at=utc_now() - timedelta(days=days))
    assert [each for each in (await sign_in(region, ME)).body["required"] if each != "second-factor-setup"] == required


async def test_set_by_somebody_else_it_ends_every_session_and_the_person_is_told(region: DemoRegion) -> None:
    await region.token(ME)
    made = await PASSWORDS.hash(NEW)
    async with region.parts.application.writing() as work:
        await set_password(work, ME, made, SoftwareAgent("command-line"), must_change=True)
    assert (await region.call("GET", "/api/v1/me", user=ME)).status == 401
    signed = await sign_in(region, ME, NEW)
    assert signed.body["required"] == ["password-change"]
    region.tokens[ME] = signed.body["token"]
    assert (await change(region, NEW, "battery horse correct")).status == 204
    page = await region.call("GET", "/notices", user=ME, headers={"Accept": "text/html", "Accept-Language": "en"})
    assert page.body.decode().count("Your password was changed") == 2
    async with region.parts.application.reading() as work:
        person = await work.people.get(ME)
    assert person is not None
    assert await region.parts.application.queries.unread_notices(person) == 0


async def test_a_name_twice_is_not_taken(region: DemoRegion) -> None:
    content = f'{{"old": "x", "old": "{PASSWORD}", "new": "{NEW}"}}'
    headers = {"Content-Type": "application/json"}
    assert (await region.call("PUT", "/api/v1/me/password", data=content, user=ME, headers=headers)).status == 400

"""One policy wherever a password is set: by an invitation, after a reset, by the administrator, by oneself; of both profiles."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from telemed.adapters.database.repositories.people import PersonTable
from telemed.domain.authentication_profile import PROFILES, ProfileName
from tests.demo_region import PASSWORD, Answer, DemoRegion, running_region
from tests.telemed.api.factors import for_real, set_person, sign_in, trail, with_totp

WANG: dict[str, Any] = {"username": "wang.li", "name": "王莉", "institution": "HUBA", "roles": ["specialist"], "centres": ["imaging"]}
FORM = {"Accept": "text/html", "Content-Type": "application/x-www-form-urlencoded", "Accept-Language": "en"}
GOOD, OTHER = "Sturm und Drang 7", "Sturm und Drang 8"
ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
async def region(tmp_path: Path, region_database: Path) -> AsyncIterator[DemoRegion]:
    async with running_region(tmp_path, region_database) as running:
        yield running


async def under(region: DemoRegion, profile: ProfileName) -> None:
    """The region follows the profile, and is no demonstration for anybody but the administrators who are at work here."""
    region.parts.application._profile = PROFILES[profile]
    for user in ("secadmin", "auditor", "lab.main"):
        await region.token(user)
    await for_real(region)


async def link(region: DemoRegion, path: str, body: Any = None) -> str:
    answer = await region.call("POST", f"/api/v1/accounts{path}", body or {}, user="secadmin")
    assert answer.status in (200, 201), answer.body
    return urlsplit(answer.body["url"]).path


async def choose(region: DemoRegion, path: str, password: str) -> Answer:
    return await region.call("POST", path, data=urlencode({"password": password, "again": password}), headers=FORM)


async def by_invitation(region: DemoRegion, password: str) -> Answer:
    return await choose(region, await link(region, "", WANG), password)


async def by_reset(region: DemoRegion, password: str) -> Answer:
    return await choose(region, await link(region, "/lab.huba/reset"), password)


async def by_administrator(region: DemoRegion, password: str) -> Answer:
    return await region.call("POST", "/api/v1/accounts", WANG | {"password": password}, user="secadmin", headers=ENGLISH)


async def by_oneself(region: DemoRegion, password: str) -> Answer:
    return await region.call("PUT", "/api/v1/me/password", {"old": PASSWORD, "new": password}, user="lab.main", headers=ENGLISH)


DOORS = {each.__name__: each for each in (by_invitation, by_reset, by_administrator, by_oneself)}
WORDS = {"too short": "Sturm 7", "few kinds": "sturmunddrang", "everybody tries": "password123", "guessed here": "Telemed 2026!"}


@pytest.mark.parametrize("profile", ProfileName)
@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
async def test_every_door_asks_the_same(
    region: DemoRegion, door: Callable[[DemoRegion, str], Awaitable[Answer]], profile: ProfileName
) -> None:
    await under(region, profile)
    for words, password in WORDS.items():
        if words == "few kinds" and profile is ProfileName.ASVS:
            continue
        refused = await door(region, password)
        said = refused.body.decode() if isinstance(refused.body, bytes) else str(refused.body)
        assert (refused.status, words in said) == (422, True), (password, said)
    assert (await door(region, GOOD)).status in (200, 201, 204)


def test_no_other_way_to_write_a_password() -> None:
    """Accounts are made with one, and from then on `PasswordRecords.replace` alone writes it: what remembers and what tells."""
    assert not hasattr(PersonTable, "set_password")


@pytest.mark.parametrize("profile", ProfileName)
@pytest.mark.parametrize(("door", "username"), [(by_invitation, "wang.li"), (by_reset, "lab.huba")])
async def test_who_chose_it_is_not_asked_for_another(
    region: DemoRegion, profile: ProfileName, door: Callable[[DemoRegion, str], Awaitable[Answer]], username: str
) -> None:
    await under(region, profile)
    assert (await door(region, GOOD)).status == 200
    required = (await sign_in(region, username, GOOD)).body["required"]
    assert required == (["second-factor-setup"] if profile is ProfileName.MLPS3 else [])


@pytest.mark.parametrize("profile", ProfileName)
async def test_one_that_somebody_else_chose_is_changed_first(region: DemoRegion, profile: ProfileName) -> None:
    await under(region, profile)
    assert (await by_administrator(region, GOOD)).status == 201
    signed = await sign_in(region, "wang.li", GOOD)
    assert "password-change" in signed.body["required"]
    region.tokens["wang.li"] = signed.body["token"]
    refused = await region.call("GET", "/api/v1/cases", user="wang.li")
    assert (refused.status, refused.body["type"]) == (403, "/problems/password-change-required")
    same = await region.call("PUT", "/api/v1/me/password", {"old": GOOD, "new": GOOD}, user="wang.li", headers=ENGLISH)
    assert "was used before" in same.body["detail"]
    assert (await region.call("PUT", "/api/v1/me/password", {"old": GOOD, "new": OTHER}, user="wang.li")).status == 204
    assert "password-change" not in (await sign_in(region, "wang.li", OTHER)).body["required"]


@pytest.mark.parametrize("profile", ProfileName)
async def test_a_password_that_was_reset_is_not_chosen_again(region: DemoRegion, profile: ProfileName) -> None:
    await under(region, profile)
    first = await link(region, "/lab.huba/reset")
    assert (await choose(region, first, GOOD)).status == 200
    again = await link(region, "/lab.huba/reset")
    refused = await choose(region, again, GOOD)
    assert (refused.status, b"was used before" in refused.body) == (422, True)
    assert (await choose(region, again, OTHER)).status == 200


async def test_a_reset_ends_who_waits_for_the_second_step_and_leaves_the_factor(region: DemoRegion) -> None:
    await with_totp(region, "lab.huba")
    assert (await sign_in(region, "lab.huba")).body["type"] == "/problems/second-factor-required"
    path = await link(region, "/lab.huba/reset")
    assert (await choose(region, path, GOOD)).status == 200
    assert (await sign_in(region, "lab.huba", GOOD)).body["type"] == "/problems/second-factor-required"


async def test_the_person_is_told_of_the_reset_and_of_the_new_one(region: DemoRegion) -> None:
    path = await link(region, "/lab.huba/reset")
    assert (await choose(region, path, GOOD)).status == 200
    region.tokens["lab.huba"] = (await sign_in(region, "lab.huba", GOOD)).body["token"]
    page = await region.call("GET", "/notices", user="lab.huba", headers={"Accept": "text/html", "Accept-Language": "en"})
    assert page.body.decode().count("Your password was changed") == 2
    assert [actor for actor, *_ in await trail(region, "password:change")] == ["lab.huba"]


async def test_who_may_make_no_account_learns_nothing_of_passwords(region: DemoRegion) -> None:
    """The refusal is the same for a good one and a bad one."""
    body = WANG | {"password": "short"}
    for user in ("sysadmin", "operator", "auditor", "clinic1"):
        assert (await region.call("POST", "/api/v1/accounts", body, user=user)).status == 403


async def test_a_role_that_needs_a_second_factor_ends_sessions_without_one(region: DemoRegion) -> None:
    """Under `asvs` the operator must have one, a specialist need not."""
    await under(region, ProfileName.ASVS)
    await set_person(region, "lab.main", institution="NETWORK", centres=frozenset())
    body = {"name": "新岗位", "institution": "NETWORK", "roles": ["operator"]}
    answer = await region.call("PUT", "/api/v1/accounts/lab.main", body, user="secadmin", headers={"If-Match": "*"})
    assert answer.status == 200, answer.body
    assert (await region.call("GET", "/api/v1/me", user="lab.main")).status == 401
    assert (await sign_in(region, "lab.main")).body["required"] == ["second-factor-setup"]

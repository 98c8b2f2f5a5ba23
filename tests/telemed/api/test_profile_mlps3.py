"""With the profile `mlps3` a password alone opens no door outside the demonstration, to browsers or to programs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from telemed.domain.authentication_profile import PROFILES, ProfileName
from telemed.roles.web import web_application
from telemed.web.gate import ALWAYS_OPEN, OPEN_FOR, Requirement
from telemed.web.security import HALF_COOKIE, SESSION_COOKIE
from tests.demo_region import PASSWORD, DemoRegion, running_region
from tests.telemed.api.factors import code_of, for_real, sign_in, with_totp
from tests.telemed.api.test_gate import doors

PEOPLE = ["clinic1", "imaging.huba", "imaging2.main", "operator", "sysadmin", "secadmin", "auditor"]
"""One of each role."""


@pytest.fixture(scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory, region_database: Path) -> AsyncIterator[DemoRegion]:
    async with running_region(tmp_path_factory.mktemp("mlps3"), region_database) as running:
        running.parts.application._profile = PROFILES[ProfileName.MLPS3]
        await for_real(running)
        yield running


@pytest.mark.parametrize("user", PEOPLE)
async def test_a_token_for_a_password_alone_opens_nothing_but_the_way_to_a_factor(region: DemoRegion, user: str) -> None:
    signed = await sign_in(region, user)
    assert signed.body["required"] == ["second-factor-setup"]
    holes, tried = [], 0
    for method, route, path in doors(web_application(region.parts)):
        if route in ALWAYS_OPEN | OPEN_FOR[Requirement.SECOND_FACTOR]:
            continue
        tried += 1
        answer = await region.call(method, path, headers={"Authorization": f"Bearer {signed.body['token']}"})
        if not (answer.status == 403 and (method == "HEAD" or answer.body["type"] == "/problems/second-factor-setup-required")):
            holes.append((method, route, answer.status))
    assert tried > 150
    assert holes == []


@pytest.mark.parametrize("path", ["/api/v1/me", "/api/v1/cases", "/dicomweb/studies", "/api/v1/events"])
async def test_with_a_factor_a_password_alone_gives_no_token_and_the_code_does(region: DemoRegion, path: str) -> None:
    user = {"/api/v1/me": "ecg.huba", "/api/v1/cases": "ecg.hubb", "/dicomweb/studies": "imaging.hubb", "/api/v1/events": "clinic2"}[path]
    region.tokens[user] = (await sign_in(region, user)).body["token"]
    secret, _ = await with_totp(region, user)
    alone = await sign_in(region, user)
    assert (alone.status, alone.body["type"], "token" in alone.body) == (401, "/problems/second-factor-required", False)
    given = alone.headers["Set-Cookie"]
    assert HALF_COOKIE in given
    assert SESSION_COOKIE not in given
    half = given.split("=", 1)[1].split(";", 1)[0]
    for headers in ({"Authorization": f"Bearer {half}"}, {"Cookie": f"{SESSION_COOKIE}={half}"}):
        assert (await region.call("GET", path, headers=headers)).status == 401
    wrong = await sign_in(region, user, code="000000")
    assert (wrong.status, "token" in wrong.body) == (401, False)
    right = await sign_in(region, user, code=code_of(secret, 1))
    assert (right.status, right.body["required"]) == (200, [])
    if path != "/api/v1/events":  # that answer has no end
        bearer = {"Authorization": f"Bearer {right.body['token']}"}
        assert (await region.call("GET", path, headers=bearer)).status in (200, 204)


async def test_the_page_to_sign_in_gives_no_session_either(region: DemoRegion) -> None:
    region.tokens["clinic3"] = (await sign_in(region, "clinic3")).body["token"]
    await with_totp(region, "clinic3")
    form = {"username": "clinic3", "password": PASSWORD, "next": "/cases"}
    answer = await region.call("POST", "/login", data=form, headers={"Accept": "text/html", "Origin": region.home})
    assert (answer.status, answer.headers["Location"]) == (303, "/login/factor?next=/cases")
    assert SESSION_COOKIE not in answer.headers.get("Set-Cookie", "")


@pytest.mark.parametrize("header", ["Basic", "Digest"])
async def test_no_other_way_to_say_a_password_is_taken(region: DemoRegion, header: str) -> None:
    """`c3lzYWRtaW46dGVsZW1lZC1kZW1v` is the name and the password of somebody, as Basic writes them."""
    for path in ("/api/v1/me", "/dicomweb/studies", "/api/v1/cases"):
        answer = await region.call("GET", path, headers={"Authorization": f"{header} c3lzYWRtaW46dGVsZW1lZC1kZW1v"})
        assert answer.status == 401

"""Nobody who is half signed in, or has something to do first, reaches any other door: every route that there is, one by one."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.web_urldispatcher import DynamicResource

from telemed.adapters.database import tables as t
from telemed.domain.authentication_profile import PROFILES, ProfileName, Requirement
from telemed.roles.web import web_application
from telemed.web.gate import ALWAYS_OPEN, OPEN_FOR
from telemed.web.security import HALF_COOKIE
from tests.demo_region import PASSWORD, Answer, DemoRegion, running_region
from tests.telemed.api.factors import code_of, for_real, set_person, sign_in, with_totp
from tests.telemed.api.test_second_factors import cookie_in

OPEN_TO_ALL = ALWAYS_OPEN - {"/logout", "/api/v1/logout", "/api/v1/me", "/me/security"}
"""What nobody need be signed in for."""
NAMED_PART = re.compile(r"{[^{}]+}")
FILLINGS = ("0", "0" * 12, "0" * 32, "0" * 64, "0" * 16 + ".woff2")
"""What the patterns of named parts take: a word, a UID, identities, digests, a font of the OHIF viewer, which is installed or is not."""
NEW = "correct horse battery"


@pytest.fixture(scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory, region_database: Path) -> AsyncIterator[DemoRegion]:
    async with running_region(tmp_path_factory.mktemp("gate"), region_database) as running:
        yield running


def doors(app: web.Application) -> Iterator[tuple[str, str, str]]:
    """Method, address of the route as it was added, and a path that leads there; those of DICOMweb among them."""
    for resource in app.router.resources():
        below = getattr(resource, "_app", None)
        routes = (
            [(each, route) for each in below.router.resources() for route in each] if below else [(resource, route) for route in resource]
        )
        for each, route in routes:
            yield ("GET" if route.method == "*" else route.method), each.canonical, path_to(each)


def path_to(resource: web.AbstractResource) -> str:
    """A path that the router leads there: parts of a name are nought, as often as their pattern asks, and end as a file that it names."""
    if not isinstance(resource, DynamicResource):
        return resource.canonical
    paths = (NAMED_PART.sub(filling, resource.canonical) for filling in FILLINGS)
    return next(path for path in paths if resource.get_info()["pattern"].fullmatch(path))


async def knock(region: DemoRegion, method: str, path: str, headers: dict[str, str]) -> Answer:
    return await region.call(method, path, headers=headers)


@pytest.mark.parametrize("requirement", Requirement)
async def test_nothing_else_is_open(region: DemoRegion, requirement: Requirement) -> None:
    user = "ecg.huba" if requirement is Requirement.PASSWORD_CHANGE else "auditor"
    token = (await sign_in(region, user)).body["token"]
    async with region.parts.application.engine.begin() as connection:
        await connection.execute(t.session.update().where(t.session.c.username == user).values(required=frozenset({requirement.value})))
    holes, tried = [], 0
    for method, route, path in doors(web_application(region.parts)):
        if route in ALWAYS_OPEN | OPEN_FOR[requirement]:
            continue
        tried += 1
        answer = await knock(region, method, path, {"Authorization": f"Bearer {token}"})
        # HEAD has no body; what the router does not take reaches nobody either
        refused = answer.status == 403 and (method == "HEAD" or answer.body["type"] == f"/problems/{requirement.value}-required")
        if not refused:
            holes.append((method, route, answer.status))
    assert tried > 150
    assert holes == []


async def test_half_signed_in_one_is_nobody(region: DemoRegion) -> None:
    await with_totp(region, "lab.huba")
    half = cookie_in(await sign_in(region, "lab.huba"), HALF_COOKIE)
    holes = []
    for method, route, path in doors(web_application(region.parts)):
        if route in OPEN_TO_ALL:
            continue
        for headers in ({"Cookie": f"{HALF_COOKIE}={half}; telemed_session={half}"}, {"Authorization": f"Bearer {half}"}):
            answer = await knock(region, method, path, headers)
            if answer.status != 401 and not (answer.status == 404 and route.endswith("bulkdata/{path}")):  # it names no attribute
                holes.append((method, route, answer.status))
    assert holes == []


async def test_what_is_open_is_there(region: DemoRegion) -> None:
    """A name that no route has any more opens nothing."""
    there = {route for _, route, _ in doors(web_application(region.parts))}
    named = ALWAYS_OPEN.union(*OPEN_FOR.values())
    assert named - there == set()


async def test_first_the_password_is_changed_and_then_all_is_open(region: DemoRegion) -> None:
    await set_person(region, "clinic2", must_change_password=True)
    signed = await sign_in(region, "clinic2")
    assert signed.body["required"] == ["password-change"]
    region.tokens["clinic2"] = signed.body["token"]
    refused = await region.call("GET", "/api/v1/cases", user="clinic2", headers={"Accept-Language": "en"})
    assert (refused.status, refused.body["type"]) == (403, "/problems/password-change-required")
    assert "Change your password first" in refused.body["title"]
    page = await region.call("GET", "/cases?view=done", user="clinic2", headers={"Accept": "text/html"})
    assert (page.status, page.headers["Location"]) == (303, "/me/security?next=/cases?view%3Ddone")
    shown = (await region.call("GET", page.headers["Location"], user="clinic2", headers={"Accept": "text/html"})).body.decode()
    assert 'data-own-then="/cases?view=done"' in shown
    assert "/api/v1/me/totp" not in shown
    assert (await region.call("PUT", "/api/v1/me/password", {"old": PASSWORD, "new": NEW}, user="clinic2")).status == 204
    assert (await region.call("GET", "/api/v1/cases", user="clinic2")).status == 200
    assert (await sign_in(region, "clinic2", NEW)).body["required"] == []


async def test_in_the_demonstration_nobody_is_asked(region: DemoRegion) -> None:
    for profile in ProfileName:
        region.parts.application._profile = PROFILES[profile]
        await region.parts.application.refresh()
        assert (await sign_in(region, "secadmin")).body["required"] == []


@pytest.mark.parametrize(
    ("profile", "asked"), [(ProfileName.ASVS, {"sysadmin", "operator"}), (ProfileName.MLPS3, {"sysadmin", "operator", "clinic3"})]
)
async def test_elsewhere_the_profile_asks(tmp_path: Path, region_database: Path, profile: ProfileName, asked: set[str]) -> None:
    async with running_region(tmp_path, region_database) as region:
        region.parts.application._profile = PROFILES[profile]
        await for_real(region)
        for user in ("sysadmin", "operator", "clinic3"):
            signed = await sign_in(region, user)
            assert signed.body["required"] == (["second-factor-setup"] if user in asked else [])
        refused = await region.call("GET", "/api/v1/network", user="operator")
        assert refused.body["type"] == "/problems/second-factor-setup-required"
        secret, codes = await with_totp(region, "operator")
        assert len(codes) == 10
        assert (await region.call("GET", "/api/v1/network", user="operator")).status == 200
        assert (await sign_in(region, "operator", code=code_of(secret, 1))).body["required"] == []
        kept = await region.call("POST", "/api/v1/me/totp/remove", {"password": PASSWORD}, user="operator")
        assert (kept.status, kept.body["type"]) == (409, "/problems/factor-needed")

"""Second factors over HTTP: set up, asked for, used once, counted, removed; what a half session is good for."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine

from telemed.adapters.database import tables as t
from telemed.domain.second_factor import HALF_SESSION_FOR, TOTP_STEP
from telemed.web.security import HALF_COOKIE, SESSION_COOKIE
from tests.demo_region import PASSWORD, Answer, DemoRegion, running_region
from tests.telemed.api.factors import code_of, sign_in, trail, with_totp

ME = "lab.main"


@pytest.fixture
async def region(tmp_path: Path, region_database: Path) -> AsyncIterator[DemoRegion]:
    """One for each test: what it counts is its own. It begins with a step of time, so that none passes on the way."""
    begin = (int(time.time()) // TOTP_STEP + 1) * TOTP_STEP + 1
    with time_machine.travel(begin, tick=True):
        async with running_region(tmp_path, region_database) as running:
            yield running


def cookie_in(answer: Answer, name: str) -> str:
    found = [SimpleCookie(line).get(name) for line in answer.headers.getall("Set-Cookie", [])]
    return next((cookie.value for cookie in found if cookie), "")


async def in_pages(region: DemoRegion, half: str, code: str, **headers: str) -> Answer:
    sent = {"Cookie": f"{HALF_COOKIE}={half}", "Accept": "text/html", **headers}
    return await region.call("POST", "/login/factor", data={"code": code, "next": "/cases?x=1"}, headers=sent)


async def test_who_has_none_signs_in_as_ever(region: DemoRegion) -> None:
    signed = await sign_in(region, ME)
    assert signed.status == 200
    assert signed.body["required"] == []
    assert not cookie_in(signed, HALF_COOKIE)


async def test_the_secret_is_shown_as_text_address_and_picture_and_kept_sealed(region: DemoRegion) -> None:
    begun = (await region.call("POST", "/api/v1/me/totp", {"password": PASSWORD}, user=ME)).body
    bare = begun["secret"].replace("-", "")
    assert re.fullmatch(r"[A-Z2-7]{32}", bare)
    assert f"secret={bare}" in begun["address"]
    assert begun["svg"].startswith("<svg")
    assert "style" not in begun["svg"]
    async with region.parts.application.engine.connect() as connection:
        raw = str((await connection.execute(sa.text("SELECT * FROM totp"))).all())
    assert bare not in raw
    assert (await sign_in(region, ME)).status == 200  # it counts from the first right code


async def test_a_wrong_first_code_sets_nothing_up(region: DemoRegion) -> None:
    secret = (await region.call("POST", "/api/v1/me/totp", {"password": PASSWORD}, user=ME)).body["secret"]
    wrong = await region.call("POST", "/api/v1/me/totp/confirm", {"code": code_of(secret, 5)}, user=ME)
    assert (wrong.status, wrong.body["type"]) == (401, "/problems/wrong-code")
    assert (await region.call("GET", "/api/v1/me/factors", user=ME)).body["totp"] is False
    again = (await region.call("POST", "/api/v1/me/totp", {"password": PASSWORD}, user=ME)).body["secret"]
    assert again != secret


@pytest.mark.parametrize("call", ["POST /me/totp", "POST /me/totp/remove", "POST /me/passkeys/x/remove", "POST /me/recovery-codes"])
async def test_every_change_asks_for_the_password(region: DemoRegion, call: str) -> None:
    method, path = call.split()
    refused = await region.call(method, f"/api/v1{path}", {"password": "wrong"}, user=ME)
    assert (refused.status, refused.body["type"]) == (401, "/problems/wrong-password")


async def test_the_password_alone_is_half_of_it(region: DemoRegion) -> None:
    secret, codes = await with_totp(region, ME)
    half = await sign_in(region, ME)
    assert half.status == 401
    assert half.body["type"] == "/problems/second-factor-required"
    assert half.body["factors"] == ["totp", "recovery-code"]
    assert not cookie_in(half, SESSION_COOKIE)
    wrong = await sign_in(region, ME, code=code_of(secret, 4))
    assert (wrong.status, wrong.body["type"]) == (401, "/problems/wrong-code")
    assert (await sign_in(region, ME, code=code_of(secret))).status == 200
    assert (await sign_in(region, ME, code=codes[0].lower())).status == 200
    assert (await sign_in(region, ME, "wrong", code=code_of(secret, 1))).body["type"] == "/problems/not-authenticated"
    begun = [detail["factor"] for actor, _, outcome, detail in await trail(region, "session:begin") if actor == ME and "factor" in detail]
    assert begun == ["totp", "recovery-code"]
    assert [(outcome, detail) for *_, outcome, detail in await trail(region, "factor:use")] == [("refused", {"from": "127.0.0.1"})]


async def test_a_code_is_used_once(region: DemoRegion) -> None:
    secret, codes = await with_totp(region, ME)
    for code in (code_of(secret), codes[3]):
        assert (await sign_in(region, ME, code=code)).status == 200
        again = await sign_in(region, ME, code=code)
        assert (again.status, again.body["type"]) == (401, "/problems/wrong-code")
    assert (await region.call("GET", "/api/v1/me/factors", user=ME)).body["recovery_codes"] == 9


@pytest.mark.parametrize("kind", ["totp", "recovery-code"])
async def test_a_code_that_is_used_twice_at_once_passes_once(region: DemoRegion, kind: str) -> None:
    secret, codes = await with_totp(region, ME)
    code = code_of(secret) if kind == "totp" else codes[0]
    answers = await asyncio.gather(*(sign_in(region, ME, code=code) for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [200, 401, 401, 401]


async def test_of_many_guesses_in_flight_five_are_judged(region: DemoRegion) -> None:
    secret, _ = await with_totp(region, ME)
    halves = [cookie_in(await sign_in(region, ME), HALF_COOKIE) for _ in range(12)]
    answers = await asyncio.gather(*(in_pages(region, half, f"{n:06d}") for n, half in enumerate(halves)))
    assert sorted(answer.status for answer in answers) == [401] * 5 + [429] * 7
    locked = await sign_in(region, ME, code=code_of(secret))
    assert locked.status == 429
    assert int(locked.headers["Retry-After"]) > 600
    assert [detail["kind"] for *_, detail in await trail(region, "account:lock")] == ["second-factor"]
    page = await region.call("GET", "/notices", user=ME, headers={"Accept": "text/html", "Accept-Language": "en"})
    assert "Somebody who knows your password tried wrong codes" in page.body.decode()
    assert (await region.call("POST", f"/api/v1/accounts/{ME}/unlock", {}, user="secadmin")).status == 204
    assert (await sign_in(region, ME, code=code_of(secret))).status == 200


async def test_right_passwords_take_no_wrong_code_back(region: DemoRegion) -> None:
    await with_totp(region, ME)
    for expected in (401, 401, 401, 401, 401, 429):
        assert (await sign_in(region, ME)).body["type"] == "/problems/second-factor-required"
        assert (await sign_in(region, ME, code="000000")).status == expected


async def test_through_the_pages_it_is_two_steps_and_then_where_one_wanted(region: DemoRegion) -> None:
    secret, _ = await with_totp(region, ME)
    first = await region.call("POST", "/login", data={"username": ME, "password": PASSWORD, "next": "/cases?x=1"})
    assert (first.status, first.headers["Location"]) == (303, "/login/factor?next=/cases?x%3D1")
    half = cookie_in(first, HALF_COOKIE)
    line = next(v for v in first.headers.getall("Set-Cookie") if v.startswith(HALF_COOKIE))
    assert "HttpOnly" in line
    assert "SameSite=Lax" in line
    assert f"Max-Age={int(HALF_SESSION_FOR.total_seconds())}" in line
    shown = await region.call("GET", "/login/factor", headers={"Cookie": f"{HALF_COOKIE}={half}", "Accept-Language": "en"})
    assert "Type the code that your app shows now" in shown.body.decode()
    wrong = await in_pages(region, half, "000000", **{"Accept-Language": "en"})
    assert wrong.status == 401
    assert "The code is wrong" in wrong.body.decode()
    done = await in_pages(region, half, code_of(secret))
    assert (done.status, done.headers["Location"]) == (303, "/cases?x=1")
    assert cookie_in(done, SESSION_COOKIE)
    again = await in_pages(region, half, code_of(secret, 1))  # the half session is used up
    assert (again.status, again.headers["Location"]) == (303, "/login?next=/cases?x%3D1")


@pytest.mark.parametrize("way", ["api", "pages"])
async def test_a_half_session_lasts_five_minutes(region: DemoRegion, way: str) -> None:
    secret, _ = await with_totp(region, ME)
    half = cookie_in(await sign_in(region, ME), HALF_COOKIE)
    async with region.parts.application.engine.begin() as connection:
        made = (await connection.execute(sa.select(t.half_session.c.created_at))).scalar_one()
        await connection.execute(
            sa.update(t.half_session).values(created_at=made - HALF_SESSION_FOR + timedelta(seconds=-1 if way == "api" else 0))
        )
    if way == "pages":
        assert (await in_pages(region, half, code_of(secret))).headers["Location"].startswith("/login?")
    else:
        answer = await region.call("POST", "/api/v1/login/passkey/options", {}, headers={"Cookie": f"{HALF_COOKIE}={half}"})
        assert answer.status == 401


async def test_a_new_password_ends_what_waits_for_the_second_factor(region: DemoRegion) -> None:
    secret, _ = await with_totp(region, ME)
    half = cookie_in(await sign_in(region, ME), HALF_COOKIE)
    body = {"old": PASSWORD, "new": "correct horse battery"}
    assert (await region.call("PUT", "/api/v1/me/password", body, user=ME)).status == 204
    assert (await in_pages(region, half, code_of(secret))).headers["Location"].startswith("/login?")


async def test_removed_it_is_asked_for_no_longer_and_recovery_codes_are_gone(region: DemoRegion) -> None:
    await with_totp(region, ME)
    assert (await region.call("POST", "/api/v1/me/totp", {"password": PASSWORD}, user=ME)).body["type"] == "/problems/factor-there"
    assert (await region.call("POST", "/api/v1/me/totp/remove", {"password": PASSWORD}, user=ME)).status == 204
    factors = (await region.call("GET", "/api/v1/me/factors", user=ME)).body
    assert (factors["totp"], factors["recovery_codes"]) == (False, 0)
    assert (await sign_in(region, ME)).status == 200
    assert [(outcome, detail) for _, _, outcome, detail in await trail(region, "factor:")] == [
        ("success", {"factor": "totp"}),
        ("success", {"factor": "totp"}),
    ]


async def test_new_recovery_codes_take_the_place_of_the_old(region: DemoRegion) -> None:
    _, old = await with_totp(region, ME)
    new = (await region.call("POST", "/api/v1/me/recovery-codes", {"password": PASSWORD}, user=ME)).body["recovery_codes"]
    assert len(set(old)) == len(set(new)) == 10
    assert set(old).isdisjoint(new)
    assert (await sign_in(region, ME, code=old[0])).status == 401
    assert (await sign_in(region, ME, code=new[0])).status == 200
    async with region.parts.application.engine.connect() as connection:
        kept = str((await connection.execute(sa.select(t.recovery_code))).all())
    assert not any(code.replace("-", "") in kept for code in new)


async def test_passkeys_are_not_offered_where_none_can_belong(region: DemoRegion) -> None:
    assert (await region.call("GET", "/api/v1/me/factors", user=ME)).body["passkeys_available"] is False
    refused = await region.call("POST", "/api/v1/me/passkeys/options", {"password": PASSWORD}, user=ME)
    assert (refused.status, refused.body["type"]) == (409, "/problems/passkeys-unavailable")


async def test_a_passkey_that_nobody_made_is_refused(region: DemoRegion) -> None:
    credential = {"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {"clientDataJSON": "e30", "attestationObject": "oA"}}
    refused = await region.call("POST", "/api/v1/me/passkeys", {"name": "x", "credential": credential}, user=ME)
    assert (refused.status, refused.body["type"]) == (422, "/problems/passkey-refused")
    half = cookie_in(await sign_in(region, "clinic1"), HALF_COOKIE)
    answer = await region.call("POST", "/api/v1/login/passkey", {"credential": credential}, headers={"Cookie": f"{HALF_COOKIE}={half}"})
    assert answer.status == 401

"""Signing in under attack, over HTTP: what strangers are told, whom they keep out, what a person's own browser and sessions are."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa

from telemed.adapters.database import tables as t
from telemed.adapters.passwords import ROOMS
from telemed.service.ports.people import Asker
from telemed.web.security import BROWSER_COOKIE, MAX_BROWSER_TOKENS
from tests.demo_region import PASSWORD, Answer, DemoRegion, free_port, new_case, running_region, served

SECTIONS = {"sections": {"findings": "颅内未见异常", "impression": "正常"}}


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        ("", "203.0.113.9", "127.0.0.1"),
        ("10.0.0.0/8", "203.0.113.9", "127.0.0.1"),
        ("127.0.0.0/8", "", "127.0.0.1"),
        ("127.0.0.0/8", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.0/8", "198.51.100.1, 203.0.113.9", "203.0.113.9"),  # what the asker made up comes first
        ("127.0.0.0/8, 10.0.0.0/8", "198.51.100.1, 203.0.113.9, 10.1.2.3", "203.0.113.9"),
        ("127.0.0.0/8", "203.0.113.9, nonsense", "203.0.113.9"),
        ("127.0.0.0/8", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("127.0.0.0/8", "::ffff:203.0.113.9", "203.0.113.9"),
    ],
)
async def test_a_proxy_of_ours_is_believed_and_nobody_else(region: DemoRegion, proxies: str, forwarded: str, address: str) -> None:
    settings = region.parts.settings.model_copy(update={"trusted_proxies": proxies, "http_port": free_port()})
    body = {"username": "nobody", "password": "wrong"}
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    async with served(replace(region.parts, settings=settings)) as behind:
        assert (await behind.call("POST", "/api/v1/login", body, headers=headers)).status == 401
    trail = (await region.call("GET", "/api/v1/audit?actor=nobody", user="auditor")).body["items"]
    assert [line["detail"] for line in trail] == [{"from": address}]


@pytest.fixture
async def region(tmp_path: Path, region_database: Path) -> AsyncIterator[DemoRegion]:
    """One for each test: what it counts is its own."""
    async with running_region(tmp_path, region_database) as running:
        yield running


async def sign_in(region: DemoRegion, username: str, password: str = PASSWORD, headers: Mapping[str, str] | None = None) -> Answer:
    return await region.call("POST", "/api/v1/login", {"username": username, "password": password}, headers=dict(headers or {}))


@contextlib.asynccontextmanager
async def at_address(region: DemoRegion, address: str) -> AsyncIterator[DemoRegion]:
    """The same region as a computer with another address finds it, without the cookies of this one."""
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    async with aiohttp.ClientSession(region.home, connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as http:
        yield DemoRegion(region.home, region.parts, http)


async def written(region: DemoRegion, reader: str = "imaging.huba") -> str:
    case = await new_case(region)
    await region.step(case, "submit", user="clinic1")
    await region.step(case, "claim", user=reader)
    answer = await region.call("PUT", f"/api/v1/cases/{case}/report", SECTIONS, user=reader, headers={"If-Match": "*"})
    assert answer.status == 200, answer.body
    return case


async def test_of_forty_guesses_in_flight_five_are_judged(region: DemoRegion) -> None:
    answers = await asyncio.gather(*(sign_in(region, "lab.hubb", f"wrong{n}") for n in range(40)))
    judged = [answer for answer in answers if answer.status == 401]
    refused = [answer for answer in answers if answer.status == 429]
    assert len(judged) == 5
    assert len(refused) == 35
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
    assert (await sign_in(region, "lab.hubb")).status == 429


async def test_an_answer_does_not_tell_whether_there_is_such_an_account(region: DemoRegion) -> None:
    """Wrong, unknown and closed; and all three when five have been wrong: one status and one body."""
    async with region.parts.application.engine.begin() as connection:
        await connection.execute(sa.update(t.person).where(t.person.c.username == "lab.huba").values(active=False))
    names = ("lab.main", "lab.huba", "nobody")
    for expected in (401, 401, 401, 401, 401, 429):
        answers = [await sign_in(region, name, "wrong") for name in names]
        assert {answer.status for answer in answers} == {expected}
        assert len({str({**answer.body, "until": ""}) for answer in answers}) == 1
        assert len({frozenset(answer.headers.keys()) for answer in answers}) == 1
    assert "until" in answers[0].body
    pages = []
    for name in names:
        form = {"username": name, "password": PASSWORD, "next": ""}
        page = await region.call("POST", "/login", data=form, headers={"Accept": "text/html", "Accept-Language": "en"})
        assert page.status == 429
        pages.append(page.body.decode().replace(name, ""))
    assert "Too many wrong passwords: try again at" in pages[0]


async def test_a_strangers_wrong_passwords_keep_nobody_out_at_another_address(region: DemoRegion) -> None:
    async with at_address(region, "127.0.0.2") as stranger:
        for expected in (401, 401, 401, 401, 401, 429):
            assert (await sign_in(stranger, "lab.main", "wrong")).status == expected
    assert (await sign_in(region, "lab.main")).status == 200


async def test_a_browser_that_is_known_keeps_its_way_in(region: DemoRegion) -> None:
    """At the very address of the stranger, as behind one proxy; through the page and through the API."""
    async with at_address(region, "127.0.0.1") as here:
        form = {"username": "lab.main", "password": PASSWORD, "next": ""}
        signed = await here.call("POST", "/login", data=form, headers={"Origin": region.home})
        assert signed.status == 303
        cookie = SimpleCookie("\r\n".join(v for v in signed.headers.getall("Set-Cookie") if v.startswith(BROWSER_COOKIE)))[BROWSER_COOKIE]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert int(cookie["max-age"]) == 90 * 24 * 3600
        for _ in range(6):
            await sign_in(here, "lab.main", "wrong")
        assert (await sign_in(here, "lab.main")).status == 429
        own = {"Cookie": f"{BROWSER_COOKIE}={cookie.value}"}
        assert (await sign_in(here, "lab.main", headers=own)).status == 200
        assert (await here.call("POST", "/login", data=form, headers=own)).status == 303
        assert (await sign_in(here, "lab.huba", "wrong", headers=own)).status == 401
    async with region.parts.application.engine.connect() as connection:
        assert cookie.value not in str((await connection.execute(sa.select(t.known_browser))).all())


async def test_people_of_one_computer_are_each_known_in_its_browser(region: DemoRegion) -> None:
    names = [f"{centre}.{hub}" for centre in ("lab", "ecg", "imaging") for hub in ("huba", "hubb", "main")]
    value = ""
    async with at_address(region, "127.0.0.1") as here:
        for name in names:
            signed = await sign_in(here, name, headers={"Origin": region.home, "Cookie": f"{BROWSER_COOKIE}={value}"})
            value = next(c.value for v in signed.headers.getall("Set-Cookie") for c in [SimpleCookie(v).get(BROWSER_COOKIE)] if c)
        assert len(value.split(".")) == MAX_BROWSER_TOKENS < len(names)
        again = await sign_in(here, names[-1], headers={"Origin": region.home, "Cookie": f"{BROWSER_COOKIE}={value}"})
        assert BROWSER_COOKIE not in str(again.headers.getall("Set-Cookie"))  # it is known already


async def test_a_program_gets_no_cookie_that_it_would_not_keep(region: DemoRegion) -> None:
    signed = await sign_in(region, "lab.main")
    assert BROWSER_COOKIE not in str(signed.headers.getall("Set-Cookie"))


async def test_strangers_who_fill_the_queue_stand_in_nobodys_way(region: DemoRegion) -> None:
    case = await written(region)
    passwords = region.parts.application.passwords
    with contextlib.ExitStack() as taken:
        for _ in range(ROOMS[Asker.STRANGER].places):
            taken.enter_context(passwords.place(Asker.STRANGER))
        refused = await sign_in(region, "lab.main")
        assert refused.status == 429
        assert refused.body["type"] == "/problems/too-many-waiting"
        assert int(refused.headers["Retry-After"]) >= 1
        signed = await region.step(case, "report/sign", {"password": PASSWORD}, user="imaging.huba")
        assert signed.status == 200, signed.body
    assert (await sign_in(region, "lab.main")).status == 200


async def test_wrong_passwords_at_a_signature_end_that_session_alone(region: DemoRegion) -> None:
    case, other = await written(region), (await sign_in(region, "imaging.huba")).body["token"]
    for _ in range(5):
        assert (await region.step(case, "report/sign", {"password": "wrong"}, user="imaging.huba")).status == 401
    assert (await region.call("GET", "/api/v1/me", user="imaging.huba")).status == 401
    region.tokens["imaging.huba"] = other
    assert (await region.step(case, "report/sign", {"password": PASSWORD}, user="imaging.huba")).status == 200


async def test_of_forty_signatures_in_flight_five_passwords_are_judged(region: DemoRegion) -> None:
    case = await written(region)
    await region.token("imaging.huba")
    sent = [region.step(case, "report/sign", {"password": "wrong"}, user="imaging.huba") for _ in range(40)]
    answers: list[Any] = await asyncio.gather(*sent)
    kinds = [answer.body["type"] for answer in answers]
    assert set(kinds) <= {"/problems/wrong-password", "/problems/locked-out", "/problems/not-authenticated"}  # the last: it has ended
    trail = (await region.call("GET", "/api/v1/audit?action=report:sign", user="auditor")).body["items"]
    assert len([line for line in trail if line["outcome"] == "refused"]) == 5


async def test_a_person_sees_and_ends_their_own_sessions(region: DemoRegion) -> None:
    me = "/api/v1/me/sessions"
    async with at_address(region, "127.0.0.2") as elsewhere:
        far = (await sign_in(elsewhere, "lab.main", headers={"User-Agent": "Far/1.0"})).body["token"]
    await region.token("lab.main")
    found = (await region.call("GET", me, user="lab.main")).body["items"]
    assert [(s["address"], s["current"]) for s in found] == [("127.0.0.1", True), ("127.0.0.2", False)]
    assert found[1]["client"] == "Far/1.0"
    region.tokens["far"] = far
    assert (await region.call("GET", "/api/v1/me", user="far")).status == 200
    assert (await region.call("DELETE", f"{me}/{found[1]['id']}", user="lab.huba")).status == 404
    assert (await region.call("DELETE", f"{me}/{found[1]['id']}", user="lab.main")).status == 204
    assert (await region.call("GET", "/api/v1/me", user="far")).status == 401
    region.tokens["far"] = (await sign_in(region, "lab.main")).body["token"]
    assert (await region.call("DELETE", me, user="lab.main")).status == 204
    assert (await region.call("GET", "/api/v1/me", user="far")).status == 401
    assert len((await region.call("GET", me, user="lab.main")).body["items"]) == 1


async def test_many_refused_attempts_are_few_records(region: DemoRegion) -> None:
    for _ in range(60):
        await sign_in(region, "lab.main", "wrong")
    await region.parts.application.refusals.write()
    trail = (await region.call("GET", "/api/v1/audit?actor=lab.main", user="auditor")).body["items"]
    assert [(line["action"], line["outcome"]) for line in reversed(trail)] == [("session:begin", "refused"), ("account:lock", "success")]
    async with region.parts.application.engine.connect() as connection:
        sums = (await connection.execute(sa.select(t.refused_sign_in))).mappings().all()
    assert [(row["account"], row["address"], row["times"]) for row in sums] == [("lab.main", "127.0.0.1", 60)]


async def test_a_sign_in_with_a_name_twice_is_not_taken(region: DemoRegion) -> None:
    content = f'{{"username": "nobody", "username": "lab.main", "password": "{PASSWORD}"}}'
    headers = {"Content-Type": "application/json", "Accept-Language": "en"}
    answer = await region.call("POST", "/api/v1/login", data=content, headers=headers)
    assert answer.status == 400
    assert answer.body["detail"] == "The name username stands twice in one object"

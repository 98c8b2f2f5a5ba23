"""Accounts over HTTP: from the invitation to the first sign-in, two at once, what is refused and in which words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from tests.demo_region import PASSWORD, Answer, DemoRegion, running_region
from tests.telemed.api.factors import with_totp

NEW = {"username": "wang.li", "name": "王莉", "institution": "HUBA", "roles": ["specialist"], "centres": ["imaging"], "phone": "025-1"}
SECRET = "蓝天-白云-2026"
FORM = {"Accept": "text/html", "Content-Type": "application/x-www-form-urlencoded", "Accept-Language": "en"}


@pytest.fixture
async def region(tmp_path: Path, region_database: Path) -> AsyncIterator[DemoRegion]:
    """A region of its own: accounts are what these tests are about."""
    async with running_region(tmp_path, region_database) as running:
        yield running


async def admin(region: DemoRegion, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await region.call(method, f"/api/v1/accounts{path}", body, user="secadmin", headers={"Accept-Language": "en"} | sent)


async def made(region: DemoRegion, **changes: Any) -> str:
    """Make an account; returns the path of its invitation."""
    answer = await admin(region, "POST", "", NEW | changes)
    assert answer.status == 201, answer.body
    return urlsplit(answer.body["url"]).path


async def chosen(region: DemoRegion, path: str, password: str, again: str | None = None) -> Answer:
    form = urlencode({"password": password, "again": password if again is None else again})
    return await region.call("POST", path, data=form, headers=FORM)


async def signed_in(region: DemoRegion, username: str, password: str) -> int:
    return (await region.call("POST", "/api/v1/login", {"username": username, "password": password})).status


async def test_from_the_invitation_to_the_first_sign_in(region: DemoRegion) -> None:
    path = await made(region)
    assert (await admin(region, "GET", "/wang.li")).body["state"] == "invited"
    page = await region.call("GET", path, headers={"Accept": "text/html"})
    assert "王莉" in page.body.decode()
    for password, again, words in (
        ("short", None, b"too short; the fewest characters are 8"),
        (SECRET, "x", b"not the same"),
        ("wang.li.2026", None, b"easily guessed here: wang.li"),
        ("password123", None, b"everybody tries first"),
    ):
        refused = await chosen(region, path, password, again)
        assert refused.status == 422
        assert words in refused.body
    assert (await chosen(region, path, SECRET)).status == 200
    assert await signed_in(region, "wang.li", SECRET) == 200
    assert (await chosen(region, path, SECRET)).status == 404
    assert (await region.call("GET", path, headers={"Accept": "text/html"})).status == 404
    assert (await admin(region, "GET", "/wang.li")).body["state"] == "open"


async def test_a_link_is_told_once_and_kept_by_no_browser(region: DemoRegion) -> None:
    path = await made(region)
    token = path.rpartition("/")[2]
    shown = [await admin(region, "GET", path) for path in ("", "/wang.li", "/wang.li/leave")]
    assert not [answer for answer in shown if token in str(answer.body)]
    page = await region.call("GET", path, headers={"Accept": "text/html"})
    assert page.headers["Cache-Control"] == "no-store"
    trail = await region.call("GET", "/api/v1/audit?subject=person/wang.li", user="auditor")
    assert token not in str(trail.body)
    assert [line["action"] for line in reversed(trail.body["items"])][:2] == ["account:create", "account:invite"]


@pytest.mark.parametrize("token", ["x", "0" * 43, "a%20b", "%F0%9F%98%80"])
async def test_an_invitation_that_is_none(region: DemoRegion, token: str) -> None:
    for method in ("GET", "POST"):
        answer = await region.call(method, f"/invitation/{token}", data="password=12345678&again=12345678", headers=FORM)
        assert answer.status == 404
        assert b"cannot be used" in answer.body


async def test_another_site_takes_up_no_invitation(region: DemoRegion) -> None:
    path = await made(region)
    form = "password=12345678&again=12345678"
    answer = await region.call("POST", path, data=form, headers=FORM | {"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 403
    assert (await chosen(region, path, SECRET)).status == 200


async def test_a_change_names_the_state_that_it_was_made_from(region: DemoRegion) -> None:
    await made(region)
    tag = (await admin(region, "GET", "/wang.li")).headers["ETag"]
    body = {name: value for name, value in NEW.items() if name != "username"}
    assert (await admin(region, "PUT", "/wang.li", body)).status == 428
    both = [admin(region, "PUT", "/wang.li", body | {"title": title}, If_Match=tag) for title in ("甲", "乙")]
    assert sorted(answer.status for answer in await asyncio.gather(*both)) == [200, 412]
    fresh = await admin(region, "GET", "/wang.li")
    assert (await admin(region, "PUT", "/wang.li", body, If_Match=fresh.headers["ETag"])).status == 200


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"username": "Wang"}, "username", "small letters"),
        ({"username": "clinic1"}, "username", "somebody's already"),
        ({"institution": "NOWHERE"}, "institution", "no institution"),
        ({"roles": ["auditor", "operator"]}, "roles", "stand alone"),
        ({"roles": ["member-staff"]}, "roles", "sends cases"),
        ({"centres": []}, "centres", "at least one"),
        ({"phone": "ask me"}, "phone", "digits"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field(region: DemoRegion, changes: dict[str, Any], field: str, words: str) -> None:
    answer = await admin(region, "POST", "", NEW | changes)
    assert answer.status == 422
    assert [each for each in answer.body["errors"] if each["field"] == field and words in each["message"]], answer.body


async def test_what_nobody_does_to_themselves_is_said_in_words(region: DemoRegion) -> None:
    refused = await admin(region, "POST", "/secadmin/disable")
    assert refused.status == 403
    assert "Nobody does this to their own account" in refused.body["detail"]
    trail = await region.call("GET", "/api/v1/audit?action=access:disable-account", user="auditor")
    assert [line["actor"] for line in trail.body["items"]] == ["secadmin"]


async def test_a_first_password_opens_the_account_at_once(region: DemoRegion) -> None:
    answer = await admin(region, "POST", "", NEW | {"password": "at the counter"})
    assert (answer.status, answer.body["url"], answer.body["expires_at"]) == (201, "", None)
    assert await signed_in(region, "wang.li", "at the counter") == 200


async def test_whether_a_second_factor_is_asked_for_is_seen(region: DemoRegion) -> None:
    await region.token("clinic2")
    await with_totp(region, "clinic2")
    await region.call("POST", "/api/v1/me/totp", {"password": PASSWORD}, user="clinic1")  # begun, and never confirmed
    listed = {each["username"]: each["factor"] for each in (await admin(region, "GET", "")).body["items"]}
    assert {name for name, factor in listed.items() if factor} == {"clinic2"}
    page = await region.call("GET", "/accounts/clinic2", user="secadmin", headers={"Accept": "text/html", "Accept-Language": "en"})
    assert "/recoveries?username=clinic2" in page.body.decode()
    asked = await region.call("GET", "/recoveries?username=clinic2", user="secadmin", headers={"Accept": "text/html"})
    assert 'value="clinic2"' in asked.body.decode()


async def test_a_reset_ends_what_was(region: DemoRegion) -> None:
    token = await region.token("clinic2")
    answer = await admin(region, "POST", "/clinic2/reset")
    assert (await region.call("GET", "/api/v1/me", headers={"Authorization": f"Bearer {token}"})).status == 401
    assert (await chosen(region, urlsplit(answer.body["url"]).path, SECRET)).status == 200
    assert await signed_in(region, "clinic2", SECRET) == 200


async def test_sessions_are_seen_and_ended(region: DemoRegion) -> None:
    await region.token("clinic3")
    found = (await admin(region, "GET", "/clinic3/sessions")).body["items"]
    assert len(found) == 1
    assert (await admin(region, "DELETE", f"/clinic3/sessions/{found[0]['id']}")).status == 204
    assert (await admin(region, "DELETE", f"/clinic3/sessions/{found[0]['id']}")).status == 404
    assert (await admin(region, "DELETE", "/clinic3/sessions")).status == 204
    assert (await region.call("GET", "/api/v1/me", user="clinic3")).status == 401


async def test_leaving_over_http(region: DemoRegion) -> None:
    await region.token("imaging.hubb")
    said = (await admin(region, "GET", "/imaging.hubb/leave")).body
    assert (said["active"], said["sessions"], said["cases"]) == (True, 1, {})
    for _ in range(2):
        done = await admin(region, "POST", "/imaging.hubb/leave", {})
        assert (done.status, done.body["active"]) == (200, False)
    assert (await region.call("GET", "/api/v1/me", user="imaging.hubb")).status == 401
    assert (await admin(region, "GET", "/imaging.hubb")).body["state"] == "disabled"


class TestList:
    async def names(self, region: DemoRegion, question: str) -> list[str]:
        return [each["username"] for each in (await admin(region, "GET", f"?{question}")).body["items"]]

    async def test_filters(self, region: DemoRegion) -> None:
        await made(region)
        await admin(region, "POST", "/lab.hubb/disable")
        assert await self.names(region, "state=invited") == ["wang.li"]
        assert await self.names(region, "state=disabled") == ["lab.hubb"]
        assert await self.names(region, "state=locked") == []
        assert "wang.li" not in await self.names(region, "state=open&institution=HUBA")
        assert await self.names(region, "institution=HUBA&centre=imaging") == ["imaging.huba", "wang.li"]
        assert await self.names(region, "role=auditor") == ["auditor"]
        assert await self.names(region, "q=WANG") == ["wang.li"]
        assert await self.names(region, "q=%E7%8E%8B%E8%8E%89") == ["wang.li"]
        assert await self.names(region, "q=%25") == []
        assert "ecg.hubb" in await self.names(region, "q=hu%27an first")

    async def test_pages_by_cursor(self, region: DemoRegion) -> None:
        everybody = await self.names(region, "")
        found, cursor = [], "0"
        while cursor:
            body = (await admin(region, "GET", f"?limit=7&cursor={cursor}")).body
            found += [each["username"] for each in body["items"]]
            cursor = body["next"]
        assert found == everybody
        assert len(everybody) == body["total"] == body["fitting"]

    async def test_a_filter_that_is_none_is_said(self, region: DemoRegion) -> None:
        for question in ("state=sleeping", "role=king", "cursor=-1", "limit=501"):
            assert (await admin(region, "GET", f"?{question}")).status == 422


@pytest.mark.parametrize(
    "address", ["/accounts", "/accounts?state=open&role=specialist", "/accounts/new", "/accounts/clinic1", "/accounts/secadmin"]
)
@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_pages(region: DemoRegion, address: str, language: str) -> None:
    for user, status in (("secadmin", 200), ("operator", 403), ("sysadmin", 403), ("auditor", 403), ("clinic1", 403)):
        answer = await region.call("GET", address, user=user, headers={"Accept": "text/html", "Accept-Language": language})
        assert answer.status == status, (user, answer.status)

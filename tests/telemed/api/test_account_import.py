"""A list of people over HTTP: what each row would do, what is wrong with it where, and then all of it or nothing."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from telemed.domain.account_list import MAX_BYTES
from tests.demo_region import Answer, DemoRegion, running_region

HEAD = "用户名,姓名,职称,机构,角色,中心,电话"


@pytest.fixture
async def region(tmp_path: Path, region_database: Path) -> AsyncIterator[DemoRegion]:
    async with running_region(tmp_path, region_database) as running:
        yield running


async def sent(region: DemoRegion, path: str, text: str | bytes, user: str = "secadmin", language: str = "zh-CN") -> Answer:
    content = io.BytesIO(text.encode() if isinstance(text, str) else text)
    headers = {"Content-Type": "application/octet-stream", "Accept-Language": language}
    headers["Authorization"] = f"Bearer {await region.token(user)}"
    async with region.http.post(f"/api/v1/accounts/import{path}", data=content, headers=headers) as answer:
        body = await answer.read()
        return Answer(answer.status, body if answer.content_type == "application/x-ndjson" else json.loads(body), answer.headers)


async def previewed(region: DemoRegion, text: str, language: str = "zh-CN") -> dict[str, Any]:
    answer = await sent(region, "/preview", text, language=language)
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.body
    return found


async def carried_out(region: DemoRegion, text: str, plan: str) -> list[dict[str, Any]]:
    """The lines of the answer."""
    answer = await sent(region, f"?plan={plan}", text)
    assert answer.status == 200, answer.body
    return [json.loads(line) for line in answer.body.splitlines()]


async def usernames(region: DemoRegion) -> set[str]:
    found = await region.call("GET", "/api/v1/accounts?limit=500", user="secadmin")
    return {each["username"] for each in found.body["items"]}


LIST = f"""{HEAD}
wang.li,王莉,主治医师,HUBA,诊断医生,影像,025-1
zhao.yun,赵云,主任医师,江临市中心医院（演示）,"specialist、reviewer",ecg；影像,
clinic1,陶大满,全科医师,CLINIC1,成员机构人员,"consultation,imaging,ecg,lab,pathology",
clinic2,季长青,全科医师,CLINIC2,member-staff,"consultation,imaging,ecg,lab,pathology",
"""


async def test_new_changed_and_unchanged_then_all_of_it(region: DemoRegion) -> None:
    found = await previewed(region, LIST)
    assert [(row["row"], row["username"], row["state"]) for row in found["items"]] == [
        (2, "wang.li", "new"), (3, "zhao.yun", "new"), (4, "clinic1", "changed"), (5, "clinic2", "unchanged"),
    ], found  # fmt: skip
    assert (found["new"], found["changed"], found["unchanged"], found["faulty"]) == (2, 1, 1, 0)
    assert found["items"][2]["changed"] == ["姓名"]
    assert "wang.li" not in await usernames(region)
    *progress, last = await carried_out(region, LIST, found["plan"])
    assert progress[-1] == {"done": 3, "of": 3}
    links = {each["username"]: urlsplit(each["url"]).path for each in last["invitations"]}
    assert links.keys() == {"wang.li", "zhao.yun"}
    for path in links.values():
        assert (await region.call("GET", path, headers={"Accept": "text/html"})).status == 200
    person = (await region.call("GET", "/api/v1/accounts/zhao.yun", user="secadmin")).body
    assert (person["institution"], person["roles"], person["centres"]) == ("HUBA", ["reviewer", "specialist"], ["ecg", "imaging"])
    trail = (await region.call("GET", "/api/v1/audit?action=account:", user="auditor")).body["items"]
    assert [(line["action"], line["subject"]) for line in reversed(trail) if line["action"] != "account:read"] == [
        ("account:create", "person/wang.li"), ("account:create", "person/zhao.yun"), ("account:change", "person/clinic1"),
        ("account:import", "accounts"),
    ]  # fmt: skip


async def test_the_same_list_again_changes_nothing(region: DemoRegion) -> None:
    await carried_out(region, LIST, (await previewed(region, LIST))["plan"])
    again = await previewed(region, LIST)
    assert again["unchanged"] == 4
    assert await carried_out(region, LIST, again["plan"]) == [{"invitations": []}]


async def test_each_fault_is_said_by_row_and_column_and_nothing_is_taken(region: DemoRegion) -> None:
    text = f"""{HEAD}
wang.li,王莉,,HUBA,诊断医生,影像,
Zhao,,,NOWHERE,国王,,打电话
wang.li,王丽,,HUBA,诊断医生,影像,
secadmin,安全管理,安全管理员,NETWORK,审计管理员,,
"""
    found = await previewed(region, text)
    assert found["faulty"] == 3
    rows = {row["row"]: {(fault["column"], fault["code"]) for fault in row["faults"]} for row in found["items"]}
    assert rows[3] >= {
        ("用户名", "username"),
        ("姓名", "required"),
        ("机构", "no-institution"),
        ("角色", "role-unknown"),
        ("电话", "phone"),
    }
    assert rows[4] == {("用户名", "repeated")}
    assert rows[5] == {("角色", "own-account")}
    assert rows[2] == set()
    before = await usernames(region)
    assert (await sent(region, f"?plan={found['plan']}", text)).status == 422
    assert await usernames(region) == before
    english = await previewed(region, text, "en")
    assert english["items"][0]["faults"][0]["column"] == "User name"


async def test_a_plan_that_holds_no_longer_is_not_carried_out(region: DemoRegion) -> None:
    found = await previewed(region, LIST)
    body = {"name": "陶小满", "institution": "CLINIC1", "roles": ["member-staff"], "title": "主任"}
    assert (await region.call("PUT", "/api/v1/accounts/clinic1", body, user="secadmin", headers={"If-Match": "*"})).status == 200
    assert (await sent(region, f"?plan={found['plan']}", LIST)).status == 412
    assert (await sent(region, "", LIST)).status == 412
    assert "wang.li" not in await usernames(region)


async def test_of_two_who_carry_out_the_same_plan_one_does(region: DemoRegion) -> None:
    found = await previewed(region, LIST)
    both = await asyncio.gather(*(sent(region, f"?plan={found['plan']}", LIST) for _ in range(2)))
    assert sorted(answer.status for answer in both) == [200, 412]


async def test_a_column_that_is_not_there_leaves_things_as_they_are(region: DemoRegion) -> None:
    found = await previewed(region, "username,name,institution,roles\nclinic2,季长青,CLINIC2,member-staff\n")
    assert found["unchanged"] == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [("姓名,机构\n王,HUBA\n", "username"), ("", "list"), ("用户名,用户名\na,b\n", "list"), (b"\xd0\xcf\x11\xe0", "list")],
)
async def test_a_list_that_says_too_little(region: DemoRegion, text: str | bytes, words: str) -> None:
    answer = await sent(region, "/preview", text)
    assert answer.status == 422
    assert words in [each["field"] for each in answer.body["errors"]]


async def test_a_list_that_is_too_large_is_not_read_to_its_end(region: DemoRegion) -> None:
    assert (await sent(region, "/preview", b"x" * (MAX_BYTES + 1))).status == 413


async def test_nobody_else_imports(region: DemoRegion) -> None:
    for user in ("operator", "sysadmin", "auditor", "clinic1", "imaging.huba"):
        for path in ("/preview", "?plan=0"):
            assert (await sent(region, path, LIST, user)).status == 403
        assert (await region.call("GET", "/accounts/import", user=user, headers={"Accept": "text/html"})).status == 403


async def test_the_empty_list_is_one_that_is_taken(region: DemoRegion) -> None:
    answer = await region.call("GET", "/accounts/import/template.csv", user="secadmin", headers={"Accept": "text/html"})
    head = answer.body.decode("utf-8-sig").strip()
    found = await previewed(region, f"{head}\nwang.li,王莉,,HUBA,诊断医生,影像,,\n")
    assert found["new"] == 1


async def test_ten_thousand_people_at_once(region: DemoRegion) -> None:
    """With a word about how far it is every five hundred; all of them can be asked for afterwards."""
    people = "".join(f"p{number:05d},人{number},,CLINIC1,member-staff,,\n" for number in range(10_000))
    text = f"{HEAD}\n{people}"
    found = await previewed(region, text)
    assert (found["rows"], found["new"], len(found["items"])) == (10_000, 10_000, 300)
    *progress, last = await carried_out(region, text, found["plan"])
    assert [line["done"] for line in progress] == list(range(500, 10_001, 500))
    assert len({each["url"] for each in last["invitations"]}) == 10_000
    listed = await region.call("GET", "/api/v1/accounts?q=p0&state=invited&limit=1", user="secadmin")
    assert listed.body["fitting"] == 10_000

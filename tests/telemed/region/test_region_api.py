"""Institutions, hubs, days and the region's file over HTTP: what is changed holds at once, and nobody writes over somebody else."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from telemed.adapters.database import tables as t
from telemed.domain.routing import Outcome
from telemed.service.routing import try_route
from tests.demo_region import Answer, DemoRegion, running_region

USER = "sysadmin"
CLINIC4: dict[str, Any] = {
    "code": "CLINIC4", "name": "城南诊所", "level": "member", "class": "clinic", "city": "江临市", "district": "钟楼区",
    "contacts": [{"name": "马俊杰", "title": "负责人", "phone": "000-0000-2041"}], "homes": {"imaging": "HUBB", "ecg": "HUBA"},
}  # fmt: skip


@pytest.fixture
async def own(tmp_path: Path, region_database: Path) -> AsyncIterator[DemoRegion]:
    """A region of this test's own, since it is changed."""
    async with running_region(tmp_path, region_database) as running:
        yield running


async def put_file(region: DemoRegion, text: str, tag: str = "*", *, dry_run: bool = False, user: str = "operator") -> Answer:
    query = "?dry_run=true" if dry_run else ""
    headers = {"Content-Type": "application/toml"} | ({"If-Match": tag} if tag else {})
    return await region.call("PUT", f"/api/v1/region{query}", user=user, data=io.BytesIO(text.encode()), headers=headers)


async def audit(region: DemoRegion, subject: str) -> list[dict[str, Any]]:
    """Details of what is on record of this."""
    table = t.audit.c
    query = sa.select(table.actor, table.detail).where(table.subject == subject, table.action == "region:manage").order_by(table.position)
    async with region.parts.application.engine.connect() as connection:
        return [{"actor": row.actor, **row.detail} for row in await connection.execute(query)]


def route(region: DemoRegion, centre: str, member: str, moment: str = "2027-01-01T10:00+08:00") -> list[tuple[str, Outcome]]:
    """The way that a case of the member would go."""
    steps = try_route(region.parts.application.region, centre, member, "CT" if centre == "imaging" else "", datetime.fromisoformat(moment))
    return [(step.hub, step.outcome) for step in steps]


async def test_a_new_member_with_its_hub_in_each_centre_is_served_at_once(own: DemoRegion) -> None:
    made = await own.call("POST", "/api/v1/institutions", CLINIC4, user=USER)
    assert made.status == 201, made.body
    assert made.body["contacts"] == [{"name": "马俊杰", "title": "负责人", "phone": "000-0000-2041"}]
    assert made.headers["ETag"] == f'"{made.body["etag"]}"'
    assert route(own, "imaging", "CLINIC4")[0] == ("HUBB", Outcome.OFFERED)
    assert route(own, "ecg", "CLINIC4")[0] == ("HUBA", Outcome.OFFERED)
    again = await own.call("POST", "/api/v1/institutions", CLINIC4, user=USER)
    assert again.status == 201
    other = await own.call("POST", "/api/v1/institutions", CLINIC4 | {"name": "另一家"}, user=USER)
    assert other.status == 422
    assert other.body["errors"][0]["field"] == "code"
    on_record = await audit(own, "institution/CLINIC4")
    assert [(each["actor"], each["step"]) for each in on_record] == [(USER, "added")]
    assert on_record[0]["values"]["class"] == [None, "clinic"]


async def test_a_change_names_the_version_that_it_was_made_from(own: DemoRegion) -> None:
    address = "/api/v1/institutions/CLINIC1"
    seen = await own.call("GET", address, user=USER)
    body = {name: seen.body[name] for name in seen.body.keys() - {"code", "etag"}} | {"phone": "025-1"}
    without = await own.call("PUT", address, body, user=USER)
    assert without.status == 428
    changed = await own.call("PUT", address, body, user=USER, headers={"If-Match": seen.headers["ETag"]})
    assert changed.status == 200, changed.body
    assert own.parts.application.region.network.institutions["CLINIC1"].phone == "025-1"
    stale = await own.call("PUT", address, body | {"phone": "025-2"}, user=USER, headers={"If-Match": seen.headers["ETag"]})
    assert stale.status == 412
    assert stale.headers["ETag"] == changed.headers["ETag"]
    assert (await own.call("GET", address, user=USER)).body["phone"] == "025-1"
    assert [each["values"] for each in await audit(own, "institution/CLINIC1")] == [{"phone": ["000-0000-2001", "025-1"]}]


async def test_of_two_at_once_one_is_told_that_somebody_was_faster(own: DemoRegion) -> None:
    address = "/api/v1/hubs/HUBA/ecg"
    seen = await own.call("GET", address, user=USER)
    body = {name: seen.body[name] for name in seen.body.keys() - {"hub", "centre", "etag"}}
    headers = {"If-Match": seen.headers["ETag"]}
    calls = (own.call("PUT", address, body | {"reader_cap": cap}, user=USER, headers=headers) for cap in (3, 4))
    assert sorted(answer.status for answer in await asyncio.gather(*calls)) == [200, 412]


FAULTY: list[tuple[dict[str, Any], str]] = [
    ({"code": "A|B"}, "code"), ({"name": ""}, "name"), ({"level": "guest"}, "level"), ({"class": "good"}, "class"),
    ({"phone": "call me"}, "phone"), ({"contacts": [{"name": ""}]}, "contacts.0.name"), ({"homes": {"imaging": "CLINIC1"}}, "homes.imaging"),
    ({"homes": {"teeth": "HUBA"}}, "homes.teeth"), ({"city": "x" * 65}, "city"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "field"), FAULTY, ids=[field for _, field in FAULTY])
async def test_what_is_wrong_stands_at_its_field_and_nothing_is_entered(region: DemoRegion, change: dict[str, Any], field: str) -> None:
    refused = await region.call("POST", "/api/v1/institutions", CLINIC4 | {"code": "CLINIC7"} | change, user=USER)
    assert refused.status == 422, refused.body
    assert field in [each["field"] for each in refused.body["errors"]]
    assert (await region.call("GET", "/api/v1/institutions/CLINIC7", user=USER)).status == 404


async def test_a_hub_that_others_need_is_not_switched_off(own: DemoRegion) -> None:
    refused = await own.call("POST", "/api/v1/institutions/HUBA/disable", user=USER)
    assert refused.status == 422
    assert "HUBA" in refused.body["detail"]
    done = await own.call("POST", "/api/v1/institutions/CLINIC3/disable", user=USER)
    assert done.body["active"] is False
    assert own.parts.application.region.network.entity("CLINIC3") is None
    assert (await own.call("POST", "/api/v1/institutions/CLINIC3/enable", user=USER)).body["active"] is True


async def test_the_duty_of_a_hub_and_a_holiday_decide_the_route(own: DemoRegion) -> None:
    address = "/api/v1/hubs/HUBA/ecg"
    body = {"parent": "MAIN", "duty": ["mon-fri 08:00-17:30"], "two_person": ["diagnosis"], "reader_cap": 5}
    assert (await own.call("PUT", address, body, user=USER, headers={"If-Match": "*"})).status == 200
    assert route(own, "ecg", "CLINIC1")[0] == ("HUBA", Outcome.OFFERED)  # a Friday
    holiday = {"date": "2027-01-01", "name": "元旦"}
    assert (await own.call("POST", "/api/v1/holidays", holiday, user=USER)).status == 200
    assert route(own, "ecg", "CLINIC1")[:2] == [("HUBA", Outcome.SKIPPED), ("MAIN", Outcome.OFFERED)]
    assert (await own.call("GET", "/api/v1/holidays", user=USER)).body["items"] == [holiday | {"duty": "sunday", "hub": ""}]
    assert (await own.call("POST", "/api/v1/holidays", holiday | {"hub": "HUBA", "duty": "monday"}, user=USER)).status == 200
    assert route(own, "ecg", "CLINIC1")[0] == ("HUBA", Outcome.OFFERED)
    assert (await own.call("DELETE", "/api/v1/holidays/2027-01-01?hub=HUBA", user=USER)).status == 204
    assert (await own.call("DELETE", "/api/v1/holidays/2027-01-01?hub=HUBA", user=USER)).status == 404
    assert (await own.call("DELETE", "/api/v1/holidays/soon", user=USER)).status == 404
    assert route(own, "ecg", "CLINIC1")[0] == ("HUBA", Outcome.SKIPPED)


async def test_a_hub_that_is_switched_off_is_asked_nothing(own: DemoRegion) -> None:
    off = {"parent": "MAIN", "active": False}
    refused = await own.call("PUT", "/api/v1/hubs/HUBB/lab", off, user=USER, headers={"If-Match": "*"})
    assert refused.status == 422  # CLINIC3 has its home there
    seen = (await own.call("GET", "/api/v1/institutions/CLINIC3", user=USER)).body
    body = {name: seen[name] for name in seen.keys() - {"code", "etag"}} | {"homes": seen["homes"] | {"lab": "MAIN"}}
    assert (await own.call("PUT", "/api/v1/institutions/CLINIC3", body, user=USER, headers={"If-Match": "*"})).status == 200
    assert (await own.call("PUT", "/api/v1/hubs/HUBB/lab", off, user=USER, headers={"If-Match": "*"})).status == 200
    assert own.parts.application.region.network.service("lab", "HUBB") is None
    listed = (await own.call("GET", "/api/v1/hubs", user=USER)).body["items"]
    assert [each["active"] for each in listed if (each["hub"], each["centre"]) == ("HUBB", "lab")] == [False]


async def test_the_file_goes_out_is_tried_and_is_taken(own: DemoRegion) -> None:
    given = await own.call("GET", "/api/v1/region", user="operator")
    assert given.headers["Content-Type"].startswith("application/toml")
    text, tag = given.body.decode(), given.headers["ETag"]
    wanted = text.replace("000-0000-2001", "025-1")
    tried = await put_file(own, wanted, "", dry_run=True)
    assert tried.status == 200, tried.body
    assert [(each["sign"], each["kind"], each["key"]) for each in tried.body["changes"]] == [("changed", "institution", "CLINIC1")]
    assert tried.headers["ETag"] == tag
    assert (await own.call("GET", "/api/v1/region", user="operator")).body.decode() == text
    assert (await put_file(own, wanted, "")).status == 428
    taken = await put_file(own, wanted, tag)
    assert taken.status == 200, taken.body
    assert (await own.call("GET", "/api/v1/region", user="operator")).body.decode() == wanted
    assert (await put_file(own, text, tag)).status == 412
    assert (await put_file(own, wanted, "*")).body["changes"] == []


async def test_a_file_that_is_wrong_says_where(region: DemoRegion) -> None:
    text = (await region.call("GET", "/api/v1/region", user="operator")).body.decode()
    refused = await put_file(region, text.replace('parent = "MAIN"', 'parent = "HUBA"', 1))
    assert refused.status == 422
    fault = refused.body["errors"][0]
    assert text.split("\n")[fault["line"] - 1][fault["column"] - 1 :].startswith('"MAIN"')
    assert str(fault["line"]) in refused.body["detail"]
    assert (await put_file(region, "#" * (4 * 1024 * 1024 + 1))).status == 413


async def test_devices_in_a_file_are_the_operators(own: DemoRegion) -> None:
    text = (await own.call("GET", "/api/v1/region", user=USER)).body.decode()
    other = text.replace('"127.0.0.0/8"', '"192.0.2.0/24"')
    assert (await put_file(own, other, dry_run=True, user=USER)).status == 403
    assert (await put_file(own, other, user=USER)).status == 403
    assert (await own.call("GET", "/api/v1/region", user=USER)).body.decode() == text
    assert (await put_file(own, other)).status == 200


async def test_a_device_where_none_may_be_addressed_any_more_stands_in_nobodys_way(own: DemoRegion) -> None:
    """The networks became narrower after it was entered: all can be seen and changed, and no other is entered there."""
    given = {"title": "WS9", "institution": "HUBA", "host": "10.1.2.3", "port": 11119}
    assert (await own.call("POST", "/api/v1/devices", given, user="operator")).status in (200, 201)
    async with own.parts.application.engine.begin() as connection:
        entity = t.application_entity
        await connection.execute(entity.update().where(entity.c.title == "WS9").values(host="203.0.113.9"))
    await own.parts.application.refresh()
    for path in ("institutions", "hubs", "holidays", "region", "devices"):
        assert (await own.call("GET", f"/api/v1/{path}", user="operator")).status == 200, path
    for step in ("disable", "enable"):
        assert (await own.call("POST", f"/api/v1/devices/WS9/{step}", user="operator")).status == 200, step
    seen = await own.call("GET", "/api/v1/institutions/CLINIC1", user=USER)
    body = {name: seen.body[name] for name in seen.body.keys() - {"code", "etag"}} | {"phone": "025-1"}
    assert (await own.call("PUT", "/api/v1/institutions/CLINIC1", body, user=USER, headers={"If-Match": "*"})).status == 200
    text = (await own.call("GET", "/api/v1/region", user="operator")).body.decode()
    assert (await put_file(own, text)).body["changes"] == []
    refused = await put_file(own, text.replace("203.0.113.9", "203.0.113.10"))
    assert refused.status == 422
    assert "TELEMED_DEVICE_NETWORKS" in refused.body["detail"]


async def test_a_device_may_be_addressed_where_the_installation_says(own: DemoRegion) -> None:
    """In the demonstration on the machine itself too: the region's file goes by the same networks as the page of devices."""
    given = {"title": "WS9", "institution": "HUBA", "host": "127.0.0.1", "port": 11119}
    assert (await own.call("POST", "/api/v1/devices", given, user="operator")).status in (200, 201)
    text = (await own.call("GET", "/api/v1/region", user="operator")).body.decode()
    assert (await put_file(own, text.replace("port = 11119", "port = 11120"))).status == 200


@pytest.mark.parametrize("user", ["secadmin", "auditor", "clinic1", "imaging.main"])
async def test_nobody_else_sees_or_changes_it(region: DemoRegion, user: str) -> None:
    for path in ("institutions", "hubs", "holidays", "region"):
        assert (await region.call("GET", f"/api/v1/{path}", user=user)).status == 403
    assert (await put_file(region, "", user=user)).status == 403

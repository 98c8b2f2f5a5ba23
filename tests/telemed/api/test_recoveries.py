"""Lost second factors are removed by two administrators and by nobody alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from telemed.adapters.database import tables as t
from telemed.domain.second_factor import RECOVERY_FOR
from tests.demo_region import DemoRegion, running_region
from tests.telemed.api.factors import set_person, sign_in, trail, with_totp

LOST = "lab.main"


@pytest.fixture
async def region(tmp_path: Path, region_database: Path) -> AsyncIterator[DemoRegion]:
    async with running_region(tmp_path, region_database) as running:
        await with_totp(running, LOST)
        yield running


async def asked(region: DemoRegion, username: str = LOST, user: str = "secadmin") -> tuple[int, str]:
    answer = await region.call("POST", "/api/v1/recoveries", {"username": username, "reason": "手机丢失，已当面核实"}, user=user)
    return answer.status, answer.body.get("id", "")


async def confirmed(region: DemoRegion, id_: str, user: str = "sysadmin") -> int:
    return (await region.call("POST", f"/api/v1/recoveries/{id_}/confirm", {}, user=user)).status


async def test_one_asks_another_confirms_and_the_person_is_told(region: DemoRegion) -> None:
    status, id_ = await asked(region)
    assert status == 201
    assert (await sign_in(region, LOST)).body["type"] == "/problems/second-factor-required"
    assert await asked(region) == (201, id_)  # asking again changes nothing
    assert await confirmed(region, id_) == 200
    assert (await region.call("GET", "/api/v1/me", user=LOST)).status == 401
    signed = await sign_in(region, LOST)
    assert signed.status == 200
    region.tokens[LOST] = signed.body["token"]
    page = (await region.call("GET", "/notices", user=LOST, headers={"Accept": "text/html", "Accept-Language": "en"})).body.decode()
    assert "It was asked that your second factors be removed" in page
    assert "Your second factors were removed" in page
    assert [(actor, subject, detail) for actor, subject, _, detail in await trail(region, "recovery:")] == [
        ("secadmin", f"person/{LOST}", {"recovery": id_}),
        ("sysadmin", f"person/{LOST}", {"recovery": id_, "from": "secadmin"}),
    ]
    assert await confirmed(region, id_) == 409


@pytest.mark.parametrize("user", ["clinic1", "imaging.huba", "operator", "auditor", LOST])
async def test_nobody_else_asks_confirms_or_looks(region: DemoRegion, user: str) -> None:
    _, id_ = await asked(region)
    assert (await asked(region, user=user))[0] == 403
    assert await confirmed(region, id_, user) == 403
    assert (await region.call("GET", "/api/v1/recoveries", user=user)).status == 403


async def test_neither_does_the_part_of_the_other(region: DemoRegion) -> None:
    _, id_ = await asked(region)
    assert await confirmed(region, id_, "secadmin") == 403
    assert (await asked(region, user="sysadmin"))[0] == 403


async def test_not_even_who_has_both_roles(region: DemoRegion) -> None:
    await set_person(region, "secadmin", roles=frozenset({"security-administrator", "system-administrator"}))
    _, id_ = await asked(region)
    assert await confirmed(region, id_, "secadmin") == 403


async def test_nobody_asks_or_confirms_for_their_own_account(region: DemoRegion) -> None:
    await with_totp(region, "secadmin")
    await with_totp(region, "sysadmin")
    assert (await asked(region, "secadmin"))[0] == 403
    status, id_ = await asked(region, "sysadmin")
    assert status == 201
    assert await confirmed(region, id_) == 403


@pytest.mark.parametrize("username", ["nobody", "clinic1"])
async def test_where_there_is_nothing_to_remove(region: DemoRegion, username: str) -> None:
    assert (await asked(region, username))[0] == 404
    assert await confirmed(region, "0" * 32) == 404


@pytest.mark.parametrize(("past", "status"), [(-60, 200), (0, 409), (60, 409)])
async def test_it_waits_for_a_day(region: DemoRegion, past: int, status: int) -> None:
    _, id_ = await asked(region)
    async with region.parts.application.engine.begin() as connection:
        at = (await connection.execute(sa.select(t.factor_recovery.c.asked_at))).scalar_one()
        await connection.execute(sa.update(t.factor_recovery).values(asked_at=at - RECOVERY_FOR - timedelta(seconds=past)))
    assert await confirmed(region, id_) == status


async def test_of_two_who_confirm_at_once_one_does(region: DemoRegion) -> None:
    _, id_ = await asked(region)
    assert sorted(await asyncio.gather(*(confirmed(region, id_) for _ in range(3)))) == [200, 409, 409]


@pytest.mark.parametrize(("user", "asks"), [("secadmin", True), ("sysadmin", False)])
async def test_the_page_offers_to_each_their_part(region: DemoRegion, user: str, asks: bool) -> None:
    _, id_ = await asked(region)
    page = (await region.call("GET", "/recoveries", user=user, headers={"Accept": "text/html"})).body.decode()
    assert ('data-post="/api/v1/recoveries"' in page) is asks
    assert (f'data-post="/api/v1/recoveries/{id_}/confirm"' in page) is not asks

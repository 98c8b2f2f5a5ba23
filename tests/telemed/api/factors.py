"""People with second factors, over HTTP: what an app on a telephone would show, and installations that ask for one."""

from __future__ import annotations

import base64
import time
from typing import Any

import sqlalchemy as sa

from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.region import DEMONSTRATION
from telemed.domain.second_factor import TOTP_STEP, totp
from tests.demo_region import PASSWORD, Answer, DemoRegion


def code_of(secret: str, away: int = 0) -> str:
    """What the app shows now, or so many steps away."""
    text = secret.replace("-", "")
    return totp(base64.b32decode(text + "=" * (-len(text) % 8)), int(time.time()) // TOTP_STEP + away)


async def with_totp(region: DemoRegion, username: str) -> tuple[str, list[str]]:
    """Set up codes by time for the account, whose session goes on; returns the secret and codes for recovery. The code of the step before
    is used up."""
    begun = await region.call("POST", "/api/v1/me/totp", {"password": PASSWORD}, user=username)
    assert begun.status == 200, begun.body
    secret = begun.body["secret"]
    done = await region.call("POST", "/api/v1/me/totp/confirm", {"code": code_of(secret, -1)}, user=username)
    if done.status == 401:  # a step ended while it was on its way, and it was two steps old
        done = await region.call("POST", "/api/v1/me/totp/confirm", {"code": code_of(secret, -1)}, user=username)
    assert done.status == 200, done.body
    return secret, done.body["recovery_codes"]


async def sign_in(region: DemoRegion, username: str, password: str = PASSWORD, **more: str) -> Answer:
    return await region.call("POST", "/api/v1/login", {"username": username, "password": password, **more})


async def for_real(region: DemoRegion) -> None:
    """The region is no demonstration: the profile asks of people whatever it asks."""
    async with region.parts.application.engine.begin() as connection:
        await connection.execute(sa.delete(t.region_setting).where(t.region_setting.c.name == DEMONSTRATION))
    await region.parts.application.refresh()


async def set_person(region: DemoRegion, username: str, **values: Any) -> None:
    async with region.parts.application.engine.begin() as connection:
        await connection.execute(sa.update(t.person).where(t.person.c.username == username).values(values))


async def trail(region: DemoRegion, action: str) -> list[tuple[str, str, str, Any]]:
    """Actor, subject, outcome and detail of records, oldest first."""
    lines = (await region.call("GET", f"/api/v1/audit?action={action}", user="auditor")).body["items"]
    return [(line["actor"], line["subject"], line["outcome"], line["detail"]) for line in reversed(lines)]

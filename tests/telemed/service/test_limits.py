"""Limits of time and count that use cases and queries hold, each made from its own table: below, at and above."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from telemed import centres
from telemed.adapters.database import tables as t
from telemed.domain.critical import ESCALATE_EVERY, TELL_WITHIN
from telemed.domain.people import SessionLimits
from telemed.service import accounts, criticals, routing
from tests.telemed.harness import Harness

SECOND = timedelta(seconds=1)
CENTRES = centres.discover()
READERS = {code: f"{'consult' if code == 'consultation' else code}.huba" for code in CENTRES}
sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # what is tried is no SQL


@pytest.mark.parametrize(("past", "gone"), [(-SECOND, 0), (timedelta(0), 1), (SECOND, 1)])
async def test_an_offer_at_its_accept_deadline(harness: Harness, past: timedelta, gone: int) -> None:
    case = await harness.requested("ecg")
    assert case.accept_by is not None
    harness.clock.now = case.accept_by + past
    async with harness.application.writing() as work:
        assert await routing.expire_offers(work) == gone


@pytest.mark.parametrize("code", CENTRES)
@pytest.mark.parametrize(("past", "gone"), [(-SECOND, 0), (timedelta(0), 1), (SECOND, 1)])
@sqlite_only
async def test_a_claim_at_the_idle_time_of_its_centre(harness: Harness, code: str, past: timedelta, gone: int) -> None:
    case = await harness.claimed(code, READERS[code])
    assert case.claimed_at is not None
    harness.clock.now = case.claimed_at + timedelta(minutes=CENTRES[code].claim_idle_minutes) + past
    async with harness.application.writing() as work:
        assert await routing.release_idle_claims(work) == gone


@pytest.mark.parametrize("escalations", [0, 1])
@pytest.mark.parametrize(("past", "rises"), [(-SECOND, 0), (timedelta(0), 1), (SECOND, 1)])
async def test_a_critical_value_at_each_of_its_countdowns(harness: Harness, escalations: int, past: timedelta, rises: int) -> None:
    case = await harness.claimed()
    value = await harness.do("imaging.huba", criticals.declare_critical, case.id, "脑出血")
    harness.clock.now = value.found_at + TELL_WITHIN
    for _ in range(escalations):
        async with harness.application.writing() as work:
            assert await criticals.raise_overdue(work) == 1
        harness.clock.now += ESCALATE_EVERY
    harness.clock.now += past
    async with harness.application.writing() as work:
        assert await criticals.raise_overdue(work) == rises


@pytest.mark.parametrize(("past", "counted"), [(-SECOND, "deadline-kept"), (timedelta(0), "deadline-kept"), (SECOND, "deadline-missed")])
@sqlite_only
async def test_a_report_at_its_deadline(harness: Harness, past: timedelta, counted: str) -> None:
    case = await harness.written()
    assert case.due_at is not None
    harness.clock.now = case.due_at + past
    await harness.sign(case.id, "imaging.huba")
    async with harness.application.engine.connect() as connection:
        kinds = (await connection.execute(sa.select(t.daily_volume.c.kind))).scalars().all()
    assert [kind for kind in kinds if kind.startswith("deadline-")] == [counted]


@pytest.mark.parametrize(("past", "swept"), [(-SECOND, 0), (timedelta(0), 1), (SECOND, 1)])
async def test_a_session_is_forgotten_once_nobody_can_use_it(harness: Harness, past: timedelta, swept: int) -> None:
    async with harness.application.writing() as work:
        await accounts.sign_in(work, "clinic1", await work.people.password_hash("clinic1") or "")
    harness.clock.now += SessionLimits().idle + past
    async with harness.application.writing() as work:
        assert await accounts.sweep_sessions(work) == swept

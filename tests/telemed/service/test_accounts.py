"""Signing in: sessions that end, accounts that lock, and what is kept of a password and a token."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from telemed.adapters.database import tables as t
from telemed.domain.errors import Forbidden, LockedOut, NotAuthenticated, NotFound
from telemed.domain.people import Person
from telemed.service import accounts
from telemed.service.authentication import authenticate, check_password
from tests.telemed.harness import PASSWORD, Harness

pytestmark = pytest.mark.database


async def sign_in(harness: Harness, username: str = "clinic1", password: str = PASSWORD) -> str:
    return (await authenticate(harness.application, username, password)).token


async def who(harness: Harness, token: str) -> Person:
    """As each request does: the session is touched when it was not seen for a while."""
    async with harness.application.writing() as work:

        async def touch(digest: str) -> None:
            await work.sessions.seen(digest, work.now)

        return await accounts.person_of(work, token, touch)


class TestSession:
    async def test_a_token_names_its_person(self, harness: Harness) -> None:
        assert await who(harness, await sign_in(harness)) == harness.people["clinic1"]
        assert await harness.audited("session:") == [("session:begin", "clinic1", "person/clinic1", "success")]

    async def test_every_sign_in_has_a_token_of_its_own_and_only_a_digest_is_kept(self, harness: Harness) -> None:
        tokens = [await sign_in(harness), await sign_in(harness)]
        assert tokens[0] != tokens[1]
        async with harness.application.engine.connect() as connection:
            kept = (await connection.execute(sa.select(t.session))).all()
        assert not any(token in str(row) for token in tokens for row in kept)

    async def test_it_ends_when_nobody_uses_it(self, harness: Harness) -> None:
        token = await sign_in(harness)
        harness.clock.forward(minutes=30)
        with pytest.raises(NotAuthenticated):
            await who(harness, token)

    async def test_use_keeps_it_alive_but_not_for_ever(self, harness: Harness) -> None:
        token = await sign_in(harness)
        for _ in range(28):
            harness.clock.forward(minutes=25)
            await who(harness, token)
        harness.clock.forward(minutes=20)
        with pytest.raises(NotAuthenticated):
            await who(harness, token)

    async def test_signed_out_it_is_gone(self, harness: Harness) -> None:
        token = await sign_in(harness)
        async with harness.application.writing() as work:
            await accounts.sign_out(work, harness.people["clinic1"], token)
        with pytest.raises(NotAuthenticated):
            await who(harness, token)

    @pytest.mark.parametrize("token", ["", "x", "\udcff", "a" * 5000])
    async def test_a_token_that_nobody_has(self, harness: Harness, token: str) -> None:
        with pytest.raises(NotAuthenticated):
            await who(harness, token)

    async def test_an_account_that_was_closed_has_no_session(self, harness: Harness) -> None:
        token = await sign_in(harness)
        async with harness.application.engine.begin() as connection:
            await connection.execute(sa.update(t.person).where(t.person.c.username == "clinic1").values(active=False))
        with pytest.raises(NotAuthenticated):
            await who(harness, token)
        with pytest.raises(NotAuthenticated):
            await sign_in(harness)

    async def test_sessions_that_ended_are_swept_away(self, harness: Harness) -> None:
        await sign_in(harness)
        harness.clock.forward(minutes=31)
        token = await sign_in(harness)
        async with harness.application.writing() as work:
            assert await accounts.sweep_sessions(work) == 1
        assert await who(harness, token) == harness.people["clinic1"]


class TestLockOut:
    async def fail(self, harness: Harness, times: int, username: str = "clinic1") -> None:
        for _ in range(times):
            with pytest.raises(NotAuthenticated):
                await sign_in(harness, username, "wrong")

    async def test_after_five_failures_even_the_right_password_waits(self, harness: Harness) -> None:
        await self.fail(harness, 5)
        with pytest.raises(LockedOut) as locked:
            await sign_in(harness)
        assert (locked.value.until - harness.clock.now).total_seconds() == 15 * 60
        harness.clock.forward(minutes=15)
        assert await sign_in(harness)
        actions = [(action, outcome) for action, _, _, outcome in await harness.audited("")]
        assert actions.count(("session:begin", "refused")) == 5
        assert actions.count(("account:lock", "success")) == 1

    async def test_a_success_forgets_the_failures(self, harness: Harness) -> None:
        await self.fail(harness, 4)
        await sign_in(harness)
        await self.fail(harness, 4)
        assert await sign_in(harness)

    async def test_failures_at_once_are_all_counted(self, harness: Harness) -> None:
        await asyncio.gather(*(sign_in(harness, password="wrong") for _ in range(5)), return_exceptions=True)
        with pytest.raises(LockedOut):
            await sign_in(harness)

    async def test_wrong_passwords_at_a_signature_count_too(self, harness: Harness) -> None:
        for _ in range(5):
            with pytest.raises(NotAuthenticated):
                await check_password(harness.application, "imaging.huba", "wrong", "report:sign")
        with pytest.raises(LockedOut):
            await sign_in(harness, "imaging.huba")

    async def test_a_name_that_nobody_has_is_answered_like_a_wrong_password(self, harness: Harness) -> None:
        await self.fail(harness, 7, "nobody")

    async def test_the_security_administrator_unlocks_and_nobody_else(self, harness: Harness) -> None:
        await self.fail(harness, 5)
        for username in ("sysadmin", "auditor", "operator"):
            with pytest.raises(Forbidden):
                await harness.do(username, accounts.unlock, "clinic1")
        await harness.do("secadmin", accounts.unlock, "clinic1")
        assert await sign_in(harness)
        with pytest.raises(NotFound):
            await harness.do("secadmin", accounts.unlock, "nobody")

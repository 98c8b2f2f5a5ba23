"""Signing in: sessions that end, accounts that lock, and what is kept of a password and a token."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from telemed.adapters import tables as t
from telemed.domain.errors import Forbidden, LockedOut, NotAuthenticated, NotFound
from telemed.domain.people import Person
from telemed.service import accounts
from telemed.service.office import authenticate, check_password
from tests.telemed.desk import PASSWORD, Desk


async def sign_in(desk: Desk, username: str = "clinic1", password: str = PASSWORD) -> str:
    return (await authenticate(desk.office, username, password)).token


async def who(desk: Desk, token: str) -> Person:
    """As each request does: the session is touched when it was not seen for a while."""
    async with desk.office.writing() as work:

        async def touch(digest: str) -> None:
            await work.sessions.seen(digest, work.now)

        return await accounts.person_of(work, token, touch)


class TestSession:
    async def test_a_token_names_its_person(self, desk: Desk) -> None:
        assert await who(desk, await sign_in(desk)) == desk.people["clinic1"]
        assert await desk.audited("session:") == [("session:begin", "clinic1", "person/clinic1", "success")]

    async def test_every_sign_in_has_a_token_of_its_own_and_only_a_digest_is_kept(self, desk: Desk) -> None:
        tokens = [await sign_in(desk), await sign_in(desk)]
        assert tokens[0] != tokens[1]
        async with desk.office.engine.connect() as connection:
            kept = (await connection.execute(sa.select(t.session))).all()
        assert not any(token in str(row) for token in tokens for row in kept)

    async def test_it_ends_when_nobody_uses_it(self, desk: Desk) -> None:
        token = await sign_in(desk)
        desk.clock.forward(minutes=30)
        with pytest.raises(NotAuthenticated):
            await who(desk, token)

    async def test_use_keeps_it_alive_but_not_for_ever(self, desk: Desk) -> None:
        token = await sign_in(desk)
        for _ in range(28):
            desk.clock.forward(minutes=25)
            await who(desk, token)
        desk.clock.forward(minutes=20)
        with pytest.raises(NotAuthenticated):
            await who(desk, token)

    async def test_signed_out_it_is_gone(self, desk: Desk) -> None:
        token = await sign_in(desk)
        async with desk.office.writing() as work:
            await accounts.sign_out(work, desk.people["clinic1"], token)
        with pytest.raises(NotAuthenticated):
            await who(desk, token)

    @pytest.mark.parametrize("token", ["", "x", "\udcff", "a" * 5000])
    async def test_a_token_that_nobody_has(self, desk: Desk, token: str) -> None:
        with pytest.raises(NotAuthenticated):
            await who(desk, token)

    async def test_an_account_that_was_closed_has_no_session(self, desk: Desk) -> None:
        token = await sign_in(desk)
        async with desk.office.engine.begin() as connection:
            await connection.execute(sa.update(t.person).where(t.person.c.username == "clinic1").values(active=False))
        with pytest.raises(NotAuthenticated):
            await who(desk, token)
        with pytest.raises(NotAuthenticated):
            await sign_in(desk)

    async def test_sessions_that_ended_are_swept_away(self, desk: Desk) -> None:
        await sign_in(desk)
        desk.clock.forward(minutes=31)
        token = await sign_in(desk)
        async with desk.office.writing() as work:
            assert await accounts.sweep_sessions(work) == 1
        assert await who(desk, token) == desk.people["clinic1"]


class TestLockOut:
    async def fail(self, desk: Desk, times: int, username: str = "clinic1") -> None:
        for _ in range(times):
            with pytest.raises(NotAuthenticated):
                await sign_in(desk, username, "wrong")

    async def test_after_five_failures_even_the_right_password_waits(self, desk: Desk) -> None:
        await self.fail(desk, 5)
        with pytest.raises(LockedOut) as locked:
            await sign_in(desk)
        assert (locked.value.until - desk.clock.now).total_seconds() == 15 * 60
        desk.clock.forward(minutes=15)
        assert await sign_in(desk)
        actions = [(action, outcome) for action, _, _, outcome in await desk.audited("")]
        assert actions.count(("session:begin", "refused")) == 5
        assert actions.count(("account:lock", "success")) == 1

    async def test_a_success_forgets_the_failures(self, desk: Desk) -> None:
        await self.fail(desk, 4)
        await sign_in(desk)
        await self.fail(desk, 4)
        assert await sign_in(desk)

    async def test_failures_at_once_are_all_counted(self, desk: Desk) -> None:
        await asyncio.gather(*(sign_in(desk, password="wrong") for _ in range(5)), return_exceptions=True)
        with pytest.raises(LockedOut):
            await sign_in(desk)

    async def test_wrong_passwords_at_a_signature_count_too(self, desk: Desk) -> None:
        for _ in range(5):
            with pytest.raises(NotAuthenticated):
                await check_password(desk.office, "imaging.huba", "wrong", "report:sign")
        with pytest.raises(LockedOut):
            await sign_in(desk, "imaging.huba")

    async def test_a_name_that_nobody_has_is_answered_like_a_wrong_password(self, desk: Desk) -> None:
        await self.fail(desk, 7, "nobody")

    async def test_the_security_administrator_unlocks_and_nobody_else(self, desk: Desk) -> None:
        await self.fail(desk, 5)
        for username in ("sysadmin", "auditor", "operator"):
            with pytest.raises(Forbidden):
                await desk.do(username, accounts.unlock, "clinic1")
        await desk.do("secadmin", accounts.unlock, "clinic1")
        assert await sign_in(desk)
        with pytest.raises(NotFound):
            await desk.do("secadmin", accounts.unlock, "nobody")

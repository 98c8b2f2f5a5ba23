"""Signing in: sessions that end, accounts that lock, and what is kept of a password and a token."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from telemed.adapters.database import tables as t
from telemed.adapters.passwords import ROOMS
from telemed.domain.errors import Forbidden, LockedOut, NotAuthenticated, NotFound, TooManyWaiting
from telemed.domain.people import Person
from telemed.domain.sign_in import KNOWN_BROWSERS, Origin
from telemed.service import accounts, password_limits
from telemed.service.authentication import authenticate, check_password
from telemed.service.ports.people import Asker
from tests.telemed.harness import PASSWORD, Harness

pytestmark = pytest.mark.database


HOME, STREET = Origin("192.0.2.7", "Firefox", keeps_cookies=True), Origin("198.51.100.9")


async def sign_in(harness: Harness, username: str = "clinic1", password: str = PASSWORD, origin: Origin = HOME) -> str:
    return (await authenticate(harness.application, username, password, origin)).token


async def who(harness: Harness, token: str) -> Person:
    """As each request does: the session is touched when it was not seen for a while."""
    async with harness.application.writing() as work:
        person, aged = await accounts.person_of(work, token)
        if aged:
            await accounts.touch(work, token)
        return person


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
        await set_active(harness, "clinic1", False)
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

    async def test_an_account_that_is_open_again_has_none_of_its_sessions_and_browsers(self, harness: Harness) -> None:
        signed = await authenticate(harness.application, "clinic1", PASSWORD, HOME)
        await set_active(harness, "clinic1", False)
        async with harness.application.writing() as work:
            assert await accounts.sweep_sessions(work) == 1
        await set_active(harness, "clinic1", True)
        with pytest.raises(NotAuthenticated):
            await who(harness, signed.token)
        async with harness.application.reading() as work:
            assert not await accounts.known_browser(work, "clinic1", [signed.browser])

    @pytest.mark.parametrize("hours", [1, 24 * 30])
    async def test_a_clock_that_was_set_back_prolongs_none(self, harness: Harness, hours: int) -> None:
        token = await sign_in(harness)
        harness.clock.forward(hours=-hours)
        with pytest.raises(NotAuthenticated):
            await who(harness, token)
        async with harness.application.writing() as work:
            assert await accounts.sweep_sessions(work) == 1

    async def test_a_person_sees_their_own_and_ends_one(self, harness: Harness) -> None:
        first = await sign_in(harness)
        harness.clock.forward(minutes=1)
        second = await sign_in(harness, origin=STREET)
        await sign_in(harness, "clinic2")
        found = await harness.ask("clinic1", accounts.own_sessions)
        assert [(s.address, s.client) for s in found] == [(STREET.address, ""), (HOME.address, "Firefox")]
        await harness.do("clinic1", accounts.end_session, accounts.digest(first))
        with pytest.raises(NotAuthenticated):
            await who(harness, first)
        assert await who(harness, second) == harness.people["clinic1"]

    async def test_nobody_ends_another_persons(self, harness: Harness) -> None:
        token = await sign_in(harness)
        for username in ("clinic2", "secadmin"):
            with pytest.raises(NotFound):
                await harness.do(username, accounts.end_session, accounts.digest(token))
        await harness.do("clinic2", accounts.end_other_sessions, token)
        assert await who(harness, token) == harness.people["clinic1"]

    async def test_all_others_end_and_their_browsers_are_strangers(self, harness: Harness) -> None:
        elsewhere, here = [await authenticate(harness.application, "clinic1", PASSWORD, HOME) for _ in range(2)]
        await harness.do("clinic1", accounts.end_other_sessions, here.token)
        with pytest.raises(NotAuthenticated):
            await who(harness, elsewhere.token)
        assert await who(harness, here.token) == harness.people["clinic1"]
        async with harness.application.reading() as work:
            assert await accounts.known_browser(work, "clinic1", [here.browser])
            assert not await accounts.known_browser(work, "clinic1", [elsewhere.browser])


async def set_active(harness: Harness, username: str, active: bool) -> None:
    async with harness.application.engine.begin() as connection:
        await connection.execute(sa.update(t.person).where(t.person.c.username == username).values(active=active))


class TestLimits:
    async def fail(self, harness: Harness, times: int, username: str = "clinic1", origin: Origin = HOME) -> None:
        for _ in range(times):
            with pytest.raises(NotAuthenticated):
                await sign_in(harness, username, "wrong", origin)

    @pytest.mark.parametrize("username", ["clinic1", "nobody", "clinic2"])
    async def test_after_five_even_the_right_password_waits_and_a_name_that_nobody_has_alike(self, harness: Harness, username: str) -> None:
        await set_active(harness, "clinic2", False)
        await self.fail(harness, 5, username)
        with pytest.raises(LockedOut) as locked:
            await sign_in(harness, username)
        assert (locked.value.until - harness.clock.now).total_seconds() == 15 * 60
        harness.clock.forward(minutes=15)
        if username == "clinic1":
            assert await sign_in(harness)
        else:
            await self.fail(harness, 1, username)

    async def test_the_record_of_them(self, harness: Harness) -> None:
        await self.fail(harness, 5)
        lines = await harness.application.queries.audit({"actor": "clinic1"}, None, 50)
        assert [(line.action, line.outcome, dict(line.detail)) for line in reversed(lines)] == [
            ("session:begin", "refused", {"from": HOME.address}),
            ("account:lock", "success", {"from": HOME.address, "kind": "account-at-address"}),
        ]
        harness.clock.forward(minutes=15)
        async with harness.application.writing() as work:
            assert await password_limits.sweep(work) == 1
        summed = (await harness.application.queries.audit({"action": "session:begin"}, None, 1))[0].detail
        assert (summed["times"], summed["from"]) == (4, HOME.address)
        assert await harness.application.queries.audit({"actor": "clinic1"}, None, 50) != lines
        async with harness.application.writing() as work:
            assert await password_limits.sweep(work) == 0

    async def test_a_success_forgets_the_failures_from_its_own_address(self, harness: Harness) -> None:
        await self.fail(harness, 4)
        await self.fail(harness, 4, origin=STREET)
        await sign_in(harness)
        await self.fail(harness, 4)
        assert await sign_in(harness)
        await self.fail(harness, 1, origin=STREET)
        with pytest.raises(LockedOut):
            await sign_in(harness, origin=STREET)

    async def test_of_forty_at_once_five_are_judged(self, harness: Harness) -> None:
        """Counted before the hash: it does not matter how many are under way."""
        guesses = [sign_in(harness, password="wrong") for _ in range(40)]
        answers = [type(answer) for answer in await asyncio.gather(*guesses, return_exceptions=True)]
        assert answers.count(NotAuthenticated) == 5
        assert answers.count(LockedOut) + answers.count(TooManyWaiting) == 35
        with pytest.raises(LockedOut):
            await sign_in(harness)

    async def test_right_and_wrong_at_once_do_not_hold_each_other_up(self, harness: Harness) -> None:
        """On PostgreSQL rows are locked one by one: in one order, or two transactions wait for each other."""
        names = ("clinic1", "clinic2", "clinic3")

        async def all_at_once(password: str) -> list[type]:
            tries = (sign_in(harness, name, password if n % 2 else PASSWORD) for name in names for n in range(4))
            return [type(answer) for answer in await asyncio.gather(*tries, return_exceptions=True)]

        for _ in range(2):
            answers = await all_at_once("wrong")
            assert set(answers) == {str, NotAuthenticated}
            assert answers.count(str) == 6

    async def test_more_strangers_than_the_queue_has_places_are_not_taken_and_not_counted(self, harness: Harness) -> None:
        with contextlib.ExitStack() as taken:
            for _ in range(ROOMS[Asker.STRANGER].places):
                taken.enter_context(harness.application.passwords.place(Asker.STRANGER))
            with pytest.raises(TooManyWaiting):
                await sign_in(harness)
            await check_password(harness.application, "clinic1", PASSWORD, "report:sign")
        await self.fail(harness, 4)
        assert await sign_in(harness)

    async def test_a_stranger_keeps_nobody_out_of_their_own_browser(self, harness: Harness) -> None:
        known = (await authenticate(harness.application, "clinic1", PASSWORD, HOME)).browser
        await self.fail(harness, 5)
        with pytest.raises(LockedOut):
            await sign_in(harness)
        own = replace(HOME, browsers=("planted", known))
        signed = await authenticate(harness.application, "clinic1", PASSWORD, own)
        assert not signed.browser  # it is known already
        with pytest.raises(LockedOut):
            await sign_in(harness)

    async def test_a_known_browser_is_known_for_its_own_account_alone(self, harness: Harness) -> None:
        known = (await authenticate(harness.application, "clinic2", PASSWORD, HOME)).browser
        await self.fail(harness, 5, origin=replace(HOME, browsers=(known,)))
        with pytest.raises(LockedOut):
            await sign_in(harness, origin=replace(HOME, browsers=(known,)))

    async def test_five_wrong_in_a_known_browser_and_it_is_a_strangers(self, harness: Harness) -> None:
        known = (await authenticate(harness.application, "clinic1", PASSWORD, HOME)).browser
        own = replace(HOME, browsers=(known,))
        await self.fail(harness, 10, origin=own)
        with pytest.raises(LockedOut):
            await sign_in(harness, origin=own)

    @pytest.mark.parametrize(("days", "still"), [(89, True), (90, False), (91, False), (-90, False)])
    async def test_how_long_a_browser_is_known(self, harness: Harness, days: int, still: bool) -> None:
        token = (await authenticate(harness.application, "clinic1", PASSWORD, HOME)).browser
        harness.clock.forward(days=days)
        async with harness.application.writing() as work:
            assert bool(await accounts.known_browser(work, "clinic1", [token])) is still
            await accounts.sweep_sessions(work)
        async with harness.application.engine.connect() as connection:
            kept = (await connection.execute(sa.select(t.known_browser))).all()
        assert bool(kept) is still
        assert token not in str(kept)

    async def test_so_many_browsers_of_an_account_are_known(self, harness: Harness) -> None:
        tokens = []
        async with harness.application.writing() as work:
            right = await work.people.password_hash("clinic1")
        for _ in range(KNOWN_BROWSERS + 1):
            harness.clock.forward(seconds=1)
            async with harness.application.writing() as work:
                tokens.append((await accounts.sign_in(work, "clinic1", right or "", HOME)).browser)
        async with harness.application.reading() as work:
            known = [bool(await accounts.known_browser(work, "clinic1", [token])) for token in tokens]
        assert known == [False] + [True] * KNOWN_BROWSERS

    async def test_from_many_addresses_an_account_is_slowed_and_never_locked(self, harness: Harness) -> None:
        for n in range(10):
            await self.fail(harness, 1, origin=Origin(f"203.0.113.{n}"))
        with pytest.raises(LockedOut) as slowed:
            await sign_in(harness)
        assert slowed.value.until - harness.clock.now == timedelta(seconds=30)
        harness.clock.forward(seconds=30)
        assert await sign_in(harness)

    async def test_one_address_that_tries_every_name_is_refused(self, harness: Harness) -> None:
        for n in range(30):
            await self.fail(harness, 1, f"name{n}")
        with pytest.raises(LockedOut):
            await sign_in(harness)
        assert await sign_in(harness, origin=STREET)

    async def test_successes_are_no_attempts(self, harness: Harness) -> None:
        for _ in range(31):
            await sign_in(harness)

    async def test_an_account_that_is_closed_while_its_password_is_judged_has_no_session(self, harness: Harness) -> None:
        async with harness.application.writing() as work:
            right = await work.people.password_hash("clinic1")
        await set_active(harness, "clinic1", False)
        async with harness.application.writing() as work:
            with pytest.raises(NotAuthenticated):
                await accounts.sign_in(work, "clinic1", right or "")

    async def test_refused_attempts_are_summed_on_record(self, harness: Harness) -> None:
        await self.fail(harness, 5)
        for _ in range(7):
            with pytest.raises(LockedOut):
                await sign_in(harness)
        await harness.application.refusals.close()
        harness.clock.forward(minutes=15)
        async with harness.application.writing() as work:
            await password_limits.sweep(work)
        lines = await harness.application.queries.audit({"action": "session:begin"}, None, 50)
        assert sum(line.detail.get("times", 1) for line in lines) == 12
        assert len(lines) == 2

    async def test_wrong_passwords_at_a_signature_end_the_session_and_keep_nobody_from_signing_in(self, harness: Harness) -> None:
        token, other = await sign_in(harness, "imaging.huba"), await sign_in(harness, "imaging.huba")
        for _ in range(5):
            await who(harness, token)
            with pytest.raises(NotAuthenticated):
                await check_password(harness.application, "imaging.huba", "wrong", "report:sign", accounts.digest(token))
        with pytest.raises(LockedOut):
            await check_password(harness.application, "imaging.huba", PASSWORD, "report:sign", accounts.digest(token))
        with pytest.raises(NotAuthenticated):
            await who(harness, token)
        await check_password(harness.application, "imaging.huba", PASSWORD, "report:sign", accounts.digest(other))
        assert await sign_in(harness, "imaging.huba")

    async def test_a_stranger_keeps_nobody_from_signing(self, harness: Harness) -> None:
        for n in range(12):
            with contextlib.suppress(LockedOut):
                await self.fail(harness, 1, "imaging.huba", Origin(f"203.0.113.{n}"))
        await check_password(harness.application, "imaging.huba", PASSWORD, "report:sign")

    async def test_the_security_administrator_unlocks_and_nobody_else(self, harness: Harness) -> None:
        await self.fail(harness, 5)
        await self.fail(harness, 5, origin=STREET)
        for username in ("sysadmin", "auditor", "operator"):
            with pytest.raises(Forbidden):
                await harness.do(username, accounts.unlock, "clinic1")
        await harness.do("secadmin", accounts.unlock, "clinic1")
        assert await sign_in(harness)
        assert await sign_in(harness, origin=STREET)
        with pytest.raises(NotFound):
            await harness.do("secadmin", accounts.unlock, "nobody")

    async def test_counts_that_count_no_longer_are_swept_away(self, harness: Harness) -> None:
        await self.fail(harness, 2)
        harness.clock.forward(days=1)
        async with harness.application.writing() as work:
            await password_limits.sweep(work)
        async with harness.application.engine.connect() as connection:
            assert not (await connection.execute(sa.select(t.password_attempt))).all()

"""Accounts made, invited, changed, closed and opened again: who may, whose, what is on record, and what two at once come to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from telemed.adapters.database import tables as t
from telemed.domain.accounts import INVITATION_VALID_FOR, AccountEntry, entity_tag
from telemed.domain.errors import Forbidden, Invalid, InvalidTransition, NotAuthenticated, NotFound, StaleVersion, VersionRequired
from telemed.domain.people import Person, Role
from telemed.service import account_administration as administration
from telemed.service import accounts
from telemed.service.authentication import authenticate
from telemed.service.invitations import invited_person, take_up
from telemed.service.leaving import leave, preview_leaving
from tests.telemed.harness import PASSWORD, Harness

pytestmark = pytest.mark.database

ADMIN = "secadmin"
NEW = AccountEntry("wang.li", "王莉", "HUBA", ["specialist"], ["imaging"], "主治医师", "zh-CN", "025-8888 1234")
SECRET = "蓝天-白云-2026"


async def created(harness: Harness, entry: AccountEntry = NEW) -> administration.Invited:
    made: administration.Invited = await harness.do(ADMIN, administration.create_account, entry)
    harness.people[entry.username] = made.person
    return made


async def opened(harness: Harness, entry: AccountEntry = NEW) -> Person:
    """An account whose invitation was taken up."""
    made = await created(harness, entry)
    return await take_up(harness.application, made.token, SECRET)


async def account(harness: Harness, username: str = NEW.username) -> Person:
    found: Person = await harness.ask(ADMIN, administration.account_of, username)
    return found


async def details(harness: Harness, action: str) -> list[Any]:
    lines = await harness.application.queries.audit({"action": action}, None, 50)
    return [dict(line.detail) for line in reversed(lines)]


def entry_of(person: Person, **changes: Any) -> AccountEntry:
    facts: dict[str, Any] = {name: getattr(person, name) for name in ("username", "name", "institution", "title", "language", "phone")}
    return AccountEntry(**facts | {"roles": sorted(person.roles), "centres": sorted(person.centres)} | changes)


class TestMade:
    async def test_who_is_invited_chooses_the_password_and_signs_in(self, harness: Harness) -> None:
        made = await created(harness)
        with pytest.raises(NotAuthenticated):
            await authenticate(harness.application, "wang.li", "")
        assert await take_up(harness.application, made.token, SECRET) == made.person
        assert (await authenticate(harness.application, "wang.li", SECRET)).person == made.person
        assert [line[:3] for line in await harness.audited("account:")] == [
            ("account:create", ADMIN, "person/wang.li"),
            ("account:invite", ADMIN, "person/wang.li"),
            ("account:take-up", "wang.li", "person/wang.li"),
        ]

    async def test_only_a_digest_of_the_invitation_is_kept(self, harness: Harness) -> None:
        made = await created(harness)
        async with harness.application.engine.connect() as connection:
            rows = (await connection.execute(sa.select(t.invitation))).all()
        assert len(rows) == 1
        assert made.token not in str(rows)

    async def test_an_invitation_is_good_for_once(self, harness: Harness) -> None:
        made = await created(harness)
        await take_up(harness.application, made.token, SECRET)
        with pytest.raises(NotFound):
            await take_up(harness.application, made.token, "another secret")
        assert (await authenticate(harness.application, "wang.li", SECRET)).person.username == "wang.li"

    async def test_of_two_who_take_it_up_at_once_one_does(self, harness: Harness) -> None:
        made = await created(harness)
        both = [take_up(harness.application, made.token, word) for word in ("first secret", "second secret")]
        ended = await asyncio.gather(*both, return_exceptions=True)
        assert sorted(type(each) for each in ended if isinstance(each, Exception)) == [NotFound]

    @pytest.mark.parametrize(("hours", "taken"), [(71, True), (72, False), (73, False)])
    async def test_it_ends_after_three_days(self, harness: Harness, hours: int, taken: bool) -> None:
        assert INVITATION_VALID_FOR.total_seconds() == 72 * 3600
        made = await created(harness)
        harness.clock.forward(hours=hours)
        if taken:
            await take_up(harness.application, made.token, SECRET)
            return
        with pytest.raises(NotFound):
            await take_up(harness.application, made.token, SECRET)

    async def test_a_new_invitation_takes_the_place_of_the_one_before(self, harness: Harness) -> None:
        first = await created(harness)
        second = await harness.do(ADMIN, administration.invite, "wang.li")
        with pytest.raises(NotFound):
            await take_up(harness.application, first.token, SECRET)
        await take_up(harness.application, second.token, SECRET)
        with pytest.raises(InvalidTransition):
            await harness.do(ADMIN, administration.invite, "wang.li")

    async def test_a_first_password_is_to_be_changed(self, harness: Harness) -> None:
        hashed = await harness.application.passwords.hash("at the counter")
        made = await harness.do(ADMIN, administration.create_account, NEW, hashed)
        assert made.token == ""
        assert (await authenticate(harness.application, "wang.li", "at the counter")).person == made.person
        async with harness.application.engine.connect() as connection:
            row = (await connection.execute(sa.select(t.person).where(t.person.c.username == "wang.li"))).mappings().one()
        assert row["must_change_password"] is True

    async def test_the_same_once_more_is_the_same_account_until_somebody_signs_in(self, harness: Harness) -> None:
        await created(harness)
        again = await created(harness)
        await take_up(harness.application, again.token, SECRET)
        with pytest.raises(Invalid, match="username-taken"):
            await created(harness)

    async def test_a_name_that_is_taken_stays_whose_it_is(self, harness: Harness) -> None:
        before = await account(harness, "clinic1")
        with pytest.raises(Invalid, match="username-taken"):
            await harness.do(ADMIN, administration.create_account, replace(NEW, username="clinic1"))
        assert await account(harness, "clinic1") == before

    @pytest.mark.parametrize("password", ["", "1234567", "x" * 201, "wang.li-2026", "王莉王莉王莉王莉"])
    async def test_a_password_that_is_none_is_refused_and_the_invitation_stands(self, harness: Harness, password: str) -> None:
        made = await created(harness)
        with pytest.raises(Invalid):
            await take_up(harness.application, made.token, password)
        await take_up(harness.application, made.token, "12345678")


class TestChanged:
    async def test_what_was_and_what_is_is_on_record(self, harness: Harness) -> None:
        made = (await created(harness)).person
        changed = await harness.do(
            ADMIN, administration.change_account, "wang.li", entry_of(made, roles=["specialist", "reviewer"], phone=""), entity_tag(made)
        )
        assert (changed.roles, changed.phone) == (frozenset({Role.SPECIALIST, Role.REVIEWER}), "")
        assert await account(harness) == changed
        expected = {"phone": ["025-8888 1234", ""], "roles": [["specialist"], ["reviewer", "specialist"]]}
        assert await details(harness, "account:change") == [{"changed": expected}]

    async def test_nothing_changed_is_nothing_on_record(self, harness: Harness) -> None:
        made = (await created(harness)).person
        await harness.do(ADMIN, administration.change_account, "wang.li", entry_of(made), "*")
        assert await details(harness, "account:change") == []

    async def test_of_two_changes_of_the_same_state_one_is_stale(self, harness: Harness) -> None:
        made = (await created(harness)).person
        tag = f'"{entity_tag(made)}"'
        both = [
            harness.do(ADMIN, administration.change_account, "wang.li", entry_of(made, title=title), tag) for title in ("医师", "主任医师")
        ]
        ended = await asyncio.gather(*both, return_exceptions=True)
        assert [type(each) for each in ended if isinstance(each, Exception)] == [StaleVersion]
        with pytest.raises(VersionRequired):
            await harness.do(ADMIN, administration.change_account, "wang.li", entry_of(made), None)

    async def test_who_goes_to_another_hub_gives_back_what_they_may_not_read_there(self, harness: Harness) -> None:
        person = await opened(harness)
        case = await harness.claimed(reader="wang.li")
        await harness.do(ADMIN, administration.change_account, "wang.li", entry_of(person, institution="HUBB"), "*")
        held = await harness.case(case.id)
        assert (held.status.value, held.hub, held.claimed_by) == ("requested", "HUBA", None)
        assert (await details(harness, "account:change"))[0]["cases"] == 1
        assert (await harness.application.queries.history(case.id))[-1].detail == {"reader": "wang.li", "reason": "may-no-longer"}

    async def test_a_new_title_leaves_cases_where_they_are(self, harness: Harness) -> None:
        person = await opened(harness)
        case = await harness.claimed(reader="wang.li")
        await harness.do(ADMIN, administration.change_account, "wang.li", entry_of(person, title="主任医师"), "*")
        assert (await harness.case(case.id)).claimed_by == "wang.li"


SECOND = AccountEntry("sec2", "安全二号", "NETWORK", ["security-administrator"])


class TestOneself:
    @pytest.mark.parametrize("use_case", [administration.disable_account, leave, administration.reset_password])
    async def test_nobody_closes_their_own_account(self, harness: Harness, use_case: Callable[..., Awaitable[Any]]) -> None:
        await opened(harness, SECOND)
        with pytest.raises(Forbidden, match="own-account"):
            await harness.do(ADMIN, use_case, ADMIN)
        assert (await account(harness, ADMIN)).active

    async def test_nobody_changes_their_own_roles_and_everybody_may_mend_their_name(self, harness: Harness) -> None:
        await opened(harness, SECOND)
        me = await account(harness, ADMIN)
        with pytest.raises(Forbidden, match="own-account"):
            await harness.do(ADMIN, administration.change_account, ADMIN, entry_of(me, roles=["auditor"]), "*")
        assert (await harness.do(ADMIN, administration.change_account, ADMIN, entry_of(me, name="安全甲"), "*")).name == "安全甲"


class TestLast:
    @pytest.mark.parametrize("second", ["nobody", "invited", "closed"])
    async def test_the_last_who_can_administer_accounts_stays(self, harness: Harness, second: str) -> None:
        await created(harness, SECOND)
        harness.people["shell"] = Person("command-line", "", "", frozenset({Role.SECURITY_ADMINISTRATOR}))
        if second == "closed":
            await harness.do("shell", administration.disable_account, "sec2")
        if second == "nobody":
            await harness.do("shell", leave, "sec2")
        for use_case in (administration.disable_account, leave):
            with pytest.raises(Forbidden, match="last-administrator"):
                await harness.do("shell", use_case, ADMIN)
        me = await account(harness, ADMIN)
        with pytest.raises(Forbidden, match="last-administrator"):
            await harness.do("shell", administration.change_account, ADMIN, entry_of(me, roles=["auditor"]), "*")
        assert (await account(harness, ADMIN)).active

    async def test_two_who_close_each_other_leave_one(self, harness: Harness) -> None:
        await opened(harness, SECOND)
        both = [harness.do(one, administration.disable_account, other) for one, other in ((ADMIN, "sec2"), ("sec2", ADMIN))]
        ended = await asyncio.gather(*both, return_exceptions=True)
        assert sum(isinstance(each, Forbidden) for each in ended) == 1
        async with harness.application.reading() as work:
            assert len(await work.people.holding("security-administrator")) == 1


class TestClosed:
    async def test_sessions_browsers_and_invitations_end_and_nobody_signs_in(self, harness: Harness) -> None:
        await opened(harness)
        token = (await authenticate(harness.application, "wang.li", SECRET)).token
        await harness.do(ADMIN, administration.disable_account, "wang.li")
        with pytest.raises(NotAuthenticated):
            await authenticate(harness.application, "wang.li", SECRET)
        async with harness.application.reading() as work:
            assert await work.sessions.of("wang.li") == []
            with pytest.raises(NotAuthenticated):
                await accounts.person_of(work, token)
        await harness.do(ADMIN, administration.enable_account, "wang.li")
        assert (await authenticate(harness.application, "wang.li", SECRET)).person.active

    async def test_an_invitation_of_a_closed_account_is_worth_nothing(self, harness: Harness) -> None:
        made = await created(harness)
        await harness.do(ADMIN, administration.disable_account, "wang.li")
        await harness.do(ADMIN, administration.enable_account, "wang.li")
        with pytest.raises(NotFound):
            await take_up(harness.application, made.token, SECRET)

    @pytest.mark.parametrize("use_case", [administration.disable_account, leave])
    async def test_twice_is_once(self, harness: Harness, use_case: Callable[..., Awaitable[Any]]) -> None:
        await opened(harness)
        for _ in range(2):
            await harness.do(ADMIN, use_case, "wang.li")
        assert len([line for line in await harness.audited("account:") if line[0] in ("account:disable", "account:leave")]) == 1
        for _ in range(2):
            await harness.do(ADMIN, administration.enable_account, "wang.li")
        assert len(await harness.audited("account:enable")) == 1

    async def test_a_closed_account_is_not_invited_and_not_reset(self, harness: Harness) -> None:
        await created(harness)
        await harness.do(ADMIN, administration.disable_account, "wang.li")
        for use_case in (administration.invite, administration.reset_password):
            with pytest.raises(InvalidTransition):
                await harness.do(ADMIN, use_case, "wang.li")


class TestReset:
    async def test_the_old_password_is_right_no_longer(self, harness: Harness) -> None:
        token = (await authenticate(harness.application, "clinic1", PASSWORD)).token
        again = await harness.do(ADMIN, administration.reset_password, "clinic1")
        with pytest.raises(NotAuthenticated):
            await authenticate(harness.application, "clinic1", PASSWORD)
        async with harness.application.reading() as work:
            with pytest.raises(NotAuthenticated):
                await accounts.person_of(work, token)
            assert (await invited_person(work, again.token)).username == "clinic1"
        await take_up(harness.application, again.token, SECRET)
        assert (await authenticate(harness.application, "clinic1", SECRET)).person.username == "clinic1"

    async def test_sessions_are_ended_one_or_all(self, harness: Harness) -> None:
        tokens = [(await authenticate(harness.application, "clinic1", PASSWORD)).token for _ in range(3)]
        found = await harness.ask(ADMIN, administration.sessions_of, "clinic1")
        assert len(found) == 3
        assert await harness.do(ADMIN, administration.end_sessions_of, "clinic1", accounts.digest(tokens[0])) == 1
        with pytest.raises(NotFound):
            await harness.do(ADMIN, administration.end_sessions_of, "clinic1", accounts.digest(tokens[0]))
        assert await harness.do(ADMIN, administration.end_sessions_of, "clinic1") == 2
        assert await harness.do(ADMIN, administration.end_sessions_of, "clinic1") == 0
        assert [each["sessions"] for each in await details(harness, "account:end-sessions")] == [1, 2]


ACTS: dict[str, Callable[[Harness, str, str], Awaitable[Any]]] = {
    "read": lambda h, by, of: h.ask(by, administration.account_of, of),
    "sessions": lambda h, by, of: h.ask(by, administration.sessions_of, of),
    "create": lambda h, by, of: h.do(by, administration.create_account, NEW),
    "invite": lambda h, by, of: h.do(by, administration.invite, of),
    "change": lambda h, by, of: h.do(by, administration.change_account, of, NEW, "*"),
    "disable": lambda h, by, of: h.do(by, administration.disable_account, of),
    "enable": lambda h, by, of: h.do(by, administration.enable_account, of),
    "reset": lambda h, by, of: h.do(by, administration.reset_password, of),
    "end": lambda h, by, of: h.do(by, administration.end_sessions_of, of),
    "preview": lambda h, by, of: h.ask(by, preview_leaving, of),
    "leave": lambda h, by, of: h.do(by, leave, of),
    "unlock": lambda h, by, of: h.do(by, accounts.unlock, of),
}


@pytest.mark.parametrize("name", ACTS)
async def test_nobody_but_the_security_administrator(harness: Harness, name: str) -> None:
    """Whoever it is, and whose account it is: another's, one's own, or nobody's."""
    for by in ("clinic1", "imaging.huba", "imaging2.main", "operator", "sysadmin", "auditor"):
        for of in ("clinic2", by, "nobody"):
            with pytest.raises(Forbidden):
                await ACTS[name](harness, by, of)
    assert [line for line in await harness.audited("account:") if line[3] == "success"] == []


@pytest.mark.parametrize("name", [name for name in ACTS if name != "create"])
async def test_an_account_that_is_not_there(harness: Harness, name: str) -> None:
    with pytest.raises(NotFound):
        await ACTS[name](harness, ADMIN, "nobody")

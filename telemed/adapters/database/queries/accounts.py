"""Accounts as the security administrator lists them: found by what they are and by the state that they are in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from telemed.adapters.database import tables as t
from telemed.adapters.database.rows import person_from_row
from telemed.domain.accounts import AccountState, Invitation, account_state
from telemed.domain.errors import NotFound
from telemed.domain.sign_in import LIMITS, AttemptKey, Attempts, Limit, Scope, wait_for
from telemed.service.administration import Account, AccountFilter, AccountPage


class AccountQueries:
    """Questions of one snapshot at a moment."""

    def __init__(self, connection: AsyncConnection, now: datetime, limits: Mapping[Scope, Limit] = LIMITS) -> None:
        self._connection, self._now, self._limits = connection, now, limits

    async def page(self, wanted: AccountFilter, skip: int, limit: int) -> AccountPage:
        """Those that fit, from the one after `skip` on."""
        failures, locked = await self._attempts()
        p = t.person.c
        where = [*_facts(wanted), *self._in_state(wanted.state, sorted(locked))]
        first = sa.case((p.username.in_(sorted(locked)), 0), else_=1)
        query = sa.select(t.person).where(*where).order_by(first, p.institution, p.username).offset(skip).limit(limit)
        found = await self._rows(query)
        counts = sa.select(sa.func.count().label("n")).select_from(t.person)
        fitting, total = [(await self._rows(each))[0]["n"] for each in (counts.where(*where), counts)]
        shut = (await self._rows(counts.where(p.username.in_(sorted(locked)), p.active)))[0]["n"]
        return AccountPage(await self._accounts(found, failures, locked), fitting, total, shut)

    async def one(self, username: str) -> Account:
        """Raises NotFound."""
        found = await self._rows(sa.select(t.person).where(t.person.c.username == username))
        if not found:
            raise NotFound("person", username)
        return (await self._accounts(found, *await self._attempts()))[0]

    async def _accounts(self, rows: Sequence[sa.RowMapping], failures: dict[str, int], locked: dict[str, datetime]) -> list[Account]:
        names = [row["username"] for row in rows]
        s, i = t.session.c, t.invitation
        counted = sa.select(s.username, sa.func.count().label("n")).where(s.username.in_(names)).group_by(s.username)
        sessions = {row["username"]: row["n"] for row in await self._rows(counted)}
        factors = await self._with_factor(names)
        invited = {row["username"]: Invitation(**row) for row in await self._rows(sa.select(i).where(i.c.username.in_(names)))}
        accounts = []
        for row in rows:
            name = row["username"]
            invitation = invited.get(name)
            usable = invitation if invitation is not None and invitation.open_at(self._now) else None
            state = account_state(
                active=row["active"], locked=name in locked, has_password=bool(row["password_hash"]), invitation_open=usable is not None
            )
            accounts.append(
                Account(
                    person_from_row(row),
                    state,
                    failures.get(name, 0),
                    locked.get(name),
                    row["last_sign_in_at"],
                    sessions.get(name, 0),
                    usable.expires_at if usable else None,
                    name in factors,
                )
            )
        return accounts

    async def _with_factor(self, names: Sequence[str]) -> set[str]:
        """Return those of the names whose account asks for a second factor."""
        o, k = t.totp.c, t.passkey.c
        both = sa.union(sa.select(o.username).where(o.username.in_(names), o.confirmed), sa.select(k.username).where(k.username.in_(names)))
        return {row["username"] for row in await self._rows(both)}

    async def _attempts(self) -> tuple[dict[str, int], dict[str, datetime]]:
        """Return by account the wrong passwords that count, and until when none is judged from somewhere."""
        failures: dict[str, int] = {}
        locked: dict[str, datetime] = {}
        a = t.password_attempt.c
        for row in await self._rows(sa.select(t.password_attempt).where(a.account != "", a.count > 0)):
            key = AttemptKey(Scope(row["scope"]), row["account"], row["origin"])
            so_far = Attempts(row["count"], row["first_at"], row["last_at"])
            if key.scope is not Scope.ACCOUNT and self._limits[key.scope].remembers(so_far, self._now):
                failures[key.account] = failures.get(key.account, 0) + so_far.count
            if wait := wait_for(key, so_far, self._now, self._limits):
                locked[key.account] = max(locked.get(key.account, self._now), self._now + wait)
        return failures, locked

    def _in_state(self, state: str, locked: list[str]) -> list[sa.ColumnElement[bool]]:
        """Conditions that say in SQL what `account_state` says."""
        p, i = t.person.c, t.invitation.c
        if not state:
            return []
        if state == AccountState.DISABLED:
            return [sa.not_(p.active)]
        shut = p.username.in_(locked)
        if state == AccountState.LOCKED:
            return [p.active, shut]
        usable = p.username.in_(sa.select(i.username).where(i.expires_at > self._now))
        of = {
            AccountState.OPEN.value: [p.password_hash != ""],
            AccountState.INVITED.value: [p.password_hash == "", usable],
            AccountState.UNINVITED.value: [p.password_hash == "", sa.not_(usable)],
        }
        return [p.active, sa.not_(shut), *of.get(state, [sa.false()])]

    async def _rows(self, query: sa.Executable) -> Sequence[sa.RowMapping]:
        return (await self._connection.execute(query)).mappings().all()


def _facts(wanted: AccountFilter) -> list[sa.ColumnElement[bool]]:
    p, i = t.person.c, t.institution.c
    found: list[sa.ColumnElement[bool]] = []
    if wanted.text:
        text = wanted.text.casefold()
        at = sa.select(i.code).where(sa.or_(*(sa.func.lower(each).contains(text, autoescape=True) for each in (i.name, i.name_en))))
        parts = [sa.func.lower(each).contains(text, autoescape=True) for each in (p.username, p.name, p.institution)]
        found.append(sa.or_(*parts, p.institution.in_(at)))
    if wanted.institution:
        found.append(p.institution == wanted.institution)
    for code, column in ((wanted.role, p.roles), (wanted.centre, p.centres)):
        if code:  # codes stand between commas
            found.append((sa.literal(",") + sa.type_coerce(column, sa.String) + ",").contains(f",{code},", autoescape=True))
    return found

"""The security administrator's work: accounts made, invited, changed, closed, opened again. No clinical data.

What changed is on record with each act. An act that finds things as it wants them changes nothing and leaves no record.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from telemed.domain.accounts import DECIDING, INVITATION_VALID_FOR, AccountEntry, Invitation, changes, person_of
from telemed.domain.errors import FieldError, Forbidden, Invalid, InvalidTransition
from telemed.domain.people import Person, Role
from telemed.domain.policy import Action, require
from telemed.service.account_access import (
    closable,
    close_doors,
    end_ways_in,
    guarded_account,
    known_account,
    locked_account,
    match,
    record,
    require_active,
    require_another_administrator,
    require_other,
)
from telemed.service.accounts import digest, end_session_of, living_sessions
from telemed.service.leaving import give_back_unreadable
from telemed.service.own_password import take_password
from telemed.service.ports.sessions import Session
from telemed.service.ports.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Invited:
    """An account with the token of its invitation, which is told once; empty where it has a password instead."""

    person: Person
    token: str = ""
    expires_at: datetime | None = None


def new_invitation(work: UnitOfWork, by: str, username: str) -> tuple[str, Invitation]:
    """Return a token that nobody can guess, and what is kept of it."""
    token = secrets.token_urlsafe(32)
    return token, Invitation(digest(token), username, by, work.now, work.now + INVITATION_VALID_FOR)


async def account_of(work: UnitOfWork, person: Person, username: str) -> Person:
    """One account. Raises NotFound."""
    require(person, Action.ACCOUNT_READ)
    return await known_account(work, username)


async def create_account(work: UnitOfWork, person: Person, entry: AccountEntry, password_hash: str = "") -> Invited:
    """A new account, with an invitation, or with a first password that is to be changed.

    The very same once more, before anybody signed in, is the same account with a fresh invitation. Raises Invalid.
    """
    require(person, Action.ACCOUNT_CREATE)
    made = person_of(entry, work.region.network, work.region.centres)
    if not await work.people.add(made, password_hash, must_change=bool(password_hash)):
        again = not password_hash and await work.people.locked(made.username) == made
        if not again or await work.people.has_password(made.username):
            raise Invalid(FieldError("username", "username-taken"))
        return await _invited(work, person, made)
    detail = {"institution": made.institution, "roles": sorted(made.roles), "centres": sorted(made.centres)}
    record(work, person, Action.ACCOUNT_CREATE, made.username, detail)
    return Invited(made) if password_hash else await _invited(work, person, made)


async def invite(work: UnitOfWork, person: Person, username: str) -> Invited:
    """A fresh invitation for somebody who has no password yet; the one before it is worth nothing from now on."""
    require(person, Action.ACCOUNT_INVITE)
    known = await locked_account(work, username)
    if await work.people.has_password(username):
        raise InvalidTransition("account", "open", "invite")
    require_active(known, "invite")
    return await _invited(work, person, known)


async def reset_password(work: UnitOfWork, person: Person, username: str) -> Invited:
    """The password is right no longer, all sessions end, browsers are strangers', locks are off; an invitation to choose anew."""
    require(person, Action.ACCOUNT_RESET)
    require_other(person, username, Action.ACCOUNT_RESET)
    known = await locked_account(work, username)
    require_active(known, "reset")
    await work.password_attempts.forget_account(username)
    ended = await close_doors(work, username)
    await take_password(work, username, person)
    record(work, person, Action.ACCOUNT_RESET, username, {"sessions": ended})
    return await _invited(work, person, known)


async def _invited(work: UnitOfWork, person: Person, known: Person) -> Invited:
    token, invitation = new_invitation(work, person.username, known.username)
    await work.invitations.put([invitation])
    record(work, person, Action.ACCOUNT_INVITE, known.username, {"until": invitation.expires_at.isoformat()})
    return Invited(known, token, invitation.expires_at)


async def change_account(work: UnitOfWork, person: Person, username: str, entry: AccountEntry, if_match: str | None) -> Person:
    """The account as it shall be from now on; the name to sign in with stays.

    Cases that the person may no longer read go back to their hub's list. Raises Invalid, StaleVersion, VersionRequired, and Forbidden
    for what nobody may do to themselves.
    """
    require(person, Action.ACCOUNT_CHANGE)
    known = await guarded_account(work, username)
    match(known, if_match)
    changed = person_of(replace(entry, username=username), work.region.network, work.region.centres, active=known.active)
    what = changes(known, changed)
    if username == person.username and not what.keys().isdisjoint(DECIDING):
        raise Forbidden(Action.ACCOUNT_CHANGE, "own-account")
    if known.has(Role.SECURITY_ADMINISTRATOR) and not changed.has(Role.SECURITY_ADMINISTRATOR):
        await require_another_administrator(work, known, Action.ACCOUNT_CHANGE)
    if what:
        await save_change(work, person, known, changed, what)
    return changed


async def save_change(work: UnitOfWork, person: Person, before: Person, after: Person, what: Mapping[str, Sequence[object]]) -> None:
    """The account says this from now on. Cases that its person may no longer read go back; where the roles are the first of theirs that
    need a second factor and there is none, sessions end, so that the next one asks for it."""
    await work.people.save(after)
    returned = await give_back_unreadable(work, after) if not what.keys().isdisjoint(DECIDING) else 0
    profile = work.region.authentication
    if profile.asks_factor_of(after) and not profile.asks_factor_of(before) and not (await work.passwords.state(after.username)).has_factor:
        await end_ways_in(work, after.username)
    record(work, person, Action.ACCOUNT_CHANGE, after.username, {"changed": dict(what)} | ({"cases": returned} if returned else {}))


async def disable_account(work: UnitOfWork, person: Person, username: str) -> Person:
    """Nobody signs in with it any more, sessions and invitations end; what the person has in hand stays with them."""
    require(person, Action.ACCOUNT_DISABLE)
    known = await closable(work, person, username, Action.ACCOUNT_DISABLE)
    ended = await close_doors(work, username)
    if known.active:
        known = replace(known, active=False)
        await work.people.save(known)
        record(work, person, Action.ACCOUNT_DISABLE, username, {"sessions": ended})
    return known


async def enable_account(work: UnitOfWork, person: Person, username: str) -> Person:
    """The account is open again, with the password that it had."""
    require(person, Action.ACCOUNT_ENABLE)
    known = await locked_account(work, username)
    if known.active:
        return known
    opened = replace(known, active=True)
    await work.people.save(opened)
    record(work, person, Action.ACCOUNT_ENABLE, username)
    return opened


async def sessions_of(work: UnitOfWork, person: Person, username: str) -> list[Session]:
    """The account's sessions that can be used, the newest first."""
    require(person, Action.ACCOUNT_READ)
    await known_account(work, username)
    return await living_sessions(work, username)


async def end_sessions_of(work: UnitOfWork, person: Person, username: str, token_digest: str = "") -> int:
    """End all sessions of the account, or the one that is named; their browsers are strangers' again. Returns how many."""
    require(person, Action.ACCOUNT_END_SESSIONS)
    await locked_account(work, username)
    if token_digest:
        await end_session_of(work, username, token_digest)
        ended = 1
    else:
        ended = await end_ways_in(work, username)
    if ended:
        record(work, person, Action.ACCOUNT_END_SESSIONS, username, {"sessions": ended})
    return ended

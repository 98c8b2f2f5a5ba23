"""Signing in and out, lock-out, sessions, and the password asked for again before a signature."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from telemed.domain.errors import LockedOut, NotAuthenticated, NotFound
from telemed.domain.people import Person
from telemed.domain.policy import Action, require
from telemed.service.ports.people import Credentials
from telemed.service.ports.sessions import Session
from telemed.service.ports.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class SignIn:
    """A person who signed in, with the token that the browser or the program keeps."""

    person: Person
    token: str


def digest(token: str) -> str:
    """Only this is kept of a session token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()  # a header may hold any bytes


async def password_hash_of(work: UnitOfWork, username: str) -> str | None:
    """The hash to check against. Raises LockedOut while the account is locked; None for a name that nobody has."""
    credentials = await work.people.credentials(username)
    person = await work.people.get(username)
    if credentials is None or person is None or not person.active:
        return None
    if credentials.locked_until and credentials.locked_until > work.now:
        raise LockedOut(credentials.locked_until)
    return credentials.password_hash


async def sign_in(work: UnitOfWork, username: str) -> SignIn:
    """The password was right: failures are forgotten, a session begins."""
    person = await _active(work, username)
    credentials = await work.people.credentials(username)
    if credentials and (credentials.failures or credentials.locked_until):
        await work.people.save_credentials(Credentials(username, credentials.password_hash))
    await work.people.signed_in(username, work.now)
    token = secrets.token_urlsafe(32)
    await work.sessions.add(Session(digest(token), username, work.now, work.now))
    work.outbox.audit("session:begin", username, person.institution, f"person/{username}")
    return SignIn(person, token)


async def refuse_sign_in(work: UnitOfWork, username: str, purpose: str = "session:begin") -> None:
    """The password was wrong: count it, and lock the account at the limit."""
    credentials = await work.people.credentials(username)
    person = await work.people.get(username)
    work.outbox.audit(purpose, username, person.institution if person else "", f"person/{username}", "refused")
    if credentials is None:
        return
    credentials.failures += 1
    rule = work.region.lock_out
    if credentials.failures >= rule.failures:
        credentials.failures, credentials.locked_until = 0, work.now + rule.period
        work.outbox.audit("account:lock", username, person.institution if person else "", f"person/{username}")
    await work.people.save_credentials(credentials)


async def _active(work: UnitOfWork, username: str) -> Person:
    person = await work.people.get(username)
    if person is None or not person.active:
        raise NotAuthenticated(username)
    return person


SEEN_EVERY_SECONDS = 60
"""A session's last use is written at most this often: the idle time-out is minutes, a write for each request is waste."""


async def person_of(work: UnitOfWork, token: str, touch: Callable[[str], Awaitable[None]] | None = None) -> Person:
    """Return the person whose session this is. Raises NotAuthenticated for a token that is unknown, idle too long, or too old."""
    session = await work.sessions.get(digest(token))
    if session is None or not work.region.sessions.alive(session.created_at, session.seen_at, work.now):
        raise NotAuthenticated("session")
    if touch and (work.now - session.seen_at).total_seconds() > SEEN_EVERY_SECONDS:
        await touch(session.token_digest)
    return await _active(work, session.username)


async def sign_out(work: UnitOfWork, person: Person, token: str) -> None:
    await work.sessions.end(digest(token))
    work.outbox.audit("session:end", person.username, person.institution, f"person/{person.username}")


async def sweep_sessions(work: UnitOfWork) -> int:
    """Sessions that have ended by themselves are forgotten."""
    limits = work.region.sessions
    return await work.sessions.sweep(work.now - limits.idle, work.now - limits.longest)


async def unlock(work: UnitOfWork, person: Person, username: str) -> None:
    """The security administrator opens a locked account."""
    require(person, Action.ACCOUNT_UNLOCK)
    credentials = await work.people.credentials(username)
    if credentials is None:
        raise NotFound("person", username)
    await work.people.save_credentials(Credentials(username, credentials.password_hash))
    work.outbox.audit(Action.ACCOUNT_UNLOCK, person.username, person.institution, f"person/{username}")

"""Signing in and out, lock-out, sessions, and the password asked for again before a signature."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from telemed.domain.authentication_profile import CredentialState, Requirement, requirements
from telemed.domain.errors import NotAuthenticated, NotFound
from telemed.domain.people import Person
from telemed.domain.policy import Action, require
from telemed.domain.second_factor import HALF_SESSION_FOR, Factor
from telemed.domain.sign_in import KNOWN_BROWSER_FOR, KNOWN_BROWSERS, NOWHERE, AttemptKey, Origin, Scope
from telemed.service.password_limits import note_refusals, used_up
from telemed.service.ports.credentials import HalfSession
from telemed.service.ports.sessions import Session
from telemed.service.ports.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class SignIn:
    """A person who signed in, with the token that the browser or the program keeps."""

    person: Person
    token: str
    browser: str = ""
    """The token by which this browser is known from now on; empty where it was known already, or keeps no cookies."""
    required: frozenset[Requirement] = frozenset()


def digest(token: str) -> str:
    """Only this is kept of a session token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()  # a header may hold any bytes


async def known_browser(work: UnitOfWork, username: str, tokens: Sequence[str]) -> str:
    """Return the digest of the browser, of those with these tokens, in which the account signed in before; empty if there is none."""
    digests = [digest(token) for token in tokens]
    return await work.known_browsers.find(username, digests, work.now - KNOWN_BROWSER_FOR, work.now + KNOWN_BROWSER_FOR) or ""


@dataclass(frozen=True, slots=True)
class FirstStep:
    """The password was right and the account has a second factor: a half session waits for it."""

    token: str
    factors: tuple[Factor, ...]


async def sign_in(work: UnitOfWork, username: str, password_hash: str, origin: Origin = NOWHERE, browser: str = "") -> SignIn | FirstStep:
    """The password was right for this hash: a session begins, or the second factor is waited for.

    Raises NotAuthenticated where the account was closed or has another password by now.
    """
    person = await active(work, username)
    if await work.people.password_hash(username) != password_hash:
        raise NotAuthenticated(username)
    state = await work.passwords.state(username)
    if not state.has_factor:
        return await begin_session(work, person, state, origin, browser)
    token = secrets.token_urlsafe(32)
    where = (origin.address, origin.client, browser, origin.keeps_cookies)
    await work.half_sessions.add(HalfSession(digest(token), username, work.now, *where))
    return FirstStep(token, (await work.factors.of(username)).kinds)


async def begin_session(
    work: UnitOfWork, person: Person, state: CredentialState, origin: Origin, browser: str, factor: Factor | None = None
) -> SignIn:
    """A session begins, with what the person must do before anything else; the browser is known from now on."""
    username = person.username
    await work.people.signed_in(username, work.now)
    token, browser_token = secrets.token_urlsafe(32), ""
    if origin.keeps_cookies and not browser:
        browser_token = secrets.token_urlsafe(32)
        browser = digest(browser_token)
    if browser:
        await work.known_browsers.signed_in(browser, username, work.now, KNOWN_BROWSERS)
    required = requirements(work.region.authentication, person, state, work.now)
    where = (origin.address, origin.client, browser)
    await work.sessions.add(Session(digest(token), username, work.now, work.now, *where, required))
    detail = {"factor": factor.value} if factor else {}
    work.outbox.audit("session:begin", username, person.institution, f"person/{username}", detail=detail)
    return SignIn(person, token, browser_token, required)


async def refuse_sign_in(work: UnitOfWork, username: str, address: str, key: AttemptKey) -> None:
    """The password was wrong, or nobody has the name. `key` is that of the account at this address or in this browser."""
    await note_refusals(work, username, address)
    if await used_up(work, key):
        await record_lock(work, username, key, {"from": address} if address else {})
        if key.scope is Scope.ACCOUNT_IN_BROWSER:
            await work.known_browsers.forget(key.origin)


async def refuse_again(work: UnitOfWork, username: str, purpose: str, key: AttemptKey) -> None:
    """A signed-in person gave a wrong password; at the limit the session ends."""
    person = await work.people.get(username)
    work.outbox.audit(purpose, username, person.institution if person else "", f"person/{username}", "refused")
    if await used_up(work, key):
        await record_lock(work, username, key, {})
        await work.sessions.end(key.origin)


async def record_lock(work: UnitOfWork, username: str, key: AttemptKey, detail: Mapping[str, str]) -> None:
    """No further attempt is judged under this key for a while."""
    person = await work.people.get(username)
    if person is not None:
        work.outbox.audit("account:lock", username, person.institution, f"person/{username}", detail={"kind": key.scope.value, **detail})


async def active(work: UnitOfWork, username: str) -> Person:
    """Return who has this account. Raises NotAuthenticated where nobody has, or it was closed."""
    person = await work.people.get(username)
    if person is None or not person.active:
        raise NotAuthenticated(username)
    return person


SEEN_EVERY_SECONDS = 60
"""A session's last use is written at most this often: the idle time-out is minutes, a write for each request is waste."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whose session it is, what they must do in it before anything else, and whether its last use is to be written again (`touch`)."""

    person: Person
    required: frozenset[Requirement]
    aged: bool


async def person_of(work: UnitOfWork, token: str) -> tuple[Person, bool]:
    """Return the person whose session this is, and whether its last use is to be written again (`touch`).

    Raises NotAuthenticated for a token that is unknown, idle too long, or too old.
    """
    found = await signed_in(work, token)
    return found.person, found.aged


async def signed_in(work: UnitOfWork, token: str) -> SignedIn:
    """As `person_of`, with what the person must do in this session before anything else."""
    session = await work.sessions.get(digest(token))
    if session is None or not work.region.sessions.alive(session.created_at, session.seen_at, work.now):
        raise NotAuthenticated("session")
    aged = abs((work.now - session.seen_at).total_seconds()) > SEEN_EVERY_SECONDS
    return SignedIn(await active(work, session.username), session.required, aged)


async def people_signed_in(work: UnitOfWork, digests: Collection[str]) -> Mapping[str, Person]:
    """Return, by the digest of its token, whose session each is that may be used; the others are left out."""
    limits = work.region.sessions
    alive = [s for s in await work.sessions.get_many(digests) if limits.alive(s.created_at, s.seen_at, work.now)]
    people = await work.people.get_many({session.username for session in alive})
    found = {session.token_digest: people.get(session.username) for session in alive}
    return {token_digest: person for token_digest, person in found.items() if person is not None and person.active}


async def touch(work: UnitOfWork, token: str) -> None:
    """The session of this token is in use now."""
    await work.sessions.seen(digest(token), work.now)


async def sign_out(work: UnitOfWork, person: Person, token: str) -> None:
    await work.sessions.end(digest(token))
    work.outbox.audit("session:end", person.username, person.institution, f"person/{person.username}")


async def living_sessions(work: UnitOfWork, username: str) -> list[Session]:
    """Return the account's sessions that can be used, the newest first."""
    limits = work.region.sessions
    return [s for s in await work.sessions.of(username) if limits.alive(s.created_at, s.seen_at, work.now)]


async def own_sessions(work: UnitOfWork, person: Person) -> list[Session]:
    """Return the person's sessions that can be used, the newest first."""
    return await living_sessions(work, person.username)


async def end_session_of(work: UnitOfWork, username: str, token_digest: str) -> None:
    """End one session of the account; its browser is a stranger's again. Raises NotFound for any other."""
    session = next((s for s in await work.sessions.of(username) if s.token_digest == token_digest), None)
    if session is None:
        raise NotFound("session", username)
    await work.sessions.end(token_digest)
    await work.known_browsers.forget(session.browser)


async def end_session(work: UnitOfWork, person: Person, token_digest: str) -> None:
    """End one of the person's own sessions. Raises NotFound for any other."""
    await end_session_of(work, person.username, token_digest)
    work.outbox.audit("session:end", person.username, person.institution, f"person/{person.username}")


async def end_other_sessions(work: UnitOfWork, person: Person, token: str) -> None:
    """End all sessions of the person but this one; their browsers, and every other, are strangers' again."""
    here = await work.sessions.get(digest(token))
    ended = await work.sessions.end_all(person.username, digest(token))
    await work.known_browsers.forget_all(person.username, here.browser if here else "")
    work.outbox.audit("session:end", person.username, person.institution, f"person/{person.username}", detail={"times": ended})


async def sweep_sessions(work: UnitOfWork) -> int:
    """Sessions that have ended by themselves or with their account are forgotten, and browsers long not signed in from."""
    limits, now = work.region.sessions, work.now
    await work.known_browsers.sweep(now - KNOWN_BROWSER_FOR, now + KNOWN_BROWSER_FOR)
    await work.half_sessions.sweep(now - HALF_SESSION_FOR, now + HALF_SESSION_FOR)
    ahead = await work.sessions.sweep_ahead(now + limits.idle, now + limits.longest)
    return ahead + await work.sessions.sweep(now - limits.idle, now - limits.longest)


async def unlock(work: UnitOfWork, person: Person, username: str) -> None:
    """The security administrator opens a locked account: at every address, in every browser and session."""
    require(person, Action.ACCOUNT_UNLOCK)
    if await work.people.get(username) is None:
        raise NotFound("person", username)
    await work.password_attempts.forget_account(username)
    work.outbox.audit(Action.ACCOUNT_UNLOCK, person.username, person.institution, f"person/{username}")

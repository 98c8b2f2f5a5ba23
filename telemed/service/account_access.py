"""Accounts as those who administer them reach them: locked, by the version that was seen, and never one's own or the last.

Whoever closes a security administrator's account has all of those locked first, in one order, so that no two close each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from telemed.domain.accounts import entity_tag
from telemed.domain.errors import Forbidden, InvalidTransition, NotFound, StaleVersion, VersionRequired
from telemed.domain.people import Person, Role
from telemed.domain.policy import Action
from telemed.service.ports.unit_of_work import UnitOfWork


def record(work: UnitOfWork, actor: Person, action: str, username: str, detail: Mapping[str, Any] | None = None) -> None:
    """Put an act on somebody's account on record."""
    work.outbox.audit(action, actor.username, actor.institution, f"person/{username}", detail=detail)


def match(known: Person, if_match: str | None) -> None:
    """RFC 9110 section 13.1.1: the change must name the state that it was made from."""
    if if_match is None:
        raise VersionRequired("If-Match")
    if if_match != "*" and if_match.removeprefix("W/").strip('"') != entity_tag(known):
        raise StaleVersion(entity_tag(known))


async def close_doors(work: UnitOfWork, username: str) -> int:
    """End sessions and tokens, forget browsers, take invitations back. Returns how many sessions there were."""
    await work.known_browsers.forget_all(username)
    await work.invitations.remove([username])
    return await work.sessions.end_all(username)


async def closable(work: UnitOfWork, person: Person, username: str, action: Action) -> Person:
    """The account, locked, if this person may close it. Raises Forbidden for one's own and for the last of those who can mend it."""
    known = await guarded_account(work, username)
    require_other(person, username, action)
    if known.active and known.has(Role.SECURITY_ADMINISTRATOR):
        await require_another_administrator(work, known, action)
    return known


async def require_another_administrator(work: UnitOfWork, known: Person, action: Action) -> None:
    """Raises Forbidden where nobody else could administer accounts: an installation that nobody can mend."""
    others = [p for p in await work.people.holding(Role.SECURITY_ADMINISTRATOR) if p.username != known.username]
    if not [p for p in others if await work.people.has_password(p.username)]:
        raise Forbidden(action, "last-administrator")


def require_other(person: Person, username: str, action: Action) -> None:
    if person.username == username:
        raise Forbidden(action, "own-account")


def require_active(known: Person, step: str) -> None:
    if not known.active:
        raise InvalidTransition("account", "disabled", step)


async def known_account(work: UnitOfWork, username: str) -> Person:
    known = await work.people.get(username)
    if known is None:
        raise NotFound("person", username)
    return known


async def locked_account(work: UnitOfWork, username: str) -> Person:
    known = await work.people.locked(username)
    if known is None:
        raise NotFound("person", username)
    return known


async def guarded_account(work: UnitOfWork, username: str) -> Person:
    """As `locked_account`; of a security administrator all are locked first, in one order, so that no two close each other."""
    if (await known_account(work, username)).has(Role.SECURITY_ADMINISTRATOR):
        await work.people.holding(Role.SECURITY_ADMINISTRATOR)
    return await locked_account(work, username)

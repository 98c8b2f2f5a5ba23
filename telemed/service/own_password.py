"""Passwords set anew: what a new one must be, and what ends with the old one."""

from __future__ import annotations

from collections.abc import Container

from telemed.domain.authentication_profile import Requirement, password_faults
from telemed.domain.errors import FieldError, Invalid, NotFound, WrongPassword
from telemed.domain.people import Agent, Person
from telemed.service.application import Application
from telemed.service.authentication import check_password
from telemed.service.ports.credentials import AccountEvent
from telemed.service.ports.region import Region
from telemed.service.ports.unit_of_work import UnitOfWork


def words_of(region: Region, person: Person) -> list[str]:
    """Return the words that a person's password may not hold: their own, and those of their institution."""
    institution = region.network.institutions.get(person.institution)
    names = [institution.name, institution.name_en, *institution.name_en.split()] if institution else []
    return [person.username, person.name, person.institution, *names]


def new_password_faults(region: Region, person: Person, password: str, common: Container[str], name: str = "new") -> list[FieldError]:
    """Return what speaks against the password by the profile of the region; earlier passwords are another matter."""
    return password_faults(region.authentication.passwords, password, words_of(region, person), common, name)


async def change_own_password(application: Application, person: Person, session: str, old: str, new: str) -> None:
    """The person gives the old password and a new one. All their other sessions and known browsers end.

    `session` is the digest of the session's token. Raises Invalid, WrongPassword or LockedOut.
    """
    faults = new_password_faults(application.region, person, new, application.passwords.common)
    if faults:
        raise Invalid(*faults)
    right = await check_password(application, person.username, old, "password:change", session)
    rules = application.region.authentication.passwords
    async with application.reading() as work:
        earlier = await work.passwords.earlier(person.username, max(rules.history - 1, 0))
    for used in (right, *earlier)[: rules.history]:
        if await application.passwords.matches(used, new):
            raise Invalid(FieldError("new", "password-used", str(rules.history)))
    made = await application.passwords.hash(new)
    async with application.writing() as work:
        if await work.people.password_hash(person.username) != right:
            raise WrongPassword(person.username)
        await set_password(work, person.username, made, person, keep=session)
        await work.sessions.fulfil(person.username, Requirement.PASSWORD_CHANGE)


async def set_password(
    work: UnitOfWork, username: str, password_hash: str, agent: Agent, *, keep: str = "", must_change: bool = False
) -> None:
    """A new password holds. The person's sessions end but the one to `keep`, by the digest of its token, and so do known browsers and
    half sessions. Raises NotFound."""
    person = await work.people.get(username)
    if person is None:
        raise NotFound("person", username)
    kept = max(work.region.authentication.passwords.history - 1, 0)
    await work.passwords.replace(username, password_hash, work.now, kept, must_change)
    here = await work.sessions.get(keep) if keep else None
    ended = await work.sessions.end_all(username, keep)
    await work.half_sessions.end_all(username)
    await work.known_browsers.forget_all(username, here.browser if here else "")
    await work.account_notices.tell(username, AccountEvent.PASSWORD_SET, agent.username, work.now)
    work.outbox.audit("password:change", agent.username, agent.institution, f"person/{username}", detail={"times": ended})

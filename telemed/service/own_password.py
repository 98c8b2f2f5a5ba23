"""Passwords set anew, by whomever and wherever: what a new one must be, and what ends with the old one."""

from __future__ import annotations

from collections.abc import Container

from telemed.domain.accounts import AccountEntry, person_of
from telemed.domain.authentication_profile import Requirement, password_faults
from telemed.domain.errors import FieldError, Invalid, NotFound, WrongPassword
from telemed.domain.people import Agent, Person
from telemed.domain.policy import Action, may
from telemed.service.application import Application
from telemed.service.authentication import check_password
from telemed.service.ports.credentials import AccountEvent
from telemed.service.ports.people import Asker
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
    await require_unused(application, person.username, new, right)
    made = await application.passwords.hash(new)
    async with application.writing() as work:
        if await work.people.password_hash(person.username) != right:
            raise WrongPassword(person.username)
        await set_password(work, person.username, made, person, keep=session)
        await work.sessions.fulfil(person.username, Requirement.PASSWORD_CHANGE)


async def require_unused(
    application: Application, username: str, new: str, present: str = "", name: str = "new", asker: Asker = Asker.KNOWN
) -> None:
    """Raises Invalid for one of the last passwords of the account, as many as the profile remembers. `present` is the hash of the one
    that holds; where there is none, the last is the one that was taken from the person."""
    history = application.region.authentication.passwords.history
    async with application.reading() as work:
        earlier = await work.passwords.earlier(username, history)
    for used in [each for each in (present, *earlier) if each][:history]:
        if await application.passwords.matches(used, new, asker):
            raise Invalid(FieldError(name, "password-used", str(history)))


async def first_password(application: Application, person: Person, entry: AccountEntry, password: str) -> str:
    """Return the hash of the first password of an account that this person is about to make; empty where they may make none, which
    the making refuses. Raises Invalid, for what was entered or for the password."""
    if not may(person, Action.ACCOUNT_CREATE):
        return ""
    region = application.region
    made = person_of(entry, region.network, region.centres)
    if faults := new_password_faults(region, made, password, application.passwords.common, "password"):
        raise Invalid(*faults)
    return await application.passwords.hash(password)


async def set_password(
    work: UnitOfWork, username: str, password_hash: str, agent: Agent, *, keep: str = "", must_change: bool = False
) -> None:
    """A new password holds. The person's sessions end but the one to `keep`, by the digest of its token, and so do known browsers and
    half sessions. Raises NotFound."""
    person = await work.people.get(username)
    if person is None:
        raise NotFound("person", username)
    await work.passwords.replace(username, password_hash, work.now, work.region.authentication.passwords.history, must_change)
    here = await work.sessions.get(keep) if keep else None
    ended = await work.sessions.end_all(username, keep)
    await work.half_sessions.end_all(username)
    await work.known_browsers.forget_all(username, here.browser if here else "")
    await work.account_notices.tell(username, AccountEvent.PASSWORD_SET, agent.username, work.now)
    work.outbox.audit("password:change", agent.username, agent.institution, f"person/{username}", detail={"times": ended})


async def take_password(work: UnitOfWork, username: str, agent: Agent) -> None:
    """No password is right any more, and the one that was is remembered as one that was used. The person is told."""
    await work.passwords.replace(username, "", work.now, work.region.authentication.passwords.history, must_change=False)
    await work.account_notices.tell(username, AccountEvent.PASSWORD_SET, agent.username, work.now)

"""Taking up an invitation: the invited person chooses the first password. Whoever has the link is the invited person, once."""

from __future__ import annotations

from telemed.domain.accounts import Invitation, password_faults
from telemed.domain.errors import Invalid, NotFound
from telemed.domain.people import Person
from telemed.service.accounts import digest
from telemed.service.application import Application
from telemed.service.ports.people import Asker
from telemed.service.ports.unit_of_work import UnitOfWork


async def invited_person(work: UnitOfWork, token: str) -> Person:
    """Return whose invitation this is. Raises NotFound for one that is unknown, used, taken back or too old: alike for all."""
    return (await _open(work, token))[1]


async def take_up(application: Application, token: str, password: str) -> Person:
    """The password is the account's from now on, and the invitation is used up. Raises NotFound, Invalid, TooManyWaiting.

    The password is made a hash of outside any transaction: it takes long on purpose, and nobody without an invitation gets so far.
    """
    with application.passwords.place(Asker.STRANGER):
        async with application.reading() as work:
            person = await invited_person(work, token)
        if faults := password_faults(password, person):
            raise Invalid(*faults)
        password_hash = await application.passwords.hash(password)
    async with application.writing() as work:
        invitation, person = await _open(work, token)
        await work.invitations.remove([person.username])
        await work.people.set_password(person.username, password_hash)
        await work.password_attempts.forget_account(person.username)
        await work.sessions.end_all(person.username)
        await work.known_browsers.forget_all(person.username)
        detail = {"from": invitation.made_by}
        work.outbox.audit("account:take-up", person.username, person.institution, f"person/{person.username}", detail=detail)
    return person


async def _open(work: UnitOfWork, token: str) -> tuple[Invitation, Person]:
    invitation = await work.invitations.get(digest(token))
    person = await work.people.get(invitation.username) if invitation and invitation.open_at(work.now) else None
    if invitation is None or person is None or not person.active:
        raise NotFound("invitation", "open")
    return invitation, person

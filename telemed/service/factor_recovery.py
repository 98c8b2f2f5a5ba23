"""Second factors that were lost: the security administrator asks that they be removed, the system administrator confirms it.

So nobody alone comes into an account. The two roles are never one person's; every installation has both, which is not so of two
security administrators; and the auditor, who watches them, takes no part.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from telemed.domain.errors import Forbidden, InvalidTransition, NotFound
from telemed.domain.people import Person
from telemed.domain.policy import Action, may, require
from telemed.domain.second_factor import Recovery
from telemed.service.ports.credentials import AccountEvent
from telemed.service.ports.unit_of_work import UnitOfWork

SHOWN_FOR = timedelta(days=30)


async def ask(work: UnitOfWork, person: Person, username: str, reason: str) -> Recovery:
    """Ask that somebody's factors be removed. Asking again while it waits changes nothing. The person is told.

    Raises NotFound where there is no such account or it has no factor, Forbidden for one's own.
    """
    require(person, Action.RECOVERY_ASK)
    if username == person.username:
        raise Forbidden(Action.RECOVERY_ASK, "own-account")
    if await work.people.password_hash(username) is None or not (await work.factors.of(username)).kinds:
        raise NotFound("person", username)
    waiting = next((each for each in await work.recoveries.since(work.now - SHOWN_FOR) if _waits(work, each, username)), None)
    if waiting is not None:
        return waiting
    recovery = Recovery(secrets.token_hex(16), username, person.username, work.now, reason)
    await work.recoveries.add(recovery)
    detail = {"recovery": recovery.id, "reason": reason}
    work.outbox.audit(Action.RECOVERY_ASK, person.username, person.institution, f"person/{username}", detail=detail)
    await work.account_notices.tell(username, AccountEvent.RECOVERY_ASKED, person.username, work.now)
    return recovery


def _waits(work: UnitOfWork, recovery: Recovery, username: str) -> bool:
    return recovery.username == username and recovery.open(work.now)


async def confirm(work: UnitOfWork, person: Person, id_: str) -> Recovery:
    """Confirm what another administrator asked: the factors are removed, and sessions and known browsers of the account end.

    Raises NotFound, Forbidden for who asked or whose account it is, InvalidTransition where it is confirmed already or its day is over.
    """
    require(person, Action.RECOVERY_CONFIRM)
    recovery = await work.recoveries.get(id_)
    if recovery is None:
        raise NotFound("recovery", id_)
    if person.username in (recovery.asked_by, recovery.username):
        raise Forbidden(Action.RECOVERY_CONFIRM, "own-request")
    if not recovery.open(work.now):
        raise InvalidTransition("recovery", recovery.state if recovery.confirmed_at else "over", "confirm")
    await work.people.password_hash(recovery.username)
    await work.recoveries.confirm(id_, person.username, work.now)
    await work.factors.remove_all(recovery.username)
    await work.sessions.end_all(recovery.username)
    await work.half_sessions.end_all(recovery.username)
    await work.known_browsers.forget_all(recovery.username)
    detail = {"recovery": id_, "from": recovery.asked_by}
    work.outbox.audit(Action.RECOVERY_CONFIRM, person.username, person.institution, f"person/{recovery.username}", detail=detail)
    await work.account_notices.tell(recovery.username, AccountEvent.RECOVERY_CONFIRMED, person.username, work.now)
    return await work.recoveries.get(id_) or recovery


async def recent(work: UnitOfWork, person: Person) -> list[Recovery]:
    """Return the requests of the last 30 days, the newest first. Raises Forbidden."""
    if not may(person, Action.RECOVERY_ASK):
        require(person, Action.RECOVERY_CONFIRM)
    return await work.recoveries.since(work.now - SHOWN_FOR)

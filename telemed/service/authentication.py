"""Passwords judged, sessions begun. What is asked is counted before it is judged."""

from __future__ import annotations

from collections.abc import Sequence

from telemed.domain.errors import LockedOut, NotAuthenticated, SecondFactorRequired, TooManyWaiting, WrongPassword
from telemed.domain.sign_in import NOWHERE, AttemptKey, Origin, Scope, stranger_keys
from telemed.service import accounts, password_limits
from telemed.service.application import Application
from telemed.service.ports.people import Asker
from telemed.service.second_step import by_code


async def authenticate(application: Application, username: str, password: str, origin: Origin = NOWHERE, code: str = "") -> accounts.SignIn:
    """Judge the password (slowly, outside any transaction), then the code of a second factor where the account has one; begin a session.

    Raises NotAuthenticated, LockedOut or TooManyWaiting, the same for names that nobody has; to whom has given the right password
    SecondFactorRequired where there is no code, and WrongCode.
    """
    browser = await _known_browser(application, username, origin)
    keys = (AttemptKey(Scope.ACCOUNT_IN_BROWSER, username, browser),) if browser else stranger_keys(username, origin.address)
    try:
        right = await _judge(application, username, password, keys, Asker.KNOWN if browser else Asker.STRANGER)
    except (LockedOut, TooManyWaiting) as refusal:
        application.refusals.add(*_summed_by(refusal, username, origin.address))
        raise
    if right is None:
        async with application.writing() as work:
            await accounts.refuse_sign_in(work, username, origin.address, keys[-1])
        async with application.reading() as work:  # counts are held in one order: those here would be held after the last
            left = await password_limits.left(work, keys)
        raise NotAuthenticated(username, left)
    async with application.writing() as work:
        await password_limits.give_back(work, keys)
        step = await accounts.sign_in(work, username, right, origin, browser)
    if isinstance(step, accounts.SignIn):
        return step
    if not code:
        raise SecondFactorRequired(step.factors, step.token)
    return await by_code(application, step.token, code)


async def _known_browser(application: Application, username: str, origin: Origin) -> str:
    if not origin.browsers:
        return ""
    async with application.reading() as work:
        return await accounts.known_browser(work, username, origin.browsers)


DUMMY_HASH = "$argon2id$v=19$m=65536,t=3,p=4$MDEyMzQ1Njc4OWFiY2RlZg$q0uQ0C8p1Dk1wB6W2cZ3Vd9T2xk0JqkqjYl2m8k3Q4E"
"""Checked for names that nobody has, so that they take as long as others."""


async def check_password(application: Application, username: str, password: str, purpose: str, session: str = "") -> str:
    """Ask a signed-in person again. Attempts are counted by the session (its token's digest), which ends when they are used up;
    where none is named, the house itself acts for the person, and nothing is counted. Returns the hash that the password fits.

    Raises LockedOut before that is known, WrongPassword for a wrong one.
    """
    key = AttemptKey(Scope.SESSION, username, session)
    keys = (key,) if session else ()
    right = await _judge(application, username, password, keys, Asker.KNOWN)
    if right is None:
        async with application.writing() as work:
            await accounts.refuse_again(work, username, purpose, key)
        raise WrongPassword(username)
    if keys:
        async with application.writing() as work:
            await password_limits.give_back(work, keys)
    return right


async def _judge(application: Application, username: str, password: str, keys: Sequence[AttemptKey], asker: Asker) -> str | None:
    """Count the attempt, then judge it. Returns the hash that the password fits; None for a wrong one, and for a name that nobody has."""
    with application.passwords.place(asker):
        async with application.reading() as work:  # who is refused costs no write
            await password_limits.look(work, keys)
            known = await work.people.password_hash(username)
        if keys:
            async with application.writing() as work:
                await password_limits.count(work, keys)
        right = await application.passwords.matches(known or DUMMY_HASH, password, asker)
    return known if right else None


def _summed_by(refusal: LockedOut | TooManyWaiting, username: str, address: str) -> tuple[str, str]:
    """Return name and address by which a refusal is summed: no more than the limit that refused tells apart, so that sums stay few."""
    scope = refusal.scope if isinstance(refusal, LockedOut) else Scope.ADDRESS
    return "" if scope in (Scope.ALL, Scope.ADDRESS) else username, "" if scope in (Scope.ALL, Scope.ACCOUNT) else address

"""The second step of signing in: a half session, which a right password began, becomes a session by a second factor."""

from __future__ import annotations

from typing import Any

from telemed.domain.errors import LockedOut, NotAuthenticated, PasskeyRefused, WrongCode
from telemed.domain.people import Person
from telemed.domain.second_factor import HALF_SESSION_FOR, Factor, is_totp, matching_step, typed
from telemed.domain.sign_in import AttemptKey, Origin, Scope
from telemed.service import accounts, password_limits
from telemed.service.application import Application
from telemed.service.ports.credentials import AccountEvent, HalfSession
from telemed.service.ports.passkeys import RelyingParty
from telemed.service.ports.unit_of_work import UnitOfWork


async def waiting(work: UnitOfWork, token: str) -> HalfSession:
    """Return the half session of the token. Raises NotAuthenticated where there is none, or its time is over."""
    half = await work.half_sessions.get(accounts.digest(token))
    if half is None or abs(work.now - half.created_at) >= HALF_SESSION_FOR:
        raise NotAuthenticated("half session")
    return half


async def factors_for(application: Application, token: str) -> tuple[Factor, ...]:
    """Return what may be given in the second step. Raises NotAuthenticated."""
    async with application.reading() as work:
        half = await waiting(work, token)
        return (await work.factors.of(half.username)).kinds


async def by_code(application: Application, token: str, code: str) -> accounts.SignIn:
    """Judge a code by time, or one for recovery, and begin the session. Attempts are counted first, by the account alone: who makes them
    has given the right password. Raises NotAuthenticated, LockedOut or WrongCode."""
    async with application.reading() as work:
        half = await waiting(work, token)
    key = AttemptKey(Scope.SECOND_FACTOR, half.username)
    try:
        async with application.writing() as work:
            await password_limits.count(work, (key,))
            last = await password_limits.used_up(work, key)  # of several in flight, one is the last that is judged
    except LockedOut:
        application.refusals.add(half.username, half.address)
        raise
    async with application.writing() as work:
        person = await _locked(work, half)
        factor = await _used_code(work, half.username, typed(code))
        if factor is not None:
            await password_limits.give_back(work, (key,))
            return await _begin(work, person, half, factor)
        work.outbox.audit("factor:use", half.username, person.institution, f"person/{half.username}", "refused", {"from": half.address})
        if last:
            await accounts.record_lock(work, half.username, key, {"from": half.address})
            await work.account_notices.tell(half.username, AccountEvent.FACTOR_GUESSED, "", work.now)
    raise WrongCode(half.username)


async def passkey_options(application: Application, token: str, party: RelyingParty) -> dict[str, Any]:
    """Return what the browser is to ask of a passkey. Raises NotAuthenticated; PasskeyRefused where the account has none."""
    async with application.writing() as work:
        half = await waiting(work, token)
        passkeys = (await work.factors.of(half.username)).passkeys
        if not passkeys:
            raise PasskeyRefused(half.username)
        challenge = party.challenge()
        await work.factors.put_challenge(half.token_digest, challenge, work.now)
    return party.assertion_options(passkeys, challenge)


async def by_passkey(application: Application, token: str, credential: dict[str, Any], party: RelyingParty) -> accounts.SignIn:
    """Judge what a passkey has signed and begin the session. A counter that did not move on is a copied key, and refused.

    Raises NotAuthenticated or PasskeyRefused.
    """
    try:
        async with application.writing() as work:
            half = await waiting(work, token)
            challenge = await work.factors.take_challenge(half.token_digest, work.now - HALF_SESSION_FOR, work.now + HALF_SESSION_FOR)
            passkeys = (await work.factors.of(half.username)).passkeys
        passkey = next((each for each in passkeys if each.id == credential.get("id")), None)
        if challenge is None or passkey is None:
            raise PasskeyRefused(half.username)
        count = party.asserted(credential, challenge, passkey)
        async with application.writing() as work:
            person = await _locked(work, half)
            if not await work.factors.use_passkey(passkey.id, passkey.sign_count, count, work.now):
                raise PasskeyRefused(half.username)
            return await _begin(work, person, half, Factor.PASSKEY)
    except PasskeyRefused:
        async with application.writing() as work:
            where = {"from": half.address, "factor": Factor.PASSKEY.value}
            work.outbox.audit("factor:use", half.username, "", f"person/{half.username}", "refused", where)
        raise


async def _locked(work: UnitOfWork, half: HalfSession) -> Person:
    """Return who the half session is of. Until the end of this transaction nobody changes their password or factors."""
    if await work.people.password_hash(half.username) is None:
        raise NotAuthenticated(half.username)
    return await accounts.active(work, half.username)


async def _used_code(work: UnitOfWork, username: str, code: str) -> Factor | None:
    """Use the code up, whichever kind it is of. Returns its kind; None for a wrong one."""
    if not is_totp(code):
        if not await work.factors.use_recovery_code(username, accounts.digest(code)):
            return None
        await work.account_notices.tell(username, AccountEvent.RECOVERY_CODE_USED, username, work.now)
        return Factor.RECOVERY_CODE
    kept = await work.factors.totp(username)
    if kept is None or not kept.confirmed:
        return None
    step = matching_step(kept.secret, code, work.now, kept.last_step)
    return Factor.TOTP if step is not None and await work.factors.use_step(username, step) else None


async def _begin(work: UnitOfWork, person: Person, half: HalfSession, factor: Factor) -> accounts.SignIn:
    if not await work.half_sessions.take(half.token_digest):
        raise NotAuthenticated(half.username)
    origin = Origin(half.address, half.client, (), half.keeps_cookies)
    state = await work.passwords.state(half.username)
    return await accounts.begin_session(work, person, state, origin, half.browser, factor)

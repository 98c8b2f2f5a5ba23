"""A person's own second factors: added, removed, and codes for recovery. Each change asks for the password again."""

from __future__ import annotations

import secrets
from typing import Any

from telemed.domain.authentication_profile import Requirement
from telemed.domain.errors import FactorNeeded, FactorThere, NotFound, PasskeyRefused, WrongCode
from telemed.domain.people import Person
from telemed.domain.second_factor import (
    HALF_SESSION_FOR,
    PASSKEYS,
    RECOVERY_CODE_BYTES,
    RECOVERY_CODES,
    TOTP_SECRET_BYTES,
    Factor,
    Factors,
    Passkey,
    base32,
    in_groups,
    matching_step,
    typed,
)
from telemed.service.accounts import digest
from telemed.service.application import Application
from telemed.service.authentication import check_password
from telemed.service.ports.credentials import AccountEvent
from telemed.service.ports.passkeys import RelyingParty
from telemed.service.ports.unit_of_work import UnitOfWork

ADD, REMOVE = "factor:add", "factor:remove"


async def own_factors(application: Application, person: Person) -> Factors:
    """Return the factors that the person has."""
    async with application.reading() as work:
        return await work.factors.of(person.username)


async def begin_totp(application: Application, person: Person, password: str, session: str) -> bytes:
    """Return a new secret for codes by time; it counts from the first right code. Raises FactorThere where there is one that counts."""
    await check_password(application, person.username, password, "factor:add", session)
    secret = secrets.token_bytes(TOTP_SECRET_BYTES)
    async with application.writing() as work:
        await _hold(work, person)
        if (await work.factors.of(person.username)).totp:
            raise FactorThere(Factor.TOTP)
        await work.factors.begin_totp(person.username, secret, work.now)
    return secret


async def confirm_totp(work: UnitOfWork, person: Person, code: str) -> list[str]:
    """The first code was right: codes by time are asked for from now on. Returns codes for recovery, where there were none.

    Raises WrongCode; NotFound where no secret waits.
    """
    await _hold(work, person)
    kept = await work.factors.totp(person.username)
    if kept is None or kept.confirmed:
        raise NotFound("factor", "totp")
    step = matching_step(kept.secret, typed(code), work.now, kept.last_step)
    if step is None:
        raise WrongCode(person.username)
    await work.factors.use_step(person.username, step)
    return await _added(work, person, Factor.TOTP)


async def remove_totp(application: Application, person: Person, password: str, session: str) -> None:
    """Codes by time are asked for no longer. Raises FactorNeeded where they are the last factor of who must have one."""
    await check_password(application, person.username, password, "factor:remove", session)
    async with application.writing() as work:
        await _hold(work, person)
        left = await work.factors.of(person.username)
        if left.totp and not left.passkeys:
            await _last(work, person)
        if not await work.factors.remove_totp(person.username):
            raise NotFound("factor", "totp")
        await _removed(work, person, Factor.TOTP)


async def begin_passkey(application: Application, person: Person, password: str, session: str, party: RelyingParty) -> dict[str, Any]:
    """Return what the browser is to make a passkey of. Raises FactorThere, PasskeysUnavailable."""
    challenge = party.challenge()
    await check_password(application, person.username, password, "factor:add", session)
    async with application.writing() as work:
        there = (await work.factors.of(person.username)).passkeys
        if len(there) >= PASSKEYS:
            raise FactorThere(Factor.PASSKEY)
        await work.factors.put_challenge(session, challenge, work.now)
    return party.registration_options(person, there, challenge)


async def add_passkey(
    application: Application, person: Person, name: str, credential: dict[str, Any], session: str, party: RelyingParty
) -> list[str]:
    """The browser has made a passkey: it is one of the person's from now on. Returns codes for recovery, where there were none.

    Raises PasskeyRefused or FactorThere.
    """
    async with application.writing() as work:
        challenge = await work.factors.take_challenge(session, work.now - HALF_SESSION_FOR, work.now + HALF_SESSION_FOR)
    if challenge is None:
        raise PasskeyRefused(person.username)
    made = party.registered(credential, challenge)
    async with application.writing() as work:
        await _hold(work, person)
        passkey = Passkey(made.id, person.username, made.public_key, made.sign_count, name, work.now)
        full = len((await work.factors.of(person.username)).passkeys) >= PASSKEYS
        if full or not await work.factors.add_passkey(passkey):
            raise FactorThere(Factor.PASSKEY)
        return await _added(work, person, Factor.PASSKEY)


async def remove_passkey(application: Application, person: Person, id_: str, password: str, session: str) -> None:
    """Raises NotFound for one that is not the person's, FactorNeeded where it is the last factor of who must have one."""
    await check_password(application, person.username, password, "factor:remove", session)
    async with application.writing() as work:
        await _hold(work, person)
        left = await work.factors.of(person.username)
        if [passkey.id for passkey in left.passkeys] == [id_] and not left.totp:
            await _last(work, person)
        if not await work.factors.remove_passkey(person.username, id_):
            raise NotFound("passkey", "own")
        await _removed(work, person, Factor.PASSKEY)


async def renew_recovery_codes(application: Application, person: Person, password: str, session: str) -> list[str]:
    """Return new codes for recovery; the old ones are none any more. Raises NotFound where there is no factor to lose."""
    await check_password(application, person.username, password, "factor:add", session)
    async with application.writing() as work:
        await _hold(work, person)
        if not (await work.factors.of(person.username)).kinds:
            raise NotFound("factor", "own")
        _record(work, person, ADD, Factor.RECOVERY_CODE)
        return await _new_codes(work, person)


async def _hold(work: UnitOfWork, person: Person) -> None:
    """Until the end of this transaction no other changes the person's factors or password."""
    await work.people.password_hash(person.username)


async def _last(work: UnitOfWork, person: Person) -> None:
    """The last factor goes, and with it the codes for recovery. Raises FactorNeeded where the profile asks for one."""
    if work.region.authentication.asks_factor_of(person):
        raise FactorNeeded(person.username)
    await work.factors.put_recovery_codes(person.username, [])


async def _added(work: UnitOfWork, person: Person, factor: Factor) -> list[str]:
    _record(work, person, ADD, factor)
    await work.sessions.fulfil(person.username, Requirement.SECOND_FACTOR)
    await work.account_notices.tell(person.username, AccountEvent.FACTOR_ADDED, person.username, work.now)
    return [] if (await work.factors.of(person.username)).recovery_codes else await _new_codes(work, person)


async def _removed(work: UnitOfWork, person: Person, factor: Factor) -> None:
    _record(work, person, REMOVE, factor)
    await work.account_notices.tell(person.username, AccountEvent.FACTOR_REMOVED, person.username, work.now)


def _record(work: UnitOfWork, person: Person, action: str, factor: Factor) -> None:
    work.outbox.audit(action, person.username, person.institution, f"person/{person.username}", detail={"factor": factor.value})


async def _new_codes(work: UnitOfWork, person: Person) -> list[str]:
    codes = [base32(secrets.token_bytes(RECOVERY_CODE_BYTES)) for _ in range(RECOVERY_CODES)]
    await work.factors.put_recovery_codes(person.username, [digest(code) for code in codes])
    return [in_groups(code) for code in codes]

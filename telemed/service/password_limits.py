"""Attempts to give a password, held to their limits: counted all or none, before they are judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from telemed.domain.errors import LockedOut
from telemed.domain.sign_in import REFUSALS_SUMMED_FOR, AttemptKey, Attempts, Scope, counted, wait_for
from telemed.service.ports.unit_of_work import UnitOfWork

SUMS_AT_ONCE = 500
"""Sums that one transaction makes records of."""


async def look(work: UnitOfWork, keys: Sequence[AttemptKey]) -> None:
    """Raises LockedOut where one of the limits is reached now."""
    for key in keys:
        _refuse(work, key, await work.password_attempts.get(key))


async def count(work: UnitOfWork, keys: Sequence[AttemptKey]) -> None:
    """Count one attempt under all of the keys. Raises LockedOut, and counts nothing, where one of the limits is reached."""
    held = [(key, await work.password_attempts.held(key, work.now)) for key in keys]
    for key, so_far in held:
        _refuse(work, key, so_far)
    for key, so_far in held:
        await work.password_attempts.put(key, counted(work.region.authentication.limits[key.scope], so_far, work.now))


async def give_back(work: UnitOfWork, keys: Sequence[AttemptKey]) -> None:
    """The password was right. This attempt counts no longer, and neither do those before it from the same place for the same account."""
    held = [(key, await work.password_attempts.held(key, work.now)) for key in keys]  # in the order of `count`: no two wait for each other
    here = held[-1][1].count
    for key, so_far in held[:-1]:
        given_back = here if key.scope is Scope.ACCOUNT else 1
        await work.password_attempts.put(key, replace(so_far, count=max(so_far.count - given_back, 0)))
    await work.password_attempts.forget(keys[-1])


async def used_up(work: UnitOfWork, key: AttemptKey) -> bool:
    """True if there is to be no further attempt under this key for a while."""
    so_far = await work.password_attempts.get(key)
    return so_far is not None and bool(wait_for(key, so_far, work.now, work.region.authentication.limits))


async def sweep(work: UnitOfWork) -> int:
    """Forget what counts no longer; make records of the sums of refused attempts. Returns how many sums."""
    for scope, limit in work.region.authentication.limits.items():
        await work.password_attempts.sweep(scope, work.now - limit.period, work.now + limit.period)
    window = REFUSALS_SUMMED_FOR
    ended = await work.password_attempts.take_refusals(work.now - window, work.now + window, SUMS_AT_ONCE)
    for sum_ in ended:
        if sum_.times > 1:
            await _record(work, sum_.account, sum_.address, {"times": sum_.times - 1, "since": sum_.since.isoformat()})
    return len(ended)


async def note_refusals(work: UnitOfWork, account: str, address: str, times: int = 1) -> None:
    """The first for a name from an address is a record of the trail; those that follow for a while are summed and become one more."""
    if await work.password_attempts.add_refusals(account, address, times, work.now):
        await _record(work, account, address, {})


async def _record(work: UnitOfWork, account: str, address: str, detail: dict[str, object]) -> None:
    person = await work.people.get(account)
    where = detail | ({"from": address} if address else {})
    work.outbox.audit("session:begin", account, person.institution if person else "", f"person/{account}", "refused", where)


def _refuse(work: UnitOfWork, key: AttemptKey, so_far: Attempts | None) -> None:
    wait = wait_for(key, so_far, work.now, work.region.authentication.limits)
    if wait:
        raise LockedOut(work.now + wait, key.scope)

"""For the security and the system administrator: accounts, the installation, failed jobs. No clinical data."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from telemed.domain.errors import NotFound
from telemed.domain.policy import Action
from telemed.service import accounts
from telemed.service.administration import Account
from telemed.service.execution import execute, record_look
from telemed.web.api.inputs import Nothing
from telemed.web.api.operation import Call, answer, operation
from telemed.web.api.shapes import Shape
from telemed.web.keys import ADMINISTRATION


class AccountShape(Shape):
    username: str
    name: str
    institution: str
    title: str
    roles: list[str]
    centres: list[str]
    active: bool
    failures: int
    locked_until: datetime | None
    last_sign_in_at: datetime | None
    sessions: int


class AccountListShape(Shape):
    items: list[AccountShape]
    next: str | None = None


def account_shape(account: Account) -> AccountShape:
    person = account.person
    return AccountShape(
        username=person.username,
        name=person.name,
        institution=person.institution,
        title=person.title,
        roles=sorted(role.value for role in person.roles),
        centres=sorted(person.centres),
        active=person.active,
        failures=account.failures,
        locked_until=account.locked_until,
        last_sign_in_at=account.last_sign_in_at,
        sessions=account.sessions,
    )


@operation("GET", "/accounts", returns=AccountListShape, errors=(403,))
async def account_list(call: Call[Nothing]) -> web.Response:
    """Everybody who can sign in, and the state of each account."""
    found = await call.request.app[ADMINISTRATION].accounts(call.person)
    await record_look(call.application, call.person, Action.ACCOUNT_READ, "accounts")
    return answer(AccountListShape(items=[account_shape(account) for account in found]))


@operation("POST", "/accounts/{username}/unlock", status=204, errors=(403, 404))
async def unlock(call: Call[Nothing]) -> web.Response:
    """Open an account that was locked after too many wrong passwords."""
    await execute(call.application, accounts.unlock, call.person, call.path("username"))
    return web.Response(status=204)


@operation("POST", "/jobs/{job}/retry", status=204, errors=(403, 404))
async def retry(call: Call[Nothing]) -> web.Response:
    """Try a failed job again now."""
    number = call.path("job")
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise NotFound("job", "number")
    await call.request.app[ADMINISTRATION].retry_job(call.person, int(number))
    return web.Response(status=204)

"""For the security administrator: accounts made, invited, changed, closed, handed over. No clinical data."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field, StringConstraints

from telemed.domain.accounts import AccountEntry, AccountState, entity_tag
from telemed.domain.people import Person, Role
from telemed.domain.policy import Action
from telemed.service import account_administration as administration
from telemed.service import accounts, leaving
from telemed.service.administration import Account, AccountFilter
from telemed.service.execution import execute, query, record_look
from telemed.service.own_password import first_password
from telemed.service.ports.sessions import Session
from telemed.web.api.inputs import NO_NUL, Code, Input, Nothing, PasswordText
from telemed.web.api.operation import Call, answer, operation
from telemed.web.api.shapes import Shape
from telemed.web.keys import ADDRESS, ADMINISTRATION

ACCOUNT = "/accounts/{username}"
PAGE_LINES = 100
MAX_SKIPPED = 1_000_000

Text = Annotated[str, StringConstraints(max_length=200, pattern=NO_NUL)]
Codes = Annotated[list[Annotated[str, StringConstraints(max_length=64, pattern=NO_NUL)]], Field(max_length=20)]


class AccountInput(Input):
    """An account. `phone` is where the person is called back; `centres` are those that a reader reads."""

    name: Text
    title: Text = ""
    institution: Annotated[str, StringConstraints(max_length=64, pattern=NO_NUL)]
    roles: Codes
    centres: Codes = Field(default_factory=list)
    language: Text = ""
    phone: Text = ""


class NewAccount(AccountInput):
    """With a `password` the account is open at once and the password is changed at the first sign-in; else there is an invitation."""

    username: Text
    password: PasswordText | None = None


class Leave(Input):
    """`colleague`: the account that open cases are handed to; empty: they go back to the hub's list."""

    colleague: Text = ""


class AccountQuery(Input):
    """`q` is a part of account, name or institution."""

    q: Annotated[str, StringConstraints(max_length=100, pattern=NO_NUL)] = ""
    institution: Code | Literal[""] = ""
    role: Role | Literal[""] = ""
    centre: Code | Literal[""] = ""
    state: AccountState | Literal[""] = ""
    cursor: Annotated[int, Field(ge=0, le=MAX_SKIPPED)] = 0
    limit: Annotated[int, Field(ge=1, le=500)] = 200

    def wanted(self) -> AccountFilter:
        return AccountFilter(self.q.strip(), self.institution, self.role, self.centre, self.state)


class AccountShape(Shape):
    """`state` is disabled, locked, invited, uninvited or open; `invited_until` is null where no invitation can be taken up; `factor` is
    true where a second factor is asked for."""

    username: str
    name: str
    institution: str
    title: str
    roles: list[str]
    centres: list[str]
    language: str
    phone: str
    active: bool
    state: str
    failures: int
    locked_until: datetime | None
    last_sign_in_at: datetime | None
    sessions: int
    invited_until: datetime | None
    factor: bool


class AccountListShape(Shape):
    """`total` is the number of all accounts, `fitting` of those that were asked for, `locked` of those that are locked."""

    items: list[AccountShape]
    total: int
    fitting: int
    locked: int
    next: str | None = None


class InvitationShape(Shape):
    """`url` is told here and nowhere again; empty, and `expires_at` null, where a first password was given instead."""

    username: str
    url: str
    expires_at: datetime | None


class AccountSessionShape(Shape):
    id: str
    created_at: datetime
    seen_at: datetime
    address: str
    client: str


class AccountSessionListShape(Shape):
    items: list[AccountSessionShape]
    next: str | None = None


class ColleagueShape(Shape):
    username: str
    name: str


class LeavingShape(Shape):
    """`cases` by centre and `amendments` are handed over, `in_review` stay with their reviewers; `colleagues` may take all of them."""

    username: str
    active: bool
    cases: dict[str, int]
    amendments: int
    in_review: int
    sessions: int
    invitation: bool
    colleagues: list[ColleagueShape]
    handed_to: str


def account_shape(account: Account) -> AccountShape:
    person = account.person
    return AccountShape(
        username=person.username,
        name=person.name,
        institution=person.institution,
        title=person.title,
        roles=sorted(role.value for role in person.roles),
        centres=sorted(person.centres),
        language=person.language,
        phone=person.phone,
        active=person.active,
        state=account.state.value,
        failures=account.failures,
        locked_until=account.locked_until,
        last_sign_in_at=account.last_sign_in_at,
        sessions=account.sessions,
        invited_until=account.invited_until,
        factor=account.factor,
    )


def leaving_shape(found: leaving.Leaving) -> LeavingShape:
    colleagues = [ColleagueShape(username=each.username, name=each.name) for each in found.colleagues]
    facts = {
        name: getattr(found, name) for name in ("username", "active", "amendments", "in_review", "sessions", "invitation", "handed_to")
    }
    return LeavingShape(**facts, cases=dict(found.cases), colleagues=colleagues)


def invitation_url(app: web.Application, token: str) -> str:
    """The address that an invited person opens; empty without an invitation."""
    return f"{app[ADDRESS].rstrip('/')}/invitation/{token}" if token else ""


def _invitation(call: Call[Nothing] | Call[NewAccount], made: administration.Invited, status: int = 200) -> web.Response:
    url = invitation_url(call.request.app, made.token)
    return answer(InvitationShape(username=made.person.username, url=url, expires_at=made.expires_at), status)


def entry_of(username: str, body: AccountInput) -> AccountEntry:
    return AccountEntry(username, body.name, body.institution, body.roles, body.centres, body.title, body.language, body.phone)


async def _account(call: Call[Nothing] | Call[AccountInput], person: Person) -> web.Response:
    found = await call.request.app[ADMINISTRATION].account(call.person, person.username)
    return answer(account_shape(found), headers={"ETag": f'"{entity_tag(found.person)}"'})


@operation("GET", "/accounts", query=AccountQuery, returns=AccountListShape, errors=(403,))
async def listing(call: Call[Nothing]) -> web.Response:
    """Everybody who can sign in, and the state of each account."""
    wanted: AccountQuery = call.query
    found = await call.request.app[ADMINISTRATION].accounts(call.person, wanted.wanted(), wanted.cursor, wanted.limit)
    await record_look(call.application, call.person, Action.ACCOUNT_READ, "accounts")
    seen = wanted.cursor + len(found.items)
    more = str(seen) if found.items and seen < found.fitting else None
    items = [account_shape(account) for account in found.items]
    return answer(AccountListShape(items=items, total=found.total, fitting=found.fitting, locked=found.locked, next=more))


@operation("POST", "/accounts", body=NewAccount, returns=InvitationShape, status=201, errors=(403, 422))
async def create(call: Call[NewAccount]) -> web.Response:
    """Make an account. The very same again, before anybody signed in, gives a fresh invitation."""
    entry, asked = entry_of(call.body.username, call.body), call.body.password
    password_hash = "" if asked is None else await first_password(call.application, call.person, entry, asked)
    return _invitation(call, await execute(call.application, administration.create_account, call.person, entry, password_hash), 201)


@operation("GET", ACCOUNT, returns=AccountShape, errors=(403, 404), headers=("ETag",))
async def read(call: Call[Nothing]) -> web.Response:
    """One account."""
    person = await query(call.application, administration.account_of, call.person, call.path("username"))
    await record_look(call.application, call.person, Action.ACCOUNT_READ, f"person/{person.username}")
    return await _account(call, person)


@operation("PUT", ACCOUNT, body=AccountInput, returns=AccountShape, errors=(403, 404, 412, 422, 428), headers=("ETag",))
async def change(call: Call[AccountInput]) -> web.Response:
    """Change an account; If-Match names the state that it was changed from. Cases that the person may no longer read go back."""
    username, if_match = call.path("username"), call.request.headers.get("If-Match")
    entry = entry_of(username, call.body)
    return await _account(call, await execute(call.application, administration.change_account, call.person, username, entry, if_match))


@operation("POST", ACCOUNT + "/invite", returns=InvitationShape, errors=(403, 404, 409))
async def invite(call: Call[Nothing]) -> web.Response:
    """Give a fresh invitation to somebody who has no password yet; the one before it ends."""
    return _invitation(call, await execute(call.application, administration.invite, call.person, call.path("username")))


@operation("POST", ACCOUNT + "/reset", returns=InvitationShape, errors=(403, 404, 409))
async def reset(call: Call[Nothing]) -> web.Response:
    """The password is right no longer, all sessions end; gives an invitation to choose a new one."""
    return _invitation(call, await execute(call.application, administration.reset_password, call.person, call.path("username")))


@operation("POST", ACCOUNT + "/disable", returns=AccountShape, errors=(403, 404))
async def disable(call: Call[Nothing]) -> web.Response:
    """Close an account: sessions and invitations end; what is in hand stays with the person."""
    return await _account(call, await execute(call.application, administration.disable_account, call.person, call.path("username")))


@operation("POST", ACCOUNT + "/enable", returns=AccountShape, errors=(403, 404))
async def enable(call: Call[Nothing]) -> web.Response:
    """Open a closed account again, with the password that it had."""
    return await _account(call, await execute(call.application, administration.enable_account, call.person, call.path("username")))


@operation("POST", ACCOUNT + "/unlock", status=204, errors=(403, 404))
async def unlock(call: Call[Nothing]) -> web.Response:
    """Open an account that was locked after too many wrong passwords."""
    await execute(call.application, accounts.unlock, call.person, call.path("username"))
    return web.Response(status=204)


@operation("GET", ACCOUNT + "/sessions", returns=AccountSessionListShape, errors=(403, 404))
async def sessions(call: Call[Nothing]) -> web.Response:
    """Sessions of an account, the newest first."""
    username = call.path("username")
    found = await query(call.application, administration.sessions_of, call.person, username)
    await record_look(call.application, call.person, Action.ACCOUNT_READ, f"person/{username}")
    return answer(AccountSessionListShape(items=[session_shape(each) for each in found]))


def session_shape(session: Session) -> AccountSessionShape:
    facts = {name: value for name, value in asdict(session).items() if name in AccountSessionShape.__struct_fields__}
    return AccountSessionShape(id=session.token_digest, **facts)


@operation("DELETE", ACCOUNT + "/sessions", status=204, errors=(403, 404))
async def end_all(call: Call[Nothing]) -> web.Response:
    """End all sessions of an account; its browsers are no longer known."""
    await execute(call.application, administration.end_sessions_of, call.person, call.path("username"))
    return web.Response(status=204)


@operation("DELETE", ACCOUNT + "/sessions/{session}", status=204, errors=(403, 404))
async def end_one(call: Call[Nothing]) -> web.Response:
    """End one session of an account; its browser is no longer known."""
    await execute(call.application, administration.end_sessions_of, call.person, call.path("username"), call.path("session"))
    return web.Response(status=204)


@operation("GET", ACCOUNT + "/leave", returns=LeavingShape, errors=(403, 404))
async def preview(call: Call[Nothing]) -> web.Response:
    """Say what leaving would do: how many sessions end, how many cases are handed over, who may take them."""
    username = call.path("username")
    found = await query(call.application, leaving.preview_leaving, call.person, username)
    await record_look(call.application, call.person, Action.ACCOUNT_READ, f"person/{username}")
    return answer(leaving_shape(found))


@operation("POST", ACCOUNT + "/leave", body=Leave, returns=LeavingShape, errors=(403, 404, 422))
async def leave(call: Call[Leave]) -> web.Response:
    """Somebody leaves: the account is closed, every way in ends, open cases go to a colleague or back to the hub's list."""
    done = await execute(call.application, leaving.leave, call.person, call.path("username"), call.body.colleague)
    return answer(leaving_shape(done))

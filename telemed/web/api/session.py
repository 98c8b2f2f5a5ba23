"""Signing in and out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aiohttp import web

from telemed.domain.errors import SecondFactorRequired
from telemed.service import accounts
from telemed.service.authentication import authenticate
from telemed.service.execution import execute
from telemed.service.ports.sessions import Session
from telemed.service.second_step import by_passkey, passkey_options
from telemed.web.api.credential_inputs import PasskeyCredential
from telemed.web.api.inputs import Login, Nothing
from telemed.web.api.operation import Call, answer, operation, read_json
from telemed.web.api.shapes import PersonShape, Shape, TokenShape, person_shape
from telemed.web.keys import APPLICATION, PASSKEYS, TOKEN
from telemed.web.problems import problem_of
from telemed.web.security import begin_session, end_session, half_session_token, origin_of, session_of, set_half_session


async def login(request: web.Request) -> web.Response:
    """Sign in: a session cookie for browsers, the same token as Bearer for programs. Who has a second factor gives its code too; without
    it the answer names what is wanted, and a half session begins that a passkey may complete."""
    body = await read_json(request, Login)
    try:
        signed = await authenticate(request.app[APPLICATION], body.username, body.password, origin_of(request), body.code)
    except SecondFactorRequired as wanted:
        problem = problem_of(wanted).response()
        set_half_session(problem, request.app, wanted.half_session)
        return problem
    return _signed_in(request, signed)


async def login_passkey_options(request: web.Request) -> web.Response:
    """What `navigator.credentials.get` is to be asked, for the half session of the cookie."""
    await read_json(request, Nothing)
    return answer(await passkey_options(request.app[APPLICATION], half_session_token(request), request.app[PASSKEYS]))


async def login_passkey(request: web.Request) -> web.Response:
    """Complete the half session of the cookie by what a passkey has signed."""
    body = await read_json(request, PasskeyCredential)
    credential: dict[str, Any] = dict(body.credential)
    return _signed_in(request, await by_passkey(request.app[APPLICATION], half_session_token(request), credential, request.app[PASSKEYS]))


def _signed_in(request: web.Request, signed: accounts.SignIn) -> web.Response:
    required = sorted(each.value for each in signed.required)
    response = answer(TokenShape(token=signed.token, person=person_shape(signed.person), required=required))
    begin_session(response, request, signed)
    return response


def add_routes(app: web.Application, prefix: str) -> None:
    """Add the calls that nobody need be signed in for."""
    app.router.add_post(f"{prefix}/login", login)
    app.router.add_post(f"{prefix}/login/passkey/options", login_passkey_options)
    app.router.add_post(f"{prefix}/login/passkey", login_passkey)


class SessionShape(Shape):
    """A session of one's own; `client` is what the browser or program said that it is, `current` the session that asks."""

    id: str
    created_at: datetime
    seen_at: datetime
    address: str
    client: str
    current: bool


class SessionListShape(Shape):
    items: list[SessionShape]
    next: str | None = None


def _session_shape(session: Session, current: bool) -> SessionShape:
    return SessionShape(
        id=session.token_digest,
        created_at=session.created_at,
        seen_at=session.seen_at,
        address=session.address,
        client=session.client,
        current=current,
    )


@operation("POST", "/logout", body=Nothing, status=204)
async def logout(call: Call[Nothing]) -> web.Response:
    """End this session."""
    async with call.application.writing() as work:
        await accounts.sign_out(work, call.person, call.request[TOKEN])
    response = web.Response(status=204)
    end_session(response, call.request.app)
    return response


@operation("GET", "/me", returns=PersonShape)
async def me(call: Call[Nothing]) -> web.Response:
    """Return the person who is signed in."""
    return answer(person_shape(call.person))


@operation("GET", "/me/sessions", returns=SessionListShape)
async def own_sessions(call: Call[Nothing]) -> web.Response:
    """One's own sessions, the newest first."""
    async with call.application.reading() as work:
        found = await accounts.own_sessions(work, call.person)
    items = [_session_shape(session, session.token_digest == session_of(call.request)) for session in found]
    return answer(SessionListShape(items=items))


@operation("DELETE", "/me/sessions", status=204)
async def end_others(call: Call[Nothing]) -> web.Response:
    """End all one's sessions but this one; other browsers are no longer known."""
    await execute(call.application, accounts.end_other_sessions, call.person, call.request[TOKEN])
    return web.Response(status=204)


@operation("DELETE", "/me/sessions/{session}", status=204, errors=(404,))
async def end_one(call: Call[Nothing]) -> web.Response:
    """End one of one's own sessions; its browser is no longer known."""
    await execute(call.application, accounts.end_session, call.person, call.path("session"))
    return web.Response(status=204)

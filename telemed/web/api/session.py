"""Signing in and out."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from telemed.service import accounts
from telemed.service.authentication import authenticate
from telemed.service.execution import execute
from telemed.service.ports.sessions import Session
from telemed.web.api.inputs import Login, Nothing
from telemed.web.api.operation import Call, answer, operation, read_json
from telemed.web.api.shapes import PersonShape, Shape, TokenShape, person_shape
from telemed.web.keys import APPLICATION, TOKEN
from telemed.web.security import end_session, origin_of, session_of, set_browser, set_session


async def login(request: web.Request) -> web.Response:
    """Sign in: a session cookie for browsers, the same token as Bearer for programs."""
    body = await read_json(request, Login)
    signed = await authenticate(request.app[APPLICATION], body.username, body.password, origin_of(request))
    response = answer(TokenShape(token=signed.token, person=person_shape(signed.person)))
    set_session(response, request.app, signed.token)
    set_browser(response, request, signed.browser)
    return response


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

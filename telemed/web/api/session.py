"""Signing in and out."""

from __future__ import annotations

from aiohttp import web

from telemed.service import accounts
from telemed.service.authentication import authenticate
from telemed.web.api.inputs import Login, Nothing
from telemed.web.api.operation import Call, answer, operation, read_json
from telemed.web.api.shapes import PersonShape, TokenShape, person_shape
from telemed.web.keys import APPLICATION, TOKEN
from telemed.web.security import end_session, set_session


async def login(request: web.Request) -> web.Response:
    """Sign in: a session cookie for browsers, the same token as Bearer for programs."""
    body = await read_json(request, Login)
    signed = await authenticate(request.app[APPLICATION], body.username, body.password)
    response = answer(TokenShape(token=signed.token, person=person_shape(signed.person)))
    set_session(response, request.app, signed.token)
    return response


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

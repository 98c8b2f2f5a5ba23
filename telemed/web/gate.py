"""One gate for everybody who signed in and has something to do before anything else: a password to change, a second factor to set up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from telemed.domain.authentication_profile import Requirement
from telemed.domain.errors import RequirementUnmet
from telemed.web.keys import REQUIRED

ALWAYS_OPEN: Final = frozenset({
    "/login", "/login/factor", "/logout", "/me/security", "/verify", "/verify/", "/verify/{code}", "/healthz", "/readyz", "/metrics",
    "/static/{digest}/{path}", "/api/v1/login", "/api/v1/login/passkey/options", "/api/v1/login/passkey", "/api/v1/logout", "/api/v1/me",
    "/api/v1/openapi.json",
})  # fmt: skip
"""What is open to everybody, signing out, and the page on which it is done."""

OPEN_FOR: Final[Mapping[Requirement, frozenset[str]]] = {
    Requirement.PASSWORD_CHANGE: frozenset({"/api/v1/me/password"}),
    Requirement.SECOND_FACTOR: frozenset({
        "/api/v1/me/password", "/api/v1/me/factors", "/api/v1/me/totp", "/api/v1/me/totp/confirm", "/api/v1/me/passkeys",
        "/api/v1/me/passkeys/options",
    }),
}  # fmt: skip
"""What each is done with. The password comes first: while it is to be changed, nothing of the second factor is open."""


@web.middleware
async def keep_gate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Raises RequirementUnmet for whatever else is asked for."""
    required = request.get(REQUIRED)
    if required:
        first = next(each for each in Requirement if each in required)
        if route_of(request) not in ALWAYS_OPEN | OPEN_FOR[first]:
            raise RequirementUnmet(first)
    return await handler(request)


def route_of(request: web.Request) -> str:
    """Return the address of the route as it was added; empty where there is none."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else ""

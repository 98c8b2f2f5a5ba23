"""Authentication of requests, and refusal of those that another site made the browser send."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from telemed.domain.errors import NotAuthenticated
from telemed.domain.people import Person
from telemed.service import accounts
from telemed.web.keys import APPLICATION, PERSON, SECURE_COOKIES, TOKEN
from telemed.web.problems import Problem

SESSION_COOKIE = "telemed_session"
BACKGROUND = "Telemed-Background"
"""Header of requests that a page makes by itself (`static/js/background.js`): nobody need be there, so the session grows no younger."""
UNATTENDED = frozenset({"/api/v1/events"})
"""Paths that are always such: a browser comes back to a stream by itself, and cannot send a header with it."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

CONTENT_SECURITY_POLICY = "; ".join((
    "default-src 'self'", "img-src 'self' data: blob:", "style-src 'self'", "script-src 'self'", "connect-src 'self'",
    "object-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'self'",
))  # fmt: skip

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def person_of(request: web.Request) -> Person:
    """The signed-in person. Raises NotAuthenticated."""
    person: Person | None = request.get(PERSON)
    if person is None:
        raise NotAuthenticated("nobody")
    return person


def session_token(request: web.Request) -> tuple[str, bool]:
    """The token and whether it came in a cookie."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip(), False
    return request.cookies.get(SESSION_COOKIE, ""), True


def crosses_sites(request: web.Request) -> bool:
    """A change that a browser sends for another site: by Sec-Fetch-Site, else by Origin; programs send neither."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != request.host


@web.middleware
async def identify(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find the session, refuse changes that another site asked for, and paths that no name of ours can be in."""
    if not _in_plain_text(request.path):
        raise web.HTTPNotFound
    token, by_cookie = session_token(request)
    request[PERSON] = None
    if token and not request.path.startswith("/static/"):
        request[PERSON] = await _person(request, token)
        request[TOKEN] = token
    if request.method not in SAFE and by_cookie and crosses_sites(request):
        raise Problem(403, "cross-site")
    return await handler(request)


def _in_plain_text(path: str) -> bool:
    """No control character (PostgreSQL text holds no U+0000) and no byte that was not UTF-8."""
    return not any(ord(c) < 0x20 or ord(c) == 0x7F or 0xD800 <= ord(c) <= 0xDFFF for c in path)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers that every answer carries: pages, errors and streams alike. An answer's own word comes first."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if not request.path.startswith("/static/"):
        response.headers.setdefault("Cache-Control", "no-store")


async def _person(request: web.Request, token: str) -> Person | None:
    application = request.app[APPLICATION]

    async def touch(digest: str) -> None:
        async with application.writing() as work:
            await work.sessions.seen(digest, work.now)

    unattended = BACKGROUND in request.headers or request.path in UNATTENDED
    try:
        async with application.reading() as work:
            return await accounts.person_of(work, token, None if unattended else touch)
    except NotAuthenticated:
        return None


async def still_signed_in(request: web.Request) -> bool:
    """True while the session of a request that goes on lives, and the person is who they were when it began."""
    return await _person(request, request[TOKEN]) == person_of(request)


def set_session(response: web.StreamResponse, app: web.Application, token: str) -> None:
    """The cookie: not for scripts, not for other sites, for the browser's session only."""
    response.set_cookie(SESSION_COOKIE, token, httponly=True, samesite="Lax", secure=app[SECURE_COOKIES], path="/")

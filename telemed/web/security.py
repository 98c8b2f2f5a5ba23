"""Authentication of requests, and refusal of those that another site made the browser send."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from telemed.domain.authentication_profile import Requirement
from telemed.domain.errors import NotAuthenticated
from telemed.domain.people import Person
from telemed.domain.second_factor import HALF_SESSION_FOR
from telemed.domain.sign_in import KNOWN_BROWSER_FOR, Origin
from telemed.service import accounts
from telemed.web.keys import APPLICATION, PERSON, REQUIRED, SECURE_COOKIES, TOKEN, TRUSTED_PROXIES
from telemed.web.problems import Problem

SESSION_COOKIE = "telemed_session"
BROWSER_COOKIE = "telemed_browser"
HALF_COOKIE = "telemed_half_session"
MAX_BROWSER_TOKENS = 8
"""People of one computer whose sign-ins its browser remembers, those of the latest."""
BACKGROUND = "Telemed-Background"
"""Header of requests that a page makes by itself (`static/js/background.js`): nobody need be there, so the session grows no younger."""
UNATTENDED = frozenset({"/api/v1/events"})
"""Paths that are always such: a browser comes back to a stream by itself, and cannot send a header with it."""
WITHOUT_SESSION = ("/static/", "/metrics")
"""What paths begin with that nobody's session has to do with: they are answered while the database is away."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

CONTENT_SECURITY_POLICY = "; ".join((
    "default-src 'self'", "img-src 'self' data: blob:", "style-src 'self'", "script-src 'self'", "connect-src 'self'",
    "object-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'",
))  # fmt: skip

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


TRANSPORT_SECURITY = "max-age=31536000; includeSubDomains"
"""A browser that has been here over HTTPS comes by nothing else for a year (RFC 6797)."""


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
    return request.cookies.get(cookie_name(request.app, SESSION_COOKIE), ""), True


def cookie_name(app: web.Application, name: str) -> str:
    """Return a cookie's name as it is set here. What begins with `__Host-` browsers take over HTTPS alone, from this host alone, for all
    paths (RFC 6265bis 4.1.3.2)."""
    return f"__Host-{name}" if app[SECURE_COOKIES] else name


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
    if token and not request.path.startswith(WITHOUT_SESSION):
        request[PERSON], request[REQUIRED] = await _signed_in(request, token)
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
    response.headers.popall("Server", None)  # which versions run here is nobody's business
    if not request.path.startswith("/static/"):
        response.headers.setdefault("Cache-Control", "no-store")


async def add_transport_security(_request: web.Request, response: web.StreamResponse) -> None:
    """For installations behind TLS: the browser is to stay there."""
    response.headers["Strict-Transport-Security"] = TRANSPORT_SECURITY


NOBODY: tuple[None, frozenset[Requirement]] = (None, frozenset())


async def _signed_in(request: web.Request, token: str) -> tuple[Person | None, frozenset[Requirement]]:
    """Return whose session the token is of, with what they must do before anything else."""
    application = request.app[APPLICATION]

    async def touch(digest: str) -> None:
        async with application.writing() as work:
            await work.sessions.seen(digest, work.now)

    unattended = BACKGROUND in request.headers or request.path in UNATTENDED
    try:
        async with application.reading() as work:
            return await accounts.signed_in(work, token, None if unattended else touch)
    except NotAuthenticated:
        return NOBODY


def session_of(request: web.Request) -> str:
    """The digest by which the request's session is kept."""
    return accounts.digest(request[TOKEN])


def origin_of(request: web.Request) -> Origin:
    """Where a request to sign in comes from. Browsers name their origin with a POST; programs keep no cookies, and get none."""
    tokens = tuple(token for token in request.cookies.get(cookie_name(request.app, BROWSER_COOKIE), "").split(".") if token)
    client = "".join(c for c in request.headers.get("User-Agent", "") if c.isprintable())
    browser = "Origin" in request.headers or "Sec-Fetch-Site" in request.headers
    return Origin(address_of(request), client[:200], tokens[:MAX_BROWSER_TOKENS], browser)


def address_of(request: web.Request) -> str:
    """The address that asks; of IPv6 the network of 64 bits, which is what one customer is given (RFC 6177).

    What a proxy of ours says is believed, from the last of them on; what others say is not.
    """
    hops = [hop.strip() for line in request.headers.getall("X-Forwarded-For", []) for hop in line.split(",")]
    address = _parsed(request.remote or "")
    while address is not None and hops and any(address in network for network in request.app[TRUSTED_PROXIES]):
        address = _parsed(hops.pop()) or address
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((address, 64), strict=False))
    return str(address or "")


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address, an IPv4 one in the clothes of IPv6 as itself; None for what is none."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, ipaddress.IPv6Address) else found


def set_browser(response: web.StreamResponse, request: web.Request, token: str) -> None:
    """The cookie by which this browser is known, beside those of others who signed in here: kept until long after the session."""
    if token:
        value = ".".join((token, *origin_of(request).browsers)[:MAX_BROWSER_TOKENS])
        age, secure = int(KNOWN_BROWSER_FOR.total_seconds()), request.app[SECURE_COOKIES]
        name = cookie_name(request.app, BROWSER_COOKIE)
        response.set_cookie(name, value, max_age=age, httponly=True, samesite="Lax", secure=secure, path="/")


async def still_signed_in(request: web.Request) -> bool:
    """True while the session of a request that goes on lives, and the person is who they were when it began."""
    return (await _signed_in(request, request[TOKEN]))[0] == person_of(request)


def set_session(response: web.StreamResponse, app: web.Application, token: str) -> None:
    """The cookie: not for scripts, not for other sites, for the browser's session only."""
    response.set_cookie(cookie_name(app, SESSION_COOKIE), token, httponly=True, samesite="Lax", secure=app[SECURE_COOKIES], path="/")


def end_session(response: web.StreamResponse, app: web.Application) -> None:
    """Let the browser forget the cookie."""
    response.del_cookie(cookie_name(app, SESSION_COOKIE), httponly=True, samesite="Lax", secure=app[SECURE_COOKIES], path="/")


def half_session_token(request: web.Request) -> str:
    """The token of a right password that waits for the second factor; empty where there is none."""
    return request.cookies.get(cookie_name(request.app, HALF_COOKIE), "")


def set_half_session(response: web.StreamResponse, app: web.Application, token: str) -> None:
    """The cookie of a right password that waits for the second factor, for as long as it waits."""
    age, secure = int(HALF_SESSION_FOR.total_seconds()), app[SECURE_COOKIES]
    response.set_cookie(cookie_name(app, HALF_COOKIE), token, max_age=age, httponly=True, samesite="Lax", secure=secure, path="/")


def begin_session(response: web.StreamResponse, request: web.Request, signed: accounts.SignIn) -> None:
    """Both cookies of somebody who has signed in; that of the half session goes."""
    set_session(response, request.app, signed.token)
    set_browser(response, request, signed.browser)
    if half_session_token(request):
        name = cookie_name(request.app, HALF_COOKIE)
        response.del_cookie(name, httponly=True, samesite="Lax", secure=request.app[SECURE_COOKIES], path="/")

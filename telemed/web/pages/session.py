"""Signing in and out, and the way home."""

from __future__ import annotations

from urllib.parse import urlsplit

import aiohttp_jinja2
from aiohttp import web
from yarl import URL

from telemed.domain.errors import LockedOut, NotAuthenticated, SecondFactorRequired, TooManyWaiting, WrongCode
from telemed.domain.second_factor import Factor
from telemed.service import accounts
from telemed.service.authentication import authenticate
from telemed.service.second_step import by_code, factors_for
from telemed.web.dates import show_datetime
from telemed.web.i18n import gettext
from telemed.web.keys import APPLICATION, PASSKEYS, PERSON, TOKEN
from telemed.web.pages.page import Visit, form_of, home_of, page
from telemed.web.problems import problem_of
from telemed.web.security import begin_session, end_session, half_session_token, origin_of, set_half_session

_ = str  # marks text for the translation catalogue


def own_address(address: str) -> str:
    """The address if it is one of ours, else empty: a sign-in page must not lead elsewhere."""
    parts = urlsplit(address)
    ours = address.startswith("/") and not address.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return address if ours and len(address) < 1000 else ""


def see_other(address: str) -> web.Response:
    """On to another page, with a cookie to set on the way: an exception would pass by what all answers get."""
    return web.Response(status=303, headers={"Location": address})


async def login_page(request: web.Request) -> web.StreamResponse:
    """The sign-in form; who is signed in already goes on."""
    person = request.get(PERSON)
    following = own_address(request.query.get("next", ""))
    if person is not None:
        raise web.HTTPSeeOther(following or home_of(person))
    return await _form(request, "", following, "")


async def login(request: web.Request) -> web.StreamResponse:
    """Check the password; a wrong one comes back with the name kept."""
    form = await form_of(request)
    username = "".join(c for c in str(form.get("username", ""))[:64] if c.isprintable()).strip()
    password = str(form.get("password", ""))[:256]
    following = own_address(str(form.get("next", "")))
    try:
        signed = await authenticate(request.app[APPLICATION], username, password, origin_of(request))
    except SecondFactorRequired as wanted:
        response = see_other(str(URL("/login/factor").with_query({"next": following} if following else {})))
        set_half_session(response, request.app, wanted.half_session)
        return response
    except NotAuthenticated:
        return await _form(
            request,
            username,
            following,
            gettext("The user name or the password is wrong. After five wrong passwords none is taken for 15 minutes."),
            401,
        )
    except (LockedOut, TooManyWaiting) as error:
        problem = problem_of(error)
        text = _when(error) if isinstance(error, LockedOut) else problem.document()["title"]
        response = await _form(request, username, following, text, problem.status)
        response.headers.update(problem.headers)
        return response
    return _onwards(request, signed, following)


def _onwards(request: web.Request, signed: accounts.SignIn, following: str) -> web.Response:
    response = see_other(following or home_of(signed.person))
    begin_session(response, request, signed)
    return response


async def factor_page(request: web.Request) -> web.StreamResponse:
    """The second step, while a right password waits for it."""
    return await _factor_form(request, own_address(request.query.get("next", "")), "")


async def factor(request: web.Request) -> web.StreamResponse:
    """Judge the code of the second step."""
    form = await form_of(request)
    following, code = own_address(str(form.get("next", ""))), str(form.get("code", ""))[:64]
    try:
        signed = await by_code(request.app[APPLICATION], half_session_token(request), code)
    except NotAuthenticated:
        return see_other(str(URL("/login").with_query(next=following)))
    except (WrongCode, LockedOut) as error:
        problem = problem_of(error)
        text = gettext(WAIT) % show_datetime(error.until) if isinstance(error, LockedOut) else problem.document()["title"]
        response = await _factor_form(request, following, text, problem.status)
        response.headers.update(problem.headers)
        return response
    return _onwards(request, signed, following)


WAIT = _("Too many wrong codes: try again at %s, or use a passkey.")


async def _factor_form(request: web.Request, following: str, problem: str, status: int = 200) -> web.Response:
    """The form; who has no half session, or waited too long, begins anew."""
    try:
        wanted = await factors_for(request.app[APPLICATION], half_session_token(request))
    except NotAuthenticated:
        return see_other(str(URL("/login").with_query(next=following)))
    passkey = Factor.PASSKEY in wanted and request.app[PASSKEYS].available
    context = {"problem": problem, "next": following, "home": following or "/", "passkey": passkey, "totp": Factor.TOTP in wanted}
    return aiohttp_jinja2.render_template("login_factor.html", request, context, status=status)


def _when(error: LockedOut) -> str:
    text = gettext("Too many wrong passwords: try again at %s, or ask the security administrator to unlock the account.")
    return text % show_datetime(error.until)


async def _form(request: web.Request, username: str, following: str, problem: str, status: int = 200) -> web.Response:
    context = {"problem": problem, "username": username, "next": following}
    return aiohttp_jinja2.render_template("login.html", request, context, status=status)


@page("POST", "/logout")
async def logout(visit: Visit) -> web.StreamResponse:
    async with visit.application.writing() as work:
        await accounts.sign_out(work, visit.person, visit.request[TOKEN])
    response = see_other("/login")
    end_session(response, visit.request.app)
    return response


@page("GET", "/")
async def home(visit: Visit) -> web.StreamResponse:
    raise web.HTTPSeeOther(home_of(visit.person))


def add_routes(app: web.Application) -> None:
    app.router.add_get("/login", login_page)
    app.router.add_post("/login", login)
    app.router.add_get("/login/factor", factor_page)
    app.router.add_post("/login/factor", factor)

"""Signing in and out, and the way home."""

from __future__ import annotations

from urllib.parse import urlsplit

import aiohttp_jinja2
from aiohttp import web

from telemed.domain.errors import LockedOut, NotAuthenticated, TooManyWaiting
from telemed.service import accounts
from telemed.service.authentication import authenticate
from telemed.web.dates import show_datetime
from telemed.web.i18n import gettext
from telemed.web.keys import APPLICATION, PERSON, TOKEN
from telemed.web.pages.page import Visit, form_of, home_of, page
from telemed.web.problems import problem_of
from telemed.web.security import end_session, origin_of, set_browser, set_session


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
    response = see_other(following or home_of(signed.person))
    set_session(response, request.app, signed.token)
    set_browser(response, request, signed.browser)
    return response


def _when(error: LockedOut) -> str:
    text = gettext("Too many wrong passwords: try again at %s, or ask the security administrator to unlock the account.")
    return text % show_datetime(error.until)


async def _form(request: web.Request, username: str, following: str, problem: str, status: int = 200) -> web.Response:
    context = {"problem": problem, "username": username, "next": following, "factor": False}
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

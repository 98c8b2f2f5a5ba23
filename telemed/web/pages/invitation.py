"""The invited person chooses the first password. Signed out; whoever has the link is the invited person, once."""

from __future__ import annotations

import aiohttp_jinja2
from aiohttp import web

from telemed.domain.accounts import LONGEST_PASSWORD, SHORTEST_PASSWORD
from telemed.domain.errors import Invalid, NotFound, TooManyWaiting
from telemed.domain.people import Person
from telemed.service.invitations import invited_person, take_up
from telemed.web.i18n import gettext
from telemed.web.keys import APPLICATION
from telemed.web.pages.page import form_of
from telemed.web.problems import fault_text, problem_of


async def invitation_page(request: web.Request) -> web.StreamResponse:
    """The form for a password, or a sentence about an invitation that is worth nothing."""
    try:
        async with request.app[APPLICATION].reading() as work:
            person = await invited_person(work, request.match_info["token"])
    except NotFound:
        return _page(request, None, 404)
    return _page(request, person)


async def choose_password(request: web.Request) -> web.StreamResponse:
    """Both entries are the same, and the rules are kept: the invitation is used up."""
    token, form = request.match_info["token"], await form_of(request)
    password, again = (str(form.get(name, ""))[: LONGEST_PASSWORD + 1] for name in ("password", "again"))
    application = request.app[APPLICATION]
    try:
        async with application.reading() as work:
            person = await invited_person(work, token)
        if password != again:
            return _page(request, person, 422, gettext("The two entries are not the same."))
        await take_up(application, token, password)
    except NotFound:
        return _page(request, None, 404)
    except Invalid as error:
        return _page(request, person, 422, "; ".join(gettext("The password %s.") % fault_text(each) for each in error.errors))
    except TooManyWaiting as error:
        problem = problem_of(error)
        response = _page(request, person, problem.status, problem.document()["title"])
        response.headers.update(problem.headers)
        return response
    return _page(request, person, done=True)


def _page(request: web.Request, person: Person | None, status: int = 200, problem: str = "", *, done: bool = False) -> web.Response:
    context = {"person": person, "problem": problem, "done": done, "shortest": SHORTEST_PASSWORD, "longest": LONGEST_PASSWORD}
    return aiohttp_jinja2.render_template("invitation.html", request, context, status=status)


def add_routes(app: web.Application) -> None:
    app.router.add_get("/invitation/{token}", invitation_page)
    app.router.add_post("/invitation/{token}", choose_password)

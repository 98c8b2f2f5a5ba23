"""The frame of all pages: who is asking, the frame around the content, and errors that a person can read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp_jinja2
from aiohttp import web
from yarl import URL

from telemed.domain.errors import NotAuthenticated, RequirementUnmet
from telemed.domain.people import Person, Role
from telemed.domain.policy import Action, Relation, may
from telemed.service.application import Application
from telemed.service.queries import Queries, View
from telemed.web.extension import PatientLink
from telemed.web.i18n import gettext
from telemed.web.keys import APPLICATION, CASE_LABELS, CENTRE_TABS, COUNTS, PATIENT_LINKS, PERSON, REQUIRED
from telemed.web.labels.case import CaseLabels
from telemed.web.labels.statistics import institution_name
from telemed.web.problems import Problem, problem_of
from telemed.web.security import person_of
from telemed.web.shared_answers import SharedAnswers
from telemed.web.snapshots import one_snapshot, reads_one_snapshot
from telemed.web.templating import page_context

_ = str  # marks text for the translation catalogue


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page by a signed-in person."""

    request: web.Request
    application: Application
    person: Person
    shared: SharedAnswers | None = None
    """Answers that others have asked for as well; None where the person alone asks."""

    @property
    def queries(self) -> Queries | SharedAnswers:
        """Whom to ask what rows of lists are made of."""
        return self.shared or self.application.queries

    def path(self, name: str) -> str:
        return self.request.match_info[name]

    @property
    def labels(self) -> CaseLabels:
        return self.request.app[CASE_LABELS]

    def name_of(self, code: str) -> str:
        """The institution's name in the reader's language."""
        return institution_name(self.application.region, code)

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query

    async def counts(self, centre: str = "") -> Mapping[View, int]:
        """Return the figures of the person's tabs. Page and bar show the same ones: they are counted once."""
        counted: dict[str, Mapping[View, int]] = self.request.setdefault(COUNTS, {})
        if centre not in counted:
            counted[centre] = await self.application.queries.counts(self.person, centre)
        return counted[centre]


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab of the bar; `count` None shows no figure."""

    href: str
    label: str
    count: int | None = None
    tone: str = ""
    current: bool = False


PageHandler = Callable[[Visit], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Pages:
    """A table of pages that modules add to by decorator."""

    rows: list[tuple[str, str, PageHandler]] = field(default_factory=list)

    def __call__(self, method: str, path: str, *, waits: bool = False) -> Callable[[PageHandler], PageHandler]:
        """`waits`: the page waits for more than the database, and takes no snapshot for all that it reads."""

        def add(handler: PageHandler) -> PageHandler:
            self.rows.append((method, path, handler))
            return handler if waits else one_snapshot(handler)

        return add

    def of(self, modules: Collection[str]) -> Pages:
        """Return the pages that these modules added."""
        return Pages([row for row in self.rows if row[2].__module__ in modules])

    def routes(self) -> list[web.RouteDef]:
        return [web.route(method, path, _entry(handler)) for method, path, handler in self.rows]


page = Pages()


def _entry(handler: PageHandler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def entry(request: web.Request) -> web.StreamResponse:
        return await handler(Visit(request, request.app[APPLICATION], person_of(request)))

    return one_snapshot(entry) if reads_one_snapshot(handler) else entry


FORM = "application/x-www-form-urlencoded"


async def form_of(request: web.Request) -> Mapping[str, object]:
    """Return the fields of a form as pages send it: few, short, and no files. Raises Problem for any other body."""
    if request.content_type != FORM:
        raise Problem(415, "unsupported-media-type", FORM)
    try:
        return await request.post()
    except ValueError as error:
        raise Problem(400, "malformed", str(error)) from None


def home_of(person: Person) -> str:
    """Return the address where a person begins."""
    if person.has(Role.SPECIALIST, Role.REVIEWER):
        return "/worklist"
    if person.has(Role.MEMBER_STAFF):
        return "/cases"
    if may(person, Action.NETWORK_READ):
        return "/network"
    if may(person, Action.AUDIT_READ):
        return "/audit"
    return "/accounts" if may(person, Action.ACCOUNT_READ) else "/help"


TAB_LABELS = {
    View.UNCLAIMED: _("Worklist"),
    View.CRITICAL: _("Critical"),
}
"""What a reader wants to know on every page; the worklist itself has all its tabs."""


async def tabs_of(visit: Visit) -> list[Tab]:
    """The bar's tabs for this person, with figures where they matter."""
    person, here = visit.person, visit.request.path
    if person.has(Role.SPECIALIST, Role.REVIEWER):
        counts = await visit.counts()
        now = visit.query.get("view") or ("" if visit.query.get("q") else "unclaimed")
        at_work = here == "/worklist" or here.startswith("/read/")
        tabs = [
            Tab(
                f"/worklist?view={view.value}",
                gettext(label),
                counts[view],
                "critical" if view is View.CRITICAL else "",
                at_work and now == view.value,
            )
            for view, label in TAB_LABELS.items()
        ]
        return [*tabs, *_centre_tabs(visit), Tab("/statistics", gettext("Statistics"), current=here == "/statistics")]
    wanted = (
        (person.has(Role.MEMBER_STAFF), "/cases", _("Our cases")),
        (may(person, Action.NETWORK_READ), "/network", _("Network")),
        (may(person, Action.REGION_READ), "/institutions", _("Institutions")),
        (may(person, Action.DEVICE_MANAGE), "/devices", _("Devices")),
        (may(person, Action.UNMATCHED_READ), "/unmatched", _("Unmatched")),
        (may(person, Action.STATISTICS_READ) and not person.has(Role.MEMBER_STAFF), "/statistics", _("Statistics")),
        (may(person, Action.AUDIT_READ), "/audit", _("Audit trail")),
        (may(person, Action.ACCOUNT_READ), "/accounts", _("Accounts")),
        (may(person, Action.SYSTEM_READ), "/system", _("System")),
        (may(person, Action.RETENTION_READ), "/retention", _("Retention")),
        (may(person, Action.RECOVERY_ASK) or may(person, Action.RECOVERY_CONFIRM), "/recoveries", _("Lost factors")),
    )
    tabs = [Tab(href, gettext(label), None, "", _is_within(here, href)) for allowed, href, label in wanted if allowed]
    tabs += _centre_tabs(visit)
    if person.has(Role.MEMBER_STAFF):
        waiting = (await visit.counts())[View.ATTENTION]
        tabs[0] = replace(tabs[0], count=waiting, tone="critical")
    return tabs


REGION_PAGES = ("/institutions", "/hubs", "/region")
"""Pages of one tab."""


def _is_within(here: str, href: str) -> bool:
    """True if the page is the tab's, or lies below it."""
    places = REGION_PAGES if href in REGION_PAGES else (href,)
    return any(here == place or here.startswith(place + "/") for place in places)


def _centre_tabs(visit: Visit) -> list[Tab]:
    """The tabs that centres bring, those that this person may open."""
    here, person = visit.request.path, visit.person
    wanted = [
        tab
        for tab in visit.request.app[CENTRE_TABS]
        if may(person, tab.action, tab.relation) and (not tab.centre or tab.centre in person.centres)
    ]
    return [Tab(tab.href, gettext(tab.label), current=here == tab.href or here.startswith(tab.href + "/")) for tab in wanted]


def patient_links_of(visit: Visit, relation: Relation) -> list[PatientLink]:
    """The centres' pages about the patient of a case to which the person has this relation."""
    return [link for link in visit.request.app[PATIENT_LINKS] if may(visit.person, link.action, relation)]


def _frame(visit: Visit, tabs: list[Tab], notices: int) -> dict[str, Any]:
    person = visit.person
    centres = visit.application.region.centres
    only = next(iter(person.centres)) if len(person.centres) == 1 else ""
    return {
        "hub": visit.application.region.name or gettext("Nanjing remote diagnosis"),
        "centre": gettext(centres[only].name) if only in centres else "",
        "tabs": tabs,
        "person": {"name": person.name, "institution": person.institution, "username": person.username},
        "notices": notices,
    }


async def render(visit: Visit, template: str, context: Mapping[str, Any] | None = None, *, status: int = 200) -> web.Response:
    """A page in the frame; while something comes before anything else, the frame leads nowhere."""
    if visit.request.get(REQUIRED):
        frame = _frame(visit, [], 0)
    else:
        frame = _frame(visit, await tabs_of(visit), await visit.application.queries.unread_notices(visit.person))
    return aiohttp_jinja2.render_template(template, visit.request, {"frame": frame, **(context or {})}, status=status)


def fragment(visit: Visit, template: str, context: Mapping[str, Any]) -> web.Response:
    """A part of a page, without the frame."""
    return aiohttp_jinja2.render_template(template, visit.request, dict(context))


def login_address(request: web.Request) -> URL:
    """Sign in first, then come back here."""
    return URL("/login").with_query(next=str(request.rel_url)) if request.rel_url.path != "/" else URL("/login")


def security_address(request: web.Request) -> URL:
    """Do there what comes first, then come back here."""
    return URL("/me/security").with_query(next=str(request.rel_url)) if request.method == "GET" else URL("/me/security")


async def error_page(request: web.Request, error: Exception) -> web.StreamResponse:
    """The page of an error: what went wrong, what to do, and the way back; never a stack trace."""
    if isinstance(error, NotAuthenticated):
        raise web.HTTPSeeOther(login_address(request))
    if isinstance(error, RequirementUnmet):
        raise web.HTTPSeeOther(security_address(request))
    if aiohttp_jinja2.REQUEST_CONTEXT_KEY not in request:  # refused before pages get what they all need
        request[aiohttp_jinja2.REQUEST_CONTEXT_KEY] = await page_context(request)
    problem: Problem = problem_of(error)
    person = request.get(PERSON)
    document = problem.document()
    if person is None:
        response = aiohttp_jinja2.render_template("error_outside.html", request, {"problem": document}, status=problem.status)
    else:
        visit = Visit(request, request.app[APPLICATION], person)
        response = await render(visit, "error.html", {"problem": document}, status=problem.status)
    response.headers.update(problem.headers)
    return response

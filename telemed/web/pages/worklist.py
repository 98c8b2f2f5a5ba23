"""The hub's worklist: tabs, filters in the address, rows that keep themselves up to date."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from aiohttp import web
from pydantic import StringConstraints

from telemed.domain.case import Case, CaseKind, PatientSummary, Priority
from telemed.domain.people import Role
from telemed.service import saved_views
from telemed.service.evidence import missing_evidence
from telemed.service.execution import query, record_look
from telemed.service.queries import CaseFilter, CasePage, EvidenceSummary, View
from telemed.service.reading_view import claimable
from telemed.web import appearance
from telemed.web.api.inputs import CaseQuery
from telemed.web.case_steps import seconds_allowed
from telemed.web.i18n import gettext
from telemed.web.keys import APPLICATION
from telemed.web.labels.case import evidence_words, examination, missing_words
from telemed.web.live_lists import Asked, Drawn
from telemed.web.pages.page import Visit, fragment, home_of, page, render
from telemed.web.shared_answers import SharedAnswers
from telemed.web.templating import draw_row

_ = str  # marks text for the translation catalogue

PAGE_ROWS = 60
"""Two screens: the next rows come when they are asked for."""

TABS = {
    View.UNCLAIMED: _("Unclaimed"),
    View.MINE: _("Mine"),
    View.REVIEW: _("To review"),
    View.PARKED: _("Set aside"),
    View.CRITICAL: _("Critical"),
    View.DONE_TODAY: _("Done today"),
    View.OPEN: _("All open"),
}

NOTHING = {
    View.UNCLAIMED: (_("No case is waiting to be read."), _("New cases come in here by themselves.")),
    View.MINE: (_("You hold no case."), _("Claim one from the unclaimed cases: j and k choose, c claims.")),
    View.REVIEW: (_("No report is waiting for review."), _("Reports that a colleague has signed come in here by themselves.")),
    View.PARKED: (_("You have set no case aside."), _("A case that waits for something can be set aside with p; its clock goes on.")),
    View.CRITICAL: (_("No critical value is open."), _("Each stays here until the member has recorded what was done.")),
    View.DONE_TODAY: (_("No report was released today."), _("Signed reports are listed here until midnight.")),
    View.OPEN: (_("No case is open."), _("New cases come in here by themselves.")),
}
"""An empty tab says so, and what to do."""

FILTERS = ("centre", "priority", "member", "need", "body_part", "q")


class ListQuery(CaseQuery):
    """The filters of the list of cases, and the rows that a page wants to see again."""

    ids: Annotated[str, StringConstraints(pattern=r"^[0-9a-f,]*$", max_length=4000)] = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One case as a line: all that it shows. `order` sorts as text the way the list is sorted; `total` is the whole time of the clock
    in seconds; `draft` says that somebody has begun to write."""

    id: str
    order: str
    accession_number: str
    consultation: bool
    priority: str
    status: str
    report_status: str | None
    patient: PatientSummary
    due_at: datetime | None
    completed_at: datetime | None
    claimed_at: datetime | None
    parked: bool
    draft: bool
    identity_open: bool
    critical_open: bool
    total: float
    exam: str
    reason: str
    member: str
    holder: str
    mine: bool
    evidence: str
    received_at: datetime | None
    missing: tuple[str, ...]
    claimable: bool
    href: str


@dataclass(frozen=True, slots=True)
class Filter:
    """One select box: its name in the address, its label, what can be chosen, and what is."""

    name: str
    label: str
    choices: list[tuple[str, str]]
    chosen: str


def filters_in(query: Mapping[str, str]) -> ListQuery:
    """The filters of an address; names that are not ours are left to others. Raises ValidationError."""
    return ListQuery.model_validate_strings({name: value for name, value in query.items() if name in ListQuery.model_fields and value})


def list_query(visit: Visit) -> ListQuery:
    """The filters of the address of the page."""
    return filters_in(visit.query)


def worklist_filters_in(query: Mapping[str, str]) -> ListQuery:
    """As `filters_in`, for the worklist: without a view that it has and without a search, the unclaimed cases."""
    asked = filters_in(query)
    if asked.view and asked.view not in TABS:
        asked = asked.model_copy(update={"view": None})
    return asked if asked.view or asked.q else asked.model_copy(update={"view": View.UNCLAIMED.value})


def read_query(visit: Visit) -> ListQuery:
    """The filters of the address of the worklist."""
    return worklist_filters_in(visit.query)


def kept_query(asked: ListQuery) -> str:
    """The filters as the query part of an address, to carry from page to page."""
    values = {name: getattr(asked, name) for name in ("view", *FILTERS)}
    return urlencode({name: str(value) for name, value in values.items() if value})


def case_filter(asked: ListQuery) -> CaseFilter:
    return CaseFilter(
        centre=asked.centre or "",
        member=asked.member or "",
        priority=asked.priority.value if asked.priority else "",
        q=asked.q or "",
        view=View(asked.view) if asked.view else None,
        need=asked.need or "",
        body_part=asked.body_part or "",
        ids=tuple(part for part in asked.ids.split(",") if part),
    )


def _order(case: Case, by_clock: bool) -> str:
    """As the query sorts: by rank and deadline, or newest first."""
    if not by_clock:
        return f"{10**16 - int(case.created_at.timestamp() * 1e6):016d}"
    due = f"{int(case.due_at.timestamp() * 1e6):016d}" if case.due_at else "9" * 16
    rank = len(Priority) - list(Priority).index(case.priority)  # the enumeration begins with the least pressing
    return f"{rank}-{due}-{case.id}"


async def rows_of(visit: Visit, asked: ListQuery, found: CasePage) -> list[Row]:
    held = {case.claimed_by for case in found.cases if case.claimed_by}
    names = await visit.queries.people_names(sorted(held)) if held else {}
    kept = kept_query(asked)
    by_clock = asked.view not in (View.DONE_TODAY.value, View.DONE.value)
    return [_row(visit, case, found.evidence.get(case.id, EvidenceSummary()), names, kept, by_clock) for case in found.cases]


def _row(visit: Visit, case: Case, summary: EvidenceSummary, names: Mapping[str, str], kept: str, by_clock: bool) -> Row:
    centre = visit.application.region.centres[case.centre]
    return Row(
        id=case.id,
        order=_order(case, by_clock),
        accession_number=case.accession_number,
        consultation=case.kind is CaseKind.CONSULTATION,
        priority=case.priority.value,
        status=case.status.value,
        report_status=case.report_status,
        patient=case.patient,
        due_at=case.due_at,
        completed_at=case.completed_at,
        claimed_at=case.claimed_at,
        parked=case.parked_at is not None,
        draft=case.report_status == "partial" and case.status != "accepted",
        identity_open=case.identity_open,
        critical_open=case.critical_open,
        total=seconds_allowed(case),
        exam=examination(centre, case.request),
        reason=str(case.request.get("reason", "")),
        member=visit.name_of(case.member),
        holder=names.get(case.claimed_by or "", case.claimed_by or ""),
        mine=case.claimed_by == visit.person.username,
        evidence=evidence_words(summary),
        received_at=summary.last_received_at,
        missing=tuple(missing_words(visit.application.region, missing_evidence(centre, summary.pieces.keys(), summary.consented))),
        claimable=claimable(visit.person, case, visit.application.region.network),
        href=f"/read/{case.id}?{kept}",
    )


def _filters(visit: Visit, asked: ListQuery) -> list[Filter]:
    """Select boxes for what can differ in this person's list."""
    region = visit.application.region
    centres = [region.centres[code] for code in sorted(visit.person.centres) if code in region.centres]
    looked_at = [centre for centre in centres if asked.centre in (None, centre.code)]
    members = sorted(
        member
        for (centre, member) in region.network.home_hubs
        if centre in visit.person.centres and any(s.hub == visit.person.institution for s in region.network.chain(centre, member))
    )
    found = []
    if len(centres) > 1:
        found.append(Filter("centre", gettext("Centre"), [(c.code, gettext(c.name)) for c in centres], asked.centre or ""))
    priorities = [(each.value, gettext(appearance.priority(each.value).word)) for each in reversed(Priority)]
    found.append(Filter("priority", gettext("Priority"), priorities, asked.priority.value if asked.priority else ""))
    named = [(code, visit.name_of(code)) for code in dict.fromkeys(members)]
    found.append(Filter("member", gettext("Member"), named, asked.member or ""))
    for name, chosen in (("need", asked.need), ("body_part", asked.body_part)):
        fields = [f for centre in looked_at if (f := centre.request_form.field(centre.need if name == "need" else name))]
        choices = {choice.value: gettext(choice.label) for field in fields for choice in field.choices}
        if choices:
            found.append(Filter(name, gettext(fields[0].label), list(choices.items()), chosen or ""))
    return found


async def _found(visit: Visit, asked: ListQuery, limit: int = PAGE_ROWS) -> dict[str, Any]:
    found = await visit.queries.cases(visit.person, case_filter(asked), asked.cursor, limit)
    return {"rows": await rows_of(visit, asked, found), "next": found.next, "kept": kept_query(asked)}


@page("GET", "/worklist")
async def worklist(visit: Visit) -> web.StreamResponse:
    """The list itself. Who does not read at a hub is sent to their own first page."""
    if not visit.person.has(Role.SPECIALIST, Role.REVIEWER):
        raise web.HTTPSeeOther(home_of(visit.person))
    asked = read_query(visit)
    queries = visit.application.queries
    last_event = await queries.last_history_id()  # before the rows: what happens in between is heard again, not missed
    context = await _found(visit, asked)
    if context["rows"]:
        await record_look(visit.application, visit.person, "case:list", f"cases/{len(context['rows'])}")
    view = View(asked.view) if asked.view else None
    filtered = any(getattr(asked, name) for name in FILTERS)
    context |= {
        "tabs": TABS,
        "counts": await visit.counts(asked.centre or ""),
        "view": view,
        "asked": asked,
        "filters": _filters(visit, asked),
        "filtered": filtered,
        "nothing": _nothing(view, filtered),
        "views": await query(visit.application, saved_views.views_of, visit.person),
        "last_event": last_event,
    }
    return await render(visit, "worklist.html", context)


def _nothing(view: View | None, filtered: bool) -> tuple[str, str]:
    if filtered or view is None:
        return gettext("No case fits these filters."), gettext("Take filters away, or look in another tab.")
    title, advice = NOTHING[view] if view in NOTHING else NOTHING[View.OPEN]
    return gettext(title), gettext(advice)


@page("GET", "/worklist/more")
async def more(visit: Visit) -> web.StreamResponse:
    """The rows after the cursor."""
    asked = read_query(visit)
    context = await _found(visit, asked)
    await record_look(visit.application, visit.person, "case:list", f"cases/{len(context['rows'])}")
    return fragment(visit, "worklist_more.html", context)


@page("GET", "/worklist/rows")
async def rows(visit: Visit) -> web.StreamResponse:
    """Rows of a list that is open already, drawn again because their cases changed: that look is on record."""
    asked = read_query(visit)
    context = await _found(visit, asked, 200) if asked.ids else {"rows": []}
    return fragment(visit, "worklist_rows.html", context)


@page("GET", "/worklist/counts")
async def counts(visit: Visit) -> web.StreamResponse:
    """The figures of the tabs, by the address of the tab."""
    return web.json_response(_figures(await visit.queries.counts(visit.person, read_query(visit).centre or "")))


def _figures(counts: Mapping[View, int]) -> dict[str, int]:
    return {f"/worklist?view={view.value}": count for view, count in counts.items()}


async def draw_live(page: Asked, ids: Collection[str], answers: SharedAnswers) -> Drawn:
    """The rows of an open worklist that have changed, and its figures."""
    visit = Visit(page.request, page.request.app[APPLICATION], page.person, answers)
    asked = worklist_filters_in(page.query)
    found = await _found(visit, asked.model_copy(update={"ids": ",".join(ids), "cursor": None}), len(ids))
    drawn = "".join(draw_row(page.request, "_worklist_row.html", row) for row in found["rows"])
    return Drawn({"/worklist/rows": drawn}, _figures(await visit.queries.counts(visit.person, asked.centre or "")))

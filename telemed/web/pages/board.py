"""The member's board: what needs me now, what is running, what is done."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from telemed.domain.case import Case, CaseStatus, PatientSummary
from telemed.domain.critical import CriticalStatus, CriticalValue
from telemed.domain.people import Role
from telemed.service.evidence import missing_evidence
from telemed.service.execution import record_look
from telemed.service.queries import CaseFilter, CasePage, EvidenceSummary, View
from telemed.web.case_steps import Step, reviewed_by_two, seconds_allowed, steps_of
from telemed.web.i18n import gettext
from telemed.web.keys import APPLICATION
from telemed.web.labels.case import evidence_words, examination, missing_words
from telemed.web.live_lists import Asked, Drawn
from telemed.web.pages.page import Visit, fragment, home_of, page, render
from telemed.web.pages.worklist import ListQuery, filters_in, list_query
from telemed.web.shared_answers import SharedAnswers
from telemed.web.templating import draw_row

_ = str  # marks text for the translation catalogue

PARTS = (View.ATTENTION, View.RUNNING, View.DONE)
MAX_ROWS = {View.ATTENTION: 200, View.RUNNING: 200, View.DONE: 30}
"""Rows of each part; of what is done more come when asked for."""

FILTERS = ("centre", "priority", "q")
FAR = 10**11
"""Seconds: later than any case. Taken from it, times sort newest first as text."""


@dataclass(frozen=True, slots=True)
class Pressing:
    """A critical value whose loop is not closed, as a row shows it. `total` is the whole time of its countdown in seconds."""

    id: str
    status: str
    due_at: datetime
    total: float


@dataclass(frozen=True, slots=True)
class Row:
    """One case as a line of `part` of the board: all that it shows. `order` sorts as text; `critical` is its most pressing value; `asks`
    says what is wanted of the member."""

    part: str
    id: str
    order: str
    accession_number: str
    priority: str
    status: str
    report_status: str | None
    patient: PatientSummary
    created_at: datetime
    due_at: datetime | None
    completed_at: datetime | None
    identity_open: bool
    positive: bool
    exam: str
    centre_icon: str
    reason: str
    asks: str
    critical: Pressing | None
    steps: tuple[Step, ...]
    evidence: str
    missing: tuple[str, ...]
    hub: str
    total: float


def _filter(asked: ListQuery, view: View) -> CaseFilter:
    priority = asked.priority.value if asked.priority else ""
    ids = tuple(part for part in asked.ids.split(",") if part)
    return CaseFilter(centre=asked.centre or "", priority=priority, q=asked.q or "", view=view, ids=ids)


def kept_query(asked: ListQuery) -> str:
    """The filters as the query part of an address."""
    return urlencode({name: str(getattr(asked, name)) for name in FILTERS if getattr(asked, name)})


def asks_of(case: Case, critical: CriticalValue | None) -> str:
    """Return what the member is asked to do, in words; empty where nothing is."""
    if critical is not None and critical.status is CriticalStatus.ACKNOWLEDGED:
        return gettext("Record action")
    if critical is not None:
        return gettext("Acknowledge the critical value")
    if case.status is CaseStatus.ON_HOLD:
        return gettext("Answer the question")
    if case.status is CaseStatus.FAILED:
        return gettext("Nobody took it: the operator is looking for a hub")
    if case.status is CaseStatus.COMPLETED and case.acknowledged_at is None:
        return gettext("Read the report")
    return ""


def _order(case: Case, view: View, critical: CriticalValue | None) -> str:
    """Attention: critical values by their countdown, then questions, then reports, longest waiting first. Running: by time left."""
    if view is View.ATTENTION:
        if critical is not None:
            return f"0-{critical.due_at.isoformat(timespec='seconds')}"
        rank = {CaseStatus.ON_HOLD: 1, CaseStatus.FAILED: 2}.get(case.status, 3)
        since = case.completed_at or case.submitted_at or case.created_at
        return f"{rank}-{since.isoformat(timespec='seconds')}-{case.id}"
    if view is View.RUNNING and case.due_at is not None:
        return f"0-{case.due_at.isoformat(timespec='seconds')}-{case.id}"
    return f"1-{FAR - int(case.created_at.timestamp()):012d}-{case.id}"


def _pressing(value: CriticalValue) -> Pressing:
    return Pressing(value.id, value.status.value, value.due_at, (value.due_at - value.found_at).total_seconds())


def _row(visit: Visit, case: Case, view: View, critical: CriticalValue | None, page: CasePage, times: Mapping[str, datetime]) -> Row:
    region = visit.application.region
    centre = region.centres[case.centre]
    summary = page.evidence.get(case.id, EvidenceSummary())
    closed = case.status in (CaseStatus.COMPLETED, CaseStatus.CANCELLED)
    missing = [] if closed else missing_evidence(centre, summary.pieces.keys(), summary.consented)
    return Row(
        part=view.value,
        id=case.id,
        order=_order(case, view, critical),
        accession_number=case.accession_number,
        priority=case.priority.value,
        status=case.status.value,
        report_status=case.report_status,
        patient=case.patient,
        created_at=case.created_at,
        due_at=case.due_at,
        completed_at=case.completed_at,
        identity_open=case.identity_open,
        positive=case.positive,
        exam=examination(centre, case.request),
        centre_icon=centre.icon,
        reason=gettext(critical.finding) if critical else case.hold_reason or str(case.request.get("reason", "")),
        asks=asks_of(case, critical),
        critical=_pressing(critical) if critical else None,
        steps=tuple(steps_of(case, times, two_person=reviewed_by_two(region.network, case))),
        evidence=evidence_words(summary),
        missing=tuple(missing_words(region, missing)),
        hub=visit.name_of(case.hub) if case.hub else "",
        total=seconds_allowed(case),
    )


async def _part(visit: Visit, asked: ListQuery, view: View) -> dict[str, Any]:
    """One part of the board: its rows in order, and the cursor of the next ones."""
    queries = visit.queries
    cursor = asked.cursor if view is View.DONE else None
    found = await queries.cases(visit.person, _filter(asked, view), cursor, MAX_ROWS[view])
    ids = [case.id for case in found.cases]
    times = await queries.milestones(ids) if ids else {}
    pressing: dict[str, CriticalValue] = {}
    for value in await queries.running_criticals([case.id for case in found.cases if case.critical_open]):
        pressing.setdefault(value.case_id, value)
    rows = [_row(visit, case, view, pressing.get(case.id), found, times.get(case.id, {})) for case in found.cases]
    return {"view": view, "rows": sorted(rows, key=lambda row: row.order), "next": found.next}


@page("GET", "/cases")
async def board(visit: Visit) -> web.StreamResponse:
    """The member's cases."""
    if not visit.person.has(Role.MEMBER_STAFF):
        raise web.HTTPSeeOther(home_of(visit.person))
    asked = list_query(visit).model_copy(update={"ids": ""})
    queries = visit.application.queries
    last_event = await queries.last_history_id()  # before the rows: what happens meanwhile comes through the feed
    parts = [await _part(visit, asked, view) for view in PARTS]
    shown = sum(len(part["rows"]) for part in parts)
    if shown:
        await record_look(visit.application, visit.person, "case:list", f"cases/{shown}")
    context = {
        "parts": parts,
        "counts": await visit.counts(asked.centre or ""),
        "asked": asked,
        "kept": kept_query(asked),
        "centres": centres_for(visit),
        "last_event": last_event,
        "first_visit": not shown and not kept_query(asked),
    }
    return await render(visit, "cases.html", context)


def centres_for(visit: Visit) -> list[Any]:
    """The centres that answer for this member."""
    region = visit.application.region
    homes = region.network.home_hubs
    served = [centre for centre in region.centres.values() if (centre.code, visit.person.institution) in homes]
    return sorted(served, key=lambda centre: centre.order)


@page("GET", "/cases/rows")
async def rows(visit: Visit) -> web.StreamResponse:
    """Rows of one part again: those asked for that still stand in it."""
    asked = list_query(visit)
    view = View(asked.view) if asked.view and View(asked.view) in PARTS else View.RUNNING
    part = await _part(visit, asked, view) if asked.ids else {"view": view, "rows": [], "next": None}
    return fragment(visit, "_case_rows.html", part)


@page("GET", "/cases/more")
async def more(visit: Visit) -> web.StreamResponse:
    """Further rows of what is done."""
    asked = list_query(visit).model_copy(update={"ids": ""})
    part = await _part(visit, asked, View.DONE)
    await record_look(visit.application, visit.person, "case:list", f"cases/{len(part['rows'])}")
    return fragment(visit, "_case_more.html", part | {"kept": kept_query(asked)})


@page("GET", "/cases/counts")
async def counts(visit: Visit) -> web.StreamResponse:
    """The figures of the parts and of the bar."""
    return web.json_response(_figures(await visit.queries.counts(visit.person, list_query(visit).centre or "")))


def _figures(counts: Mapping[View, int]) -> dict[str, int]:
    figures = {view.value: counts[view] for view in PARTS if view in counts}
    return figures | {"/cases": figures.get(View.ATTENTION.value, 0)}


async def draw_live(page: Asked, ids: Collection[str], answers: SharedAnswers) -> Drawn:
    """The rows of an open board that have changed, by its parts, and their figures."""
    visit = Visit(page.request, page.request.app[APPLICATION], page.person, answers)
    asked = filters_in(page.query).model_copy(update={"ids": ",".join(ids), "cursor": None})
    rows = {}
    for view in PARTS:
        part = await _part(visit, asked, view)
        rows[f"/cases/rows?view={view.value}"] = "".join(draw_row(page.request, "_case_row.html", row) for row in part["rows"])
    return Drawn(rows, _figures(await visit.queries.counts(visit.person, asked.centre or "")))

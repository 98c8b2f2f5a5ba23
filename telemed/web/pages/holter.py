"""The Holter page: a day of ECG beside its events, templates and the strips that go into the report."""

from __future__ import annotations

from aiohttp import web

from telemed.domain.errors import NotFound
from telemed.domain.policy import Action
from telemed.domain.tracing import TracingKind
from telemed.service import ecg_reading
from telemed.service.desk import open_desk
from telemed.service.office import consult, record_look
from telemed.web.case_words import examination
from telemed.web.pages.page import Visit, page, render
from telemed.web.pages.worklist import kept_query, read_query


@page("GET", "/read/{case_id}/holter/{tracing_id}")
async def holter(visit: Visit) -> web.StreamResponse:
    """One long recording."""
    desk = await consult(visit.office, open_desk, visit.person, visit.path("case_id"))
    case = desk.view.case
    tracing, _ = await consult(visit.office, ecg_reading.tracing_of, visit.person, case.id, visit.path("tracing_id"))
    if tracing.kind is not TracingKind.HOLTER:
        raise NotFound("tracing", tracing.id)
    await record_look(visit.office, visit.person, Action.EVIDENCE_READ, f"case/{case.id}")
    context = {
        "case": case,
        "tracing": tracing,
        "exam": examination(visit.office.region.centres[case.centre], case.request),
        "may_write": "write" in desk.view.actions,
        "back": f"/read/{case.id}?{kept_query(read_query(visit))}",
    }
    return await render(visit, "holter.html", context)

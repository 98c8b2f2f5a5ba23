"""The Holter page: a day of ECG beside its events, templates and the strips that go into the report."""

from __future__ import annotations

from aiohttp import web

from telemed.centres.ecg import service as ecg_reading
from telemed.centres.ecg.domain import TracingKind
from telemed.domain.errors import NotFound
from telemed.domain.policy import Action
from telemed.service.execution import query, record_look
from telemed.service.reading_view import open_for_reading
from telemed.web.labels.case import examination
from telemed.web.pages.page import Visit, page, render
from telemed.web.pages.worklist import kept_query, read_query


@page("GET", "/read/{case_id}/holter/{tracing_id}")
async def holter(visit: Visit) -> web.StreamResponse:
    """One long recording."""
    reading_view = await query(visit.application, open_for_reading, visit.person, visit.path("case_id"))
    case = reading_view.view.case
    tracing, _ = await query(visit.application, ecg_reading.tracing_of, visit.person, case.id, visit.path("tracing_id"))
    if tracing.kind is not TracingKind.HOLTER:
        raise NotFound("tracing", tracing.id)
    await record_look(visit.application, visit.person, Action.EVIDENCE_READ, f"case/{case.id}")
    context = {
        "case": case,
        "tracing": tracing,
        "exam": examination(visit.application.region.centres[case.centre], case.request),
        "may_write": "write" in reading_view.view.actions,
        "back": f"/read/{case.id}?{kept_query(read_query(visit))}",
    }
    return await render(visit, "ecg/holter.html", context)

"""Retention: what is due, what is held, what was asked, confirmed and erased. No clinical data, no names of patients."""

from __future__ import annotations

from aiohttp import web

from telemed.domain.network import Level
from telemed.domain.policy import Action, may
from telemed.domain.retention import AT_ONCE
from telemed.service import retention
from telemed.service.execution import query
from telemed.web.api.retention import request_shape
from telemed.web.labels.retention import BASES, KINDS, by_month, source_text
from telemed.web.pages.page import Visit, page, render


@page("GET", "/retention")
async def overview(visit: Visit) -> web.StreamResponse:
    """Everything on one page: each of three roles finds their part of it."""
    found = await query(visit.application, retention.overview, visit.person)
    now = visit.application.now()
    requests = [request_shape(request, now) for request in found.requests]
    people = {name for r in requests for name in (r.asked_by, r.decided_by) if name} | {hold.set_by for hold in found.holds}
    members = [i for i in visit.application.region.network.institutions.values() if i.level is not Level.OPERATOR]
    context = {
        "found": found,
        "requests": requests,
        "due": by_month(found.due),
        "kinds": KINDS,
        "bases": BASES,
        "source_text": source_text,
        "names": await visit.application.queries.people_names(sorted(people)),
        "institutions": [(i.code, visit.name_of(i.code)) for i in sorted(members, key=lambda i: i.code)],
        "name_of": visit.name_of,
        "may_ask": may(visit.person, Action.ERASURE_ASK),
        "may_confirm": may(visit.person, Action.ERASURE_CONFIRM),
        "may_hold": may(visit.person, Action.HOLD_SET),
        "me": visit.person.username,
        "at_once": AT_ONCE,
    }
    return await render(visit, "retention.html", context)

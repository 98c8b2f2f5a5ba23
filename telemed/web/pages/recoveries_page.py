"""Lost second factors: what was asked, what waits for a second administrator. No clinical data."""

from __future__ import annotations

from aiohttp import web

from telemed.domain.policy import Action, may
from telemed.service import factor_recovery
from telemed.service.execution import query
from telemed.web.api.recoveries import recovery_shape
from telemed.web.pages.page import Visit, page, render


@page("GET", "/recoveries")
async def recoveries(visit: Visit) -> web.StreamResponse:
    """The newest first."""
    found = await query(visit.application, factor_recovery.recent, visit.person)
    now = visit.application.now()
    shapes = [recovery_shape(recovery, now) for recovery in found]
    names = await visit.application.queries.people_names(sorted({n for r in found for n in (r.username, r.asked_by, r.confirmed_by) if n}))
    context = {
        "recoveries": shapes,
        "names": names,
        "may_ask": may(visit.person, Action.RECOVERY_ASK),
        "may_confirm": may(visit.person, Action.RECOVERY_CONFIRM),
        "me": visit.person.username,
        "wanted": visit.query.get("username", "")[:64],
    }
    return await render(visit, "recoveries.html", context)

"""The installation for the system administrator: versions, database, store, jobs, disk. No clinical data."""

from __future__ import annotations

from aiohttp import web

from telemed.domain.policy import Action, require
from telemed.service.execution import record_look
from telemed.web.keys import ADMINISTRATION
from telemed.web.pages.page import Visit, fragment, page, render


@page("GET", "/system", waits=True)
async def system(visit: Visit) -> web.StreamResponse:
    require(visit.person, Action.SYSTEM_READ)
    await record_look(visit.application, visit.person, Action.SYSTEM_READ, "system")
    return await render(visit, "system.html", {"state": await visit.request.app[ADMINISTRATION].installation(visit.person)})


@page("GET", "/system/state", waits=True)
async def state(visit: Visit) -> web.StreamResponse:
    """The part that changes, drawn again."""
    require(visit.person, Action.SYSTEM_READ)
    return fragment(visit, "_system_state.html", {"state": await visit.request.app[ADMINISTRATION].installation(visit.person)})

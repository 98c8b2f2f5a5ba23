"""The installation for the system administrator: versions, database, store, jobs, disk. No clinical data."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from telemed.domain.policy import Action, require
from telemed.service.execution import record_look
from telemed.web.keys import ADMINISTRATION
from telemed.web.labels.certificates import certificate_lines
from telemed.web.pages.page import Visit, fragment, page, render


@page("GET", "/system", waits=True)
async def system(visit: Visit) -> web.StreamResponse:
    require(visit.person, Action.SYSTEM_READ)
    await record_look(visit.application, visit.person, Action.SYSTEM_READ, "system")
    return await render(visit, "system.html", await _state(visit))


@page("GET", "/system/state", waits=True)
async def state(visit: Visit) -> web.StreamResponse:
    """The part that changes, drawn again."""
    require(visit.person, Action.SYSTEM_READ)
    return fragment(visit, "_system_state.html", await _state(visit))


async def _state(visit: Visit) -> dict[str, Any]:
    state = await visit.request.app[ADMINISTRATION].installation(visit.person)
    return {"state": state, "certificates": certificate_lines(state.certificates, datetime.now(UTC))}

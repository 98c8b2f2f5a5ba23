"""Studies of a case on their way, as a part of its pages."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from telemed.service.execution import query
from telemed.service.transfers import may_fetch_priors, transfers_of
from telemed.web.labels.transfers import transfer_lines
from telemed.web.pages.page import Visit, fragment, page


async def transfers_context(visit: Visit, case_id: str) -> dict[str, Any]:
    """Return what the case's pages show of its transfers."""
    found = await query(visit.application, transfers_of, visit.person, case_id)
    lines = transfer_lines(found)
    again = any(line.again for line in lines) and await query(visit.application, may_fetch_priors, visit.person, case_id)
    return {"transfers": lines, "may_fetch_again": again}


@page("GET", "/cases/{case_id:[0-9a-f]{32}}/transfers")
async def transfers(visit: Visit) -> web.StreamResponse:
    """The transfers' progress; asked every other second while one is under way."""
    case_id = visit.path("case_id")
    return fragment(visit, "_transfers.html", {"case": {"id": case_id}} | await transfers_context(visit, case_id))

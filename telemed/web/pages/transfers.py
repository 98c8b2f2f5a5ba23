"""Studies of a case on their way, as a part of its pages."""

from __future__ import annotations

from aiohttp import web

from telemed.service.office import consult
from telemed.service.transfers import transfers_of
from telemed.web.pages.page import Visit, fragment, page
from telemed.web.transfer_words import TransferLine, transfer_lines


async def lines_of(visit: Visit, case_id: str) -> list[TransferLine]:
    """What the case's pages show of them."""
    return transfer_lines(await consult(visit.office, transfers_of, visit.person, case_id))


@page("GET", "/cases/{case_id:[0-9a-f]{32}}/transfers")
async def transfers(visit: Visit) -> web.StreamResponse:
    """How far they are; asked every other second while one is under way."""
    found = await consult(visit.office, transfers_of, visit.person, visit.path("case_id"))
    return fragment(visit, "_transfers.html", {"case": {"id": visit.path("case_id")}, "transfers": transfer_lines(found)})

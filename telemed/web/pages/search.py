"""One search field for everything: a name, an accession number, a patient number, the code of a report."""

from __future__ import annotations

import re
from typing import Final

from aiohttp import web

from telemed.domain.case import Case
from telemed.domain.policy import Action, Relation, may, relations
from telemed.service.execution import record_look
from telemed.service.queries import CaseFilter
from telemed.web.labels.case import examination
from telemed.web.pages.page import Visit, page, render

MAX_FOUND: Final = 100
LONGEST: Final = 100
REPORT_CODE: Final = re.compile(r"[2-9A-HJ-NP-Z]{4}[- ]?[2-9A-HJ-NP-Z]{4}[- ]?[2-9A-HJ-NP-Z]{4}", re.IGNORECASE)
"""How a report's verification code stands on paper, in groups or without."""


def wanted(text: str) -> str:
    """Return what is looked for: outer spaces gone, a report code without its gaps."""
    clean = text.replace("\x00", "").strip()[:LONGEST]
    return re.sub(r"[- ]", "", clean).upper() if REPORT_CODE.fullmatch(clean) else clean


def address_of(visit: Visit, case: Case) -> str:
    """Return the address where this person sees the case."""
    reads = Relation.ROUTED in relations(visit.person, Action.CASE_READ) and case.member != visit.person.institution
    return f"/read/{case.id}" if reads else f"/cases/{case.id}"


@page("GET", "/search")
async def search(visit: Visit) -> web.StreamResponse:
    """Everything found that the person may see; a number that names one case leads straight to it."""
    text = wanted(visit.query.get("q", ""))
    cases: list[Case] = []
    more = False
    if text and (may(visit.person, Action.CASE_READ) or may(visit.person, Action.CASE_READ_METADATA)):
        found = await visit.application.queries.cases(visit.person, CaseFilter(q=text), None, MAX_FOUND)
        cases, more = list(found.cases), found.next is not None
        if len(cases) == 1 and (text == cases[0].accession_number or REPORT_CODE.fullmatch(text)):
            raise web.HTTPSeeOther(address_of(visit, cases[0]))
        if cases:
            await record_look(visit.application, visit.person, "case:list", f"cases/{len(cases)}")
    context = {
        "q": text,
        "cases": cases,
        "more": more,
        "most": MAX_FOUND,
        "whole": may(visit.person, Action.CASE_READ),
        "address_of": lambda case: address_of(visit, case),
        "examination_of": lambda case: examination(visit.application.region.centres[case.centre], case.request),
        "centres": visit.application.region.centres,
        "institution": visit.name_of,
    }
    return await render(visit, "search.html", context)

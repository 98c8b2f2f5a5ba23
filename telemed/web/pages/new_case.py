"""A new case on one page, and the same page again for a draft or for the answer to a hub's question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from telemed.domain.case import Case, CaseKind, CaseStatus, Priority
from telemed.domain.centre import Centre
from telemed.domain.errors import NotFound
from telemed.domain.forms import CONTACT_PHONE, Form
from telemed.domain.patient import RESIDENT_ID, Patient
from telemed.domain.policy import Action, require
from telemed.service.case_view import CaseView, view_case
from telemed.service.execution import query, record_look
from telemed.web.i18n import gettext
from telemed.web.keys import UPLOAD_LIMIT
from telemed.web.pages.board import centres_for
from telemed.web.pages.page import Visit, page, render

PRIORITIES = (Priority.ROUTINE, Priority.URGENT, Priority.ASAP, Priority.STAT)


@page("GET", "/cases/new")
async def choose(visit: Visit) -> web.StreamResponse:
    """The choice of a centre."""
    require(visit.person, Action.CASE_CREATE)
    centres = centres_for(visit)
    return await render(visit, "choose_centre.html", {"centres": centres})


@page("GET", "/cases/new/{centre}")
async def new(visit: Visit) -> web.StreamResponse:
    """An empty page of the centre."""
    require(visit.person, Action.CASE_CREATE)
    centre = next((c for c in centres_for(visit) if c.code == visit.path("centre")), None)
    if centre is None:
        raise NotFound("centre", visit.path("centre"))
    return await render(visit, "new_case.html", _context(visit, centre, None, await visit.application.queries.last_history_id()))


@page("GET", "/cases/{case_id:[0-9a-f]{32}}/edit")
async def edit(visit: Visit) -> web.StreamResponse:
    """A draft to go on with, or a question to answer. A case that cannot be changed now is shown instead."""
    last_event = await visit.application.queries.last_history_id()
    view = await query(visit.application, view_case, visit.person, visit.path("case_id"))
    if "edit" not in view.actions:
        raise web.HTTPSeeOther(f"/cases/{view.case.id}")
    await record_look(visit.application, visit.person, Action.CASE_READ, f"case/{view.case.id}")
    centre = visit.application.region.centres[view.case.centre]
    return await render(visit, "new_case.html", _context(visit, centre, view, last_event))


def _context(visit: Visit, centre: Centre, view: CaseView | None, last_event: int) -> Mapping[str, Any]:
    case = view.case if view else None
    return {
        "last_event": last_event,
        "centre": centre,
        "form": _form_of(centre, case),
        "case": case,
        "values": case.request if case else {CONTACT_PHONE.name: _phone_of(visit)},
        "card": _card(view.patient, visit.person.institution) if view and view.patient else {},
        "draft": case is None or case.status is CaseStatus.DRAFT,
        "kind": (case.kind if case else _usual_kind(centre)).value,
        "kinds": {CaseKind.DIAGNOSIS.value: gettext("Diagnosis: read it for us"), CaseKind.CONSULTATION.value: gettext("Second opinion")},
        "priority": (case.priority if case else Priority.ROUTINE).value,
        "priorities": [each.value for each in PRIORITIES],
        "consents": list(view.consents) if view else [],
        "evidence": list(view.evidence) if view else [],
        "upload_limit": visit.request.app[UPLOAD_LIMIT],
        "member": visit.person.institution,
    }


def _form_of(centre: Centre, case: Case | None) -> Form:
    """The centre's form; an accession number can be given only before the case has one."""
    kept = (field for field in centre.request_form.fields if case is None or field.name != "accession_number")
    return Form(tuple(kept))


def _phone_of(visit: Visit) -> str:
    """The telephone of the person's institution, proposed for a new request; empty where none is known."""
    institution = visit.application.region.network.institutions.get(visit.person.institution)
    return institution.phone if institution else ""


def _usual_kind(centre: Centre) -> CaseKind:
    return CaseKind.CONSULTATION if centre.consent_wanted else CaseKind.DIAGNOSIS


def _card(patient: Patient, member: str) -> dict[str, str]:
    """The card's fields by their names in the page."""
    return {
        "name": patient.name,
        "sex": patient.sex.value,
        "birth_date": patient.birth_date.isoformat() if patient.birth_date else "",
        "phone": patient.phone,
        "resident_id": patient.identifier(RESIDENT_ID),
        "own_number": patient.identifier(member),
    }

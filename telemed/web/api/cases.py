"""Cases: the member's steps, the hub's steps, lists and history."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from telemed.domain.case import Case
from telemed.domain.patient import Identifier
from telemed.domain.permissions import CaseAction
from telemed.domain.policy import Action, Relation, may
from telemed.service import case_reading as reading
from telemed.service import case_request, routing
from telemed.service.access import relation_to
from telemed.service.case_view import view_case
from telemed.service.execution import execute, query, record_look
from telemed.service.patients import Demographics
from telemed.service.queries import CaseFilter, View
from telemed.web.api.inputs import (
    CaseChange,
    CaseQuery,
    ConsentInput,
    NewCase,
    Nothing,
    Offer,
    PatientInput,
    Reassign,
    WithReason,
)
from telemed.web.api.operation import Call, answer, operation
from telemed.web.api.shapes import CaseListShape, CaseShape, EventListShape, event_shape, listed_shape, view_shape
from telemed.web.snapshots import one_snapshot

CASE = "/cases/{case_id}"


def card_of(patient: PatientInput) -> Demographics:
    numbers = tuple(Identifier(i.system, i.value.upper() if i.system == "resident-id" else i.value) for i in patient.identifiers)
    return Demographics(patient.name, patient.sex, patient.birth_date, numbers, patient.phone)


async def _shown(call: Call[Any], case_id: str, status: int = 200) -> web.Response:
    """The case after a step; a hub that just gave it away sees its last look."""
    view = await query(call.application, view_case, call.person, case_id)
    return answer(view_shape(view), status)


async def _stepped(call: Call[Any], step: Callable[..., Awaitable[Case]], *arguments: Any, **named: Any) -> web.Response:
    """Take a step, then show the case. Who may no longer see it is shown where it went, and no more."""
    case = await execute(call.application, step, call.person, call.case_id, *arguments, **named)
    async with call.application.reading() as work:
        if await _still_visible(call, work, case):
            return answer(view_shape(await view_case(work, call.person, call.case_id)))
    gone = {"id": case.id, "status": case.status.value, "hub": case.hub, "centre": case.centre, "member": case.member}
    return answer(gone)


async def _still_visible(call: Call[Any], work: Any, case: Case) -> bool:
    relation = await relation_to(work, call.person, case)
    return may(call.person, Action.CASE_READ, relation) or may(call.person, Action.CASE_READ_METADATA, relation)


@operation("POST", "/cases", body=NewCase, returns=CaseShape, status=201, errors=(403, 422), right=Action.CASE_CREATE)
async def create(call: Call[NewCase]) -> web.Response:
    """Make a draft case."""
    body = call.body
    case = await execute(
        call.application, case_request.create_case, call.person, body.centre, body.kind, body.priority, card_of(body.patient), body.request
    )
    response = await _shown(call, case.id, 201)
    response.headers["Location"] = f"/api/v1/cases/{case.id}"
    return response


@operation("GET", "/cases", query=CaseQuery, returns=CaseListShape, errors=(403, 422))
@one_snapshot
async def listing(call: Call[Nothing]) -> web.Response:
    """The worklist of a hub, the board of a member: by cursor pages."""
    q: CaseQuery = call.query
    wanted = CaseFilter(
        q.centre or "", q.status or "", q.hub or "", q.member or "", q.priority.value if q.priority else "", q.q or "",
        View(q.view) if q.view else None, q.need or "", q.body_part or "",
    )  # fmt: skip
    page = await call.application.queries.cases(call.person, wanted, q.cursor, q.limit, records=True)
    whole = may(call.person, Action.CASE_READ)
    items = [listed_shape(case, page.patients.get(case.patient.id), call.person, whole=whole) for case in page.cases]
    if items:
        await record_look(call.application, call.person, "case:list", f"cases/{len(items)}")
    return answer(CaseListShape(items=items, next=page.next))


@operation("GET", CASE, returns=CaseShape, errors=(404,))
@one_snapshot
async def read(call: Call[Nothing]) -> web.Response:
    """One case."""
    response = await _shown(call, call.case_id)
    await record_look(call.application, call.person, Action.CASE_READ, f"case/{call.case_id}")
    return response


@operation("PATCH", CASE, body=CaseChange, returns=CaseShape, errors=(403, 404, 409, 422), right=CaseAction.EDIT)
async def edit(call: Call[CaseChange]) -> web.Response:
    """Change a draft, or a case that was sent back."""
    body = call.body
    card = card_of(body.patient) if body.patient else None
    return await _stepped(call, case_request.edit_case, body.priority, body.request, kind=body.kind, card=card)


@operation("POST", CASE + "/submit", body=Nothing, returns=CaseShape, errors=(403, 404, 409, 422), right=CaseAction.SUBMIT)
async def submit(call: Call[Nothing]) -> web.Response:
    """Send the case to the network, or the answer back to the hub that asked."""
    return await _stepped(call, case_request.submit_case)


@operation("POST", CASE + "/cancel", body=WithReason, returns=CaseShape, errors=(403, 404, 409, 422), right=CaseAction.CANCEL)
async def cancel(call: Call[WithReason]) -> web.Response:
    """Withdraw the case."""
    return await _stepped(call, case_request.cancel_case, call.body.reason)


@operation("POST", CASE + "/acknowledge", body=Nothing, returns=CaseShape, errors=(403, 404, 409), right=CaseAction.ACKNOWLEDGE)
async def acknowledge(call: Call[Nothing]) -> web.Response:
    """The member has received the report."""
    return await _stepped(call, case_request.acknowledge_report)


@operation("POST", CASE + "/consent", body=ConsentInput, returns=CaseShape, status=201, errors=(403, 404, 422), right=Action.CONSENT_RECORD)
async def consent(call: Call[ConsentInput]) -> web.Response:
    """Record the patient's written consent."""
    body = call.body
    await execute(call.application, case_request.record_consent, call.person, call.case_id, body.giver, body.signed_name, body.evidence_id)
    return await _shown(call, call.case_id, 201)


@operation("POST", CASE + "/claim", body=Nothing, returns=CaseShape, errors=(403, 404, 409), right=CaseAction.CLAIM)
async def claim(call: Call[Nothing]) -> web.Response:
    """Take a waiting case; of several who ask at once, one has it."""
    return await _stepped(call, reading.claim_case)


@operation("POST", CASE + "/release", body=Nothing, returns=CaseShape, errors=(403, 404, 409), right=CaseAction.RELEASE)
async def release(call: Call[Nothing]) -> web.Response:
    """Give a claimed case back to the worklist."""
    return await _stepped(call, reading.release_case)


@operation("POST", CASE + "/park", body=Nothing, returns=CaseShape, errors=(403, 404, 409), right=CaseAction.PARK)
async def park(call: Call[Nothing]) -> web.Response:
    """Set a claimed case aside."""
    return await _stepped(call, reading.park_case, parked=True)


@operation("POST", CASE + "/resume", body=Nothing, returns=CaseShape, errors=(403, 404, 409), right=CaseAction.RESUME)
async def resume(call: Call[Nothing]) -> web.Response:
    """Take a case up again that was set aside."""
    return await _stepped(call, reading.park_case, parked=False)


@operation("POST", CASE + "/decline", body=WithReason, returns=CaseShape, errors=(403, 404, 409, 422), right=CaseAction.DECLINE)
async def decline(call: Call[WithReason]) -> web.Response:
    """This hub does not read the case; it goes to the next one up."""
    return await _stepped(call, reading.decline_case, call.body.reason)


@operation("POST", CASE + "/return", body=WithReason, returns=CaseShape, errors=(403, 404, 409, 422), right=CaseAction.RETURN)
async def send_to_member(call: Call[WithReason]) -> web.Response:
    """Ask the member for more information."""
    return await _stepped(call, reading.return_case, call.body.reason)


@operation("POST", CASE + "/escalate", body=WithReason, returns=CaseShape, errors=(403, 404, 409, 422), right=CaseAction.ESCALATE)
async def escalate(call: Call[WithReason]) -> web.Response:
    """Ask the next hub up, and keep seeing the case."""
    return await _stepped(call, reading.escalate_case, call.body.reason)


@operation("POST", CASE + "/reassign", body=Reassign, returns=CaseShape, errors=(403, 404, 409, 422), right=CaseAction.REASSIGN)
async def reassign(call: Call[Reassign]) -> web.Response:
    """Hand the case to another reader of this hub."""
    return await _stepped(call, reading.reassign_case, call.body.reader, call.body.reason)


@operation("POST", CASE + "/offer", body=Offer, returns=CaseShape, errors=(403, 404, 409, 422), right=CaseAction.OFFER)
async def offer(call: Call[Offer]) -> web.Response:
    """The operator names a hub for a case that nobody took."""
    return await _stepped(call, routing.offer_by_operator, call.body.hub, call.body.reason)


@operation("GET", CASE + "/events", returns=EventListShape, errors=(404,))
@one_snapshot
async def events(call: Call[Nothing]) -> web.Response:
    """The case's history, oldest first."""
    view = await query(call.application, view_case, call.person, call.case_id)
    lines = await call.application.queries.history(call.case_id)
    whole = view.whole and view.relation is not Relation.FOREIGN
    return answer(EventListShape(items=[event_shape(line, whole=whole) for line in lines]))

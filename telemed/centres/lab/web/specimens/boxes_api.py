"""Boxes: packed, given, taken, received, reconciled; their manifests."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import AwareDatetime, Field

from telemed.centres.lab.specimens import boxes, receipt
from telemed.centres.lab.specimens.domain import Box
from telemed.centres.lab.specimens.receipt import Found
from telemed.centres.lab.specimens.states import BoxState, Condition
from telemed.centres.lab.web.specimens.keys import LABEL_PRINTER, LOG_READER
from telemed.centres.lab.web.specimens.labels import manifest_sheet
from telemed.centres.lab.web.specimens.shapes import BoxListShape, WholeBoxShape, box_shape, whole_box_shape
from telemed.domain.identity_of_evidence import StatedIdentity
from telemed.domain.policy import Action
from telemed.service.execution import execute, query, record_look
from telemed.service.identity import new_id
from telemed.web.api.inputs import Input, Nothing
from telemed.web.api.operation import Call, answer, operation
from telemed.web.labels.statistics import institution_name

BOXES = "/lab/boxes"
BOX = BOXES + "/{box_id}"
HL7 = "x-application/hl7-v2+er7"
STEP_ERRORS = (403, 404, 409, 412, 422)

Name = Annotated[str, Field(max_length=64)]


class OpenInput(Input):
    """The hub, and the band of temperature in degrees Celsius, such as `2-8`. `key` is the sender's own name of this request."""

    to: Annotated[str, Field(min_length=1, max_length=16)]
    temperature: Annotated[str, Field(min_length=1, max_length=20)]
    key: Name = ""


class NumberInput(Input):
    number: Annotated[str, Field(min_length=1, max_length=20)]


class HandoverInput(Input):
    """Who carries the box, its seal, and when, where that was before now."""

    courier: Annotated[str, Field(min_length=1, max_length=64)]
    seal: Name = ""
    at: AwareDatetime | None = None


class SendInput(Input):
    """A carrier's own number of the parcel, its seal, and when, where that was before now."""

    tracking: Name = ""
    seal: Name = ""
    at: AwareDatetime | None = None


class ReasonInput(Input):
    reason: Annotated[str, Field(max_length=500)] = ""


class LabelInput(Input):
    """The patient as the tube's own label names them, as far as it does."""

    name: Annotated[str, Field(max_length=200)] = ""
    sex: Annotated[str, Field(max_length=16)] = ""
    birth_date: Annotated[str, Field(max_length=16)] = ""
    number: Name = ""


class ConditionInput(Input):
    """How the tube came; a rejection needs a reason of HL7 table 0490. `label` is whom the tube itself names."""

    condition: Literal["good", "damaged", "leaked", "missing", "rejected"]
    reason: Annotated[str, Field(max_length=16)] = ""
    label: LabelInput = LabelInput()


class BoxesQuery(Input):
    """`status` are states with commas between; without one all."""

    status: Annotated[str, Field(max_length=200, pattern=r"^(?:[a-z-]+(?:,[a-z-]+)*)?$")] = ""
    cursor: Annotated[str, Field(max_length=20)] = ""


def version_of(call: Call[Any]) -> str:
    """The version that a change was made from (If-Match); empty where none is named."""
    return call.request.headers.get("If-Match", "").strip().removeprefix("W/").strip('"')


async def _whole(call: Call[Any], status: int = 200, box_id: str = "") -> web.Response:
    reader = call.request.app[LOG_READER]
    view = await query(call.application, boxes.view_box, call.person, reader, box_id or call.path("box_id"))
    return answer(whole_box_shape(view), status, {"ETag": f'"{view.box.version}"'})


@operation(
    "POST", BOXES, body=OpenInput, returns=WholeBoxShape, status=201, errors=(403, 422), headers=("ETag",), right=Action.SPECIMEN_PACK
)
async def open_box(call: Call[OpenInput]) -> web.Response:
    """Begin a box to a hub."""
    body = call.body
    arguments = (call.person, call.request.app[LOG_READER], body.to, body.temperature, body.key)
    made: Box = await execute(call.application, boxes.open_box, *arguments)
    return await _whole(call, 201, made.id)


@operation("GET", BOXES, query=BoxesQuery, returns=BoxListShape, errors=(403, 422), right=Action.SPECIMEN_LIST)
async def listing(call: Call[Nothing]) -> web.Response:
    """Boxes that are sent, or on their way here, the newest first."""
    asked: BoxesQuery = call.query
    known = {state.value for state in BoxState}
    states = frozenset(BoxState(name) for name in asked.status.split(",") if name in known)
    found, following = await query(call.application, boxes.list_boxes, call.person, states, asked.cursor)
    return answer(BoxListShape(items=[box_shape(box) for box in found], next=following))


@operation("GET", BOX, returns=WholeBoxShape, errors=(403, 404), headers=("ETag",))
async def read(call: Call[Nothing]) -> web.Response:
    """A box with its tubes, handovers and alarms."""
    found = await _whole(call)
    await record_look(call.application, call.person, Action.SPECIMEN_READ, f"box/{call.path('box_id')}")
    return found


@operation(
    "POST", BOX + "/specimens", body=NumberInput, returns=WholeBoxShape, errors=STEP_ERRORS, headers=("ETag",), right=Action.SPECIMEN_PACK
)
async def add(call: Call[NumberInput]) -> web.Response:
    """Put a tube into the box."""
    arguments = (call.person, call.path("box_id"), call.body.number, version_of(call))
    await execute(call.application, boxes.add_specimen, *arguments)
    return await _whole(call)


@operation("DELETE", BOX + "/specimens/{number}", returns=WholeBoxShape, errors=STEP_ERRORS, headers=("ETag",))
async def remove(call: Call[Nothing]) -> web.Response:
    """Take a tube out of a box that is being packed."""
    arguments = (call.person, call.path("box_id"), call.path("number"), version_of(call))
    await execute(call.application, boxes.remove_specimen, *arguments)
    return await _whole(call)


@operation(
    "POST",
    BOX + "/specimens/{number}",
    body=ConditionInput,
    returns=WholeBoxShape,
    errors=STEP_ERRORS,
    headers=("ETag",),
    right=Action.SPECIMEN_RECEIVE,
)
async def receive(call: Call[ConditionInput]) -> web.Response:
    """Say in which condition a tube came; one that is not on the manifest is received as unexpected."""
    body = call.body
    stated = StatedIdentity(**body.label.model_dump())
    found = Found(Condition(body.condition), body.reason, stated)
    arguments = (call.person, call.path("box_id"), call.path("number"), found, version_of(call))
    await execute(call.application, receipt.receive_specimen, *arguments)
    return await _whole(call)


@operation("POST", BOX + "/specimens/{number}/take-back", returns=WholeBoxShape, errors=STEP_ERRORS, headers=("ETag",))
async def take_back(call: Call[Nothing]) -> web.Response:
    """Take the receipt of a tube back."""
    await execute(call.application, receipt.take_back, call.person, call.path("box_id"), call.path("number"))
    return await _whole(call)


@operation("POST", BOX + "/ready", returns=WholeBoxShape, errors=STEP_ERRORS, headers=("ETag",))
async def ready(call: Call[Nothing]) -> web.Response:
    """Close the packed box."""
    await execute(call.application, boxes.make_ready, call.person, call.path("box_id"), version_of(call))
    return await _whole(call)


@operation("POST", BOX + "/reopen", returns=WholeBoxShape, errors=STEP_ERRORS, headers=("ETag",))
async def reopen(call: Call[Nothing]) -> web.Response:
    """Open a box again that was not given yet."""
    await execute(call.application, boxes.reopen_box, call.person, call.path("box_id"), version_of(call))
    return await _whole(call)


@operation("POST", BOX + "/send", body=SendInput, returns=WholeBoxShape, errors=STEP_ERRORS, headers=("ETag",), right=Action.SPECIMEN_SEND)
async def send(call: Call[SendInput]) -> web.Response:
    """Give the box to a carrier who confirms by the parcel's own number."""
    body = call.body
    arguments = (call.person, call.path("box_id"), "send", body.tracking, body.seal, body.at, version_of(call))
    await execute(call.application, boxes.give_box, *arguments)
    return await _whole(call)


@operation(
    "POST", BOX + "/hand-over", body=HandoverInput, returns=WholeBoxShape, errors=STEP_ERRORS, headers=("ETag",), right=Action.SPECIMEN_SEND
)
async def hand_over(call: Call[HandoverInput]) -> web.Response:
    """Give the box to a courier: the giver's side."""
    body = call.body
    arguments = (call.person, call.path("box_id"), "hand-over", body.courier, body.seal, body.at, version_of(call))
    await execute(call.application, boxes.give_box, *arguments)
    return await _whole(call)


@operation(
    "POST",
    BOX + "/take-over",
    body=HandoverInput,
    returns=WholeBoxShape,
    errors=STEP_ERRORS,
    headers=("ETag",),
    right=Action.SPECIMEN_CARRY,
)
async def take_over(call: Call[HandoverInput]) -> web.Response:
    """Take the box over: the taker's side."""
    body = call.body
    arguments = (call.person, call.path("box_id"), body.courier, body.seal, body.at, version_of(call))
    await execute(call.application, boxes.take_box, *arguments)
    return await _whole(call)


@operation("POST", BOX + "/reconcile", returns=WholeBoxShape, errors=STEP_ERRORS, headers=("ETag",))
async def reconcile(call: Call[Nothing]) -> web.Response:
    """Close the receipt: every tube of the manifest has a condition."""
    await execute(call.application, receipt.reconcile_box, call.person, call.path("box_id"), version_of(call))
    return await _whole(call)


@operation(
    "POST", BOX + "/cancel", body=ReasonInput, returns=WholeBoxShape, errors=STEP_ERRORS, headers=("ETag",), right=Action.SPECIMEN_SEND
)
async def cancel(call: Call[ReasonInput]) -> web.Response:
    """Give a box up that has not left; its tubes are free again."""
    arguments = (call.person, call.path("box_id"), call.body.reason, version_of(call))
    await execute(call.application, boxes.cancel_box, *arguments)
    return await _whole(call)


@operation(
    "POST", BOX + "/lose", body=ReasonInput, returns=WholeBoxShape, errors=STEP_ERRORS, headers=("ETag",), right=Action.SPECIMEN_LOSE
)
async def lose(call: Call[ReasonInput]) -> web.Response:
    """Say that a box that left did not come."""
    arguments = (call.person, call.path("box_id"), call.body.reason, version_of(call))
    await execute(call.application, boxes.lose_box, *arguments)
    return await _whole(call)


@operation("GET", BOX + "/manifest.pdf", returns=bytes, errors=(403, 404), media_type="application/pdf")
async def manifest_pdf(call: Call[Nothing]) -> web.Response:
    """The manifest of a box as PDF."""
    view = await query(call.application, boxes.view_box, call.person, call.request.app[LOG_READER], call.path("box_id"))
    await record_look(call.application, call.person, Action.SPECIMEN_READ, f"box/{view.box.id}")
    region = call.application.region
    sheet = manifest_sheet(view, institution_name(region, view.box.member), institution_name(region, view.box.hub))
    return web.Response(body=await call.request.app[LABEL_PRINTER].manifest(sheet), content_type="application/pdf")


@operation("GET", BOX + "/manifest.hl7", returns=bytes, errors=(403, 404), media_type=HL7)
async def manifest_hl7(call: Call[Nothing]) -> web.Response:
    """The manifest of a box as a message OSM^R26."""
    view = await query(call.application, boxes.view_box, call.person, call.request.app[LOG_READER], call.path("box_id"))
    await record_look(call.application, call.person, Action.SPECIMEN_READ, f"box/{view.box.id}")
    zone = call.application.region.network.zone
    control_id = new_id()[:20]
    content = await call.request.app[LABEL_PRINTER].manifest_message(view, control_id, call.application.now(), zone)
    return web.Response(body=content, content_type=HL7)

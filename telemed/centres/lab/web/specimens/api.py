"""Tubes: labelled, collected, given up, rejected, their labels; what waits by age, and how long the steps take."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from aiohttp import web
from pydantic import AwareDatetime, Field

from telemed.centres.lab.specimens import ages, registering
from telemed.centres.lab.specimens.containers import CONTAINERS
from telemed.centres.lab.specimens.domain import MAX_CONTAINERS
from telemed.centres.lab.specimens.receipt import reject_specimen
from telemed.centres.lab.specimens.registering import SpecimenView, Wanted
from telemed.centres.lab.web.specimens.keys import LABEL_PRINTER, LOG_READER
from telemed.centres.lab.web.specimens.labels import label_line
from telemed.centres.lab.web.specimens.shapes import (
    ContainerListShape,
    ContainerShape,
    SpecimenListShape,
    SpecimenShape,
    StageListShape,
    StageShape,
    TurnaroundListShape,
    TurnaroundShape,
    WaitingListShape,
    WaitingShape,
    specimen_shape,
)
from telemed.domain.errors import FieldError, Invalid
from telemed.domain.policy import Action
from telemed.service.execution import execute, query, record_look
from telemed.web.api.cases import CASE
from telemed.web.api.inputs import Input, Nothing
from telemed.web.api.operation import Call, answer, operation
from telemed.web.i18n import gettext

SPECIMEN = "/lab/specimens/{number}"
MAX_ITEMS = 200
ZPL = "application/zpl"

Item = Annotated[str, Field(min_length=1, max_length=16)]


class ContainerInput(Input):
    """A kind of container, and the tests that are asked of it."""

    kind: Annotated[str, Field(min_length=1, max_length=16)]
    items: Annotated[list[Item], Field(max_length=MAX_ITEMS)] = Field(default=[])


class RegisterInput(Input):
    """Containers, or tests of the catalogue from which they follow. `key` is the sender's own name of this request."""

    containers: Annotated[list[ContainerInput], Field(max_length=MAX_CONTAINERS)] = Field(default=[])
    items: Annotated[list[Item], Field(max_length=MAX_ITEMS)] = Field(default=[])
    collected_at: AwareDatetime | None = None
    key: Annotated[str, Field(max_length=64)] = ""


class CollectInput(Input):
    """When the tube was filled; now where nothing is said."""

    at: AwareDatetime | None = None


class RejectInput(Input):
    """A code of HL7 table 0490."""

    reason: Annotated[str, Field(min_length=1, max_length=16)]


class IdentityInput(Input):
    """Whether the tube is the case's patient's after all, and why."""

    same_person: bool
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class ItemsQuery(Input):
    """Codes of tests with commas between."""

    items: Annotated[str, Field(max_length=4000)] = ""


class LabelsQuery(Input):
    """Numbers with commas between; a `sheet` is A4, a `roll` one label a page."""

    numbers: Annotated[str, Field(min_length=1, max_length=2000)]
    form: Annotated[str, Field(pattern="^(sheet|roll)$")] = "roll"


class MonthOfQuery(Input):
    month: Annotated[str, Field(pattern=r"^20\d\d-(0[1-9]|1[0-2])$")]


async def _views(call: Call[Nothing], numbers: list[str]) -> list[SpecimenView]:
    return [await query(call.application, registering.view_specimen, call.person, number) for number in numbers]


async def _view(call: Call[Any]) -> web.Response:
    view = await query(call.application, registering.view_specimen, call.person, call.path("number"))
    return answer(specimen_shape(view))


@operation(
    "POST",
    CASE + "/specimens",
    body=RegisterInput,
    returns=SpecimenListShape,
    status=201,
    errors=(403, 404, 409, 422),
    right=Action.SPECIMEN_REGISTER,
)
async def register(call: Call[RegisterInput]) -> web.Response:
    """Give each container a number, for a label. The same request (`key`) again gives the same numbers."""
    body, reader = call.body, call.request.app[LOG_READER]
    wanted = [Wanted(each.kind, tuple(each.items)) for each in body.containers]
    wanted += [Wanted(*asked) for asked in registering.propose(reader, body.items)]
    arguments = (call.person, call.case_id, wanted, body.collected_at, body.key)
    await execute(call.application, registering.register_specimens, *arguments)
    views = await query(call.application, registering.view_case_specimens, call.person, call.case_id)
    made = [view for view in views if not body.key or view.specimen.request_key == body.key]
    newest = max((view.specimen.created_at for view in made), default=None)
    return answer(SpecimenListShape(items=[specimen_shape(view) for view in made if view.specimen.created_at == newest]), 201)


@operation("GET", CASE + "/specimens", returns=SpecimenListShape, errors=(403, 404))
async def of_case(call: Call[Nothing]) -> web.Response:
    """The tubes of a case, and why their results are held."""
    views = await query(call.application, registering.view_case_specimens, call.person, call.case_id)
    await record_look(call.application, call.person, Action.SPECIMEN_READ, f"case/{call.case_id}")
    return answer(SpecimenListShape(items=[specimen_shape(view) for view in views]))


@operation("GET", "/lab/containers", query=ItemsQuery, returns=ContainerListShape, errors=(422,))
async def containers(call: Call[Nothing]) -> web.Response:
    """The containers that tests ask for, in the order of draw; without tests every kind."""
    asked: ItemsQuery = call.query
    items = [item.strip() for item in asked.items.split(",") if item.strip()]
    wanted = registering.propose(call.request.app[LOG_READER], items) if items else [(kind, ()) for kind in CONTAINERS]
    found = []
    for kind, tests in wanted:
        row = CONTAINERS[kind]
        cap = gettext(row.cap) if row.cap else ""
        millilitres, tests_of = row.millilitres, list(tests)
        found.append(ContainerShape(kind=kind, name=gettext(row.name), cap=cap, order=row.order, millilitres=millilitres, items=tests_of))
    return answer(ContainerListShape(items=found))


@operation("GET", SPECIMEN, returns=SpecimenShape, errors=(403, 404))
async def specimen(call: Call[Nothing]) -> web.Response:
    """One tube, and why its results are held."""
    found = await _view(call)
    await record_look(call.application, call.person, Action.SPECIMEN_READ, f"specimen/{call.path('number')}")
    return found


async def _labels(call: Call[Nothing], numbers: list[str], form: str) -> bytes:
    views = await _views(call, numbers)
    await record_look(call.application, call.person, Action.SPECIMEN_READ, f"specimen/{numbers[0]}")
    lines, printer = [label_line(view) for view in views], call.request.app[LABEL_PRINTER]
    if form == "zpl":
        return printer.zpl(lines)
    return await (printer.sheet(lines) if form == "sheet" else printer.roll(lines))


@operation("GET", SPECIMEN + "/label.pdf", returns=bytes, errors=(403, 404), media_type="application/pdf")
async def label_pdf(call: Call[Nothing]) -> web.Response:
    """The label of a tube as PDF, again and again under the same number."""
    return web.Response(body=await _labels(call, [call.path("number")], "roll"), content_type="application/pdf")


@operation("GET", SPECIMEN + "/label.zpl", returns=bytes, errors=(403, 404), media_type=ZPL)
async def label_zpl(call: Call[Nothing]) -> web.Response:
    """The label of a tube for a printer of labels (ZPL II)."""
    return web.Response(body=await _labels(call, [call.path("number")], "zpl"), content_type=ZPL)


@operation(
    "GET",
    "/lab/labels.pdf",
    query=LabelsQuery,
    returns=bytes,
    errors=(403, 404, 422),
    media_type="application/pdf",
    right=Action.SPECIMEN_READ,
)
async def labels_pdf(call: Call[Nothing]) -> web.Response:
    """The labels of several tubes: a roll, or sheets of A4."""
    asked: LabelsQuery = call.query
    numbers = [number.strip() for number in asked.numbers.split(",") if number.strip()]
    if not 1 <= len(numbers) <= MAX_CONTAINERS:
        raise Invalid(FieldError("numbers", "too-many", str(MAX_CONTAINERS)))
    return web.Response(body=await _labels(call, numbers, asked.form), content_type="application/pdf")


@operation(
    "POST", SPECIMEN + "/collect", body=CollectInput, returns=SpecimenShape, errors=(403, 404, 409, 422), right=Action.SPECIMEN_COLLECT
)
async def collect(call: Call[CollectInput]) -> web.Response:
    """Say that the tube was filled."""
    await execute(call.application, registering.collect_specimen, call.person, call.path("number"), call.body.at)
    return await _view(call)


@operation("POST", SPECIMEN + "/void", returns=SpecimenShape, errors=(403, 404, 409))
async def void(call: Call[Nothing]) -> web.Response:
    """Say that a label is not used."""
    await execute(call.application, registering.void_specimen, call.person, call.path("number"))
    return await _view(call)


@operation("POST", SPECIMEN + "/reject", body=RejectInput, returns=SpecimenShape, errors=(403, 404, 409, 422), right=Action.SPECIMEN_REJECT)
async def reject(call: Call[RejectInput]) -> web.Response:
    """Reject a tube with a reason of HL7 table 0490: its sender before it left, the hub after it came."""
    await execute(call.application, reject_specimen, call.person, call.path("number"), call.body.reason)
    return await _view(call)


@operation(
    "POST", SPECIMEN + "/identity", body=IdentityInput, returns=SpecimenShape, errors=(403, 404, 409, 422), right=Action.SPECIMEN_IDENTIFY
)
async def identity(call: Call[IdentityInput]) -> web.Response:
    """The tube names another patient: say that it is the same person after all, or that it is not; then it is rejected."""
    body = call.body
    await execute(call.application, registering.settle_label, call.person, call.path("number"), body.same_person, body.reason)
    return await _view(call)


@operation("GET", "/lab/waiting", returns=StageListShape, errors=(403,))
async def stages(call: Call[Nothing]) -> web.Response:
    """How much waits at each stage between the order and the report that is read."""
    found = await query(call.application, ages.count_stages, call.person)
    items = [
        StageShape(
            stage=each.stage.code,
            name=gettext(each.stage.name),
            owner=each.stage.owner,
            waiting=each.waiting,
            late=each.late,
            late_hours=each.stage.late_after.total_seconds() / 3600,
        )
        for each in found
    ]
    return answer(StageListShape(items=items))


@operation("GET", "/lab/waiting/{stage}", returns=WaitingListShape, errors=(403, 404, 422))
async def waiting(call: Call[Nothing]) -> web.Response:
    """What waits at a stage, the oldest first."""
    stage, found = await query(call.application, ages.waiting_at, call.person, call.path("stage"))
    await record_look(call.application, call.person, Action.SPECIMEN_LIST, f"lab-waiting/{stage.code}")
    late: datetime = call.application.now() - stage.late_after
    items = [
        WaitingShape(kind=each.kind, name=each.name, member=each.member, hub=each.hub, since=each.since, late=each.since < late)
        for each in found
    ]
    return answer(WaitingListShape(items=items))


@operation("GET", "/lab/turnaround", query=MonthOfQuery, returns=TurnaroundListShape, errors=(403, 422), right=Action.SPECIMEN_LIST)
async def turnaround(call: Call[Nothing]) -> web.Response:
    """How long the steps took of tubes that were received in a month."""
    asked: MonthOfQuery = call.query
    year, month = (int(part) for part in asked.month.split("-"))
    found = await query(call.application, ages.turnaround, call.person, year, month)
    items = [
        TurnaroundShape(
            step=each.step,
            name=gettext(ages.STEPS[each.step]),
            tubes=each.tubes,
            p50_hours=round(each.p50, 2),
            p90_hours=round(each.p90, 2),
        )
        for each in found
    ]
    return answer(TurnaroundListShape(items=items))

"""ECG recordings: what was read of them, samples by range, a reader's edits of long ones.

The list and the results are looks at patient data and are put on record; samples are fetched many times a minute by a
page that has asked for the list, so they are authorised each time and not recorded each time.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from telemed.centres.ecg import service as ecg_reading
from telemed.centres.ecg.domain import Edit, EditKind, Tracing
from telemed.centres.ecg.web.keys import TRACING_READER
from telemed.domain.permissions import CaseAction
from telemed.domain.policy import Action
from telemed.service.execution import execute, query, record_look
from telemed.web.api.cases import CASE
from telemed.web.api.inputs import Input, Nothing
from telemed.web.api.operation import Call, answer, operation
from telemed.web.api.shapes import Shape

TRACING = CASE + "/tracings/{tracing_id}"


class LevelShape(Shape):
    """A level of the pyramid: samples a bin, number of bins."""

    samples: int
    count: int


class CriticalHitShape(Shape):
    code: str
    value: float
    unit: str
    finding: str


class TracingShape(Shape):
    """A recording. `kind` is resting, holter or unreadable; `proposal` holds for nothing until a report is signed."""

    id: str
    case_id: str
    evidence_id: str
    kind: str
    format: str
    started_at: datetime | None
    duration: float
    rate: float
    samples: int
    leads: list[str]
    levels: list[LevelShape]
    filters: list[dict[str, Any]]
    proposal: dict[str, Any]
    critical: list[CriticalHitShape]
    reason: str
    analysed_at: datetime


class TracingListShape(Shape):
    """`earlier` are recordings of the same patient's earlier cases, newest first."""

    items: list[TracingShape]
    earlier: list[TracingShape]
    next: str | None = None


class EditShape(Shape):
    number: int
    kind: str
    detail: dict[str, Any]
    by: str
    at: datetime
    undone_by: str | None
    undone_at: datetime | None


class EditListShape(Shape):
    items: list[EditShape]
    next: str | None = None


class SamplesQuery(BaseModel):
    """A stretch of a level. `leads` are names with commas; empty: all."""

    model_config = ConfigDict(extra="forbid")

    level: Annotated[int, Field(ge=0, le=20)] = 0
    first: Annotated[int, Field(ge=0, le=2**40)] = 0
    count: Annotated[int, Field(ge=1, le=2**40)] = 5000
    leads: Annotated[str, Field(max_length=400)] = ""


class EditInput(Input):
    """One step: a template or a beat is given a class, or a strip goes into the report."""

    kind: Literal["template", "beat", "strip"]
    detail: Annotated[dict[str, str | int | float], Field(max_length=5)]


class UndoInput(Input):
    """Which edit to take back; without a number the last one."""

    number: Annotated[int, Field(ge=1, le=10**6)] | None = None


def tracing_shape(call: Call[Any], tracing: Tracing) -> TracingShape:
    reader = call.request.app[TRACING_READER]
    return TracingShape(
        id=tracing.id,
        case_id=tracing.case_id,
        evidence_id=tracing.evidence_id,
        kind=tracing.kind.value,
        format=tracing.format,
        started_at=tracing.started_at,
        duration=tracing.duration,
        rate=tracing.rate,
        samples=tracing.samples,
        leads=list(tracing.leads),
        levels=[LevelShape(**level) for level in reader.levels(tracing)] if tracing.readable else [],
        filters=reader.filters(tracing.rate) if tracing.readable else [],
        proposal=tracing.proposal,
        critical=[CriticalHitShape(code=hit.code, value=hit.value, unit=hit.unit, finding=hit.finding) for hit in tracing.critical],
        reason=tracing.reason,
        analysed_at=tracing.analysed_at,
    )


def edit_list(edits: list[Edit]) -> EditListShape:
    return EditListShape(
        items=[
            EditShape(
                number=e.number, kind=e.kind.value, detail=dict(e.detail), by=e.by, at=e.at, undone_by=e.undone_by, undone_at=e.undone_at
            )
            for e in edits
        ]
    )


@operation("GET", CASE + "/tracings", returns=TracingListShape, errors=(403, 404))
async def listing(call: Call[Nothing]) -> web.Response:
    """The case's ECG recordings as read, and those of the patient's earlier cases."""
    own = await query(call.application, ecg_reading.tracings_of, call.person, call.case_id)
    await record_look(call.application, call.person, Action.EVIDENCE_READ, f"case/{call.case_id}")
    earlier = await ecg_reading.earlier_tracings(call.application, call.person, call.case_id)
    shown = [tracing_shape(call, tracing) for tracing in own]
    return answer(TracingListShape(items=shown, earlier=[tracing_shape(call, tracing) for tracing in earlier]))


@operation("GET", TRACING, returns=dict, errors=(403, 404))
async def results(call: Call[Nothing]) -> web.Response:
    """Everything that was found: beats, the median beat; of a long recording hours, events, templates, trends, after edits."""
    tracing, edits = await _one(call)
    await record_look(call.application, call.person, Action.EVIDENCE_READ, f"case/{call.case_id}")
    found = await call.request.app[TRACING_READER].results(tracing, edits)
    return web.Response(body=found, content_type="application/json")


@operation(
    "GET",
    TRACING + "/samples",
    query=SamplesQuery,
    returns=bytes,
    errors=(403, 404, 422),
    media_type="application/octet-stream",
    right=Action.EVIDENCE_READ,
)
async def samples(call: Call[Nothing]) -> web.Response:
    """A stretch of samples: int16 of a microvolt, lead after lead; lowest and highest a bin on the coarser levels."""
    tracing, _ = await _one(call)
    wanted: SamplesQuery = call.query
    leads = [lead for lead in wanted.leads.split(",") if lead]
    content = await call.request.app[TRACING_READER].samples(tracing, wanted.level, wanted.first, wanted.count, leads)
    return web.Response(body=content, content_type="application/octet-stream")


@operation("GET", TRACING + "/beats", returns=bytes, errors=(403, 404), media_type="application/octet-stream")
async def beats(call: Call[Nothing]) -> web.Response:
    """Beats of a long recording: uint32 samples of all, then a letter (AAMI class) of each, then a template number of each."""
    tracing, _ = await _one(call)
    content = await call.request.app[TRACING_READER].beats(tracing)
    return web.Response(body=content, content_type="application/octet-stream")


@operation("GET", TRACING + "/edits", returns=EditListShape, errors=(403, 404))
async def edits(call: Call[Nothing]) -> web.Response:
    """Readers' edits of the recording, in order; steps that were taken back say by whom."""
    _, made = await _one(call)
    return answer(edit_list(made))


@operation(
    "POST", TRACING + "/edits", body=EditInput, returns=EditListShape, status=201, errors=(403, 404, 409, 422), right=CaseAction.WRITE
)
async def edit(call: Call[EditInput]) -> web.Response:
    """Give a template or a beat a class, or choose a strip for the report."""
    arguments = (call.case_id, call.path("tracing_id"), EditKind(call.body.kind), call.body.detail)
    _, made = await execute(call.application, ecg_reading.edit_recording, call.person, *arguments)
    return answer(edit_list(made), 201)


@operation("POST", TRACING + "/edits/undo", body=UndoInput, returns=EditListShape, errors=(403, 404, 409, 422), right=CaseAction.WRITE)
async def undo(call: Call[UndoInput]) -> web.Response:
    """Take back the last edit, or one by its number."""
    arguments = (call.case_id, call.path("tracing_id"), call.body.number)
    _, made = await execute(call.application, ecg_reading.take_edit_back, call.person, *arguments)
    return answer(edit_list(made))


async def _one(call: Call[Any]) -> tuple[Tracing, list[Edit]]:
    return await query(call.application, ecg_reading.tracing_of, call.person, call.case_id, call.path("tracing_id"))

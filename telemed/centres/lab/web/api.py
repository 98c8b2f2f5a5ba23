"""Laboratory messages as they came, results with their versions, and senders' codes that people map."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import Field

from telemed.centres.lab import arrival, replay, service
from telemed.centres.lab.domain import LabMessage, MessageState, OpenMapping, Result, ResultCode
from telemed.centres.lab.ports import MessageFilter
from telemed.centres.lab.web.keys import MESSAGE_READER
from telemed.domain.policy import Action
from telemed.service.execution import execute, query, record_look
from telemed.web.api.cases import CASE
from telemed.web.api.inputs import Input, Nothing
from telemed.web.api.operation import Call, answer, operation
from telemed.web.api.shapes import Shape

MESSAGES = "/lab/messages"
MESSAGE = MESSAGES + "/{message_id}"


class MessageShape(Shape):
    """A message as it came, without its content. `answer` is MSA-1 of what it was answered with."""

    id: str
    application: str
    sender: str
    control_id: str
    type: str
    state: str
    reason: str
    answer: str
    size: int
    received_at: datetime
    replayed_at: datetime | None


class MessageListShape(Shape):
    items: list[MessageShape]
    next: str | None = None


class CountShape(Shape):
    count: int


class MessagesQuery(Input):
    """Without a state those that were accepted. `count` asks for how many there are."""

    sender: Annotated[str, Field(max_length=64)] = ""
    control_prefix: Annotated[str, Field(max_length=64)] = ""
    state: Literal["accepted", "quarantined", "refused"] | None = None
    count: bool = False
    cursor: Annotated[str, Field(max_length=32)] = ""


class ReplayInput(Input):
    """`character_set` (HL7 table 0211, or GBK, GB2312, UTF-8) replaces what MSH-18 says; empty: as it says."""

    character_set: Annotated[str, Field(max_length=40)] = ""


class CodeShape(Shape):
    """Codes of a test: WS/T 886-2026, LOINC, and the sender's own; empty where there is none."""

    wst886: str
    loinc: str
    local: str


class ResultShape(Shape):
    """A result. `value` is its number (null: it has none), `text` what a person reads, `as_sent` OBX-5 as it was sent."""

    id: str
    code: CodeShape
    name: str
    value: float | None
    comparator: str
    text: str
    as_sent: str
    unit: str
    range: str
    flag: str
    status: str
    version: int
    observed_at: datetime | None
    reported_at: datetime
    member: str
    order_number: str
    specimen: str
    unmapped: bool


class ResultListShape(Shape):
    items: list[ResultShape]
    next: str | None = None


class CaseResultsShape(Shape):
    """Results of a case's orders; `earlier` has, by result, the same test of the same patient before, oldest first."""

    items: list[ResultShape]
    earlier: dict[str, list[ResultShape]]


class ResultsQuery(Input):
    """A member's patient by the member's own number; `code` is any code of a test."""

    member: Annotated[str, Field(min_length=1, max_length=16)]
    patient: Annotated[str, Field(min_length=1, max_length=64)]
    code: Annotated[str, Field(max_length=64)] = ""


class SuggestionShape(Shape):
    item: str
    name: str


class MappingShape(Shape):
    """A sender's code that the catalogue does not know, what it looked like, and tests that it may be."""

    member: str
    code: str
    name: str
    unit: str
    specimen: str
    range: str
    seen: int
    first_at: datetime
    last_at: datetime
    item: str
    suggestions: list[SuggestionShape]


class MappingListShape(Shape):
    items: list[MappingShape]
    next: str | None = None


class MappingsQuery(Input):
    """`state` open: those that nobody has decided."""

    state: Literal["open", "all"] = "all"


class MappingInput(Input):
    """Which test of the catalogue a sender's code is: its WS/T 886 or LOINC code."""

    member: Annotated[str, Field(min_length=1, max_length=16)]
    code: Annotated[str, Field(min_length=1, max_length=64)]
    item: Annotated[str, Field(min_length=1, max_length=16)]


class NamedShape(Shape):
    """How many results have the chosen code now."""

    results: int


def message_shape(message: LabMessage) -> MessageShape:
    return MessageShape(
        id=message.id,
        application=message.application,
        sender=message.sender,
        control_id=message.control_id,
        type=message.type,
        state=message.state.value,
        reason=message.reason,
        answer=message.answer_code,
        size=message.size,
        received_at=message.received_at,
        replayed_at=message.replayed_at,
    )


def result_shape(result: Result) -> ResultShape:
    code, value = result.code, result.value
    return ResultShape(
        id=result.id,
        code=CodeShape(wst886=code.wst886, loinc=code.loinc, local=code.local),
        name=result.name,
        value=value.number,
        comparator=value.comparator,
        text=value.text,
        as_sent=value.as_sent,
        unit=value.unit,
        range=value.range,
        flag=value.flag,
        status=result.status.value,
        version=result.version,
        observed_at=result.observed_at,
        reported_at=result.reported_at,
        member=result.member,
        order_number=result.order_number,
        specimen=result.specimen,
        unmapped=not code.known,
    )


@operation("GET", MESSAGES, query=MessagesQuery, returns=MessageListShape | CountShape, errors=(403, 404), right=Action.MESSAGE_READ)
async def messages(call: Call[Nothing]) -> web.Response:
    """Messages of members' systems, newest first: who sent what, and what became of it."""
    asked: MessagesQuery = call.query
    wanted = MessageFilter(asked.sender, asked.control_prefix, MessageState(asked.state) if asked.state else None)
    if asked.count:
        return answer(CountShape(count=await query(call.application, service.count_messages, call.person, wanted)))
    found, following = await query(call.application, service.messages_of, call.person, wanted, asked.cursor)
    return answer(MessageListShape(items=[message_shape(each) for each in found], next=following))


@operation("GET", MESSAGE + "/raw", returns=bytes, errors=(403, 404), media_type="application/octet-stream")
async def raw(call: Call[Nothing]) -> web.Response:
    """The bytes of a message as they came. The look is on record."""
    message = await execute(call.application, service.message_of, call.person, call.path("message_id"))
    content = await call.request.app[MESSAGE_READER].content(message)
    headers = {"Content-Disposition": f'attachment; filename="{message.id}.hl7"'}
    return web.Response(body=content, content_type="application/octet-stream", headers=headers)


@operation("POST", MESSAGE + "/replay", body=ReplayInput, returns=MessageShape, errors=(403, 404, 409), right=Action.MESSAGE_REPLAY)
async def replay_message(call: Call[ReplayInput]) -> web.Response:
    """Read a message that lies aside once more, after what was wrong is mended."""
    reader = call.request.app[MESSAGE_READER]
    message = await replay.replay(call.application, reader, call.person, call.path("message_id"), call.body.character_set)
    return answer(message_shape(message))


@operation("GET", "/lab/results", query=ResultsQuery, returns=ResultListShape, errors=(403, 404), right=Action.RESULT_READ)
async def results(call: Call[Nothing]) -> web.Response:
    """What is known of a patient: all that counts now, newest first."""
    asked: ResultsQuery = call.query
    found = await service.results_of(call.application, call.person, asked.member, asked.patient, asked.code)
    await record_look(call.application, call.person, Action.RESULT_READ, f"patient/{asked.member}")
    return answer(ResultListShape(items=[result_shape(each) for each in found]))


@operation("GET", "/lab/results/{result_id}/versions", returns=ResultListShape, errors=(403, 404))
async def versions(call: Call[Nothing]) -> web.Response:
    """Everything that was said of a result, oldest first."""
    found = await query(call.application, service.versions_of, call.person, call.path("result_id"))
    await record_look(call.application, call.person, Action.RESULT_READ, f"result/{call.path('result_id')}")
    return answer(ResultListShape(items=[result_shape(each) for each in found]))


@operation("GET", CASE + "/lab-results", returns=CaseResultsShape, errors=(403, 404))
async def case_results(call: Call[Nothing]) -> web.Response:
    """Results of a case's orders, each with what the same test said before."""
    found, before = await query(call.application, arrival.read_case_results, call.person, call.case_id)
    await record_look(call.application, call.person, Action.EVIDENCE_READ, f"case/{call.case_id}")
    earlier = {key: [result_shape(each) for each in known] for key, known in before.items()}
    return answer(CaseResultsShape(items=[result_shape(each) for each in found], earlier=earlier))


@operation("GET", "/lab/mappings", query=MappingsQuery, returns=MappingListShape, errors=(403,), right=Action.MAPPING_DECIDE)
async def mappings(call: Call[Nothing]) -> web.Response:
    """Senders' codes that the catalogue does not know, last seen first."""
    asked: MappingsQuery = call.query
    found = await query(call.application, service.mappings_of, call.person, asked.state == "open")
    return answer(MappingListShape(items=[_mapping_shape(call, each) for each in found]))


def _mapping_shape(call: Call[Any], mapping: OpenMapping) -> MappingShape:
    likely = [] if mapping.item else call.request.app[MESSAGE_READER].suggestions(mapping)
    return MappingShape(
        member=mapping.member,
        code=mapping.code,
        name=mapping.name,
        unit=mapping.unit,
        specimen=mapping.specimen,
        range=mapping.range,
        seen=mapping.seen,
        first_at=mapping.first_at,
        last_at=mapping.last_at,
        item=mapping.item,
        suggestions=[SuggestionShape(item=item, name=name) for item, name in likely],
    )


@operation("POST", "/lab/mappings", body=MappingInput, returns=NamedShape, errors=(403, 404, 422), right=Action.MAPPING_DECIDE)
async def map_code(call: Call[MappingInput]) -> web.Response:
    """Say which test a sender's code is: it holds for what came and for what comes."""
    code = call.request.app[MESSAGE_READER].item(call.body.item) or ResultCode()
    arguments = (call.person, call.body.member, call.body.code, code)
    return answer(NamedShape(results=await execute(call.application, service.decide_mapping, *arguments)))

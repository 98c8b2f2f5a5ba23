"""Retention: what is due for erasure, holds, and requests that one person makes and another confirms. No clinical data."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field, StringConstraints

from telemed.domain.policy import Action
from telemed.domain.retention import AT_ONCE, OPEN_FOR, ErasureRequest, Hold, RecordKind, Retained, RetentionRule
from telemed.service import retention
from telemed.service.execution import execute, query
from telemed.service.ports.retention import Tombstone
from telemed.service.retention import Overview
from telemed.web.api.inputs import NO_NUL, Code, Input, Nothing, Reason, WithReason
from telemed.web.api.operation import Call, answer, operation
from telemed.web.api.shapes import Shape
from telemed.web.i18n import gettext
from telemed.web.labels.retention import source_text

Month = Annotated[str, StringConstraints(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
Subject = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}([0-9a-f]{32})?$")]


class DueQuery(Input):
    kind: RecordKind
    month: Month | Literal[""] = ""


class ErasureInput(Input):
    """Either the records that are named, or all that became due in the month."""

    kind: RecordKind
    subjects: Annotated[tuple[Subject, ...], Field(max_length=AT_ONCE)] = ()
    month: Month | Literal[""] = ""
    reason: Reason


class HoldInput(Input):
    kind: Literal["case", "patient"]
    member: Code
    number: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=16, pattern=NO_NUL)]
    reason: Reason
    until: date | Literal[""] | None = None


class RuleShape(Shape):
    """`years` None: never due. `basis`: law, unconfirmed, practice."""

    name: str
    what: str
    years: int | None
    since: str
    source: str
    basis: str


class DueGroupShape(Shape):
    kind: str
    month: str
    count: int


class DueShape(Shape):
    """A record that is due, by an id that names nobody."""

    kind: str
    subject: str
    member: str
    centre: str
    kept_until: date


class DueListShape(Shape):
    items: list[DueShape]
    next: str | None = None


class HoldShape(Shape):
    id: str
    kind: str
    subject: str
    reason: str
    set_by: str
    set_at: datetime
    until: date | None
    lifted_by: str | None
    lifted_at: datetime | None


class ErasureRequestShape(Shape):
    """A request; it can be confirmed until `until`, while `open` is true. Of its `records` so many are `erased`, or `kept` after all."""

    id: str
    kind: str
    state: str
    records: int
    erased: int
    kept: int
    reason: str
    asked_by: str
    asked_at: datetime
    until: datetime
    open: bool
    decided_by: str | None
    decided_at: datetime | None
    done_at: datetime | None


class TombstoneShape(DueShape):
    """What is left of an erased record: `counts` of rows and objects, the SHA-256 over the sorted digests of its contents."""

    state: str
    erased_at: datetime | None
    counts: dict[str, int]
    digest: str


class TombstoneListShape(Shape):
    items: list[TombstoneShape]
    next: str | None = None


class ReturnShape(Shape):
    """A study that came again after it was erased: it is new data."""

    member: str
    erased_at: datetime
    came_again_at: datetime


class RetentionShape(Shape):
    rules: list[RuleShape]
    due: list[DueGroupShape]
    holds: list[HoldShape]
    requests: list[ErasureRequestShape]
    came_again: list[ReturnShape]


def _rule(rule: RetentionRule, years: int | None) -> RuleShape:
    said = {"what": gettext(rule.what), "since": gettext(rule.since), "source": source_text(rule)}
    return RuleShape(name=rule.name, years=years, basis=rule.basis.value, **said)


def _due(record: Retained) -> DueShape:
    return DueShape(
        kind=record.kind.value, subject=record.subject, member=record.member, centre=record.centre, kept_until=record.kept_until
    )


def _hold(hold: Hold) -> HoldShape:
    return HoldShape(
        id=hold.id,
        kind=hold.kind.value,
        subject=hold.subject,
        reason=hold.reason,
        set_by=hold.set_by,
        set_at=hold.set_at,
        until=hold.until,
        lifted_by=hold.lifted_by or None,
        lifted_at=hold.lifted_at,
    )


def request_shape(request: ErasureRequest, now: datetime) -> ErasureRequestShape:
    return ErasureRequestShape(
        id=request.id,
        kind=request.kind.value,
        state=request.state.value,
        records=request.records,
        erased=request.erased,
        kept=request.kept,
        reason=request.reason,
        asked_by=request.asked_by,
        asked_at=request.asked_at,
        until=request.asked_at + OPEN_FOR,
        open=request.open(now),
        decided_by=request.decided_by or None,
        decided_at=request.decided_at,
        done_at=request.done_at,
    )


def _tombstone(stone: Tombstone) -> TombstoneShape:
    return TombstoneShape(
        kind=stone.kind.value,
        subject=stone.subject,
        member=stone.member,
        centre=stone.centre,
        kept_until=stone.kept_until,
        state=stone.state.value,
        erased_at=stone.erased_at,
        counts=dict(stone.counts),
        digest=stone.digest,
    )


def retention_shape(found: Overview, now: datetime) -> RetentionShape:
    return RetentionShape(
        rules=[_rule(rule, years) for rule, years in found.rules],
        due=[DueGroupShape(kind=group.kind.value, month=group.month, count=group.count) for group in found.due],
        holds=[_hold(hold) for hold in found.holds],
        requests=[request_shape(request, now) for request in found.requests],
        came_again=[ReturnShape(**each) for each in found.came_again],
    )


@operation("GET", "/retention", returns=RetentionShape, errors=(403,), right=Action.RETENTION_READ)
async def overview(call: Call[Nothing]) -> web.Response:
    """How long what is kept and by which source; what is due by kind and month; holds; requests of the last year."""
    found = await query(call.application, retention.overview, call.person)
    return answer(retention_shape(found, call.application.now()))


@operation("GET", "/retention/due", query=DueQuery, returns=DueListShape, errors=(403,), right=Action.RETENTION_READ)
async def due(call: Call[Nothing]) -> web.Response:
    """Records of a kind whose period is over, by ids that name nobody; with `month` those whose period ended then."""
    found = await query(call.application, retention.due, call.person, call.query.kind, call.query.month)
    return answer(DueListShape(items=[_due(record) for record in found]))


@operation(
    "POST",
    "/retention/erasures",
    body=ErasureInput,
    returns=ErasureRequestShape,
    status=201,
    errors=(403, 404, 409),
    right=Action.ERASURE_ASK,
)
async def ask(call: Call[ErasureInput]) -> web.Response:
    """Ask that records be erased after their period. Another administrator confirms it."""
    body = call.body
    made = await execute(call.application, retention.ask, call.person, body.kind, body.subjects, body.month, body.reason)
    return answer(request_shape(made, call.application.now()), status=201)


@operation("GET", "/retention/erasures/{erasure}", returns=TombstoneListShape, errors=(403, 404))
async def tombstones(call: Call[Nothing]) -> web.Response:
    """What a request names, and what became of each record: tombstones."""
    found = await query(call.application, retention.tombstones, call.person, call.path("erasure"))
    return answer(TombstoneListShape(items=[_tombstone(stone) for stone in found]))


@operation("POST", "/retention/erasures/{erasure}/confirm", returns=ErasureRequestShape, errors=(403, 404, 409))
async def confirm(call: Call[Nothing]) -> web.Response:
    """Confirm what another administrator asked. The worker erases it: it cannot be taken back."""
    done = await execute(call.application, retention.confirm, call.person, call.path("erasure"))
    return answer(request_shape(done, call.application.now()))


@operation(
    "POST",
    "/retention/erasures/{erasure}/withdraw",
    body=WithReason,
    returns=ErasureRequestShape,
    errors=(403, 404, 409),
    right=Action.ERASURE_ASK,
)
async def withdraw(call: Call[WithReason]) -> web.Response:
    """Take back what one asked: nothing is erased."""
    done = await execute(call.application, retention.withdraw, call.person, call.path("erasure"), call.body.reason)
    return answer(request_shape(done, call.application.now()))


@operation(
    "POST",
    "/retention/erasures/{erasure}/decline",
    body=WithReason,
    returns=ErasureRequestShape,
    errors=(403, 404, 409),
    right=Action.ERASURE_CONFIRM,
)
async def decline(call: Call[WithReason]) -> web.Response:
    """Refuse to confirm: nothing is erased."""
    done = await execute(call.application, retention.decline, call.person, call.path("erasure"), call.body.reason)
    return answer(request_shape(done, call.application.now()))


@operation("POST", "/retention/holds", body=HoldInput, returns=HoldShape, status=201, errors=(403, 404), right=Action.HOLD_SET)
async def set_hold(call: Call[HoldInput]) -> web.Response:
    """Hold a case by its accession number, or its patient with all cases: nothing of it is erased while the hold stands."""
    body = call.body
    about = (RecordKind(body.kind), body.member, body.number, body.reason, body.until or None)
    return answer(_hold(await execute(call.application, retention.set_hold, call.person, *about)), status=201)


@operation("POST", "/retention/holds/{hold}/lift", body=WithReason, returns=HoldShape, errors=(403, 404), right=Action.HOLD_SET)
async def lift_hold(call: Call[WithReason]) -> web.Response:
    """Lift a hold: what is due may be erased again."""
    return answer(_hold(await execute(call.application, retention.lift_hold, call.person, call.path("hold"), call.body.reason)))

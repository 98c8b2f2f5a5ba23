"""What is due for erasure, holds, and requests: one person asks, another confirms, the worker erases.

The system administrator asks, the security administrator confirms, the operator holds: three roles that no person has together, and
who has two all the same never confirms what they asked. None of them sees whose the records are.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from telemed.domain.errors import FieldError, Forbidden, Invalid, InvalidTransition, NotFound
from telemed.domain.jobs import JobKind
from telemed.domain.people import SYSTEM, Person
from telemed.domain.policy import Action, require
from telemed.domain.retention import (
    AT_ONCE,
    OPEN_FOR,
    QUARANTINED,
    REQUEST,
    RULES,
    ErasureRequest,
    Hold,
    RecordKind,
    Retained,
    RetentionRule,
    due_for_erasure,
    last_day,
    require_due,
)
from telemed.service.identity import new_id
from telemed.service.ports.retention import Kept, Tombstone
from telemed.service.ports.studies import StudyFacts
from telemed.service.ports.unit_of_work import UnitOfWork

LOOKED_AT: Final = 20_000
"""Records of one kind that are looked through at once, the oldest first; when they are erased the next are seen."""
SHOWN_FOR: Final = timedelta(days=365)
LATE: Final = 100
"""Studies that came again, shown at most."""


def today(work: UnitOfWork) -> date:
    return work.now.astimezone(work.region.network.zone).date()


def retained(work: UnitOfWork, kept: Kept) -> Retained:
    """Return the record with its period."""
    if kept.kind is RecordKind.QUARANTINE:
        years = work.region.retention.years_of(QUARANTINED) or 0
    else:
        years = work.region.record_years(kept.member, kept.centres)
    since = kept.since.astimezone(work.region.network.zone).date()
    centre = kept.centres[0] if len(kept.centres) == 1 else ""
    return Retained(kept.kind, kept.subject, kept.member, since, years, centre, kept.finished, kept.holds)


async def all_due(work: UnitOfWork, kind: RecordKind) -> list[Retained]:
    """Return what is due of one kind and in no request yet, the longest due first."""
    years = work.region.retention.years_of(QUARANTINED) if kind is RecordKind.QUARANTINE else work.region.retention.shortest()
    day = today(work)
    newest = datetime.combine(last_day(day, -(years or 0)) + timedelta(days=1), time.min, work.region.network.zone)
    under_way = await work.erasures.waiting_for(kind, work.now - OPEN_FOR)
    found = [retained(work, kept) for kept in await work.kept.older_than(kind, newest, LOOKED_AT)]
    due = [record for record in found if record.subject not in under_way and due_for_erasure(record, day)]
    return sorted(due, key=lambda record: (record.kept_until, record.subject))


@dataclass(frozen=True, slots=True)
class DueGroup:
    """So many records of a kind whose period ended in a month, such as `2041-03`."""

    kind: RecordKind
    month: str
    count: int


@dataclass(frozen=True, slots=True)
class Overview:
    """All of retention: `rules` with the years that hold in this region, `held` with the centre's and member's codes of each hold."""

    rules: Sequence[tuple[RetentionRule, int | None]]
    due: Sequence[DueGroup]
    holds: Sequence[Hold]
    requests: Sequence[ErasureRequest]
    came_again: Sequence[Mapping[str, Any]]


def month_of(record: Retained) -> str:
    return f"{record.kept_until:%Y-%m}"


async def overview(work: UnitOfWork, person: Person) -> Overview:
    """Return rules, what is due by kind and month, holds, requests of the last year. Raises Forbidden."""
    require(person, Action.RETENTION_READ)
    own = [rule for centre in sorted(work.region.centres.values(), key=lambda c: c.order) for rule in centre.retention]
    rules = [(rule, work.region.retention.years_of(rule)) for rule in (*RULES[:2], *own, *RULES[2:])]
    groups: Counter[tuple[RecordKind, str]] = Counter()
    for kind in RecordKind:
        groups.update((kind, month_of(record)) for record in await all_due(work, kind))
    due = [DueGroup(kind, month, count) for (kind, month), count in sorted(groups.items(), key=lambda group: (group[0][1], group[0][0]))]
    holds = [hold for hold in await work.holds.unlifted() if hold.stands(today(work))]
    requests = await work.erasures.recent(work.now - SHOWN_FOR)
    return Overview(rules, due, holds, requests, await work.erasures.came_again(LATE))


async def due(work: UnitOfWork, person: Person, kind: RecordKind, month: str) -> list[Retained]:
    """Return what of the kind became due in the month (empty: in any). Raises Forbidden."""
    require(person, Action.RETENTION_READ)
    return [record for record in await all_due(work, kind) if not month or month_of(record) == month]


async def tombstones(work: UnitOfWork, person: Person, request_id: str) -> list[Tombstone]:
    """Return what a request names, and what became of it. Raises NotFound, Forbidden."""
    require(person, Action.RETENTION_READ)
    if await work.erasures.get(request_id) is None:
        raise NotFound("erasure", request_id)
    return await work.erasures.tombstones(request_id)


async def ask(work: UnitOfWork, person: Person, kind: RecordKind, subjects: Sequence[str], month: str, reason: str) -> ErasureRequest:
    """Ask that records be erased: those that are named, or all that became due in a month (at most `AT_ONCE`, the oldest first).

    Raises Forbidden, NotFound, Invalid where nothing is named or due, NotDue before its period is over, UnderHold.
    """
    require(person, Action.ERASURE_ASK)
    if subjects:
        records = [await _may_be_erased(work, kind, subject) for subject in dict.fromkeys(subjects)]
        under_way = await work.erasures.waiting_for(kind, work.now - OPEN_FOR)
        if taken := [record.subject for record in records if record.subject in under_way]:
            raise Invalid(FieldError("subjects", "erasure-asked", taken[0]))
    else:
        records = [record for record in await all_due(work, kind) if month_of(record) == month][:AT_ONCE]
        if not records:
            raise Invalid(FieldError("month", "nothing-due"))
    request = ErasureRequest(secrets.token_hex(16), kind, person.username, work.now, reason, len(records))
    await work.erasures.add(request, records)
    detail = {"erasure": request.id, "kind": kind.value, "records": len(records), "reason": reason}
    work.outbox.audit(Action.ERASURE_ASK, person.username, person.institution, f"erasure/{request.id}", detail=detail)
    return request


async def _may_be_erased(work: UnitOfWork, kind: RecordKind, subject: str) -> Retained:
    kept = await work.kept.find(kind, subject)
    if kept is None:
        raise NotFound(kind.value, subject)
    record = retained(work, kept)
    require_due(record, today(work))
    return record


async def confirm(work: UnitOfWork, person: Person, request_id: str) -> ErasureRequest:
    """Confirm what somebody else asked: the worker erases it. Raises NotFound, Forbidden for who asked, InvalidTransition."""
    require(person, Action.ERASURE_CONFIRM)
    request = await _request(work, request_id)
    if person.username == request.asked_by:
        raise Forbidden(Action.ERASURE_CONFIRM, "own-erasure")
    state = REQUEST.next(request.state, "confirm")
    if not request.open(work.now):
        raise InvalidTransition("erasure", "over", "confirm")
    await work.erasures.decide(request_id, state, person.username, work.now)
    work.outbox.job(JobKind.ERASE, {"request": request_id}, key=f"erase:{request_id}")
    detail = {"erasure": request_id, "kind": request.kind.value, "records": request.records, "from": request.asked_by}
    work.outbox.audit(Action.ERASURE_CONFIRM, person.username, person.institution, f"erasure/{request_id}", detail=detail)
    return await _request(work, request_id)


async def withdraw(work: UnitOfWork, person: Person, request_id: str, reason: str) -> ErasureRequest:
    """Take back what was asked: nothing is erased. Raises NotFound, Forbidden, InvalidTransition."""
    return await _declined(work, person, Action.ERASURE_ASK, request_id, reason)


async def decline(work: UnitOfWork, person: Person, request_id: str, reason: str) -> ErasureRequest:
    """Refuse to confirm: nothing is erased. Raises NotFound, Forbidden, InvalidTransition."""
    return await _declined(work, person, Action.ERASURE_CONFIRM, request_id, reason)


async def _declined(work: UnitOfWork, person: Person, right: Action, request_id: str, reason: str) -> ErasureRequest:
    require(person, right)
    request = await _request(work, request_id)
    await work.erasures.decide(request_id, REQUEST.next(request.state, "decline"), person.username, work.now)
    detail = {"erasure": request_id, "kind": request.kind.value, "reason": reason}
    work.outbox.audit(right, person.username, person.institution, f"erasure/{request_id}", "declined", detail)
    return await _request(work, request_id)


async def _request(work: UnitOfWork, request_id: str) -> ErasureRequest:
    request = await work.erasures.get(request_id)
    if request is None:
        raise NotFound("erasure", request_id)
    return request


async def set_hold(work: UnitOfWork, person: Person, kind: RecordKind, member: str, number: str, reason: str, until: date | None) -> Hold:
    """Hold a case, by the member's accession number, or its patient with all cases. Raises Forbidden, NotFound, Invalid for a day that
    is over."""
    require(person, Action.HOLD_SET)
    if until is not None and until < today(work):
        raise Invalid(FieldError("until", "day-over"))
    found = await work.cases.with_accession(member, number)
    if not found:
        raise NotFound("case", number)
    subject = found[0].patient.id if kind is RecordKind.PATIENT else found[0].id
    hold = Hold(new_id(), kind, subject, reason, person.username, work.now, until)
    await work.holds.add(hold)
    detail = {"until": until.isoformat() if until else "", "reason": reason}
    work.outbox.audit(Action.HOLD_SET, person.username, person.institution, f"{kind.value}/{subject}", detail=detail)
    return hold


async def lift_hold(work: UnitOfWork, person: Person, hold_id: str, reason: str) -> Hold:
    """Lift a hold; one that is lifted already stays as it was. Raises Forbidden, NotFound."""
    require(person, Action.HOLD_SET)
    hold = await work.holds.get(hold_id)
    if hold is None:
        raise NotFound("hold", hold_id)
    if hold.lifted_at is None:
        await work.holds.lift(hold_id, person.username, work.now)
        work.outbox.audit(
            Action.HOLD_SET, person.username, person.institution, f"{hold.kind.value}/{hold.subject}", "lifted", {"reason": reason}
        )
    return await work.holds.get(hold_id) or hold


async def note_return(work: UnitOfWork, study: StudyFacts) -> None:
    """A study came: where it is one that was erased, the trail and the operator's page say so, once. It is new data."""
    erased = await work.erasures.study_came(study.owner, study.study_instance_uid, work.now)
    if erased is not None:
        detail = {"institution": study.owner, "since": erased.erased_at.isoformat()}
        work.outbox.audit("erasure:return", SYSTEM, "", f"erasure/{erased.erasure_id}", detail=detail)

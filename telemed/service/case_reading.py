"""The hub's side of a case: claimed, set aside, given back, declined, sent back for information, sent further up."""

from __future__ import annotations

from telemed.domain.case import Case, CaseStatus
from telemed.domain.errors import FieldError, Forbidden, Invalid
from telemed.domain.events import CaseEvent
from telemed.domain.people import Person
from telemed.domain.permissions import CaseAction
from telemed.domain.policy import Action, Relation, may
from telemed.domain.routing import Outcome, Rule
from telemed.service.access import case_at_hub, case_open_to, held_account, require_open
from telemed.service.ports.unit_of_work import UnitOfWork
from telemed.service.reporting import open_report
from telemed.service.routing import move_on


async def claim_case(work: UnitOfWork, person: Person, case_id: str) -> Case:
    """Take a waiting case. One of several who ask at once has it; the others learn who. Claiming twice changes nothing."""
    person = await held_account(work, person)
    case = await case_at_hub(work, person, case_id, Action.CASE_CLAIM)
    if case.claimed_by == person.username and case.status in (CaseStatus.ACCEPTED, CaseStatus.IN_PROGRESS):
        return case
    await require_open(work, person, case, CaseAction.CLAIM)
    service = work.region.network.service(case.centre, person.institution)
    cap = service.reader_cap if service else None
    if cap is not None and await work.cases.held_by(person.username) >= cap:
        raise Forbidden(Action.CASE_CLAIM, "reader-cap")
    case.apply("claim")
    case.claimed_by, case.claimed_at, case.active_at, case.accept_by = person.username, work.now, work.now, None
    case.readers = tuple(dict.fromkeys((*case.readers, person.username)))
    await open_report(work, case, person)
    await work.cases.save(case)
    work.outbox.step(case, person, CaseEvent.CLAIM, Action.CASE_CLAIM)
    return case


async def release_case(work: UnitOfWork, person: Person, case_id: str) -> Case:
    """Give the case back to the hub's worklist; a draft stays for who takes it next."""
    case = await case_open_to(work, person, case_id, CaseAction.RELEASE)
    case.apply("release")
    case.unclaim()
    await work.cases.save(case)
    work.outbox.step(case, person, CaseEvent.RELEASE, Action.CASE_RELEASE)
    return case


async def park_case(work: UnitOfWork, person: Person, case_id: str, *, parked: bool) -> Case:
    """Set a claimed case aside, or take it up again. Setting it aside keeps the claim and the clock."""
    case = await case_open_to(work, person, case_id, CaseAction.PARK if parked else CaseAction.RESUME)
    if parked != (case.parked_at is not None):
        case.parked_at = work.now if parked else None
        case.active_at = work.now
        await work.cases.save(case)
        work.outbox.step(case, person, CaseEvent.PARK if parked else CaseEvent.RESUME, Action.CASE_PARK)
    return case


async def decline_case(work: UnitOfWork, person: Person, case_id: str, reason: str) -> Case:
    """This hub does not read the case: it is offered to the next one up."""
    case = await case_open_to(work, person, case_id, CaseAction.DECLINE)
    case.apply("decline")
    work.outbox.step(case, person, CaseEvent.DECLINE, Action.CASE_DECLINE, {"reason": reason}, history={"hub": case.hub})
    await move_on(work, case, Outcome.DECLINED, Rule.DECLINED, reason)
    return case


async def escalate_case(work: UnitOfWork, person: Person, case_id: str, reason: str) -> Case:
    """Ask the next hub up. This hub keeps seeing the case and its answer. Refused where there is no hub above."""
    case = await case_open_to(work, person, case_id, CaseAction.ESCALATE)
    await work.cases.open_access(case.id, person.institution)
    case.apply("escalate")
    work.outbox.step(case, person, CaseEvent.ESCALATE, Action.CASE_ESCALATE, {"reason": reason}, history={"hub": case.hub})
    await move_on(work, case, Outcome.ESCALATED, Rule.ESCALATED, reason)
    return case


async def return_case(work: UnitOfWork, person: Person, case_id: str, reason: str) -> Case:
    """Ask the member for more; the case comes back to this hub with the answer."""
    case = await case_open_to(work, person, case_id, CaseAction.RETURN)
    case.apply("return")
    case.unclaim()
    case.hold_reason, case.accept_by = reason, None
    await work.cases.save(case)
    work.outbox.step(case, person, CaseEvent.RETURN, Action.CASE_RETURN, {"reason": reason})
    return case


async def reassign_case(work: UnitOfWork, person: Person, case_id: str, reader: str, reason: str) -> Case:
    """Hand a claimed case to another reader of the same hub."""
    await work.people.locked(reader)  # whoever is about to leave has left before the readers are looked at, or finds the case in hand
    case = await case_open_to(work, person, case_id, CaseAction.REASSIGN)
    there = await work.people.readers(person.institution, case.centre)
    readers = {p.username: p for p in there if may(p, Action.REPORT_WRITE, Relation.ROUTED)}
    if reader not in readers:
        raise Invalid(FieldError("reader", "choice", " ".join(sorted(readers))))
    before = case.claimed_by
    case.apply("reassign")
    case.claimed_by, case.claimed_at, case.active_at, case.parked_at = reader, work.now, work.now, None
    case.readers = tuple(dict.fromkeys((*case.readers, reader)))
    await open_report(work, case, readers[reader])
    await work.cases.save(case)
    detail = {"from": before, "to": reader, "reason": reason}
    work.outbox.step(case, person, CaseEvent.REASSIGN, Action.CASE_REASSIGN, detail)
    return case

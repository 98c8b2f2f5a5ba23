"""Offering a case to hubs: planned on submission, advanced when a hub does not take it, failed when none is left."""

from __future__ import annotations

from datetime import datetime, timedelta

from telemed.domain.case import Case, CaseStatus
from telemed.domain.centre import Centre
from telemed.domain.deadlines import Deadline, deadline
from telemed.domain.errors import FieldError, Invalid
from telemed.domain.events import CaseEvent
from telemed.domain.people import SYSTEM, Person
from telemed.domain.permissions import CaseAction
from telemed.domain.policy import Action
from telemed.domain.routing import Outcome, RouteStep, Rule, advance, assign, current, plan
from telemed.service.access import case_open_to
from telemed.service.ports.region import Region
from telemed.service.ports.unit_of_work import UnitOfWork
from telemed.service.reporting import abandon_draft


def _start_clocks(work: UnitOfWork, case: Case, centre: Centre) -> None:
    """The report clock runs from submission and is never set back by a change of hub; the accept clock from the offer."""
    start = case.submitted_at or work.now
    region = work.region
    whole = deadline(region.rules(centre), case.priority, case.request, start, region.working_hours, region.network.zone)
    now = deadline(region.rules(centre), case.priority, case.request, work.now, region.working_hours, region.network.zone)
    case.due_at, case.accept_by = whole.due_at, now.accept_by


async def offer_first(work: UnitOfWork, case: Case, centre: Centre, *, keep_hub: bool) -> None:
    """Plan the route (or keep the hub that asked back) and start the clocks; without a hub the case fails at once."""
    case.submitted_at = case.submitted_at or work.now
    if keep_hub and case.hub and current(case.route):
        _start_clocks(work, case, centre)
        return
    case.route = plan(work.region.network, case.centre, case.member, centre.need_of(case.request), work.now)
    _settle(work, case, centre)


def _settle(work: UnitOfWork, case: Case, centre: Centre) -> None:
    """Give the case to the offered hub, or to nobody."""
    case.unclaim()
    step = current(case.route)
    case.hub = step.hub if step else None
    if step is None:
        case.apply("exhaust")
        case.accept_by = None
        return
    if case.status is not CaseStatus.REQUESTED:
        case.apply("offer")
    _start_clocks(work, case, centre)


async def move_on(work: UnitOfWork, case: Case, outcome: Outcome, rule: Rule, reason: str) -> None:
    """The hub in charge has left the case: it goes to the next on the route, or fails where there is none."""
    left = case.hub
    await abandon_draft(work, case)
    case.route = _way_on(work, case, outcome, rule, reason)
    _settle(work, case, work.region.centres[case.centre])
    await work.cases.save(case)
    detail = {"hub": case.hub, "rule": rule.value}
    work.outbox.event(case, CaseEvent.OFFER if case.hub else CaseEvent.FAIL, SYSTEM, detail, left_hub=left)


def _way_on(work: UnitOfWork, case: Case, outcome: Outcome, rule: Rule, reason: str) -> tuple[RouteStep, ...]:
    need = work.region.centres[case.centre].need_of(case.request)
    return advance(work.region.network, case.centre, case.member, need, case.route, outcome, rule, reason, work.now)


def withdraw_offer(case: Case) -> None:
    """Nobody is asked any more; the hub that had the case still sees what became of it."""
    case.unclaim()
    case.accept_by = None


async def offer_by_operator(work: UnitOfWork, person: Person, case_id: str, hub: str, reason: str) -> Case:
    """The operator names a hub for a case that failed or waits."""
    case = await case_open_to(work, person, case_id, CaseAction.OFFER)
    centre = work.region.centres[case.centre]
    service = work.region.network.service(case.centre, hub)
    if service is None or hub == case.member:
        raise Invalid(FieldError("hub", "choice", " ".join(s.hub for s in work.region.network.hubs(case.centre) if s.hub != case.member)))
    left = case.hub
    if hub != left:
        await abandon_draft(work, case)
    case.apply("expire" if case.status is CaseStatus.REQUESTED else "offer")
    case.route = assign(case.route, hub, reason, work.now)
    _settle(work, case, centre)
    await work.cases.save(case)
    work.outbox.step(case, person, CaseEvent.OFFER, Action.CASE_OFFER, {"hub": hub, "reason": reason}, left_hub=left)
    return case


def try_route(region: Region, centre_code: str, member: str, need: str, now: datetime) -> tuple[RouteStep, ...]:
    """Return the way that a case would go. For the operator's check; changes nothing."""
    if centre_code not in region.centres:
        raise Invalid(FieldError("centre", "choice", " ".join(region.centres)))
    if member not in region.network.institutions:
        raise Invalid(FieldError("member", "choice", " ".join(sorted(region.network.institutions))))
    choices = needs_of(region.centres[centre_code])
    if need and choices and need not in choices:
        raise Invalid(FieldError("need", "choice", " ".join(choices)))
    return plan(region.network, centre_code, member, need, now)


def try_deadline(region: Region, centre_code: str, priority: str, need: str, at: datetime) -> Deadline:
    """Return by when a case sent at this moment would have to be claimed and answered. For the operator's check."""
    centre = region.centres[centre_code]
    request = {centre.need: need} if centre.need else {}
    return deadline(region.rules(centre), priority, request, at, region.working_hours, region.network.zone)


def needs_of(centre: Centre) -> list[str]:
    """Return what may be asked for in a centre: the choices of the field that a hub must cover."""
    fields = (field for field in centre.request_form.fields if field.name == centre.need)
    return [choice.value for field in fields for choice in field.choices]


async def expire_offers(work: UnitOfWork, limit: int = 50) -> int:
    """Offers past their accept deadline go on to the next hub. A last hub keeps the case, overdue, rather than nobody."""
    moved = 0
    for case_id in await work.cases.past_accept(work.now, limit):
        case = await work.cases.get(case_id)
        if case is None or case.status is not CaseStatus.REQUESTED or case.accept_by is None or case.accept_by > work.now:
            continue
        if current(_way_on(work, case, Outcome.EXPIRED, Rule.ACCEPT_DEADLINE_MISSED, "")):
            case.apply("expire")
            work.outbox.event(case, CaseEvent.EXPIRE, SYSTEM, {"hub": case.hub, "reason": ""})
            await move_on(work, case, Outcome.EXPIRED, Rule.ACCEPT_DEADLINE_MISSED, "")
            moved += 1
            continue
        case.accept_by = None
        await work.cases.save(case)
        work.outbox.event(case, CaseEvent.ACCEPT_MISSED, SYSTEM, {"hub": case.hub})
    return moved


async def release_idle_claims(work: UnitOfWork, limit: int = 50) -> int:
    """Claims that nobody works on go back to the worklist after the centre's idle time."""
    freed = 0
    for centre in work.region.centres.values():
        since = work.now - timedelta(minutes=centre.claim_idle_minutes)
        for case_id in await work.cases.claimed_before(centre.code, since, limit):
            case = await work.cases.get(case_id)
            if case is None or case.status is not CaseStatus.ACCEPTED or (case.active_at or work.now) > since:
                continue
            holder = case.claimed_by
            case.apply("release")
            case.unclaim()
            await work.cases.save(case)
            work.outbox.event(case, CaseEvent.RELEASE, SYSTEM, {"reader": holder, "reason": "idle"})
            freed += 1
    return freed

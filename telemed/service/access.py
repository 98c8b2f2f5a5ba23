"""From a person and a case to the relation that the policy table asks for, and to what they can do with the case now."""

from __future__ import annotations

from telemed.domain.case import Case, CaseStatus
from telemed.domain.errors import AlreadyClaimed, DomainError, FieldError, Forbidden, Invalid, InvalidTransition, NotAuthenticated, NotFound
from telemed.domain.people import Person
from telemed.domain.permissions import PERMISSIONS, CaseAction, Condition, Holder, Obstacle, obstacle
from telemed.domain.policy import Action, Relation, may, require_on_case
from telemed.service.ports.unit_of_work import UnitOfWork


async def relation_to(work: UnitOfWork, person: Person, case: Case) -> Relation:
    """Own: their institution asked. Routed: their hub has it or kept it open, and they read its centre."""
    if person.institution == case.member:
        return Relation.OWN
    if case.centre not in person.centres or case.status == "draft":
        return Relation.FOREIGN
    if person.institution == case.hub or await work.cases.has_access(case.id, person.institution):
        return Relation.ROUTED
    return Relation.FOREIGN


async def case_for(work: UnitOfWork, person: Person, case_id: str, action: Action) -> Case:
    """The case, if the person may take this action on it. Raises NotFound or Forbidden, as the policy says."""
    case = await work.cases.get(case_id)
    if case is None:
        raise NotFound("case", case_id)
    require_on_case(person, action, await relation_to(work, person, case), case_id)
    return case


async def is_earlier(work: UnitOfWork, person: Person, case: Case) -> bool:
    """True if the policy opens this answered case to the person because they hold another of the same patient now."""
    opened = case.status is CaseStatus.COMPLETED and may(person, Action.TIMELINE_READ, Relation.EARLIER)
    return opened and await work.cases.holds_one_of_the_patient(person.username, case)


async def case_to_look_back_at(work: UnitOfWork, person: Person, case_id: str, action: Action) -> Case:
    """As `case_for`, for reading a report or evidence; also an earlier case of a patient of whom the person holds one."""
    case = await work.cases.get(case_id)
    if case is not None and not may(person, action, await relation_to(work, person, case)) and await is_earlier(work, person, case):
        return case
    return await case_for(work, person, case_id, action)


async def case_at_hub(work: UnitOfWork, person: Person, case_id: str, action: Action) -> Case:
    """As `case_for`, and the person's hub must be the one that has the case now (not only keep it open)."""
    case = await case_for(work, person, case_id, action)
    if not may(person, action, Relation.ROUTED) or case.hub != person.institution:
        raise NotFound("case", case_id)
    return case


async def case_open_to(work: UnitOfWork, person: Person, case_id: str, wanted: CaseAction) -> Case:
    """Return the case, if the person can do this with it now, or did it before.

    Raises NotFound or Forbidden as the policy says; NotFound for a hub that only keeps the case open; AlreadyClaimed, Forbidden,
    InvalidTransition or Invalid as the row of `PERMISSIONS` says.
    """
    case = await case_for(work, person, case_id, PERMISSIONS[wanted].action)
    await require_open(work, person, case, wanted)
    return case


async def held_account(work: UnitOfWork, person: Person) -> Person:
    """Return the person as they are now. Until the end of the transaction nobody closes or changes the account, so that no case comes to
    be in hand of who has just left. Lock people before cases. Raises NotAuthenticated for an account that is closed."""
    now = await work.people.locked(person.username)
    if now is None or not now.active:
        raise NotAuthenticated(person.username)
    return now


async def require_open(work: UnitOfWork, person: Person, case: Case, wanted: CaseAction) -> None:
    """Raises as `case_open_to` does, for a case that the policy gives to this person."""
    found = obstacle(wanted, person, await relation_to(work, person, case), case, work.region.network)
    if found not in (None, Obstacle.DONE):
        raise _refusal(found, wanted, case)


def _refusal(found: Obstacle | None, wanted: CaseAction, case: Case) -> DomainError:
    row = PERMISSIONS[wanted]
    if found is Obstacle.HUB:
        return NotFound("case", case.id)
    if found is Obstacle.REPORT and row.action.value.startswith("report:"):
        return InvalidTransition("report", case.report_status or "absent", wanted)
    if found is Obstacle.HOLDER and row.holder in DENIED_TO_HOLDERS:
        return Forbidden(row.action, DENIED_TO_HOLDERS[row.holder])
    if found is Obstacle.HOLDER and case.claimed_by:
        return AlreadyClaimed(case.claimed_by, case.claimed_at)
    if found is Obstacle.CONDITION and row.needs is Condition.ARCHIVE:
        return Invalid(FieldError("member", "no-archive"))
    return InvalidTransition("case", case.status, wanted)


DENIED_TO_HOLDERS = {Holder.THEMSELVES_UNLESS_REVIEWER: "not-the-holder", Holder.NOT_THEMSELVES: "own-report"}
"""Rules about the holder that no waiting mends: the refusal is for want of a right, with this reason."""

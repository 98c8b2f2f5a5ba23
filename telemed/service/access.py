"""From a person and a case to the relation that the policy table asks for."""

from __future__ import annotations

from telemed.domain.case import Case
from telemed.domain.errors import NotFound
from telemed.domain.people import Person
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


async def case_at_hub_or_member(work: UnitOfWork, person: Person, case_id: str, action: Action) -> Case:
    """As `case_for`; of the hubs, only the one that has the case now (one that keeps it open may look and add nothing)."""
    case = await case_for(work, person, case_id, action)
    if case.hub != person.institution and not may(person, action, Relation.OWN):
        raise NotFound("case", case_id)
    return case


async def case_at_hub(work: UnitOfWork, person: Person, case_id: str, action: Action) -> Case:
    """As `case_for`, and the person's hub must be the one that has the case now (not only keep it open)."""
    case = await case_for(work, person, case_id, action)
    if not may(person, action, Relation.ROUTED) or case.hub != person.institution:
        raise NotFound("case", case_id)
    return case

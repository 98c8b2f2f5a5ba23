"""One case as one person may see it: with the patient, what is missing, and what this person can do now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from telemed.domain.case import Case
from telemed.domain.consent import Consent
from telemed.domain.critical import CriticalValue
from telemed.domain.errors import NotFound
from telemed.domain.evidence import Evidence
from telemed.domain.identity_of_evidence import IdentityFinding
from telemed.domain.patient import Patient
from telemed.domain.people import Person
from telemed.domain.permissions import permitted
from telemed.domain.policy import Action, Relation, may
from telemed.service.access import relation_to
from telemed.service.evidence import missing_evidence
from telemed.service.ports.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case with what belongs to it. `whole` is False for who may know of it but not read it (the operator)."""

    case: Case
    patient: Patient | None
    relation: Relation
    whole: bool
    evidence: Sequence[Evidence]
    identities: Sequence[IdentityFinding]
    criticals: Sequence[CriticalValue]
    consents: Sequence[Consent]
    missing: Sequence[str]
    actions: Sequence[str]


async def view_case(work: UnitOfWork, person: Person, case_id: str) -> CaseView:
    """Raises NotFound for who may not know of it."""
    case = await work.cases.get(case_id)
    if case is None:
        raise NotFound("case", case_id)
    relation = await relation_to(work, person, case)
    whole = may(person, Action.CASE_READ, relation)
    if not whole and not may(person, Action.CASE_READ_METADATA, relation):
        raise NotFound("case", case_id)
    evidence = await work.evidence.of_case(case_id)
    consents = await work.consents.of_case(case_id)
    centre = work.region.centres.get(case.centre)
    missing = missing_evidence(centre, {e.type for e in evidence}, bool(consents))
    patient = await work.patients.get(case.patient.id)
    criticals = await work.criticals.of_case(case_id)
    actions = permitted(person, relation, case, work.region.network)
    identities = await work.evidence.identities([case_id]) if whole else ()
    return CaseView(case, patient, relation, whole, evidence if whole else (), identities, criticals, consents, missing, actions)

"""One case as one person may see it: with the patient, what is missing, and what this person can do now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from telemed.domain.case import CASE, Case, CaseStatus
from telemed.domain.consent import Consent
from telemed.domain.critical import CriticalValue
from telemed.domain.errors import NotFound
from telemed.domain.evidence import Evidence
from telemed.domain.patient import Patient
from telemed.domain.people import Person, Role
from telemed.domain.policy import Action, Relation, may
from telemed.domain.report import ReportStatus
from telemed.service.access import relation_to
from telemed.service.case_request import EDITABLE
from telemed.service.evidence import CLOSED_TO_EVIDENCE, missing_evidence
from telemed.service.ports.unit_of_work import UnitOfWork
from telemed.service.transfers import archives

UNSIGNED = frozenset({None, ReportStatus.PARTIAL})
RELEASED = frozenset({ReportStatus.FINAL, ReportStatus.AMENDED, ReportStatus.APPENDED})

BY_STATE = {
    "submit": Action.CASE_SUBMIT,
    "cancel": Action.CASE_CANCEL,
    "claim": Action.CASE_CLAIM,
    "release": Action.CASE_RELEASE,
    "decline": Action.CASE_DECLINE,
    "return": Action.CASE_RETURN,
    "escalate": Action.CASE_ESCALATE,
    "reassign": Action.CASE_REASSIGN,
}
"""Actions that the case's state table decides: name in the table and in the API, name in the policy."""

ONLY_HOLDER = frozenset({"release", "reassign"})
WHOEVER_HOLDS = frozenset({"cancel"})
"""Open to who does not hold the case; a reviewer may also hand on what another reader holds."""


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case with what belongs to it. `whole` is False for who may know of it but not read it (the operator)."""

    case: Case
    patient: Patient | None
    relation: Relation
    whole: bool
    evidence: Sequence[Evidence]
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
    actions = permitted(work, person, case, relation)
    return CaseView(case, patient, relation, whole, evidence if whole else (), criticals, consents, missing, actions)


def permitted(work: UnitOfWork, person: Person, case: Case, relation: Relation) -> list[str]:
    """What this person can do with the case now, by policy and by state."""
    in_charge = relation is not Relation.ROUTED or case.hub == person.institution
    holder = case.claimed_by == person.username
    taken = case.claimed_by is not None and not holder
    found = []
    for name, action in BY_STATE.items():
        if not may(person, action, relation) or not in_charge or not CASE.allows(case.status, name):
            continue
        if name != "submit" and case.report_status not in UNSIGNED:
            continue
        open_to_others = name in WHOEVER_HOLDS or (name == "reassign" and person.has(Role.REVIEWER))
        if (taken or name in ONLY_HOLDER) and not holder and not open_to_others:
            continue
        if name == "escalate" and not _has_parent(work, case):
            continue
        found.append(name)
    rest = {
        "edit": may(person, Action.CASE_EDIT, relation) and case.status in EDITABLE,
        "attach": may(person, Action.EVIDENCE_ADD, relation) and case.status not in CLOSED_TO_EVIDENCE and in_charge,
        "acknowledge": may(person, Action.CASE_ACKNOWLEDGE, relation)
        and case.status is CaseStatus.COMPLETED
        and case.acknowledged_at is None,
        "park": may(person, Action.CASE_PARK, relation) and holder and case.parked_at is None and case.report_status == "partial",
        "resume": may(person, Action.CASE_PARK, relation) and holder and case.parked_at is not None,
        "write": may(person, Action.REPORT_WRITE, relation) and holder and case.report_status == ReportStatus.PARTIAL,
        "review": may(person, Action.REPORT_REVIEW, relation)
        and in_charge
        and case.report_status == ReportStatus.PRELIMINARY
        and not holder,
        "amend": may(person, Action.REPORT_AMEND, relation) and in_charge and case.report_status in RELEASED,
        "discard": may(person, Action.REPORT_AMEND, relation)
        and holder
        and case.status is CaseStatus.COMPLETED
        and case.report_status == ReportStatus.PARTIAL,
        "offer": may(person, Action.CASE_OFFER, relation) and case.status in (CaseStatus.FAILED, CaseStatus.REQUESTED),
        "send": may(person, Action.EVIDENCE_SEND, relation),
        "fetch-priors": may(person, Action.PRIORS_FETCH, relation)
        and case.status not in CLOSED_TO_EVIDENCE
        and in_charge
        and bool(archives(work.region.network, case)),
        "export": may(person, Action.EVIDENCE_EXPORT, relation),
        "declare-critical": may(person, Action.CRITICAL_DECLARE, relation) and case.status not in ("draft", "cancelled"),
    }
    return found + [name for name, allowed in rest.items() if allowed]


def _has_parent(work: UnitOfWork, case: Case) -> bool:
    service = work.region.network.service(case.centre, case.hub or "")
    return service is not None and service.parent is not None

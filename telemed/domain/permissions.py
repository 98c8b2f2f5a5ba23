"""One table of what a person can do with a case now. The pages offer by it, and the use cases refuse by it.

Who may do what to whose cases is `policy`; here stand the states of the case and of its report in which an action makes sense,
who must hold the case, and whether its hub must. A row that names nothing asks nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from telemed.domain.case import CASE, Case, CaseStatus
from telemed.domain.network import Network
from telemed.domain.people import Person, Role
from telemed.domain.policy import Action, Relation, may
from telemed.domain.report import ReportStatus
from telemed.domain.transfer import archives


class CaseAction(StrEnum):
    """Names of the API for what is offered on a case."""

    SUBMIT = "submit"
    CANCEL = "cancel"
    CLAIM = "claim"
    RELEASE = "release"
    DECLINE = "decline"
    RETURN = "return"
    ESCALATE = "escalate"
    REASSIGN = "reassign"
    EDIT = "edit"
    ATTACH = "attach"
    IDENTIFY = "identify"
    ACKNOWLEDGE = "acknowledge"
    PARK = "park"
    RESUME = "resume"
    WRITE = "write"
    REVIEW = "review"
    AMEND = "amend"
    DISCARD = "discard"
    OFFER = "offer"
    SEND = "send"
    FETCH_PRIORS = "fetch-priors"
    EXPORT = "export"
    DECLARE_CRITICAL = "declare-critical"


class Holder(StrEnum):
    """Rules about who may hold the case while a person acts on it."""

    ANYBODY = "anybody"
    NOBODY_ELSE = "nobody-else"
    """Nobody, or the person who acts."""
    THEMSELVES = "themselves"
    THEMSELVES_UNLESS_REVIEWER = "themselves-unless-reviewer"
    NOT_THEMSELVES = "not-themselves"
    THEMSELVES_OR_MEMBER = "themselves-or-member"
    """Of the hub's people only who holds the case; the member's own people always."""


class Condition(StrEnum):
    """Further conditions that an action may ask of the case."""

    HUB_ABOVE = "hub-above"
    ARCHIVE = "archive"
    """A PACS of the member or the hub can be asked."""
    NOT_PARKED = "not-parked"
    PARKED = "parked"
    NOT_ACKNOWLEDGED = "not-acknowledged"
    IDENTITY_OPEN = "identity-open"
    """Evidence states another patient, and nobody has settled it."""


class Obstacle(StrEnum):
    """Why a person cannot do something now, in the order in which it is looked for."""

    POLICY = "policy"
    HUB = "hub"
    REPORT = "report"
    HOLDER = "holder"
    STATE = "state"
    CONDITION = "condition"
    DONE = "done"
    """It was done before: it is not offered, and doing it again changes nothing."""


UNSIGNED = frozenset({None, ReportStatus.PARTIAL})
PARTIAL = frozenset({ReportStatus.PARTIAL})
PRELIMINARY = frozenset({ReportStatus.PRELIMINARY})
RELEASED = frozenset({ReportStatus.FINAL, ReportStatus.AMENDED, ReportStatus.APPENDED})
ANY_REPORT: frozenset[ReportStatus | None] = frozenset({None, *ReportStatus})
ANY_STATE = frozenset(CaseStatus)
OPEN_TO_EVIDENCE = ANY_STATE - {CaseStatus.CANCELLED, CaseStatus.FAILED}


@dataclass(frozen=True, slots=True)
class Permission:
    """One row. `reports` are states of the report version that counts now (None: there is none).

    `at_hub`: of the hubs, only the one that has the case now; one that keeps it open may look and do nothing. `until` is a
    condition that ends with the action itself.
    """

    action: Action
    states: frozenset[CaseStatus] = ANY_STATE
    reports: frozenset[ReportStatus | None] = ANY_REPORT
    holder: Holder = Holder.ANYBODY
    at_hub: bool = False
    needs: Condition | None = None
    until: Condition | None = None


def _states(action: str) -> frozenset[CaseStatus]:
    """Return the states in which the case's own table knows the action."""
    return frozenset(state for state, known in CASE.table if known == action)


def _hub(
    action: Action, step: str, holder: Holder = Holder.NOBODY_ELSE, reports: frozenset[ReportStatus | None] = UNSIGNED, **more: Condition
) -> Permission:
    """Return a step of the hub that has the case. Once somebody has signed, the case can only go forward."""
    return Permission(action, _states(step), reports, holder, at_hub=True, **more)


A, H = Action, Holder
PERMISSIONS: Mapping[CaseAction, Permission] = {
    CaseAction.SUBMIT: Permission(A.CASE_SUBMIT, _states("submit"), holder=H.NOBODY_ELSE),
    CaseAction.CANCEL: Permission(A.CASE_CANCEL, _states("cancel"), UNSIGNED),
    CaseAction.CLAIM: _hub(A.CASE_CLAIM, "claim"),
    CaseAction.RELEASE: _hub(A.CASE_RELEASE, "release", H.THEMSELVES),
    CaseAction.DECLINE: _hub(A.CASE_DECLINE, "decline"),
    CaseAction.RETURN: _hub(A.CASE_RETURN, "return"),
    CaseAction.ESCALATE: _hub(A.CASE_ESCALATE, "escalate", needs=Condition.HUB_ABOVE),
    CaseAction.REASSIGN: _hub(A.CASE_REASSIGN, "reassign", H.THEMSELVES_UNLESS_REVIEWER),
    CaseAction.EDIT: Permission(A.CASE_EDIT, frozenset({CaseStatus.DRAFT, CaseStatus.ON_HOLD})),
    CaseAction.ATTACH: Permission(A.EVIDENCE_ADD, OPEN_TO_EVIDENCE, at_hub=True),
    CaseAction.IDENTIFY: Permission(
        A.EVIDENCE_IDENTIFY, OPEN_TO_EVIDENCE, holder=H.THEMSELVES_OR_MEMBER, at_hub=True, until=Condition.IDENTITY_OPEN
    ),
    CaseAction.ACKNOWLEDGE: Permission(A.CASE_ACKNOWLEDGE, frozenset({CaseStatus.COMPLETED}), until=Condition.NOT_ACKNOWLEDGED),
    CaseAction.PARK: Permission(A.CASE_PARK, reports=PARTIAL, holder=H.THEMSELVES, at_hub=True, until=Condition.NOT_PARKED),
    CaseAction.RESUME: Permission(A.CASE_PARK, holder=H.THEMSELVES, at_hub=True, until=Condition.PARKED),
    CaseAction.WRITE: Permission(A.REPORT_WRITE, reports=PARTIAL, holder=H.THEMSELVES, at_hub=True),
    CaseAction.REVIEW: Permission(A.REPORT_REVIEW, reports=PRELIMINARY, holder=H.NOT_THEMSELVES, at_hub=True),
    CaseAction.AMEND: Permission(A.REPORT_AMEND, reports=RELEASED, at_hub=True),
    CaseAction.DISCARD: Permission(A.REPORT_AMEND, frozenset({CaseStatus.COMPLETED}), PARTIAL, H.THEMSELVES, at_hub=True),
    CaseAction.OFFER: Permission(A.CASE_OFFER, frozenset({CaseStatus.FAILED, CaseStatus.REQUESTED})),
    CaseAction.SEND: Permission(A.EVIDENCE_SEND),
    CaseAction.FETCH_PRIORS: Permission(A.PRIORS_FETCH, OPEN_TO_EVIDENCE, at_hub=True, needs=Condition.ARCHIVE),
    CaseAction.EXPORT: Permission(A.EVIDENCE_EXPORT),
    CaseAction.DECLARE_CRITICAL: Permission(A.CRITICAL_DECLARE, ANY_STATE - {CaseStatus.DRAFT, CaseStatus.CANCELLED}),
}


def _has_hub_above(case: Case, network: Network) -> bool:
    service = network.service(case.centre, case.hub or "")
    return service is not None and service.parent is not None


HOLDS: Mapping[Condition, Callable[[Case, Network], bool]] = {
    Condition.HUB_ABOVE: _has_hub_above,
    Condition.ARCHIVE: lambda case, network: bool(archives(network, case)),
    Condition.NOT_PARKED: lambda case, network: case.parked_at is None,
    Condition.PARKED: lambda case, network: case.parked_at is not None,
    Condition.IDENTITY_OPEN: lambda case, network: case.identity_open,
    Condition.NOT_ACKNOWLEDGED: lambda case, network: case.acknowledged_at is None,
}

FITS: Mapping[Holder, Callable[[Person, Case], bool]] = {
    Holder.ANYBODY: lambda person, case: True,
    Holder.NOBODY_ELSE: lambda person, case: case.claimed_by in (None, person.username),
    Holder.THEMSELVES: lambda person, case: case.claimed_by == person.username,
    Holder.THEMSELVES_UNLESS_REVIEWER: lambda person, case: case.claimed_by == person.username or person.has(Role.REVIEWER),
    Holder.NOT_THEMSELVES: lambda person, case: case.claimed_by != person.username,
    Holder.THEMSELVES_OR_MEMBER: lambda person, case: person.institution == case.member or case.claimed_by == person.username,
}


def obstacle(wanted: CaseAction, person: Person, relation: Relation, case: Case, network: Network) -> Obstacle | None:
    """Return the first reason why this person cannot do this now; None where they can."""
    row = PERMISSIONS[wanted]
    asked = {
        Obstacle.POLICY: may(person, row.action, relation),
        Obstacle.HUB: not row.at_hub or relation is not Relation.ROUTED or case.hub == person.institution,
        Obstacle.REPORT: case.report_status in row.reports,
        Obstacle.HOLDER: FITS[row.holder](person, case),
        Obstacle.STATE: case.status in row.states,
        Obstacle.CONDITION: row.needs is None or HOLDS[row.needs](case, network),
        Obstacle.DONE: row.until is None or HOLDS[row.until](case, network),
    }
    return next((each for each, passed in asked.items() if not passed), None)


def permitted(person: Person, relation: Relation, case: Case, network: Network) -> list[CaseAction]:
    """Return what this person can do with the case now, in the order of the table."""
    return [wanted for wanted in PERMISSIONS if obstacle(wanted, person, relation, case, network) is None]

"""Answers of the API: fixed shapes, encoded by msgspec."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from telemed.domain.case import Case
from telemed.domain.critical import CriticalValue
from telemed.domain.patient import Identifier, Patient, masked, masked_name
from telemed.domain.people import Person
from telemed.domain.report import Report, Result
from telemed.domain.routing import Outcome, RouteStep, Rule
from telemed.service.case_view import CaseView
from telemed.service.queries import HistoryLine


class Shape(msgspec.Struct, kw_only=True):
    """Base of all answers."""


class IdentifierShape(Shape):
    system: str
    value: str


class PatientShape(Shape):
    id: str
    name: str
    sex: str
    birth_date: date | None
    age: int | None
    identifiers: list[IdentifierShape]
    phone: str = ""


class KnownPatientShape(Shape):
    """A patient record of the own institution, open."""

    id: str
    name: str
    sex: str
    birth_date: date | None
    identifiers: list[IdentifierShape]
    phone: str


class PatientListShape(Shape):
    items: list[KnownPatientShape]
    next: str | None = None


class RouteStepShape(Shape):
    hub: str
    rule: str
    outcome: str
    at: datetime | None
    reason: str


class CaseShape(Shape):
    id: str
    centre: str
    kind: str
    priority: str
    status: str
    accession_number: str
    member: str
    hub: str | None
    claimed_by: str | None
    claimed_at: datetime | None
    created_at: datetime
    submitted_at: datetime | None
    accept_by: datetime | None
    due_at: datetime | None
    parked_at: datetime | None
    completed_at: datetime | None
    acknowledged_at: datetime | None
    hold_reason: str
    report_status: str | None
    positive: bool
    critical_open: bool
    identity_open: bool
    evidence_count: int
    patient: PatientShape
    request: dict[str, Any]
    route: list[RouteStepShape]
    missing: list[str] = []
    actions: list[str] = []


class CaseListShape(Shape):
    items: list[CaseShape]
    next: str | None


class CriticalShape(Shape):
    id: str
    case_id: str
    finding: str
    status: str
    found_by: str
    found_at: datetime
    due_at: datetime
    told_whom: str
    told_how: str
    read_back: bool
    told_by: str | None
    told_at: datetime | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    action: str
    action_by: str | None
    action_at: datetime | None
    withdrawn_reason: str
    escalations: int


class CriticalListShape(Shape):
    items: list[CriticalShape]
    next: str | None = None


class ReportVersionShape(Shape):
    version: int
    kind: str
    status: str
    author: str
    reviewer: str | None
    reason: str
    released_at: datetime | None


class ContradictionShape(Shape):
    """`severity`: `stop` where a signature needs a reason, `hint` where it does not."""

    code: str
    severity: str
    message: str


class ContradictionListShape(Shape):
    items: list[ContradictionShape]
    next: str | None = None


class AcknowledgedShape(Shape):
    code: str
    said: str
    against: str
    by: str
    reason: str
    at: datetime


class ReportShape(Shape):
    case_id: str
    version: int
    kind: str
    status: str
    sections: dict[str, Any]
    result: str
    positive: bool
    reason: str
    author: str
    reviewer: str | None
    review_note: str
    signed_at: datetime | None
    reviewed_at: datetime | None
    released_at: datetime | None
    updated_at: datetime
    verification_code: str
    pdf_sha256: str
    acknowledged: list[AcknowledgedShape]
    versions: list[ReportVersionShape]


class PageShape(Shape):
    """A page of a document: its number from 1, its size in points."""

    number: int
    width: float
    height: float


class PageListShape(Shape):
    items: list[PageShape]
    next: str | None = None


class EventShape(Shape):
    id: int
    case_id: str
    at: datetime
    action: str
    actor: str
    status: str
    centre: str
    member: str
    hub: str | None
    detail: dict[str, Any]


class EventListShape(Shape):
    items: list[EventShape]
    next: str | None = None


class PersonShape(Shape):
    username: str
    name: str
    institution: str
    roles: list[str]
    centres: list[str]
    title: str
    language: str


class TokenShape(Shape):
    """`required` names what the person must do before anything else: `password-change`, `second-factor-setup`."""

    token: str
    person: PersonShape
    required: list[str] = []


class RouteShape(Shape):
    """The whole way up; `hub` is who would have the case now."""

    hub: str | None
    route: list[RouteStepShape]


def person_shape(person: Person) -> PersonShape:
    return PersonShape(
        username=person.username,
        name=person.name,
        institution=person.institution,
        roles=sorted(role.value for role in person.roles),
        centres=sorted(person.centres),
        title=person.title,
        language=person.language,
    )


def route_shape(step: RouteStep, *, whole: bool = True) -> RouteStepShape:
    """Why a hub asks further up speaks of the patient: who may not read the case sees it only where no hub took the case."""
    open_to_all = step.outcome is Outcome.DECLINED or step.rule == Rule.ASSIGNED_BY_OPERATOR
    reason = step.reason if whole or open_to_all else ""
    return RouteStepShape(hub=step.hub, rule=str(step.rule), outcome=step.outcome.value, at=step.at, reason=reason)


def _identifiers(numbers: tuple[Identifier, ...], *, open_numbers: bool) -> list[IdentifierShape]:
    return [IdentifierShape(system=n.system, value=n.value if open_numbers else masked(n.value)) for n in numbers]


def patient_shape(case: Case, patient: Patient | None, *, open_name: bool, open_numbers: bool) -> PatientShape:
    """The patient as the case has them; numbers from the record, masked in lists."""
    summary = case.patient
    day = (case.submitted_at or case.created_at).astimezone(UTC).date()
    return PatientShape(
        id=summary.id,
        name=summary.name if open_name else masked_name(summary.name),
        sex=summary.sex,
        birth_date=summary.birth_date if open_name else None,
        age=summary.age_on(day),
        identifiers=_identifiers(patient.identifiers, open_numbers=open_numbers) if patient else [],
        phone=patient.phone if patient and open_numbers else "",
    )


PLAIN = (
    "id", "centre", "accession_number", "member", "hub", "claimed_by", "claimed_at", "created_at", "submitted_at", "accept_by", "due_at",
    "parked_at", "completed_at", "acknowledged_at", "hold_reason", "report_status", "positive", "critical_open",
    "identity_open", "evidence_count",
)  # fmt: skip

METADATA_FIELDS = frozenset({"modality", "body_part", "speciality", "procedure", "recording", "specimen"})
"""What of a request somebody may see who knows of the case but may not read it."""


def case_shape(
    case: Case, patient: PatientShape, *, whole: bool = True, missing: tuple[str, ...] = (), actions: tuple[str, ...] = ()
) -> CaseShape:
    request = case.request if whole else {k: v for k, v in case.request.items() if k in METADATA_FIELDS}
    plain = {name: getattr(case, name) for name in PLAIN}
    if not whole:
        plain["hold_reason"] = ""  # a hub's question is about the patient
    return CaseShape(
        **plain,
        kind=case.kind.value,
        priority=case.priority.value,
        status=case.status.value,
        patient=patient,
        request=request,
        route=[route_shape(step, whole=whole) for step in case.route],
        missing=list(missing),
        actions=list(actions),
    )


def view_shape(view: CaseView) -> CaseShape:
    patient = patient_shape(view.case, view.patient, open_name=view.whole, open_numbers=view.whole)
    return case_shape(view.case, patient, whole=view.whole, missing=tuple(view.missing), actions=tuple(view.actions))


def listed_shape(case: Case, patient: Patient | None, person: Person, *, whole: bool) -> CaseShape:
    """A case in a list: numbers masked always, the name masked for everybody but the member's own people."""
    own = person.institution == case.member
    return case_shape(case, patient_shape(case, patient, open_name=own and whole, open_numbers=False), whole=whole)


def critical_shape(value: CriticalValue) -> CriticalShape:
    return CriticalShape(
        **{name: getattr(value, name) for name in CriticalShape.__struct_fields__ if name != "status"}, status=value.status.value
    )


DERIVED = frozenset({"kind", "status", "result", "positive", "acknowledged", "versions"})


def report_shape(report: Report, versions: list[Report]) -> ReportShape:
    plain = {n: getattr(report, n) for n in ReportShape.__struct_fields__ if n not in DERIVED}
    lines = [
        ReportVersionShape(
            version=v.version,
            kind=v.kind.value,
            status=v.status.value,
            author=v.author,
            reviewer=v.reviewer,
            reason=v.reason,
            released_at=v.released_at,
        )
        for v in versions
    ]
    return ReportShape(
        **plain,
        kind=report.kind.value,
        status=report.status.value,
        result=report.result.value,
        positive=report.result is Result.POSITIVE,
        acknowledged=[AcknowledgedShape(**asdict(each)) for each in report.acknowledged],
        versions=lines,
    )


def event_shape(line: HistoryLine, *, whole: bool = True) -> EventShape:
    names = (n for n in EventShape.__struct_fields__ if n != "detail")
    return EventShape(**{name: getattr(line, name) for name in names}, detail=dict(line.detail) if whole else {})

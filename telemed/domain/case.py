"""A case: one question of a member institution to the network, from draft to answer.

Status names are those of FHIR R4 `Task.status` (https://hl7.org/fhir/R4/valueset-task-status.html).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from telemed.domain.routing import RouteStep
from telemed.domain.states import StateMachine, rows


class Priority(StrEnum):
    """FHIR `request-priority`, least pressing first."""

    ROUTINE = "routine"
    URGENT = "urgent"
    ASAP = "asap"
    STAT = "stat"


class CaseKind(StrEnum):
    """`diagnosis`: read this for us. `consultation`: a second opinion on what has a report."""

    DIAGNOSIS = "diagnosis"
    CONSULTATION = "consultation"


class CaseStatus(StrEnum):
    DRAFT = "draft"
    REQUESTED = "requested"
    ACCEPTED = "accepted"
    IN_PROGRESS = "in-progress"
    ON_HOLD = "on-hold"
    REJECTED = "rejected"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"


OPEN_AT_HUB = "requested accepted in-progress"
"""States in which a hub answers for the case."""

CASE = StateMachine(
    "case",
    rows("draft on-hold", "submit", CaseStatus.REQUESTED)
    | rows("requested", "claim", CaseStatus.ACCEPTED)
    | rows("accepted in-progress", "write", CaseStatus.IN_PROGRESS)
    | rows("accepted in-progress", "release", CaseStatus.REQUESTED)
    | rows("accepted in-progress", "reassign", CaseStatus.ACCEPTED)
    | rows(OPEN_AT_HUB, "return", CaseStatus.ON_HOLD)
    | rows(OPEN_AT_HUB, "decline", CaseStatus.REJECTED)
    | rows(OPEN_AT_HUB, "escalate", CaseStatus.REJECTED)
    | rows("requested", "expire", CaseStatus.REJECTED)
    | rows("rejected failed", "offer", CaseStatus.REQUESTED)
    | rows("rejected requested", "exhaust", CaseStatus.FAILED)
    | rows("in-progress", "complete", CaseStatus.COMPLETED)
    | rows("draft requested accepted in-progress on-hold failed", "cancel", CaseStatus.CANCELLED),
)

HELD = frozenset({CaseStatus.ACCEPTED, CaseStatus.IN_PROGRESS})
"""States in which who claimed a case holds it."""

TERMINAL = frozenset({CaseStatus.COMPLETED, CaseStatus.CANCELLED})


@dataclass(frozen=True, slots=True)
class PatientSummary:
    """The patient as a case shows them, as they were when the case was made."""

    id: str
    name: str
    sex: str
    birth_date: date | None

    def age_on(self, day: date) -> int | None:
        """Completed years on `day`; None where the birth date is unknown."""
        if self.birth_date is None:
            return None
        before = (day.month, day.day) < (self.birth_date.month, self.birth_date.day)
        return day.year - self.birth_date.year - before


@dataclass(slots=True)
class Case:
    """One case. Times are aware datetimes in UTC. `request` holds the centre's form, `route` the hubs in order."""

    id: str
    centre: str
    kind: CaseKind
    priority: Priority
    accession_number: str
    member: str
    patient: PatientSummary
    request: dict[str, Any]
    created_by: str
    created_at: datetime
    status: CaseStatus = CaseStatus.DRAFT
    hub: str | None = None
    route: tuple[RouteStep, ...] = ()
    claimed_by: str | None = None
    claimed_at: datetime | None = None
    active_at: datetime | None = None
    parked_at: datetime | None = None
    hold_reason: str = ""
    submitted_at: datetime | None = None
    accept_by: datetime | None = None
    due_at: datetime | None = None
    completed_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    report_status: str | None = None
    positive: bool = False
    critical_open: bool = False
    identity_open: bool = False
    """Evidence states another patient, and nobody has settled it."""
    evidence_count: int = 0
    readers: tuple[str, ...] = field(default_factory=tuple)

    def apply(self, action: str) -> None:
        """Move along the table. Raises InvalidTransition and changes nothing where the table forbids it."""
        self.status = CASE.next(self.status, action)

    def is_held_by(self, username: str) -> bool:
        """True from the claim until the case is given back, handed on or answered."""
        return self.claimed_by == username and self.status in HELD

    def unclaim(self) -> None:
        self.claimed_by = self.claimed_at = self.active_at = self.parked_at = None

"""A case as a line of steps, each with its time: sent, received, read, reviewed, reported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from telemed.domain.case import Case, CaseStatus
from telemed.domain.events import CaseEvent
from telemed.domain.network import Network
from telemed.domain.report import ReportStatus
from telemed.web.i18n import gettext

_ = str  # marks text for the translation catalogue

SENT, RECEIVED, READING, REVIEW, REPORT = _("Sent"), _("Accepted"), _("Reading"), _("Review"), _("Report")

REACHED = {
    CaseStatus.DRAFT: 0,
    CaseStatus.REQUESTED: 1,
    CaseStatus.ON_HOLD: 1,
    CaseStatus.FAILED: 1,
    CaseStatus.REJECTED: 1,
    CaseStatus.ACCEPTED: 2,
    CaseStatus.IN_PROGRESS: 2,
    CaseStatus.COMPLETED: 5,
}
"""How many steps lie behind a case in this state."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `state` is `done`, `now` or `next`."""

    label: str
    when: datetime | None
    state: str


def seconds_allowed(case: Case) -> float:
    """From sending to the deadline: what the case's clock had in all; 0 where it has none."""
    return (case.due_at - (case.submitted_at or case.created_at)).total_seconds() if case.due_at else 0


def reviewed_by_two(network: Network, case: Case) -> bool:
    """A second person will look at the report, or has."""
    service = network.service(case.centre, case.hub) if case.hub else None
    return service is not None and case.kind.value in service.two_person


def steps_of(case: Case, times: Mapping[str, datetime], *, two_person: bool) -> list[Step]:
    """`times`: when each kind of step was last taken (Queries.milestones). A cancelled case has stopped: no step is now."""
    preliminary = case.report_status == ReportStatus.PRELIMINARY
    signed = times.get(CaseEvent.SIGN) if preliminary or case.completed_at else None
    line = [
        (SENT, case.submitted_at),
        (RECEIVED, times.get(CaseEvent.CLAIM)),
        (READING, signed or times.get(CaseEvent.WRITE)),
        (REVIEW, times.get(CaseEvent.REVIEW)),
        (REPORT, case.completed_at),
    ]
    if case.status is CaseStatus.CANCELLED:
        return [Step(gettext(label), when, "done" if when else "next") for label, when in line]
    reached = 3 if preliminary and case.completed_at is None else REACHED[case.status]
    steps = []
    for place, (label, when) in enumerate(line):
        state = "done" if place < reached else "now" if place == reached else "next"
        known = when if state == "done" or (state == "now" and place == 2) else None
        steps.append(Step(gettext(label), known, state))
    return steps if two_person or preliminary else steps[:3] + steps[4:]

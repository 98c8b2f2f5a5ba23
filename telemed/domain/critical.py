"""The critical value loop: finding, countdown, a named person told with read-back, acknowledgement, action taken.

Nothing closes it silently: each step has a person and a time. Overdue counts up and rises to the next person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from telemed.domain.states import StateMachine, rows

TELL_WITHIN = timedelta(minutes=10)
"""From the finding to a named clinician told. Practice (chest pain centres: first ECG within 10 minutes); a setting."""

ESCALATE_EVERY = timedelta(minutes=10)
"""An untold or unacknowledged value rises again each time this passes. Practice; a setting."""


class CriticalStatus(StrEnum):
    OPEN = "open"
    NOTIFIED = "told"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


CRITICAL = StateMachine(
    "critical value",
    rows("open told", "tell", CriticalStatus.NOTIFIED)
    | rows("open told", "acknowledge", CriticalStatus.ACKNOWLEDGED)
    | rows("acknowledged", "act", CriticalStatus.CLOSED)
    | rows("open told", "withdraw", CriticalStatus.WITHDRAWN),
)


@dataclass(slots=True)
class CriticalValue:
    """One critical finding of a case, with every step's person and time. `escalations` counts the rises so far."""

    id: str
    case_id: str
    finding: str
    found_by: str
    found_at: datetime
    due_at: datetime
    status: CriticalStatus = CriticalStatus.OPEN
    told_whom: str = ""
    told_how: str = ""
    read_back: bool = False
    told_by: str | None = None
    told_at: datetime | None = None
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    action: str = ""
    action_by: str | None = None
    action_at: datetime | None = None
    withdrawn_reason: str = ""
    escalations: int = 0

    def apply(self, step: str) -> None:
        self.status = CRITICAL.next(self.status, step)

    @property
    def counts(self) -> bool:
        """True unless it was withdrawn."""
        return self.status is not CriticalStatus.WITHDRAWN

    @property
    def running(self) -> bool:
        return self.status in (CriticalStatus.OPEN, CriticalStatus.NOTIFIED, CriticalStatus.ACKNOWLEDGED)

    def escalation_due(self, now: datetime) -> bool:
        """True when the value is unacknowledged and its countdown, or the next rise after it, has passed."""
        waiting = self.status in (CriticalStatus.OPEN, CriticalStatus.NOTIFIED)
        return waiting and now >= self.due_at + self.escalations * ESCALATE_EVERY

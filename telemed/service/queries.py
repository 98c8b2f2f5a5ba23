"""Queries of the pages and the API. Every question carries the person who asks: the answer is theirs to see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from telemed.domain.audit import AuditLine
from telemed.domain.case import Case, CaseStatus
from telemed.domain.critical import CriticalValue
from telemed.domain.evidence import Evidence, EvidenceType
from telemed.domain.patient import Patient
from telemed.domain.people import Person
from telemed.domain.report import Report

MANY_NOTICES = 99
"""No bell counts further."""


class View(StrEnum):
    """Tabs of the hub's worklist and of the member's board."""

    UNCLAIMED = "unclaimed"
    MINE = "mine"
    REVIEW = "review"
    PARKED = "parked"
    DONE_TODAY = "done-today"
    CRITICAL = "critical"
    OPEN = "open"
    ATTENTION = "attention"
    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """A question to the list of cases; empty fields do not filter."""

    centre: str = ""
    status: str = ""
    hub: str = ""
    member: str = ""
    priority: str = ""
    q: str = ""
    view: View | None = None
    need: str = ""
    body_part: str = ""
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EvidenceSummary:
    """The evidence of a listed case: pieces by kind, DICOM instances, when the last of them came, and whether consent is there."""

    pieces: Mapping[EvidenceType, int] = field(default_factory=dict)
    instances: int = 0
    last_received_at: datetime | None = None
    consented: bool = False


@dataclass(frozen=True, slots=True)
class CasePage:
    """One page of cases, their patients' records by patient, their evidence by case, and the cursor of the next page."""

    cases: Sequence[Case]
    patients: Mapping[str, Patient]
    next: str | None
    evidence: Mapping[str, EvidenceSummary] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One line of a case's history; `id` grows with the order of commits."""

    id: int
    case_id: str
    at: datetime
    action: str
    actor: str
    centre: str
    status: str
    member: str
    hub: str | None
    left_hub: str | None
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Notice:
    """A line of history that concerns the person who asks, its case as it is now, and whether they have seen it."""

    line: HistoryLine
    case: Case
    seen: bool


@dataclass(frozen=True, slots=True)
class PriorCase:
    """An earlier case of the same patient that this person may know of, with its evidence where they may see it. `openable` is False
    for one that is on their list only because they hold the present case."""

    case: Case
    evidence: Sequence[Evidence]
    openable: bool = True

    @property
    def readable(self) -> bool:
        """True if the person may read its report and its evidence."""
        return self.openable or self.case.status is CaseStatus.COMPLETED


@dataclass(frozen=True, slots=True)
class Merged:
    """A record, and the one whose group it is in."""

    record: Patient
    kept: Patient


@dataclass(frozen=True, slots=True)
class DuplicateCandidate:
    """Two records that may be one person, and the rule that says so."""

    first: Patient
    second: Patient
    rule: str


class Queries(Protocol):
    """Each answer holds only what the person may see."""

    async def cases(self, person: Person, wanted: CaseFilter, cursor: str | None, limit: int) -> CasePage:
        """A page of cases: a hub's by time left (STAT on top), others newest first. Raises Invalid for a bad cursor."""
        ...

    async def counts(self, person: Person, centre: str = "") -> Mapping[View, int]:
        """Return how many cases each tab holds."""
        ...

    async def history(self, case_id: str) -> list[HistoryLine]: ...
    async def history_since(self, after: int, limit: int) -> list[HistoryLine]: ...
    async def last_history_id(self) -> int: ...
    async def milestones(self, case_ids: Sequence[str]) -> Mapping[str, Mapping[str, datetime]]:
        """Per case, when each kind of step was last taken."""
        ...

    async def running_criticals(self, case_ids: Sequence[str]) -> list[CriticalValue]:
        """Critical values of these cases whose loop is not closed, the most pressing first."""
        ...

    async def notices(self, person: Person, before: int | None, limit: int) -> list[Notice]:
        """Return what concerns the person, newest first."""
        ...

    async def unread_notices(self, person: Person) -> int:
        """Return how many of them they have not seen, counted up to MANY_NOTICES."""
        ...

    async def priors(self, person: Person, case: Case) -> list[PriorCase]:
        """Other cases of the same person, newest first: those that the person may see; for who holds `case`, of every hub and centre."""
        ...

    async def duplicate_candidates(self, person: Person, limit: int) -> list[DuplicateCandidate]: ...
    async def merged(self, person: Person, limit: int) -> list[Merged]:
        """Records that count as the same person as another, newest first."""
        ...

    async def audit(self, wanted: Mapping[str, str], before: int | None, limit: int) -> list[AuditLine]: ...
    async def report_by_code(self, code: str) -> tuple[Case, Report, list[Report]] | None: ...
    async def people_names(self, usernames: Sequence[str]) -> Mapping[str, str]: ...

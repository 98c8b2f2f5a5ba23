"""The operator's overview of the network: who is silent, what waits, what went wrong. Metadata only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from telemed.domain.people import Person
from telemed.domain.routing import RouteStep

T = TypeVar("T")

SILENT_AFTER_DAYS = 2
"""Practice: long enough for a Sunday, short enough for a line that was cut on Friday to be seen on Monday."""


@dataclass(frozen=True, slots=True)
class DayVolume:
    """One institution's day: cases that it submitted, pieces of evidence that it sent, images among them."""

    cases: int = 0
    evidence: int = 0
    images: int = 0

    @property
    def total(self) -> int:
        return self.cases + self.evidence


@dataclass(frozen=True, slots=True)
class Connection:
    """An institution's connection: when it was last heard of, by what, and its volume by day (days without any left out)."""

    code: str
    last_case_at: datetime | None = None
    last_evidence_at: datetime | None = None
    last_c_store_at: datetime | None = None
    days: Mapping[date, DayVolume] = field(default_factory=dict)

    @property
    def last_at(self) -> datetime | None:
        return max((at for at in (self.last_case_at, self.last_evidence_at, self.last_c_store_at) if at), default=None)


class Standing(StrEnum):
    """An institution's standing today. `silent`: it used to send and has not for two whole days or longer. Practice."""

    SILENT = "silent"
    NEVER = "never"
    QUIET = "quiet"
    ACTIVE = "active"


def standing(connection: Connection, now: datetime, zone: tzinfo) -> Standing:
    """`quiet` is one that has not sent anything today."""
    if connection.last_at is None:
        return Standing.NEVER
    days = (now.astimezone(zone).date() - connection.last_at.astimezone(zone).date()).days
    return Standing.ACTIVE if days <= 0 else Standing.SILENT if days > SILENT_AFTER_DAYS else Standing.QUIET


@dataclass(frozen=True, slots=True)
class HubLoad:
    """A hub's load in one centre: waiting, held, overdue now; deadlines kept and missed in the last 30 days."""

    hub: str
    centre: str
    waiting: int = 0
    held: int = 0
    overdue: int = 0
    kept: int = 0
    missed: int = 0

    @property
    def kept_share(self) -> float | None:
        """See `share_kept`."""
        return share_kept(self.kept, self.missed, self.overdue)


def share_kept(kept: int, missed: int, overdue: int) -> float | None:
    """Share of deadlines that were kept, 0 to 1: one that has passed without an answer is missed, whenever the answer comes. None
    without any."""
    total = kept + missed + overdue
    return kept / total if total else None


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A case as the operator sees it: nothing of its patient, nothing of its question."""

    id: str
    accession_number: str
    centre: str
    priority: str
    status: str
    member: str
    hub: str | None
    submitted_at: datetime | None
    due_at: datetime | None
    route: Sequence[RouteStep] = ()


@dataclass(frozen=True, slots=True)
class CriticalLine:
    """An open critical value: where it stands in its loop, not what was found."""

    case_id: str
    accession_number: str
    centre: str
    member: str
    hub: str | None
    status: str
    found_at: datetime
    due_at: datetime
    escalations: int


@dataclass(frozen=True, slots=True)
class KeptAside:
    """A DICOM object that was not entered: `conflict` (its SOP Instance UID is taken by other content) or `quarantine`."""

    kind: str
    owner: str
    reason: str
    received_at: datetime
    received_by: str
    calling_ae: str | None
    peer_address: str | None
    size: int
    sop_instance_uid: str = ""
    study_instance_uid: str = ""


@dataclass(frozen=True, slots=True)
class Some(Generic[T]):
    """The first of them, and how many there are."""

    items: Sequence[T]
    total: int


class Overview(Protocol):
    """Each question raises Forbidden for who may not ask it."""

    async def connections(self, person: Person, days: int) -> list[Connection]:
        """Every institution but the operator's own, with the last `days` days."""
        ...

    async def loads(self, person: Person) -> list[HubLoad]:
        """One for each hub and centre of the network."""
        ...

    async def failed(self, person: Person, limit: int) -> Some[CaseLine]:
        """Cases that nobody could take, oldest first."""
        ...

    async def overdue(self, person: Person, limit: int) -> Some[CaseLine]:
        """Open cases past their deadline, the latest first."""
        ...

    async def criticals(self, person: Person, limit: int) -> Some[CriticalLine]:
        """Critical values whose loop is not closed, most pressing first."""
        ...

    async def unmatched(self, person: Person) -> int:
        """Return how many studies look for their case."""
        ...

    async def kept_aside(self, person: Person, limit: int) -> list[KeptAside]:
        """Return what the DICOM gateway did not enter, newest first."""
        ...

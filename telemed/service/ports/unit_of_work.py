"""One transaction: its time, the region, its repositories, its outbox."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from telemed.domain.case import Case
from telemed.domain.identity_of_evidence import StatedIdentity
from telemed.domain.report import Report
from telemed.service.ports.cases import Cases
from telemed.service.ports.consents import Consents
from telemed.service.ports.credentials import AccountNotices, HalfSessions, PasswordRecords, Recoveries, SecondFactors
from telemed.service.ports.criticals import Criticals
from telemed.service.ports.devices import Devices
from telemed.service.ports.evidence import EvidenceStore
from telemed.service.ports.invitations import Invitations
from telemed.service.ports.known_browsers import KnownBrowsers
from telemed.service.ports.notices import NoticeMarks
from telemed.service.ports.outbox import Outbox
from telemed.service.ports.password_attempts import PasswordAttempts
from telemed.service.ports.patients import Patients
from telemed.service.ports.people import People
from telemed.service.ports.reconciliations import Reconciliations
from telemed.service.ports.region import Region
from telemed.service.ports.region_records import RegionRecords
from telemed.service.ports.reports import Reports
from telemed.service.ports.retention import Erasures, Holds, KeptRecords
from telemed.service.ports.saved_views import SavedViews
from telemed.service.ports.sessions import Sessions
from telemed.service.ports.studies import Studies, StudyFacts
from telemed.service.ports.transfers import Transfers
from telemed.service.ports.uploads import Uploads

T = TypeVar("T")


class UnitOfWork(Protocol):
    """One transaction: its time, the region, the repositories, the outbox, and what the centres add to its use cases."""

    now: datetime
    region: Region
    cases: Cases
    reports: Reports
    patients: Patients
    evidence: EvidenceStore
    criticals: Criticals
    consents: Consents
    uploads: Uploads
    notice_marks: NoticeMarks
    studies: Studies
    reconciliations: Reconciliations
    transfers: Transfers
    devices: Devices
    region_records: RegionRecords
    people: People
    sessions: Sessions
    invitations: Invitations
    known_browsers: KnownBrowsers
    password_attempts: PasswordAttempts
    passwords: PasswordRecords
    factors: SecondFactors
    half_sessions: HalfSessions
    recoveries: Recoveries
    account_notices: AccountNotices
    saved_views: SavedViews
    kept: KeptRecords
    holds: Holds
    erasures: Erasures
    outbox: Outbox
    hooks: Sequence[CentreHooks]

    def repository(self, port: type[T]) -> T:
        """Return a centre's own repository by its port. Raises KeyError for a port that no centre brings."""
        ...


@dataclass(frozen=True, slots=True)
class CentreHooks:
    """A centre's share of the use cases of every centre; None adds nothing."""

    on_submit: Callable[[UnitOfWork, Case], Awaitable[None]] | None = None
    """A case, of any centre, was sent to its hub."""

    on_released: Callable[[UnitOfWork, Case, Report], Awaitable[None]] | None = None
    """A version of a report, of any centre, is the member's to have."""

    on_unmatched_study: Callable[[UnitOfWork, StudyFacts], Awaitable[tuple[Case, str] | None]] | None = None
    """A study found no case: return one that was opened for it and the name of the rule, or None."""

    stated_identities: Callable[[UnitOfWork, Case], Awaitable[Mapping[str, Sequence[StatedIdentity]]]] | None = None
    """Return, by evidence, the patients that files of the case state; studies are known by the index."""

    prefill: Callable[[UnitOfWork, Case], Awaitable[Mapping[str, float]]] | None = None
    """Return measurements of the case's evidence by the names that `Field.measured` uses."""

    stated: Callable[[UnitOfWork, Case], Awaitable[frozenset[str]]] | None = None
    """Return the codes of what the analysis of the case's evidence states, for rules that hold a report against it."""

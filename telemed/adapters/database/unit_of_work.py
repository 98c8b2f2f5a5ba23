"""One transaction: repositories, journal, commit. What was journalled goes in last, in the order of commits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from telemed.adapters.audit import chain as audit_chain
from telemed.adapters.audit.attestation import Touched
from telemed.adapters.clock import utc_now
from telemed.adapters.database import tables as t
from telemed.adapters.database.queries.notices import NoticeMarkTable
from telemed.adapters.database.repositories.cases import CaseTable
from telemed.adapters.database.repositories.consents import ConsentTable
from telemed.adapters.database.repositories.credentials import AccountNoticeTable, HalfSessionTable, PasswordTable, RecoveryTable
from telemed.adapters.database.repositories.criticals import CriticalTable
from telemed.adapters.database.repositories.devices import DeviceTable
from telemed.adapters.database.repositories.evidence import EvidenceTable
from telemed.adapters.database.repositories.invitations import InvitationTable
from telemed.adapters.database.repositories.known_browsers import KnownBrowserTable
from telemed.adapters.database.repositories.password_attempts import PasswordAttemptTable
from telemed.adapters.database.repositories.patients import PatientTable
from telemed.adapters.database.repositories.people import PersonTable
from telemed.adapters.database.repositories.reconciliations import ReconciliationTable
from telemed.adapters.database.repositories.reports import ReportTable
from telemed.adapters.database.repositories.saved_views import SavedViewTable
from telemed.adapters.database.repositories.second_factors import SecondFactorTable
from telemed.adapters.database.repositories.sessions import SessionTable
from telemed.adapters.database.repositories.transfers import TransferTable
from telemed.adapters.database.repositories.uploads import UploadTable
from telemed.adapters.database.repositories.volumes import VolumeRow, add_volumes
from telemed.adapters.dicom.study_repository import StudyTable
from telemed.adapters.jobs.rows import insert_jobs, job_row
from telemed.domain.audit import AuditRecord
from telemed.domain.case import Case
from telemed.domain.events import EventKind
from telemed.domain.jobs import JobType
from telemed.domain.people import SYSTEM, Agent
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
from telemed.service.ports.reports import Reports
from telemed.service.ports.saved_views import SavedViews
from telemed.service.ports.sessions import Sessions
from telemed.service.ports.studies import Studies
from telemed.service.ports.transfers import Transfers
from telemed.service.ports.unit_of_work import CentreHooks
from telemed.service.ports.uploads import Uploads


class OutboxBuffer:
    """Collects what a transaction says; `write` puts it in just before the commit."""

    def __init__(self, now: Callable[[], datetime], zone: ZoneInfo) -> None:
        self._now = now
        self._zone = zone
        self.volumes: list[VolumeRow] = []
        self.events: list[dict[str, Any]] = []
        self.records: list[AuditRecord] = []
        self.jobs: list[dict[str, Any]] = []

    def event(
        self, case: Case, action: EventKind, actor: str, detail: Mapping[str, Any] | None = None, *, left_hub: str | None = None
    ) -> None:
        line = {
            "case_id": case.id,
            "at": self._now(),
            "action": action.value,
            "actor": actor,
            "centre": case.centre,
            "status": case.status.value,
        }
        where = {"member": case.member, "hub": case.hub, "left_hub": left_hub if left_hub != case.hub else None}
        self.events.append(line | where | {"detail": dict(detail or {})})

    def audit(
        self, action: str, actor: str, institution: str, subject: str, outcome: str = "success", detail: Mapping[str, Any] | None = None
    ) -> None:
        self.records.append(AuditRecord(self._now(), str(action), actor, institution, subject, outcome, dict(detail or {})))

    def step(
        self,
        case: Case,
        agent: Agent,
        event: EventKind,
        action: str,
        detail: Mapping[str, Any] | None = None,
        *,
        history: Mapping[str, Any] | None = None,
        record: Mapping[str, Any] | None = None,
        outcome: str = "success",
        left_hub: str | None = None,
    ) -> None:
        both = dict(detail or {})
        self.event(case, event, agent.username, both | dict(history or {}), left_hub=left_hub)
        self.audit(action, agent.username, agent.institution, f"case/{case.id}", outcome, both | dict(record or {}))

    def job(self, kind: JobType, payload: Mapping[str, Any], *, key: str | None = None, after: datetime | None = None) -> None:
        self.jobs.append(job_row(kind, payload, self._now(), key=key, after=after))

    def count(self, kind: str, institution: str, *, centre: str = "", hub: str = "", items: int = 1, parts: int = 0) -> None:
        now = self._now()
        day = now.astimezone(self._zone).date()
        self.volumes.append(VolumeRow(day, institution, str(kind), centre, hub, items, parts, now))

    async def write(self, connection: AsyncConnection, touched: Touched) -> None:
        for line in self.jobs:
            await connection.execute(insert_jobs(connection).values(line))
        await connection.run_sync(add_volumes, self.volumes)
        if self.events and connection.dialect.name == "postgresql":
            # Numbers of events must become visible in order, or a listener that has seen n would never see n - 1.
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(audit_chain.CHAIN_LOCK)))
        if self.events:
            await connection.execute(sa.insert(t.case_event), self.events)
        attested = await touched.digests(connection)
        if attested and not self.records:
            self.audit("record:attest", SYSTEM, "", "record")  # a change that has no other record
        await audit_chain.append(connection, self.records, attested)


T = TypeVar("T")
RepositoryFactory = Callable[[AsyncConnection], Any]


@dataclass(frozen=True, slots=True)
class CentreParts:
    """The centres' share of a transaction: repositories by their ports, and hooks of use cases."""

    repositories: Mapping[type[Any], RepositoryFactory] = field(default_factory=dict)
    hooks: Sequence[CentreHooks] = ()


NO_CENTRE_PARTS = CentreParts()


class SqlUnitOfWork:
    """A transaction's repositories. `now` is the transaction's time."""

    def __init__(self, connection: AsyncConnection, region: Region, now: datetime, centres: CentreParts) -> None:
        self.hooks = centres.hooks
        self._factories = centres.repositories
        self.now = now
        self.region = region
        self.connection = connection
        self.touched = touched = Touched()
        self.cases: Cases = CaseTable(connection, touched)
        self.reports: Reports = ReportTable(connection, touched)
        self.patients: Patients = PatientTable(connection, touched)
        self.evidence: EvidenceStore = EvidenceTable(connection, touched)
        self.criticals: Criticals = CriticalTable(connection, touched)
        self.consents: Consents = ConsentTable(connection, touched)
        self.uploads: Uploads = UploadTable(connection)
        self.notice_marks: NoticeMarks = NoticeMarkTable(connection)
        self.studies: Studies = StudyTable(connection)
        self.reconciliations: Reconciliations = ReconciliationTable(connection)
        self.transfers: Transfers = TransferTable(connection)
        self.devices: Devices = DeviceTable(connection)
        self.people: People = PersonTable(connection)
        self.sessions: Sessions = SessionTable(connection)
        self.invitations: Invitations = InvitationTable(connection)
        self.known_browsers: KnownBrowsers = KnownBrowserTable(connection)
        self.password_attempts: PasswordAttempts = PasswordAttemptTable(connection)
        self.passwords: PasswordRecords = PasswordTable(connection)
        self.factors: SecondFactors = SecondFactorTable(connection)
        self.half_sessions: HalfSessions = HalfSessionTable(connection)
        self.recoveries: Recoveries = RecoveryTable(connection)
        self.account_notices: AccountNotices = AccountNoticeTable(connection)
        self.saved_views: SavedViews = SavedViewTable(connection)
        self.buffer = OutboxBuffer(lambda: self.now, region.network.zone)
        self.outbox: Outbox = self.buffer

    def repository(self, port: type[T]) -> T:
        """Return a centre's own repository by its port. Raises KeyError for a port that no centre brings."""
        made: T = self._factories[port](self.connection)
        return made


@asynccontextmanager
async def writing(
    engine: AsyncEngine, region: Region, clock: Callable[[], datetime] = utc_now, centres: CentreParts = NO_CENTRE_PARTS
) -> AsyncIterator[SqlUnitOfWork]:
    """A transaction that commits at the end of the block and rolls back on any error."""
    async with engine.begin() as connection:
        work = SqlUnitOfWork(connection, region, clock(), centres)
        yield work
        await work.buffer.write(connection, work.touched)


@asynccontextmanager
async def reading(
    engine: AsyncEngine, region: Region, clock: Callable[[], datetime] = utc_now, centres: CentreParts = NO_CENTRE_PARTS
) -> AsyncIterator[SqlUnitOfWork]:
    """One snapshot to read from; nothing is written."""
    async with engine.connect() as bare:
        connection = await bare.execution_options(reading=True)
        yield SqlUnitOfWork(connection, region, clock(), centres)
        await connection.rollback()

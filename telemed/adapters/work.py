"""One transaction: repositories, journal, commit. What was journalled goes in last, in the order of commits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from telemed.adapters import audit_chain
from telemed.adapters import tables as t
from telemed.adapters.audit_chain import AuditRecord
from telemed.adapters.device_table import DeviceTable
from telemed.adapters.notice_queries import NoticeMarkTable
from telemed.adapters.patient_table import PatientTable
from telemed.adapters.reconciliation_table import ReconciliationTable
from telemed.adapters.repositories import (
    CaseTable,
    ConsentTable,
    CriticalTable,
    EvidenceTable,
    PersonTable,
    ReportTable,
    SavedViewTable,
    SessionTable,
    insert_or_nothing,
)
from telemed.adapters.study_table import StudyTable
from telemed.adapters.tracing_table import TracingTable
from telemed.adapters.transfer_table import TransferTable
from telemed.adapters.upload_table import UploadTable
from telemed.adapters.volume_table import VolumeRow, add_volumes
from telemed.adapters.work_clock import utc_now
from telemed.domain.case import Case
from telemed.service import ports
from telemed.service.ports import Region


class JournalBuffer:
    """Collects what a transaction says; `write` puts it in just before the commit."""

    def __init__(self, now: Callable[[], datetime], zone: ZoneInfo) -> None:
        self._now = now
        self._zone = zone
        self.volumes: list[VolumeRow] = []
        self.events: list[dict[str, Any]] = []
        self.records: list[AuditRecord] = []
        self.jobs: list[dict[str, Any]] = []

    def event(self, case: Case, action: str, actor: str, detail: Mapping[str, Any] | None = None, *, left_hub: str | None = None) -> None:
        line = {"case_id": case.id, "at": self._now(), "action": action, "actor": actor, "centre": case.centre, "status": case.status.value}
        where = {"member": case.member, "hub": case.hub, "left_hub": left_hub if left_hub != case.hub else None}
        self.events.append(line | where | {"detail": dict(detail or {})})

    def audit(
        self, action: str, actor: str, institution: str, subject: str, outcome: str = "success", detail: Mapping[str, Any] | None = None
    ) -> None:
        self.records.append(AuditRecord(self._now(), str(action), actor, institution, subject, outcome, dict(detail or {})))

    def job(self, kind: str, payload: Mapping[str, Any], *, key: str | None = None, after: datetime | None = None) -> None:
        now = self._now()
        line = {"kind": kind, "payload": dict(payload), "waiting_key": key, "created_at": now, "run_after": after or now, "attempts": 0}
        self.jobs.append(line)

    def count(self, kind: str, institution: str, *, centre: str = "", hub: str = "", items: int = 1, parts: int = 0) -> None:
        now = self._now()
        day = now.astimezone(self._zone).date()
        self.volumes.append(VolumeRow(day, institution, str(kind), centre, hub, items, parts, now))

    async def write(self, connection: AsyncConnection) -> None:
        for line in self.jobs:
            await connection.execute(insert_or_nothing(connection, t.job).values(line))
        await connection.run_sync(add_volumes, self.volumes)
        if self.events and connection.dialect.name == "postgresql":
            # Numbers of events must become visible in order, or a listener that has seen n would never see n - 1.
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(audit_chain.CHAIN_LOCK)))
        if self.events:
            await connection.execute(sa.insert(t.case_event), self.events)
        await audit_chain.append(connection, self.records)


class SqlWork:
    """A transaction's repositories. `now` is the transaction's time."""

    def __init__(self, connection: AsyncConnection, region: Region, now: datetime) -> None:
        self.now = now
        self.region = region
        self.connection = connection
        self.cases: ports.Cases = CaseTable(connection)
        self.reports: ports.Reports = ReportTable(connection)
        self.patients: ports.Patients = PatientTable(connection)
        self.evidence: ports.EvidenceStore = EvidenceTable(connection)
        self.criticals: ports.Criticals = CriticalTable(connection)
        self.consents: ports.Consents = ConsentTable(connection)
        self.uploads: ports.Uploads = UploadTable(connection)
        self.notice_marks: ports.NoticeMarks = NoticeMarkTable(connection)
        self.studies: ports.Studies = StudyTable(connection)
        self.reconciliations: ports.Reconciliations = ReconciliationTable(connection)
        self.tracings: ports.Tracings = TracingTable(connection)
        self.transfers: ports.Transfers = TransferTable(connection)
        self.devices: ports.Devices = DeviceTable(connection)
        self.people: ports.People = PersonTable(connection)
        self.sessions: ports.Sessions = SessionTable(connection)
        self.saved_views: ports.SavedViews = SavedViewTable(connection)
        self.buffer = JournalBuffer(lambda: self.now, region.network.zone)
        self.journal: ports.Journal = self.buffer


@asynccontextmanager
async def writing(engine: AsyncEngine, region: Region, clock: Callable[[], datetime] = utc_now) -> AsyncIterator[SqlWork]:
    """A transaction that commits at the end of the block and rolls back on any error."""
    async with engine.begin() as connection:
        work = SqlWork(connection, region, clock())
        yield work
        await work.buffer.write(connection)


@asynccontextmanager
async def reading(engine: AsyncEngine, region: Region, clock: Callable[[], datetime] = utc_now) -> AsyncIterator[SqlWork]:
    """One snapshot to read from; nothing is written."""
    async with engine.connect() as bare:
        connection = await bare.execution_options(reading=True)
        yield SqlWork(connection, region, clock())
        await connection.rollback()

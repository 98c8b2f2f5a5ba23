"""One transaction: its time, the region, its repositories, its outbox."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from telemed.service.ports.cases import Cases
from telemed.service.ports.consents import Consents
from telemed.service.ports.criticals import Criticals
from telemed.service.ports.devices import Devices
from telemed.service.ports.evidence import EvidenceStore
from telemed.service.ports.notices import NoticeMarks
from telemed.service.ports.outbox import Outbox
from telemed.service.ports.patients import Patients
from telemed.service.ports.people import People
from telemed.service.ports.reconciliations import Reconciliations
from telemed.service.ports.region import Region
from telemed.service.ports.reports import Reports
from telemed.service.ports.saved_views import SavedViews
from telemed.service.ports.sessions import Sessions
from telemed.service.ports.studies import Studies
from telemed.service.ports.tracings import Tracings
from telemed.service.ports.transfers import Transfers
from telemed.service.ports.uploads import Uploads


class UnitOfWork(Protocol):
    """One transaction: its time, the region, the repositories, the journal."""

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
    tracings: Tracings
    transfers: Transfers
    devices: Devices
    people: People
    sessions: Sessions
    saved_views: SavedViews
    outbox: Outbox

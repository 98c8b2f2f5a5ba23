"""What the use cases ask of the world: repositories of one transaction, and the journal that is written with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from telemed.domain.case import Case
from telemed.domain.centre import Centre
from telemed.domain.consent import Consent
from telemed.domain.critical import CriticalValue
from telemed.domain.deadlines import DeadlineRule, WorkingHours
from telemed.domain.device import DeviceCall
from telemed.domain.evidence import Evidence
from telemed.domain.network import ApplicationEntity, Network
from telemed.domain.patient import Identifier, Patient
from telemed.domain.people import LockOut, Person, SessionLimits
from telemed.domain.reconciliation import Reconciliation
from telemed.domain.report import Report
from telemed.domain.tracing import Edit, Tracing
from telemed.domain.transfer import Transfer
from telemed.domain.upload import Upload


@dataclass(frozen=True, slots=True)
class EcgRules:
    """What a region decides about tracings.

    `requests`: members of which every ECG is a request, so that one without a case opens one. `critical`: rows of the
    table of critical values by code, as `{"at_least": 3.5}` or `{"at_most": 40}`; None switches a row off.
    """

    requests: frozenset[str] = frozenset()
    critical: Mapping[str, Mapping[str, float] | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PriorRules:
    """How many earlier studies are fetched for a case, the newest first, and how old they may be: a reader compares with few
    (practice)."""

    studies: int = 10
    years: int = 10


@dataclass(frozen=True, slots=True)
class Region:
    """What is set for the whole region: the network, the centres, and the numbers that a region decides."""

    network: Network
    centres: Mapping[str, Centre]
    working_hours: WorkingHours = field(default_factory=WorkingHours)
    deadline_rules: Mapping[str, tuple[DeadlineRule, ...]] = field(default_factory=dict)
    tell_within: timedelta = timedelta(minutes=10)
    lock_out: LockOut = field(default_factory=LockOut)
    sessions: SessionLimits = field(default_factory=SessionLimits)
    ecg: EcgRules = field(default_factory=EcgRules)
    priors: PriorRules = field(default_factory=PriorRules)

    def rules(self, centre: Centre) -> tuple[DeadlineRule, ...]:
        """The region's own deadlines for the centre, or the centre's defaults."""
        return self.deadline_rules.get(centre.code, centre.deadlines)


class Cases(Protocol):
    async def add(self, case: Case) -> None:
        """Raises Invalid where the member has a case with this accession number."""
        ...

    async def get(self, case_id: str) -> Case | None:
        """The case, locked for the rest of a writing transaction."""
        ...

    async def save(self, case: Case) -> None: ...
    async def next_accession(self, letter: str, day: date) -> str:
        """A fresh accession number (at most 16 characters, DICOM VR SH)."""
        ...

    async def with_accession(self, member: str, number: str) -> list[Case]: ...
    async def with_study(self, member: str, study_instance_uid: str) -> list[Case]:
        """The member's cases that have the study as evidence, not cancelled, newest first."""
        ...

    async def of_patient(self, member: str, patient_number: str, since: datetime) -> list[Case]:
        """Cases of the member's patient with this number, made since, not cancelled, newest first."""
        ...

    async def sharing(self, patient_id: str) -> int:
        """How many cases show this patient record."""
        ...

    async def made_between(self, member: str, first: datetime, last: datetime, limit: int) -> list[Case]:
        """The member's cases made in this time, not cancelled, newest first."""
        ...

    async def open_access(self, case_id: str, institution: str) -> None:
        """The institution keeps seeing the case although it is no longer the hub in charge."""
        ...

    async def has_access(self, case_id: str, institution: str) -> bool: ...
    async def held_by(self, username: str) -> int:
        """How many cases the reader holds now; in a writing transaction nobody else counts this reader's until its end."""
        ...

    async def past_accept(self, now: datetime, limit: int) -> list[str]: ...
    async def claimed_before(self, centre: str, moment: datetime, limit: int) -> list[str]:
        """Accepted cases of a centre, not parked, untouched since `moment`."""
        ...


class Reports(Protocol):
    async def add(self, report: Report) -> None: ...
    async def save(self, report: Report) -> None: ...
    async def versions(self, case_id: str) -> list[Report]:
        """All versions, oldest first."""
        ...


class Patients(Protocol):
    async def add(self, patient: Patient) -> None: ...
    async def save(self, patient: Patient) -> None: ...
    async def get(self, patient_id: str) -> Patient | None: ...
    async def known_to(self, member: str, identifiers: Sequence[Identifier]) -> list[Patient]:
        """Records of this member that carry one of the identifiers. In a writing transaction nobody else adds to the index
        until its end: the same patient from two at once is one record."""
        ...

    async def alike(self, patient: Patient) -> list[Patient]:
        """Records anywhere with the same resident number, or the same name, sex and birth date."""
        ...

    async def suggest(self, first: str, second: str, rule: str) -> None:
        """Note two records for a person to look at; noting them again changes nothing."""
        ...

    async def settle_doubt(self, first: str, second: str, at: datetime) -> bool:
        """The two are not asked about again. False where nobody asked."""
        ...

    async def merge(self, kept_master: str, joined_master: str) -> int:
        """All records of one master under the other; returns how many moved."""
        ...

    async def split(self, patient_id: str) -> None:
        """Take one record out of its group again."""
        ...

    async def with_number(self, value: str) -> list[str]:
        """Ids of the records that carry this number in any system, at most 200."""
        ...

    async def several(self, ids: Sequence[str]) -> list[Patient]:
        """The records with these ids, at most 200."""
        ...


class EvidenceStore(Protocol):
    async def add(self, evidence: Evidence) -> None: ...
    async def save(self, evidence: Evidence) -> None: ...
    async def get(self, evidence_id: str) -> Evidence | None: ...
    async def of_case(self, case_id: str) -> list[Evidence]: ...
    async def remove(self, evidence_id: str) -> None: ...


class Criticals(Protocol):
    async def add(self, value: CriticalValue) -> None: ...
    async def save(self, value: CriticalValue) -> None: ...
    async def get(self, value_id: str) -> CriticalValue | None: ...
    async def of_case(self, case_id: str) -> list[CriticalValue]: ...
    async def due(self, now: datetime, limit: int) -> list[CriticalValue]: ...


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """What the index knows of a study that looks for its case."""

    owner: str
    study_instance_uid: str
    accession_number: str
    patient_number: str
    patient_name: str
    patient_sex: str
    patient_birth_date: date | None
    study_date: str
    modality: str
    description: str
    instances: int
    received_at: datetime
    originals: Mapping[str, str] = field(default_factory=dict)
    """What was corrected by hand, by DICOM keyword, as it was received."""


@dataclass(frozen=True, slots=True)
class StepFacts:
    """What a modality says of a procedure step that it performs. `status` as in DICOM: IN PROGRESS, COMPLETED, DISCONTINUED."""

    owner: str
    sop_instance_uid: str
    station: str
    status: str
    modality: str
    accession_number: str
    study_instance_uid: str


class Studies(Protocol):
    async def step(self, owner: str, sop_instance_uid: str) -> StepFacts | None:
        """The performed procedure step of this institution, as it stands."""
        ...

    async def step_is_told(self, case_id: str, action: str, sop_instance_uid: str) -> bool:
        """The case's history has this line for this step."""
        ...

    async def facts(self, owner: str, study_instance_uid: str) -> StudyFacts | None: ...
    async def note_unmatched(self, study: StudyFacts) -> None: ...
    async def settle(self, owner: str, study_instance_uid: str) -> None:
        """The study has its case."""
        ...

    async def attributes(self, owner: str, study_instance_uid: str) -> Mapping[str, str] | None:
        """What may be corrected, as it holds now, by DICOM keyword; None where there is no such study."""
        ...

    async def correct(self, owner: str, study_instance_uid: str, values: Mapping[str, str], at: datetime) -> None:
        """Let these values hold, by DICOM keyword. What was received is kept."""
        ...

    async def restore(self, owner: str, study_instance_uid: str) -> Mapping[str, str]:
        """What was received holds again; returns what held in its place, nothing where nothing was corrected."""
        ...

    async def numbered(self, number: str, limit: int) -> list[StudyFacts]:
        """Studies with this patient number or accession number, newest first."""
        ...

    async def unmatched(self, owner: str | None, limit: int) -> list[StudyFacts]:
        """Studies without a case, newest first, of one owner or of all."""
        ...


class Reconciliations(Protocol):
    async def note(self, entry: Reconciliation) -> None: ...
    async def set_apart(self, owner: str, study_instance_uid: str) -> frozenset[str]:
        """Cases that a person took this study away from, and nobody linked it to again."""
        ...

    async def newest(self, limit: int) -> list[Reconciliation]:
        """What people decided, newest first; changes of cards are none."""
        ...

    async def changes(self, patient_ids: Sequence[str]) -> list[Reconciliation]:
        """How these records were written before, newest first, at most 200."""
        ...

    async def of_study(self, owner: str, study_instance_uid: str) -> list[Reconciliation]:
        """What was done about a study, newest first."""
        ...


class Tracings(Protocol):
    async def add(self, tracing: Tracing) -> bool:
        """False where this recording of this evidence is there already."""
        ...

    async def get(self, tracing_id: str) -> Tracing | None:
        """The tracing, locked for the rest of a writing transaction."""
        ...

    async def of_cases(self, case_ids: list[str]) -> list[Tracing]:
        """Recordings of these cases by the time they were made, those without a time last."""
        ...

    async def sources(self, evidence_id: str) -> set[str]:
        """Sources of this evidence that have been read."""
        ...

    async def edits(self, tracing_id: str) -> list[Edit]:
        """All edits in order, those taken back too."""
        ...

    async def add_edit(self, edit: Edit) -> None: ...
    async def take_back(self, tracing_id: str, number: int, by: str, at: datetime) -> None: ...
    async def arrived(self, member: str, sha256: str) -> tuple[str, str] | None:
        """Case and evidence that a cart's file became."""
        ...

    async def note_arrival(self, member: str, sha256: str, case_id: str, evidence_id: str, at: datetime) -> None: ...


class Transfers(Protocol):
    async def add(self, transfer: Transfer) -> None: ...
    async def get(self, transfer_id: str) -> Transfer | None:
        """The transfer, locked for the rest of a writing transaction."""
        ...

    async def save(self, transfer: Transfer) -> None: ...
    async def of_case(self, case_id: str) -> list[Transfer]:
        """The case's transfers, newest first."""
        ...


class Devices(Protocol):
    async def all(self) -> list[ApplicationEntity]: ...
    async def get(self, title: str) -> ApplicationEntity | None: ...
    async def add(self, device: ApplicationEntity) -> bool:
        """False where one of this title is there already."""
        ...

    async def save(self, device: ApplicationEntity) -> None: ...
    async def remove(self, title: str) -> None: ...
    async def calls(self) -> list[DeviceCall]:
        """The last call under each AE title, newest first."""
        ...


class Uploads(Protocol):
    async def add(self, upload: Upload) -> None: ...
    async def get(self, upload_id: str) -> Upload | None:
        """The upload, locked for the rest of a writing transaction."""
        ...

    async def save(self, upload: Upload) -> None: ...
    async def remove(self, upload_id: str) -> None: ...
    async def unfinished(self, username: str) -> int:
        """How many uploads of this person are not yet evidence."""
        ...

    async def expired(self, now: datetime, limit: int) -> list[Upload]: ...


class NoticeMarks(Protocol):
    async def mark(self, username: str, event_id: int) -> None:
        """The person has seen the notices up to this line of history; never goes back."""
        ...


class Consents(Protocol):
    async def add(self, consent: Consent) -> None: ...
    async def of_case(self, case_id: str) -> list[Consent]: ...


@dataclass(slots=True)
class Credentials:
    """A password hash and the count of failures since the last success."""

    username: str
    password_hash: str
    failures: int = 0
    locked_until: datetime | None = None


class People(Protocol):
    async def get(self, username: str) -> Person | None: ...
    async def credentials(self, username: str) -> Credentials | None: ...
    async def save_credentials(self, credentials: Credentials) -> None: ...
    async def signed_in(self, username: str, at: datetime) -> None:
        """Note the time of the last sign-in."""
        ...

    async def with_role(self, role: str) -> list[Person]:
        """Active people with this role."""
        ...

    async def readers(self, institution: str, centre: str) -> list[Person]: ...


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in session; only the digest of its token is kept."""

    token_digest: str
    username: str
    created_at: datetime
    seen_at: datetime


class Sessions(Protocol):
    async def add(self, session: Session) -> None: ...
    async def get(self, token_digest: str) -> Session | None: ...
    async def seen(self, token_digest: str, at: datetime) -> None: ...
    async def end(self, token_digest: str) -> None: ...
    async def sweep(self, unseen_since: datetime, begun_before: datetime) -> int:
        """Forget sessions that nobody can use any more; returns how many."""
        ...


@dataclass(frozen=True, slots=True)
class SavedView:
    """A worklist's filters under a name, as the query part of its address."""

    name: str
    query: str


class SavedViews(Protocol):
    async def save(self, username: str, view: SavedView) -> None:
        """Keep the view; one of the same name is replaced."""
        ...

    async def remove(self, username: str, name: str) -> bool:
        """True where there was one."""
        ...

    async def of(self, username: str) -> list[SavedView]:
        """The person's views by name."""
        ...


class Journal(Protocol):
    """What is written beside the change, in its transaction: the case's history, the audit trail, the work to do next."""

    def event(self, case: Case, action: str, actor: str, detail: Mapping[str, Any] | None = None, *, left_hub: str | None = None) -> None:
        """One line of the case's history; it also goes to everyone who watches the case."""
        ...

    def audit(
        self, action: str, actor: str, institution: str, subject: str, outcome: str = "success", detail: Mapping[str, Any] | None = None
    ) -> None:
        """One record of the audit trail. `action` is of the vocabulary `subject:action`."""
        ...

    def job(self, kind: str, payload: Mapping[str, Any], *, key: str | None = None, after: datetime | None = None) -> None:
        """Work for the worker. While a job with the same `key` waits, another is not added."""
        ...

    def count(self, kind: str, institution: str, *, centre: str = "", hub: str = "", items: int = 1, parts: int = 0) -> None:
        """Add to the institution's volume of the day. `kind` is a `Volume` or an `EvidenceType`; `parts`: images of studies."""
        ...


class Work(Protocol):
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
    journal: Journal


class Passwords(Protocol):
    """Slow on purpose: call it outside a transaction."""

    async def hash(self, password: str) -> str: ...
    async def matches(self, password_hash: str, password: str) -> bool: ...

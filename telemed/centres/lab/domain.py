"""Laboratory messages and results as the platform keeps them, and the rules of a result's life."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from telemed.domain.evidence import EvidenceKind, EvidenceType
from telemed.domain.jobs import JobType

_ = str  # marks text for the translation catalogue


class LabJob(JobType):
    """Jobs of the laboratory centre."""

    RESULTS_ARRIVED = "lab-results-arrived"
    """Results of an order came or changed: find their case, and open the loop for what is critical."""
    READ_REPORT = "read-lab-report"
    """A file with results was attached to a case: read it."""
    TELL_REPORT = "lab-tell-report"
    """A report was released: write it for the member's systems."""
    SEND = "lab-send"
    """Messages wait for a member's system: send them in their order."""
    CODE_MAPPED = "lab-code-mapped"
    """A person said which test a sender's code is: judge what came under it by the limits of that test."""


RESULTS = EvidenceKind(EvidenceType("lab-report"), _("Laboratory results"), _("No results yet"), "flask", read_by=LabJob.READ_REPORT)


class MessageState(StrEnum):
    """What became of a message. `quarantined`: kept for a person, nothing was taken from it; `refused`: not from here."""

    ACCEPTED = "accepted"
    QUARANTINED = "quarantined"
    REFUSED = "refused"


@dataclass(slots=True)
class LabMessage:
    """One message as it came. The sender's application (MSH-3), facility (MSH-4), control id (MSH-10) and the SHA-256 of the content
    name it. `raw` is empty where the content lies in the object store under `key`. `answer` is what it was answered with."""

    id: str
    application: str
    sender: str
    control_id: str
    sha256: str
    type: str
    state: MessageState
    reason: str
    answer_code: str
    answer: bytes
    address: str
    received_at: datetime
    size: int
    raw: bytes = b""
    key: str = ""
    replayed_at: datetime | None = None
    batch: str = ""
    """The id of the first message of the commit that took this one."""

    @property
    def name(self) -> MessageName:
        return MessageName(self.application, self.sender, self.control_id)


class MessageName(NamedTuple):
    """What names a message: MSH-3, MSH-4, MSH-10."""

    application: str
    sender: str
    control_id: str


class ResultStatus(StrEnum):
    """The status of a result (FHIR R4 observation-status)."""

    REGISTERED = "registered"
    PRELIMINARY = "preliminary"
    FINAL = "final"
    AMENDED = "amended"
    CORRECTED = "corrected"
    CANCELLED = "cancelled"
    ENTERED_IN_ERROR = "entered-in-error"
    UNKNOWN = "unknown"


RANK: Final[Mapping[ResultStatus, int]] = {
    ResultStatus.UNKNOWN: 0,
    ResultStatus.REGISTERED: 0,
    ResultStatus.PRELIMINARY: 1,
    ResultStatus.FINAL: 2,
    ResultStatus.AMENDED: 3,
    ResultStatus.CORRECTED: 3,
    ResultStatus.CANCELLED: 4,
    ResultStatus.ENTERED_IN_ERROR: 5,
}
"""How far a result has come in its life (HL7 table 0085 and its use in chapter 7.4.2.11): one that is late is no step back."""

RELEASED: Final = frozenset({ResultStatus.FINAL, ResultStatus.AMENDED, ResultStatus.CORRECTED})
SHOWN: Final = RELEASED | {ResultStatus.PRELIMINARY, ResultStatus.REGISTERED, ResultStatus.UNKNOWN}
"""What stands in the patient's view: one that was cancelled, or belongs to somebody else, does not; its history stays."""


@dataclass(frozen=True, slots=True)
class ResultCode:
    """The codes of a test: WS/T 886-2026, LOINC, and the sender's own; empty where there is none."""

    wst886: str = ""
    loinc: str = ""
    local: str = ""

    @property
    def known(self) -> bool:
        return bool(self.wst886 or self.loinc)


@dataclass(frozen=True, slots=True)
class ResultValue:
    """What a result says: a number with its comparator, or text; `as_sent` is OBX-5 as it was sent."""

    number: float | None = None
    comparator: str = ""
    text: str = ""
    as_sent: str = ""
    unit: str = ""
    range: str = ""
    flag: str = ""
    """Of HL7 table 0078: L, H, LL, HH, N, A."""

    @property
    def said(self) -> str:
        """What a person reads."""
        return self.text or self.as_sent


@dataclass(frozen=True, slots=True)
class Result:
    """One result of a patient as it stands now. `key` names it over all messages: member, patient, order, code, OBX-4, specimen.

    `observed_at` is the specimen's time where it was sent; `reported_at` that of the message which said it. `version` counts changes.
    """

    id: str
    key: str
    member: str
    patient_number: str
    order_number: str
    code: ResultCode
    name: str
    sub_id: str
    specimen: str
    value: ResultValue
    status: ResultStatus
    observed_at: datetime | None
    reported_at: datetime
    message_id: str
    version: int = 1

    @property
    def shown(self) -> bool:
        return self.status in SHOWN


def merged(known: Result | None, new: Result) -> Result | None:
    """Return the result as it stands after `new` was said of it; None where that changes nothing.

    A later word of the same rank with another value is a correction, even where it says final. What is of an earlier rank, or was
    reported before what is known, is late: it stays on record with its message and changes nothing.
    """
    if known is None:
        return new
    if new.reported_at < known.reported_at or RANK[new.status] < RANK[known.status]:
        return None
    status = new.status
    if known.status in RELEASED and status in RELEASED and new.value != known.value:
        status = ResultStatus.CORRECTED
    elif known.status in RELEASED and status is ResultStatus.FINAL:
        status = known.status
    value = known.value if status in (ResultStatus.ENTERED_IN_ERROR, ResultStatus.CANCELLED) else new.value
    if status is known.status and value == known.value:
        return None
    return replace(new, id=known.id, version=known.version + 1, status=status, value=value)


@dataclass(frozen=True, slots=True)
class ReportOrder:
    """Where the results of one order belong: the case and the evidence that they became, once they have one."""

    member: str
    order_number: str
    patient_number: str
    case_id: str = ""
    evidence_id: str = ""


@dataclass(frozen=True, slots=True)
class OpenMapping:
    """A sender's code that the catalogue does not know, as it was seen: it waits for a decision."""

    member: str
    code: str
    name: str
    unit: str
    specimen: str
    range: str
    seen: int
    first_at: datetime
    last_at: datetime
    item: str = ""
    """WS/T 886 code that a person chose; empty while nobody has."""


@dataclass(frozen=True, slots=True)
class SheetPreview:
    """What a sheet gives: its columns, how many results, the first of them, rows that cannot be taken with the reason; why nothing was
    taken, where it was to be."""

    columns: tuple[str, ...]
    results: int
    first: tuple[Result, ...]
    refused: tuple[tuple[int, str], ...]
    reason: str = ""

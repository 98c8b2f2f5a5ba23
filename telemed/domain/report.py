"""A report and its versions.

Status names are those of FHIR R4 `DiagnosticReport.status`
(https://hl7.org/fhir/R4/valueset-diagnostic-report-status.html). A released version is never edited: an amendment or an
addendum is a version of its own, and every version stays readable.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from telemed.domain.states import StateMachine, rows


class ReportStatus(StrEnum):
    PARTIAL = "partial"
    PRELIMINARY = "preliminary"
    FINAL = "final"
    AMENDED = "amended"
    APPENDED = "appended"
    ENTERED_IN_ERROR = "entered-in-error"


class VersionKind(StrEnum):
    """Why this version exists."""

    ORIGINAL = "original"
    AMENDMENT = "amendment"
    ADDENDUM = "addendum"


class Result(StrEnum):
    """Whether the report found what it looked for. Nobody has judged it until somebody says so."""

    NOT_JUDGED = "not-judged"
    NEGATIVE = "negative"
    POSITIVE = "positive"


RELEASED = "final amended appended"

REPORT = StateMachine(
    "report",
    rows("partial", "save", ReportStatus.PARTIAL)
    | rows("partial", "discard", ReportStatus.ENTERED_IN_ERROR)
    | rows("partial", "sign", ReportStatus.PRELIMINARY)
    | rows("preliminary", "send-back", ReportStatus.PARTIAL)
    | rows("preliminary", "release-original", ReportStatus.FINAL)
    | rows("preliminary", "release-amendment", ReportStatus.AMENDED)
    | rows("preliminary", "release-addendum", ReportStatus.APPENDED)
    | rows(RELEASED, "amend", ReportStatus.PARTIAL)
    | rows(RELEASED, "append", ReportStatus.PARTIAL)
    | rows(RELEASED, "withdraw", ReportStatus.ENTERED_IN_ERROR),
)
"""`amend` and `append` name the first state of the new version; the released one keeps its own."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A contradiction that was pointed out and signed all the same: the rule's code, what stood against what, who signed, why, and when."""

    code: str
    said: str
    against: str
    by: str
    reason: str
    at: datetime


@dataclass(slots=True)
class Report:
    """One version of a case's report. `revision` counts saves; with `version` it makes the entity tag.

    `acknowledged` are the contradictions that its author and its reviewer signed all the same.
    """

    case_id: str
    version: int
    kind: VersionKind
    author: str
    created_at: datetime
    updated_at: datetime
    status: ReportStatus = ReportStatus.PARTIAL
    revision: int = 0
    sections: dict[str, Any] = field(default_factory=dict)
    result: Result = Result.NOT_JUDGED
    reason: str = ""
    hub: str = ""
    signed_at: datetime | None = None
    reviewer: str | None = None
    reviewed_at: datetime | None = None
    released_at: datetime | None = None
    review_note: str = ""
    verification_code: str = ""
    pdf_key: str = ""
    pdf_sha256: str = ""
    acknowledged: tuple[Acknowledged, ...] = ()

    @property
    def entity_tag(self) -> str:
        return f"{self.version}.{self.revision}"

    @property
    def released(self) -> bool:
        return self.released_at is not None

    def apply(self, action: str) -> None:
        """Move along the table. Raises InvalidTransition where the table forbids it."""
        self.status = REPORT.next(self.status, action)

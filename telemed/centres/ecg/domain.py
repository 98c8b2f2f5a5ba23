"""An ECG recording as the platform keeps it: the place of its samples, and the analysis's proposal.

A proposal is the machine's; it counts for nothing until a physician has signed a report. Nothing here is changed by a
reader: what they measure otherwise stands in their report, and what they do to a long recording is an `Edit` beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from telemed.domain.events import EventKind
from telemed.domain.evidence import EvidenceKind, EvidenceType
from telemed.domain.jobs import JobType

_ = str  # marks text for the translation catalogue


class EcgEvent(EventKind):
    """Actions that the ECG centre writes into a case's history."""

    READ = "ecg-read"


class EcgJob(JobType):
    """Jobs of the ECG centre."""

    READ = "read-ecg"
    """Read and analyse the recordings of a piece of evidence."""
    OPEN_DETECTED_CRITICALS = "open-detected-criticals"
    """A case was sent: open the loop for what was found in its recordings while it was a draft."""


TRACINGS = EvidenceKind(
    EvidenceType("ecg"), _("ECG recordings"), _("No tracing yet"), "heartbeat", modalities=frozenset({"ECG"}), read_by=EcgJob.READ
)
"""Modality ECG (0008,0060) names tracings rather than images (PS3.3 C.7.3.1.1.1)."""


class TracingKind(StrEnum):
    """How a recording is read: on one sheet, or hour by hour."""

    RESTING = "resting"
    HOLTER = "holter"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class CriticalHit:
    """A limit of the region's table that a recording reaches: `code` of the row, the value, and the finding in words."""

    code: str
    value: float
    unit: str
    finding: str


@dataclass(frozen=True, slots=True)
class TracingObject:
    """An object of a recording as it was stored: `name` below the recording's key, bytes, and SHA-256 in hex digits."""

    name: str
    size: int
    sha256: str


@dataclass(slots=True)
class Tracing:
    """One recording of one piece of evidence.

    `source` tells recordings of a DICOM study apart (SOP Instance UID; empty for a file). `started_at` is the device's
    clock, without a zone. `proposal` holds measurements, statements with their evidence, lead quality and suspected
    reversals, by the names of the `ecg` library. `key` is the folder of its objects: samples, results. `objects` are those that were stored when
    it was analysed; None where that was before digests were kept.
    """

    id: str
    case_id: str
    evidence_id: str
    source: str
    kind: TracingKind
    analysed_at: datetime
    format: str = ""
    started_at: datetime | None = None
    duration: float = 0.0
    rate: float = 0.0
    samples: int = 0
    leads: tuple[str, ...] = ()
    proposal: dict[str, Any] = field(default_factory=dict)
    critical: tuple[CriticalHit, ...] = ()
    reason: str = ""
    key: str = ""
    objects: tuple[TracingObject, ...] | None = ()

    @property
    def readable(self) -> bool:
        return self.kind is not TracingKind.UNREADABLE


class EditKind(StrEnum):
    """The kinds of edit that a reader makes in a long recording."""

    TEMPLATE = "template"
    """All beats of a template are given a class: `{"template": 3, "name": "V"}`."""
    BEAT = "beat"
    """One beat is: `{"beat": 1200, "name": "N"}`."""
    STRIP = "strip"
    """A strip goes into the report: `{"begin": seconds, "seconds": 8, "caption": "..."}`."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One step of a reader, in order of `number`. A step taken back stays on record with who took it back, and when."""

    tracing_id: str
    number: int
    kind: EditKind
    detail: Mapping[str, Any]
    by: str
    at: datetime
    undone_by: str | None = None
    undone_at: datetime | None = None

    @property
    def counts(self) -> bool:
        return self.undone_at is None

"""Evidence of a case: studies, tracings, results, slides, documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any


class EvidenceType(StrEnum):
    DICOM_STUDY = "dicom-study"
    ECG = "ecg"
    LAB_REPORT = "lab-report"
    SLIDE = "slide"
    DOCUMENT = "document"
    PRIOR_STUDY = "prior-study"
    """An earlier study of the patient, fetched for comparison: no evidence that the case waits for."""


WAVEFORMS = frozenset({"ECG"})
"""Values of Modality (0008,0060) that name tracings rather than images (PS3.3 C.7.3.1.1.1)."""


def study_type(modality: str) -> EvidenceType:
    """Return the type of evidence that a DICOM study of this modality is."""
    return EvidenceType.ECG if modality in WAVEFORMS else EvidenceType.DICOM_STUDY


@dataclass(slots=True)
class Evidence:
    """One piece of evidence of one case. `key` names the stored object; a DICOM study has its UID and a count instead."""

    id: str
    case_id: str
    type: EvidenceType
    name: str
    added_by: str
    added_at: datetime
    media_type: str = "application/octet-stream"
    key: str = ""
    size: int = 0
    sha256: str = ""
    study_instance_uid: str | None = None
    instances: int = 0
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file that a centre takes: how its first bytes look, what evidence it becomes, how it is sent out again."""

    name: str
    type: EvidenceType
    media_type: str
    recognise: Callable[[bytes], bool]


MATCH_WINDOW = timedelta(days=3)
"""A study without an accession number belongs to a case of the same patient made this long before or after (practice)."""

HEAD = 8192
"""How many first bytes `FileKind.recognise` is given."""


def magic(*prefixes: bytes, offset: int = 0) -> Callable[[bytes], bool]:
    """A recogniser by fixed bytes at an offset."""
    return lambda head: any(head[offset : offset + len(p)] == p for p in prefixes)


def kind_of(head: bytes, kinds: Mapping[str, FileKind] | list[FileKind]) -> FileKind | None:
    """The first kind that knows these bytes."""
    candidates = kinds.values() if isinstance(kinds, Mapping) else kinds
    return next((kind for kind in candidates if kind.recognise(head)), None)

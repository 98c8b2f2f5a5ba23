"""Evidence of a case: studies, tracings, results, slides, documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from telemed.domain.jobs import JobType

_ = str  # marks text for the translation catalogue


class EvidenceType(str):
    """A type of evidence by its code, as in rows and in the API. These are the platform's own; a centre with evidence of its own
    names another."""

    __slots__ = ()
    DICOM_STUDY: ClassVar[EvidenceType]
    DOCUMENT: ClassVar[EvidenceType]
    PRIOR_STUDY: ClassVar[EvidenceType]
    """An earlier study of the patient, fetched for comparison: no evidence that the case waits for."""

    @property
    def value(self) -> str:
        """The plain text, for rows and answers."""
        return str(self)


EvidenceType.DICOM_STUDY = EvidenceType("dicom-study")
EvidenceType.DOCUMENT = EvidenceType("document")
EvidenceType.PRIOR_STUDY = EvidenceType("prior-study")


@dataclass(frozen=True, slots=True)
class EvidenceKind:
    """What the platform has to know of a type of evidence.

    `name` is the plural for figures, `missing` says that none has come yet. Values of Modality (0008,0060) in `modalities` make a
    DICOM study evidence of this type rather than images. `read_by` is the kind of job that reads it when it arrives.
    """

    type: EvidenceType
    name: str
    missing: str
    icon: str
    modalities: frozenset[str] = frozenset()
    read_by: JobType | None = None


STUDIES = EvidenceKind(EvidenceType.DICOM_STUDY, _("Studies"), _("No images yet"), "scan")
DOCUMENTS = EvidenceKind(EvidenceType.DOCUMENT, _("Documents"), _("No documents yet"), "file-text")
PRIOR_STUDIES = EvidenceKind(EvidenceType.PRIOR_STUDY, _("Earlier studies"), _("No images yet"), "scan")


@dataclass(slots=True)
class Evidence:
    """One piece of evidence of one case. `key` names the stored object; a DICOM study has its UID and a count instead.

    `whole`: the study as such is evidence, with all that its devices send of it. Otherwise only those of its instances are that
    were received for this case: a Study Instance UID alone opens nothing.
    """

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
    whole: bool = True


@dataclass(frozen=True, slots=True)
class NamedPatient:
    """Whose study it is, as a DICOM object says it. `number` is Patient ID (0010,0020); what is not said is empty."""

    number: str = ""
    name: str = ""
    birth_date: date | None = None

    def contradicts(self, other: NamedPatient) -> bool:
        """True if both say something, and not the same."""
        said = ((self.number, other.number), (self.name.casefold(), other.name.casefold()), (self.birth_date, other.birth_date))
        return any(one and another and one != another for one, another in said)


@dataclass(frozen=True, slots=True)
class OfferedStudy:
    """The study that a file says it is of."""

    study_instance_uid: str
    patient: NamedPatient


@dataclass(frozen=True, slots=True)
class FileAside:
    """A file that was taken away from a case since it is another person's; it keeps its bytes and waits for the operator."""

    evidence: Evidence
    member: str
    set_aside_by: str
    set_aside_at: datetime
    reason: str


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


def kind_of(head: bytes, kinds: Iterable[FileKind]) -> FileKind | None:
    """The first kind that knows these bytes."""
    return next((kind for kind in kinds if kind.recognise(head)), None)

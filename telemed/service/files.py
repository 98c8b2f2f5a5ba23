"""Files that become evidence: the kind is found from the content, the bytes are kept as they came."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from telemed.domain.case import Case
from telemed.domain.centre import Centre
from telemed.domain.errors import BorrowedStudy, DomainError, TakenInstance
from telemed.domain.evidence import HEAD, Evidence, EvidenceType, FileKind, OfferedStudy, kind_of, magic
from telemed.domain.people import Person
from telemed.domain.pictures import MAX_PIXELS, PICTURE_HEAD, pixels_of
from telemed.domain.policy import Action
from telemed.service.application import Application
from telemed.service.evidence import attach, may_attach, may_receive
from telemed.service.execution import execute, query
from telemed.service.identity import new_id

_ = str  # marks text for the translation catalogue

DOCUMENTS = (
    FileKind("PDF", EvidenceType.DOCUMENT, "application/pdf", magic(b"%PDF-")),
    FileKind("JPEG", EvidenceType.DOCUMENT, "image/jpeg", magic(b"\xff\xd8\xff")),
    FileKind("PNG", EvidenceType.DOCUMENT, "image/png", magic(b"\x89PNG\r\n\x1a\n")),
)
"""Kinds that every centre takes."""

PICTURES = frozenset({"image/jpeg", "image/png"})
DEFAULT_NAME = "file"
MAX_NAME = 255


class UnknownKind(DomainError):
    """Nobody takes this file; `known` lists what is taken, `advice` says what to do with it instead, where that is known."""

    code = "unknown-file"

    def __init__(self, known: tuple[str, ...], advice: str = "") -> None:
        super().__init__(advice or ", ".join(known))
        self.known, self.advice = known, advice


class DamagedFile(DomainError):
    """The file says what it is and is not whole."""

    code = "damaged-file"

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(f"{kind}: {reason}")
        self.kind, self.reason = kind, reason


@dataclass(frozen=True, slots=True)
class ReceivedStudy:
    """The study that the DICOM intake made of a file."""

    study_instance_uid: str
    modality: str
    description: str
    instances: int


Admission = Callable[[OfferedStudy], Awaitable[None]]


class StudyIntake(Protocol):
    """The one intake for DICOM objects, whichever way they came."""

    async def receive(
        self, content: AsyncIterator[bytes], owner: str, source: str, case_id: str = "", admission: Admission | None = None
    ) -> ReceivedStudy:
        """Keep one Part 10 file durably; `case_id` names the case that receives it, `admission` is asked before and raises what
        stands against it. Raises DamagedFile, and TakenInstance where it was set aside."""
        ...


def is_dicomdir(head: bytes) -> bool:
    """True if the file meta information names Media Storage Directory Storage (PS3.10 8.6)."""
    return head[128:132] == b"DICM" and b"\x02\x00\x02\x00UI\x14\x001.2.840.10008.1.3.10" in head


def _is_bare_data_set(head: bytes) -> bool:
    """True for a data set that begins with an element of group 8, or with file meta information, without preamble (PS3.10 7.1)."""
    group, element = int.from_bytes(head[:2], "little"), int.from_bytes(head[2:4], "little")
    if group not in (2, 8) or element > 0x18 or len(head) < 16:
        return False
    return head[4:6] in (b"UL", b"CS", b"UI", b"OB") or int.from_bytes(head[4:8], "little") <= 64


_ARCHIVE = magic(b"PK\x05\x06", b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b\x08")

ADVICE = (
    (is_dicomdir, _("This is a DICOMDIR, the table of contents of a disc: choose the images that lie beside it")),
    (_ARCHIVE, _("This is an archive: unpack it, and choose the files in it")),
)  # fmt: skip
"""What else people send, and what they should do with it."""


def all_kinds(centres: Mapping[str, Centre]) -> list[FileKind]:
    """Every kind that some centre or all of them take, asked in order."""
    kinds = [kind for centre in centres.values() for kind in centre.file_kinds]
    return [*kinds, *DOCUMENTS]


def recognised(head: bytes, centres: Mapping[str, Centre]) -> FileKind:
    """Return the kind of a file by its first bytes. Raises UnknownKind."""
    kinds = all_kinds(centres)
    kind = kind_of(head, kinds)
    if kind is None and _is_bare_data_set(head):
        kind = next((each for each in kinds if each.type == EvidenceType.DICOM_STUDY), None)
    if kind is None or is_dicomdir(head):
        advice = next((text for recognise, text in ADVICE if recognise(head)), "")
        raise UnknownKind(tuple(dict.fromkeys(k.name for k in kinds)), advice)
    return kind


def kept_name(name: str) -> str:
    """Return a file's name as it is kept: without what cannot be printed or is no text at all, of a long one the end."""
    return "".join(c for c in name if c.isprintable())[-MAX_NAME:] or DEFAULT_NAME


async def attach_file(
    application: Application, studies: StudyIntake, person: Person, case_id: str, name: str, content: AsyncIterator[bytes]
) -> Evidence:
    """Keep a file as evidence of the case. Raises UnknownKind, DamagedFile, BorrowedStudy, TakenInstance, or what the policy says.

    The bytes are durable before the case knows of them; the same file again is the same evidence.
    """
    case = await query(application, may_attach, person, case_id)
    head, rest = await split(content, HEAD)
    kind = recognised(head, application.region.centres)
    if kind.media_type in PICTURES:
        rest = await _bounded_picture(kind, rest)
    if kind.type == EvidenceType.DICOM_STUDY:
        study = await _received(application, studies, person, case, rest)
        found = _evidence(case.id, kind, study.description or study.modality or kind.name, person, application)
        found.study_instance_uid, found.instances = study.study_instance_uid, study.instances
        found.facts = {"modality": study.modality}
        found.type = application.region.study_type(study.modality)
    else:
        found = _evidence(case.id, kind, name, person, application)
        found.key = f"evidence/{case.id}/{found.id}"
        stored = await application.store.put(found.key, rest, media_type=kind.media_type)
        found.size, found.sha256 = stored.size, stored.sha256
    try:
        kept = await execute(application, attach, person, case_id, found)
    except DomainError:
        await _forget(application, found)
        raise
    if kept.id != found.id:
        await _forget(application, found)
    return kept


async def _received(
    application: Application, studies: StudyIntake, person: Person, case: Case, content: AsyncIterator[bytes]
) -> ReceivedStudy:
    """Take a DICOM file in. What is refused or set aside is on record with the case."""

    async def admission(offered: OfferedStudy) -> None:
        await query(application, may_receive, person, case.id, offered)

    try:
        return await studies.receive(content, case.member, f"upload:{person.username}", case.id, admission)
    except (BorrowedStudy, TakenInstance) as refusal:
        async with application.writing() as work:
            uid = {"study": refusal.study_instance_uid} if isinstance(refusal, BorrowedStudy) else {"instance": str(refusal)}
            detail = {"why": refusal.code} | uid
            work.outbox.audit(Action.EVIDENCE_ADD, person.username, person.institution, f"case/{case.id}", "refused", detail)
        raise


async def _forget(application: Application, evidence: Evidence) -> None:
    """Bytes that did not become evidence are not kept."""
    if evidence.key:
        await application.store.delete(evidence.key)


def _evidence(case_id: str, kind: FileKind, name: str, person: Person, application: Application) -> Evidence:
    return Evidence(new_id(), case_id, kind.type, kept_name(name), person.username, application.now(), media_type=kind.media_type)


async def _bounded_picture(kind: FileKind, content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The content again, of a picture that a browser can show. Raises DamagedFile."""
    head, whole = await split(content, PICTURE_HEAD)
    pixels = pixels_of(head)
    if pixels is not None and pixels > MAX_PIXELS:
        raise DamagedFile(kind.name, f"{pixels} pixels, at most {MAX_PIXELS}: make it smaller")
    if pixels is None and len(head) >= PICTURE_HEAD:
        raise DamagedFile(kind.name, f"its first {PICTURE_HEAD} bytes do not say how large it is")
    return whole


async def split(content: AsyncIterator[bytes], length: int) -> tuple[bytes, AsyncIterator[bytes]]:
    """The first bytes, and the whole content again."""
    head = b""
    async for piece in content:
        head += piece
        if len(head) >= length:
            break

    async def whole() -> AsyncIterator[bytes]:
        yield head
        async for piece in content:
            yield piece

    return head[:length], whole()

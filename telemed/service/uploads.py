"""Resumable uploads: a file arrives in parts, over as many connections as it takes, and becomes evidence at the end.

Every part is an object in the store and a line in the database, so any host can go on. What is acknowledged is durable;
the last bytes count only once the whole file is evidence, so a sender that repeats them always gets to the end.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.protocol import ObjectStore
from telemed.domain.errors import BorrowedStudy, DomainError, FieldError, Invalid, NotFound, TakenInstance
from telemed.domain.evidence import HEAD
from telemed.domain.people import Person
from telemed.domain.upload import LIFETIME, MAX_PARTS, MAX_UNFINISHED, Part, Upload
from telemed.service.application import Application
from telemed.service.archives import LeftOut, NothingTaken, Sent, attach_sent, is_archive
from telemed.service.evidence import may_attach
from telemed.service.execution import execute, query
from telemed.service.files import DamagedFile, StudyIntake, UnknownKind, kept_name, recognised
from telemed.service.identity import new_id
from telemed.service.ports.unit_of_work import UnitOfWork

PART_BYTES = 8 * 1024 * 1024
"""So much is gathered in memory before it is stored and counted: what a power cut can cost a sender."""

CHECKSUMS: dict[str, Callable[[], Any]] = {
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),  # the algorithm that tus asks every server to know
    "sha256": hashlib.sha256,
}


class OffsetMismatch(DomainError):
    """The bytes do not follow what is here; `offset` is where to go on."""

    code = "offset-mismatch"

    def __init__(self, offset: int) -> None:
        super().__init__(f"the upload is at {offset}")
        self.offset = offset


class TooManyUploads(DomainError):
    """The person has as many unfinished uploads as are kept."""

    code = "too-many-uploads"


class ChecksumMismatch(DomainError):
    """The bytes are not those that were sent; none of them counts."""

    code = "checksum-mismatch"


@dataclass(frozen=True, slots=True)
class Checksum:
    """The sender's checksum of the bytes of one request: an algorithm of `CHECKSUMS` and the digest."""

    algorithm: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Arrival:
    """An upload as it stands; once it is complete, how many files it brought, and which of an archive were left out."""

    upload: Upload
    taken: int = 0
    left_out: Sequence[LeftOut] = ()


async def begin_upload(work: UnitOfWork, person: Person, case_id: str, name: str, length: int) -> Upload:
    """Announce a file of `length` bytes for the case. Raises Invalid for an empty one, TooManyUploads, or what the policy says."""
    await may_attach(work, person, case_id)
    if length <= 0:
        raise Invalid(FieldError("Upload-Length", "required"))
    if await work.uploads.unfinished(person.username) >= MAX_UNFINISHED:
        raise TooManyUploads(person.username)
    upload = Upload(new_id(), case_id, person.username, kept_name(name), length, work.now, work.now + LIFETIME)
    await work.uploads.add(upload)
    return upload


async def find_upload(work: UnitOfWork, person: Person, upload_id: str) -> Upload:
    """The person's own upload. Raises NotFound for anybody else's, and for one that has expired."""
    upload = await work.uploads.get(upload_id)
    if upload is None or upload.username != person.username or upload.expires_at <= work.now:
        raise NotFound("upload", upload_id)
    return upload


async def _count(work: UnitOfWork, person: Person, upload_id: str, parts: tuple[Part, ...], evidence_id: str | None) -> Upload:
    upload = await find_upload(work, person, upload_id)
    if parts[0].offset != upload.offset:
        raise OffsetMismatch(upload.offset)
    upload.take(parts, work.now)
    upload.evidence_id = evidence_id
    await work.uploads.save(upload)
    return upload


class _Receiver:
    """Takes the bytes of one request: gathers, stores and counts them part by part."""

    def __init__(self, application: Application, studies: StudyIntake, person: Person, upload: Upload, checksum: Checksum | None) -> None:
        self._application, self._studies, self._person, self._upload = application, studies, person, upload
        self._checksum = checksum
        self._digest = CHECKSUMS[checksum.algorithm]() if checksum else None
        self._uncounted: list[Part] = []
        self._end = upload.offset
        self.sent = Sent()

    async def take(self, content: AsyncIterator[bytes]) -> Upload:
        buffer = bytearray()
        try:
            async for piece in content:
                buffer += piece
                if self._end + len(buffer) > self._upload.length:
                    raise Invalid(FieldError("Upload-Offset", "too-long", str(self._upload.length)))
                if self._digest:
                    self._digest.update(piece)
                if len(buffer) >= PART_BYTES:
                    await self._store(bytes(buffer))
                    buffer.clear()
            if buffer:
                await self._store(bytes(buffer))
            if self._digest and self._checksum and self._digest.digest() != self._checksum.digest:
                raise ChecksumMismatch(self._upload.id)
            await self._settle()
        except BaseException:
            await self._drop_uncounted()
            raise
        return self._upload

    async def _store(self, content: bytes) -> None:
        if self._end == 0:
            _refuse_unknown(self._application, content, self._upload.length)
        if len(self._upload.parts) + len(self._uncounted) >= MAX_PARTS:
            raise Invalid(FieldError("Upload-Offset", "too-many-parts", str(MAX_PARTS)))
        # Two connections may bring the same offset, one of them cut short: each part has a key of its own.
        part = Part(self._end, len(content), f"{self._upload.folder}{self._end}-{secrets.token_hex(4)}")
        self._uncounted.append(part)
        await self._application.store.put(part.key, content)
        self._end += len(content)
        if self._checksum is None and self._end < self._upload.length:
            await self._settle()

    async def _settle(self) -> None:
        """Count what is stored; at the last byte the file becomes evidence first."""
        if not self._uncounted:
            return
        parts = tuple(self._uncounted)
        evidence_id = None
        if self._end == self._upload.length:
            self.sent = await self._attach((*self._upload.parts, *parts))
            evidence_id = next(iter(self.sent.evidence))
        self._upload = await execute(self._application, _count, self._person, self._upload.id, parts, evidence_id)
        self._uncounted.clear()

    async def _attach(self, parts: tuple[Part, ...]) -> Sent:
        content = _streamed(self._application.store, parts)
        return await attach_sent(self._application, self._studies, self._person, self._upload.case_id, self._upload.name, content)

    async def _drop_uncounted(self) -> None:
        for part in self._uncounted:
            await self._application.store.delete(part.key)


def _refuse_unknown(application: Application, head: bytes, length: int) -> None:
    """A file that nobody knows is refused at its first bytes, not after hours on a slow line."""
    if len(head) < min(HEAD, length):
        return  # too little to tell; the whole file is looked at again when it is complete
    if not is_archive(head):
        recognised(head[:HEAD], application.region.centres)


async def _streamed(store: ObjectStore, parts: tuple[Part, ...]) -> AsyncIterator[bytes]:
    for part in parts:
        async for piece in store.stream(part.key):
            yield piece


async def receive(
    application: Application,
    studies: StudyIntake,
    person: Person,
    upload_id: str,
    offset: int,
    content: AsyncIterator[bytes],
    checksum: Checksum | None = None,
) -> Arrival:
    """Take bytes that begin at `offset`; returns the upload as it stands then, and what was left out of an archive.

    `content` may end early (the line was cut): what came counts, unless a checksum speaks for the whole of it. The bytes
    that completed the upload may be sent again. Raises OffsetMismatch, ChecksumMismatch, Invalid for bytes beyond the
    length, UnknownKind, DamagedFile, NothingTaken, NotFound, or what the policy says.
    """
    upload = await query(application, find_upload, person, upload_id)
    if upload.evidence_id is not None and upload.parts and offset == upload.parts[-1].offset:
        return Arrival(upload)
    if offset != upload.offset:
        raise OffsetMismatch(upload.offset)
    receiver = _Receiver(application, studies, person, upload, checksum)
    try:
        upload = await receiver.take(content)
    except (UnknownKind, DamagedFile, NothingTaken, BorrowedStudy, TakenInstance):
        await drop_upload(application, person, upload_id)
        raise
    if upload.evidence_id is not None:
        for part in upload.parts:
            await application.store.delete(part.key)
    return Arrival(upload, receiver.sent.taken, receiver.sent.left_out)


async def drop_upload(application: Application, person: Person, upload_id: str) -> None:
    """The sender gives the upload up; what became evidence stays. Raises NotFound."""
    upload = await query(application, find_upload, person, upload_id)
    await _forget(application, upload)


async def _forget(application: Application, upload: Upload) -> None:
    """Parts first: a row without parts can be swept again, parts without a row would never be found."""
    async for key in application.store.list(upload.folder):
        await application.store.delete(key)
    async with application.writing() as work:
        await work.uploads.remove(upload.id)


async def sweep_uploads(application: Application, now: datetime, limit: int = 20) -> int:
    """Drop uploads that have expired, finished or not. Returns how many."""
    async with application.reading() as work:
        expired = await work.uploads.expired(now, limit)
    for upload in expired:
        await _forget(application, upload)
    return len(expired)

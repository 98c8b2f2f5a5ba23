"""A ZIP archive, as a patient's disc is often sent: unpacked within limits, each file taken or left out with its own reason.

Nothing is written under a name of the archive, and every file goes through the same intake as if it had been sent alone.
"""

from __future__ import annotations

import asyncio
import tempfile
import zipfile
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO, cast

from telemed.domain.errors import BorrowedStudy, DomainError, TakenInstance
from telemed.domain.evidence import HEAD, Evidence, kind_of
from telemed.domain.people import Person
from telemed.domain.texts import visible
from telemed.service.application import Application
from telemed.service.evidence import may_attach
from telemed.service.execution import query
from telemed.service.files import DamagedFile, StudyIntake, UnknownKind, all_kinds, attach_file, is_dicomdir, split

_ = str  # marks text for the translation catalogue

MAX_FILES = 5000
MAX_DIRECTORY = 4 << 20
MAX_UNPACKED = 4 << 30
MAX_RATIO = 200
RATIO_FROM = 64 << 20
DEEPEST = 12
LONGEST_NAME = 1024
"""A disc of several CT examinations has some thousand files and a gigabyte. A black picture packs to a thousandth, so the ratio is of
the whole archive, and counts from 64 MB on. The table of contents is read as a whole before anything is counted, so its bytes have a
limit too: some 800 for each file. Folders and names: what pages take of a folder. Practice."""
PIECE = 1 << 20

ENCRYPTED = _("This archive is locked with a password: unpack it, and choose the files in it")
TOO_MANY = _("This archive has more than 5,000 files: unpack it, and choose the images")
TOO_LARGE = _("This archive would be larger than 4 GB, or is packed too densely to be opened here: unpack it, and choose the files")
STRANGE_NAME = _("The file's name or folder is not one that is taken out of an archive")
INNER_ARCHIVE = _("This is an archive inside an archive: unpack it, and choose the files in it")
DAMAGED = _("This archive is damaged: pack it again, or choose the files themselves")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file of an archive that was not taken, and why."""

    name: str
    error: DomainError


@dataclass(slots=True)
class Sent:
    """What became of something sent: evidence, each once, and of an archive how many files were taken and which were left out."""

    evidence: dict[str, Evidence] = field(default_factory=dict)
    taken: int = 0
    left_out: list[LeftOut] = field(default_factory=list)


class NothingTaken(DomainError):
    """No file of an archive is taken here; `left_out` says why."""

    code = "nothing-taken"

    def __init__(self, left_out: list[LeftOut]) -> None:
        super().__init__(", ".join(each.name for each in left_out[:5]))
        self.left_out = left_out


def is_archive(head: bytes) -> bool:
    """True for a ZIP archive, by its first bytes (APPNOTE 4.3.7)."""
    return head[:4] == b"PK\x03\x04"


async def attach_sent(
    application: Application, studies: StudyIntake, person: Person, case_id: str, name: str, content: AsyncIterator[bytes]
) -> Sent:
    """As `attach_file`; a ZIP archive is taken by its files. Raises as that does, NothingTaken, or UnknownKind for an archive that is
    not opened. What was taken stays, whatever comes behind it."""
    head, whole = await split(content, HEAD)
    kinds = all_kinds(application.region.centres)
    if not is_archive(head) or kind_of(head, kinds) is not None:
        evidence = await attach_file(application, studies, person, case_id, name, whole)
        return Sent({evidence.id: evidence}, 1)
    await query(application, may_attach, person, case_id)
    known = tuple(dict.fromkeys(kind.name for kind in kinds))
    async with _spooled(whole) as file:
        packed = await asyncio.to_thread(_opened, file, known)
        sent = Sent()
        for entry in packed.infolist():
            if not entry.is_dir():
                await _take(application, studies, person, case_id, packed, entry, known, sent)
    if not sent.evidence:
        raise NothingTaken(sent.left_out)
    return sent


async def _take(
    application: Application,
    studies: StudyIntake,
    person: Person,
    case_id: str,
    packed: zipfile.ZipFile,
    entry: zipfile.ZipInfo,
    known: tuple[str, ...],
    sent: Sent,
) -> None:
    try:
        if not _is_plain(entry.filename):
            raise UnknownKind(known, STRANGE_NAME)
        head, whole = await split(_unpacked(packed, entry), HEAD)
        if is_dicomdir(head):
            return  # the table of contents of the files beside it
        if is_archive(head):
            raise UnknownKind(known, INNER_ARCHIVE)
        evidence = await attach_file(application, studies, person, case_id, PurePosixPath(entry.filename).name, whole)
    except (UnknownKind, DamagedFile, BorrowedStudy, TakenInstance) as refusal:
        sent.left_out.append(LeftOut(visible(entry.filename)[-LONGEST_NAME:], refusal))
        return
    sent.evidence[evidence.id] = evidence
    sent.taken += 1


class _Bounded:
    """A file of which nothing is read in one piece that is larger than an archive's table of contents may be: `zipfile` makes an object
    of each line of it before anybody can count them. Raises OverflowError."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        if size > MAX_DIRECTORY:
            raise OverflowError(size)
        return self._file.read(size if size >= 0 else MAX_DIRECTORY)


def _opened(file: IO[bytes], known: tuple[str, ...]) -> zipfile.ZipFile:
    """The archive, once it is known to keep within the limits. Raises UnknownKind."""
    try:
        packed = zipfile.ZipFile(cast("IO[bytes]", _Bounded(file)))
    except OverflowError:
        raise UnknownKind(known, TOO_MANY) from None
    except (zipfile.BadZipFile, NotImplementedError, UnicodeError, ValueError, EOFError, OSError):
        raise UnknownKind(known, DAMAGED) from None
    entries = [entry for entry in packed.infolist() if not entry.is_dir()]
    unpacked, carried = sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries)
    if len(entries) > MAX_FILES:
        raise UnknownKind(known, TOO_MANY)
    if unpacked > MAX_UNPACKED or (unpacked > RATIO_FROM and unpacked > MAX_RATIO * max(carried, 1)):
        raise UnknownKind(known, TOO_LARGE)
    if any(entry.flag_bits & 1 for entry in entries):
        raise UnknownKind(known, ENCRYPTED)
    return packed


def _is_plain(name: str) -> bool:
    """True for a name that stays in its folder, is not too deep and not too long, and can be printed."""
    parts = name.replace("\\", "/").split("/")
    return len(name) <= LONGEST_NAME and len(parts) <= DEEPEST + 1 and ".." not in parts and name.isprintable()


async def _unpacked(packed: zipfile.ZipFile, entry: zipfile.ZipInfo) -> AsyncIterator[bytes]:
    """The bytes of one file. Raises DamagedFile where they are not those that were packed."""
    try:
        opened = await asyncio.to_thread(packed.open, entry)
        try:
            while piece := await asyncio.to_thread(opened.read, PIECE):
                yield piece
        finally:
            await asyncio.to_thread(opened.close)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        raise DamagedFile("ZIP", str(error)[:200]) from None


@asynccontextmanager
async def _spooled(content: AsyncIterator[bytes]) -> AsyncIterator[IO[bytes]]:
    """The content as a file without a name."""
    file = await asyncio.to_thread(tempfile.TemporaryFile)
    try:
        async for piece in content:
            await asyncio.to_thread(file.write, piece)
        await asyncio.to_thread(file.seek, 0)
        yield file
    finally:
        await asyncio.to_thread(file.close)

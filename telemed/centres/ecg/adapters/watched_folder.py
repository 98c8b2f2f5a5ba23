"""The watched folder: carts that write files leave them below a folder of their member's code.

    INBOX/CLINIC1/anything.xml          read once it has stopped growing
    INBOX/CLINIC1/processed/2026-11-20/ what became evidence
    INBOX/CLINIC1/failed/               what cannot be read or placed, each with a `.reason.txt` beside it

A file named as an accession number belongs to that case; else the patient's number and the time decide; else, where the
region says that every ECG of this member is a request, it opens a case. Without that rule it waits in its place for its
case for `WAIT`, then it is put aside. The same bytes again are nothing new.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from ecg.limits import MAX_FILE_BYTES
from storage.errors import StorageError, StoreFull
from telemed.adapters.application import SqlApplication
from telemed.centres.ecg.adapters.analysis import Identity, identify
from telemed.centres.ecg.domain import TRACINGS
from telemed.centres.ecg.ports import EcgRules, Tracings
from telemed.centres.ecg.service import CART, open_cart_request
from telemed.domain.case import Case
from telemed.domain.evidence import HEAD, MATCH_WINDOW, Evidence, EvidenceType, kind_of
from telemed.domain.patient import Identifier, Sex
from telemed.domain.policy import Action
from telemed.domain.texts import visible
from telemed.service.evidence import CLOSED_TO_EVIDENCE, add_evidence
from telemed.service.files import kept_name
from telemed.service.identity import new_id
from telemed.service.patients import Demographics
from telemed.service.ports.unit_of_work import UnitOfWork

log = structlog.get_logger()

EVERY: Final = 2.0
"""Seconds between two looks into the folder."""
FULL_PAUSE: Final = 60.0
"""Seconds until the next look where the disk had no room."""
STABLE: Final = timedelta(seconds=3)
"""A file whose size and time have not changed for so long is whole."""
WAIT: Final = MATCH_WINDOW
"""How long a file may wait for its case; as long as a study is matched by patient and time."""
AGAIN: Final = timedelta(seconds=20)
"""From one search for a waiting file's case to the next."""
PROCESSED, FAILED = "processed", "failed"
PIECE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Seen:
    """How a file looked, and since when."""

    size: int
    changed: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Read:
    """The identity of a file that was read, kept while it waits for its case; `again_at`: when to look for one again."""

    digest: str
    media_type: str
    identity: Identity
    again_at: datetime


class Placed(StrEnum):
    """The fate of a file."""

    NEW = "new"
    KNOWN = "known"
    WAITS = "waits"


class Unplaceable(Exception):
    """The file is put aside; the message says why, for whoever looks into the folder."""


class WatchedFolder:
    """Watches one folder. Several hosts may watch the same one: the digest decides who was first."""

    def __init__(self, application: SqlApplication, folder: Path, pool: Executor, now: Callable[[], datetime] | None = None) -> None:
        self._application, self._folder, self._pool = application, folder, pool
        self._now = now or application.now
        self._seen: dict[Path, Seen] = {}
        self._read: dict[Path, Read] = {}

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            pause = EVERY
            try:
                await self.once()
            except StoreFull as error:  # files stay where they are until there is room
                log.warning("carts.no_room", error=str(error))
                pause = FULL_PAUSE
            except (SQLAlchemyError, StorageError, OSError) as error:
                log.warning("carts.interrupted", error=str(error))
            await asyncio.sleep(pause)

    async def once(self) -> int:
        """Look into every member's folder; how many files were dealt with."""
        dealt = 0
        present: set[Path] = set()
        for member, institution in self._application.region.network.institutions.items():
            files = await asyncio.to_thread(_files, self._folder / member) if institution.active else []
            for file in files:
                present.add(file)
                dealt += await self._look(member, file)
        self._seen = {file: seen for file, seen in self._seen.items() if file in present}
        self._read = {file: read for file, read in self._read.items() if file in present}
        return dealt

    async def _look(self, member: str, file: Path) -> int:
        try:
            found = await asyncio.to_thread(file.stat)
        except FileNotFoundError:
            return 0
        seen = self._seen.get(file)
        if seen is None or (seen.size, seen.changed) != (found.st_size, found.st_mtime_ns):
            self._seen[file] = Seen(found.st_size, found.st_mtime_ns, self._now())
            self._read.pop(file, None)
            return 0
        if self._now() - seen.since < STABLE or found.st_size == 0:
            return 0
        try:
            if await self._take(member, file, seen) is Placed.WAITS:
                return 0
        except Unplaceable as reason:
            await asyncio.to_thread(_put_aside, file, str(reason))
            log.warning("carts.failed", member=member, file=file.name, reason=str(reason))
            return 1
        day = f"{self._now().astimezone(self._application.region.network.zone):%Y-%m-%d}"
        await asyncio.to_thread(_move, file, file.parent / PROCESSED / day)
        return 1

    async def _take(self, member: str, file: Path, seen: Seen) -> Placed:
        """Make the file evidence. The bytes are durable before a case knows of them."""
        read = self._read.get(file)
        if read is not None and self._now() < read.again_at:
            return Placed.WAITS
        if read is None:
            read = await self._identify(file, seen.size)
        async with self._application.reading() as work:
            if await work.repository(Tracings).arrived(member, read.digest):
                return Placed.KNOWN
            findable = member in EcgRules.of(work.region).requests or await self._find(work, member, file, read.identity) is not None
        if findable:
            return await self._keep(member, file, read)
        if self._now() - seen.since > WAIT:
            raise Unplaceable("No case was found for this recording in time. Make the case, then put the file here again.")
        self._read[file] = replace(read, again_at=self._now() + AGAIN)
        return Placed.WAITS

    async def _identify(self, file: Path, size: int) -> Read:
        if size > MAX_FILE_BYTES:
            raise Unplaceable(f"The file has {size} bytes; {MAX_FILE_BYTES} are taken.")
        head = await asyncio.to_thread(_head, file)
        kind = kind_of(head, [kind for centre in self._application.region.centres.values() for kind in centre.file_kinds])
        if kind is None or kind.type not in (TRACINGS.type, EvidenceType.DICOM_STUDY):
            raise Unplaceable("This is no ECG format that is known here.")
        digest = await asyncio.to_thread(_digest, file)
        identity = await asyncio.get_running_loop().run_in_executor(self._pool, identify, file)
        if isinstance(identity, str):
            raise Unplaceable(identity)
        return Read(digest, kind.media_type, identity, self._now())

    async def _keep(self, member: str, file: Path, read: Read) -> Placed:
        evidence = Evidence(new_id(), "", TRACINGS.type, kept_name(file.name), CART, self._now(), media_type=read.media_type)
        evidence.key = f"evidence/carts/{member}/{evidence.id}"
        stored = await self._application.store.put(evidence.key, _pieces(file), media_type=read.media_type)
        evidence.size, evidence.sha256 = stored.size, stored.sha256
        placed = Placed.WAITS
        try:
            if stored.sha256 != read.digest:
                raise Unplaceable("The file changed while it was read.")
            async with self._application.writing() as work:
                placed = await self._place(work, member, file, read.identity, evidence)
        finally:
            if placed is not Placed.NEW:
                await self._application.store.delete(evidence.key)
        return placed

    async def _place(self, work: UnitOfWork, member: str, file: Path, identity: Identity, evidence: Evidence) -> Placed:
        if await work.repository(Tracings).arrived(member, evidence.sha256):
            return Placed.KNOWN
        case = await self._find(work, member, file, identity)
        if case is None and member in EcgRules.of(work.region).requests:
            case = await open_cart_request(work, member, _card(member, identity))
            if case is None:
                raise Unplaceable("The file's patient cannot be taken for a request: name or number is missing or another patient's.")
        if case is None:
            return Placed.WAITS
        evidence.case_id = case.id
        case = await work.cases.get(case.id) or case
        await add_evidence(work, case, evidence, CART)
        work.outbox.audit(Action.EVIDENCE_ADD, CART, member, f"case/{case.id}", detail={"type": evidence.type.value, "name": evidence.name})
        await work.repository(Tracings).note_arrival(member, evidence.sha256, case.id, evidence.id, work.now)
        return Placed.NEW

    async def _find(self, work: UnitOfWork, member: str, file: Path, identity: Identity) -> Case | None:
        """By the accession number that is the file's name, else the one open case of the patient that waits for a tracing."""
        if file.stem.isascii():  # a name may be no text at all, and such a one is asked of no database
            named = [case for case in await work.cases.with_accession(member, file.stem) if case.status not in CLOSED_TO_EVIDENCE]
            if named:
                return named[0]
        if not identity.number:
            return None
        fitting = []
        for case in await work.cases.of_patient(member, identity.number, work.now - MATCH_WINDOW):
            centre = work.region.centres.get(case.centre)
            if centre is None or centre.expected != TRACINGS or case.status in (*CLOSED_TO_EVIDENCE, "completed"):
                continue
            if not any(e.type == TRACINGS.type for e in await work.evidence.of_case(case.id)):
                fitting.append(case)
        return fitting[0] if len(fitting) == 1 else None


def _card(member: str, identity: Identity) -> Demographics:
    born = None
    try:
        born = date.fromisoformat(identity.birth_date) if identity.birth_date else None
    except ValueError:
        log.info("carts.birth_date", text=identity.birth_date)
    numbers = (Identifier(member, identity.number),) if identity.number else ()
    name = identity.name.replace("^", " ").strip() or identity.number
    return Demographics(visible(name), Sex(identity.sex) if identity.sex in set(Sex) else Sex.UNKNOWN, born, numbers)


def _files(folder: Path) -> list[Path]:
    """Plain files of a member's folder, oldest first; what begins with a dot or ends as unfinished is still being written."""
    if not folder.is_dir():
        return []
    files = [f for f in folder.iterdir() if f.is_file() and not f.is_symlink() and not f.name.startswith(".")]
    whole = [f for f in files if f.suffix.lower() not in (".tmp", ".part", ".filepart")]
    return sorted(whole, key=lambda f: (f.stat().st_mtime_ns, f.name))[:500]


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _head(file: Path) -> bytes:
    with file.open("rb") as content:
        return content.read(HEAD)


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(file.open, "rb") as content:
        while piece := await asyncio.to_thread(content.read, PIECE):
            yield piece


def _move(file: Path, folder: Path) -> Path:
    """Into the folder, under a name that is free there. Who may look into the carts' folder may look there too."""
    for missing in (part for part in (folder.parent, folder) if not part.exists()):
        missing.mkdir(exist_ok=True)
        shutil.copymode(file.parent, missing)
    target, number = folder / file.name, 1
    while target.exists():
        target, number = folder / f"{file.stem}-{number}{file.suffix}", number + 1
    return file.rename(target)


def _put_aside(file: Path, reason: str) -> None:
    moved = _move(file, file.parent / FAILED)
    said = moved.with_name(moved.name + ".reason.txt")
    said.write_text(reason + "\n", encoding="utf-8")
    shutil.copymode(moved, said)

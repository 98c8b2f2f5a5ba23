"""The watched folder: laboratory systems that write files leave them below a folder of their member's code.

    INBOX/CLINIC1/anything.hl7          read once it has stopped growing: HL7 v2, CSV, XLSX, XLS, ASTM records
    INBOX/CLINIC1/processed/2026-11-20/ what was taken
    INBOX/CLINIC1/failed/               what cannot be taken, each with a `.reason.txt` beside it

The place says whose they are: a file that names another member is not taken. A sheet is read by the columns that its member mapped, and
as a whole or not at all. The same bytes again are nothing new.
"""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from lab.errors import LabError
from lab.limits import MAX_SHEET_BYTES
from storage.errors import StorageError
from telemed.adapters.application import SqlApplication
from telemed.centres.lab.adapters.hl7_reading import read_block
from telemed.centres.lab.adapters.judging import CriticalRules
from telemed.centres.lab.adapters.message_intake import MessageIntake
from telemed.centres.lab.adapters.other_formats import read_sheet, read_transmission
from telemed.centres.lab.intake import Caller, Incoming
from telemed.centres.lab.ports import SheetColumns

log = structlog.get_logger()

EVERY: Final = 2.0
"""Seconds between two looks into the folder."""
STABLE: Final = timedelta(seconds=3)
"""A file whose size and time have not changed for so long is whole."""
AT_ONCE: Final = 500
PROCESSED, FAILED = "processed", "failed"
UNFINISHED: Final = (".tmp", ".part", ".filepart")
HL7_BEGINS: Final = (b"MSH", b"FHS", b"BHS")
NOISE: Final = b"\xef\xbb\xbf\x0b\r\n \t"


class Untakeable(Exception):
    """The file is put aside; the message says why, for whoever looks into the folder."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How a file looked, and since when."""

    size: int
    changed: int
    since: datetime


class WatchedFolder:
    """Watches one folder. Several hosts may watch the same one: the digest decides who was first."""

    def __init__(self, application: SqlApplication, intake: MessageIntake, folder: Path) -> None:
        self._application, self._intake, self._folder = application, intake, folder
        self._seen: dict[Path, Seen] = {}

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.once()
            except (SQLAlchemyError, StorageError, OSError) as error:  # files stay where they are
                log.warning("lab.folder_interrupted", error=str(error))
            await asyncio.sleep(EVERY)

    async def once(self) -> int:
        """Look into every member's folder; how many files were dealt with."""
        dealt, present = 0, set[Path]()
        for member, institution in self._application.region.network.institutions.items():
            files = await asyncio.to_thread(_files, self._folder / member) if institution.active else []
            for file in files:
                present.add(file)
                dealt += await self._look(member, file)
        self._seen = {file: seen for file, seen in self._seen.items() if file in present}
        return dealt

    async def _look(self, member: str, file: Path) -> int:
        try:
            found = await asyncio.to_thread(file.stat)
        except FileNotFoundError:
            return 0
        seen, now = self._seen.get(file), self._application.now()
        if seen is None or (seen.size, seen.changed) != (found.st_size, found.st_mtime_ns):
            self._seen[file] = Seen(found.st_size, found.st_mtime_ns, now)
            return 0
        if now - seen.since < STABLE or found.st_size == 0:
            return 0
        try:
            if found.st_size > MAX_SHEET_BYTES:
                raise Untakeable(f"The file has {found.st_size} bytes; {MAX_SHEET_BYTES} are taken.")
            await self._take(member, await asyncio.to_thread(file.read_bytes))
        except Untakeable as reason:
            await asyncio.to_thread(_put_aside, file, str(reason))
            log.warning("lab.file_failed", member=member, file=file.name, reason=str(reason))
            return 1
        day = f"{now.astimezone(self._application.region.network.zone):%Y-%m-%d}"
        await asyncio.to_thread(_move, file, file.parent / PROCESSED / day)
        return 1

    async def _take(self, member: str, raw: bytes) -> None:
        """Take what a file says. What cannot be stored now stays where it is: OSError."""
        found = await self._read(member, raw)
        others = {each.sender for each in found} - {member}
        if others:
            raise Untakeable(f"The file names {', '.join(sorted(others)) or 'nobody'} in MSH-4, and this is the folder of {member}.")
        outcomes = await self._intake.outcomes(found, Caller(f"folder/{member}", member=member))
        if None in outcomes:
            raise OSError("the messages of a file could not be stored")
        reasons = [reason for reason in outcomes if reason]
        if reasons:
            raise Untakeable("\n".join(reasons))

    async def _read(self, member: str, raw: bytes) -> list[Incoming]:
        application = self._application
        zone, rules = application.region.network.zone, CriticalRules.of(application.region.settings)
        at = application.now().astimezone(zone)
        head = raw.lstrip(NOISE)[:3]
        if head in HL7_BEGINS:
            return await asyncio.to_thread(read_block, raw, at, zone, rules)
        if head.startswith((b"H|", b"H\\", b"\x05", b"\x02")):
            return [await asyncio.to_thread(read_transmission, raw, member, at, zone, rules)]
        async with application.reading() as work:
            mapping = await work.repository(SheetColumns).get(member)
        if mapping is None:
            raise Untakeable(f"No columns are mapped for sheets of {member}: preview one first (POST /api/v1/lab/sheets/preview).")
        try:
            message, refused = await asyncio.to_thread(read_sheet, raw, mapping, member, at, zone, rules)
        except LabError as error:
            raise Untakeable(error.reason) from None
        if refused:
            raise Untakeable("\n".join(f"row {each.row}: {each.reason}" for each in refused))
        return [message]


def _files(folder: Path) -> list[Path]:
    """Plain files of a member's folder, oldest first; what begins with a dot or ends as unfinished is still being written."""
    if not folder.is_dir():
        return []
    files = [f for f in folder.iterdir() if f.is_file() and not f.is_symlink() and not f.name.startswith(".")]
    whole = [f for f in files if f.suffix.lower() not in UNFINISHED]
    return sorted(whole, key=lambda f: (f.stat().st_mtime_ns, f.name))[:AT_ONCE]


def _move(file: Path, folder: Path) -> Path:
    """Into the folder, under a name that is free there. Who may look into the inbox may look there too."""
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

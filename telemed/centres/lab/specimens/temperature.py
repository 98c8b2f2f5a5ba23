"""Use cases of a box's temperature: loggers' files and readings that loggers send, and what they say against the band."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from telemed.centres.lab.specimens.access import box_for
from telemed.centres.lab.specimens.domain import Box, Reading, TemperatureLog, farthest
from telemed.centres.lab.specimens.ports import Boxes, LogReader, ReadLog, Temperatures
from telemed.centres.lab.specimens.states import BoxState
from telemed.domain.errors import FieldError, Invalid, InvalidTransition, NotFound
from telemed.domain.people import Person
from telemed.domain.policy import Action
from telemed.service.application import Application
from telemed.service.execution import execute, query
from telemed.service.files import DamagedFile
from telemed.service.identity import new_id
from telemed.service.ports.unit_of_work import UnitOfWork

FOLDER: Final = "lab-temperature/"
"""Of the object store."""

MAX_READINGS: Final = 50_000
"""Readings of one box: five weeks of one a minute (practice)."""

MAX_FILES: Final = 20
"""Files of one box (practice)."""

PDF: Final = "application/pdf"
COLDEST, WARMEST = -200.0, 100.0
"""A reading outside these is none: liquid nitrogen, boiling water."""

CLOSED: Final = frozenset({BoxState.CANCELLED})


def _require_open(box: Box) -> None:
    if box.state in CLOSED:
        raise InvalidTransition("box", box.state, "temperature")


async def _may_add(work: UnitOfWork, person: Person, box_id: str, sha256: str) -> TemperatureLog | None:
    """The same file's record, where it came before. Raises NotFound, Forbidden, InvalidTransition, Invalid."""
    box = await box_for(work, person, box_id, Action.SPECIMEN_CARRY)
    _require_open(box)
    if len(await work.repository(Temperatures).logs(box.id)) >= MAX_FILES:
        raise Invalid(FieldError("file", "too-many", str(MAX_FILES)))
    return await work.repository(Temperatures).with_digest(box.id, sha256)


async def attach_log(application: Application, person: Person, reader: LogReader, box_id: str, name: str, content: bytes) -> TemperatureLog:
    """Keep a logger's file with its box and take its readings; a PDF is kept as a document. The same file again changes nothing.

    Raises NotFound, Forbidden, InvalidTransition, Invalid; DamagedFile where nothing can be read.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    known = await query(application, _may_add, person, box_id, sha256)
    if known is not None:
        return known
    is_document = content.startswith(b"%PDF-")
    read = ReadLog((), (), ()) if is_document else await reader.read(content, application.region.network.zone)
    if isinstance(read, str):
        raise DamagedFile(name, read)
    media_type = PDF if is_document else "text/plain"
    key = f"{FOLDER}{new_id()}"
    stored = await application.store.put(key, content, media_type=media_type)
    return await execute(application, _keep_log, person, reader, box_id, name, stored.key, sha256, media_type, len(content), read)


async def _keep_log(
    work: UnitOfWork,
    person: Person,
    reader: LogReader,
    box_id: str,
    name: str,
    key: str,
    sha256: str,
    media_type: str,
    size: int,
    read: ReadLog,
) -> TemperatureLog:
    known = await _may_add(work, person, box_id, sha256)
    if known is not None:
        return known
    temperatures = work.repository(Temperatures)
    await _require_room(work, box_id, len(read.readings))
    log = TemperatureLog(
        new_id(), box_id, name, sha256, key, media_type, size, person.username, work.now, len(read.readings), read.unread, read.notes
    )
    await temperatures.add_log(log)
    await temperatures.add_readings(log.id, box_id, read.readings)
    await _judge(work, reader, box_id)
    detail = {"file": log.id, "times": log.readings}
    work.outbox.audit(Action.SPECIMEN_CARRY, person.username, person.institution, f"box/{box_id}", detail=detail)
    return log


async def _judge(work: UnitOfWork, reader: LogReader, box_id: str) -> None:
    """Keep with the box how far outside its band it was, for the rules that hold results."""
    box = await work.repository(Boxes).get(box_id)
    if box is None:
        return
    found = await reader.assess(await work.repository(Temperatures).readings(box_id), box.low, box.high)
    excursion = farthest(box, found.alarms)
    if excursion != box.excursion:
        box.excursion = excursion
        box.version += 1
        await work.repository(Boxes).save(box)


async def _require_room(work: UnitOfWork, box_id: str, more: int) -> None:
    if await work.repository(Temperatures).count(box_id) + more > MAX_READINGS:
        raise Invalid(FieldError("readings", "too-many", str(MAX_READINGS)))


async def add_readings(work: UnitOfWork, person: Person, reader: LogReader, box_id: str, logger: str, readings: Sequence[Reading]) -> int:
    """Take readings that a logger sends itself; return how many were new. Raises NotFound, Forbidden, InvalidTransition, Invalid."""
    box = await box_for(work, person, box_id, Action.SPECIMEN_CARRY)
    _require_open(box)
    wrong = [place for place, each in enumerate(readings) if not COLDEST <= each.celsius <= WARMEST or each.at > work.now]
    if wrong:
        raise Invalid(*(FieldError(f"readings.{place}", "reading") for place in wrong[:10]))
    temperatures = work.repository(Temperatures)
    await _require_room(work, box_id, len(readings))
    source = hashlib.sha256(f"logger {logger}".encode()).hexdigest()
    log = await temperatures.with_digest(box_id, source)
    if log is None:
        log = TemperatureLog(new_id(), box_id, logger, source, "", "", 0, person.username, work.now)
        await temperatures.add_log(log)
    new = await temperatures.add_readings(log.id, box_id, readings)
    await _judge(work, reader, box_id)
    detail = {"file": log.id, "times": new}
    work.outbox.audit(Action.SPECIMEN_CARRY, person.username, person.institution, f"box/{box_id}", detail=detail)
    return new


async def log_of(work: UnitOfWork, person: Person, box_id: str, log_id: str) -> TemperatureLog:
    """One file of a box. Raises NotFound or Forbidden."""
    await box_for(work, person, box_id, Action.SPECIMEN_READ)
    log = await work.repository(Temperatures).log(log_id)
    if log is None or log.box_id != box_id or not log.key:
        raise NotFound("file", log_id)
    return log

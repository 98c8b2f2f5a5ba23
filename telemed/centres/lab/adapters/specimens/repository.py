"""Specimens, boxes, temperature and scans in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa

from telemed.adapters.database import tables as platform
from telemed.adapters.database.repositories.base import Repository, insert_into, insert_or_nothing
from telemed.adapters.database.rows import case_from_row
from telemed.centres.lab.adapters.specimens import tables as t
from telemed.centres.lab.specimens.domain import Box, CaseName, Content, Handover, Reading, Side, Specimen, TemperatureLog
from telemed.centres.lab.specimens.numbers import LETTERS, Barcode, number_of
from telemed.centres.lab.specimens.ports import BoxFilter
from telemed.centres.lab.specimens.scanning import Scanned, Tone
from telemed.centres.lab.specimens.states import BoxState, Condition, SpecimenState
from telemed.domain.case import Case

AT_ONCE: Final = 400
"""Keys of one question: SQLite takes 32,766 parameters, PostgreSQL plans a short list better."""

UNANSWERED: Final = ("draft", "requested", "accepted", "in-progress", "on-hold")

ROWS_AT_ONCE: Final = 2000
"""Rows of one insertion of four columns."""


def _pieces(values: Collection[str]) -> Iterator[list[str]]:
    found = sorted(set(values))
    for start in range(0, len(found), AT_ONCE):
        yield found[start : start + AT_ONCE]


def _condition(value: str | None) -> Condition | None:
    return Condition(value) if value else None


def _specimen(row: sa.RowMapping) -> Specimen:
    kept = {"state": SpecimenState(row["state"]), "condition": _condition(row["condition"])}
    return Specimen(**dict(row) | kept | {"items": tuple(row["items"]), "differs": tuple(row["differs"])})


def _specimen_row(specimen: Specimen) -> dict[str, Any]:
    row = {name: getattr(specimen, name) for name in t.lab_specimen.c.keys()}  # noqa: SIM118  # columns
    condition = specimen.condition.value if specimen.condition else None
    kept = {"state": specimen.state.value, "condition": condition, "items": list(specimen.items), "differs": list(specimen.differs)}
    return row | kept


class SpecimenTable(Repository):
    """Implements `telemed.centres.lab.specimens.ports.Specimens`."""

    async def next_number(self, kind: Barcode, day: date) -> str:
        key = f"{LETTERS[kind]}{day:%y%m%d}"
        c = t.lab_number.c
        await self._do(insert_or_nothing(self._connection, t.lab_number).values(day=key, last=0))
        counted = sa.update(t.lab_number).where(c.day == key).values(last=c.last + 1).returning(c.last)
        return number_of(kind, day, (await self._do(counted)).scalar_one())

    async def add(self, specimens: Sequence[Specimen]) -> None:
        if specimens:
            await self._do(sa.insert(t.lab_specimen), [_specimen_row(specimen) for specimen in specimens])

    async def save(self, specimen: Specimen) -> None:
        c = t.lab_specimen.c
        await self._do(sa.update(t.lab_specimen).where(c.number == specimen.number).values(_specimen_row(specimen)))

    async def get(self, number: str) -> Specimen | None:
        row = await self._one(self._locked(sa.select(t.lab_specimen).where(t.lab_specimen.c.number == number)))
        return _specimen(row) if row else None

    async def by_numbers(self, numbers: Collection[str]) -> dict[str, Specimen]:
        c, found = t.lab_specimen.c, dict[str, Specimen]()
        for piece in _pieces(numbers):
            query = sa.select(t.lab_specimen).where(c.number.in_(piece)).order_by(c.number)
            found |= {row["number"]: _specimen(row) for row in await self._all(self._locked(query))}
        return found

    async def of_request(self, case_id: str, request_key: str) -> list[Specimen]:
        c = t.lab_specimen.c
        query = sa.select(t.lab_specimen).where(c.case_id == case_id, c.request_key == request_key).order_by(c.number)
        return [_specimen(row) for row in await self._all(query)]

    async def of_case(self, case_id: str) -> list[Specimen]:
        query = sa.select(t.lab_specimen).where(t.lab_specimen.c.case_id == case_id).order_by(t.lab_specimen.c.number)
        return [_specimen(row) for row in await self._all(query)]

    async def at_hand(self, member: str, limit: int) -> list[Specimen]:
        c = t.lab_specimen.c
        query = sa.select(t.lab_specimen).where(c.member == member, c.state.in_(["registered", "collected"]))
        return [_specimen(row) for row in await self._all(query.order_by(c.created_at, c.number).limit(limit))]

    async def unlabelled(self, member: str, limit: int) -> list[Case]:
        c = platform.case.c
        labelled = sa.exists().where(t.lab_specimen.c.case_id == c.id)
        where = (c.member == member, c.centre == "lab", c.status.in_(UNANSWERED), ~labelled)
        query = sa.select(platform.case).where(*where).order_by(c.created_at.desc(), c.id).limit(limit)
        return [case_from_row(row) for row in await self._all(query)]

    async def case_names(self, case_ids: Collection[str], institution: str) -> dict[str, CaseName]:
        c, found = platform.case.c, dict[str, CaseName]()
        kept = sa.select(platform.case_access.c.case_id).where(platform.case_access.c.institution == institution)
        routed = sa.and_(c.status != "draft", sa.or_(c.hub == institution, c.id.in_(kept)))
        for piece in _pieces(case_ids):
            query = sa.select(c.id, c.patient_name, c.accession_number).where(c.id.in_(piece), sa.or_(c.member == institution, routed))
            found |= {row["id"]: CaseName(row["patient_name"], row["accession_number"]) for row in await self._all(query)}
        return found


def _box(row: sa.RowMapping) -> Box:
    return Box(**dict(row) | {"state": BoxState(row["state"])})


def _box_row(box: Box) -> dict[str, Any]:
    return {name: getattr(box, name) for name in t.lab_box.c.keys()} | {"state": box.state.value}  # noqa: SIM118  # columns


def _content(row: sa.RowMapping) -> Content:
    return Content(**dict(row) | {"condition": _condition(row["condition"])})


class BoxTable(Repository):
    """Implements `telemed.centres.lab.specimens.ports.Boxes`."""

    async def add(self, box: Box) -> None:
        await self._do(sa.insert(t.lab_box).values(_box_row(box)))

    async def save(self, box: Box) -> None:
        await self._do(sa.update(t.lab_box).where(t.lab_box.c.id == box.id).values(_box_row(box)))

    async def get(self, box_id: str) -> Box | None:
        row = await self._one(self._locked(sa.select(t.lab_box).where(t.lab_box.c.id == box_id)))
        return _box(row) if row else None

    async def of_request(self, member: str, request_key: str) -> Box | None:
        c = t.lab_box.c
        row = await self._one(sa.select(t.lab_box).where(c.member == member, c.request_key == request_key))
        return _box(row) if row else None

    async def listed(self, wanted: BoxFilter, before: str, limit: int) -> list[Box]:
        c = t.lab_box.c
        query = sa.select(t.lab_box).order_by(c.created_at.desc(), c.id.desc()).limit(limit)
        if wanted.member:
            query = query.where(c.member == wanted.member)
        if wanted.hub:
            query = query.where(c.hub == wanted.hub, c.sent_at.is_not(None))
        if wanted.states:
            query = query.where(c.state.in_(sorted(state.value for state in wanted.states)))
        if before:
            at = sa.select(c.created_at).where(c.id == before).scalar_subquery()
            query = query.where(sa.or_(c.created_at < at, sa.and_(c.created_at == at, c.id < before)))
        return [_box(row) for row in await self._all(query)]

    async def contents(self, box_id: str) -> list[Content]:
        c = t.lab_box_content.c
        query = sa.select(t.lab_box_content).where(c.box_id == box_id).order_by(c.added_at, c.number)
        return [_content(row) for row in await self._all(query)]

    async def put_content(self, content: Content) -> None:
        insert = insert_into(self._connection.dialect.name, t.lab_box_content)
        keys = ["box_id", "number"]
        row = {name: getattr(content, name) for name in t.lab_box_content.c.keys()}  # noqa: SIM118  # columns
        row["condition"] = content.condition.value if content.condition else None
        fresh = {name: insert.excluded[name] for name in row if name not in keys}
        await self._do(insert.values(row).on_conflict_do_update(index_elements=keys, set_=fresh))

    async def drop_content(self, box_id: str, number: str) -> None:
        c = t.lab_box_content.c
        await self._do(sa.delete(t.lab_box_content).where(c.box_id == box_id, c.number == number))

    async def travelled(self, numbers: Collection[str]) -> dict[str, list[Box]]:
        c, found = t.lab_box_content.c, dict[str, list[Box]]()
        for piece in _pieces(numbers):
            joined = t.lab_box_content.join(t.lab_box, t.lab_box.c.id == c.box_id)
            query = sa.select(c.number, *t.lab_box.c).select_from(joined).where(c.number.in_(piece))
            for row in await self._all(query.order_by(t.lab_box.c.created_at, t.lab_box.c.id)):
                values = dict(row)
                number = values.pop("number")
                found.setdefault(number, []).append(Box(**values | {"state": BoxState(values["state"])}))
        return found

    async def add_handover(self, handover: Handover) -> None:
        await self._do(sa.insert(t.lab_box_handover).values(asdict(handover) | {"side": handover.side.value}))

    async def drop_handover(self, box_id: str, side: str) -> None:
        c = t.lab_box_handover.c
        await self._do(sa.delete(t.lab_box_handover).where(c.box_id == box_id, c.side == side))

    async def handovers(self, box_id: str) -> list[Handover]:
        c = t.lab_box_handover.c
        rows = await self._all(sa.select(t.lab_box_handover).where(c.box_id == box_id).order_by(c.recorded_at, c.side))
        return [Handover(**dict(row) | {"side": Side(row["side"])}) for row in rows]


def _log(row: sa.RowMapping) -> TemperatureLog:
    return TemperatureLog(**dict(row) | {"unread": tuple(row["unread"]), "notes": tuple(row["notes"])})


class TemperatureTable(Repository):
    """Implements `telemed.centres.lab.specimens.ports.Temperatures`."""

    async def with_digest(self, box_id: str, sha256: str) -> TemperatureLog | None:
        c = t.lab_box_log.c
        row = await self._one(sa.select(t.lab_box_log).where(c.box_id == box_id, c.sha256 == sha256))
        return _log(row) if row else None

    async def add_log(self, log: TemperatureLog) -> None:
        row = asdict(log) | {"unread": list(log.unread), "notes": list(log.notes)}
        await self._do(sa.insert(t.lab_box_log).values(row))

    async def add_readings(self, log_id: str, box_id: str, readings: Sequence[Reading]) -> int:
        before = await self.count(box_id)
        rows = [{"box_id": box_id, "log_id": log_id, "at": each.at, "celsius": each.celsius} for each in readings]
        for start in range(0, len(rows), ROWS_AT_ONCE):
            await self._do(insert_or_nothing(self._connection, t.lab_box_reading), rows[start : start + ROWS_AT_ONCE])
        return await self.count(box_id) - before

    async def logs(self, box_id: str) -> list[TemperatureLog]:
        c = t.lab_box_log.c
        return [_log(row) for row in await self._all(sa.select(t.lab_box_log).where(c.box_id == box_id).order_by(c.added_at, c.id))]

    async def log(self, log_id: str) -> TemperatureLog | None:
        row = await self._one(sa.select(t.lab_box_log).where(t.lab_box_log.c.id == log_id))
        return _log(row) if row else None

    async def count(self, box_id: str) -> int:
        query = sa.select(sa.func.count()).select_from(t.lab_box_reading).where(t.lab_box_reading.c.box_id == box_id)
        return int((await self._do(query)).scalar_one())

    async def readings(self, box_id: str) -> Mapping[str, Sequence[Reading]]:
        c, logs = t.lab_box_reading.c, t.lab_box_log.c
        joined = t.lab_box_reading.join(t.lab_box_log, logs.id == c.log_id)
        query = sa.select(c.log_id, logs.name, c.at, c.celsius).select_from(joined).where(c.box_id == box_id).order_by(c.log_id, c.at)
        found: dict[str, list[Reading]] = {}
        names: dict[str, str] = {}
        for row in await self._all(query):
            if row["log_id"] not in names:
                taken = list(names.values()).count(row["name"])
                names[row["log_id"]] = f"{row['name']} ({taken + 1})" if taken else row["name"]
            found.setdefault(names[row["log_id"]], []).append(Reading(row["at"], row["celsius"]))
        return found


class ScanTable(Repository):
    """Implements `telemed.centres.lab.specimens.ports.Scans`."""

    async def get(self, scan_id: str) -> Scanned | None:
        row = await self._one(self._locked(sa.select(t.lab_scan).where(t.lab_scan.c.id == scan_id)))
        return Scanned(**row["said"] | {"tone": Tone(row["said"]["tone"])}) if row else None

    async def put(self, scanned: Scanned, person: str, at: datetime) -> None:
        insert = insert_into(self._connection.dialect.name, t.lab_scan)
        said = asdict(scanned) | {"tone": scanned.tone.value}
        row = {"id": scanned.id, "person": person, "said": said, "at": at}
        await self._do(insert.values(row).on_conflict_do_update(index_elements=["id"], set_={"said": insert.excluded.said}))

    async def forget(self, before: datetime) -> None:
        await self._do(sa.delete(t.lab_scan).where(t.lab_scan.c.at < before))

    async def person_of(self, scan_id: str) -> str:
        row = await self._one(sa.select(t.lab_scan.c.person).where(t.lab_scan.c.id == scan_id))
        return row["person"] if row else ""

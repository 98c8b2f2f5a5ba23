"""What is kept and since when: the patient's last visit for clinical records, the arrival for what is nobody's yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa

from dicom_gateway.index import dicom_quarantine, dicom_study
from telemed.adapters.database import tables as t
from telemed.adapters.database.columns import aware
from telemed.adapters.database.repositories.base import Repository
from telemed.adapters.database.repositories.retention import HoldTable
from telemed.adapters.retention.findings import name_digest
from telemed.domain.case import CaseStatus
from telemed.domain.retention import Hold, RecordKind
from telemed.service.ports.retention import Kept

CHUNK = 500
MOMENTS = ("created_at", "submitted_at", "completed_at", "acknowledged_at")
"""What of a case is a visit of the patient, or belongs to it: the latest counts."""
FINISHED = frozenset({CaseStatus.DRAFT.value, CaseStatus.COMPLETED.value, CaseStatus.CANCELLED.value, CaseStatus.FAILED.value})
"""States in which nobody works on a case. A draft that was never sent for years is nobody's work."""

_c, _p, _s, _q, _f = t.case.c, t.patient.c, dicom_study.c, dicom_quarantine.c, t.file_aside.c
_CASE = sa.select(
    _c.id, _c.member, _c.centre, _c.status, _c.critical_open, _c.patient_id, *(_c[name] for name in MOMENTS), _p.local_master_id
)


class KeptTable(Repository):
    async def older_than(self, kind: RecordKind, before: datetime, limit: int) -> list[Kept]:
        match kind:
            case RecordKind.CASE | RecordKind.PATIENT:
                query = _CASE.join(t.patient, _p.id == _c.patient_id).where(_c.created_at <= before)
                rows = await self._all(query.order_by(_c.created_at, _c.id).limit(limit))
                return await (
                    self._cases(rows) if kind is RecordKind.CASE else self._patients(dict.fromkeys(r["patient_id"] for r in rows))
                )
            case RecordKind.STUDY:
                return [kept for kept, _ in await self.lone_studies(_s.first_received_at <= before, limit)]
            case RecordKind.QUARANTINE:
                return [kept for kept, _ in await self.quarantined(_q.received_at <= before, limit)]
            case RecordKind.FILE:
                return await self._files(_f.set_aside_at <= before, limit)

    async def find(self, kind: RecordKind, subject: str) -> Kept | None:
        found: Sequence[Kept]
        match kind:
            case RecordKind.CASE:
                found = await self._cases(await self._all(_CASE.join(t.patient, _p.id == _c.patient_id).where(_c.id == subject)))
            case RecordKind.PATIENT:
                found = await self._patients([subject])
            case RecordKind.STUDY:
                found = [kept for kept, _ in await self.lone_studies(sa.true(), None)]
            case RecordKind.QUARANTINE:
                found = [kept for kept, _ in await self.quarantined(sa.true(), None)]
            case RecordKind.FILE:
                found = await self._files(_f.id == subject, 1)
        return next((kept for kept in found if kept.subject == subject), None)

    async def _cases(self, rows: Sequence[sa.RowMapping]) -> list[Kept]:
        visits = await self._last_visits({row["local_master_id"] for row in rows})
        holds, groups = await self._holds()
        return [
            Kept(
                RecordKind.CASE,
                row["id"],
                row["member"],
                visits[row["local_master_id"]],
                (row["centre"],),
                _finished(row),
                [*holds.get(row["id"], ()), *groups.get(row["local_master_id"], ())],
            )
            for row in rows
        ]

    async def _patients(self, ids: Iterable[str]) -> list[Kept]:
        of_patient: dict[str, list[sa.RowMapping]] = defaultdict(list)
        for some in _chunks(ids):
            for row in await self._all(_CASE.join(t.patient, _p.id == _c.patient_id).where(_c.patient_id.in_(some))):
                of_patient[row["patient_id"]].append(row)
        visits = await self._last_visits({rows[0]["local_master_id"] for rows in of_patient.values()})
        holds, groups = await self._holds()
        found = []
        for patient, rows in of_patient.items():
            standing = [*groups.get(rows[0]["local_master_id"], ()), *(hold for row in rows for hold in holds.get(row["id"], ()))]
            centres = tuple(sorted({row["centre"] for row in rows}))
            since, finished = visits[rows[0]["local_master_id"]], all(map(_finished, rows))
            found.append(Kept(RecordKind.PATIENT, patient, rows[0]["member"], since, centres, finished, standing))
        return found

    async def _last_visits(self, groups: Iterable[str]) -> Mapping[str, datetime]:
        """The latest moment of all cases of records that their own member says are one person."""
        latest: dict[str, datetime] = {}
        for some in _chunks(groups):
            columns = sa.select(_p.local_master_id, *(_c[name] for name in MOMENTS))
            for row in await self._all(columns.join(t.case, _c.patient_id == _p.id).where(_p.local_master_id.in_(some))):
                moment = max(row[name] for name in MOMENTS if row[name] is not None)
                latest[row["local_master_id"]] = max(moment, latest.get(row["local_master_id"], moment))
        return latest

    async def _holds(self) -> tuple[Mapping[str, list[Hold]], Mapping[str, list[Hold]]]:
        """Holds by case, and by group of patients' records."""
        of_cases: dict[str, list[Hold]] = defaultdict(list)
        of_patients: dict[str, list[Hold]] = defaultdict(list)
        for hold in await HoldTable(self._connection).unlifted():
            (of_patients if hold.kind is RecordKind.PATIENT else of_cases)[hold.subject].append(hold)
        of_groups: dict[str, list[Hold]] = defaultdict(list)
        for some in _chunks(of_patients):
            for row in await self._all(sa.select(_p.id, _p.local_master_id).where(_p.id.in_(some))):
                of_groups[row["local_master_id"]] += of_patients[row["id"]]
        return of_cases, of_groups

    async def lone_studies(self, where: sa.ColumnElement[bool], limit: int | None) -> list[tuple[Kept, tuple[str, str]]]:
        """Return studies that are no case's, each with owner and Study Instance UID."""
        e, x = t.evidence.c, t.case_instance.c
        linked = sa.exists().where(e.study_instance_uid == _s.study_instance_uid, e.case_id == _c.id, _c.member == _s.owner)
        received = sa.exists().where(x.owner == _s.owner, x.study_instance_uid == _s.study_instance_uid)
        query = sa.select(_s.owner, _s.study_instance_uid, _s.last_received_at).where(where, ~linked, ~received)
        rows = await self._all(query.order_by(_s.first_received_at, _s.id).limit(limit))
        return [
            (Kept(RecordKind.STUDY, name_digest(owner, uid), owner, aware(at)), (owner, uid))
            for owner, uid, at in ((row["owner"], row["study_instance_uid"], row["last_received_at"]) for row in rows)
        ]

    async def quarantined(self, where: sa.ColumnElement[bool], limit: int | None) -> list[tuple[Kept, tuple[str, str]]]:
        """Return objects that could not be read or placed, each with owner and SHA-256."""
        rows = await self._all(sa.select(_q.owner, _q.sha256, _q.received_at).where(where).order_by(_q.received_at, _q.id).limit(limit))
        return [
            (
                Kept(RecordKind.QUARANTINE, name_digest(row["owner"], row["sha256"]), row["owner"], aware(row["received_at"])),
                (row["owner"], row["sha256"]),
            )
            for row in rows
        ]

    async def _files(self, where: sa.ColumnElement[bool], limit: int) -> list[Kept]:
        rows = await self._all(sa.select(_f.id, _f.member, _f.set_aside_at).where(where).order_by(_f.set_aside_at, _f.id).limit(limit))
        return [Kept(RecordKind.FILE, row["id"], row["member"], row["set_aside_at"]) for row in rows]


def _finished(row: sa.RowMapping) -> bool:
    return row["status"] in FINISHED and not row["critical_open"]


def _chunks(ids: Iterable[str]) -> Iterator[list[Any]]:
    left = iter(ids)
    while some := list(islice(left, CHUNK)):
        yield some

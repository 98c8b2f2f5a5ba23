"""ECG recordings, readers' edits of long ones, and files that carts left, in one transaction."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import Repository, insert_or_nothing
from telemed.centres.ecg.adapters import tables as ecg
from telemed.centres.ecg.domain import CriticalHit, Edit, EditKind, Tracing, TracingKind, TracingObject

PLAIN = (
    "id", "case_id", "evidence_id", "source", "analysed_at", "format", "started_at", "duration", "rate", "samples", "proposal",
    "reason", "key",
)  # fmt: skip


STILL_EVIDENCE = sa.exists().where(t.evidence.c.id == ecg.ecg_tracing.c.evidence_id)
"""A study that was taken away from a case takes its recordings along."""


def _to_row(tracing: Tracing) -> dict[str, Any]:
    row = {name: getattr(tracing, name) for name in PLAIN}
    objects = None if tracing.objects is None else [asdict(stored) for stored in tracing.objects]
    critical = [asdict(hit) for hit in tracing.critical]
    return row | {"kind": tracing.kind.value, "leads": list(tracing.leads), "critical": critical, "objects": objects}


def _from_row(row: sa.RowMapping) -> Tracing:
    critical = tuple(CriticalHit(**hit) for hit in row["critical"])
    plain = {name: row[name] for name in PLAIN}
    objects = None if row["objects"] is None else tuple(TracingObject(**stored) for stored in row["objects"])
    return Tracing(**plain, kind=TracingKind(row["kind"]), leads=tuple(row["leads"]), critical=critical, objects=objects)


def _edit(row: sa.RowMapping) -> Edit:
    return Edit(**dict(row) | {"kind": EditKind(row["kind"])})


class TracingTable(Repository):
    """Implements `telemed.service.ports.Tracings`."""

    async def add(self, tracing: Tracing) -> bool:
        return bool((await self._do(insert_or_nothing(self._connection, ecg.ecg_tracing).values(_to_row(tracing)))).rowcount)

    async def get(self, tracing_id: str) -> Tracing | None:
        row = await self._one(self._locked(sa.select(ecg.ecg_tracing).where(ecg.ecg_tracing.c.id == tracing_id, STILL_EVIDENCE)))
        return _from_row(row) if row else None

    async def of_cases(self, case_ids: list[str]) -> list[Tracing]:
        c = ecg.ecg_tracing.c
        order = (c.started_at.is_(None), c.started_at, c.id)
        query = sa.select(ecg.ecg_tracing).where(c.case_id.in_(case_ids), STILL_EVIDENCE).order_by(*order)
        return [_from_row(row) for row in await self._all(query)] if case_ids else []

    async def sources(self, evidence_id: str) -> set[str]:
        return set((await self._do(sa.select(ecg.ecg_tracing.c.source).where(ecg.ecg_tracing.c.evidence_id == evidence_id))).scalars())

    async def edits(self, tracing_id: str) -> list[Edit]:
        query = sa.select(ecg.ecg_edit).where(ecg.ecg_edit.c.tracing_id == tracing_id).order_by(ecg.ecg_edit.c.number)
        return [_edit(row) for row in await self._all(query)]

    async def add_edit(self, edit: Edit) -> None:
        await self._do(sa.insert(ecg.ecg_edit).values(asdict(edit) | {"kind": edit.kind.value, "detail": dict(edit.detail)}))

    async def take_back(self, tracing_id: str, number: int, by: str, at: datetime) -> None:
        where = (ecg.ecg_edit.c.tracing_id == tracing_id, ecg.ecg_edit.c.number == number)
        await self._do(sa.update(ecg.ecg_edit).where(*where).values(undone_by=by, undone_at=at))

    async def arrived(self, member: str, sha256: str) -> tuple[str, str] | None:
        where = (ecg.ecg_arrival.c.member == member, ecg.ecg_arrival.c.sha256 == sha256)
        row = await self._one(sa.select(ecg.ecg_arrival.c.case_id, ecg.ecg_arrival.c.evidence_id).where(*where))
        return (row["case_id"], row["evidence_id"]) if row else None

    async def note_arrival(self, member: str, sha256: str, case_id: str, evidence_id: str, at: datetime) -> None:
        values = {"member": member, "sha256": sha256, "case_id": case_id, "evidence_id": evidence_id, "arrived_at": at}
        await self._do(insert_or_nothing(self._connection, ecg.ecg_arrival).values(values))

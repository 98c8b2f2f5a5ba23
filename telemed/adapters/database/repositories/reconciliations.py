"""Reconciliations by hand: rows written once and never changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from telemed.adapters.database.repositories.base import Repository
from telemed.adapters.database.tables import reconciliation
from telemed.domain.reconciliation import Reconciliation, Step

PLAIN = ("at", "actor", "member", "reason", "study_instance_uid", "case_id", "patient_id", "other_id")


class ReconciliationTable(Repository):
    """Implements `telemed.service.ports.Reconciliations`."""

    async def note(self, entry: Reconciliation) -> None:
        row: dict[str, Any] = {name: getattr(entry, name) for name in PLAIN} | {"step": entry.step.value}
        row |= {side: json.dumps(dict(getattr(entry, side)), ensure_ascii=False) for side in ("before", "after")}
        await self._do(sa.insert(reconciliation).values(row))

    async def excluded_cases(self, owner: str, study_instance_uid: str) -> frozenset[str]:
        r = reconciliation.c
        query = sa.select(r.case_id, r.step).where(r.study_instance_uid == study_instance_uid, r.member == owner)
        last = {row["case_id"]: row["step"] for row in await self._all(query.where(r.step.in_((Step.LINK, Step.UNLINK))).order_by(r.id))}
        return frozenset(case for case, step in last.items() if step == Step.UNLINK)

    async def newest(self, limit: int) -> list[Reconciliation]:
        r = reconciliation.c
        return await self._entries(sa.select(reconciliation).where(r.step != Step.CHANGE), limit)

    async def changes(self, patient_ids: Sequence[str]) -> list[Reconciliation]:
        r = reconciliation.c
        query = sa.select(reconciliation).where(r.step == Step.CHANGE, r.patient_id.in_(patient_ids))
        return await self._entries(query, 200) if patient_ids else []

    async def _entries(self, query: sa.Select[Any], limit: int) -> list[Reconciliation]:
        return [_entry(row) for row in await self._all(query.order_by(reconciliation.c.id.desc()).limit(limit))]


def _entry(row: sa.RowMapping) -> Reconciliation:
    plain = {name: row[name] for name in PLAIN}
    return Reconciliation(Step(row["step"]), **plain, before=json.loads(row["before"]), after=json.loads(row["after"]))

"""Holds, requests for erasure, and tombstones, in one transaction."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import Repository
from telemed.adapters.retention.findings import REPORT, STUDY, name_digest
from telemed.domain.retention import ErasureRequest, Hold, RecordKind, RequestState, Retained
from telemed.service.ports.retention import ErasedName, ErasureState, Tombstone

_h, _r, _e, _n = t.legal_hold.c, t.erasure_request.c, t.erasure.c, t.erased_name.c
OF_REQUEST = ("id", "kind", "asked_by", "asked_at", "reason", "records", "state", "decided_by", "decided_at", "done_at")


class HoldTable(Repository):
    async def add(self, hold: Hold) -> None:
        await self._do(sa.insert(t.legal_hold).values(asdict(hold) | {"kind": hold.kind.value}))

    async def get(self, id_: str) -> Hold | None:
        row = await self._one(self._locked(sa.select(t.legal_hold).where(_h.id == id_)))
        return _hold(row) if row else None

    async def lift(self, id_: str, by: str, at: datetime) -> None:
        await self._do(sa.update(t.legal_hold).where(_h.id == id_, _h.lifted_at.is_(None)).values(lifted_by=by, lifted_at=at))

    async def unlifted(self) -> list[Hold]:
        rows = await self._all(sa.select(t.legal_hold).where(_h.lifted_at.is_(None)).order_by(_h.set_at.desc(), _h.id))
        return [_hold(row) for row in rows]


def _hold(row: sa.RowMapping) -> Hold:
    return Hold(**{**row, "kind": RecordKind(row["kind"])})


class ErasureTable(Repository):
    async def add(self, request: ErasureRequest, records: Sequence[Retained]) -> None:
        values = asdict(request)
        await self._do(sa.insert(t.erasure_request).values({name: values[name] for name in OF_REQUEST}))
        rows: list[dict[str, Any]] = [
            {
                "id": secrets.token_hex(16),
                "request_id": request.id,
                "kind": record.kind.value,
                "subject": record.subject,
                "member": record.member,
                "centre": record.centre,
                "kept_until": record.kept_until,
                "state": ErasureState.WAITING.value,
                "counts": {},
                "digest": "",
            }
            for record in records
        ]
        await self._do(sa.insert(t.erasure), rows)

    async def get(self, id_: str) -> ErasureRequest | None:
        row = await self._one(self._locked(sa.select(t.erasure_request).where(_r.id == id_)))
        return (await self._requests([row]))[0] if row else None

    async def recent(self, since: datetime) -> list[ErasureRequest]:
        unfinished = _r.state.in_((RequestState.ASKED.value, RequestState.CONFIRMED.value))
        query = sa.select(t.erasure_request).where(sa.or_(_r.asked_at >= since, unfinished)).order_by(_r.asked_at.desc(), _r.id)
        return await self._requests(await self._all(query.limit(200)))

    async def _requests(self, rows: Sequence[sa.RowMapping]) -> list[ErasureRequest]:
        count = sa.select(_e.request_id, _e.state, sa.func.count().label("count"))
        query = count.where(_e.request_id.in_([row["id"] for row in rows])).group_by(_e.request_id, _e.state)
        counts = {(row["request_id"], row["state"]): row["count"] for row in await self._all(query)}
        return [
            ErasureRequest(
                **{**row, "kind": RecordKind(row["kind"]), "state": RequestState(row["state"])},
                erased=counts.get((row["id"], ErasureState.DONE.value), 0),
                kept=counts.get((row["id"], ErasureState.KEPT.value), 0),
            )
            for row in rows
        ]

    async def waiting_for(self, kind: RecordKind, since: datetime) -> set[str]:
        asked = sa.and_(_r.state == RequestState.ASKED.value, _r.asked_at > since)
        under_way = sa.or_(asked, _r.state == RequestState.CONFIRMED.value)
        joined = t.erasure.join(t.erasure_request, _r.id == _e.request_id)
        rows = await self._do(sa.select(_e.subject).select_from(joined).where(_e.kind == kind.value, under_way))
        return set(rows.scalars())

    async def decide(self, id_: str, state: RequestState, by: str, at: datetime) -> None:
        values = {"state": state.value, "decided_by": by, "decided_at": at}
        await self._do(sa.update(t.erasure_request).where(_r.id == id_).values(values))

    async def tombstones(self, request_id: str) -> list[Tombstone]:
        rows = await self._all(sa.select(t.erasure).where(_e.request_id == request_id).order_by(_e.kept_until, _e.id))
        return [tombstone(row) for row in rows]

    async def erased_report(self, code: str) -> ErasedName | None:
        return await self._named(REPORT, name_digest(code))

    async def study_came(self, owner: str, study_instance_uid: str, at: datetime) -> ErasedName | None:
        digest = name_digest(owner, study_instance_uid)
        found = await self._named(STUDY, digest)
        if found is None or found.came_again_at is not None:
            return None
        await self._do(sa.update(t.erased_name).where(_n.kind == STUDY, _n.digest == digest).values(came_again_at=at))
        return found

    async def _named(self, kind: str, digest: str) -> ErasedName | None:
        columns = sa.select(_n.erasure_id, _e.erased_at, _n.content_sha256, _n.came_again_at)
        row = await self._one(columns.join(t.erasure, _e.id == _n.erasure_id).where(_n.kind == kind, _n.digest == digest))
        return ErasedName(**row) if row else None

    async def came_again(self, limit: int) -> list[Mapping[str, Any]]:
        columns = sa.select(_e.member, _e.erased_at, _n.came_again_at).join(t.erasure, _e.id == _n.erasure_id)
        query = columns.where(_n.came_again_at.is_not(None)).order_by(_n.came_again_at.desc()).limit(limit)
        return [dict(row) for row in await self._all(query)]


def tombstone(row: Mapping[Any, Any]) -> Tombstone:
    """Return the row of one erasure as what it stands for."""
    return Tombstone(**{**row, "kind": RecordKind(row["kind"]), "state": ErasureState(row["state"])})

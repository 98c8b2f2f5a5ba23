"""Recomputes the audit trail while the installation runs, a piece at a time.

One walk follows the end of the trail, so that a fault in what is new is seen within seconds; a second walks all of it,
again and again, so that a change to an old record is found as well. `telemed verify` does the same in one go, offline.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from telemed.adapters.audit.chain import GENESIS, first_fault
from telemed.adapters.database import tables as t
from telemed.adapters.database.queries.administration import NEW, ROUND
from telemed.adapters.database.repositories.base import insert_into

log = structlog.get_logger()

PIECE = 2000
"""Records of one step: some 40 ms of computing, in a thread."""
ROUND_EVERY = timedelta(hours=1)
"""The walk over all of it begins again after this."""


class AuditWatch:
    """A maintenance task of the worker: call it now and then. A fault stays on record and stops its walk."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def __call__(self, now: datetime) -> None:
        for walk in (NEW, ROUND):
            await self._step(walk, now)

    async def _step(self, walk: str, now: datetime) -> None:
        async with self._engine.connect() as bare:
            connection = await bare.execution_options(reading=True)
            state = (await connection.execute(sa.select(t.audit_check).where(t.audit_check.c.walk == walk))).mappings().first()
            position, digest = (state["position"], state["digest"]) if state else (0, GENESIS)
            whole_at = state["whole_at"] if state else None
            if state and state["fault"]:
                return
            if walk == ROUND and position == 0 and whole_at and now - whole_at < ROUND_EVERY:
                return
            query = sa.select(t.audit).where(t.audit.c.position > position).order_by(t.audit.c.position).limit(PIECE)
            rows = (await connection.execute(query)).mappings().all()
        fault, end, digest = await asyncio.to_thread(first_fault, rows, position, digest)
        values = {"walk": walk, "position": end, "digest": digest, "checked_at": now, "whole_at": whole_at, "fault": ""}
        if fault is not None:
            log.error("audit.fault", walk=walk, position=fault.position, reason=fault.reason)
            values |= {"position": fault.position, "fault": f"{fault.position}: {fault.reason}"}
        elif walk == ROUND and len(rows) < PIECE:
            values |= {"position": 0, "digest": GENESIS, "whole_at": now}
        async with self._engine.begin() as connection:
            await _keep(connection, values)


async def _keep(connection: AsyncConnection, values: dict[str, object]) -> None:
    insert = insert_into(connection.dialect.name, t.audit_check)
    changed = {name: insert.excluded[name] for name in values if name != "walk"}
    await connection.execute(insert.on_conflict_do_update(index_elements=["walk"], set_=changed), values)

"""The whole audit trail, walked once: what is wrong with it, and what it says of the record, of keys and of its own end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from telemed.adapters.audit.anchors import NEW_KEY
from telemed.adapters.audit.chain import ChainFault, ChainWalk, UnreadableRow
from telemed.adapters.database import tables as t

PAGE: Final = 2000


@dataclass(slots=True)
class Trail:
    """What a walk found. `attested`: the newest digest of each subject; `signed_by`: from which record on which key signs anchors;
    `noted`: the digests at the positions that were asked for."""

    records: int = 0
    end: int = 0
    ended_at: datetime | None = None
    faults: list[ChainFault] = field(default_factory=list)
    attested: dict[str, str] = field(default_factory=dict)
    attested_since: datetime | None = None
    signed_by: list[tuple[int, str]] = field(default_factory=list)
    noted: dict[int, str] = field(default_factory=dict)

    def key_at(self, position: int) -> str:
        """Return the fingerprint of the key by which an anchor at this position is to be signed; empty before there was one."""
        return next((key for since, key in reversed(self.signed_by) if since <= position), "")


async def walk_trail(engine: AsyncEngine, wanted: Collection[int] = ()) -> Trail:
    """Recompute the chain from its beginning to its end, whatever is wrong on the way."""
    trail, walk = Trail(), ChainWalk()
    async for row in _rows(engine):
        if fault := walk.take(row):
            trail.faults.append(fault)
        trail.records += 1
        _note(trail, row, wanted)
    trail.end = walk.position
    return trail


def _note(trail: Trail, row: Mapping[Any, Any], wanted: Collection[int]) -> None:
    position = row["position"]
    if position in wanted:
        trail.noted[position] = row["digest"]
    if isinstance(row, UnreadableRow):
        return
    trail.ended_at = row["at"]
    if row["attested"]:
        trail.attested_since = trail.attested_since or row["at"]
        trail.attested |= row["attested"]
    if row["action"] == NEW_KEY:
        trail.signed_by.append((position, row["subject"].partition("/")[2]))


async def _rows(engine: AsyncEngine) -> AsyncIterator[Mapping[Any, Any]]:
    position = -(2**63)
    while True:
        query = sa.select(t.audit).where(t.audit.c.position > position).order_by(t.audit.c.position).limit(PAGE)
        try:
            rows: Sequence[Mapping[Any, Any]] = await _asked(engine, query)
        except (ValueError, TypeError):  # a column holds what its type does not allow
            rows = await _one_by_one(engine, position)
        if not rows:
            return
        for row in rows:
            yield row
        position = rows[-1]["position"]


async def _one_by_one(engine: AsyncEngine, position: int) -> list[Mapping[Any, Any]]:
    """The same page; of a record that cannot be read, its place in the chain alone."""
    a = t.audit.c
    places = sa.select(a.position, a.previous, a.digest).where(a.position > position).order_by(a.position).limit(PAGE)
    rows: list[Mapping[Any, Any]] = []
    for place in await _asked(engine, places):
        try:
            rows += await _asked(engine, sa.select(t.audit).where(a.position == place["position"]))
        except (ValueError, TypeError):
            rows.append(UnreadableRow(place))
    return rows


async def _asked(engine: AsyncEngine, query: sa.Select[Any]) -> Sequence[sa.RowMapping]:
    async with engine.connect() as bare:
        connection = await bare.execution_options(reading=True)
        rows: Sequence[sa.RowMapping] = (await connection.execute(query)).mappings().all()
    return rows

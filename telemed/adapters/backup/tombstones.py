"""Tombstones in backups: each snapshot's manifest has those of its moment, so that an older one that is put back erases again
what was erased since."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import insert_or_nothing
from telemed.adapters.retention.erasing import Erasing
from telemed.domain.retention import RecordKind
from telemed.service.ports.retention import ErasureState, Tombstone

GONE = (ErasureState.ERASING.value, ErasureState.DONE.value)
"""States in which a record's rows are gone."""

_e, _r, _n = t.erasure.c, t.erasure_request.c, t.erased_name.c


class Stone(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tombstone as a backup has it. `names`: kind, digest, and digest of the content."""

    id: str
    request_id: str
    kind: str
    subject: str
    member: str
    centre: str
    kept_until: date
    erased_at: datetime
    counts: dict[str, int]
    digest: str
    names: list[tuple[str, str, str]] = []


class Asked(msgspec.Struct, frozen=True):
    """The request that a tombstone comes of."""

    id: str
    kind: str
    asked_by: str
    asked_at: datetime
    reason: str
    records: int
    decided_by: str
    decided_at: datetime


class Stones(msgspec.Struct, frozen=True, omit_defaults=True):
    """All tombstones of one moment."""

    requests: list[Asked] = []
    erasures: list[Stone] = []


async def read_stones(engine: AsyncEngine) -> Stones:
    """Return the tombstones of a database. One of an older version has none."""
    async with engine.connect() as bare:
        connection = await bare.execution_options(reading=True)
        if not await connection.run_sync(lambda sync: sa.inspect(sync).has_table(t.erasure.name)):
            return Stones()
        rows = (await connection.execute(sa.select(t.erasure).where(_e.state.in_(GONE)).order_by(_e.id))).mappings().all()
        requests = (
            (await connection.execute(sa.select(t.erasure_request).where(_r.decided_at.is_not(None)).order_by(_r.id))).mappings().all()
        )
        names: dict[str, list[tuple[str, str, str]]] = {}
        for row in (await connection.execute(sa.select(t.erased_name).order_by(_n.kind, _n.digest))).mappings():
            names.setdefault(row["erasure_id"], []).append((row["kind"], row["digest"], row["content_sha256"]))
    wanted = {row["request_id"] for row in rows}
    asked = [Asked(**{name: row[name] for name in Asked.__struct_fields__}) for row in requests if row["id"] in wanted]
    plain = [name for name in Stone.__struct_fields__ if name != "names"]
    return Stones(asked, [Stone(**{name: row[name] for name in plain}, names=names.get(row["id"], [])) for row in rows])


def together(several: list[Stones]) -> Stones:
    """Return the tombstones of several moments, each once."""
    requests = {asked.id: asked for stones in several for asked in stones.requests}
    return Stones(list(requests.values()), list({stone.id: stone for stones in several for stone in stones.erasures}.values()))


async def apply_again(engine: AsyncEngine, stones: Stones, erasing: Erasing) -> int:
    """Erase in a restored database what was erased since its snapshot, and note the tombstones. Returns how many there were. May be
    repeated."""
    applied = 0
    for stone in stones.erasures:
        async with engine.begin() as connection:
            state = await _noted(connection, stone, next(asked for asked in stones.requests if asked.id == stone.request_id))
        if state is ErasureState.DONE:
            continue
        about = (stone.id, stone.request_id, RecordKind(stone.kind), stone.subject, stone.member, stone.centre, stone.kept_until)
        await erasing.erase(Tombstone(*about, state, stone.erased_at), again=True)
        applied += 1
    async with engine.begin() as connection:
        left = sa.select(_e.id).where(_e.request_id == _r.id, _e.state.in_((ErasureState.WAITING.value, ErasureState.ERASING.value)))
        known = _r.id.in_([asked.id for asked in stones.requests])
        done = {"state": "done", "done_at": sa.func.coalesce(_r.done_at, _r.decided_at)}
        await connection.execute(sa.update(t.erasure_request).where(known, ~sa.exists(left)).values(done))
    return applied


async def _noted(connection: AsyncConnection, stone: Stone, asked: Asked) -> ErasureState:
    """Have the tombstone in the database, waiting where it was not there, and return how far its erasure is."""
    request = msgspec.structs.asdict(asked) | {"state": "confirmed"}
    await connection.execute(insert_or_nothing(connection, t.erasure_request).values(request))
    decided = {"state": "confirmed", "decided_by": asked.decided_by, "decided_at": asked.decided_at}
    await connection.execute(sa.update(t.erasure_request).where(_r.id == asked.id, _r.state == "asked").values(decided))
    row: dict[str, object] = msgspec.structs.asdict(stone) | {"state": ErasureState.WAITING.value}
    names: Mapping[tuple[str, str], str] = {(kind, digest): content for kind, digest, content in stone.names}
    row.pop("names")
    await connection.execute(insert_or_nothing(connection, t.erasure).values(row))
    was = {"erased_at": stone.erased_at, "counts": stone.counts, "digest": stone.digest}
    await connection.execute(sa.update(t.erasure).where(_e.id == stone.id, _e.state == ErasureState.WAITING.value).values(was))
    for (kind, digest), content in names.items():
        named = {"kind": kind, "digest": digest, "erasure_id": stone.id, "content_sha256": content}
        await connection.execute(insert_or_nothing(connection, t.erased_name).values(named))
    return ErasureState((await connection.execute(sa.select(_e.state).where(_e.id == stone.id))).scalar_one())

"""Objects of tracings: samples, results, and what a long recording is made again from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from telemed.adapters.stored_objects import PAGE, RecordedObject, rows_of
from telemed.centres.ecg.adapters.analysis import BEATS, RESULTS, SAMPLES, STATE
from telemed.centres.ecg.adapters.tables import ecg_tracing
from telemed.centres.ecg.domain import TracingKind

FOLDER: Final = "ecg/"

NAMES: Final = {TracingKind.RESTING: (SAMPLES, RESULTS), TracingKind.HOLTER: (SAMPLES, RESULTS, STATE, BEATS)}
"""Objects of a recording that was analysed before their digests were kept."""


class TracingObjects:
    """Implements `telemed.adapters.stored_objects.StoredObjects`.

    Results after a reader's edits (`revised/`) are a cache: they are made again from what is on record, have no digest, and
    stay as long as their recording.
    """

    noun = "tracing"
    prefixes = (FOLDER,)

    async def named(self, connection: AsyncConnection, keys: Sequence[str]) -> set[str]:
        tracings = {key: key.split("/")[1] for key in keys}
        query = sa.select(ecg_tracing.c.id).where(ecg_tracing.c.id.in_(set(tracings.values())))
        known = set((await connection.execute(query)).scalars())
        return {key for key, tracing in tracings.items() if tracing in known}

    async def recorded(self, engine: AsyncEngine) -> AsyncIterator[RecordedObject]:
        c, last = ecg_tracing.c, ""
        query = sa.select(c.id, c.kind, c.key, c.objects).where(c.key != "").order_by(c.id).limit(PAGE)
        while rows := await rows_of(engine, query.where(c.id > last)):
            for row in rows:
                if row["objects"] is None:
                    for name in NAMES[TracingKind(row["kind"])]:
                        yield RecordedObject(f"{row['key']}/{name}", "")
                else:
                    for stored in row["objects"]:
                        yield RecordedObject(f"{row['key']}/{stored['name']}", stored["sha256"])
            last = rows[-1]["id"]

    async def of_case(self, connection: AsyncConnection, case_id: str) -> list[RecordedObject]:
        c = ecg_tracing.c
        rows = (await connection.execute(sa.select(c.key, c.objects).where(c.case_id == case_id, c.key != ""))).all()
        stored = [RecordedObject(f"{key}/{each['name']}", each["sha256"]) for key, objects in rows for each in objects or ()]
        return [*stored, *(RecordedObject(f"{key}/", "") for key, _ in rows)]

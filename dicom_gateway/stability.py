"""Studies that have come to rest: nothing more arrived for a while, or a person said that all is there.

A study is arriving while `dicom_study.stable_at` is empty; every arrival empties it. What rests on the database survives a
restart, and an event is told in the transaction that notes it: once, or again with the next arrival.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dicom_gateway.index import Scope
from dicom_gateway.index.tables import dicom_study

log = logging.getLogger(__name__)

# Orthanc waits 60 s; modalities pause for seconds between series, seldom for a minute.
QUIET = timedelta(seconds=60)
MAX_AT_ONCE = 100  # studies of one transaction
_LOOK_EVERY = 2.0  # seconds


@dataclass(frozen=True, slots=True)
class StableStudy:
    """A study that has just become stable."""

    id: int
    owner: str
    study_instance_uid: str


# Runs inside the transaction that notes the studies as stable.
OnStable = Callable[[AsyncConnection, Sequence[StableStudy]], Awaitable[None]]


class StudyWatch:
    """Notes when studies become stable. Several processes may watch; each study is told by one of them."""

    def __init__(self, engine: AsyncEngine, *, quiet: timedelta = QUIET, on_stable: OnStable | None = None) -> None:
        self._engine = engine
        self._quiet = quiet
        self._on_stable = on_stable

    async def look(self, now: datetime) -> list[StableStudy]:
        """Note the studies to which nothing came since `now` minus the quiet time; at most `MAX_AT_ONCE`."""
        s = dicom_study.c
        resting = sa.and_(s.stable_at.is_(None), s.last_received_at <= now - self._quiet)
        oldest = sa.select(s.id).where(resting).order_by(s.last_received_at).limit(MAX_AT_ONCE)
        reading = self._engine.execution_options(reading=True)
        async with reading.connect() as connection:
            if not (ids := list(await connection.scalars(oldest))):
                return []  # without taking the write lock
        return await self._note(now, s.id.in_(ids), resting)

    async def complete(self, scope: Scope, study_instance_uid: str, now: datetime) -> bool | None:
        """A person says that the study is complete. False if that was known already, None if there is none in scope."""
        s = dicom_study.c
        here = sa.and_(scope.studies, s.study_instance_uid == study_instance_uid)
        if await self._note(now, here, s.stable_at.is_(None)):
            return True
        async with self._engine.execution_options(reading=True).connect() as connection:
            return False if await connection.scalar(sa.select(s.id).where(here).limit(1)) is not None else None

    async def run(self, then: Callable[[StableStudy], Awaitable[object]] | None = None) -> None:
        """Look again and again, until cancelled; `then` is called for each study behind the commit."""
        while True:
            try:
                noted = await self.look(datetime.now(UTC))
            except (SQLAlchemyError, OSError) as error:
                log.warning("studies cannot be watched now: %s", error)
                noted = []
            for study in noted if then else ():
                await _calmly(then, study)
            if len(noted) < MAX_AT_ONCE:
                await asyncio.sleep(_LOOK_EVERY)

    async def _note(self, now: datetime, *where: sa.ColumnElement[bool]) -> list[StableStudy]:
        s = dicom_study.c
        update = dicom_study.update().where(*where).values(stable_at=now).returning(s.id, s.owner, s.study_instance_uid)
        async with self._engine.begin() as connection:
            noted = [StableStudy(*row) for row in await connection.execute(update)]
            if noted and self._on_stable is not None:
                await self._on_stable(connection, noted)
        return noted


async def _calmly(then: Callable[[StableStudy], Awaitable[object]] | None, study: StableStudy) -> None:
    """Run `then`, which is done for speed only: log its failure and go on."""
    try:
        if then is not None:
            await then(study)
    except Exception:  # whatever a store, a process or the host may raise
        log.exception("after study %s became stable", study.study_instance_uid)

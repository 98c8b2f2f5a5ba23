"""The office of one process: engine, store, region, passwords, printer, questions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from copy import copy
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from storage.protocol import ObjectStore
from telemed.adapters import database, work
from telemed.adapters.figures import SqlFigures
from telemed.adapters.network_table import load_region
from telemed.adapters.overview import SqlOverview
from telemed.adapters.quality_table import SqlImageQualities
from telemed.adapters.queries import SqlQueries
from telemed.adapters.work_clock import utc_now
from telemed.domain.centre import Centre
from telemed.service.office import Printer
from telemed.service.ports import Passwords, Region, Work

CHECK_EVERY = timedelta(seconds=5)
"""The store is proved by a write and a read; /readyz may be asked more often than that is worth."""


class SqlOffice:
    """Implements `telemed.service.office.Office`. Call `refresh` before use, and again when the network was changed."""

    def __init__(
        self,
        engine: AsyncEngine,
        store: ObjectStore,
        centres: Mapping[str, Centre],
        passwords: Passwords,
        printer: Printer,
        zone: str,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.engine = engine
        self.store = store
        self.passwords = passwords
        self.printer = printer
        self.queries = SqlQueries(engine, lambda: self.region, clock)
        self.overview = SqlOverview(engine, lambda: self.region, clock)
        self.figures = SqlFigures(engine, lambda: self.region)
        self.image_quality = SqlImageQualities(engine)
        self._centres, self._zone = centres, zone
        self._clock = clock
        self._region: Region | None = None
        self._store_good_until = utc_now()

    def by_clock(self, clock: Callable[[], datetime]) -> SqlOffice:
        """The same office with another clock: what was done earlier is written down at its own time."""
        other = copy(self)
        other._clock = clock
        return other

    @property
    def region(self) -> Region:
        if self._region is None:
            raise RuntimeError("the region is not loaded: call refresh first")
        return self._region

    async def refresh(self) -> None:
        """Read the network from the database."""
        async with self.engine.connect() as bare:
            connection = await bare.execution_options(reading=True)
            self._region = await load_region(connection, self._centres, self._zone)

    def now(self) -> datetime:
        return self._clock()

    async def check(self) -> None:
        await database.check(self.engine)
        if utc_now() >= self._store_good_until:
            await self.store.check()
            self._store_good_until = utc_now() + CHECK_EVERY

    def writing(self) -> AbstractAsyncContextManager[Work]:
        return work.writing(self.engine, self.region, self._clock)

    def reading(self) -> AbstractAsyncContextManager[Work]:
        return work.reading(self.engine, self.region, self._clock)

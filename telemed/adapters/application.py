"""The application of one process: engine, store, region, passwords, report renderer, questions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from copy import copy
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from storage.protocol import ObjectStore
from telemed.adapters.clock import utc_now
from telemed.adapters.database import engine as database
from telemed.adapters.database import unit_of_work as work
from telemed.adapters.database.queries.facade import SqlQueries
from telemed.adapters.database.queries.overview import SqlOverview
from telemed.adapters.database.queries.statistics import SqlStatistics
from telemed.adapters.database.repositories.region import load_region
from telemed.adapters.database.unit_of_work import NO_CENTRE_PARTS, CentreParts
from telemed.adapters.dicom.image_qualities import SqlImageQualities
from telemed.adapters.readiness import Readiness
from telemed.domain.authentication_profile import PROFILES, AuthenticationProfile, ProfileName
from telemed.domain.centre import Centre
from telemed.service.password_limits import note_refusals
from telemed.service.ports.people import Passwords
from telemed.service.ports.region import Region
from telemed.service.ports.unit_of_work import UnitOfWork
from telemed.service.refusals import Refusals
from telemed.service.rendering import ReportRenderer

CHECK_EVERY = 5.0
"""Seconds. The store is proved by a write and a read, printing by its process; /readyz may be asked more often than that is worth."""
PRINTING_FOR = 60.0
"""Seconds that a process which printed before may be at its work without saying a word: a long table takes some."""


class SqlApplication:
    """Implements `telemed.service.application.Application`. Call `refresh` before use, and again when the network was changed."""

    def __init__(
        self,
        engine: AsyncEngine,
        store: ObjectStore,
        centres: Mapping[str, Centre],
        passwords: Passwords,
        renderer: ReportRenderer,
        zone: str,
        clock: Callable[[], datetime] = utc_now,
        centre_parts: CentreParts = NO_CENTRE_PARTS,
        profile: AuthenticationProfile = PROFILES[ProfileName.ASVS],
    ) -> None:
        self.engine = engine
        self.store = store
        self.passwords = passwords
        self.refusals = Refusals(self._note_refusals)
        self.renderer = renderer
        self.queries = SqlQueries(engine, lambda: self.region, clock)
        self.overview = SqlOverview(engine, lambda: self.region, clock)
        self.statistics = SqlStatistics(engine, lambda: self.region)
        self.image_quality = SqlImageQualities(engine)
        self._centres, self._zone, self._centre_parts, self._profile = centres, zone, centre_parts, profile
        self._clock = clock
        self._region: Region | None = None
        self._parts = (
            Readiness("database", lambda: database.check(engine)),
            Readiness("store", store.check, good_for=CHECK_EVERY),
            Readiness("printing", renderer.check, good_for=CHECK_EVERY, busy_for=PRINTING_FOR),
        )

    def by_clock(self, clock: Callable[[], datetime]) -> SqlApplication:
        """The same application with another clock: what was done earlier is written down at its own time."""
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
            self._region = await load_region(connection, self._centres, self._zone, self._profile)

    def now(self) -> datetime:
        return self._clock()

    async def check(self) -> None:
        for part in self._parts:
            await part.check()

    async def _note_refusals(self, account: str, address: str, times: int) -> None:
        async with self.writing() as work:
            await note_refusals(work, account, address, times)

    def writing(self) -> AbstractAsyncContextManager[UnitOfWork]:
        return work.writing(self.engine, self.region, self._clock, self._centre_parts)

    def reading(self) -> AbstractAsyncContextManager[UnitOfWork]:
        return work.reading(self.engine, self.region, self._clock, self._centre_parts)

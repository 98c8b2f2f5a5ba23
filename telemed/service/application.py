"""The application of one process as use cases and pages see it: transactions, reads, stored objects, passwords, the report renderer."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from storage.protocol import ObjectStore
from telemed.service.image_quality import ImageQualities
from telemed.service.overview import Overview
from telemed.service.ports.people import Passwords
from telemed.service.ports.region import Region
from telemed.service.ports.unit_of_work import UnitOfWork
from telemed.service.queries import Queries
from telemed.service.refusals import Refusals
from telemed.service.rendering import ReportRenderer
from telemed.service.statistics import Statistics


class Unready(Exception):
    """A part that the process works with does not answer: `database`, `store` or `printing`."""

    def __init__(self, part: str) -> None:
        super().__init__(part)
        self.part = part


class Application(Protocol):
    """The parts that a process works with."""

    @property
    def region(self) -> Region: ...
    @property
    def store(self) -> ObjectStore: ...
    @property
    def passwords(self) -> Passwords: ...
    @property
    def refusals(self) -> Refusals: ...
    @property
    def renderer(self) -> ReportRenderer: ...
    @property
    def queries(self) -> Queries: ...
    @property
    def overview(self) -> Overview: ...
    @property
    def statistics(self) -> Statistics: ...
    @property
    def image_quality(self) -> ImageQualities: ...
    def now(self) -> datetime: ...
    async def refresh(self) -> None:
        """Look at the network again: what was changed holds in this process at once, in others of this machine with their next
        request, on other machines after seconds."""
        ...

    async def follow(self) -> None:
        """Look at the network again where another process of this machine has changed it."""
        ...

    async def check(self) -> None:
        """Database, store, and the process that prints and signs answer, in bounded time. Raises Unready."""
        ...

    def writing(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """A transaction; commits at the end of the block, rolls back on an error."""
        ...

    def reading(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """One snapshot; nothing is written."""
        ...

    def one_snapshot(self) -> AbstractAsyncContextManager[None]:
        """All that is read in the block, by `reading` and by the queries, comes from one snapshot. A transaction within the block
        ends it; what is read afterwards comes from the next. Wait for nothing else meanwhile."""
        ...

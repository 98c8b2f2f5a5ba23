"""Attempts to sign in that were refused unjudged, summed in this process before they are written down."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger()

Write = Callable[[str, str, int], Awaitable[None]]
"""Write down so many refused attempts for a name from an address; either is empty where many are summed."""


class Refusals:
    """Sums refused attempts by name and address, and writes each sum every few seconds: what costs a stranger nothing costs us little.

    A process that is killed loses the sums of those seconds; one that ends writes them before.
    """

    def __init__(self, write: Write, every_seconds: float = 5.0, at_most: int = 200) -> None:
        self._write, self._every, self._at_most = write, every_seconds, at_most
        self._sums: Counter[tuple[str, str]] = Counter()
        self._soon: asyncio.Task[None] | None = None

    def add(self, account: str, address: str) -> None:
        """Count one. Where too many kinds are waiting it is summed with all others."""
        key = (account, address)
        self._sums[key if key in self._sums or len(self._sums) < self._at_most else ("", "")] += 1
        if self._soon is None or self._soon.done():
            self._soon = asyncio.create_task(self._write_soon())

    async def write(self) -> None:
        """Write down what is summed. A sum that cannot be written is kept."""
        for key in list(self._sums):
            times = self._sums.pop(key)
            try:
                await self._write(*key, times)
            except BaseException:
                self._sums[key] += times
                raise

    async def close(self) -> None:
        """Write the rest."""
        if self._soon is not None:
            self._soon.cancel()
            await asyncio.gather(self._soon, return_exceptions=True)
        await self.write()

    async def _write_soon(self) -> None:
        while self._sums:
            await asyncio.sleep(self._every)
            try:
                await self.write()
            except Exception as error:
                log.error("refusals.not_written", error=repr(error))

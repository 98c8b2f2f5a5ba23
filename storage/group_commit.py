"""Many small writes, few commits: a batch is everything that came while the previous batch was being committed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

MAX_BATCH = 500

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


class GroupCommit(Generic[Item, Outcome]):
    """`write` stores a batch in one transaction and returns one outcome an item, in order. A caller of `submit`
    goes on only after the commit that holds its item. `away` are the errors that say that the place of writing is gone, full or
    locked: nothing of the batch is tried by itself then."""

    def __init__(
        self,
        write: Callable[[Sequence[Item]], Awaitable[Sequence[Outcome]]],
        max_batch: int = MAX_BATCH,
        away: tuple[type[Exception], ...] = (OSError,),
    ) -> None:
        self._write = write
        self._away = away
        self._max_batch = max_batch
        self._waiting: list[tuple[Item, asyncio.Future[Outcome]]] = []
        self._flusher: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Outcome:
        """Write `item` with others; raises what the database raised, and then nothing of `item` is stored.

        A caller that is cancelled while it waits leaves its item in the batch: it may be stored unacknowledged.
        """
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush())
        return await future

    async def close(self) -> None:
        """Wait until everything submitted is written."""
        if self._flusher is not None:
            await self._flusher

    async def _flush(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[: self._max_batch], self._waiting[self._max_batch :]
            await self._commit(batch)

    async def _commit(self, batch: list[tuple[Item, asyncio.Future[Outcome]]]) -> None:
        try:
            outcomes = await self._write([item for item, _ in batch])
        except self._away as error:
            _fail(batch, error)  # each would fail the same way
        except Exception as error:
            if len(batch) == 1:
                _fail(batch, error)
                return
            for single in batch:  # one bad item must not take its neighbours down
                await self._commit([single])
        else:
            for (_, future), outcome in zip(batch, outcomes, strict=True):
                if not future.done():
                    future.set_result(outcome)


def _fail(batch: list[tuple[Item, asyncio.Future[Outcome]]], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)

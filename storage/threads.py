"""A bounded pool of threads for blocking calls, which never leaves a call running behind a cancelled task."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from storage.errors import StoreUnavailable

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """At most `count` blocking calls at a time; further ones wait their turn."""

    def __init__(self, count: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(max_workers=count, thread_name_prefix=name)
        self._closed = False

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `work(...)` from a thread.

        When the caller is cancelled, a call that has not begun never begins; one that has begun is waited for.
        """
        call = self._submit(work, *args, **kwargs)
        try:
            return await asyncio.wrap_future(call)
        except asyncio.CancelledError:
            await _end_of(call)
            raise

    async def run_abandonable(self, abandon: Callable[[], None], work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `run`, but a cancellation also calls `abandon` so that the work under way can stop by itself."""
        call = self._submit(work, *args, **kwargs)
        try:
            return await asyncio.wrap_future(call)
        except asyncio.CancelledError:
            abandon()
            await _end_of(call)
            raise

    async def run_to_end(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> None:
        """Do `work(...)` to its end even when cancelled meanwhile, then let the cancellation go on.

        This is for tidying up, so it is done even after `close`, and whatever `work` raises is not reported.
        """
        try:
            call = self._submit(work, *args, **kwargs)
        except StoreUnavailable:
            work(*args, **kwargs)
            return
        if await _end_of(call):
            raise asyncio.CancelledError

    async def close(self) -> None:
        """Wait for the calls under way; refuse further ones."""
        self._closed = True
        await asyncio.to_thread(self._pool.shutdown)

    def refuse_if_closed(self) -> None:
        """Raises `StoreUnavailable` after `close`."""
        if self._closed:
            raise StoreUnavailable("The store was closed.")

    def _submit(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        try:
            return self._pool.submit(work, *args, **kwargs)
        except RuntimeError as error:
            raise StoreUnavailable("The store was closed.") from error


async def all_of(calls: Iterable[Awaitable[T]]) -> list[T]:
    """The results of `calls`, once every one has ended. Raises the first error among them; a cancellation ends all."""
    answers = await asyncio.gather(*calls, return_exceptions=True)
    results = []
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
        results.append(answer)
    return results


async def _end_of(call: Future[T]) -> bool:
    """Wait until `call` has ended, well or badly. Returns whether a cancellation arrived meanwhile.

    A call that had not begun when its waiter was cancelled was cancelled with it, and has ended.
    """
    cancelled = False
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    call.add_done_callback(lambda _: loop.call_soon_threadsafe(ended.set))
    while not ended.is_set():
        try:
            await ended.wait()
        except asyncio.CancelledError:
            cancelled = True
    return cancelled

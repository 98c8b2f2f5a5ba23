"""An event loop in a thread of its own, and the way from one loop to another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def on(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
    """Have `work` done on `loop`, that of another thread or the running one. To be awaited on the running loop; to cancel the
    future cancels the work. Raises `RuntimeError` where `loop` is closed."""
    if loop is asyncio.get_running_loop():
        return asyncio.ensure_future(work)
    return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))


class LoopThread:
    """A loop for work that may hold its thread up now and then, where nobody but that work waits for it. It runs from the start."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Have `work` done there and wait for it here."""
        return await on(self.loop, work)

    async def close(self) -> None:
        """End the loop, and what still runs on it."""
        self.loop.call_soon_threadsafe(self._ended.set)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            runner.run(self._until_ended())

    async def _until_ended(self) -> None:
        await self._ended.wait()

"""Processes for work on pixels. A codec that crashes takes its process with it, not the server."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

from dicom_gateway.pixels.errors import DecodingBusy

P = ParamSpec("P")
T = TypeVar("T")

ANSWER_WITHIN = 60.0  # seconds for one piece of work, waiting included


class PixelPool:
    """A pool that mends itself. `processes` defaults to the number of CPUs, at most 4."""

    def __init__(self, processes: int | None = None) -> None:
        self._processes = processes or min(4, os.cpu_count() or 1)
        self._pool: ProcessPoolExecutor | None = None

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`work(*args)` in a process. Raises what it raises, or `DecodingBusy`."""
        if kwargs:
            raise TypeError("positional arguments only")
        pool = self._started()
        try:
            return await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(pool, work, *args), ANSWER_WITHIN)
        except BrokenProcessPool:
            if self._pool is pool:
                self._pool = None
                pool.shutdown(wait=False, cancel_futures=True)
            raise DecodingBusy("the process that decodes this object died") from None
        except TimeoutError:
            raise DecodingBusy(f"decoding took longer than {ANSWER_WITHIN:g} s") from None

    async def warm(self) -> None:
        """Have a process ready: the first question must not wait for its start, which takes a second and more."""
        with contextlib.suppress(DecodingBusy):
            await self.run(os.getpid)

    async def close(self) -> None:
        """End the processes."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.shutdown, True, cancel_futures=True)

    def _started(self) -> ProcessPoolExecutor:
        # Not forked: a fork of a process with threads may inherit a held lock.
        if self._pool is None:
            spawning = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._processes, mp_context=spawning, initializer=_end_with_the_parent)
        return self._pool


def _end_with_the_parent() -> None:
    """Ctrl-C, which reaches every process of a terminal, is the parent's; one that is killed closes no pipe that we wait at."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def attend() -> None:
        if parent is not None:
            parent.join()
            os._exit(0)

    threading.Thread(target=attend, daemon=True).start()

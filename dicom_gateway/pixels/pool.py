"""Processes for work on pixels. A codec that crashes takes its process with it, not the server, and not its neighbours."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, ParamSpec, TypeVar

from dicom_gateway.pixels.errors import DecodingBusy, PixelError
from dicom_gateway.process_memory import limit_memory

P = ParamSpec("P")
T = TypeVar("T")

ANSWER_WITHIN = 60.0  # seconds for one piece of work, waiting included
MAX_MEMORY = 4 << 30  # bytes that a process may take: 1 GiB of native pixels is transcoded through three copies


class PixelPool:
    """Up to `processes` workers, the number of CPUs but at most 4 by default, each with one piece of work at a time.

    Each worker is an executor of its own: where several share one, the death of one process fails the work of all.
    """

    def __init__(self, processes: int | None = None, memory: int = MAX_MEMORY) -> None:
        self._memory = memory
        self._places = asyncio.Semaphore(processes or min(4, os.cpu_count() or 1))
        self._workers: set[ProcessPoolExecutor] = set()
        self._idle: list[ProcessPoolExecutor] = []  # the one that was used last at the end

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`work(*args)` in a process. Raises what it raises, `DecodingBusy`, or `PixelError` where it takes too much memory."""
        if kwargs:
            raise TypeError("positional arguments only")
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                await self._places.acquire()
                try:
                    future = self._begin(work, *args)
                except BaseException:  # no process can be started
                    self._places.release()
                    raise
                return await asyncio.wrap_future(future)
        except BrokenProcessPool:
            raise DecodingBusy("the process that decodes this object died") from None
        except MemoryError:
            raise PixelError(f"this object takes more than the {self._memory >> 20} MB of memory that one may take") from None
        except TimeoutError:
            raise DecodingBusy(f"decoding took longer than {ANSWER_WITHIN:g} s") from None

    async def warm(self) -> None:
        """Have a process ready: the first question must not wait for its start, which takes a second and more."""
        with contextlib.suppress(DecodingBusy):
            await self.run(os.getpid)

    async def close(self) -> None:
        """End the processes."""
        workers, self._workers, self._idle = self._workers, set(), []
        await asyncio.gather(*(asyncio.to_thread(worker.shutdown, True, cancel_futures=True) for worker in workers))

    def _begin(self, work: Callable[..., T], *args: Any) -> Future[T]:
        """Give `work` to a worker that has none. Its place is free again once it is done, whoever still waits for it."""
        loop = asyncio.get_running_loop()
        worker, future = self._given(work, *args)

        def done(finished: Future[T]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop may have ended
                loop.call_soon_threadsafe(self._give_back, worker, finished)

        future.add_done_callback(done)
        return future

    def _given(self, work: Callable[..., T], *args: Any) -> tuple[ProcessPoolExecutor, Future[T]]:
        while self._idle:
            worker = self._idle.pop()
            try:
                return worker, worker.submit(work, *args)
            except BrokenProcessPool:  # it died while it had nothing to do
                self._drop(worker)
        # Not forked: a fork of a process with threads may inherit a held lock.
        worker = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_begin, initargs=(self._memory,))
        future = worker.submit(work, *args)
        self._workers.add(worker)
        return worker, future

    def _give_back(self, worker: ProcessPoolExecutor, finished: Future[Any]) -> None:
        self._places.release()
        if not finished.cancelled() and isinstance(finished.exception(), BrokenProcessPool):
            self._drop(worker)
        elif worker in self._workers:
            self._idle.append(worker)

    def _drop(self, worker: ProcessPoolExecutor) -> None:
        self._workers.discard(worker)
        worker.shutdown(wait=False, cancel_futures=True)


def _begin(memory: int) -> None:
    """Do what each process does first."""
    limit_memory(memory)
    _end_with_the_parent()


def _end_with_the_parent() -> None:
    """Ctrl-C, which reaches every process of a terminal, is the parent's; one that is killed closes no pipe that we wait at."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def attend() -> None:
        if parent is not None:
            parent.join()
            os._exit(0)

    threading.Thread(target=attend, daemon=True).start()

"""Pools of processes for work that keeps a processor busy or that a file may crash: one that dies is replaced."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Final, ParamSpec, TypeVar

from dicom_gateway.process_memory import limit_memory
from telemed.domain.errors import TooDemanding

P = ParamSpec("P")
T = TypeVar("T")

MAX_STARTS: Final = 3
"""New pools that are tried for one piece of work: a pool may die between being chosen and being asked."""


MEMORY: Final = 2 << 30
"""Bytes that a process may take: a Holter recording of a day is analysed in a fifth of it (practice)."""


class ProcessDied(BrokenExecutor):
    """The process died at its work, or at that of another who shared its pool. What was asked for may be asked again."""

    def __init__(self) -> None:
        super().__init__("A process ended before its work was done: ask for the work again.")

    def __reduce__(self) -> tuple[type[ProcessDied], tuple[()]]:
        return type(self), ()


class RestartingPool(Executor):
    """An executor over processes that are started with the first work and anew after one of them died.

    `ProcessPoolExecutor` refuses all work for good once a process of it was killed. Here what was under way fails with
    `ProcessDied`, and what comes next has new processes. May be used from several threads.
    """

    def __init__(
        self, processes: int, initializer: Callable[[], None] | None = None, memory: int = MEMORY, *, numerical: bool = True
    ) -> None:
        """`initializer` is what each process does first: `serve_the_parent`, unless told otherwise. `memory` is what each may take
        in bytes (0: no limit), and what numerical libraries set aside where `numerical` ones are loaded; work that needs more fails
        with `TooDemanding`."""
        self._processes, self._initializer = processes, partial(_begin, initializer or serve_the_parent, memory, numerical)
        self._pool: ProcessPoolExecutor | None = None
        self._closed = False
        self._lock = threading.Lock()  # never held while a pool is asked: a pool that breaks calls back under a lock of its own

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have `fn` called in a process. Raises RuntimeError after `shutdown`."""
        for _attempt in range(MAX_STARTS):
            pool = self._started()
            try:
                working = pool.submit(fn, *args, **kwargs)
            except BrokenProcessPool:  # a process died while nothing was asked of it
                self._let_go(pool)
                continue
            return self._answering(pool, working)
        raise ProcessDied

    def discard(self) -> None:
        """Let go of the processes, busy or not; the next work has new ones. What waits for its turn is cancelled."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As `Executor.shutdown`: nothing more is taken; what is under way is finished."""
        with self._lock:
            self._closed = True
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=wait, cancel_futures=cancel_futures)

    def _started(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._closed:
                raise RuntimeError("the pool was shut down: nothing more is taken")
            if self._pool is None:
                # Not forked: a fork of a process with threads may inherit a held lock.
                spawning = multiprocessing.get_context("spawn")
                self._pool = ProcessPoolExecutor(self._processes, mp_context=spawning, initializer=self._initializer)
            return self._pool

    def _let_go(self, broken: ProcessPoolExecutor) -> None:
        """The pool is replaced with the next work. It ends by itself: its processes are killed by the one who noticed."""
        with self._lock:
            if self._pool is broken:
                self._pool = None

    def _answering(self, pool: ProcessPoolExecutor, working: Future[T]) -> Future[T]:
        """A future of our own: it has the answer of `working`, and `ProcessDied` where the pool broke."""
        answer: Future[T] = Future()

        def done(ended: Future[T]) -> None:
            broken = not ended.cancelled() and isinstance(ended.exception(), BrokenProcessPool)
            if broken:
                self._let_go(pool)
            if ended.cancelled():
                answer.cancel()
            if not answer.set_running_or_notify_cancel():
                return
            error: BaseException | None = ProcessDied() if broken else ended.exception()
            if isinstance(error, MemoryError):
                error = TooDemanding()
            if error is not None:
                answer.set_exception(error)
            else:
                answer.set_result(ended.result())

        def withdrawn(asked: Future[T]) -> None:
            if asked.cancelled():
                working.cancel()

        answer.add_done_callback(withdrawn)
        working.add_done_callback(done)
        return answer


def _begin(initializer: Callable[[], None], memory: int, numerical: bool) -> None:
    limit_memory(memory, numerical=numerical)
    initializer()


def serve_the_parent() -> None:
    """Leave Ctrl-C, which reaches every process of a terminal, to the parent, and end when the parent does.

    A pool's process would otherwise wait for ever for the next order of a parent that was killed.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(0)

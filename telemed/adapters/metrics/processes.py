"""The metrics of several processes, each written beside the others and read by whoever is asked.

A process of a role holds the lock of a place of its own (`metrics/worker-0.lock` of the data folder) as long as it lives, and
writes its metrics beside it every few seconds. Whoever is asked gives those of the processes that hold their locks: what a
process measured vanishes with it. One that is started anew takes the place that was left, so that its counters begin again under the
same labels, which is what a reset is to Prometheus. Nothing is added up over processes: a sum that falls when one of them ends
would look like one.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import structlog
from prometheus_client import REGISTRY, disable_created_metrics, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

log = structlog.get_logger()

EVERY_SECONDS: Final = 5.0
"""From one writing to the next: a third of what Prometheus waits between two questions, unless told otherwise."""
MAX_PLACES: Final = 64
"""Processes of one role on one machine."""

disable_created_metrics()  # type: ignore[no-untyped-call]


class ProcessMetrics:
    """The metrics of this process and of those that share its folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._role, self._place = "", -1

    @contextlib.asynccontextmanager
    async def kept(self, role: str) -> AsyncIterator[None]:
        """Write the metrics of this process, which is of this role, until the end of the block. A folder that cannot be written
        costs the metrics and nothing else."""
        try:
            lock = await asyncio.to_thread(self._take_place, role)
        except OSError as error:
            log.warning("metrics.not_kept", folder=str(self._folder), error=str(error))
            yield
            return
        writing = asyncio.create_task(self._keep_writing())
        try:
            yield
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            self._file.unlink(missing_ok=True)
            os.close(lock)

    def families(self) -> list[Metric]:
        """Those of all processes that live, each sample with the `role` and the place (`process`) of its process. Blocks."""
        found: dict[str, Metric] = {}
        for role, place, text in self._texts():
            labels = {"role": role, "process": place} if role else {}
            for family in text_string_to_metric_families(text):
                known = found.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                for sample in family.samples:
                    known.add_sample(sample.name, {**sample.labels, **labels}, sample.value)
        return list(found.values())

    def _take_place(self, role: str) -> int:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for place in range(MAX_PLACES):
            lock = os.open(self._folder / f"{role}-{place}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(lock)
                continue
            self._role, self._place = role, place
            self._write()
            return lock
        raise OSError(f"all {MAX_PLACES} places of the role {role} are taken")

    @property
    def _file(self) -> Path:
        return self._folder / f"{self._role}-{self._place}.prom"

    def _write(self) -> None:
        new = self._file.with_suffix(".new")
        new.write_bytes(generate_latest(REGISTRY))
        new.replace(self._file)

    async def _keep_writing(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                await asyncio.to_thread(self._write)
            except OSError as error:
                log.warning("metrics.not_kept", folder=str(self._folder), error=str(error))

    def _texts(self) -> Iterator[tuple[str, str, str]]:
        """Role, place and metrics of each process; of this one as they are now."""
        yield self._role, str(self._place), generate_latest(REGISTRY).decode()
        for lock in sorted(self._folder.glob("*.lock")):
            role, _, place = lock.stem.rpartition("-")
            if (role, place) != (self._role, str(self._place)) and _is_held(lock):
                with contextlib.suppress(FileNotFoundError):
                    yield role, place, lock.with_suffix(".prom").read_text()


def _is_held(lock: Path) -> bool:
    """True if a process lives that has taken the lock."""
    descriptor = os.open(lock, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False

"""Evidence on its way: made once, by a slow process of its own, and kept in a folder until the platform has it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from pathlib import Path

from telemed.adapters.process_pool import RestartingPool, serve_the_parent
from telemed.demo.evidence import evidence_files
from telemed.demo.evidence_order import EvidenceOrder

NICENESS = 10
"""The pictures wait rather than whoever looks at the pages."""

PLACE = 4
"""Files begin with their place in the order of making: `001-`."""


class EvidenceSpool:
    """Folders of evidence, one for each accession number. What lies there is whole, and is never made a second time.

    Sending the same bytes again after a cut is harmless; sending others under the same UIDs would be a conflict.
    """

    def __init__(self, folder: Path, makers: Executor) -> None:
        self._folder, self._makers = folder, makers

    def holds(self, number: str) -> bool:
        return (self._folder / number).is_dir()

    async def files(self, number: str, names: tuple[str, ...], order: EvidenceOrder) -> list[Path]:
        """The files of the named evidence, in order; made now where they are not there yet."""
        folder = self._folder / number
        if not await asyncio.to_thread(folder.is_dir):
            await asyncio.get_running_loop().run_in_executor(self._makers, make, names, order, folder)
        return sorted(await asyncio.to_thread(lambda: list(folder.iterdir())))

    async def drop(self, number: str) -> None:
        """The platform has the files; the folder of the spool goes with its last content."""
        await asyncio.to_thread(shutil.rmtree, self._folder / number, ignore_errors=True)
        with contextlib.suppress(OSError):
            self._folder.rmdir()


def make(names: tuple[str, ...], order: EvidenceOrder, folder: Path) -> None:
    """Write the files; the folder has its name only when it is whole."""
    begun = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(begun, ignore_errors=True)
    begun.mkdir(parents=True)
    made = (file for name in names for file in evidence_files(name, order))
    for place, file in enumerate(made, start=1):
        (begun / f"{place:0{PLACE - 1}d}-{file.name}").write_bytes(file.content)
    begun.rename(folder)


def sent_name(path: Path) -> str:
    """The name under which a file of the spool is sent."""
    return path.name[PLACE:]


@asynccontextmanager
async def evidence_makers() -> AsyncIterator[Executor]:
    """One process for the pictures. It starts with the first order; what it has begun when all ends is still finished."""
    pool = RestartingPool(1, _step_back)
    try:
        yield pool
    finally:
        await asyncio.to_thread(pool.shutdown, cancel_futures=True)


def _step_back() -> None:
    serve_the_parent()
    os.nice(NICENESS)

"""PDF pages drawn by PDFium, in a process that hostile bytes may crash or keep busy without harm to the server."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import signal
from collections.abc import Callable, Sequence
from typing import TypeVar

from storage.protocol import ObjectStore
from telemed.adapters.process_pool import MEMORY, ProcessDied, RestartingPool
from telemed.domain.errors import TooDemanding
from telemed.service.document_pages import MAX_PAGES, PageSize, Undrawable

T = TypeVar("T")

MAX_BYTES = 64 * 1024**2
MEMORY_OF_A_PAGE = 224 * 1024**2
"""Bytes that drawing may take: the largest document, an A4 page scanned in colour at 600 dots per inch, and its picture."""
WIDEST, TALLEST = 1600, 4000
"""Pixels of a drawn page: 1600 across are 190 dots per inch of A4."""
WITHIN_SECONDS = 20.0
"""For one page, from its turn on."""


class PdfPages:
    """Implements `telemed.service.document_pages.DocumentPages` with one process, begun with the first document."""

    def __init__(self, store: ObjectStore, memory: int = MEMORY) -> None:
        self._store = store
        self._pool = RestartingPool(1, memory=min(memory, MEMORY_OF_A_PAGE), numerical=False)
        self._turn = asyncio.Lock()

    async def sizes(self, key: str, size: int) -> Sequence[PageSize]:
        return await self._ask(key, size, page_sizes)

    async def draw(self, key: str, size: int, number: int) -> bytes:
        return await self._ask(key, size, draw_page, number)

    async def sizes_of(self, content: bytes) -> Sequence[PageSize]:
        """The pages of a document that is at hand. Raises Undrawable."""
        return await self._work(page_sizes, content)

    async def draw_of(self, content: bytes, number: int) -> bytes:
        """One page of a document that is at hand, as PNG. Raises Undrawable."""
        return await self._work(draw_page, content, number)

    async def close(self) -> None:
        """End the process."""
        await asyncio.to_thread(self._pool.shutdown, True, cancel_futures=True)

    async def _ask(self, key: str, size: int, work: Callable[..., T], *args: object) -> T:
        if size > MAX_BYTES:
            raise Undrawable(f"larger than {MAX_BYTES // 1024**2} MB")
        return await self._work(work, await self._store.read(key), *args)

    async def _work(self, work: Callable[..., T], *args: object) -> T:
        loop = asyncio.get_running_loop()
        pid: int | None = None
        async with self._turn:
            try:
                async with asyncio.timeout(WITHIN_SECONDS):
                    pid = await loop.run_in_executor(self._pool, os.getpid)
                    return await loop.run_in_executor(self._pool, work, *args)
            except ProcessDied:
                raise Undrawable("the document is damaged") from None
            except TooDemanding:
                raise Undrawable("the document takes too much memory") from None
            except TimeoutError:
                self._end(pid)
                raise Undrawable(f"a page took longer than {WITHIN_SECONDS:g} s") from None
            except asyncio.CancelledError:
                self._end(pid)
                raise

    def _end(self, pid: int | None) -> None:
        """End a process that is still busy; the next document has a new one."""
        self._pool.discard()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def page_sizes(content: bytes) -> list[PageSize]:
    """Runs in the process. Raises Undrawable for what is no PDF or needs a password."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(content)
        with contextlib.closing(document):
            return [PageSize(*document.get_page_size(index)) for index in range(min(len(document), MAX_PAGES))]
    except pypdfium2.PdfiumError as error:
        raise Undrawable(str(error)) from None


def draw_page(content: bytes, number: int) -> bytes:
    """Runs in the process: the page as PNG, at most `WIDEST` by `TALLEST` pixels."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(content)
        with contextlib.closing(document):
            if not 1 <= number <= min(len(document), MAX_PAGES):
                raise Undrawable(f"there is no page {number}")
            page = document[number - 1]
            width, height = page.get_size()
            if min(width, height) <= 0:
                raise Undrawable(f"page {number} has no area")
            picture = page.render(scale=min(WIDEST / width, TALLEST / height)).to_pil()
    except pypdfium2.PdfiumError as error:
        raise Undrawable(str(error)) from None
    written = io.BytesIO()
    picture.save(written, "PNG", compress_level=3)
    return written.getvalue()

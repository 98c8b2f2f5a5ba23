"""Pieces that arrive by callback, for a consumer that asks for them, maybe on the loop of another thread; the producer is held back
when it is ahead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from dicom_gateway.loop_thread import on

HIGH = 4 << 20  # bytes that wait before the producer is held back


class Flow:
    """A queue of pieces, filled by `put` and read by `pieces`. `hold(True)` asks the producer to wait, `hold(False)` to go on.
    Everything but `pieces` happens on the loop of the producer."""

    def __init__(self, hold: Callable[[bool], None]) -> None:
        self._hold = hold
        self._loop = asyncio.get_running_loop()
        self._pieces: list[bytes] = []
        self._waiting = 0
        self._held = False
        self._ended = False
        self._abandoned = False
        self._news = asyncio.Event()

    def put(self, piece: bytes) -> None:
        """One more piece. It goes nowhere when nobody takes pieces any more."""
        if self._abandoned:
            return
        self._pieces.append(piece)
        self._waiting += len(piece)
        self._news.set()
        if self._waiting > HIGH and not self._held:
            self._held = True
            self._hold(True)

    def end(self) -> None:
        """That was the last piece."""
        self._ended = True
        self._news.set()

    def abandon(self) -> None:
        """Drop what waits and what comes: the consumer has ended."""
        self._abandoned = True
        self._pieces.clear()
        self._waiting = 0
        self._release()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Everything that is put, for a consumer on any loop."""
        while taken := await on(self._loop, self._take()):
            for piece in taken:
                yield piece

    async def _take(self) -> list[bytes]:
        """All that waits, once there is something; nothing at the end."""
        while not self._pieces and not self._ended:
            self._news.clear()
            await self._news.wait()
        taken, self._pieces, self._waiting = self._pieces, [], 0
        self._release()
        return taken

    def _release(self) -> None:
        if self._held:
            self._held = False
            self._hold(False)

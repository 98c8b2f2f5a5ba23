"""Pieces that arrive by callback, for a consumer that asks for them; the producer is held back when it is ahead."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

HIGH = 4 << 20  # bytes that wait before the producer is held back


class Flow:
    """An asynchronous iterator over what is `put`. `hold(True)` asks the producer to wait, `hold(False)` to go on."""

    def __init__(self, hold: Callable[[bool], None]) -> None:
        self._hold = hold
        self._pieces: deque[bytes] = deque()
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
        """Nobody will take what comes: the consumer has ended."""
        self._abandoned = True
        self._pieces.clear()
        self._waiting = 0
        self._release()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            while self._pieces:
                piece = self._pieces.popleft()
                self._waiting -= len(piece)
                if self._waiting <= HIGH // 2:
                    self._release()
                yield piece
            if self._ended:
                return
            self._news.clear()
            await self._news.wait()

    def _release(self) -> None:
        if self._held:
            self._held = False
            self._hold(False)

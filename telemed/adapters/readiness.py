"""Whether a part answers: asked in bounded time, and not more often than the answer is worth."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from telemed.service.application import Unready

PATIENCE_SECONDS = 5.0
"""How long one question to a part is waited for. Practice: supervisors ask every few seconds."""


class Readiness:
    """One part of the process. However many ask at once, the part is asked once; a question that takes long goes on."""

    def __init__(self, part: str, ask: Callable[[], Awaitable[None]], *, good_for: float = 0.0, busy_for: float = 0.0) -> None:
        """`good_for`: seconds that a good answer holds. `busy_for`: so long after one a part that says nothing counts as busy."""
        self._part, self._ask = part, ask
        self._good_for, self._busy_for = good_for, busy_for
        self._good_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    async def check(self) -> None:
        """Raises Unready where the part does not answer, or what it answers is an error."""
        now = asyncio.get_running_loop().time
        if now() < self._good_at + self._good_for:
            return
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(self._ask())
        await asyncio.wait({self._asking}, timeout=PATIENCE_SECONDS)
        if not self._asking.done():
            if now() < self._good_at + self._busy_for:
                return
            raise Unready(self._part)
        if self._asking.cancelled() or (error := self._asking.exception()):
            raise Unready(self._part) from (None if self._asking.cancelled() else error)
        self._good_at = now()

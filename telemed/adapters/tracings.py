"""Draws ECG recordings with the `ecg` library, in the pool that prints: reading and filtering keep a processor busy."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from concurrent.futures import Executor

from telemed.service.files import DamagedFile

SECONDS = 20.0
REMEMBERED = 64
"""Drawings that are kept: the same tracing is opened by several people. A recording never changes."""


def draw_recording(content: bytes) -> bytes:
    """The SVG. Raises DamagedFile, which says what is wrong with the file."""
    import ecg
    from ecg.drawing import draw, to_svg

    try:
        recording = ecg.read(content)
    except ecg.UnreadableECG as error:
        raise DamagedFile(error.format, error.reason) from None
    return to_svg(draw(recording)).encode()


class PooledTracings:
    """Implements `telemed.service.tracings.TracingArtist`."""

    def __init__(self, pool: Executor, seconds: float = SECONDS) -> None:
        self._pool, self._seconds = pool, seconds
        self._known: OrderedDict[str, bytes] = OrderedDict()

    async def draw(self, content: bytes, name: str) -> bytes:
        digest = hashlib.sha256(content).hexdigest()
        if digest not in self._known:
            running = asyncio.get_running_loop().run_in_executor(self._pool, draw_recording, content)
            try:
                self._known[digest] = await asyncio.wait_for(running, self._seconds)
            except TimeoutError:
                raise DamagedFile(name, f"not drawn within {self._seconds:g} s") from None
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return self._known[digest]

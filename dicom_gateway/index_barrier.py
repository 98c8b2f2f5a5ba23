"""Read-your-writes: a reader of the index waits until everything promised before it asked is entered.

The processes of one machine see each other's counters in the store's folder (`storage.watermark`). The wait is as long as a
batch of the write-ahead log takes, a tenth of a second as a rule, and nothing when nothing is on its way. The promises of a writer
that was killed are entered by another gateway at once, or by its successor in some seconds; what takes longer is not waited for again.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from storage.errors import StorageError
from storage.local import LocalStore
from storage.protocol import ObjectStore
from storage.watermark import WatermarkReader

log = logging.getLogger(__name__)

LONGEST = 5.0  # seconds; then the answer is what the index knows
_STEP = 0.004  # seconds between two looks


class IndexBarrier:
    """Call it before reading the index; it waits `longest` seconds at most. Without a local store there is nothing to wait for."""

    def __init__(self, store: ObjectStore, longest: float = LONGEST) -> None:
        self._longest = longest
        self._store = store if isinstance(store, LocalStore) else None
        self._readers: dict[Path, WatermarkReader] = {}
        self._given_up: dict[WatermarkReader, tuple[int, int]] = {}  # with the counters that did not move

    async def __call__(self) -> None:
        """Wait until everything that was promised before this call is in the index, or for as long as may be waited."""
        if self._store is None:
            return
        behind = await asyncio.to_thread(self._behind)
        if not behind:
            return
        try:
            async with asyncio.timeout(self._longest):
                for reader, promised in behind:
                    # A new writer counts from the beginning.
                    while reader.noted < promised <= reader.promised:  # noqa: ASYNC110  # another process cannot set an event
                        await asyncio.sleep(_STEP)
        except TimeoutError:
            log.warning("the index lags behind what was acknowledged by more than %s s", self._longest)
            self._given_up |= {reader: (reader.noted, reader.promised) for reader, _ in behind}

    def _behind(self) -> list[tuple[WatermarkReader, int]]:
        """Writers with something on its way, and how far they must come."""
        try:
            paths = self._store.watermarks() if self._store else []
            for path in paths:
                if path not in self._readers:
                    self._readers[path] = WatermarkReader(path)
        except (StorageError, OSError, ValueError) as error:  # ValueError: a watermark that is being made is still empty
            log.warning("looking for what is on its way: %s", error)
        found = [(reader, reader.noted, reader.promised) for reader in self._readers.values()]
        return [
            (reader, promised) for reader, noted, promised in found if noted < promised and self._given_up.get(reader) != (noted, promised)
        ]

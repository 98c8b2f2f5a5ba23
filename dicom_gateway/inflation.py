"""Deflated data sets (PS3.5 A.5) piece by piece: what comes out is counted before it is kept, and never stands in memory whole.

One call of `zlib` that gives out hundreds of megabytes joins and frees them while it holds the interpreter's lock: nothing else
of the process goes on meanwhile. Pieces of `PIECE` bytes let everybody go on.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from dicom_gateway.errors import UnreadableDICOM

MAX_INFLATED: Final = 1 << 30
"""Bytes of a deflated data set; what grows past this is hostile (practice)."""
ANY_RATIO: Final = 64 << 20
"""Bytes up to which a data set may be deflated as far as the method goes: a black image is, by a thousand times (practice)."""
MAX_RATIO: Final = 200
"""Times that a larger one may grow. Deflate reaches 1,032 (zlib's technical details), CT and MR two to ten, masks fifty (practice)."""
MAX_WHOLE: Final = 256 << 20
"""Bytes of a deflated data set that is read whole: to be transcoded or de-identified, or as one value (practice)."""
PIECE: Final = 256 << 10
_TAKEN: Final = 16 << 10  # deflated bytes that are given to zlib at once: what it did not use it copies

INFLATING = ThreadPoolExecutor(2, thread_name_prefix="inflate")
"""Where deflated data sets are read: so many at once, and nobody who waits for another thread waits behind them."""


class Inflation:
    """Inflates what it is fed. Raises `UnreadableDICOM` for damage and for what grows too far; `offset` is where the data set begins."""

    def __init__(self, offset: int, most: int = MAX_INFLATED) -> None:
        self.size = 0
        self._machine = zlib.decompressobj(-zlib.MAX_WBITS)
        self._offset, self._most, self._taken = offset, most, 0

    def feed(self, deflated: bytes | memoryview) -> Iterator[bytes]:
        """What comes out of the next bytes, in pieces of at most `PIECE`."""
        for start in range(0, len(deflated), _TAKEN):
            if self.has_ended():
                return
            part: bytes | memoryview = deflated[start : start + _TAKEN]
            self._taken += len(part)
            while part:
                try:
                    piece = self._machine.decompress(part, PIECE)
                except zlib.error as error:
                    raise UnreadableDICOM(self._offset, f"the deflated data set is damaged: {error}") from None
                self.size += len(piece)
                self._check()
                if piece:
                    yield piece
                if self.has_ended():  # what follows is padding
                    return
                part = self._machine.unconsumed_tail

    def has_ended(self) -> bool:
        """True if the end has come; what follows is passed over."""
        return self._machine.eof

    def finish(self) -> None:
        """Raises `UnreadableDICOM` where the end is not there."""
        if not self.has_ended():
            raise UnreadableDICOM(self._offset, "the deflated data set is cut off")

    def _check(self) -> None:
        if self.size > self._most:
            raise UnreadableDICOM(self._offset, f"inflates to more than {self._most} bytes: send it without deflating")
        if self.size > ANY_RATIO and self.size > MAX_RATIO * self._taken:
            raise UnreadableDICOM(self._offset, f"inflates to more than {MAX_RATIO} times its size: send it without deflating")


def inflated_pieces(deflated: memoryview, offset: int, most: int = MAX_INFLATED) -> Iterator[bytes]:
    """The data set in pieces, to its end. Raises `UnreadableDICOM`."""
    machine = Inflation(offset, most)
    yield from machine.feed(deflated)
    machine.finish()


def inflate(deflated: memoryview, offset: int, most: int = MAX_WHOLE) -> bytes:
    """The whole data set. Raises `UnreadableDICOM`, also where it has more than `most` bytes."""
    return b"".join(inflated_pieces(deflated, offset, most))

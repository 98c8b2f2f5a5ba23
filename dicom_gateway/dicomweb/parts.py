"""Multipart bodies that come in, with a bound on everything that is counted by lines: parts, their headers, what stands before them.

A reader of parts works line by line. Two hundred thousand empty parts in eleven megabytes, or as many lines in front of the
first, would keep the event loop for a minute: what passes the bound ends the reading at once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final, cast

from aiohttp import BodyPartReader, MultipartReader, StreamReader, web
from aiohttp.hdrs import CONTENT_LENGTH
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict, CIMultiDictProxy

LINES_OF_A_PART: Final = 16
"""Its boundary, its headers (three as a rule), the empty line, the line end (RFC 2046 5.1), and room for as many again."""
_PREAMBLE: Final = 64


class TooManyParts(Exception):
    """More parts than are taken; `most` says how many."""

    def __init__(self, most: int) -> None:
        super().__init__(f"more than {most} parts")
        self.most = most

    def __reduce__(self) -> tuple[type[TooManyParts], tuple[int]]:
        return type(self), (self.most,)


class DamagedParts(Exception):
    """The body is not the multipart content that it should be; the message says what is wrong."""


class Parts:
    """The parts of a request one after the other, each read before the next is asked for; at most `most` of them."""

    def __init__(self, request: web.Request, most: int) -> None:
        """Raises `DamagedParts` where the Content-Type names no boundary."""
        lines = _FewLines(request.content, most * LINES_OF_A_PART + _PREAMBLE, most)
        try:
            self._reader = _PartsReader(request.headers, cast(StreamReader, lines))
        except (ValueError, AssertionError, KeyError):
            raise DamagedParts("the Content-Type names no boundary") from None
        self._most, self._count = most, 0

    async def next(self) -> BodyPartReader | None:
        """The next part, None at the end. Raises `TooManyParts`, and `DamagedParts` for nested parts too."""
        try:
            part = await self._reader.next()
        except (ValueError, AssertionError, HttpProcessingError) as error:
            raise _damaged(error) from None
        if part is None:
            return None
        self._count += 1
        if self._count > self._most:
            raise TooManyParts(self._most)
        if not isinstance(part, BodyPartReader):
            raise DamagedParts("parts inside of parts are not taken")
        return part


async def pieces_of_part(part: BodyPartReader, size: int) -> AsyncIterator[bytes]:
    """The content of a part as it arrives. Raises `DamagedParts`."""
    while True:
        try:
            piece = await part.read_chunk(size)
        except (ValueError, AssertionError, HttpProcessingError) as error:
            raise _damaged(error) from None
        if not piece:
            return
        yield bytes(piece)


def _damaged(error: Exception) -> DamagedParts:
    said = error.message if isinstance(error, HttpProcessingError) else str(error)
    return DamagedParts(f"the multipart body is damaged: {' '.join(said.split())}")


class _Part(BodyPartReader):
    """A part that ends where the boundary is, whatever a Content-Length in it says (RFC 2046 5.1)."""

    def __init__(self, boundary: bytes, headers: CIMultiDictProxy[str], content: StreamReader, **options: Any) -> None:
        kept = CIMultiDict(headers)
        kept.popall(CONTENT_LENGTH, None)
        super().__init__(boundary, CIMultiDictProxy(kept), content, **options)


class _PartsReader(MultipartReader):
    part_reader_cls = _Part


class _FewLines:
    """A stream that gives out a number of lines, and bytes as ever."""

    def __init__(self, stream: StreamReader, lines: int, parts: int) -> None:
        self._stream, self._lines, self._parts = stream, lines, parts

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    async def readline(self, *, max_line_length: int | None = None) -> bytes:
        self._lines -= 1
        if self._lines < 0:
            raise TooManyParts(self._parts)
        return await self._stream.readline(max_line_length=max_line_length)

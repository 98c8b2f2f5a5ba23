"""Bytes that arrive in pieces, gathered where they can be scanned and hashed: memory while small, a file when not."""

from __future__ import annotations

import asyncio
import mmap
import tempfile
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from typing import IO

IN_MEMORY = 8 << 20  # bytes
PIECE = 1 << 20


class TooLarge(Exception):
    """The object passes the limit; the message says which."""


@asynccontextmanager
async def gathered(content: bytes | AsyncIterable[bytes], limit: int) -> AsyncIterator[bytes | memoryview]:
    """The whole of `content` as one buffer, valid inside the context. Raises `TooLarge` past `limit` bytes."""
    if isinstance(content, bytes):
        if len(content) > limit:
            raise TooLarge(f"larger than the limit of {limit} bytes")
        yield content
        return
    pieces: list[bytes] = []
    size = 0
    file: IO[bytes] | None = None
    try:
        async for piece in content:
            size += len(piece)
            if size > limit:
                raise TooLarge(f"larger than the limit of {limit} bytes")
            pieces.append(piece)
            if size > IN_MEMORY:
                if file is None:
                    file = await asyncio.to_thread(tempfile.TemporaryFile)
                await asyncio.to_thread(file.write, b"".join(pieces))
                pieces.clear()
        if file is None:
            yield b"".join(pieces)
            return
        await asyncio.to_thread(file.write, b"".join(pieces))
        await asyncio.to_thread(file.flush)
        # Not closed by hand: a traceback may still hold a slice of it, and the last one to go unmaps it anyway.
        yield memoryview(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ))
    finally:
        if file is not None:
            await asyncio.to_thread(file.close)


async def pieces_of(buffer: memoryview) -> AsyncIterator[bytes]:
    """`buffer` in pieces; each is read in a thread, since a mapped page may have to come from the disk."""
    for start in range(0, len(buffer), PIECE):
        yield await asyncio.to_thread(bytes, buffer[start : start + PIECE])

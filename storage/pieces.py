"""Cutting and joining a flow of bytes, so that one hop to a thread moves a worthwhile amount."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterator

PIECE = 1024 * 1024  # bytes; one hop to a thread costs about as much as writing 100 KB


async def joined(source: AsyncIterable[bytes], size: int = PIECE) -> AsyncIterator[bytes]:
    """The bytes of `source` in pieces of at least `size` bytes (the last may be shorter).

    At most `size` bytes plus one chunk of the source are held; the next chunk is asked for only after the piece
    before it was taken, so a slow store slows its source.
    """
    held: list[bytes] = []
    amount = 0
    async for chunk in source:
        held.append(chunk)
        amount += len(chunk)
        if amount >= size:
            yield held[0] if len(held) == 1 else b"".join(held)
            held, amount = [], 0
    if amount:
        yield b"".join(held)


def cut(content: bytes, size: int) -> Iterator[bytes]:
    """`content` in pieces of at most `size` bytes."""
    if len(content) <= size:
        if content:
            yield content
        return
    view = memoryview(content)
    for begin in range(0, len(content), size):
        yield bytes(view[begin : begin + size])

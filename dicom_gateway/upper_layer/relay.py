"""A connection whose TLS ends here, passed on in the clear through a pair of sockets to whoever serves it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast


class _Side(asyncio.Protocol):
    """One end: what comes goes out at the other; a slow reader there holds the sender here."""

    def __init__(self, transport: asyncio.Transport | None = None) -> None:
        self.transport = transport
        self.other: _Side | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)

    def pause_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()


async def relay(outer: asyncio.Transport, sent: bytes, serve: Callable[[socket.socket], None]) -> None:
    """Give `serve` a socket on which it finds `sent` and what follows on `outer`. Returns at once."""
    outer.pause_reading()
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    _, inner = await asyncio.get_running_loop().create_connection(_Side, sock=ours)
    side = _Side(outer)
    side.other, inner.other = inner, side
    outer.set_protocol(side)
    cast(asyncio.Transport, inner.transport).write(sent)
    serve(theirs)
    outer.resume_reading()

"""A TCP proxy on loopback that breaks connections off, as bad lines do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class CuttingProxy:
    """Passes bytes between clients and `target` (`host:port`), and cuts a connection in the middle of them.

    `cuts` connections are cut after `up` bytes from the client or `down` bytes from the server; later ones are not.
    """

    def __init__(self, target: str) -> None:
        self._host, _, port = target.rpartition(":")
        self._port = int(port)
        self.endpoint = ""
        self.cuts = 0
        self.up: int | None = None
        self.down: int | None = None
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client."""
        self.connections += 1
        cutting = self.cuts > 0
        server_reader, server_writer = await asyncio.open_connection(self._host, self._port)
        ways = [
            asyncio.create_task(_copy(reader, server_writer, self.up if cutting else None)),
            asyncio.create_task(_copy(server_reader, writer, self.down if cutting else None)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            if cutting and any(way.done() and way.result() for way in ways):
                self.cuts -= 1
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in (writer, server_writer):
                end.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int | None) -> bool:
    """Copy until the end or the limit; whether it was the limit."""
    copied = 0
    with suppress(ConnectionError):
        while content := await reader.read(64 * 1024):
            if limit is not None and copied + len(content) > limit:
                writer.write(content[: limit - copied])
                await writer.drain()
                return True
            writer.write(content)
            await writer.drain()
            copied += len(content)
    return False


@asynccontextmanager
async def cutting_proxy(target: str) -> AsyncIterator[CuttingProxy]:
    """A proxy before `target` until the block ends."""
    proxy = CuttingProxy(target)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    proxy.endpoint = f"{host}:{port}"
    try:
        yield proxy
    finally:
        server.close()

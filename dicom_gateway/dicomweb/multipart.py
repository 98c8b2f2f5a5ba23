"""multipart/related answers (RFC 2387) that are written while they are read."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

from aiohttp import web


class MultipartAnswer:
    """A streamed answer; `start`, then `part` for each part, then `finish`."""

    def __init__(self, kind: str, headers: dict[str, str] | None = None) -> None:
        self._boundary = f"part-{secrets.token_hex(12)}"
        self.response = web.StreamResponse(headers=headers)
        self.response.headers["Content-Type"] = f'multipart/related; type="{kind}"; boundary={self._boundary}'

    async def start(self, request: web.Request) -> None:
        """Send the headers."""
        await self.response.prepare(request)

    async def part(self, content_type: str, content: bytes | AsyncIterator[bytes], *, location: str = "") -> None:
        """Send one part; `location` is the address of its content."""
        where = f"Content-Location: {location}\r\n" if location else ""
        await self.response.write(f"--{self._boundary}\r\nContent-Type: {content_type}\r\n{where}\r\n".encode())
        if isinstance(content, bytes):
            await self.response.write(content)
        else:
            async for piece in content:
                await self.response.write(piece)
        await self.response.write(b"\r\n")

    async def finish(self) -> web.StreamResponse:
        """Close the answer."""
        await self.response.write(f"--{self._boundary}--\r\n".encode())
        await self.response.write_eof()
        return self.response

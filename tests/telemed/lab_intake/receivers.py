"""Members' listening systems in tests: they keep what comes, and answer as they are told."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from tests.telemed.lab_intake.senders import END, START

Answering = Callable[[int, bytes], bytes | None]
"""By how many came before it, and the message's own control id: the code of the answer and the id in it; None says nothing."""


def acknowledge(_: int, control: bytes) -> bytes | None:
    return b"AA|" + control


class Receiver:
    """Listens until closed. `got` has every message, `lines` counts connections."""

    def __init__(self, answering: Answering = acknowledge) -> None:
        self.answering = answering
        self.got: list[bytes] = []
        self.lines = 0
        self._server: asyncio.Server | None = None

    async def listen(self, port: int = 0, tls: ssl.SSLContext | None = None) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, ssl=tls)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()

    @property
    def control_ids(self) -> list[bytes]:
        return [message.split(b"|")[9] for message in self.got]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lines += 1
        try:
            while True:
                frame = (await reader.readuntil(END)).removesuffix(END).removeprefix(START)
                control = frame.split(b"|")[9]
                said = self.answering(len(self.got), control)
                self.got.append(frame)
                if said is not None:
                    head = b"MSH|^~\\&|LIS|CLINIC1|TELEMED|MAIN|20261118||ACK|A1|P|2.5.1\r"
                    writer.write(START + head + b"MSA|" + said + b"\r" + END)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

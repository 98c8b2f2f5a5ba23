"""How instances come in: the receiver, and behind it the journal or the intake, on the loop that opened them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Self

from dicom_gateway.intake import Intake, Received, Source
from dicom_gateway.journal import Journal
from dicom_gateway.loop_thread import on
from dicom_gateway.upper_layer.receiver import Receiver


class WayIn:
    """Made by `open`. `home` is the loop of the intake."""

    def __init__(self, intake: Intake, journal: Journal | None, home: asyncio.AbstractEventLoop) -> None:
        self._intake = intake
        self._journal = journal
        self._home = home
        self._receiver: Receiver | None = None

    @classmethod
    async def open(cls, intake: Intake, home: asyncio.AbstractEventLoop) -> Self:
        """Enter what a crash left behind, then be ready. Raises `StorageError`, `OSError` or `SQLAlchemyError`."""
        return cls(intake, await Journal.open(intake, home), home)

    def store(self, content: bytearray, owner: str, source: Source, digest: bytes = b"") -> asyncio.Future[Received]:
        """Keep one file. Where there is no journal the answer waits for store and index."""
        if self._journal is not None:
            return self._journal.receive(content, owner, source, digest)
        return on(self._home, self._intake.receive(bytes(content), owner, source))

    async def keep(self, content: bytearray, owner: str, source: Source) -> Received:
        """Keep one file that came another way; it is durable then."""
        return await self.store(content, owner, source)

    async def listen(self, make: Callable[[], Receiver], host: str, port: int, *, shared: bool) -> int:
        """Open the port with a receiver that is made here; the real port where 0 was asked for. Raises `OSError`."""
        receiver = make()
        receiver.listen(host, port, shared=shared)
        self._receiver = receiver
        return receiver.port

    async def stop_listening(self) -> None:
        """Let nobody in any more, and end what is open."""
        if self._receiver is not None:
            await self._receiver.close()

    async def close(self) -> None:
        """Behind `stop_listening`: what was answered is in the index then, if that can be written."""
        journal, self._journal = self._journal, None
        if journal is not None:
            await journal.close()

"""The storage SCP: a receiver, and behind it the write-ahead log or the intake, on an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import ssl
from typing import Self

from dicom_gateway.intake import Intake, Received, Source
from dicom_gateway.loop_thread import LoopThread, on
from dicom_gateway.policy import Policy
from dicom_gateway.upper_layer.limits import Limits
from dicom_gateway.upper_layer.receiver import Handoff, Receiver
from dicom_gateway.wal import WriteAheadLog


class StorageService:
    """Made by `open`; its methods are for the loop that made it, which is that of intake and policy."""

    def __init__(self, intake: Intake, wal: WriteAheadLog | None, receiving: LoopThread) -> None:
        self._intake = intake
        self._wal = wal
        self._receiving = receiving
        self._home = asyncio.get_running_loop()
        self._receiver: Receiver | None = None

    @classmethod
    async def open(cls, intake: Intake) -> Self:
        """Enter in the index what a crash left behind, then be ready. Raises `StorageError`, `OSError` or `SQLAlchemyError`."""
        receiving = LoopThread("dicom-receive")
        try:
            wal = await receiving.run(WriteAheadLog.open(intake, asyncio.get_running_loop()))
        except BaseException:
            await receiving.close()
            raise
        return cls(intake, wal, receiving)

    async def listen(
        self,
        host: str,
        port: int,
        policy: Policy,
        handoff: Handoff,
        handed_off: frozenset[str],
        limits: Limits,
        tls: ssl.SSLContext | None,
        *,
        shared: bool,
    ) -> int:
        """Open the port and return it: the real one where 0 was asked for. Associations that ask for one of the SOP classes
        `handed_off` go to `handoff`. Raises `OSError`."""

        async def begin() -> Receiver:  # on the loop that it listens on
            receiver = Receiver(self._intake, self._store, policy, handoff, handed_off, limits, tls, self._home)
            receiver.listen(host, port, shared=shared)
            return receiver

        self._receiver = await self._receiving.run(begin())
        return self._receiver.port

    async def keep(self, content: bytearray, owner: str, source: Source) -> Received:
        """Keep one file that came on an association which was handed off. It is durable when this returns."""

        async def kept() -> Received:
            return await self._store(content, owner, source)

        return await self._receiving.run(kept())

    async def stop_listening(self) -> None:
        """Accept no more associations, and end those that are open."""
        if self._receiver is not None:
            await self._receiving.run(self._receiver.close())

    async def close(self) -> None:
        """To be called after `stop_listening`. Everything that was answered is in the index then, if that can be written."""
        wal, self._wal = self._wal, None
        if wal is not None:
            await self._receiving.run(wal.close())
        await self._receiving.close()

    def _store(self, content: bytearray, owner: str, source: Source, digest: bytes = b"") -> asyncio.Future[Received]:
        """Keep one file; called on the loop of the receiver. Without a write-ahead log the answer waits for store and index."""
        if self._wal is not None:
            return self._wal.receive(content, owner, source, digest)
        return on(self._home, self._intake.receive(bytes(content), owner, source))

"""The HL7 listener: blocks out of connections, answers in order, back-pressure, and an end to silent ones."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import deque
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Protocol, cast

import structlog
from prometheus_client import Counter, Gauge

from lab.errors import SEGMENT_SEQUENCE
from lab.mllp import NO_END, TOO_LARGE, Block, Decoder, encode
from telemed.centres.lab.intake import Caller, Fault

log = structlog.get_logger()

MAX_WAITING: Final = 64
"""Messages of one connection that wait for their answer; then reading pauses."""

MAX_CONNECTIONS: Final = 4096

taken = Counter("telemed_hl7_messages_total", "HL7 messages answered", ["code"])
open_connections = Gauge("telemed_hl7_connections", "HL7 connections that are open")

FAULTS: Final = {
    NO_END: Fault(SEGMENT_SEQUENCE, "the message has no end: another began in it"),
    TOO_LARGE: Fault(SEGMENT_SEQUENCE, "the message is larger than is taken here (TELEMED_MLLP_LARGEST)", rejected=True),
}


class Taking(Protocol):
    """Takes the messages of one block and returns their answers; raises nothing."""

    async def take(self, content: bytes, caller: Caller, fault: Fault | None = None) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connection may ask for: bytes of a message, seconds of silence."""

    largest: int
    idle: float


class Connection(asyncio.Protocol):
    """One connection. Blocks are taken one after the other, so that answers come in order."""

    def __init__(self, intake: Taking, limits: Limits, living: set[Connection]) -> None:
        self._intake, self._limits, self._living = intake, limits, living
        self._decoder = Decoder(limits.largest)
        self._waiting: deque[Block] = deque()
        self._paused = self._full = False
        self._drained = asyncio.Event()
        self._drained.set()
        self._worker: asyncio.Task[None] | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._heard = 0.0
        self._caller = Caller("")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if len(self._living) >= MAX_CONNECTIONS:
            self._transport.abort()
            return
        self._living.add(self)
        open_connections.set(len(self._living))
        peer = transport.get_extra_info("peername") or ("",)
        shown = transport.get_extra_info("ssl_object")
        certificate = shown.getpeercert(binary_form=True) if shown is not None else None
        self._caller = Caller(str(peer[0]), sha256(certificate).hexdigest() if certificate else "")
        self._loop = asyncio.get_running_loop()
        self._heard = self._loop.time()
        self._idle = self._loop.call_later(self._limits.idle, self._look_at_the_clock)

    def data_received(self, data: bytes) -> None:
        self._heard = self._loop.time()
        for block in self._decoder.feed(data):
            self._waiting.append(block)
        if self._waiting and (self._worker is None or self._worker.done()):
            self._worker = self._loop.create_task(self._work())
        if len(self._waiting) >= MAX_WAITING and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        self._drained.clear()

    def resume_writing(self) -> None:
        self._drained.set()

    def eof_received(self) -> bool:
        """A sender that closes its half hears the answers that are still due."""
        for block in self._decoder.finish():
            if not block.fault:
                self._waiting.append(block)
        if self._waiting and (self._worker is None or self._worker.done()):
            self._worker = self._loop.create_task(self._work())
        if self._worker is not None and not self._worker.done():
            self._worker.add_done_callback(lambda _: self._transport.close())
            return True
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._living.discard(self)
        open_connections.set(len(self._living))
        self._drained.set()
        if self._idle is not None:
            self._idle.cancel()

    async def closed(self) -> None:
        """Finish what was received, then close."""
        with contextlib.suppress(asyncio.CancelledError):
            if self._worker is not None:
                await self._worker
        self._transport.close()

    async def _work(self) -> None:
        while self._waiting:
            block = self._waiting.popleft()
            try:
                answer = await self._intake.take(block.content, self._caller, FAULTS.get(block.fault))
            except Exception:  # a fault of ours: nothing is acknowledged, and the sender does not wait for ever
                log.exception("hl7.not_taken", address=self._caller.address)
                self._transport.close()
                return
            if self._transport.is_closing():
                return  # nobody is there to hear it; whoever sends it again has this answer
            if answer:  # who asked for none hears nothing
                self._transport.write(encode(answer))
            taken.labels(_code(answer)).inc()
            await self._drained.wait()
            if self._decoder.broken and not self._waiting:
                log.warning("hl7.too_large", address=self._caller.address, largest=self._limits.largest)
                self._transport.close()
            if self._paused and len(self._waiting) < MAX_WAITING // 2:
                self._paused = False
                if not self._transport.is_closing():
                    self._transport.resume_reading()

    def _look_at_the_clock(self) -> None:
        left = self._heard + self._limits.idle - self._loop.time()
        busy = self._worker is not None and not self._worker.done()
        if left > 0 or busy:
            self._idle = self._loop.call_later(max(left, 1.0), self._look_at_the_clock)
            return
        if self._decoder.waiting:
            log.warning("hl7.no_end", address=self._caller.address, waiting=self._decoder.waiting)
        self._transport.close()


def _code(answer: bytes) -> str:
    place = answer.find(b"\rMSA")
    return answer[place + 5 : place + 7].decode("ascii", "replace") if place >= 0 else ""


class MllpServer:
    """Listens for HL7 v2 over MLLP."""

    def __init__(self, intake: Taking, limits: Limits) -> None:
        self._intake, self._limits = intake, limits
        self._living: set[Connection] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None, *, shared: bool = False) -> None:
        """Begin; `shared` with other processes. Raises OSError where the port cannot be had."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self._intake, self._limits, self._living), host, port, ssl=tls, reuse_port=shared or None
        )

    @property
    def port(self) -> int:
        """The port that it listens on."""
        if self._server is None:
            raise RuntimeError("it does not listen")
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Take no more connections, answer what was received, and close."""
        if self._server is not None:
            self._server.close()
        await asyncio.gather(*(connection.closed() for connection in list(self._living)))

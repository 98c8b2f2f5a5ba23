"""The ASTM listener (LIS1-A over TCP): frames of analysers, answered one by one; the last is acknowledged when all is durable.

An analyser's transmission names no member. It comes from the address of one: where several may call from there, H-5 says which.
"""

from __future__ import annotations

import asyncio
from typing import Final, cast

import structlog
from prometheus_client import Counter

from lab.astm import ACK, ANSWERS, NAK, Event, Receiver
from lab.errors import LabError
from lab.instruments import profile
from lab.limits import MAX_TRANSMISSION_BYTES
from telemed.adapters.application import SqlApplication
from telemed.centres.lab.adapters.judging import CriticalRules
from telemed.centres.lab.adapters.message_intake import MessageIntake
from telemed.centres.lab.adapters.other_formats import read_transmission
from telemed.centres.lab.intake import Caller

log = structlog.get_logger()

MAX_WAITING: Final = 64
MAX_CONNECTIONS: Final = 1024

transmissions = Counter("telemed_astm_transmissions_total", "ASTM transmissions taken or not", ["outcome"])


class AstmConnection(asyncio.Protocol):
    """One analyser's connection. Events are answered in their order."""

    def __init__(self, application: SqlApplication, intake: MessageIntake, idle: float, living: set[AstmConnection]) -> None:
        self._application, self._intake, self._idle, self._living = application, intake, idle, living
        self._receiver = Receiver()
        self._kept = bytearray()
        self._line = asyncio.Queue[Event](MAX_WAITING)
        self._work: asyncio.Task[None] | None = None
        self._address = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if len(self._living) >= MAX_CONNECTIONS:
            self._transport.abort()
            return
        self._living.add(self)
        self._address = str((transport.get_extra_info("peername") or ("",))[0])
        loop = asyncio.get_running_loop()
        self._work = loop.create_task(self._answer())
        self._timer = loop.call_later(self._idle, self._transport.close)

    def data_received(self, data: bytes) -> None:
        self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(self._idle, self._transport.close)
        for event in self._receiver.feed(data):
            try:
                self._line.put_nowait(event)
            except asyncio.QueueFull:  # an analyser waits for each answer: this is none
                log.warning("astm.flood", address=self._address)
                self._transport.abort()
                return

    def connection_lost(self, error: Exception | None) -> None:
        self._living.discard(self)
        if self._work is not None:
            self._timer.cancel()
            self._work.cancel()

    def close(self) -> None:
        self._transport.close()

    async def _answer(self) -> None:
        try:
            while True:
                event = await self._line.get()
                answer = await self._answer_to(event)
                if answer and not self._transport.is_closing():
                    self._transport.write(ANSWERS[answer])
        except Exception:  # a fault of ours: nothing is acknowledged, and the analyser does not wait for ever
            log.exception("astm.not_taken", address=self._address)
            self._transport.close()

    async def _answer_to(self, event: Event) -> str:
        if event.note:
            log.info("astm.note", address=self._address, note=event.note)
        if event.kind == "enquiry":
            self._kept.clear()
            return ACK if self._members() else NAK
        if event.kind == "end":
            await self._unfinished()
            return ""
        if event.kind != "frame":
            return event.answer
        ended = event.last
        self._kept += event.text + (b"\r" if ended and not event.text.endswith(b"\r") else b"")
        if len(self._kept) > MAX_TRANSMISSION_BYTES:
            self._kept.clear()
            self._transport.close()
            return NAK
        if not (ended and _is_last(bytes(self._kept))):
            return event.answer
        taken = await self._take(bytes(self._kept))
        self._kept.clear()
        return ACK if taken else NAK

    async def _unfinished(self) -> None:
        """A transmission that ends without its terminator: what came is kept all the same."""
        if self._kept:
            await self._take(bytes(self._kept))
            self._kept.clear()

    def _members(self) -> list[str]:
        """Return the institutions that may call from this address."""
        network = self._application.region.network
        found = {
            each.institution
            for each in network.entities.values()
            if network.entity(each.title) is not None and not each.obstacle_to_call(self._address, "")
        }
        return sorted(code for code in found if network.institutions[code].active)

    async def _take(self, records: bytes) -> bool:
        """True where it is durable: taken, or aside for a person."""
        members = self._members()
        if len(members) != 1:
            named = _sender(records)
            members = [each for each in members if each == named]
        if not members:
            log.warning("astm.stranger", address=self._address)
            transmissions.labels("refused").inc()
            return False
        application = self._application
        zone = application.region.network.zone
        rules = CriticalRules.of(application.region.settings)
        message = await asyncio.to_thread(read_transmission, records, members[0], application.now().astimezone(zone), zone, rules)
        (reason,) = await self._intake.outcomes([message], Caller(self._address, member=members[0]))
        transmissions.labels("not stored" if reason is None else "aside" if reason else "taken").inc()
        return reason is not None


def _is_last(records: bytes) -> bool:
    """True where the terminator (L) has come."""
    return records.rstrip(b"\r\n").rpartition(b"\r")[2].lstrip(b"\n")[:2].upper().startswith(b"L")


def _sender(records: bytes) -> str:
    """Return H-5 up to its first component; empty where it cannot be read."""
    try:
        head = records.split(b"\r", 1)[0].decode(profile().codec)
        return head.split(head[1])[4].split(head[3])[0].strip()
    except (LabError, UnicodeDecodeError, IndexError):
        return ""


class AstmServer:
    """Listens for analysers."""

    def __init__(self, application: SqlApplication, intake: MessageIntake, idle: float) -> None:
        self._application, self._intake, self._idle = application, intake, idle
        self._living: set[AstmConnection] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int, *, shared: bool = False) -> int:
        """Begin; returns the port. Raises OSError where it cannot be had."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: AstmConnection(self._application, self._intake, self._idle, self._living), host, port, reuse_port=shared or None
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Take no more connections, and close those that are open; what was not acknowledged is sent again."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._living):
            connection.close()

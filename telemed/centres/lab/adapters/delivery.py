"""Messages sent to members' systems over MLLP, each until its own acknowledgement comes."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog

from dicom_gateway.upper_layer.addresses import MayCall, addresses_of, anywhere
from lab import hl7
from lab.errors import LabError
from lab.mllp import Decoder, encode
from telemed.adapters.application import SqlApplication
from telemed.centres.lab.ways_out import OUTCOMES, Connection, Delivery, WaysOut, begin_sending, end_sending, settle

log = structlog.get_logger()

LARGEST_ANSWER: Final = 1 << 20
PIECE: Final = 64 << 10


class NotDelivered(Exception):
    """The message has no answer of its own; it is sent again later. The message says why."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """MSA-1 of the answer to a message, and what MSA-3 and ERR say to a person."""

    code: str
    said: str


def acknowledgement_in(content: bytes, control_id: str) -> Acknowledgement | None:
    """Return the acknowledgement of the message with this control id; None where these bytes are something else, such as a late answer."""
    try:
        message = hl7.parse(content)
        code, answered = (message.text("MSA-1") or "").strip().upper(), (message.text("MSA-2") or "").strip()
        words = [message.text("MSA-3"), *(segment.text(8) for segment in message.segments("ERR"))]
    except LabError:
        return None
    if answered != control_id or code not in OUTCOMES:
        return None
    return Acknowledgement(code, "; ".join(dict.fromkeys(word for word in words if word)))


class Line:
    """One open connection to a member's system."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer_seconds: float) -> None:
        self._reader, self._writer, self._answer_seconds = reader, writer, answer_seconds
        self._decoder = Decoder(LARGEST_ANSWER)

    @classmethod
    async def to(cls, connection: Connection, answer_seconds: float, may_call: MayCall = anywhere) -> Line:
        """Raises NotDelivered where nobody is there, the system lies outside of what may be called, or it shows a certificate that is not
        trusted."""
        host, port = connection.host, connection.port
        secured: dict[str, Any] = {"ssl": _context(connection), "server_hostname": host} if connection.tls else {}
        try:
            async with asyncio.timeout(answer_seconds):
                address = (await asyncio.to_thread(addresses_of, host, port, may_call))[0]
                reader, writer = await asyncio.open_connection(address, port, **secured)
        except TimeoutError:
            raise NotDelivered(f"{connection.host}:{connection.port} does not answer") from None
        except (OSError, ssl.SSLError, ValueError) as error:
            raise NotDelivered(f"{connection.host}:{connection.port} cannot be reached: {error}") from None
        return cls(reader, writer, answer_seconds)

    async def tell(self, delivery: Delivery) -> Acknowledgement:
        """Send one message and wait for its answer; other answers are not it. Raises NotDelivered."""
        try:
            async with asyncio.timeout(self._answer_seconds):
                self._writer.write(encode(delivery.body))
                await self._writer.drain()
                return await self._answer_to(delivery.control_id)
        except TimeoutError:
            raise NotDelivered(f"no answer to {delivery.control_id} within {self._answer_seconds:g} seconds") from None
        except OSError as error:
            raise NotDelivered(f"the connection broke: {error}") from None

    async def _answer_to(self, control_id: str) -> Acknowledgement:
        while data := await self._reader.read(PIECE):
            for block in self._decoder.feed(data):
                found = acknowledgement_in(block.content, control_id)
                if found is not None:
                    return found
                log.info("lab.another_answer", waiting_for=control_id, bytes=len(block.content))
        raise NotDelivered(f"the connection was closed before the answer to {control_id}")

    async def close(self) -> None:
        """A late answer must not be taken for that of the next message: the socket goes, the next try has a new one."""
        self._writer.close()
        with contextlib.suppress(OSError, ssl.SSLError):
            await self._writer.wait_closed()


def _context(connection: Connection) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=connection.authority or None)


class Deliveries:
    """Carries out `lab-send`: what waits on one connection, in order."""

    def __init__(self, application: SqlApplication, answer_seconds: float) -> None:
        self._application, self._answer_seconds = application, answer_seconds

    def _may_call(self, address: str) -> bool:
        return self._application.region.network.device_networks.hold(address)

    async def __call__(self, payload: Mapping[str, Any]) -> None:
        """The payload is `{"connection"}`."""
        async with self._application.writing() as work:
            connection = await begin_sending(work, payload["connection"])
            delivery = await work.repository(WaysOut).first(payload["connection"]) if connection else None
        if connection is None:
            return
        line: Line | None = None
        error, tried = "", ""
        try:
            while delivery is not None:
                tried = delivery.id
                line = line or await Line.to(connection, self._answer_seconds, self._may_call)
                answer = await line.tell(delivery)
                async with self._application.writing() as work:
                    delivery, tried = await settle(work, delivery.id, answer.code, answer.said), ""
        except NotDelivered as reason:
            error = str(reason)
            log.warning("lab.not_delivered", member=connection.member, reason=error)
        finally:
            if line is not None:
                await line.close()
        async with self._application.writing() as work:
            await end_sending(work, connection.id, error, tried if error else "")

"""A peer at the level of PDUs: it sends whatever a test wants, whole or in pieces."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from contextlib import asynccontextmanager
from io import BytesIO
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom.dsutils import decode

from dicom_gateway.upper_layer.commands import C_ECHO_RQ, C_STORE_RQ, data_pdu, encode_request
from dicom_gateway.upper_layer.pdu import (
    HEAD,
    AssociateAccept,
    AssociateRequest,
    PDUType,
    ProposedContext,
    UserInformation,
    decode_accept,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

VERIFICATION = "1.2.840.10008.1.1"
LITTLE_ENDIAN = str(ExplicitVRLittleEndian)
CONTEXTS = (ProposedContext(1, str(CTImageStorage), (LITTLE_ENDIAN,)), ProposedContext(3, VERIFICATION, (LITTLE_ENDIAN,)))
CT, ECHO = 1, 3
"""Presentation context IDs of `CONTEXTS`."""


def request(calling: str = "CLINIC1", called: str = "TELEMED", contexts: Sequence[ProposedContext] = CONTEXTS) -> AssociateRequest:
    return AssociateRequest(called, calling, tuple(contexts), UserInformation(16384, "1.2.3"))


class Peer:
    """One connection; made by `connected`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, content: bytes) -> None:
        self.writer.write(content)
        await self.writer.drain()

    async def pdu(self) -> tuple[int, bytes]:
        """Type and body of the next PDU. Raises `IncompleteReadError` at the end of the connection."""
        async with asyncio.timeout(30):
            kind, length = HEAD.unpack(await self.reader.readexactly(HEAD.size))
            return kind, await self.reader.readexactly(length)

    async def ended(self) -> bool:
        """Whether nothing more comes."""
        async with asyncio.timeout(30):
            try:
                return await self.reader.read(1) == b""
            except ConnectionResetError:
                return True

    async def associate(self, calling: str = "CLINIC1", contexts: Sequence[ProposedContext] = CONTEXTS) -> AssociateAccept:
        await self.send(request(calling, contexts=contexts).encode())
        kind, body = await self.pdu()
        assert kind == PDUType.ASSOCIATE_AC
        return decode_accept(body)

    async def response(self) -> Dataset:
        """The command set of the next response."""
        kind, body = await self.pdu()
        assert kind == PDUType.P_DATA_TF, body
        command: Dataset = decode(BytesIO(body[6:]), True, True)
        return command

    async def echo(self) -> Dataset:
        await self.send(encode_request(ECHO, C_ECHO_RQ, 7, VERIFICATION))
        return await self.response()

    async def store(self, data_set: Dataset, *, fragment: int = 4096) -> Dataset:
        await self.send(store_request(data_set, fragment=fragment))
        return await self.response()

    async def aborted(self) -> tuple[int, int]:
        """Source and reason of the A-ABORT that comes next, and with it the end."""
        kind, body = await self.pdu()
        assert kind == PDUType.ABORT, (kind, body)
        return body[2], body[3]


@asynccontextmanager
async def connected(port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    async with asyncio.timeout(30):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname="localhost" if tls else None)
    try:
        yield Peer(reader, writer)
    finally:
        writer.transport.abort()


def encoded(data_set: Dataset) -> bytes:
    """The data set alone, explicit VR little endian."""
    out = BytesIO()
    data_set.save_as(out, enforce_file_format=False, implicit_vr=False, little_endian=True)
    return out.getvalue()


def store_request(
    data_set: Dataset | bytes, *, fragment: int = 4096, context: int = CT, sop_class: str = str(CTImageStorage), instance: str = ""
) -> bytes:
    """All PDUs of a C-STORE request, the data set in fragments of `fragment` bytes."""
    content = data_set if isinstance(data_set, bytes) else encoded(data_set)
    instance = instance or str(data_set.SOPInstanceUID if isinstance(data_set, Dataset) else "1.2.3")
    return encode_request(context, C_STORE_RQ, 5, sop_class, instance, has_data_set=True) + data_pdus(content, fragment, context)


def data_pdus(content: bytes, fragment: int = 4096, context: int = CT) -> bytes:
    pieces = [content[begin : begin + fragment] for begin in range(0, len(content), fragment)] or [b""]
    return b"".join(data_pdu(context, piece, last=number == len(pieces)) for number, piece in enumerate(pieces, 1))

"""Storage and verification as their user: one association that sends stored objects as they lie in the store, byte for byte.

Used by C-MOVE sub-operations, by pushes and to try a connection. One operation at a time; a peer that stops answering is left
after `ANSWER_WITHIN`.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dicom_gateway.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from dicom_gateway.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN
from dicom_gateway.upper_layer import pdu
from dicom_gateway.upper_layer.addresses import MayCall, OutsideReach, addresses_of, anywhere
from dicom_gateway.upper_layer.commands import C_ECHO_RQ, C_STORE_RQ, RESPONSE, data_pdu, decode_command, encode_request
from dicom_gateway.upper_layer.negotiation import MAX_PDU, VERIFICATION
from dicom_gateway.upper_layer.pdu import AssociateRequest, MalformedPDU, PDUType, ProposedContext, UserInformation

CONNECT_WITHIN = 15.0  # seconds for the connection and the association
ANSWER_WITHIN = 60.0  # seconds for one object to be answered, and for a piece of it to be taken
RELEASE_WITHIN = 5.0
MAX_CONTEXTS = 128  # of one association (PS3.8 9.3.2.2)
NATIVE = (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN)
_LONGEST = 1 << 20  # bytes of a PDU that a peer may send us
_PIECE = 128 << 10  # bytes of one P-DATA-TF where the peer sets no limit
_LISTEN_FOR = 1.0  # seconds in which an alert about our certificate comes (RFC 8446 4.4.2.4)
_KINDS = frozenset(PDUType)


class Cause(StrEnum):
    """The reason for which no operation with a peer was possible, for callers that word it themselves."""

    UNKNOWN_HOST = "unknown-host"
    OUTSIDE = "outside"
    NOBODY_LISTENS = "nobody-listens"
    NO_WAY = "no-way"
    NO_ANSWER = "no-answer"
    ENDED = "ended"
    NO_DICOM = "no-dicom"
    CALLING_TITLE = "calling-title"
    CALLED_TITLE = "called-title"
    BUSY = "busy"
    REFUSED = "refused"
    SERVICE = "service"
    CERTIFICATE = "certificate"
    OUR_CERTIFICATE = "our-certificate"
    TLS = "tls"
    OTHER = "other"


# Alerts about the certificate that we showed, or did not (RFC 8446 6.2), as OpenSSL names them.
_OF_OUR_CERTIFICATE = re.compile(r"ALERT.*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR)")

# Source and reason of an A-ASSOCIATE-RJ (PS3.8 table 9-21).
_REJECTIONS = {(1, 3): Cause.CALLING_TITLE, (1, 7): Cause.CALLED_TITLE, (3, 1): Cause.BUSY, (3, 2): Cause.BUSY}


class SendingFailed(Exception):
    """The peer cannot be reached, refuses, or stopped answering; the message says which, `cause` to a program."""

    def __init__(self, sentence: str, cause: Cause = Cause.OTHER) -> None:
        super().__init__(sentence)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Peer:
    """Whom we call, and as whom. Of the host's addresses only those are called that `may_call` allows."""

    host: str
    port: int
    called: str
    calling: str
    tls: ssl.SSLContext | None = None
    may_call: MayCall = anywhere


class StorageAssociation:
    """An open association. Made by `open`; after `SendingFailed` it is of no more use."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._contexts: dict[tuple[str, str], int] = {}
        self._longest = _PIECE
        self._message = 0

    @classmethod
    async def open(cls, peer: Peer, kinds: Iterable[tuple[str, str]]) -> StorageAssociation:
        """Associate for objects of these `kinds` (SOP class, transfer syntax). Raises `SendingFailed`."""
        try:
            async with asyncio.timeout(CONNECT_WITHIN):
                reader, writer = await _connected(peer)
                made = cls(reader, writer)
                try:
                    await made._negotiate(peer, proposals(kinds))
                except BaseException:
                    made.abort()
                    raise
                return made
        except TimeoutError:
            raise SendingFailed(f"{peer.called} does not answer at {peer.host}:{peer.port}", Cause.NO_ANSWER) from None
        except (OSError, EOFError, MalformedPDU) as error:
            # A peer that does not want our certificate says so behind the handshake, and may reset what we had sent by then.
            reset = peer.tls is not None and cause_of(error) is Cause.ENDED
            raise (await asyncio.to_thread(why_not, peer) if reset else None) or failure(peer, error) from None

    def takes(self, sop_class: str, transfer_syntax: str) -> str | None:
        """The transfer syntax in which such an object can be sent: its own, else a native one, else None."""
        fits = (syntax for syntax in (transfer_syntax, *NATIVE) if (sop_class, syntax) in self._contexts)
        return next(fits, None)

    async def store(
        self,
        sop_class: str,
        sop_instance: str,
        transfer_syntax: str,
        data_set: bytes | memoryview,
        originator: tuple[str, int] | None = None,
    ) -> int:
        """C-STORE; the status that the peer answers. `originator` is whose C-MOVE this is. Raises `SendingFailed`."""
        context = self._contexts[sop_class, transfer_syntax]
        command = encode_request(context, C_STORE_RQ, self._next(), sop_class, sop_instance, has_data_set=True, originator=originator)
        try:
            async with asyncio.timeout(ANSWER_WITHIN) as patience:
                self._writer.write(command)
                await self._write(context, data_set, patience)
                return await self._answer(C_STORE_RQ)
        except TimeoutError:
            self.abort()
            raise SendingFailed(f"no answer to an object within {ANSWER_WITHIN:g} s") from None
        except (OSError, EOFError, MalformedPDU) as error:
            self.abort()
            raise SendingFailed(f"the association ended: {error}") from None

    async def echo(self) -> int:
        """C-ECHO; the status that the peer answers. Raises `SendingFailed`, also where it did not accept the service."""
        context = next((context for (service, _), context in self._contexts.items() if service == VERIFICATION), None)
        if context is None:
            raise SendingFailed("the peer does not take C-ECHO", Cause.SERVICE)
        try:
            async with asyncio.timeout(CONNECT_WITHIN):
                self._writer.write(encode_request(context, C_ECHO_RQ, self._next(), VERIFICATION))
                return await self._answer(C_ECHO_RQ)
        except TimeoutError:
            raise SendingFailed(f"no answer to C-ECHO within {CONNECT_WITHIN:g} s", Cause.NO_ANSWER) from None
        except (OSError, EOFError, MalformedPDU) as error:
            raise SendingFailed(f"the association ended: {error}", cause_of(error)) from None

    async def release(self) -> None:
        """End it in good order, or by closing the connection where the peer does not agree in time."""
        with contextlib.suppress(OSError, EOFError, TimeoutError, MalformedPDU):
            async with asyncio.timeout(RELEASE_WITHIN):
                self._writer.write(pdu.RELEASE_RQ)
                await self._writer.drain()
                while (await self._read())[0] != PDUType.RELEASE_RP:
                    pass
        self._writer.close()

    def abort(self) -> None:
        """End it now."""
        if not self._writer.is_closing():
            self._writer.write(pdu.abort(pdu.AbortSource.USER))
            self._writer.close()

    def _next(self) -> int:
        """A message ID."""
        self._message = self._message % 0xFFFF + 1
        return self._message

    async def _negotiate(self, peer: Peer, contexts: Sequence[ProposedContext]) -> None:
        connection = self._writer.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        user = UserInformation(MAX_PDU, IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME)
        self._writer.write(AssociateRequest(peer.called, peer.calling, tuple(contexts), user).encode())
        kind, body = await self._read()
        if kind == PDUType.ASSOCIATE_RJ and len(body) >= 4:
            cause = _REJECTIONS.get((body[2], body[3]), Cause.REFUSED)
            raise SendingFailed(f"{peer.called} refuses the association (source {body[2]}, reason {body[3]})", cause)
        if kind != PDUType.ASSOCIATE_AC:
            raise SendingFailed(f"{peer.called} ended the association", Cause.ENDED)
        accepted = pdu.decode_accept(body)
        asked = {context.id: context for context in contexts}
        for answer in accepted.contexts:
            if answer.result == 0 and answer.id in asked:
                self._contexts.setdefault((asked[answer.id].abstract_syntax, answer.transfer_syntax), answer.id)
        self._longest = min(accepted.user.maximum_length or _PIECE, _PIECE)

    async def _write(self, context: int, data_set: bytes | memoryview, patience: asyncio.Timeout) -> None:
        """The data set in pieces; each that the peer takes gives it time for the next."""
        fragment = max(self._longest - 6, 1)
        whole, loop = memoryview(data_set), asyncio.get_running_loop()
        for start in range(0, len(whole), fragment):
            last = start + fragment >= len(whole)
            self._writer.write(data_pdu(context, bytes(whole[start : start + fragment]), last=last))
            await self._writer.drain()
            patience.reschedule(loop.time() + ANSWER_WITHIN)

    async def _answer(self, request: int) -> int:
        """Status of the response that is due to a request of this kind."""
        kind, body = await self._read()
        if kind != PDUType.P_DATA_TF:
            raise MalformedPDU(f"a PDU of type {kind} instead of an answer")
        content = bytearray()
        while True:
            position = 0
            while position + 6 <= len(body):
                length, _, control = struct.unpack_from(">IBB", body, position)
                content += body[position + 6 : position + 4 + length]
                position += 4 + length
                if control & 3 == 3:  # the last fragment of a command
                    return self._status(bytes(content), request)
            kind, body = await self._read()
            if kind != PDUType.P_DATA_TF:
                raise MalformedPDU(f"a PDU of type {kind} inside an answer")

    def _status(self, content: bytes, request: int) -> int:
        command = decode_command(content)
        if command.field != request | RESPONSE or command.status is None:
            raise MalformedPDU("the answer is no response to the request")
        return command.status

    async def _read(self) -> tuple[int, bytes]:
        kind, length = pdu.HEAD.unpack(await self._reader.readexactly(pdu.HEAD.size))
        if length > _LONGEST or kind not in _KINDS:
            raise MalformedPDU(f"no PDU, or one of {length} bytes")
        connection = self._writer.get_extra_info("socket")
        if connection is not None and hasattr(socket, "TCP_QUICKACK"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)  # peers that leave Nagle on wait for it
        return kind, await self._reader.readexactly(length)


def cause_of(error: Exception) -> Cause:
    """Return the cause that an error of the connection stands for."""
    match error:
        case ssl.SSLCertVerificationError():
            return Cause.CERTIFICATE
        case ssl.SSLError():
            return Cause.OUR_CERTIFICATE if _OF_OUR_CERTIFICATE.search(error.reason or "") else Cause.TLS
        case socket.gaierror():
            return Cause.UNKNOWN_HOST
        case OutsideReach():
            return Cause.OUTSIDE
        case ConnectionRefusedError():
            return Cause.NOBODY_LISTENS
        case ConnectionError() | EOFError():
            return Cause.ENDED
        case MalformedPDU():
            return Cause.NO_DICOM
        case OSError():
            return Cause.NO_WAY
    return Cause.OTHER


def failure(peer: Peer, error: Exception) -> SendingFailed:
    """Return the failure to raise where this error kept an association with the peer from being made."""
    cause, where = cause_of(error), f"{peer.called} at {peer.host}:{peer.port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return SendingFailed(f"{where} shows a certificate that is not trusted: {error.verify_message}", cause)
    if cause is Cause.OUR_CERTIFICATE:
        return SendingFailed(f"{where} does not take our certificate, or wants one and we have none", cause)
    if cause is Cause.TLS:
        return SendingFailed(f"{where} does not speak TLS with us: {error}", cause)
    return SendingFailed(f"{where}: {'the connection was ended' if cause is Cause.ENDED else error}", cause)


def why_not(peer: Peer) -> SendingFailed | None:
    """Return why there is no connection with a peer: it is made once more, and listened to. None if nothing
    is wrong with it. Blocks: for a thread."""
    found: SendingFailed | None = None
    try:
        for address in addresses_of(peer.host, peer.port, peer.may_call):
            found = _why_not_at(peer, address)
            if found is None:
                return None
    except OSError as error:
        return failure(peer, error)
    return found


def _why_not_at(peer: Peer, address: str) -> SendingFailed | None:
    try:
        with socket.create_connection((address, peer.port), CONNECT_WITHIN) as plain:
            if peer.tls:
                with peer.tls.wrap_socket(plain, server_hostname=peer.host) as secure:
                    secure.settimeout(_LISTEN_FOR)
                    secure.recv(1)
    except TimeoutError:
        return None
    except OSError as error:
        return failure(peer, error)
    return None


async def _connected(peer: Peer) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a connection with the first of the peer's addresses that takes one. Raises OSError."""
    name = peer.host if peer.tls else None
    refused: OSError | None = None
    for address in await asyncio.to_thread(addresses_of, peer.host, peer.port, peer.may_call):
        try:
            return await asyncio.open_connection(address, peer.port, ssl=peer.tls, server_hostname=name, limit=_LONGEST)
        except ssl.SSLError:
            raise
        except OSError as error:
            refused = refused or error
    raise refused or OSError("the host has no address")


async def echo(peer: Peer) -> int:
    """C-ECHO on an association of its own: the status that the peer answers. Raises `SendingFailed`."""
    association = await StorageAssociation.open(peer, [(VERIFICATION, EXPLICIT_VR_LITTLE_ENDIAN)])
    try:
        status = await association.echo()
    except BaseException:
        association.abort()
        raise
    await association.release()
    return status


def proposals(kinds: Iterable[tuple[str, str]]) -> list[ProposedContext]:
    """Each kind as it is stored, and each SOP class in native form for peers that take no other: 128 at most, native ones first."""
    unique = sorted(set(kinds))
    native = [(sop_class, NATIVE) for sop_class in dict.fromkeys(sop_class for sop_class, _ in unique)]
    own = [(sop_class, (syntax,)) for sop_class, syntax in unique if syntax != EXPLICIT_VR_LITTLE_ENDIAN]
    return [ProposedContext(2 * number + 1, *each) for number, each in enumerate((native + own)[:MAX_CONTEXTS])]

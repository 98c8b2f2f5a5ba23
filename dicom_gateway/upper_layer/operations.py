"""The DIMSE operations of one association as their performer: C-STORE and C-ECHO, out of the fragments of P-DATA-TF (PS3.7).

One operation at a time, as negotiated. The bytes of an object are copied once, behind the file meta information that they will
be kept with. Past a limit they go on to the host piece by piece, and the peer is read no faster than the host takes them.
"""

from __future__ import annotations

import asyncio
import hashlib
import struct
from collections.abc import Mapping
from typing import Protocol, cast

from dicom_gateway.intake import Received, Source
from dicom_gateway.part10 import preface
from dicom_gateway.upper_layer import commands, negotiation
from dicom_gateway.upper_layer.commands import Command
from dicom_gateway.upper_layer.flow import Flow
from dicom_gateway.upper_layer.pdu import AbortReason, MalformedPDU

IN_MEMORY = 8 << 20  # bytes of an object; what is larger flows to the host while it comes
_PDV = struct.Struct(">IBB")  # length of what follows, presentation context ID, message control header


class StorageHost(Protocol):
    """Who stores what operations bring."""

    def store(self, content: bytearray, owner: str, source: Source, digest: bytes) -> asyncio.Future[Received]:
        """Keep one object; `digest` is its SHA-256, empty where that is not known yet."""
        ...

    def store_flow(self, flow: Flow, owner: str, source: Source) -> asyncio.Future[Received]:
        """Keep one large object while it comes."""
        ...


class Connection(Protocol):
    """The association, as its operations know it."""

    calling: str
    address: str
    touched: float

    @property
    def is_established(self) -> bool:
        """True while answers can be sent."""
        ...

    def send(self, content: bytes) -> None:
        """Send whole PDUs."""
        ...

    def hold(self, hold: bool) -> None:
        """Stop bringing PDUs, or go on."""
        ...


class Operations:
    """`contexts` are the accepted presentation contexts: abstract and transfer syntax by ID. `owner` is whom the requestor stores
    for, None where it may not store."""

    def __init__(self, host: StorageHost, connection: Connection, contexts: Mapping[int, tuple[str, str]], owner: str | None) -> None:
        self._host = host
        self._connection = connection
        self._contexts = contexts
        self._owner = owner
        self.begun = 0.0  # when the last object began, on the loop's clock
        self.gathered = 0  # bytes of the object under way
        self._command_bytes = bytearray()
        self._command: Command | None = None
        self._context = 0
        self._status = 0  # answered after the data set of an operation that is refused
        self._comment = ""
        self._content: bytearray | None = None
        self._digest: hashlib._Hash | None = None
        self._flow: Flow | None = None
        self._storing: asyncio.Future[Received] | None = None

    @property
    def is_under_way(self) -> bool:
        """True between a request and its answer."""
        return self._command is not None

    def drop(self) -> None:
        """Stop what is under way. What has been handed to the host whole goes on there: it may be kept unacknowledged."""
        if self._flow is not None and self._storing is not None:
            self._storing.cancel()
        self._content = self._flow = None

    def take(self, body: memoryview) -> None:
        """Take the fragments of one P-DATA-TF. Raises `MalformedPDU`."""
        position, end = 0, len(body)
        while position < end:
            if position + 6 > end:
                raise MalformedPDU("a presentation data value is cut off")
            length, context, control = _PDV.unpack_from(body, position)
            begin, position = position + 6, position + 4 + length
            if length < 2 or position > end:
                raise MalformedPDU("a presentation data value passes the end of its PDU")
            if context not in self._contexts:
                raise MalformedPDU(f"presentation context {context} was not accepted")
            if control & 1:
                self._command_fragment(body[begin:position], context, bool(control & 2))
            else:
                self._data_fragment(body[begin:position], context, bool(control & 2))

    def _command_fragment(self, fragment: memoryview, context: int, last: bool) -> None:
        if self._command is not None:
            raise MalformedPDU("a command while the data set of another was awaited", AbortReason.UNEXPECTED_PARAMETER)
        self._command_bytes += fragment
        if len(self._command_bytes) > commands.MAX_COMMAND:
            raise MalformedPDU(f"a command set of more than {commands.MAX_COMMAND} bytes")
        if not last:
            return
        command = commands.decode_command(self._command_bytes)
        self._command_bytes = bytearray()
        self._begin(command, context)

    def _begin(self, command: Command, context: int) -> None:
        """Look at a request, and answer at once where no data set follows."""
        if command.field == commands.C_CANCEL_RQ:
            return  # nothing here takes long enough to be cancelled
        if command.field & commands.RESPONSE:
            raise MalformedPDU("a response to nothing", AbortReason.UNEXPECTED_PARAMETER)
        self._command, self._context, self.gathered = command, context, 0
        self._status, self._comment = self._judge(command, context)
        if not command.has_data_set:
            self._answer(self._status, self._comment)
        elif self._status == commands.SUCCESS:
            abstract, transfer = self._contexts[context]
            self._content = bytearray(preface(abstract, command.sop_instance_uid, transfer))
            self._digest = None

    def _judge(self, command: Command, context: int) -> tuple[int, str]:
        """The status of a request as far as its command set tells."""
        abstract, _ = self._contexts[context]
        echo = abstract == negotiation.VERIFICATION
        if command.field != (commands.C_ECHO_RQ if echo else commands.C_STORE_RQ):
            return commands.UNRECOGNIZED_OPERATION, "this presentation context serves another operation"
        if command.sop_class_uid != abstract:
            return commands.SOP_CLASS_NOT_SUPPORTED, "the SOP class is not that of the presentation context"
        if echo:
            return commands.SUCCESS, ""
        if not command.has_data_set:
            return commands.MISTYPED_ARGUMENT, "a C-STORE request without a data set"
        if self._owner is None:
            return commands.NOT_AUTHORIZED, "this AE title may not store here"
        if not commands.is_uid(command.sop_instance_uid):
            return commands.INVALID_SOP_INSTANCE, "Affected SOP Instance UID is not a UID"
        return commands.SUCCESS, ""

    def _data_fragment(self, fragment: memoryview, context: int, last: bool) -> None:
        if self._command is None or context != self._context:
            raise MalformedPDU("data without a command that announces them", AbortReason.UNEXPECTED_PARAMETER)
        if not self.gathered:
            self.begun = self._connection.touched
        self.gathered += len(fragment)
        if self._flow is not None:
            self._flow.put(bytes(fragment))
        elif self._content is not None:
            self._content += fragment
            if self._digest is not None:  # while it is in the processor's cache, and the peer sends the next
                self._digest.update(fragment)
            elif not last:  # what is one fragment in all is left to whoever keeps it
                self._digest = hashlib.sha256(self._content)
            if len(self._content) > IN_MEMORY:
                self._let_flow()
        if last:
            self._finish()

    def _let_flow(self) -> None:
        """Too large to be gathered: the host takes it while it comes."""
        flow = self._flow = Flow(self._connection.hold)
        flow.put(bytes(cast(bytearray, self._content)))
        self._content = None
        self._storing = self._host.store_flow(flow, cast(str, self._owner), self._source())
        self._storing.add_done_callback(lambda _: flow.abandon())

    def _finish(self) -> None:
        """The data set is whole."""
        if self._status != commands.SUCCESS:
            self._answer(self._status, self._comment)
            return
        self._connection.hold(True)
        if self._flow is not None:
            self._flow.end()
        else:
            content, self._content = cast(bytearray, self._content), None
            digest = self._digest.digest() if self._digest is not None else b""
            self._storing = self._host.store(content, cast(str, self._owner), self._source(), digest)
        cast("asyncio.Future[Received]", self._storing).add_done_callback(self._stored)

    def _stored(self, answer: asyncio.Future[Received]) -> None:
        self._flow = self._storing = None
        if self._connection.is_established and not answer.cancelled():
            received = answer.result()
            self._answer(received.status, received.comment)
        self._connection.hold(False)

    def _answer(self, status: int, comment: str) -> None:
        command, self._command, self._content = cast(Command, self._command), None, None
        self.gathered = 0
        self._connection.send(commands.encode_response(self._context, command, status, comment))

    def _source(self) -> Source:
        command = cast(Command, self._command)
        return Source("dimse", self._connection.calling, self._connection.address, command.sop_class_uid, command.sop_instance_uid)

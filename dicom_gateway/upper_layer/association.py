"""One association as its acceptor: bytes in, PDUs through the state table, operations to the host (PS3.8, PS3.7).

One operation at a time, as negotiated: what a peer sends ahead stays in the buffer, then in its own socket. The bytes of an
object are copied once, behind the file meta information that they will be kept with. Past a limit they go on to
the host piece by piece, and the peer is read no faster than the host takes them.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import socket
import struct
from collections.abc import Callable
from typing import Any, Protocol, cast

from dicom_gateway.index import Scope
from dicom_gateway.intake import Received, Source
from dicom_gateway.part10 import preface
from dicom_gateway.policy import Refusal
from dicom_gateway.upper_layer import commands, negotiation, pdu
from dicom_gateway.upper_layer.commands import Command
from dicom_gateway.upper_layer.flow import Flow
from dicom_gateway.upper_layer.pdu import AbortReason, AbortSource, AssociateRequest, MalformedPDU, PDUType
from dicom_gateway.upper_layer.states import ROWS, Action, Event, State

log = logging.getLogger(__name__)

IN_MEMORY = 8 << 20  # bytes of an object; what is larger flows to the host while it comes
_HEAD = pdu.HEAD.size
_BUFFER = pdu.MAX_ASSOCIATE + _HEAD  # also room for two P-DATA-TF of the length we accept
_PDV = struct.Struct(">IBB")  # length of what follows, presentation context ID, message control header
_EVENTS = {
    PDUType.ASSOCIATE_RQ: Event.REQUEST,
    PDUType.ASSOCIATE_AC: Event.ACCEPT_OR_REJECT,
    PDUType.ASSOCIATE_RJ: Event.ACCEPT_OR_REJECT,
    PDUType.P_DATA_TF: Event.DATA,
    PDUType.RELEASE_RQ: Event.RELEASE_REQUEST,
    PDUType.RELEASE_RP: Event.RELEASE_RESPONSE,
    PDUType.ABORT: Event.ABORT,
}
_LONGEST = {PDUType.ASSOCIATE_RQ: pdu.MAX_ASSOCIATE, PDUType.ASSOCIATE_AC: pdu.MAX_ASSOCIATE, PDUType.P_DATA_TF: negotiation.MAX_PDU}
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)


class Host(Protocol):
    """The interface that associations need of the server that accepts them."""

    def opened(self, association: Association) -> None:
        """Register a new connection."""
        ...

    def closed(self, association: Association) -> None:
        """Forget a connection that was lost."""
        ...

    def takes_over(self, association: Association, request: AssociateRequest, sent: bytes) -> bool:
        """Return True if this association is handed off; `sent` are the bytes read of it so far."""
        ...

    async def admit(self, request: AssociateRequest, address: str) -> Scope | Refusal:
        """Return the scope of the requestor, or the reason for a refusal."""
        ...

    def store(self, content: bytearray, owner: str, source: Source, digest: bytes) -> asyncio.Future[Received]:
        """Keep one object; `digest` is its SHA-256, empty where that is not known yet."""
        ...

    def store_flow(self, flow: Flow, owner: str, source: Source) -> asyncio.Future[Received]:
        """Keep one large object while it comes."""
        ...


class Association(asyncio.BufferedProtocol):
    """A connection from its opening to its end. `touched` is when something last came or went, on the loop's clock."""

    def __init__(self, host: Host, address: str) -> None:
        self._host = host
        self.address = address
        self.calling = ""
        self.scope: Scope | None = None
        self.state = State.AWAITING_REQUEST
        self._loop = asyncio.get_running_loop()
        self.touched = self.begun = self._loop.time()
        self.gathered = 0  # bytes of the object under way
        self.transport: asyncio.Transport | None = None
        self._socket: Any = None
        self._buffer = memoryview(bytearray(_BUFFER))
        self._start = self._end = 0
        self._deaf = False
        self._holds = 0  # reasons not to go on with what was sent: an operation under way, a full flow, a slow reader
        self._paused = False
        self._deciding: asyncio.Task[None] | None = None
        self._contexts: dict[int, tuple[str, str]] = {}
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
    def busy(self) -> bool:
        """True if the peer waits for us."""
        return self._holds > 0

    # What the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Transport connection indication (AE-5); the ARTIM timer runs from now."""
        self.transport = cast(asyncio.Transport, transport)
        self._socket = transport.get_extra_info("socket")
        self._host.opened(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Room behind what has come."""
        return self._buffer[self._end :]

    def buffer_updated(self, nbytes: int) -> None:
        """`nbytes` more have come."""
        self._end += nbytes
        self.touched = self._loop.time()
        self._go_on()
        # dcmtk leaves Nagle on: where the peer has more to send, it would wait for a delayed ACK of this. An answer carries its own.
        if not self._holds and _QUICKACK is not None and (self.gathered or self._end or self._command):
            self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    def eof_received(self) -> bool:
        """The peer is done sending: close."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Transport connection closed."""
        self._happened(Event.CLOSED)
        self._host.closed(self)

    def pause_writing(self) -> None:
        """Read nothing more: the peer does not read its answers."""
        self._hold(True)

    def resume_writing(self) -> None:
        """Go on reading: the peer reads its answers again."""
        self._hold(False)

    # What the host tells

    def expire(self) -> None:
        """Its time is over: close the connection where the ARTIM timer runs, otherwise abort."""
        runs = self.state in (State.AWAITING_REQUEST, State.AWAITING_CLOSE)
        self._happened(Event.TIMER if runs else Event.WE_ABORT)

    def abort(self) -> None:
        """End the association from our side."""
        self._happened(Event.WE_ABORT)

    # From bytes to events

    def _go_on(self) -> None:
        """Handle every whole PDU, unless something holds us."""
        while not self._holds and not self._deaf and self._end - self._start >= _HEAD:
            kind, length = pdu.HEAD.unpack_from(self._buffer, self._start)
            if kind not in _EVENTS:
                self._broken(MalformedPDU(f"there is no PDU of type {kind:02X}H", AbortReason.UNRECOGNIZED_PDU))
                break
            if length > _LONGEST.get(kind, 4) or (kind not in _LONGEST and length != 4):
                self._broken(MalformedPDU(f"a PDU of type {kind:02X}H and {length} bytes"))
                break
            begin, end = self._start + _HEAD, self._start + _HEAD + length
            if end > self._end:
                break
            self._start = end
            self._take(kind, self._buffer[begin:end])
        if self._deaf:
            self._start = self._end
        self._make_room()

    def _make_room(self) -> None:
        """Move what is left to the front where the next PDU might not fit behind it."""
        if self._start == self._end:
            self._start = self._end = 0
        elif self._start and self._end > len(self._buffer) // 2:
            rest = self._end - self._start
            self._buffer[:rest] = self._buffer[self._start : self._end]
            self._start, self._end = 0, rest
        if self._end == len(self._buffer) and not self._paused and self.transport is not None:
            self._paused = True
            self.transport.pause_reading()

    def _take(self, kind: int, body: memoryview) -> None:
        try:
            if kind == PDUType.P_DATA_TF:
                self._happened(Event.DATA, body)
            elif kind == PDUType.ASSOCIATE_RQ:
                self._happened(Event.REQUEST, pdu.decode_request(body))
            else:
                self._happened(_EVENTS[PDUType(kind)])
        except MalformedPDU as error:
            self._broken(error)

    def _broken(self, error: MalformedPDU) -> None:
        """Abort: the bytes are not the upper layer protocol, and nothing after them can be trusted."""
        if self.state is not State.AWAITING_CLOSE:
            log.info("association of %s at %s: %s", self.calling or "?", self.address, error)
        self._happened(Event.INVALID, error.reason)
        self._deaf = True

    def _happened(self, event: Event, detail: Any = None) -> None:
        """One step of the state machine."""
        action, state = ROWS[self.state][event]
        self.state = state
        _ACTIONS[action](self, detail)

    def _hold(self, hold: bool) -> None:
        self._holds += 1 if hold else -1
        if not self._holds:
            self._go_on()
            if self._paused and not self._holds and self._end < len(self._buffer) and self.transport is not None:
                self._paused = False
                self.transport.resume_reading()

    # Actions (PS3.8 9.2.3)

    def _decide(self, request: AssociateRequest) -> None:
        """AE-6."""
        self.calling = request.calling
        sent = bytes(self._buffer[: self._end])
        if self._host.takes_over(self, request, sent):
            self.state = State.IDLE
            self._deaf = True
            return
        self._deciding = self._loop.create_task(self._ask(request))

    async def _ask(self, request: AssociateRequest) -> None:
        decision = await self._host.admit(request, self.address)
        if isinstance(decision, Refusal):
            log.info("association of %s at %s refused: %s", self.calling, self.address, decision.reason.name)
            self._happened(Event.WE_REJECT, decision.reason.value)
        else:
            self.scope = decision
            self._happened(Event.WE_ACCEPT, request)

    def _send_accept(self, request: AssociateRequest) -> None:
        """AE-7."""
        answer = negotiation.accept(request)
        asked = {context.id: context.abstract_syntax for context in request.contexts}
        self._contexts = {
            context.id: (asked[context.id], context.transfer_syntax)
            for context in answer.contexts
            if context.result == negotiation.ACCEPTANCE
        }
        self._send(answer.encode())

    def _send_reject(self, why: tuple[int, int, int]) -> None:
        """AE-8."""
        self._send(pdu.reject(*why))

    def _release(self, _: Any) -> None:
        """AR-2 and AR-4: nothing is under way, since one operation at a time is handled."""
        self._send(pdu.RELEASE_RP)

    def _send_abort(self, reason: Any) -> None:
        """AA-1: by us as the user of the service, or for bytes that are no request."""
        self._drop()
        source = AbortSource.USER if reason is None else AbortSource.PROVIDER
        self._send(pdu.abort(source, reason if isinstance(reason, AbortReason) else AbortReason.NOT_SPECIFIED))

    def _send_abort_unexpected(self, reason: Any) -> None:
        """AA-8."""
        self._drop()
        self._send(pdu.abort(AbortSource.PROVIDER, reason if isinstance(reason, AbortReason) else AbortReason.UNEXPECTED_PDU))

    def _send_abort_again(self, reason: Any) -> None:
        """AA-7."""
        self._send(pdu.abort(AbortSource.PROVIDER, reason if isinstance(reason, AbortReason) else AbortReason.UNEXPECTED_PDU))

    def _close(self, _: Any) -> None:
        """AA-2, AA-3."""
        self._drop()
        if self.transport is not None:
            self.transport.close()

    def _forget(self, _: Any) -> None:
        """AA-4, AA-5: there is nobody left to tell."""
        self._drop()

    def _ignore(self, _: Any) -> None:
        """AA-6."""

    def _drop(self) -> None:
        """Stop what is under way. What has been handed to the store whole goes on there: it may be kept unacknowledged."""
        if self._deciding is not None:
            self._deciding.cancel()
        if self._flow is not None and self._storing is not None:
            self._storing.cancel()
        self._content = self._flow = None

    def _send(self, content: bytes) -> None:
        self.touched = self._loop.time()
        if self.transport is not None:
            self.transport.write(content)

    # Operations (PS3.7)

    def _take_data(self, body: memoryview) -> None:
        """DT-2: the fragments of one P-DATA-TF. Raises `MalformedPDU`."""
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
        if self.scope is None or self.scope.owner is None:
            return commands.NOT_AUTHORIZED, "this AE title may not store here"
        if not commands.is_uid(command.sop_instance_uid):
            return commands.INVALID_SOP_INSTANCE, "Affected SOP Instance UID is not a UID"
        return commands.SUCCESS, ""

    def _data_fragment(self, fragment: memoryview, context: int, last: bool) -> None:
        if self._command is None or context != self._context:
            raise MalformedPDU("data without a command that announces them", AbortReason.UNEXPECTED_PARAMETER)
        if not self.gathered:
            self.begun = self.touched
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
        flow = self._flow = Flow(self._hold)
        flow.put(bytes(cast(bytearray, self._content)))
        self._content = None
        self._storing = self._host.store_flow(flow, self._owner(), self._source())
        self._storing.add_done_callback(lambda _: flow.abandon())

    def _finish(self) -> None:
        """The data set is whole."""
        if self._status != commands.SUCCESS:
            self._answer(self._status, self._comment)
            return
        self._holds += 1
        if self._flow is not None:
            self._flow.end()
        else:
            content, self._content = cast(bytearray, self._content), None
            digest = self._digest.digest() if self._digest is not None else b""
            self._storing = self._host.store(content, self._owner(), self._source(), digest)
        cast("asyncio.Future[Received]", self._storing).add_done_callback(self._stored)

    def _stored(self, answer: asyncio.Future[Received]) -> None:
        self._flow = self._storing = None
        if self.state is State.ESTABLISHED and not answer.cancelled():
            received = answer.result()
            self._answer(received.status, received.comment)
        self._hold(False)

    def _answer(self, status: int, comment: str) -> None:
        command, self._command, self._content = cast(Command, self._command), None, None
        self.gathered = 0
        self._send(commands.encode_response(self._context, command, status, comment))

    def _owner(self) -> str:
        return cast(str, cast(Scope, self.scope).owner)

    def _source(self) -> Source:
        command = cast(Command, self._command)
        return Source("dimse", self.calling, self.address, command.sop_class_uid, command.sop_instance_uid)


_ACTIONS: dict[Action, Callable[[Association, Any], None]] = {
    Action.DECIDE: Association._decide,
    Action.SEND_ACCEPT: Association._send_accept,
    Action.SEND_REJECT: Association._send_reject,
    Action.TAKE_DATA: Association._take_data,
    Action.RELEASE: Association._release,
    Action.SEND_ABORT: Association._send_abort,
    Action.SEND_ABORT_AGAIN: Association._send_abort_again,
    Action.SEND_ABORT_UNEXPECTED: Association._send_abort_unexpected,
    Action.CLOSE: Association._close,
    Action.CLOSE_ABORTED: Association._close,
    Action.FORGET: Association._forget,
    Action.STOP_TIMER: Association._forget,
    Action.IGNORE: Association._ignore,
    Action.NOTHING: Association._ignore,
}

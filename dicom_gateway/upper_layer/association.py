"""One association as its acceptor: bytes in, PDUs through the state table (PS3.8). What the PDUs carry is for its operations.

What a peer sends ahead while an operation is under way stays in the buffer, then in its own socket.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any, Protocol, cast

from dicom_gateway.index import Scope
from dicom_gateway.policy import Refusal
from dicom_gateway.upper_layer import negotiation, pdu
from dicom_gateway.upper_layer.operations import Operations, StorageHost
from dicom_gateway.upper_layer.pdu import AbortReason, AbortSource, AssociateRequest, MalformedPDU, PDUType
from dicom_gateway.upper_layer.states import ROWS, Action, Event, State

log = logging.getLogger(__name__)

_HEAD = pdu.HEAD.size
_BUFFER = pdu.MAX_ASSOCIATE + _HEAD  # also room for two P-DATA-TF of the length we accept
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


class Host(StorageHost, Protocol):
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

    async def admit(self, request: AssociateRequest, address: str, certificate: bytes) -> Scope | Refusal:
        """Return the scope of the requestor, who has shown this certificate (DER; empty: none), or the reason for a refusal."""
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
        self.touched = self._opened = self._loop.time()
        self.transport: asyncio.Transport | None = None
        self._socket: Any = None
        self._buffer = memoryview(bytearray(_BUFFER))
        self._start = self._end = 0
        self._deaf = False
        self._holds = 0  # reasons not to go on with what was sent: an operation under way, a full flow, a slow reader
        self._paused = False
        self._deciding: asyncio.Task[None] | None = None
        self._operations: Operations | None = None  # from the acceptance on

    @property
    def busy(self) -> bool:
        """True if the peer waits for us."""
        return self._holds > 0

    @property
    def certificate(self) -> bytes:
        """The certificate (DER) that the peer has shown and that was verified; empty where there is none."""
        connection = self.transport.get_extra_info("ssl_object") if self.transport is not None else None
        return (connection.getpeercert(binary_form=True) or b"") if connection is not None else b""

    @property
    def begun(self) -> float:
        """When it was opened, or the last object began, on the loop's clock."""
        return (self._operations and self._operations.begun) or self._opened

    @property
    def gathered(self) -> int:
        """Bytes of the object under way."""
        return self._operations.gathered if self._operations is not None else 0

    @property
    def is_established(self) -> bool:
        """True while answers can be sent."""
        return self.state is State.ESTABLISHED

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
        if not self._holds and _QUICKACK is not None and (self._end or (self._operations is not None and self._operations.is_under_way)):
            self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    def eof_received(self) -> bool:
        """The peer is done sending: close."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Transport connection closed."""
        self._happened(Event.CLOSED)
        self._operations = None  # it knows this association: the buffer would wait for the garbage collector
        self._host.closed(self)

    def pause_writing(self) -> None:
        """Read nothing more: the peer does not read its answers."""
        self.hold(True)

    def resume_writing(self) -> None:
        """Go on reading: the peer reads its answers again."""
        self.hold(False)

    # What the host tells

    def expire(self) -> None:
        """Its time is over: close the connection where the ARTIM timer runs, otherwise abort."""
        runs = self.state in (State.AWAITING_REQUEST, State.AWAITING_CLOSE)
        self._happened(Event.TIMER if runs else Event.WE_ABORT)

    def abort(self) -> None:
        """End the association from our side."""
        self._happened(Event.WE_ABORT)

    # What its operations tell

    def hold(self, hold: bool) -> None:
        """Stop taking PDUs apart, or go on once nobody holds it any more."""
        self._holds += 1 if hold else -1
        if not self._holds:
            self._go_on()
            if self._paused and not self._holds and self._end < len(self._buffer) and self.transport is not None:
                self._paused = False
                self.transport.resume_reading()

    def send(self, content: bytes) -> None:
        """Send whole PDUs."""
        self.touched = self._loop.time()
        if self.transport is not None:
            self.transport.write(content)

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
        decision = await self._host.admit(request, self.address, self.certificate)
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
        contexts = {
            context.id: (asked[context.id], context.transfer_syntax)
            for context in answer.contexts
            if context.result == negotiation.ACCEPTANCE
        }
        owner = self.scope.owner if self.scope is not None else None
        self._operations = Operations(self._host, self, contexts, owner)
        self.send(answer.encode())

    def _send_reject(self, why: tuple[int, int, int]) -> None:
        """AE-8."""
        self.send(pdu.reject(*why))

    def _take_data(self, body: memoryview) -> None:
        """DT-2. Raises `MalformedPDU`."""
        cast(Operations, self._operations).take(body)

    def _release(self, _: Any) -> None:
        """AR-2 and AR-4: nothing is under way, since one operation at a time is handled."""
        self.send(pdu.RELEASE_RP)

    def _send_abort(self, reason: Any) -> None:
        """AA-1: by us as the user of the service, or for bytes that are no request."""
        self._drop()
        source = AbortSource.USER if reason is None else AbortSource.PROVIDER
        self.send(pdu.abort(source, reason if isinstance(reason, AbortReason) else AbortReason.NOT_SPECIFIED))

    def _send_abort_unexpected(self, reason: Any) -> None:
        """AA-8."""
        self._drop()
        self.send(pdu.abort(AbortSource.PROVIDER, reason if isinstance(reason, AbortReason) else AbortReason.UNEXPECTED_PDU))

    def _send_abort_again(self, reason: Any) -> None:
        """AA-7."""
        self.send(pdu.abort(AbortSource.PROVIDER, reason if isinstance(reason, AbortReason) else AbortReason.UNEXPECTED_PDU))

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
        if self._operations is not None:
            self._operations.drop()


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

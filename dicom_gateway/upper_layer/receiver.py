"""The DICOM port: every connection is looked at before anything is taken from it.

An association that asks for storage and verification is served here. One that asks for anything that the other services
know (queries, retrieval) goes to them as it is: its socket with the request still unread or, under TLS, the
other end of a relay.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from dicom_gateway.index import Scope
from dicom_gateway.intake import Intake, Received, Source
from dicom_gateway.loop_thread import on
from dicom_gateway.policy import Policy, Refusal, RefusalReason
from dicom_gateway.rate_limiter import RateLimiter
from dicom_gateway.upper_layer.association import Association
from dicom_gateway.upper_layer.flow import Flow
from dicom_gateway.upper_layer.limits import Limits
from dicom_gateway.upper_layer.pdu import APPLICATION_CONTEXT, HEAD, MAX_ASSOCIATE, AssociateRequest, MalformedPDU, PDUType, decode_request
from dicom_gateway.upper_layer.relay import relay

log = logging.getLogger(__name__)

# Who stores one object: (file, owner, source, SHA-256 of the file).
Store = Callable[[bytearray, str, Source, bytes], asyncio.Future[Received]]
# Takes over an association that is not served here: (socket with the request unread, peer address, certificate that the peer showed).
Handoff = Callable[[socket.socket, tuple[str, int], bytes], None]

_BACKLOG = 512
_BURST = 2.0  # seconds' worth of instances that one owner may store at once before its rate counts
_SWEEP = 1.0  # seconds between two looks at the clocks of all associations
_ACCEPT_AGAIN = 0.1  # seconds
_PEEK_AGAIN = 0.02  # seconds before looking again at a request of which only a part has come, where waiting is not exact


class Receiver:
    """Listens on the loop it is made on, and is the host of all associations. `policy` and `intake` belong to the loop `home`."""

    def __init__(
        self,
        intake: Intake,
        store: Store,
        policy: Policy,
        handoff: Handoff,
        handed_off: frozenset[str],
        limits: Limits,
        tls: ssl.SSLContext | None,
        home: asyncio.AbstractEventLoop,
    ) -> None:
        self._intake = intake
        self._store = store
        self._policy = policy
        self._handoff = handoff
        self._handed_off = handed_off
        self._limits = limits
        self._tls = tls
        self._home = home
        self._limiter = RateLimiter(limits.rate, _BURST)
        self._loop = asyncio.get_running_loop()
        self._associations: set[Association] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening: socket.socket | None = None
        self._unasked: dict[socket.socket, str] = {}  # connections that nobody serves yet, with their addresses

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._listening.getsockname()[1]) if self._listening else 0

    def listen(self, host: str, port: int, *, shared: bool = False) -> None:
        """Open the port; a `shared` one takes its part of the connections beside other processes. Raises `OSError`."""
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICHOST)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=_BACKLOG, reuse_port=shared)
        listening.setblocking(False)
        self._listening = listening
        self._accept_from(listening)
        self._start(self._sweep())

    async def close(self) -> None:
        """Stop listening and abort what is open."""
        if self._listening is not None:
            self._loop.remove_reader(self._listening)
            self._listening.close()
            self._listening = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in self._unasked:  # whose task had not begun
            connection.close()
        self._unasked.clear()
        for association in list(self._associations):
            association.abort()
            if association.transport is not None:
                association.transport.close()

    # Listening

    def _accept_from(self, listening: socket.socket) -> None:
        if self._listening is listening:
            self._loop.add_reader(listening, self._accept, listening)

    def _accept(self, listening: socket.socket) -> None:
        """Take every connection that waits."""
        for _ in range(_BACKLOG):
            try:
                connection, address = listening.accept()
            except BlockingIOError:
                return
            except ConnectionAbortedError:  # the peer is gone already
                continue
            except OSError as error:  # out of file descriptors: it would fail the same way until one is given back
                log.warning("accepting a connection: %s", error)
                self._loop.remove_reader(listening)
                self._loop.call_later(_ACCEPT_AGAIN, self._accept_from, listening)
                return
            connection.setblocking(False)
            if self._has_too_many(address[0]):
                connection.close()
                continue
            self._unasked[connection] = address[0]
            self._start(self._open(connection, address[:2]))

    def _has_too_many(self, address: str) -> bool:
        """True if connections without a request already reach the limit of all associations, or of one address's."""
        waiting = list(self._unasked.values())
        return not self._limits.allow(len(waiting) + 1, waiting.count(address) + 1)

    async def _open(self, connection: socket.socket, address: tuple[str, int]) -> None:
        """Serve a connection here or give it away."""
        try:
            if self._tls is None and await self._asks_for_handoff(connection):
                connection.setblocking(True)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._handoff(connection, address, b"")
                return
            await self._loop.connect_accepted_socket(
                lambda: Association(self, address[0]),
                connection,
                ssl=self._tls,
                ssl_handshake_timeout=self._limits.request if self._tls else None,
            )
        except (OSError, asyncio.CancelledError) as error:
            connection.close()
            if isinstance(error, asyncio.CancelledError):
                raise
            log.info("a connection from %s ended before its association: %s", address[0], error)
        finally:
            self._unasked.pop(connection, None)

    async def _asks_for_handoff(self, connection: socket.socket) -> bool:
        """Look at the request without taking it. False for what is none in time, or broken: that is answered here."""
        with contextlib.suppress(TimeoutError, MalformedPDU):
            async with asyncio.timeout(self._limits.request):
                request = await self._peek(connection)
                return request is not None and self._is_handed_off(request)
        return False

    async def _peek(self, connection: socket.socket) -> AssociateRequest | None:
        """The request, or None where something else comes. Raises `MalformedPDU`, `OSError`."""
        needed = HEAD.size
        while True:
            # Twice: the system makes room for just what is asked for, of which it never gives the sender the last bytes.
            for lowest in (2 * needed, needed):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, lowest)
            try:
                await self._readable(connection)
            finally:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
            seen = connection.recv(needed, socket.MSG_PEEK)
            if len(seen) < needed:
                if not seen or seen[0] != PDUType.ASSOCIATE_RQ:
                    return None
                await asyncio.sleep(_PEEK_AGAIN)  # the system wakes us early where memory is short, or at the end
                continue
            kind, length = HEAD.unpack_from(seen)
            if kind != PDUType.ASSOCIATE_RQ or length > MAX_ASSOCIATE:
                return None
            if len(seen) == HEAD.size + length:
                return decode_request(seen[HEAD.size :])
            needed = HEAD.size + length

    async def _readable(self, connection: socket.socket) -> None:
        ready: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(connection, _tell, ready)
        try:
            await ready
        finally:
            self._loop.remove_reader(connection)

    def _is_handed_off(self, request: AssociateRequest) -> bool:
        return any(context.abstract_syntax in self._handed_off for context in request.contexts)

    async def _sweep(self) -> None:
        """End associations whose time is over."""
        while True:
            await asyncio.sleep(_SWEEP)
            now = self._loop.time()
            for association in list(self._associations):
                why = self._limits.overdue(association, now)
                if why:
                    log.info("association of %s at %s: %s", association.calling or "?", association.address, why)
                    association.expire()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # The host of associations

    def opened(self, association: Association) -> None:
        """See `Host`."""
        self._associations.add(association)

    def closed(self, association: Association) -> None:
        """See `Host`."""
        self._associations.discard(association)

    def takes_over(self, association: Association, request: AssociateRequest, sent: bytes) -> bool:
        """See `Host`. Only what comes under TLS is known so late."""
        if not self._is_handed_off(request) or association.transport is None:
            return False
        self._associations.discard(association)
        peer, certificate = association.transport.get_extra_info("peername")[:2], association.certificate
        self._start(relay(association.transport, sent, lambda inner: self._handoff(inner, peer, certificate)))
        return True

    async def admit(self, request: AssociateRequest, address: str, certificate: bytes) -> Scope | Refusal:
        """See `Host`."""
        if not request.protocol_version & 1:
            return Refusal(RefusalReason.PROTOCOL_VERSION_NOT_SUPPORTED)
        if request.application_context != APPLICATION_CONTEXT:
            return Refusal(RefusalReason.APPLICATION_CONTEXT_NOT_SUPPORTED)
        addresses = Counter(each.address for each in self._associations)
        titles = Counter(each.calling for each in self._associations)
        if not self._limits.allow(addresses.total(), addresses[address], titles[request.calling]):
            return Refusal(RefusalReason.LOCAL_LIMIT_EXCEEDED)
        try:
            return await on(self._home, self._policy(request.calling, request.called, address, certificate))
        except Exception:
            log.exception("the association policy failed for %s at %s", request.calling, address)
            return Refusal(RefusalReason.TEMPORARY_CONGESTION)

    def store(self, content: bytearray, owner: str, source: Source, digest: bytes) -> asyncio.Future[Received]:
        """See `Host`."""
        wait = self._limiter.reserve(owner, self._loop.time())
        if not wait:
            return self._store(content, owner, source, digest)
        return asyncio.ensure_future(self._store_later(wait, content, owner, source, digest))

    async def _store_later(self, wait: float, content: bytearray, owner: str, source: Source, digest: bytes) -> Received:
        await asyncio.sleep(wait)
        return await self._store(content, owner, source, digest)

    def store_flow(self, flow: Flow, owner: str, source: Source) -> asyncio.Future[Received]:
        """See `Host`."""
        return on(self._home, self._intake.receive(flow.pieces(), owner, source))


def _tell(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)

"""Connections of browsers and programs: how many, how long for a request's head, how slow for its body.

aiohttp has no limit for any of these. Who opens connections and says nothing, or a byte now and then, would otherwise hold
each of them for as long as he likes, without having signed in.
"""

from __future__ import annotations

import asyncio
import resource
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, Final

import structlog
from aiohttp import StreamReader, web

log = structlog.get_logger()

Network = IPv4Network | IPv6Network

EVERY_SECONDS: Final = 1.0
SPARE_DESCRIPTORS: Final = 256
"""Descriptors that are left for the database, the store and the processes of the pools."""


class TooSlow(ConnectionError):
    """The body of a request comes more slowly than is waited for."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The limits of the web process' connections.

    `head_seconds` from the connection to the whole head of its first request; `idle_seconds` between requests.
    A body may be silent for `silent_seconds`; `grace_seconds` after its head it must have come with `least_rate` bytes a
    second on average. Time in which the server itself does not read is not counted. `total` and `of_address` are counts
    of connections (0: no limit); an address in `proxies` speaks for others and is not counted.
    """

    head_seconds: float = 20
    idle_seconds: float = 75
    silent_seconds: float = 60
    grace_seconds: float = 60
    least_rate: float = 512
    total: int = 4096
    of_address: int = 1024
    proxies: Sequence[Network] = field(default=())


class BoundedRunner(web.AppRunner):
    """Runs an application behind a `Door`."""

    __slots__ = ("_limits",)

    def __init__(self, app: web.Application, limits: ConnectionLimits, *, shutdown_timeout: float) -> None:
        super().__init__(app, access_log=None, shutdown_timeout=shutdown_timeout)
        self._limits = limits

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return Door(made, self._limits)


class Door(web.Server):
    """Makes the connections of a server, counts them and looks at them every second."""

    def __init__(self, server: web.Server, limits: ConnectionLimits) -> None:
        super().__init__(server.request_handler, request_factory=server.request_factory, access_log=None)
        self.limits = limits
        self.by_address: Counter[str] = Counter()
        self._inner_factory = self.request_factory
        self.request_factory = self._request
        self._looking: asyncio.TimerHandle | None = None

    def __call__(self) -> Connection:
        if self._looking is None:
            self._looking = asyncio.get_running_loop().call_later(EVERY_SECONDS, self._look)
        return Connection(self)

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 (as aiohttp names it)
        """Let the connections end."""
        if self._looking is not None:
            self._looking.cancel()
        await super().shutdown(timeout)

    def is_full(self, address: str) -> bool:
        """True if no connection from there may be taken besides those that are open."""
        limits = self.limits
        if 0 < total_of(limits) <= len(self._connections):
            return True
        return 0 < limits.of_address <= self.by_address[address] and not is_proxy(address, limits.proxies)

    def _request(self, message: Any, payload: StreamReader, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
        if isinstance(protocol, Connection):
            protocol.head_came(payload)
        return self._inner_factory(message, payload, protocol, writer, task)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        for connection in self.connections:
            if isinstance(connection, Connection):
                connection.look(loop.time())
        self._looking = loop.call_later(EVERY_SECONDS, self._look) if self._connections else None


class Connection(web.RequestHandler):
    """One connection, from its first byte on."""

    __slots__ = ("_address", "_body", "_door", "_heard", "_looked", "_received", "_since")

    def __init__(self, door: Door) -> None:
        loop = asyncio.get_running_loop()
        options: dict[str, Any] = {"access_log": None, "keepalive_timeout": door.limits.idle_seconds}
        super().__init__(door, loop=loop, **options)
        self._door = door
        self._address = ""
        self._body: StreamReader | None = None
        self._since = self._heard = self._looked = loop.time()
        self._received = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection; one too many is closed at once."""
        peer = transport.get_extra_info("peername")
        self._address = str(peer[0]) if isinstance(peer, tuple) else ""
        full = self._door.is_full(self._address)
        self._door.by_address[self._address] += 1
        super().connection_made(transport)
        if full:
            log.warning("web.full", address=self._address, connections=self._door.by_address[self._address])
            self.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Count it no longer."""
        self._door.by_address[self._address] -= 1
        if not self._door.by_address[self._address]:
            del self._door.by_address[self._address]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Note that the other side is there."""
        self._received += len(data)
        self._heard = asyncio.get_running_loop().time()
        super().data_received(data)

    def head_came(self, body: StreamReader) -> None:
        """A request begins, whose body is still to come."""
        self._body, self._received = body, 0
        self._since = self._heard = self._looked = asyncio.get_running_loop().time()

    def look(self, now: float) -> None:
        """Close the connection where its first request, or the rest of one, is waited for too long."""
        limits, passed = self._door.limits, now - self._looked
        self._looked = now
        if self._body is None:
            if now - self._since > limits.head_seconds:
                self.force_close()
            return
        if self._body.is_eof():
            return
        if self.transport is None or not self.transport.is_reading():
            self._since += passed  # it is the server that does not read
            self._heard = now
            return
        taken = now - self._since
        if now - self._heard > limits.silent_seconds or (taken > limits.grace_seconds and self._received < limits.least_rate * taken):
            self._body.set_exception(TooSlow("the body of the request came too slowly"))
            self._body.feed_eof()
            self.close()


def total_of(limits: ConnectionLimits) -> int:
    """Return how many connections there may be: as the limits say, and no more than the process may have descriptors for."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return limits.total
    most = max(descriptors - SPARE_DESCRIPTORS, descriptors // 2)
    return min(limits.total, most) if limits.total else most


def is_proxy(address: str, proxies: Sequence[Network]) -> bool:
    """True if the address is that of a proxy, whose connections are those of many."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return any(found in network for network in proxies)

"""The door of the web process over real sockets: heads that never end, bodies that trickle, too many connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network

import pytest
from aiohttp import web

from telemed.settings import Settings
from telemed.web.connections import BoundedRunner, ConnectionLimits, TooSlow, is_proxy, total_of

QUICK = ConnectionLimits(head_seconds=1, idle_seconds=2, silent_seconds=2, grace_seconds=2, least_rate=100)
PATIENT = ConnectionLimits(head_seconds=60, idle_seconds=60, silent_seconds=60, grace_seconds=60)
HEAD = b"POST /take HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
WITHIN = 30

Opened = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Took:
    """What the handler got: the bytes of each body, or what ended it."""

    def __init__(self) -> None:
        self.bodies: list[bytes | type[Exception]] = []
        self.hold = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        try:
            self.bodies.append(await request.content.read(-1))
        except TooSlow as error:
            self.bodies.append(type(error))
            raise web.HTTPRequestTimeout from None
        return web.Response(text="taken")

    async def wait(self, _request: web.Request) -> web.Response:
        await self.hold.wait()
        return web.Response(text="waited")


@asynccontextmanager
async def serving(limits: ConnectionLimits) -> AsyncIterator[tuple[int, Took]]:
    took = Took()
    app = web.Application()
    app.router.add_post("/take", took.take)
    app.router.add_get("/wait", took.wait)
    runner = BoundedRunner(app, limits, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield site.port, took
    finally:
        await runner.cleanup()


async def connect(port: int, content: bytes = b"") -> Opened:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(content)
    await writer.drain()
    return reader, writer


async def rest(opened: Opened) -> bytes:
    """What comes until the other side closes."""
    try:
        async with asyncio.timeout(WITHIN):
            return await opened[0].read(-1)
    except ConnectionResetError:
        return b""
    finally:
        opened[1].close()


async def first_line(opened: Opened) -> bytes:
    async with asyncio.timeout(WITHIN):
        return (await opened[0].readline()).strip()


@pytest.mark.parametrize("sent", [b"", b"P", b"POST /take HTTP/1.1\r\nHost: x\r\n"], ids=["nothing", "a letter", "half a head"])
async def test_a_head_that_does_not_end_is_not_waited_for(sent: bytes) -> None:
    async with serving(QUICK) as (port, _):
        assert await rest(await connect(port, sent)) == b""


async def test_a_head_that_trickles_is_not_waited_for() -> None:
    async with serving(QUICK) as (port, _):
        opened = await connect(port, HEAD[:28])
        ended = asyncio.create_task(rest(opened))
        for _ in range(10 * WITHIN):
            if ended.done():
                break
            opened[1].write(b"x")
            await asyncio.sleep(0.1)
        assert await ended == b""


@pytest.mark.parametrize("sent", [b"", HEAD[:30]], ids=["nothing", "half a head"])
async def test_between_requests_a_connection_is_not_kept_for_ever(sent: bytes) -> None:
    async with serving(QUICK) as (port, took):
        opened = await connect(port, HEAD + bytes(1000))
        assert await first_line(opened) == b"HTTP/1.1 200 OK"
        opened[1].write(sent)
        assert (await rest(opened)).endswith(b"taken")
        assert took.bodies == [bytes(1000)]


async def test_a_silent_body_is_not_waited_for() -> None:
    async with serving(QUICK) as (port, took):
        answer = await rest(await connect(port, HEAD + bytes(10)))
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert took.bodies == [TooSlow]


async def test_a_body_that_trickles_is_not_waited_for() -> None:
    async with serving(QUICK) as (port, took):
        opened = await connect(port, HEAD)
        ended = asyncio.create_task(rest(opened))
        for _ in range(10 * WITHIN):
            if ended.done():
                break
            opened[1].write(b"x")
            await asyncio.sleep(0.1)
        assert (await ended).startswith(b"HTTP/1.1 408 ")
        assert took.bodies == [TooSlow]


async def test_a_slow_line_that_goes_on_is_waited_for() -> None:
    async with serving(QUICK) as (port, took):
        opened = await connect(port, HEAD)
        for _ in range(20):
            opened[1].write(bytes(50))
            await asyncio.sleep(0.2)
        assert await first_line(opened) == b"HTTP/1.1 200 OK"
        assert took.bodies == [bytes(1000)]
        opened[1].close()


async def test_an_answer_that_takes_its_time_is_waited_for() -> None:
    async with serving(QUICK) as (port, took):
        opened = await connect(port, b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(5)
        took.hold.set()
        assert await first_line(opened) == b"HTTP/1.1 200 OK"
        opened[1].close()


@pytest.mark.parametrize("limits", [{"of_address": 3}, {"total": 3}], ids=["of an address", "in all"])
async def test_one_connection_too_many_is_closed_and_others_are_served(limits: dict[str, int]) -> None:
    async with serving(ConnectionLimits(head_seconds=60, **limits)) as (port, _):
        opened = [await connect(port, HEAD[:10]) for _ in range(3)]
        await asyncio.sleep(0.2)
        assert await rest(await connect(port, HEAD + bytes(1000))) == b""
        opened[0][1].write(HEAD[10:] + bytes(1000))
        assert await first_line(opened[0]) == b"HTTP/1.1 200 OK"
        opened[0][1].close()
        await opened[0][1].wait_closed()
        await asyncio.sleep(0.2)
        again = await connect(port, HEAD + bytes(1000))
        assert await first_line(again) == b"HTTP/1.1 200 OK"
        for _, writer in (*opened, again):
            writer.close()


async def test_connections_of_a_proxy_are_not_counted_by_address() -> None:
    async with serving(ConnectionLimits(of_address=3, proxies=(ip_network("127.0.0.0/8"),))) as (port, _):
        opened = [await connect(port, HEAD[:10]) for _ in range(4)]
        await asyncio.sleep(0.2)
        for each in opened:
            each[1].write(HEAD[10:] + bytes(1000))
            assert await first_line(each) == b"HTTP/1.1 200 OK"
            each[1].close()


def test_addresses_of_proxies() -> None:
    networks = Settings(trusted_proxies="192.0.2.0/24, 2001:db8::/32").proxies
    assert all(is_proxy(address, networks) for address in ("192.0.2.7", "2001:db8::1%eth0"))
    assert not any(is_proxy(address, networks) for address in ("192.0.3.7", "", "127.0.0.1"))
    assert not is_proxy("127.0.0.1", Settings().proxies), "nobody is, until one is named"
    with pytest.raises(ValueError, match="commas"):
        Settings(trusted_proxies="192.0.2.7/24")


def test_there_are_never_more_connections_than_descriptors() -> None:
    assert total_of(ConnectionLimits(total=0)) > 0
    assert total_of(ConnectionLimits(total=5)) == 5
    assert total_of(ConnectionLimits(total=10**9)) <= total_of(ConnectionLimits(total=0))

"""Several web processes on the one port: they share the connections, and nobody notices when one of them dies."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import aiohttp
import pytest

from tests.installation import AWAY, Installation
from tests.telemed.processes.test_gateways import LISTENING, server_sides

pytestmark = pytest.mark.slow


async def both_listen(installation: Installation) -> None:
    port = int(installation.home.rpartition(":")[2])
    async with asyncio.timeout(60):
        while len(server_sides(port, LISTENING)) < 2:  # noqa: ASYNC110  # nothing of ours tells of it
            await asyncio.sleep(0.05)


async def test_web_processes_share_the_port_and_outlive_each_other(tmp_path: Path) -> None:
    installation = Installation(tmp_path, {"TELEMED_WEB_PROCESSES": "2"})
    await installation.start()
    await both_listen(installation)
    assert len(installation.role("web")) == 2
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as http:
        found = set()
        for _ in range(40):  # each a connection of its own, which either may take
            async with http.get(f"{installation.home}/metrics") as answer:
                text = await answer.text()
            found |= {place for place in "01" if f'role="web",process="{place}"' in text or f'process="{place}",role="web"' in text}
        assert found == {"0", "1"}
    killed = installation.role("web")[0]
    os.kill(killed, signal.SIGKILL)
    answered = 0
    async with asyncio.timeout(60):
        while answered < 20:
            try:
                answered += (await installation.call("clinic1", "GET", "/me"))[0] == 200
            except AWAY:  # a connection that the dead one had taken
                await asyncio.sleep(0.05)
    await both_listen(installation)
    assert killed not in installation.role("web")
    stream = await _listen(installation)
    await installation.stop()
    assert await stream == b""  # open streams are ended, not waited for
    assert installation.processes() == {}


async def _listen(installation: Installation) -> asyncio.Task[bytes]:
    """A live stream, open; the task ends when it does, with what came last."""
    token = installation.tokens["clinic1"]
    started = asyncio.Event()

    async def listen() -> bytes:
        address, sent = f"{installation.home}/api/v1/events", {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession() as http, http.get(address, headers=sent) as answer:
            started.set()
            while chunk := await answer.content.readany():
                pass
            return chunk

    task = asyncio.create_task(listen())
    await started.wait()
    return task

"""Several gateways on the one DICOM port: they share the work, and nobody notices when one of them dies."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.dicom_sender import SMALL, associate
from tests.dicom_gateway.campaign import CALLING, Platform, campaign
from tests.installation import Installation

pytestmark = pytest.mark.slow


def sockets_of(pid: int) -> set[str]:
    """What the open descriptors of a process point at."""
    return {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}


ESTABLISHED, LISTENING = "01", "0A"  # states in /proc/net/tcp


def server_sides(port: int, state: str) -> set[str]:
    """The sockets at `port` in `state`, named as in `/proc/PID/fd`."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {f"socket:[{words[9]}]" for words in lines if words[1].endswith(f":{port:04X}") and words[3] == state}


async def test_gateways_share_the_port(tmp_path: Path) -> None:
    installation = Installation(tmp_path, {"TELEMED_DICOM_PROCESSES": "2"})
    await installation.start()
    async with asyncio.timeout(30):  # the first one that listens makes the installation ready
        while len(server_sides(installation.dicom_port, LISTENING)) < 2:  # noqa: ASYNC110  # nothing of ours tells of it
            await asyncio.sleep(0.05)
    with ExitStack() as held:
        for _ in range(24):
            connection: socket.socket = associate(installation.dicom_port, CALLING, "TELEMED", SMALL)[0]
            held.callback(connection.close)
        ours = server_sides(installation.dicom_port, ESTABLISHED)
        shares = [len(sockets_of(pid) & ours) for pid in installation.role("gateway")]
    await installation.stop()
    assert len(shares) == 2
    assert sum(shares) == 24
    assert min(shares) > 0


async def test_nothing_acknowledged_is_lost_or_out_of_sight_when_one_gateway_is_killed(tmp_path: Path) -> None:
    total, faults = await campaign(Platform(tmp_path, ("one gateway",)), 2)
    assert total
    assert faults == []

"""Whatever ends an installation or a part of it: nothing is left behind, and the next start is an ordinary one."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.installation import Installation

pytestmark = pytest.mark.slow


async def until_gone(installation: Installation) -> None:
    """Wait until no process of the installation is left."""
    async with asyncio.timeout(60):
        while installation.processes():  # noqa: ASYNC110  # processes of another session cannot set an event
            await asyncio.sleep(0.05)


async def until_started_again(installation: Installation, before: set[int]) -> None:
    """Wait until three processes run that are none of those `before`."""
    async with asyncio.timeout(60):
        while len(set(installation.processes()) - before) < 3:  # noqa: ASYNC110  # as above
            await asyncio.sleep(0.05)
    await installation.ready()


async def is_served(installation: Installation) -> bool:
    return (await installation.call("clinic1", "GET", "/me"))[0] == 200


async def test_roles_that_die_the_supervisor_that_dies_and_both_ways_to_stop(tmp_path: Path) -> None:
    """One installation through all of it, as each start takes seconds."""
    installation = Installation(tmp_path)
    await installation.start()
    before = set(installation.processes())
    assert len(before) >= 4
    for role in ("web", "gateway", "worker"):
        installation.kill_role(role)
    await until_started_again(installation, before)
    assert await is_served(installation)
    os.killpg(installation.pid, signal.SIGINT)  # Ctrl-C reaches all of them
    assert await installation.ended() == 0
    await until_gone(installation)

    await installation.start()
    os.kill(installation.pid, signal.SIGKILL)  # the supervisor alone
    await installation.ended()
    await until_gone(installation)

    await installation.start()
    assert await is_served(installation)
    os.killpg(installation.pid, signal.SIGTERM)
    assert await installation.ended() == 0
    await until_gone(installation)

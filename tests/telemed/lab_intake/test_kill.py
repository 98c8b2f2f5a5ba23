"""SIGKILL while four systems send: what was acknowledged is there, and what is sent again is there once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.installation import Installation
from tests.telemed.lab_intake.senders import Sender, potassium, report, said

pytestmark = pytest.mark.slow

ROUNDS = 2
AWAY = (OSError, asyncio.IncompleteReadError, TimeoutError)


@pytest.fixture
async def installation(tmp_path: Path) -> AsyncIterator[Installation]:
    running = Installation(tmp_path / "data", {"TELEMED_MLLP_PROCESSES": "2"})
    await running.start()
    yield running
    await running.stop()


class Systems:
    """Four systems that send one message after the other, and call again when they are cut off, until they are stopped."""

    def __init__(self, installation: Installation) -> None:
        self.installation, self.sent = installation, 0
        self.acknowledged: set[int] = set()
        self._more = asyncio.Event()
        self.stopped = False

    @property
    def port(self) -> int:
        return int(self.installation.environment["TELEMED_MLLP_PORT"])

    def message(self, number: int) -> bytes:
        return report(f"S{number}", potassium(f"{3.6 + number % 15 / 10:.1f}"), patient=f"S{number % 7:04d}", order=f"K{number}")

    async def send_on(self) -> None:
        while not self.stopped:
            try:
                sender = await Sender.to(self.port)
            except OSError:
                await asyncio.sleep(0.1)
                continue
            with contextlib.suppress(*AWAY):
                while True:
                    number, self.sent = self.sent, self.sent + 1
                    if said(await sender.send(self.message(number))) == [f"AA S{number}"]:
                        self.acknowledged.add(number)
                        self._more.set()
            sender.writer.close()

    async def until(self, enough: int) -> None:
        """Wait until so many were acknowledged."""
        while len(self.acknowledged) < enough:
            self._more.clear()
            await self._more.wait()

    async def listening(self) -> Sender:
        async with asyncio.timeout(60):
            while True:
                try:
                    return await Sender.to(self.port)
                except OSError:
                    await asyncio.sleep(0.1)


async def test_what_was_acknowledged_outlives_a_kill_and_is_there_once(installation: Installation) -> None:
    systems = Systems(installation)
    for round_number in range(ROUNDS):
        await (await systems.listening()).close()
        enough = len(systems.acknowledged) + 20 + 7 * round_number
        systems.stopped = False
        sending = [asyncio.create_task(systems.send_on()) for _ in range(4)]
        await systems.until(enough)
        systems.stopped = True
        await installation.kill_all()
        await asyncio.gather(*sending)
        await installation.start()
    counted = "/lab/messages?sender=CLINIC1&control_prefix=S&count=true"
    _, before, _ = await installation.call("operator", "GET", counted)
    assert len(systems.acknowledged) <= before["count"] <= systems.sent
    sender = await systems.listening()
    for number in range(systems.sent):
        assert said(await sender.send(systems.message(number))) == [f"AA S{number}"]
    _, after, _ = await installation.call("operator", "GET", counted)
    assert after["count"] == systems.sent
    results = 0
    for patient in range(7):
        _, found, _ = await installation.call("clinic1", "GET", f"/lab/results?member=CLINIC1&patient=S{patient:04d}")
        results += len(found["items"])
    assert results == systems.sent
    await sender.close()

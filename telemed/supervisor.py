"""All roles of one host, each in a process of its own, started again when one dies."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from telemed.centres import extensions
from telemed.listening import SharedPort
from telemed.roles import all_roles
from telemed.settings import Settings

log = structlog.get_logger()

STOP_SECONDS = 15
TROUBLE = 5
TROUBLE_WITHIN = 30.0
"""A role that dies this often within so many seconds will not get well by itself: all stop, with its last word."""


def shared_ports(settings: Settings) -> list[SharedPort]:
    """Return the roles that run in several processes, as the settings say."""
    found = [
        SharedPort("gateway", settings.gateways, settings.host, settings.dicom_port, "TELEMED_DICOM_PORT"),
        SharedPort("web", settings.webs, settings.web_host, settings.http_port, "TELEMED_HTTP_PORT"),
    ]
    return found + [port for extension in extensions() if extension.shared_ports for port in extension.shared_ports(settings)]


CANNOT_START = 78
"""Exit status of a role that said in one sentence why it cannot start (EX_CONFIG of sysexits.h)."""


@dataclass(slots=True)
class Child:
    """One role's process and when it died before."""

    role: str
    process: asyncio.subprocess.Process | None = None
    deaths: list[float] = field(default_factory=list)

    def hopeless(self) -> bool:
        recent = [at for at in self.deaths if time.monotonic() - at < TROUBLE_WITHIN]
        return len(recent) >= TROUBLE


class Supervisor:
    """Starts the roles and keeps them running until told to stop."""

    def __init__(self, shared: Sequence[SharedPort] = ()) -> None:
        """`shared`: roles that run in several processes; of another there is one."""
        counts = {port.role: port.processes for port in shared}
        self._children = [Child(role) for role in all_roles() for _ in range(counts.get(role, 1))]
        self._stop = asyncio.Event()

    async def run(self) -> int:
        """Until SIGTERM or SIGINT, or until a role cannot run. Returns the exit status."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stop.set)
        keepers = [asyncio.create_task(self._keep(child)) for child in self._children]
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait([*keepers, stopping], return_when=asyncio.FIRST_COMPLETED)
        status = next((keeper.result() for keeper in keepers if keeper.done() and not keeper.cancelled()), 0)
        self._stop.set()
        await self._end_all()
        for task in (*keepers, stopping):
            task.cancel()
        await asyncio.gather(*keepers, stopping, return_exceptions=True)
        return status

    def stop(self) -> None:
        self._stop.set()

    async def stopping(self) -> None:
        """Returns when the roles are about to be ended."""
        await self._stop.wait()

    async def _keep(self, child: Child) -> int:
        while not self._stop.is_set():
            # The role watches the other end of this pipe: it ends with us, also when we are killed and can tell nobody.
            child.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "telemed", "serve", child.role, "--until-stdin-closes", stdin=asyncio.subprocess.PIPE
            )
            status = await child.process.wait()
            if self._stop.is_set():
                return 0
            child.deaths.append(time.monotonic())
            if status == CANNOT_START or child.hopeless():
                return status or 1
            log.error("role.died", role=child.role, status=status)
            await asyncio.sleep(min(2.0, 0.2 * len(child.deaths)))
        return 0

    async def _end_all(self) -> None:
        running = [child.process for child in self._children if child.process and child.process.returncode is None]
        for process in running:
            process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.gather(*(process.wait() for process in running))
        except TimeoutError:
            for process in running:
                if process.returncode is None:
                    process.kill()

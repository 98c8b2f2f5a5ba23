"""An installation as processes of its own, to be killed and started again: `telemed demo --empty`, or one that was set up."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from telemed.demo.region import PASSWORD
from tests.demo_region import free_port

ROOT = Path(__file__).resolve().parents[1]
AWAY = (aiohttp.ClientError, ConnectionError, TimeoutError)
"""What a client sees while the web process is gone."""


class Installation:
    """One installation in a folder, on free ports. `settings` are further `TELEMED_` variables, `command` is what starts it."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None, command: Sequence[str] = ("demo", "--empty")) -> None:
        self.command = command
        self.dicom_port, http_port = free_port(), free_port()
        self.home = f"http://127.0.0.1:{http_port}"
        ports = {"TELEMED_HTTP_PORT": str(http_port), "TELEMED_DICOM_PORT": str(self.dicom_port), "TELEMED_MLLP_PORT": str(free_port())}
        self.environment = os.environ | ports | {"TELEMED_DATA_DIR": str(folder), "PYTHONPATH": str(ROOT)} | dict(settings or {})
        self.tokens: dict[str, str] = {}
        self.log = folder.with_name(f"{folder.name}.log")

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "telemed", *self.command, cwd=ROOT, env=self.environment, start_new_session=True,
                stdout=log, stderr=log,
            )  # fmt: skip
        await self.ready()

    async def ready(self) -> None:
        """Wait until web and gateway take connections."""
        async with aiohttp.ClientSession() as http, asyncio.timeout(90):
            while True:
                if self._process.returncode is not None:
                    raise AssertionError(f"it stopped by itself, with the words: {self.log.read_text()[-2000:]}")
                try:
                    async with http.get(f"{self.home}/readyz") as answer:
                        if answer.status == 200:
                            _, writer = await asyncio.open_connection("127.0.0.1", self.dicom_port)
                            writer.close()
                            return
                except (*AWAY, OSError):
                    pass
                await asyncio.sleep(0.1)

    async def kill_all(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    @property
    def pid(self) -> int:
        """The supervisor, whose group all its processes are in."""
        return self._process.pid

    async def ended(self) -> int:
        """Wait until the supervisor has ended; its exit status."""
        return await asyncio.wait_for(self._process.wait(), 60)

    def processes(self) -> dict[int, list[str]]:
        """The command line of every process of the group that still runs."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
                group = os.getpgid(int(folder.name))
            except OSError:
                continue
            if group == self.pid and words:  # what has ended and waits to be noticed has no words
                found[int(folder.name)] = words
        return found

    def role(self, role: str) -> list[int]:
        """The processes of one role."""
        return [pid for pid, words in self.processes().items() if words[1:5] == ["-m", "telemed", "serve", role]]

    def kill_role(self, role: str) -> None:
        """SIGKILL to all processes of one role; the supervisor starts them again."""
        for pid in self.role(role):
            os.kill(pid, signal.SIGKILL)

    async def stop(self) -> None:
        if self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), 30)
            except TimeoutError:
                await self.kill_all()

    async def sign_in(self, username: str) -> str:
        async with aiohttp.ClientSession() as http:
            body = {"username": username, "password": PASSWORD}
            async with http.post(f"{self.home}/api/v1/login", json=body) as answer:
                return str((await answer.json())["token"])

    async def call(
        self, username: str, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Status, content (decoded JSON, or bytes) and headers. Raises one of AWAY while nobody answers."""
        if username not in self.tokens:
            self.tokens[username] = await self.sign_in(username)
        sent = {"Authorization": f"Bearer {self.tokens[username]}", **(headers or {})}
        parts = {"data": body} if isinstance(body, aiohttp.FormData) else {"json": body} if body is not None else {}
        address, patience = f"{self.home}/api/v1{path}", aiohttp.ClientTimeout(60)
        async with aiohttp.ClientSession(timeout=patience) as http, http.request(method, address, headers=sent, **parts) as answer:
            content = await answer.json() if "json" in answer.content_type else await answer.read()
            return answer.status, content, dict(answer.headers)

    async def run(self, *arguments: str) -> tuple[int, str]:
        """Exit status and words of a command of `telemed`."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "telemed", *arguments, cwd=ROOT, env=self.environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        words, _ = await process.communicate()
        return process.returncode or 0, words.decode()

    async def verify(self) -> tuple[int, str]:
        """Exit status and words of `telemed verify`."""
        return await self.run("verify")

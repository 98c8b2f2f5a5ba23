"""An upload goes on after every process of the installation was killed in the middle of it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from telemed.demo.region import PASSWORD
from tests.demo_region import free_port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
CONTENT = b"%PDF-1.7\n" + bytes(20 * 1024 * 1024)
TUS = {"Tus-Resumable": "1.0.0"}


class Installation:
    """`telemed demo --empty` as processes of their own."""

    def __init__(self, folder: Path) -> None:
        self.home = f"http://127.0.0.1:{(port := free_port())}"
        ports = {"TELEMED_HTTP_PORT": str(port), "TELEMED_DICOM_PORT": str(free_port()), "TELEMED_MLLP_PORT": str(free_port())}
        self._environment = os.environ | ports | {"TELEMED_DATA_DIR": str(folder), "PYTHONPATH": str(ROOT)}

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "telemed",
            "demo",
            "--empty",
            cwd=ROOT,
            env=self._environment,
            start_new_session=True,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with aiohttp.ClientSession() as http, asyncio.timeout(90):
            while self._process.returncode is None:
                try:
                    async with http.get(f"{self.home}/readyz") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    await asyncio.sleep(0.1)
        raise AssertionError("it stopped by itself")

    async def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()


async def test_an_upload_goes_on_after_a_kill(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    await installation.start()
    try:
        async with aiohttp.ClientSession(installation.home) as http:
            login = await http.post("/api/v1/login", json={"username": "clinic1", "password": PASSWORD})
            http.headers["Authorization"] = f"Bearer {(await login.json())['token']}"
            request = {"centre": "consultation", "patient": {"name": "张伟"}, "request": {}}
            case = (await (await http.post("/api/v1/cases", json=request)).json())["id"]
            metadata = f"case {base64.b64encode(case.encode()).decode()},filename {base64.b64encode(b'a.pdf').decode()}"
            headers = TUS | {"Upload-Length": str(len(CONTENT)), "Upload-Metadata": metadata}
            url = (await http.post("/api/v1/uploads", headers=headers)).headers["Location"]
            taken = asyncio.Event()
            sending = asyncio.create_task(_send(http, url, _slowly(CONTENT, taken), 0))
            await _wait_for_bytes(http, url)
            await installation.kill()
            taken.set()
            with pytest.raises(aiohttp.ClientError):
                await sending

            await installation.start()
            offset = int((await http.head(url, headers=TUS)).headers["Upload-Offset"])
            assert 0 < offset < len(CONTENT)
            assert await _send(http, url, CONTENT[offset:], offset) == 204
            evidence = (await (await http.get(f"/api/v1/cases/{case}/evidence")).json())["items"]
            assert [e["sha256"] for e in evidence] == [hashlib.sha256(CONTENT).hexdigest()]
    finally:
        await installation.kill()


async def _slowly(content: bytes, go_on: asyncio.Event) -> AsyncIterator[bytes]:
    """Two thirds of it at once, the rest when told to."""
    half = len(content) * 2 // 3
    for start in range(0, half, 65536):
        yield content[start : min(start + 65536, half)]
    await go_on.wait()
    yield content[half:]


async def _send(http: aiohttp.ClientSession, url: str, content: bytes | AsyncIterator[bytes], offset: int) -> int:
    headers = TUS | {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
    data = _slowly(content, _now()) if isinstance(content, bytes) else content
    async with http.patch(url, data=data, headers=headers) as answer:
        return answer.status


def _now() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


async def _wait_for_bytes(http: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(30):
        while (await http.head(url, headers=TUS)).headers["Upload-Offset"] == "0":  # noqa: ASYNC110  # another process cannot set an event
            await asyncio.sleep(0.05)

"""HAProxy and nginx as `deploy/` configures them, in front of a running installation; only ports, names and waits are a test's own."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.demo_region import free_port
from tests.installation import ROOT, Installation

NAME = "localhost"
"""The name in the proxy's certificate, in the place of telemed.example."""
QUICK = {"haproxy": {"http-request 20s": "http-request 2s", "body time 60s": "body time 3s"}, "nginx": {"timeout 20s": "timeout 2s", "body_timeout 60s": "body_timeout 3s"}}  # fmt: skip
"""Waits for slow clients, short enough to be waited for: far shorter than the product's own."""
FEW = {"haproxy": {"gt 256": "gt 4"}, "nginx": {"by_address 256": "by_address 4"}}
"""Connections of one address."""
_IPV6 = re.compile(r"^\s*(listen \[::\]|bind :::).*\n", re.MULTILINE)


@dataclass
class Proxy:
    """One that runs. `home` is where browsers go, `plain` its door without TLS."""

    name: str
    https: int
    http: int
    dicom: int
    trust: ssl.SSLContext
    pid: int

    @property
    def home(self) -> str:
        return f"https://{NAME}:{self.https}"

    @property
    def plain(self) -> str:
        return f"http://{NAME}:{self.http}"

    def processes(self) -> list[int]:
        """The first process and those that it started."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]

    def resident(self) -> int:
        """Bytes of memory of all its processes together."""
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.processes())
        return pages * os.sysconf("SC_PAGE_SIZE")

    def written(self) -> int:
        """Bytes that its processes have had written to disks."""
        return sum(
            int(re.findall(r"^write_bytes: (\d+)", Path(f"/proc/{pid}/io").read_text(), re.MULTILINE)[0]) for pid in self.processes()
        )

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A bare TLS connection."""
        return await asyncio.open_connection("127.0.0.1", self.https, ssl=self.trust, server_hostname=NAME)


def need(name: str) -> None:
    """Skip the test where the proxy is not installed."""
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed here: its configuration cannot be tried (apt install haproxy nginx libnginx-mod-stream)")
    if name == "nginx" and not list(Path("/etc/nginx/modules-enabled").glob("*stream*")):
        pytest.skip("nginx has no stream module here (apt install libnginx-mod-stream)")


def placed(text: str, changes: Mapping[str, str]) -> str:
    """The configuration with a test's own values; each stands in it."""
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def make_certificate(folder: Path, name: str = NAME, days: int = 365) -> tuple[Path, Path]:
    """A certificate signed by itself, and its key; `tls.pem` beside them has both."""
    certificate, key = folder / "tls.crt", folder / "tls.key"
    words = [
        "-days",
        str(days),
        "-subj",
        f"/CN={name}",
        "-addext",
        f"subjectAltName=DNS:{name}",
        "-keyout",
        str(key),
        "-out",
        str(certificate),
    ]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *words], stderr=subprocess.DEVNULL, check=True)
    (folder / "tls.pem").write_text(certificate.read_text() + key.read_text())
    return certificate, key


def configured(name: str, of: Installation, folder: Path, ports: tuple[int, int, int], changes: Mapping[str, str]) -> list[str]:
    """The command that starts the proxy: its configuration lies in the folder, beside its certificate."""
    folder.mkdir()
    certificate, key = make_certificate(folder)
    https, http, dicom = ports
    own = {"telemed.example": NAME, "127.0.0.1:8080": of.home.removeprefix("http://"), "127.0.0.1:11112": f"127.0.0.1:{of.dicom_port}"}
    if name == "nginx":
        file, command = "nginx.conf", ["nginx", "-e", f"{folder}/error.log", "-g", "daemon off;", "-c"]
        own |= {"listen 443": f"listen {https}", "listen 80": f"listen {http}", "listen 2762": f"listen {dicom}"}
        own |= {"/etc/telemed/tls.crt": str(certificate), "/etc/telemed/tls.key": str(key), "/run/nginx.pid": f"{folder}/nginx.pid"}
        own |= {"/var/log/nginx/": f"{folder}/"} | ({} if os.geteuid() == 0 else {"user www-data;": ""})
    else:
        file, command = "haproxy.cfg", ["haproxy", "-db", "-f"]
        own |= {"bind :443": f"bind :{https}", "bind :80": f"bind :{http}", "bind :2762": f"bind :{dicom}"}
        own |= {"/etc/telemed/tls.pem": str(folder / "tls.pem")}
        own |= {} if os.geteuid() == 0 else {"    user haproxy\n    group haproxy\n": ""}
    text = _IPV6.sub("", (ROOT / "deploy" / file).read_text())
    (folder / file).write_text(placed(text, own | dict(changes)))
    return [*command, str(folder / file)]


@asynccontextmanager
async def in_front(name: str, of: Installation, folder: Path, changes: Mapping[str, str] | None = None) -> AsyncIterator[Proxy]:
    """The proxy, running, until the end of the block."""
    ports = (free_port(), free_port(), free_port())
    command = configured(name, of, folder, ports, changes or {})
    with (folder / "words").open("wb") as words:
        process = await asyncio.create_subprocess_exec(*command, stdout=words, stderr=words)
    try:
        await _listening(process, ports[0], folder)
        yield Proxy(name, *ports, ssl.create_default_context(cafile=str(folder / "tls.crt")), process.pid)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _listening(process: asyncio.subprocess.Process, port: int, folder: Path) -> None:
    async with asyncio.timeout(30):
        while True:
            if process.returncode is not None:
                raise AssertionError(f"it did not start: {(folder / 'words').read_text()[-2000:]}")
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return

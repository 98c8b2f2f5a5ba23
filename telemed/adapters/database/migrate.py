"""Bring the database to the newest schema. Several starters at once are let in one after the other."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import AsyncEngine

MIGRATION_LOCK = 0x7E1E_4ED1


async def migrate(engine: AsyncEngine, folders: Sequence[Path] = ()) -> None:
    """Apply what is missing, in one transaction. Revisions of the centres lie in `folders`, each a branch of its own."""
    async with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        await connection.run_sync(_upgrade, folders)


def configuration(connection: sa.Connection, folders: Sequence[Path] = ()) -> Config:
    """Return Alembic's configuration for the platform's revisions and those in `folders`."""
    own = str(files("telemed.adapters.database") / "migrations")
    config = Config()
    config.set_main_option("script_location", own)
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", os.pathsep.join([f"{own}/versions", *map(str, folders)]))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: sa.Connection, folders: Sequence[Path]) -> None:
    command.upgrade(configuration(connection, folders), "heads")

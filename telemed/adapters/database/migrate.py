"""Bring the database to the newest schema. Several starters at once are let in one after the other."""

from __future__ import annotations

from importlib.resources import files

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import AsyncEngine

MIGRATION_LOCK = 0x7E1E_4ED1


async def migrate(engine: AsyncEngine) -> None:
    """Apply what is missing, in one transaction."""
    async with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        await connection.run_sync(_upgrade)


def _upgrade(connection: sa.Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(files("telemed.adapters.database") / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")

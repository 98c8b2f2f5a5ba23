"""The key of the confidential columns, held against the database before anybody works with either."""

from __future__ import annotations

import asyncio
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from telemed.adapters.database import tables as t
from telemed.adapters.database.columns import Confidential
from telemed.adapters.database.confidential import IdentityKeyUnusable, Sealer


async def guard(engine: AsyncEngine, key_file: Path) -> Sealer:
    """Give the engine the key and return it; a new installation's is made. Raises IdentityKeyUnusable for a key that is none, is missing,
    or is another database's: with it nobody's number would be found again, and what is written would open with neither."""
    sealed = await _something_sealed(engine)
    if sealed and not await asyncio.to_thread(key_file.exists):
        raise IdentityKeyUnusable(
            f"{key_file} is missing, and the database holds what was sealed with it: put it back from the backup of keys."
        )
    sealer = await asyncio.to_thread(Sealer.of, key_file)
    try:
        sealer.open(sealed)
    except ValueError:
        raise IdentityKeyUnusable(f"{key_file} is not the key of this database: put the right one back from the backup of keys.") from None
    sealer.guard(engine.dialect)
    return sealer


async def _something_sealed(engine: AsyncEngine) -> str:
    """One sealed text as it lies in the database; empty where there is none yet."""
    columns = [column for table in t.metadata.sorted_tables for column in table.c if isinstance(column.type, Confidential)]
    async with engine.connect() as bare:
        connection = await bare.execution_options(reading=True)
        for column in columns:
            raw = sa.type_coerce(column, sa.String)
            found = (await connection.execute(sa.select(raw).where(raw != "").limit(1))).scalar()
            if found:
                return str(found)
    return ""

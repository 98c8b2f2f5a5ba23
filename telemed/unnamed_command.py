"""`telemed unnamed`: objects that no row names, as the worker's walks noted them."""

from __future__ import annotations

import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from storage import open_store
from telemed.adapters.clock import utc_now
from telemed.adapters.database import engine as database
from telemed.adapters.database import tables as t
from telemed.adapters.database.engine import make_engine
from telemed.adapters.object_sweep import MAX_NOTED, ObjectSweep
from telemed.adapters.stored_objects import rows_of
from telemed.bootstrap import stored_objects
from telemed.centres import extensions
from telemed.settings import Settings


async def show_unnamed(settings: Settings, console: Console) -> None:
    """Print key, kind and time of each."""
    engine = make_engine(settings.database)
    try:
        await database.check(engine)
        rows = await rows_of(engine, sa.select(t.unnamed_object).order_by(t.unnamed_object.c.key).limit(MAX_NOTED))
    finally:
        await engine.dispose()
    table = Table("key", "kind", "found at (UTC)")
    for row in rows:
        table.add_row(row["key"], row["noun"], f"{row['found_at']:%Y-%m-%d %H:%M}")
    console.print(table)


async def remove_unnamed(settings: Settings) -> int:
    """Remove those that were noted a day ago and are still unnamed, however many they are. Returns how many."""
    engine, store = make_engine(settings.database), open_store(settings.storage, settings.store_keys)
    removed = 0
    try:
        await database.check(engine)
        sweep = ObjectSweep(engine, store, stored_objects(extensions()))
        while some := await sweep.remove(utc_now(), MAX_NOTED):
            removed += some
    finally:
        await engine.dispose()
        await store.close()
    return removed

"""`telemed unnamed`: what the worker found, listed and, when told so, removed however much it is."""

from __future__ import annotations

import io
import os
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from rich.console import Console

from storage import open_store
from telemed.adapters.clock import utc_now
from telemed.adapters.database import tables as t
from telemed.adapters.database.engine import make_engine
from telemed.adapters.database.migrate import migrate
from telemed.adapters.object_sweep import MAX_UNNAMED
from telemed.centres import migrations
from telemed.settings import Settings
from telemed.unnamed_command import remove_unnamed, show_unnamed


async def test_they_are_listed_and_removed_when_told_so(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    engine, store = make_engine(settings.database), open_store(settings.storage)
    await migrate(engine, migrations())
    keys = [f"uploads/none/{number:04}" for number in range(MAX_UNNAMED + 1)]
    long_ago = utc_now() - timedelta(days=2)
    await store.put_many([(key, b"x") for key in keys])
    for path in (tmp_path / "objects").rglob("uploads/none/*"):
        _make_older(path, days=3)
    await store.put("evidence/none/young", b"x")
    gone = [f"evidence/none/{number}" for number in range(120)]
    rows = [{"key": key, "noun": "upload", "found_at": long_ago} for key in [*keys, "evidence/none/young", *gone]]
    async with engine.begin() as connection:
        await connection.execute(sa.insert(t.unnamed_object), rows)
    printed = io.StringIO()
    await show_unnamed(settings, Console(file=printed, width=200))
    assert all(key in printed.getvalue() for key in keys)
    assert await remove_unnamed(settings) == len(keys)
    assert [key async for key in store.list()] == ["evidence/none/young"]
    printed = io.StringIO()
    await show_unnamed(settings, Console(file=printed, width=200))
    assert "none" not in printed.getvalue()
    await engine.dispose()
    await store.close()


def _make_older(path: Path, days: float) -> None:
    then = (utc_now() - timedelta(days=days)).timestamp()
    os.utime(path, (then, then))

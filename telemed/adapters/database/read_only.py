"""The database for who only looks, also where its folder cannot be written: a copy on a medium that is written once.

SQLite in WAL mode keeps two files beside the database, which even a reader writes. Where the folder cannot be written, what is to be
done depends on what was left there:

- both files: a reader can do with them as they are;
- a log that is not empty, and no index of it: the newest transactions are in the log alone, so both are copied to where temporary
  files are, and read there;
- no log: the database file is all there is, and nobody can change it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from telemed.adapters.database.engine import DatabaseUnavailable, async_url, check, make_engine


@asynccontextmanager
async def opened_to_read(url: str) -> AsyncIterator[AsyncEngine]:
    """An engine that nothing is to be written by. Raises DatabaseUnavailable with a plain sentence."""
    file = _unwritable_file(url)
    if file is None:
        engine = make_engine(url)
        try:
            await check(engine)
            yield engine
        finally:
            await engine.dispose()
        return
    with tempfile.TemporaryDirectory(prefix="telemed-") as folder:
        place = await asyncio.to_thread(_readable, file, Path(folder))
        engine = make_engine(f"sqlite:///{place}", read_only=True)
        try:
            yield engine
        finally:
            await engine.dispose()


def _unwritable_file(url: str) -> Path | None:
    """The SQLite file of `url`, if neither it nor files beside it can be written; None for any other database."""
    url = async_url(url)
    if not url.startswith("sqlite+aiosqlite:"):
        return None
    database = make_url(url).database
    file = Path(database) if database else None
    if file is None or not file.is_file() or (os.access(file.parent, os.W_OK) and os.access(file, os.W_OK)):
        return None
    return file


def _readable(file: Path, spare: Path) -> str:
    """Return the place of the database for SQLAlchemy's URL. Raises DatabaseUnavailable."""
    log, index = (file.with_name(f"{file.name}-{end}") for end in ("wal", "shm"))
    tried: list[str] = []
    if index.exists() and log.exists():
        tried.append("mode=ro")
    if not log.exists() or log.stat().st_size == 0:
        tried.append("immutable=1")
    reason = ""
    for way in tried:
        try:
            _ask(file, way)
        except sqlite3.Error as error:
            reason = str(error)
        else:
            return f"file:{quote(str(file))}?{way}&uri=true"
    try:
        copy = spare / file.name
        for source in (file, log):
            if source.exists():
                shutil.copyfile(source, copy.with_name(source.name))
        _ask(copy, "mode=rw")
    except (OSError, sqlite3.Error) as error:
        raise DatabaseUnavailable(f"The database {file} cannot be read: {reason or error}") from None
    return f"file:{quote(str(copy))}?mode=rw&uri=true"


def _ask(file: Path, way: str) -> None:
    connection = sqlite3.connect(f"file:{quote(str(file.resolve()))}?{way}", uri=True)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    finally:
        connection.close()

"""Backups of the installation that the settings name: one at a time, each on record."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from dicom_gateway.compact import CompactStore
from storage import StorageError, open_store
from storage.errors import DamagedObject
from telemed import VERSION
from telemed.adapters.audit.anchor_key import AnchorKeyUnusable, AnchorSigner, load_signer
from telemed.adapters.backup.key_box import KeyPlace, keys_in
from telemed.adapters.backup.layout import BackupRefused
from telemed.adapters.backup.making import BackupRun, Report, Source
from telemed.adapters.backup.object_copy import Progress
from telemed.adapters.backup.pruning import prune
from telemed.adapters.backup.schedule import last_due
from telemed.adapters.backup.target import Target, open_to_write, private_folder, remove_folder, target_url
from telemed.adapters.backup.tombstones import Stones, apply_again
from telemed.adapters.clock import utc_now
from telemed.adapters.database import tables as t
from telemed.adapters.database.engine import check, make_engine
from telemed.adapters.database.migrate import migrate
from telemed.adapters.database.repositories.region import load_region
from telemed.adapters.database.unit_of_work import writing
from telemed.adapters.retention.erasing import Erasing
from telemed.adapters.stored_objects import StoredObjects
from telemed.centres import discover, migrations
from telemed.settings import Settings

LOCK: Final = 0x7E1E_4ED2
"""PostgreSQL advisory lock of the backup that is under way; with SQLite it is a lock on a file of the data folder."""

UNDER_WAY: Final = "Another backup of this installation is under way: wait until it has ended."


def shown(url: str) -> str:
    """Return the address of a target without the keys that it may carry."""
    parts = urlsplit(url)
    query = urlencode([(name, value) for name, value in parse_qsl(parts.query) if name in ("endpoint", "prefix")], safe=":/")
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))


def without_secrets(settings: Settings) -> dict[str, Any]:
    """Return the settings for who restores: no password, no key, no passphrase."""
    found: dict[str, Any] = {}
    for name, value in settings:
        if isinstance(value, SecretStr) or name == "s3_access_key":
            continue
        found[name] = " ".join(shown(part) if "@" in part else part for part in str(value).split(" "))
    return found


@dataclass(frozen=True, slots=True)
class Plan:
    """Where a backup lies, how many snapshots stay, where its keys go, and the file with their passphrase."""

    place: str
    keep: int
    keys: str = ""
    passphrase_file: Path | None = None
    known: bool = False
    """A backup was made there before: where none is now, the disk is not mounted, or another one is."""

    def passphrase(self, settings: Settings) -> str:
        """Return the first line of the file, or what the settings name. Raises BackupRefused."""
        if self.passphrase_file is None:
            return settings.backup_passphrase.get_secret_value()
        try:
            first = self.passphrase_file.read_text(encoding="utf-8").splitlines()[:1]
        except (OSError, UnicodeDecodeError) as error:
            raise BackupRefused(f"The file with the passphrase, {self.passphrase_file}, cannot be read: {error}.") from None
        if not first or not first[0].strip():
            raise BackupRefused(f"The file with the passphrase, {self.passphrase_file}, is empty.")
        return first[0].strip()


async def make(settings: Settings, plan: Plan, objects: Sequence[StoredObjects], now: datetime, progress: Progress) -> Report:
    """Make a snapshot and let old ones go. On record in the database, whether it succeeds or not.

    Raises BackupRefused, DatabaseUnavailable, StorageError with a plain sentence; the snapshots before are as they were.
    """
    url = target_url(plan.place)
    engine = make_engine(settings.database, pool_size=2)
    try:
        await check(engine)
        async with _alone(engine, settings):
            try:
                report = await _made(settings, plan, objects, now, progress)
            except (BackupRefused, StorageError) as error:
                await _record(engine, url, Report(started_at=now), str(error))
                raise
            await _record(engine, url, report, "")
    finally:
        await engine.dispose()
    return report


async def _made(settings: Settings, plan: Plan, objects: Sequence[StoredObjects], now: datetime, progress: Progress) -> Report:
    passphrase, keys = plan.passphrase(settings), settings.store_keys
    own = [settings.data_dir, *([Path(urlsplit(settings.storage).path)] if settings.storage.startswith("file:") else [])]
    async with AsyncExitStack() as opened:
        target = Target(await asyncio.to_thread(open_to_write, target_url(plan.place), keys, own))
        opened.push_async_callback(target.close)
        apart = await asyncio.to_thread(open_to_write, target_url(plan.keys), keys, own) if plan.keys else None
        if apart is not None:
            opened.push_async_callback(apart.close)
        store = CompactStore(open_store(settings.storage, keys, read_only=True))
        opened.push_async_callback(store.close)
        folder = private_folder()
        opened.push_async_callback(asyncio.to_thread, remove_folder, folder)
        own_keys, signer = await asyncio.to_thread(keys_in, settings.data_dir / "keys"), await asyncio.to_thread(_signer, settings)
        source = Source(settings.database, store, objects, own_keys, without_secrets(settings), VERSION, signer)
        if plan.known and await target.marker() is None:
            raise BackupRefused("The backup that was made there before is gone: is the disk mounted? Nothing was written.")
        await target.claim(source.identity)
        if apart is not None:
            await Target(apart).claim(source.identity)
        report = await BackupRun(source, target, folder, progress).make(now, KeyPlace(passphrase, apart))
        try:
            report.removed, report.freed = await prune(target, plan.keep, folder, progress)
        except DamagedObject as damaged:
            report.warnings.append(f"nothing was removed: {damaged}. Look at it with telemed backup --check")
        report.ended_at = utc_now()
        return report


async def make_if_due(settings: Settings, objects: Sequence[StoredObjects], now: datetime) -> None:
    """Make the backup that the settings ask for, unless a run before has made it: a job may be repeated.

    Raises BackupRefused, StorageError; the job is tried again then.
    """
    engine = make_engine(settings.database, pool_size=1)
    due = last_due(now, settings.backup_times, ZoneInfo(settings.time_zone))
    r, target = t.backup_run.c, shown(target_url(settings.backup))[:500]
    try:
        async with engine.connect() as bare:
            connection = await bare.execution_options(reading=True)
            made = (await connection.execute(sa.select(r.id).where(r.started_at >= due, r.error == "").limit(1))).first()
            before = (await connection.execute(sa.select(r.id).where(r.target == target, r.error == "").limit(1))).first()
    finally:
        await engine.dispose()
    if made is None:
        plan = Plan(settings.backup, settings.backup_keep, settings.backup_keys, known=before is not None)
        await make(settings, plan, objects, now, lambda what, done, total: None)


def _signer(settings: Settings) -> AnchorSigner | None:
    if not settings.anchor_key.exists():
        return None
    try:
        return load_signer(settings.anchor_key, make=False)
    except AnchorKeyUnusable:
        return None  # the worker says it; a backup without a signature is one all the same


@asynccontextmanager
async def _alone(engine: AsyncEngine, settings: Settings) -> AsyncIterator[None]:
    """Hold the lock of backups, which ends with the process, however that ends. Raises BackupRefused."""
    if engine.dialect.name == "postgresql":
        async with engine.connect() as connection:
            if not (await connection.execute(sa.select(sa.func.pg_try_advisory_lock(LOCK)))).scalar_one():
                raise BackupRefused(UNDER_WAY)
            await connection.commit()
            try:
                yield
            finally:
                await connection.execute(sa.select(sa.func.pg_advisory_unlock(LOCK)))
        return
    descriptor = os.open(settings.data_dir / "backup.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise BackupRefused(UNDER_WAY) from None
    try:
        yield
    finally:
        os.close(descriptor)


async def _record(engine: AsyncEngine, url: str, report: Report, error: str) -> None:
    row = {
        "started_at": report.started_at,
        "ended_at": report.ended_at or utc_now(),
        "target": shown(url)[:500],
        "snapshot": report.snapshot if not error else "",
        "objects": report.objects,
        "bytes": report.bytes + report.database_bytes,
        "copied_bytes": report.copied_bytes,
        "faults": len(report.faults),
        "error": error[:500],
    }
    async with engine.begin() as connection:
        await connection.execute(sa.insert(t.backup_run).values(row))


async def migrated(settings: Settings) -> None:
    """Bring a restored database to this version's schema."""
    engine = make_engine(settings.database)
    try:
        await migrate(engine, migrations())
    finally:
        await engine.dispose()


async def sessions_ended(settings: Settings) -> int:
    """End all sessions in a restored installation: one that was ended after the snapshot is not to open a door again. Returns how many."""
    engine = make_engine(settings.database)
    try:
        async with engine.begin() as connection:
            await connection.execute(sa.delete(t.half_session))
            return int((await connection.execute(sa.delete(t.session))).rowcount)
    finally:
        await engine.dispose()


async def erased_again(settings: Settings, stones: Stones, objects: Sequence[StoredObjects]) -> int:
    """Erase in a restored installation what was erased since its snapshot. Returns how many records."""
    if not stones.erasures:
        return 0
    engine = make_engine(settings.database)
    store = CompactStore(await asyncio.to_thread(open_store, settings.storage, settings.store_keys))
    try:
        async with engine.connect() as bare:
            region = await load_region(await bare.execution_options(reading=True), discover(), settings.time_zone)
        return await apply_again(engine, stones, Erasing(engine, store, objects, partial(writing, engine, region)))
    finally:
        await store.close()
        await engine.dispose()

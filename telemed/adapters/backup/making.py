"""Making a backup while everything runs.

The database comes first, as it is at one moment; then the objects that it names. Objects are never changed, and are stored before
a record names them, so all of them are there but those that were removed in between (a draft's file, an upload that was given up):
then the database is looked at once more, which by now names them no longer. What the database still names then is missing in the
installation itself: the backup is made, and says so.

What was acknowledged to a modality and is not in the database yet is waited for before. Notes of the audit trail's end are listed
before the database is looked at, so that none tells of records that the copy does not have.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from dicom_gateway.compact import CompactStore
from dicom_gateway.index_barrier import IndexBarrier
from storage import ObjectMissing
from storage.errors import DamagedObject
from storage.local import LocalStore
from storage.pieces import PIECE
from storage.watermark import WatermarkReader
from telemed.adapters.audit.anchor_key import AnchorSigner
from telemed.adapters.audit.anchors import FOLDER as ANCHORS
from telemed.adapters.backup.catalogue import Catalogue
from telemed.adapters.backup.database_copy import moment_of
from telemed.adapters.backup.key_box import IDENTITY, KeyPlace, digests, put_keys
from telemed.adapters.backup.layout import (
    FORM,
    BackupRefused,
    DatabaseCopy,
    Manifest,
    configuration_key,
    list_key,
    manifest_key,
    signature_key,
    snapshot_name,
)
from telemed.adapters.backup.object_copy import ObjectCopy, Progress, name_objects
from telemed.adapters.backup.target import Target
from telemed.adapters.stored_objects import StoredObjects

ROUNDS: Final = 5
"""Looks at the database: what was removed meanwhile is named by the next one no longer."""
NAMED_FAULTS: Final = 100
NOT_INDEXED: Final = (
    "images that were acknowledged are not in the index yet, and not in this backup: start telemed serve, and back up again"
)


@dataclass(frozen=True, slots=True)
class Source:
    """The installation: `objects` are all kinds of objects that its records name, `configuration` its settings without secrets."""

    database: str
    store: CompactStore
    objects: Sequence[StoredObjects]
    keys: Mapping[str, bytes]
    configuration: Mapping[str, object]
    version: str
    signer: AnchorSigner | None = None

    @property
    def identity(self) -> str:
        """Return what the installation is known by. Raises BackupRefused where it has no key yet."""
        if IDENTITY not in self.keys:
            raise BackupRefused("The installation has no key of confidential columns (keys/identity.key) yet: start it once before.")
        return digests(self.keys)[IDENTITY]


@dataclass(slots=True)
class Report:
    """What a run did. Sizes in bytes. `faults`: what the installation itself does not have as it is on record."""

    snapshot: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    objects: int = 0
    bytes: int = 0
    database_bytes: int = 0
    copied_objects: int = 0
    copied_bytes: int = 0
    keys: str = ""
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    freed: int = 0


class BackupRun:
    """One run into a target that was claimed. Temporary files go to `folder`."""

    def __init__(self, source: Source, target: Target, folder: Path, progress: Progress) -> None:
        self._source, self._target, self._folder, self._progress = source, target, folder, progress
        self._catalogue = Catalogue(folder / "catalogue.db")
        self._objects = ObjectCopy(source.store, target.pool, self._catalogue, progress)
        self._list = folder / "objects.jsonl.gz"
        self.report = Report()

    async def make(self, now: datetime, keys: KeyPlace) -> Report:
        """Make a snapshot. When this returns it is whole and durable; whatever ends it before leaves those before as they were.

        Raises BackupRefused, DatabaseUnavailable, StorageError.
        """
        report = self.report
        report.started_at, report.keys = now, keys.kept
        names = await self._target.names()
        report.snapshot = next_name(now, names[-1] if names else "")
        async for pool_keys in self._target.pool.listed():
            await asyncio.to_thread(self._catalogue.note, pool_keys)
        if names:
            await self._remember(names[-1])
        try:
            database = await self._copied()
            await self._commit(database, now, keys)
        finally:
            self._catalogue.close()
        return report

    async def _remember(self, snapshot: str) -> None:
        """What the snapshot before had: an object without a digest on record need not be read again."""
        try:
            manifest, _ = await self._target.manifest(snapshot)
            async for lines in self._target.lines(snapshot, manifest.list_sha256, self._folder):
                found = [(line.key, line.digest, line.size) for line in lines]
                await asyncio.to_thread(self._catalogue.remember, found)
        except (DamagedObject, ObjectMissing) as error:
            self.report.warnings.append(f"the snapshot before, {snapshot}, is damaged ({error}): look at it with telemed backup --check")

    async def _copied(self) -> DatabaseCopy:
        """Copy database and objects, again where objects went meanwhile."""
        new_bytes, before = 0, frozenset[str]()
        for number in range(ROUNDS):
            anchors = [key async for key in self._source.store.list(ANCHORS)]
            await self._wait_for_index()
            self._progress("database", number, 0)
            async with moment_of(self._source.database, self._folder) as moment:
                await name_objects(self._catalogue, moment.engine, self._source.objects, anchors)
                database = await moment.store(self._target.pool, self._catalogue.has)
            new_bytes += moment.new_bytes
            await self._objects.run(self._list)
            missing = frozenset(self._objects.missing)
            if missing <= before:
                break
            before = missing
        self._take_stock(database, new_bytes)
        return database

    def _take_stock(self, database: DatabaseCopy, new_bytes: int) -> None:
        report, copied = self.report, self._objects
        report.objects, report.bytes, report.database_bytes = copied.objects, copied.bytes, database.size
        report.copied_objects, report.copied_bytes = copied.copied_objects, copied.copied_bytes + new_bytes
        named = [copied.missing[key] for key in sorted(copied.missing)]
        report.faults += named[:NAMED_FAULTS]
        if len(named) > NAMED_FAULTS:
            report.faults.append(f"and {len(named) - NAMED_FAULTS} objects more")

    async def _wait_for_index(self) -> None:
        """What was acknowledged before is in the database then, if a gateway lives that enters it."""
        store = self._source.store.inner
        await IndexBarrier(store)()
        lags = isinstance(store, LocalStore) and await asyncio.to_thread(_lags, store)
        self.report.warnings = [words for words in self.report.warnings if words != NOT_INDEXED] + [NOT_INDEXED] * lags

    async def _commit(self, database: DatabaseCopy, now: datetime, keys: KeyPlace) -> None:
        """Write what belongs to the snapshot alone, its manifest last."""
        store, report, source = self._target.store, self.report, self._source
        await put_keys(source.keys, report.snapshot, store, keys)
        listed = await store.put(list_key(report.snapshot), _pieces(self._list))
        configuration = await store.put(configuration_key(report.snapshot), msgspec.json.format(msgspec.json.encode(source.configuration)))
        manifest = Manifest(
            form=FORM,
            version=source.version,
            snapshot=report.snapshot,
            taken_at=now,
            installation=source.identity,
            database=database,
            objects=report.objects,
            bytes=report.bytes,
            list_sha256=listed.sha256,
            configuration_sha256=configuration.sha256,
            keys=digests(source.keys),
            keys_kept=keys.kept,
            faults=report.faults,
            warnings=report.warnings,
        )
        content = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
        if source.signer is not None:
            await store.put(signature_key(report.snapshot), await asyncio.to_thread(source.signer.sign, content))
        await store.put(manifest_key(report.snapshot), content)


def next_name(now: datetime, newest: str) -> str:
    """Return the name of a snapshot of this moment: names have seconds, and the next second is waited for by nobody.

    Raises BackupRefused where the newest is of a later time: its place in the order of snapshots would be lost.
    """
    for moment in (now, now + timedelta(seconds=1)):
        if snapshot_name(moment) > newest:
            return snapshot_name(moment)
    raise BackupRefused(f"The newest snapshot ({newest}) is not older than this moment: look at the clock of this machine.")


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as opened:
        while piece := await asyncio.to_thread(opened.read, PIECE):
            yield piece


def _lags(store: LocalStore) -> bool:
    """True if something was promised that no index has. Blocks."""
    readers = [WatermarkReader(path) for path in store.watermarks() if path.is_file() and path.stat().st_size]
    try:
        return any(reader.noted < reader.promised for reader in readers)
    finally:
        for reader in readers:
            reader.close()

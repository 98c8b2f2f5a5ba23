"""Putting a backup back, into an empty installation only.

Everything that can be found wrong is found before anything is written: form, schema, keys, kind of database, what is there already.
Objects come first, keys next, the database last: until it is there, nothing can be served. A note in the data folder says which
snapshot is on its way, so that a run that was cut off goes on, and the platform does not start meanwhile.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from storage import ObjectMissing, open_store
from storage.errors import DamagedObject
from storage.folders import sync_folder
from storage.local import LocalStore
from storage.packs import packed_key
from storage.protocol import ObjectStore
from telemed.adapters.audit.anchor_key import AnchorVerifier
from telemed.adapters.backup.checking import signature_words
from telemed.adapters.backup.database_restore import put_back, seen_to_fit
from telemed.adapters.backup.key_box import KeyPlace, check_keys, keys_in, read_keys, write_keys
from telemed.adapters.backup.layout import BackupRefused, Listed, Manifest
from telemed.adapters.backup.object_copy import Progress, at_once
from telemed.adapters.backup.target import Target
from telemed.data_folder import RESTORING


@dataclass(frozen=True, slots=True)
class Destination:
    """Where it is put: the database's URL, the store's with its keys, the data folder; `folders` hold the centres' revisions."""

    database: str
    store: str
    store_keys: Mapping[str, str]
    data_dir: Path
    folders: Sequence[Path]

    @property
    def keys(self) -> Path:
        return self.data_dir / "keys"

    @property
    def note(self) -> Path:
        return self.data_dir / RESTORING


class Restore:
    """One run. `said` are sentences for who watches."""

    def __init__(self, source: Target, destination: Destination, folder: Path, progress: Progress) -> None:
        self._source, self._to, self._folder, self._progress = source, destination, folder, progress
        self.said: list[str] = []

    async def run(self, at: str, place: KeyPlace, verifier: AnchorVerifier) -> Manifest:
        """Put the snapshot `at` back, the newest without one. Raises BackupRefused, StorageError, DatabaseUnavailable."""
        if await self._source.marker() is None:
            raise BackupRefused("There is no backup here.")
        name = await self._source.chosen(at)
        manifest = await self._proved(name, verifier)
        keys = await read_keys(name, manifest.keys, self._source.store, place)
        await seen_to_fit(manifest.database, self._to.database, self._to.folders)
        await self._seen_to_be_empty(name, manifest, keys)
        await asyncio.to_thread(self._begin, name)
        store = await asyncio.to_thread(open_store, self._to.store, self._to.store_keys)
        try:
            await self._objects(manifest, store)
        finally:
            await store.close()
        self._progress("database", 0, 0)
        await asyncio.to_thread(write_keys, keys, self._to.keys)
        await put_back(manifest.database, self._source.pool, self._to.database, self._to.folders)
        await asyncio.to_thread(self._end)
        return manifest

    async def _proved(self, name: str, verifier: AnchorVerifier) -> Manifest:
        """The manifest, its signature and the digest of its list proved."""
        try:
            manifest, content = await self._source.manifest(name)
            said, wrong = signature_words(manifest, content, await self._source.signature(name), verifier)
            if wrong:
                raise BackupRefused(f"{wrong[0].upper()}{wrong[1:]}. Nothing was written.")
            async for _ in self._source.lines(name, manifest.list_sha256, self._folder):
                pass
        except (DamagedObject, ObjectMissing) as error:
            raise BackupRefused(f"The snapshot {name} is damaged: {error}. Nothing was written; name another with --at.") from None
        self.said += [
            said,
            *(f"the installation had this fault when it was backed up: {fault}" for fault in manifest.faults),
            *manifest.warnings,
        ]
        return manifest

    async def _seen_to_be_empty(self, name: str, manifest: Manifest, keys: Mapping[str, bytes]) -> None:
        present = await asyncio.to_thread(keys_in, self._to.keys)
        check_keys(dict(keys) | {key: value for key, value in present.items() if key in manifest.keys}, manifest.keys)
        if strange := sorted(present.keys() - keys.keys()):
            raise BackupRefused(
                f"{self._to.keys} holds other keys ({', '.join(strange)}): a backup is restored into an empty installation only."
            )
        if self._to.note.is_file():
            begun = await asyncio.to_thread(self._to.note.read_text)
            if begun.strip() == name:
                return
            raise BackupRefused(
                f"The restore of snapshot {begun.strip()[:40]} was begun here and not finished: go on with --at {begun.strip()[:40]}."
            )
        store = open_store(self._to.store, self._to.store_keys, read_only=True)
        try:
            async for key in store.list():
                raise BackupRefused(
                    f"The object store is not empty (there is {key}): a backup is restored into an empty installation only."
                )
        finally:
            await store.close()

    def _begin(self, name: str) -> None:
        self._to.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._to.note.open("w") as note:
            note.write(f"{name}\n")
            note.flush()
            os.fsync(note.fileno())
        sync_folder(self._to.data_dir)

    def _end(self) -> None:
        self._to.note.unlink()
        sync_folder(self._to.data_dir)

    async def _objects(self, manifest: Manifest, store: ObjectStore) -> None:
        done = 0

        async def put(line: Listed) -> None:
            nonlocal done
            await (self._put_pack(line, store) if line.packed else self._put(line, store))
            done += max(1, line.packed)
            self._progress("objects", done, manifest.objects)

        async def lines() -> AsyncIterator[Listed]:
            async for some in self._source.lines(manifest.snapshot, manifest.list_sha256, self._folder):
                for line in some:
                    yield line

        await at_once(lines(), put)

    async def _put(self, line: Listed, store: ObjectStore) -> None:
        """What a run before has put is there whole."""
        try:
            await store.size(line.key)
        except ObjectMissing:
            await store.put(line.key, self._source.pool.read_object(line.digest))

    async def _put_pack(self, line: Listed, store: ObjectStore) -> None:
        if isinstance(store, LocalStore):
            if not await asyncio.to_thread((store.folder / "objects" / line.key).is_file):
                await store.put_pack(line.key, self._members(line))
            return
        async for offset, content in self._source.pool.read_pack(line.digest):
            await store.put(packed_key(line.key, offset), content)

    async def _members(self, line: Listed) -> AsyncIterator[tuple[int, bytes, bytes]]:
        async for offset, content in self._source.pool.read_pack(line.digest):
            yield offset, content, (await asyncio.to_thread(hashlib.sha256, content)).digest()

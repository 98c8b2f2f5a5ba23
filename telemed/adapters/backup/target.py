"""Where backups lie: a folder or a bucket, and the snapshots in it."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import IO, Final

import msgspec

from storage import ObjectMissing, open_store
from storage.errors import DamagedObject
from storage.pieces import PIECE
from storage.protocol import ObjectStore
from storage.url import LocalPlace, parse
from telemed.adapters.backup.layout import (
    FORM,
    KEYS,
    MARKER,
    SNAPSHOTS,
    BackupRefused,
    Listed,
    Manifest,
    Marker,
    list_key,
    manifest_key,
    signature_key,
)
from telemed.adapters.backup.pool import Pool

OF_STORE: Final = frozenset({"objects", "incoming", "unsettled"})
IGNORED: Final = frozenset({"lost+found"})
"""What a new file system has of its own."""
MANIFEST_BYTES: Final = 256 << 20
"""A manifest beyond this is none: the pieces of a database of a terabyte take a quarter of it."""

_lines: Final = msgspec.json.Decoder(Listed)


def target_url(place: str) -> str:
    """Return the address of a place that is given as a folder or as a URL."""
    return place if "://" in place else Path(place).expanduser().resolve().as_uri()


def _folder_of(url: str, keys: Mapping[str, str]) -> Path | None:
    place = parse(url, keys)
    return place.folder if isinstance(place, LocalPlace) else None


def open_to_write(url: str, keys: Mapping[str, str], own: Iterable[Path] = ()) -> ObjectStore:
    """Open a place that is empty or holds backups. `own` are folders of the installation, which go where it goes.

    Raises BackupRefused where it holds something else or lies within the installation, StorageError. Blocks.
    """
    folder = _folder_of(url, keys)
    if folder is not None:
        resolved = folder.resolve()
        for mine in own:
            if resolved == mine.resolve() or mine.resolve() in resolved.parents:
                raise BackupRefused(
                    f"{folder} lies within the installation ({mine}) and would be lost with it: name a place outside of it."
                )
        if not _is_free(folder):
            raise BackupRefused(f"{folder} is not empty and holds no backup of this program: nothing was written. Name an empty folder.")
    return open_store(url, keys)


def _is_free(folder: Path) -> bool:
    """True if backups may be written here: nothing is there, or a backup is."""
    if (folder / "objects" / MARKER).is_file():
        return True
    try:
        names = {entry.name for entry in folder.iterdir()} - IGNORED
        return names <= OF_STORE and not any(path.is_file() for name in names for path in (folder / name).rglob("*"))
    except FileNotFoundError:
        return True
    except OSError:  # the store says it in its own words
        return True


def open_to_read(url: str, keys: Mapping[str, str]) -> ObjectStore:
    """Open a place that holds backups; nothing is written there. Raises BackupRefused, StorageError. Blocks."""
    folder = _folder_of(url, keys)
    if folder is not None and not (folder / "objects" / MARKER).is_file():
        raise BackupRefused(f"There is no backup in {folder}.")
    return open_store(url, keys, read_only=True)


class Target:
    """A place with backups, opened."""

    def __init__(self, store: ObjectStore) -> None:
        self.store = store
        self.pool = Pool(store)

    async def marker(self) -> Marker | None:
        try:
            content = await self.store.read(MARKER)
            marker = msgspec.json.decode(content, type=Marker)
        except ObjectMissing:
            return None
        except msgspec.DecodeError:
            raise BackupRefused(f"{MARKER} cannot be read: what lies here is no backup of this program, or was damaged.") from None
        if marker.form != FORM:
            raise BackupRefused(f"The backup is of the form {marker.form[:40]}, which this version does not know: use a newer one.")
        return marker

    async def claim(self, installation: str) -> None:
        """Let this be the place of backups of one installation. Raises BackupRefused where it is another's, or holds something else."""
        marker = await self.marker()
        if marker is None:
            async for key in self.store.list():
                raise BackupRefused(f"The target is not empty and holds no backup of this program (there is {key}): nothing was written.")
            await self.store.put(MARKER, msgspec.json.encode(Marker(FORM, installation)))
        elif marker.installation != installation:
            raise BackupRefused("The target holds backups of another installation: nothing was written. Name a place of its own.")

    async def names(self) -> list[str]:
        """Names of all whole snapshots, the oldest first."""
        found = [key.split("/")[1] async for key in self.store.list(SNAPSHOTS) if key.endswith("/manifest.json")]
        return sorted(found)

    async def manifest(self, snapshot: str) -> tuple[Manifest, bytes]:
        """Return the manifest, and its bytes as they were signed. Raises DamagedObject, ObjectMissing."""
        key = manifest_key(snapshot)
        if await self.store.size(key) > MANIFEST_BYTES:
            raise DamagedObject(f"{key} cannot be read: it is longer than any manifest", key)
        content = await self.store.read(key)
        try:
            return msgspec.json.decode(content, type=Manifest), content
        except msgspec.DecodeError as error:
            raise DamagedObject(f"{key} cannot be read: {error}", key) from None

    async def signature(self, snapshot: str) -> bytes:
        """Return the signature over the manifest; empty where there is none."""
        try:
            return await self.store.read(signature_key(snapshot))
        except ObjectMissing:
            return b""

    async def chosen(self, at: str = "") -> str:
        """Return the snapshot of this name, the newest without one. Raises BackupRefused."""
        names = await self.names()
        if not names:
            raise BackupRefused("There is no whole snapshot in the backup.")
        if at and at not in names:
            raise BackupRefused(f"There is no snapshot {at[:40]} in the backup; there are {', '.join(names)}.")
        return at or names[-1]

    async def lines(self, snapshot: str, sha256: str, folder: Path) -> AsyncIterator[list[Listed]]:
        """Yield the list of a snapshot, a thousand lines at a time, once its digest was found right. Raises DamagedObject."""
        key = list_key(snapshot)
        digest = hashlib.sha256()
        with tempfile.TemporaryFile(dir=folder) as file:
            try:
                async for piece in self.store.stream(key, chunk=PIECE):
                    digest.update(piece)
                    await asyncio.to_thread(file.write, piece)
            except ObjectMissing:
                raise DamagedObject(f"{key} is missing", key) from None
            if digest.hexdigest() != sha256:
                raise DamagedObject(f"{key} was changed or cut: its digest is not that of the manifest", key)
            file.seek(0)
            lines = _lines_in(file)
            while some := await asyncio.to_thread(next, lines, None):
                yield some

    async def remove(self, snapshot: str) -> None:
        """Remove a snapshot, so that it is never half of one: its manifest first."""
        await self.store.delete(manifest_key(snapshot))
        for prefix in (f"{SNAPSHOTS}{snapshot}/", f"{KEYS}{snapshot}."):
            async for key in self.store.list(prefix):
                await self.store.delete(key)

    async def unfinished(self) -> list[str]:
        """Names of snapshots that a run which died has begun."""
        whole = set(await self.names())
        return sorted({key.split("/")[1] async for key in self.store.list(SNAPSHOTS)} - whole)

    async def close(self) -> None:
        await self.store.close()


def _lines_in(file: IO[bytes]) -> Iterator[list[Listed]]:
    with gzip.open(file) as opened:
        while some := list(islice(opened, 1000)):
            yield [_lines.decode(line) for line in some]


def private_folder() -> Path:
    """Make a folder for temporary files. Raises BackupRefused where it cannot be."""
    try:
        return Path(tempfile.mkdtemp(prefix="telemed-backup-"))
    except OSError as error:
        raise BackupRefused(f"The folder for temporary files cannot be written ({error.strerror}): set TMPDIR to another.") from None


def remove_folder(folder: Path) -> None:
    with suppress(OSError):
        shutil.rmtree(folder)

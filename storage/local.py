"""Objects as files of a local folder: the key `a/b` is the file `objects/a/b`.

Durability: the content goes to a temporary file under `incoming/`, which is synced (fdatasync), renamed to its place,
and the folder is synced. So a file under `objects/` is whole, always. Syncing per file is what takes the time: it was
measured to grow with threads (268-452 objects/s in one, 1,129-1,906 in sixteen), so there are sixteen.

Objects that come by the thousand can share files instead (`storage.packs`): `pack_writer` gives the way in, and they are
read, listed and deleted like the others.
"""

from __future__ import annotations

import builtins  # `list` is a method of the store
import os
import secrets
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from storage.errors import BadKey, ObjectMissing, StoreFull, StoreUnavailable
from storage.folders import Folders, make_root, sync_folder
from storage.incoming import Incoming, sweep
from storage.keys import check_chunk, check_key, check_media_type, check_prefix, check_range, is_key
from storage.local_errors import reading, writing
from storage.local_reading import OpenFile, open_object, read_range, size_of
from storage.pack_rebuilding import PackInProgress
from storage.pack_writer import PackWriter, UnsettledPack, unsettled_keys, unsettled_packs, watermark_files
from storage.packs import SUFFIX, erase, is_reserved, packed_key, read_record, records, split_key
from storage.pieces import joined
from storage.protocol import StoredObject
from storage.space import UNGUARDED, SpaceGuard
from storage.threads import Threads, all_of

_THREADS = 16
_SHARES = 8  # threads that one batch keeps busy: as fast as sixteen, and leaves some for others
_OPEN_FILES = 16  # of one thread at a time, so that all together stay far below the usual limit of 1,024
_LIST_STEP = 1000  # keys per hop to a thread


@dataclass(frozen=True, slots=True)
class _Entry:
    """One object of a batch."""

    incoming: Incoming
    key: str
    content: bytes


class LocalStore:
    """An `ObjectStore` in `folder`, which is made where it is missing. Raises `StoreUnavailable` where it cannot be.

    `space` says which objects are refused while little of the disk is left (`storage.space`). With `read_only` nothing is made, and
    nothing is to be put: a copy on a medium that is written once can be read.
    """

    def __init__(self, folder: Path, space: SpaceGuard = UNGUARDED, *, read_only: bool = False) -> None:
        self.folder, self._space = folder, space
        self._objects = folder / "objects"
        self._incoming = folder / "incoming"
        self._unsettled = folder / "unsettled"
        if not read_only:
            with writing(self._objects):
                make_root(self._objects)
                make_root(self._incoming)
                make_root(self._unsettled)
                sweep(self._incoming)
        self._folders = Folders(self._objects)
        self._threads = Threads(_THREADS, "store")

    async def put(self, key: str, content: bytes | AsyncIterable[bytes], *, media_type: str = "application/octet-stream") -> StoredObject:
        """See `ObjectStore`. The media type is checked, and not kept."""
        _check_new_key(key)
        check_media_type(key, media_type)
        incoming = Incoming(self._incoming)
        if isinstance(content, bytes):
            return await self._threads.run_abandonable(incoming.abandon, self._put_whole, incoming, key, content)
        try:
            with writing(self._objects, key):
                await self._threads.run(self._begin, incoming, key)
            async for piece in joined(content):
                with writing(self._objects, key):
                    await self._threads.run(self._write, incoming, key, piece)
            return await self._threads.run_abandonable(incoming.abandon, self._finish, incoming, key)
        except BaseException:
            await self._threads.run_to_end(incoming.discard)
            raise

    async def put_many(self, objects: Sequence[tuple[str, bytes]], *, media_type: str = "application/octet-stream") -> list[StoredObject]:
        """See `ObjectStore`. The files are written and synced by several threads, each folder is synced once."""
        for key, _ in objects:
            _check_new_key(key)
            check_media_type(key, media_type)
        batch = [_Entry(Incoming(self._incoming), key, content) for key, content in objects]
        if len(batch) == 1:
            return [await self.put(*objects[0], media_type=media_type)]
        try:
            shares = [batch[begin::_SHARES] for begin in range(min(_SHARES, len(batch)))]
            await all_of(self._threads.run(self._write_share, share) for share in shares)
            return await self._threads.run_abandonable(lambda: _abandon_all(batch), self._finish_all, batch)
        except BaseException:
            await self._threads.run_to_end(_discard_all, batch)
            raise

    async def stream(self, key: str, *, chunk: int = 256 * 1024) -> AsyncIterator[bytes]:
        """See `ObjectStore`. Read as the pieces are taken; an object replaced meanwhile is read as it was."""
        check_key(key)
        check_chunk(key, chunk)
        file = OpenFile(self._objects, key)
        try:
            while True:
                with reading(self._objects, key):
                    piece = await self._threads.run(file.next, chunk)
                if not piece:
                    return
                yield piece
        finally:
            file.close()

    async def read(self, key: str, *, offset: int = 0, length: int | None = None) -> bytes:
        """See `ObjectStore`."""
        check_key(key)
        check_range(key, offset, length)
        with reading(self._objects, key):
            return await self._threads.run(read_range, self._objects, key, offset, length)

    async def size(self, key: str) -> int:
        """See `ObjectStore`."""
        check_key(key)
        with reading(self._objects, key):
            return await self._threads.run(size_of, self._objects, key)

    async def delete(self, key: str) -> None:
        """See `ObjectStore`. The removal has survived a power cut when this returns."""
        check_key(key)
        try:
            with reading(self._objects, key):
                await self._threads.run(_remove, self._objects, key)
        except ObjectMissing:
            return

    def remove_now(self, key: str) -> None:
        """As `delete`, for a caller that is a thread. Blocks."""
        try:
            with reading(self._objects, key):
                _remove(self._objects, key)
        except ObjectMissing:
            return

    async def list(self, prefix: str = "", *, after: str = "") -> AsyncIterator[str]:
        """See `ObjectStore`. Objects that come or go meanwhile may be listed or not."""
        check_prefix(prefix)
        check_prefix(after)
        keys = _walk(self._objects, prefix, after)
        while True:
            with reading(self._objects):
                step = await self._threads.run(lambda: list(islice(keys, _LIST_STEP)))
            for key in step:
                yield key
            if len(step) < _LIST_STEP:
                return

    async def settled_since(self, key: str) -> datetime | None:
        """See `ObjectStore`. An object in a pack is as old as the last that was written or deleted there, or older."""
        check_key(key)
        with reading(self._objects, key):
            return await self._threads.run(self._settled_since, key)

    async def check(self) -> None:
        """See `ObjectStore`. Writes, syncs and reads back a small temporary file."""
        try:
            with writing(self._incoming):
                await self._threads.run(self._probe)
        except StoreFull as error:
            raise StoreUnavailable(str(error)) from error

    async def close(self) -> None:
        """See `ObjectStore`."""
        await self._threads.close()

    def pack_writer(self, place: str) -> PackWriter:
        """A way to store many small objects fast, under keys that begin with `place`. Blocks. Raises `StoreUnavailable`."""
        with writing(self._unsettled):
            return PackWriter(self._objects, self._unsettled, place, self._space)

    async def put_pack(self, key: str, objects: AsyncIterable[tuple[int, bytes, bytes]]) -> None:
        """Make the pack `key` again from offset, content and SHA-256 of its objects, in their order. Durable when it returns; whatever
        ends it before leaves no pack."""
        if not key.endswith(SUFFIX):
            raise BadKey(f"The key {key} is not that of a pack.", key)
        check_key(key)
        with writing(self._objects, key):
            pack = await self._threads.run(PackInProgress, self._incoming / secrets.token_hex(16))
        try:
            async for offset, content, sha256 in objects:
                with writing(self._objects, key):
                    await self._threads.run(pack.add, offset, content, sha256)
            with writing(self._objects, key):
                await self._threads.run(self._finish_pack, pack, key)
        finally:
            await self._threads.run_to_end(pack.discard)

    def _finish_pack(self, pack: PackInProgress, key: str) -> None:
        target = self._path(key)
        self._folders.ensure(target.parent)
        pack.finish(target)
        sync_folder(target.parent)

    def unsettled_packs(self) -> Iterator[UnsettledPack]:
        """Packs with objects that a writer promised and perhaps did not live to note. Blocks. Raises `StoreUnavailable`."""
        with reading(self._unsettled):
            yield from unsettled_packs(self._objects, self._unsettled)

    def watermarks(self) -> builtins.list[Path]:
        """Return the counters of the writers of packs, for `storage.watermark.WatermarkReader`. Blocks. Raises `StoreUnavailable`."""
        with reading(self._unsettled):
            return watermark_files(self._unsettled)

    def _settled_since(self, key: str) -> datetime | None:
        packed = split_key(key)
        if packed is not None and packed[0] in unsettled_keys(self._unsettled):
            return None
        extent = open_object(self._objects, key)
        try:
            return datetime.fromtimestamp(os.fstat(extent.file).st_mtime, UTC)
        finally:
            os.close(extent.file)

    def _path(self, key: str) -> Path:
        return self._objects / key

    def _put_whole(self, incoming: Incoming, key: str, content: bytes) -> StoredObject:
        """Everything in one hop: small objects come by the thousand."""
        try:
            with writing(self._objects, key):
                self._begin(incoming, key)
                self._write(incoming, key, content)
            return self._finish(incoming, key)
        except BaseException:
            incoming.discard()
            raise

    def _begin(self, incoming: Incoming, key: str) -> None:
        self._space.admit(key)
        incoming.create()

    def _write(self, incoming: Incoming, key: str, content: bytes) -> None:
        self._space.admit(key, len(content))
        incoming.write(content)

    def _finish(self, incoming: Incoming, key: str) -> StoredObject:
        with writing(self._objects, key):
            incoming.sync()
            sync_folder(self._place(incoming, key))
        return StoredObject(key, incoming.size, incoming.sha256)

    def _place(self, incoming: Incoming, key: str) -> Path:
        """Let the synced file become the object; the folder it is in now, which is still to be synced."""
        target = self._path(key)
        folder = target.parent
        self._folders.ensure(folder)
        try:
            incoming.place(target)
        except FileNotFoundError:  # somebody tidied the folder away behind our back
            self._folders.forget()
            self._folders.ensure(folder)
            incoming.place(target)
        return folder

    def _write_share(self, share: Sequence[_Entry]) -> None:
        """Write some files, then sync them: the first sync brings along much of what the others need."""
        for begin in range(0, len(share), _OPEN_FILES):
            group = share[begin : begin + _OPEN_FILES]
            for entry in group:
                with writing(self._objects, entry.key):
                    self._begin(entry.incoming, entry.key)
                    self._write(entry.incoming, entry.key, entry.content)
            for entry in group:
                with writing(self._objects, entry.key):
                    entry.incoming.sync()

    def _finish_all(self, batch: Sequence[_Entry]) -> builtins.list[StoredObject]:
        folders: set[Path] = set()
        for entry in batch:
            with writing(self._objects, entry.key):
                folders.add(self._place(entry.incoming, entry.key))
        with writing(self._objects):
            for folder in folders:
                sync_folder(folder)
        return [StoredObject(entry.key, entry.incoming.size, entry.incoming.sha256) for entry in batch]

    def _probe(self) -> None:
        incoming = Incoming(self._incoming)
        mark = secrets.token_bytes(64)
        try:
            incoming.create()
            incoming.write(mark)
            incoming.sync()
            if incoming.content() != mark:
                raise StoreUnavailable(f"The folder {self._incoming} does not give back what was written to it.")
        finally:
            incoming.discard()


def _abandon_all(batch: Sequence[_Entry]) -> None:
    for entry in batch:
        entry.incoming.abandon()


def _discard_all(batch: Sequence[_Entry]) -> None:
    for entry in batch:
        entry.incoming.discard()


def _remove(objects: Path, key: str) -> None:
    packed = split_key(key)
    if packed is None:
        path = objects / key
        path.unlink()
        sync_folder(path.parent)
        return
    extent = open_object(objects, key, os.O_RDWR)
    try:
        record = read_record(extent.file, packed[1])
        if record is not None:
            erase(extent.file, record)
    finally:
        os.close(extent.file)


def _check_new_key(key: str) -> None:
    """Raise `BadKey` for what is no key, or belongs to packs."""
    check_key(key)
    if is_reserved(key):
        raise BadKey(f"The key {key} cannot be used: names that end with {SUFFIX} belong to packs.", key)


def _walk(root: Path, prefix: str, after: str) -> Iterator[str]:
    """Keys below `root` that start with `prefix` and lie behind `after`, in key order; holds the names of the folders on the way only."""
    folder, slash, begun = prefix.rpartition("/")
    if folder.endswith(SUFFIX):
        yield from (key for key in _packed_keys(root, folder) if key.startswith(prefix) and key > after)
        return
    waiting = _entries(root, folder + slash, begun)
    while waiting:
        entry = waiting.pop()
        if entry.endswith("/"):
            if entry > after or after.startswith(entry):
                waiting.extend(_entries(root, entry))
        elif entry.endswith(SUFFIX):
            if entry >= after or after.startswith(f"{entry}/"):
                yield from (key for key in _packed_keys(root, entry) if key.startswith(prefix) and key > after)
        elif entry > after and is_key(entry):  # a name of another form is not ours
            yield entry


def _packed_keys(root: Path, pack: str) -> list[str]:
    """Keys of the objects in a pack that were not deleted."""
    try:
        file = os.open(root / pack, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:  # removed since its name was read
        return []
    try:
        return [packed_key(pack, record.offset) for record in records(file) if not record.deleted]
    finally:
        os.close(file)


def _entries(root: Path, folder: str, begun: str = "") -> list[str]:
    """Keys of the files in `folder`, and of its folders with a `/` behind (so they sort as keys do), last first."""
    try:
        with os.scandir(root / folder) as entries:
            found = [
                f"{folder}{entry.name}/" if entry.is_dir(follow_symlinks=False) else f"{folder}{entry.name}"
                for entry in entries
                if entry.name.startswith(begun)
            ]
    except (FileNotFoundError, NotADirectoryError):  # no such prefix, or removed since its name was read
        return []
    return sorted(found, reverse=True)

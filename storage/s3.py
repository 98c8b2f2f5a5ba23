"""Objects in an S3 bucket (Ceph RGW, SeaweedFS, MinIO, rclone...), through the minio SDK in a few threads.

An object that comes as a flow is gathered first (in memory up to 16 MiB, then in an unnamed temporary file): so its
digest is known when the upload begins and is kept beside it, a slow or failing source never holds a connection or
leaves an upload open, and threads and connections are busy only while there is something to carry.
Objects go out in ranges for the same reason: whoever reads slowly holds neither thread nor connection.
"""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path

from minio.datatypes import Object

from storage.errors import ObjectMissing, StorageError, StoreUnavailable
from storage.keys import check_chunk, check_key, check_media_type, check_prefix, check_range, is_key
from storage.local_errors import writing
from storage.pieces import cut, joined
from storage.protocol import StoredObject
from storage.s3_connection import CONNECTIONS, HURRIED, PATIENT, Patience, client, connections
from storage.s3_download import Download
from storage.s3_errors import translated
from storage.s3_upload import PART, Upload
from storage.space import UNGUARDED, SpaceGuard
from storage.threads import Threads, all_of
from storage.url import S3Place

_LONG_UPLOADS = 4  # of the eight threads; the others stay free for small objects
_LIST_STEP = 1000  # keys; S3 gives at most that many in one answer
_CHECK_FOLDER = "storage-check/"


class S3Store:
    """An `ObjectStore` in the bucket of `place`. Calls nobody yet; raises `BadStoreURL` for what the SDK refuses.

    The bucket is not asked how full it is; `space` watches what else an object fills, such as the disk of the database with its rows.
    """

    def __init__(self, place: S3Place, patience: Patience = PATIENT, space: SpaceGuard = UNGUARDED) -> None:
        self._place = place
        self._space = space
        self._bucket = place.bucket
        self._prefix = place.prefix
        self._server = f"The S3 server at {place.endpoint} (bucket {place.bucket})"
        self._pool = connections(place, patience)
        self._client = client(place, self._pool)
        self._threads = Threads(CONNECTIONS, "s3")
        self._long_uploads = asyncio.Semaphore(_LONG_UPLOADS)

    async def put(self, key: str, content: bytes | AsyncIterable[bytes], *, media_type: str = "application/octet-stream") -> StoredObject:
        """See `ObjectStore`. `StoreFull` also where the gathering of a flow fills the folder for temporary files."""
        check_key(key)
        check_media_type(key, media_type)
        await self._threads.run(self._space.admit, key)
        if isinstance(content, bytes):
            return await self._send(Upload(content), key, media_type)
        upload = Upload()
        try:
            async for piece in joined(content):
                with writing(Path(tempfile.gettempdir()), key):
                    await self._threads.run(upload.write, piece)
            return await self._send(upload, key, media_type)
        finally:
            await self._threads.run_to_end(upload.close)

    async def put_many(self, objects: Sequence[tuple[str, bytes]], *, media_type: str = "application/octet-stream") -> list[StoredObject]:
        """See `ObjectStore`. Each object is a request of its own: S3 knows no batch of them."""
        for key, _ in objects:
            check_key(key)
        return await all_of(self.put(key, content, media_type=media_type) for key, content in objects)

    async def stream(self, key: str, *, chunk: int = 256 * 1024) -> AsyncIterator[bytes]:
        """See `ObjectStore`. One range of 4 MiB is fetched ahead. Raises `DamagedObject` instead of giving the
        last of them where the content does not have the digest that was kept with it."""
        check_key(key)
        check_chunk(key, chunk)
        download = Download(self._client, self._bucket, self._prefix + key, key, self._server)
        ahead = asyncio.create_task(self._threads.run(download.next))
        try:
            while piece := await ahead:
                ahead = asyncio.create_task(self._threads.run(download.next))
                for part in cut(piece, chunk):
                    yield part
        finally:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)

    async def read(self, key: str, *, offset: int = 0, length: int | None = None) -> bytes:
        """See `ObjectStore`. The whole object (no `offset`, no `length`) is proved against the digest kept with it."""
        check_key(key)
        check_range(key, offset, length)
        if length == 0:
            await self.size(key)
            return b""
        download = Download(self._client, self._bucket, self._prefix + key, key, self._server)
        return await self._threads.run(download.range, offset, length)

    async def size(self, key: str) -> int:
        """See `ObjectStore`."""
        check_key(key)
        return await self._threads.run(self._size, key)

    async def delete(self, key: str) -> None:
        """See `ObjectStore`."""
        check_key(key)
        try:
            await self._threads.run(self._delete, key)
        except ObjectMissing:  # S3 says 204, but not every server does
            return

    async def list(self, prefix: str = "", *, after: str = "") -> AsyncIterator[str]:
        """See `ObjectStore`. The order is the server's: S3 promises that of the keys' bytes."""
        check_prefix(prefix)
        check_prefix(after)
        behind = self._prefix + after if after else None
        found = iter(self._client.list_objects(self._bucket, prefix=self._prefix + prefix, recursive=True, start_after=behind))
        while True:
            step = await self._threads.run(self._names, found)
            for name in step:
                if is_key(key := name.removeprefix(self._prefix)):  # a name of another form is not ours
                    yield key
            if len(step) < _LIST_STEP:
                return

    async def settled_since(self, key: str) -> datetime | None:
        """See `ObjectStore`: when the server has it that the object was stored."""
        check_key(key)
        return await self._threads.run(self._stored_at, key)

    async def check(self) -> None:
        """See `ObjectStore`. Stores, reads back and removes a small object under `storage-check/`; what is silent for
        eight seconds is not there."""
        self._threads.refuse_if_closed()
        hurried = S3Store(self._place, HURRIED)
        try:
            await hurried._prove()
        except StoreUnavailable:
            raise
        except StorageError as error:
            raise StoreUnavailable(str(error)) from error
        finally:
            await hurried.close()

    async def _prove(self) -> None:
        key = _CHECK_FOLDER + secrets.token_hex(16)
        mark = secrets.token_bytes(64)
        await self.put(key, mark)
        try:
            if await self.read(key) != mark:
                raise StoreUnavailable(f"{self._server} does not give back what was written to it.")
        finally:
            await self.delete(key)

    async def close(self) -> None:
        """See `ObjectStore`."""
        await self._threads.close()
        self._pool.clear()

    async def _send(self, upload: Upload, key: str, media_type: str) -> StoredObject:
        if upload.size <= PART:
            return await self._threads.run_abandonable(upload.abandon, self._put_object, upload, key, media_type)
        async with self._long_uploads:
            return await self._threads.run_abandonable(upload.abandon, self._put_object, upload, key, media_type)

    def _put_object(self, upload: Upload, key: str, media_type: str) -> StoredObject:
        with translated(self._server, key):
            upload.send(self._client, self._bucket, self._prefix + key, media_type)
        return StoredObject(key, upload.size, upload.sha256)

    def _size(self, key: str) -> int:
        with translated(self._server, key):
            return self._client.stat_object(self._bucket, self._prefix + key).size or 0

    def _stored_at(self, key: str) -> datetime | None:
        with translated(self._server, key):
            return self._client.stat_object(self._bucket, self._prefix + key).last_modified

    def _delete(self, key: str) -> None:
        with translated(self._server, key):
            self._client.remove_object(self._bucket, self._prefix + key)

    def _names(self, found: Iterator[Object]) -> Sequence[str]:
        """The next names, from one answer of the server or so."""
        with translated(self._server):
            return [entry.object_name or "" for entry in islice(found, _LIST_STEP)]

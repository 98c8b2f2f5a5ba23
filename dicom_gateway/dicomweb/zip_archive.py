"""Studies, series and instances as one ZIP (PS3.18 table 8.7.3-1), resumable: the same objects make the same bytes."""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from collections.abc import AsyncIterator, Sequence

from aiohttp import web

from dicom_gateway.dicomweb.ranges import Part, part_of
from dicom_gateway.dicomweb.service import Service, unchanged
from dicom_gateway.index import StoredInstance
from dicom_gateway.zip_layout import Entry, ZipLayout
from storage.protocol import ObjectStore

ZIP = "application/zip"
IN_MEMORY = 32 << 20  # bytes of an object that is held while it is sent; a larger one is read twice, for its checksum first


async def zip_archive(request: web.Request, service: Service, instances: Sequence[StoredInstance]) -> web.StreamResponse:
    """The instances as they were sent, one file each, in a folder for each series."""
    layout = ZipLayout([Entry(f"{i.series_instance_uid}/{i.sop_instance_uid}.dcm", i.size) for i in instances])
    etag = hashlib.sha256(" ".join(f"{i.object_key} {i.sha256}" for i in instances).encode()).hexdigest()[:32]
    headers = {"Cache-Control": "private, no-cache", "ETag": f'"{etag}"', "Vary": "Accept"}
    if unchanged(request, etag):
        return web.Response(status=304, headers=headers)
    part = part_of(request, layout.size, etag)
    headers["Content-Disposition"] = f'attachment; filename="{instances[0].study_instance_uid}.zip"'
    response = web.StreamResponse(status=part.status, headers={**headers, **part.headers()})
    response.content_type = ZIP
    await response.prepare(request)
    async for piece in _clipped(_pieces(service.store, layout, [i.object_key for i in instances], part), part):
        await response.write(piece)
    await response.write_eof()
    return response


async def _pieces(store: ObjectStore, layout: ZipLayout, keys: Sequence[str], part: Part) -> AsyncIterator[tuple[int, bytes]]:
    """Pieces of the archive with their offsets, at least those that `part` touches."""
    checksums: list[int] = []
    for number, (entry, key) in enumerate(zip(layout.entries, keys, strict=True)):
        start, content = layout.offsets[number], layout.content_offset(number)
        if start >= part.end:
            return
        wanted = content + entry.size > part.start
        if not wanted and part.end <= layout.directory_offset:
            checksums.append(0)  # nobody will see it
            continue
        whole = await store.read(key) if entry.size <= IN_MEMORY else None
        checksums.append(await _checksum(store, key, whole))
        if not wanted:
            continue
        yield start, layout.local_header(entry, checksums[-1])
        if whole is not None:
            yield content, whole
            continue
        async for piece in store.stream(key):
            yield content, piece
            content += len(piece)
    yield layout.directory_offset, layout.directory(checksums)


async def _checksum(store: ObjectStore, key: str, whole: bytes | None) -> int:
    if whole is not None:
        return await asyncio.to_thread(zlib.crc32, whole)
    checksum = 0
    async for piece in store.stream(key):
        checksum = await asyncio.to_thread(zlib.crc32, piece, checksum)
    return checksum


async def _clipped(pieces: AsyncIterator[tuple[int, bytes]], part: Part) -> AsyncIterator[bytes]:
    """Yield the bytes of the pieces that lie inside the part."""
    async for start, piece in pieces:
        if start < part.end and start + len(piece) > part.start:
            yield piece[max(0, part.start - start) : part.end - start]

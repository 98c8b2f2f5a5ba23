"""WADO-RS: bulk data (PS3.18 section 10.4.1.1.5), one value or all of them."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from aiohttp import web

from dicom_gateway.dicomweb.media_types import accepted
from dicom_gateway.dicomweb.multipart import MultipartAnswer
from dicom_gateway.dicomweb.ranges import part_of
from dicom_gateway.dicomweb.retrieve import MAX_TRANSCODED, stored_bytes
from dicom_gateway.dicomweb.service import Problem, Service, instances_of, not_found, unchanged
from dicom_gateway.dicomweb.video_stream import PIXEL_DATA_PATH, send_video, video_stream
from dicom_gateway.frames import NativeFrames, join_fragments
from dicom_gateway.index import StoredInstance
from dicom_gateway.json_bulk import bulk_value
from dicom_gateway.json_values import little_endian
from dicom_gateway.pixels.decode import PIXEL_ELEMENT_HEAD
from dicom_gateway.scanner import UNDEFINED
from dicom_gateway.transfer_syntax import transfer_syntax

OCTETS = "application/octet-stream"
_HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Accept"}
_PATH = re.compile(r"[0-9A-Fa-f]{8}(/\d{1,6}/[0-9A-Fa-f]{8}){0,15}")
_PIXELS = frozenset({"7FE00008", "7FE00009", "7FE00010"})


async def bulk_data(request: web.Request) -> web.StreamResponse:
    """One bulk value as bytes, or a part of it; multipart if the caller says so."""
    path = request.match_info["path"]
    if not _PATH.fullmatch(path):
        raise not_found()
    _check(request, multipart_only=False)
    service, instances = await instances_of(request)
    instance = instances[0]
    etag = f"{instance.sha256[:40]}-{path.upper().replace('/', '.')}"
    headers = {**_HEADERS, "ETag": f'"{etag}"'}
    if unchanged(request, etag):
        return web.Response(status=304, headers=headers)
    if any(r.multipart for r in accepted(request)):
        answer = MultipartAnswer(OCTETS, _HEADERS)
        value = await _value(service, instance, path)
        await answer.start(request)
        await answer.part(OCTETS, value)
        return await answer.finish()
    if path.upper() == PIXEL_DATA_PATH and (stream := await video_stream(service, instance)) is not None:
        return await send_video(request, service, instance, stream, headers, etag)
    if path.upper() in _PIXELS and (place := await _place(service, instance)) is not None:
        part = part_of(request, place[1] - place[0], etag)
        response = web.StreamResponse(status=part.status, headers={**headers, **part.headers(), "Content-Type": OCTETS})
        await response.prepare(request)
        async for piece in stored_bytes(service, instance.object_key, place[0] + part.start, place[0] + part.end):
            await response.write(piece)
        await response.write_eof()
        return response
    value = await _value(service, instance, path)
    part = part_of(request, len(value), etag)
    return web.Response(
        body=value[part.start : part.end], status=part.status, headers={**headers, **part.headers(), "Content-Type": OCTETS}
    )


async def all_bulk_data(request: web.Request) -> web.StreamResponse:
    """Every bulk value of the study, series or instance, each with its address (Content-Location)."""
    _check(request, multipart_only=True)
    service, instances = await instances_of(request)
    answer = MultipartAnswer(OCTETS, _HEADERS)
    begun = False
    async for instance, uri in _addresses(service, instances):
        if not begun:
            await answer.start(request)
            begun = True
        value = await _value(service, instance, uri.removeprefix("bulkdata/"))
        below = f"../series/{instance.series_instance_uid}/instances/{instance.sop_instance_uid}/{uri}"
        await answer.part(OCTETS, value, location=_relative(request, below))
    if not begun:
        raise not_found()
    return await answer.finish()


async def _addresses(service: Service, instances: list[StoredInstance]) -> AsyncIterator[tuple[StoredInstance, str]]:
    for instance in instances:
        async for array in service.documents.described([(instance, "")]):
            for item in json.loads(array):
                for uri in _uris(item):
                    yield instance, uri


def _uris(item: Mapping[str, Any]) -> Iterator[str]:
    for element in item.values():
        if "BulkDataURI" in element:
            yield element["BulkDataURI"]
        for inner in element.get("Value", ()) if element["vr"] == "SQ" else ():
            yield from _uris(inner)


def _relative(request: web.Request, from_study: str) -> str:
    """The address relative to `.../bulkdata` of the level that was asked for."""
    steps = from_study.split("/")[1:]
    for name in ("series", "instance"):
        if name in request.match_info:
            steps = steps[2:]
    return "/".join(steps)


def _check(request: web.Request, *, multipart_only: bool) -> None:
    if not any(r.takes(OCTETS) and (r.multipart or not multipart_only or r.kind == "*/*") for r in accepted(request)):
        raise Problem(406, "Not acceptable", f"bulk data come as {OCTETS}" + (" in multipart/related" if multipart_only else ""))


async def _value(service: Service, instance: StoredInstance, path: str) -> bytes:
    """The whole value. Raises `Problem` 404 where there is none."""
    value = await _pixels(service, instance) if path.upper() in _PIXELS and instance.pixel_data_offset is not None else None
    if value is None:
        value = await service.pool.run(bulk_value, await service.objects.head(instance), path)
    if value is None:
        raise not_found()
    return value


async def _place(service: Service, instance: StoredInstance) -> tuple[int, int] | None:
    """Return the range of native little-endian pixels in the stored object; None if they are not stored as they are given."""
    syntax = transfer_syntax(instance.transfer_syntax_uid)
    if instance.pixel_data_offset is None or syntax.deflated or syntax.encapsulated or syntax.big_endian:
        return None
    start = instance.pixel_data_offset
    head = await service.store.read(instance.object_key, offset=start, length=PIXEL_ELEMENT_HEAD)
    length, value = struct.unpack_from("<I", head, 4)[0], start + 8
    if head[4:6].isalpha() and not syntax.implicit_vr:
        length, value = struct.unpack_from("<I", head, 8)[0], start + 12
    return None if length == UNDEFINED else (value, value + length)


async def _pixels(service: Service, instance: StoredInstance) -> bytes:
    """All frames, one behind the other: native ones as pixels, encoded ones as they are kept."""
    if instance.size > MAX_TRANSCODED:
        raise Problem(406, "Not acceptable", "the pixel data are too large for one answer; ask for frames, or for a range")
    if (place := await _place(service, instance)) is not None:
        return await service.store.read(instance.object_key, offset=place[0], length=place[1] - place[0])
    index = await service.objects.frame_index(instance)
    if isinstance(index, NativeFrames) and transfer_syntax(instance.transfer_syntax_uid).deflated:
        return await service.objects.inflated(instance, index.start, index.start + (index.frame_bits * index.count + 7) // 8)
    frames = [(await service.objects.frame(instance, number, index))[0] for number in range(1, index.count + 1)]
    syntax = transfer_syntax(instance.transfer_syntax_uid)
    if syntax.encapsulated:
        return b"".join(join_fragments(frame) if frame[:4] == b"\xfe\xff\x00\xe0" else frame for frame in frames)
    return little_endian("OW", b"".join(frames), ">" if syntax.big_endian else "<")

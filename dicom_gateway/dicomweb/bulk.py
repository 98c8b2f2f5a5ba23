"""WADO-RS: bulk data (PS3.18 section 10.4.1.1.5), one value or all of them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from aiohttp import web

from dicom_gateway.dicomweb.media_types import Acceptable, accepted
from dicom_gateway.dicomweb.multipart import MultipartAnswer
from dicom_gateway.dicomweb.ranges import Part, part_of
from dicom_gateway.dicomweb.retrieve import MAX_TRANSCODED, stored_bytes
from dicom_gateway.dicomweb.service import Problem, Service, instances_of, not_found, unchanged
from dicom_gateway.frames import NativeFrames
from dicom_gateway.index import StoredInstance
from dicom_gateway.json_bulk import bulk_value
from dicom_gateway.json_values import little_endian
from dicom_gateway.objects import pixel_value
from dicom_gateway.pixel_fragments import Fragments, joined
from dicom_gateway.pixels.decode import PIXEL_ELEMENT_HEAD, pixel_vr
from dicom_gateway.scanner import UNDEFINED
from dicom_gateway.transfer_syntax import transfer_syntax

OCTETS = "application/octet-stream"
_HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Accept"}
_PATH = re.compile(r"[0-9A-Fa-f]{8}(/\d{1,6}/[0-9A-Fa-f]{8}){0,15}")
_ADDRESS = re.compile(rb'"BulkDataURI":"([^"]*)"')  # inside a JSON string the quotation marks would be escaped
_PIXELS = frozenset({"7FE00008", "7FE00009", "7FE00010"})
PIXELS = 0x7FE00010


async def bulk_data(request: web.Request) -> web.StreamResponse:
    """One bulk value as bytes, or a part of it; multipart if the caller says so."""
    path = request.match_info["path"]
    if not _PATH.fullmatch(path):
        raise not_found()
    if not any(_takes(r) for r in accepted(request)):
        raise Problem(406, "Not acceptable", f"bulk data come as {OCTETS}, those of a video in its own media type too")
    service, instances = await instances_of(request)
    instance = instances[0]
    if path.upper() in _PIXELS and (fragments := await service.objects.fragments(instance)) is not None:
        return await stream(request, service, instance, fragments, _kind(request, instance))
    if not any(r.takes(OCTETS) for r in accepted(request)):
        raise Problem(406, "Not acceptable", f"bulk data come as {OCTETS}")
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
    big_endian = transfer_syntax(instance.transfer_syntax_uid).big_endian
    if path.upper() in _PIXELS and not big_endian and (place := await _place(service, instance)) is not None:
        part = part_of(request, place[1] - place[0], etag)
        pieces = stored_bytes(service, instance.object_key, place[0] + part.start, place[0] + part.end)
        return await _sent(request, part, {**headers, "Content-Type": OCTETS}, pieces)
    value = await _value(service, instance, path)
    part = part_of(request, len(value), etag)
    return web.Response(
        body=value[part.start : part.end], status=part.status, headers={**headers, **part.headers(), "Content-Type": OCTETS}
    )


async def stream(request: web.Request, service: Service, instance: StoredInstance, fragments: Fragments, kind: str) -> web.StreamResponse:
    """Encapsulated pixel data without the delimiters of their fragments (PS3.18 8.7.3.3.2), or the part that is asked for; a video begins
    to play, and is wound, by such parts."""
    etag = f"{instance.sha256[:40]}-pixels-{kind.replace('/', '.')}"
    headers = {**_HEADERS, "ETag": f'"{etag}"'}
    if unchanged(request, etag):
        return web.Response(status=304, headers=headers)
    typed = f"{kind}; transfer-syntax={instance.transfer_syntax_uid}"
    if any(r.multipart for r in accepted(request)):
        answer = MultipartAnswer(kind, headers)
        await answer.start(request)
        await answer.part(typed, joined(service.store, instance.object_key, fragments, 0, fragments.size))
        return await answer.finish()
    part = part_of(request, fragments.size, etag)
    pieces = joined(service.store, instance.object_key, fragments, part.start, part.end)
    return await _sent(request, part, {**headers, "Content-Type": kind if kind == OCTETS else typed}, pieces)


async def _sent(request: web.Request, part: Part, headers: dict[str, str], pieces: AsyncIterator[bytes]) -> web.StreamResponse:
    response = web.StreamResponse(status=part.status, headers={**headers, **part.headers()})
    await response.prepare(request)
    async for piece in pieces:
        await response.write(piece)
    await response.write_eof()
    return response


def _takes(asked: Acceptable) -> bool:
    return asked.takes(OCTETS) or asked.kind.startswith("video/")


def _kind(request: web.Request, instance: StoredInstance) -> str:
    """The media type in which encapsulated pixel data are given: a video in its own, unless bytes are asked for. Raises `Problem` 406."""
    video = transfer_syntax(instance.transfer_syntax_uid).video_media_type
    for asked in accepted(request):
        if video and asked.takes(video):
            return video
        if asked.takes(OCTETS):
            return OCTETS
    raise Problem(406, "Not acceptable", f"these pixel data come as {' or '.join(filter(None, (OCTETS, video)))}")


async def all_bulk_data(request: web.Request) -> web.StreamResponse:
    """Every bulk value of the study, series or instance, each with its address (Content-Location)."""
    if not any(r.takes(OCTETS) and (r.multipart or r.kind == "*/*") for r in accepted(request)):
        raise Problem(406, "Not acceptable", f"bulk data come as {OCTETS} in multipart/related")
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
            for found in _ADDRESS.finditer(array):
                yield instance, found[1].decode()


def _relative(request: web.Request, from_study: str) -> str:
    """The address relative to `.../bulkdata` of the level that was asked for."""
    steps = from_study.split("/")[1:]
    for name in ("series", "instance"):
        if name in request.match_info:
            steps = steps[2:]
    return "/".join(steps)


async def _value(service: Service, instance: StoredInstance, path: str) -> bytes:
    """The whole value. Raises `Problem` 404 where there is none."""
    value = await _pixels(service, instance) if path.upper() in _PIXELS and instance.pixel_data_offset is not None else None
    if value is None:
        head = await service.objects.head(instance)
        behind = int(path[:8], 16) > PIXELS
        value = await service.pool.run(bulk_value, head, path, await service.objects.tail(instance, head) if behind else b"")
    if value is None:
        raise not_found()
    return value


async def _place(service: Service, instance: StoredInstance) -> tuple[int, int] | None:
    """Return the range of native pixels in the stored object; None if they lie there in another way."""
    syntax = transfer_syntax(instance.transfer_syntax_uid)
    if instance.pixel_data_offset is None or syntax.deflated or syntax.encapsulated:
        return None
    start = instance.pixel_data_offset
    value, length = pixel_value(await service.store.read(instance.object_key, offset=start, length=PIXEL_ELEMENT_HEAD), syntax)
    return None if length == UNDEFINED else (start + value, start + value + length)


async def _pixels(service: Service, instance: StoredInstance) -> bytes:
    """All frames, one behind the other: native ones as pixels, encoded ones as they are kept."""
    if instance.size > MAX_TRANSCODED:
        raise Problem(406, "Not acceptable", "the pixel data are too large for one answer; ask for frames, or for a range")
    if (fragments := await service.objects.fragments(instance)) is not None:
        pieces = joined(service.store, instance.object_key, fragments, 0, fragments.size)
        return b"".join([piece async for piece in pieces])
    if (place := await _place(service, instance)) is not None:
        value = await service.store.read(instance.object_key, offset=place[0], length=place[1] - place[0])
        if not transfer_syntax(instance.transfer_syntax_uid).big_endian:
            return value
        return little_endian(pixel_vr(await service.objects.head(instance)), value, ">")
    index = await service.objects.frame_index(instance)
    if isinstance(index, NativeFrames):
        end = index.start + (index.frame_bits * index.count + 7) // 8
        if transfer_syntax(instance.transfer_syntax_uid).deflated:
            return await service.objects.inflated(instance, index.start, end)
        return await service.store.read(instance.object_key, offset=index.start, length=end - index.start)
    raise not_found()

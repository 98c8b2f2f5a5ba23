"""WADO-RS: objects and bulk data (PS3.18 section 10.4)."""

from __future__ import annotations

import re

from aiohttp import web

from dicom_gateway.dicomweb.media_types import Acceptable, acceptable
from dicom_gateway.dicomweb.multipart import MultipartAnswer
from dicom_gateway.dicomweb.service import Problem, Service, instances_of, not_found, unchanged
from dicom_gateway.index import StoredInstance
from dicom_gateway.metadata import bulk_value
from dicom_gateway.pixels.transcode import to_explicit_little_endian
from dicom_gateway.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN

DICOM = "application/dicom"
REVALIDATE = {"Cache-Control": "private, no-cache"}
_BULK_PATH = re.compile(r"[0-9A-Fa-f]{8}(/\d{1,6}/[0-9A-Fa-f]{8}){0,15}")
_PIXELS = frozenset({"7FE00008", "7FE00009", "7FE00010"})
MAX_TRANSCODED = 512 << 20  # bytes of an object that is transcoded in memory


async def objects(request: web.Request) -> web.StreamResponse:
    """A study, series or instance as DICOM files, as sent unless the caller takes only another transfer syntax."""
    service, instances = await instances_of(request)
    ranges = [r for r in acceptable(request.headers.get("Accept", "")) if r.takes(DICOM)]
    if not ranges:
        raise Problem(406, "Not acceptable", f"objects come as multipart/related of {DICOM}")
    as_sent = [_takes_as_sent(ranges, instance) for instance in instances]
    if not all(as_sent) and not any(r.syntax in (None, EXPLICIT_VR_LITTLE_ENDIAN) for r in ranges):
        raise Problem(406, "Not acceptable", "objects come as sent or in Explicit VR Little Endian")
    headers = dict(REVALIDATE)
    if len(instances) == 1:
        etag = f"{instances[0].sha256[:40]}-{'sent' if as_sent[0] else 'native'}"
        headers["ETag"] = f'"{etag}"'
        if unchanged(request, etag):
            return web.Response(status=304, headers=headers)
    first = None if as_sent[0] else await _transcoded(service, instances[0])  # fails while a status can still be sent
    answer = MultipartAnswer(DICOM, headers)
    await answer.start(request)
    for number, (instance, sent) in enumerate(zip(instances, as_sent, strict=True)):
        if sent:
            kind = f"{DICOM}; transfer-syntax={instance.transfer_syntax_uid}"
            await answer.part(kind, service.store.stream(instance.object_key))
        else:
            content = first if number == 0 and first is not None else await _transcoded(service, instance)
            await answer.part(f"{DICOM}; transfer-syntax={EXPLICIT_VR_LITTLE_ENDIAN}", content)
    return await answer.finish()


def _takes_as_sent(ranges: list[Acceptable], instance: StoredInstance) -> bool:
    # A caller that names no syntax gets what was sent: it can read the file meta information, and nothing is lost.
    return any(r.syntax in (None, "*", instance.transfer_syntax_uid) for r in ranges)


async def _transcoded(service: Service, instance: StoredInstance) -> bytes:
    if instance.size > MAX_TRANSCODED:
        raise Problem(406, "Not acceptable", "the object is too large to be transcoded; ask for transfer-syntax=*")
    return await service.pool.run(to_explicit_little_endian, await service.store.read(instance.object_key))


async def bulk_data(request: web.Request) -> web.StreamResponse:
    """One bulk value as bytes, multipart if the caller says so."""
    service, instances = await instances_of(request)
    path = request.match_info["path"]
    if not _BULK_PATH.fullmatch(path):
        raise not_found()
    value = await _pixels(service, instances[0]) if path.upper() in _PIXELS else None
    if value is None:
        value = await service.pool.run(bulk_value, await service.objects.head(instances[0]), path)
    if value is None:
        raise not_found()
    kind = "application/octet-stream"
    if not any(r.multipart for r in acceptable(request.headers.get("Accept", ""))):
        return web.Response(body=value, content_type=kind, headers=REVALIDATE)
    answer = MultipartAnswer(kind, REVALIDATE)
    await answer.start(request)
    await answer.part(kind, value)
    return await answer.finish()


async def _pixels(service: Service, instance: StoredInstance) -> bytes:
    """All frames, one behind the other, as they are kept."""
    index = await service.objects.frame_index(instance)
    if instance.size > MAX_TRANSCODED:
        raise Problem(406, "Not acceptable", "the pixel data are too large for one answer; ask for frames")
    first, last = index.place(0), index.place(index.count - 1)
    return await service.store.read(instance.object_key, offset=first.offset, length=last.offset + last.length - first.offset)

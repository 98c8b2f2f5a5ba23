"""WADO-RS: metadata (PS3.18 section 10.4.1.1.2), from the kept documents of the series."""

from __future__ import annotations

import asyncio
import hashlib
import json
import zlib
from collections.abc import AsyncIterator, Iterable, Sequence

from aiohttp import web

from dicom_gateway.dicomweb.answers import JSON, XML, answer_kind
from dicom_gateway.dicomweb.multipart import MultipartAnswer
from dicom_gateway.dicomweb.service import GZIP_TAG, instances_of, not_found, scope_of, unchanged
from dicom_gateway.index import StoredInstance
from dicom_gateway.json_budget import check_parsed
from dicom_gateway.native_xml import to_xml
from dicom_gateway.series_documents import RULES, SeriesDocument, SeriesState

_HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Accept, Accept-Encoding"}
_OF_INSTANCE = b'"BulkDataURI":"instances/'
_FAST = 1  # level of compression on the way: nine tenths of what it can do in a third of the time


async def metadata(request: web.Request) -> web.StreamResponse:
    """Everything but bulk data as DICOM JSON; bulk data addresses are relative to this one (RFC 3986 section 5.2)."""
    if answer_kind(request) == XML:
        return await _as_xml(request)
    if "instance" in request.match_info:
        return await _anew(request)
    service, scope = await scope_of(request, "retrieve")
    where = request.match_info
    series = await service.documents.states(scope, where["study"], where.get("series"))
    if not series:
        raise not_found()
    if len({each.owner for each in series}) > 1 or any(each.divided for each in series):
        return await _anew(request)  # what two institutions sent alike is listed once; of some the caller may see a part
    documents = [await service.documents.document(each) for each in series]
    known = [document for document in documents if document is not None]
    if len(known) < len(documents):
        return await _anew(request)
    if "series" in where:
        return await _one_document(request, known[0])
    return await _all_documents(request, series, known)


async def _one_document(request: web.Request, document: SeriesDocument) -> web.StreamResponse:
    """The document of a series, as it is kept where the caller takes that."""
    headers = _headers(request, document.etag)
    if unchanged(request, document.etag):
        return web.Response(status=304, headers=headers)
    body = document.content if _takes_gzip(request) else await asyncio.to_thread(document.json)
    return web.Response(body=body, content_type=JSON, headers=headers)


async def _all_documents(request: web.Request, series: Sequence[SeriesState], documents: Sequence[SeriesDocument]) -> web.StreamResponse:
    """All series of a study, one behind the other."""
    etag = _digest(document.etag for document in documents)

    async def pieces() -> AsyncIterator[bytes]:
        for each, document in zip(series, documents, strict=True):
            in_study = f'"BulkDataURI":"series/{each.series_instance_uid}/instances/'.encode()
            yield (await asyncio.to_thread(document.json)).replace(_OF_INSTANCE, in_study)

    return await _streamed(request, etag, pieces())


async def _anew(request: web.Request) -> web.StreamResponse:
    """Described from the objects for this answer alone."""
    service, instances = await instances_of(request)
    etag = _digest(_state(instance) for instance in instances)
    return await _streamed(request, etag, service.documents.described([(i, _prefix(i, request)) for i in instances]))


async def _as_xml(request: web.Request) -> web.StreamResponse:
    """One part for each object."""
    service, instances = await instances_of(request)
    etag = f"{_digest(_state(instance) for instance in instances)}-xml"
    headers = {**_HEADERS, "ETag": f'"{etag}"'}
    if unchanged(request, etag):
        return web.Response(status=304, headers=headers)
    answer = MultipartAnswer(XML, headers)
    begun = False
    async for array in service.documents.described([(i, _prefix(i, request)) for i in instances]):
        documents = await service.pool.run(_documents, array)
        if not begun:  # what goes wrong with the first can still be said with a status
            await answer.start(request)
            begun = True
        for document in documents:
            await answer.part(f"{XML}; charset=utf-8", document)
    return await answer.finish()


def _documents(array: bytes) -> list[bytes]:
    check_parsed(array)
    return [to_xml(item) for item in json.loads(array)]


async def _streamed(request: web.Request, etag: str, arrays: AsyncIterator[bytes]) -> web.StreamResponse:
    """One array out of several, compressed if the caller takes that."""
    headers = _headers(request, etag)
    if unchanged(request, etag):
        return web.Response(status=304, headers=headers)
    first = await anext(arrays)  # what goes wrong here can still be said with a status
    response = web.StreamResponse(headers=headers)
    response.content_type = JSON
    machine = zlib.compressobj(_FAST, wbits=zlib.MAX_WBITS | 16) if _takes_gzip(request) else None

    async def write(text: bytes) -> None:
        await response.write(await asyncio.to_thread(machine.compress, text) if machine else text)

    await response.prepare(request)
    await write(first[:-1])
    async for array in arrays:
        if array != b"[]":
            await write(b"," + array[1:-1])
    await write(b"]")
    if machine:
        await response.write(machine.flush())
    await response.write_eof()
    return response


def _headers(request: web.Request, etag: str) -> dict[str, str]:
    if _takes_gzip(request):
        return {**_HEADERS, "ETag": f'"{etag}{GZIP_TAG}"', "Content-Encoding": "gzip"}
    return {**_HEADERS, "ETag": f'"{etag}"'}


def _takes_gzip(request: web.Request) -> bool:
    return any(
        coding.strip().lower() in ("gzip", "x-gzip") and "q=0" not in parameters.replace(" ", "").split(",")
        for coding, _, parameters in (part.partition(";") for part in request.headers.get("Accept-Encoding", "").split(","))
    )


def _state(instance: StoredInstance) -> str:
    return f"{instance.sha256} {instance.revision}"


def _digest(parts: Iterable[str]) -> str:
    """A strong tag: the answer follows from these parts by rules that have a number."""
    return hashlib.sha256(f"{RULES} {' '.join(parts)}".encode()).hexdigest()[:32]


def _prefix(instance: StoredInstance, request: web.Request) -> str:
    """Path from the address of this metadata to the instance."""
    prefix = ""
    if "series" not in request.match_info:
        prefix += f"series/{instance.series_instance_uid}/"
    if "instance" not in request.match_info:
        prefix += f"instances/{instance.sop_instance_uid}/"
    return prefix

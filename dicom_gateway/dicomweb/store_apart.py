"""STOW-RS with metadata and bulk data in parts of their own (PS3.18 section 10.5.1.3)."""

from __future__ import annotations

import asyncio

from aiohttp import web
from multidict import CIMultiDictProxy

from dicom_gateway.assembly import DEFAULT_SYNTAXES, BulkPart, assemble, read_metadata
from dicom_gateway.dicomweb.answers import JSON, XML
from dicom_gateway.dicomweb.media_types import acceptable
from dicom_gateway.dicomweb.parts import Parts, pieces_of_part
from dicom_gateway.dicomweb.service import Problem, Service
from dicom_gateway.intake import Outcome, Received, Source
from dicom_gateway.native_xml import BadModel

MAX_BYTES = 48 << 20  # of one request: what came apart is put together in memory, where it stands four times; files come as a flow
MAX_METADATA = 4 << 20  # bytes of documents in one request: each of the smallest objects in it takes thirty times its length
MAX_PARTS = 20_000
_AT_ONCE = 4


def root_type(request: web.Request) -> str:
    """The media type of the root part, as the Content-Type names it (RFC 2387)."""
    ranges = acceptable(request.headers.get("Content-Type", ""))
    return ranges[0].kind if ranges else ""


async def apart(service: Service, parts: Parts, owner: str, source: Source) -> list[Received]:
    """Put the objects together and receive them. Raises `Problem` where nothing can be made of the request."""
    documents, bulk = await _read(parts)
    try:
        items = await service.pool.run(read_metadata, documents)
    except BadModel as error:
        raise Problem(400, "Bad request", str(error)) from None
    places = asyncio.Semaphore(_AT_ONCE)

    async def receive(item: dict[str, object]) -> Received:
        async with places:
            own = {address: bulk[address] for address in _addresses(item) if address in bulk}
            try:
                part10 = await service.pool.run(assemble, item, own)
            except BadModel as error:
                return Received(
                    Outcome.UNREADABLE, str(error), sop_instance_uid=_uid(item, "00080018"), sop_class_uid=_uid(item, "00080016")
                )
            return await service.intake.receive(part10, owner, source)

    return list(await asyncio.gather(*map(receive, items)))


async def _read(parts: Parts) -> tuple[list[tuple[bytes, bool]], dict[str, BulkPart]]:
    """Documents, each with whether it is XML, and bulk data by address."""
    documents: list[tuple[bytes, bool]] = []
    bulk: dict[str, BulkPart] = {}
    size = metadata = 0
    while (part := await parts.next()) is not None:
        content = bytearray()
        described = _kind(part.headers) in (JSON, XML)
        async for piece in pieces_of_part(part, 1 << 20):
            content += piece
            size += len(piece)
            if size > MAX_BYTES:
                raise Problem(413, "Too large", f"metadata and bulk data of one request are at most {MAX_BYTES} bytes; send DICOM files")
            metadata += described * len(piece)
            if metadata > MAX_METADATA:
                raise Problem(413, "Too large", f"metadata of one request are at most {MAX_METADATA} bytes; send DICOM files")
        _keep(part.headers, bytes(content), documents, bulk)
    return documents, bulk


def _kind(headers: CIMultiDictProxy[str]) -> str:
    kinds = acceptable(headers.get("Content-Type", ""))
    return kinds[0].kind if kinds else ""


def _keep(headers: CIMultiDictProxy[str], content: bytes, documents: list[tuple[bytes, bool]], bulk: dict[str, BulkPart]) -> None:
    kinds = acceptable(headers.get("Content-Type", ""))
    kind = kinds[0].kind if kinds else ""
    if kind in (JSON, XML):
        documents.append((content, kind == XML))
        return
    address = headers.get("Content-Location")
    if not address:
        raise Problem(400, "Bad request", "a part with bulk data needs a Content-Location")
    if kind != "application/octet-stream" and kind not in DEFAULT_SYNTAXES:
        raise Problem(415, "Unsupported media type", f"bulk data are application/octet-stream or one of {', '.join(DEFAULT_SYNTAXES)}")
    bulk[address] = BulkPart(content, kinds[0].syntax or DEFAULT_SYNTAXES.get(kind))


def _addresses(item: dict[str, object]) -> set[str]:
    """The addresses of bulk data that the metadata name, at any depth."""
    found: set[str] = set()
    waiting: list[object] = [item]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if isinstance(address := node.get("BulkDataURI"), str):
                found.add(address)
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    return found


def _uid(item: dict[str, object], tag: str) -> str | None:
    element = item.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return str(values[0]) if isinstance(values, list) and values else None

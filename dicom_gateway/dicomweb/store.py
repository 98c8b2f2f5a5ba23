"""STOW-RS (PS3.18 section 10.5): every part goes through the one intake."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from aiohttp import BodyPartReader, web

from dicom_gateway.dicomweb.answers import JSON, XML, answer, answer_kind
from dicom_gateway.dicomweb.parts import Parts, pieces_of_part
from dicom_gateway.dicomweb.retrieve import DICOM
from dicom_gateway.dicomweb.service import Problem, Service, not_found, scope_of, service_address
from dicom_gateway.dicomweb.store_apart import MAX_PARTS as MOST_APART
from dicom_gateway.dicomweb.store_apart import apart, root_type
from dicom_gateway.intake import Outcome, Received, Source

MAX_PARTS = 10_000
_AT_ONCE = 8  # parts of one request that are stored side by side, so that their commits are shared
_IN_MEMORY = 4 << 20  # bytes of a part that is taken whole; larger ones are stored one at a time while they arrive
_PIECE = 256 << 10


async def store(request: web.Request) -> web.StreamResponse:
    """Store DICOM files, or metadata with bulk data; the answer lists each object with where it is, or why not."""
    kind = answer_kind(request)
    service, scope = await scope_of(request, "store")
    if scope.owner is None:
        raise Problem(403, "Forbidden", "this account may not store")
    source = Source("stow", address=request.remote, study_instance_uid=request.match_info.get("study"))
    if request.content_type == DICOM:
        received = [await service.intake.receive(await _content(request), scope.owner, source)]
    elif request.content_type != "multipart/related":
        raise Problem(415, "Unsupported media type", f'send multipart/related; type="{DICOM}", or "{JSON}" or "{XML}" with bulk data')
    elif root_type(request) in (JSON, XML):
        received = await apart(service, Parts(request, MOST_APART), scope.owner, source)
    else:
        received = await _parts(service, Parts(request, MAX_PARTS), scope.owner, source)
    if not received:
        raise Problem(400, "Bad request", "the request holds no object")
    failed = sum(_is_failure(each) for each in received)
    status = 409 if failed == len(received) else 202 if any(each.status for each in received) else 200
    if failed == len(received) and all(each.outcome in (Outcome.OUT_OF_RESOURCES, Outcome.FULL) for each in received):
        status = 507 if any(each.outcome is Outcome.FULL for each in received) else 503
    base = service_address(request)
    return await answer(request, kind, lambda: [_answer(received, base)], {}, status=status, alone=True)


async def _content(request: web.Request) -> AsyncIterator[bytes]:
    """The object that is the body, as it arrives. Raises `Problem` 400 for an empty one."""
    pieces = request.content.iter_chunked(_PIECE)
    first = await anext(pieces, b"")
    if not first:
        raise Problem(400, "Bad request", "the request holds no object: its body is empty")

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    return whole()


async def complete(request: web.Request) -> web.Response:
    """The sender says that a study is complete; no part of the standard. 204, also where it was known already."""
    service, scope = await scope_of(request, "store")
    if await service.watch.complete(scope, request.match_info["study"], datetime.now(UTC)) is None:
        raise not_found()
    return web.Response(status=204)


async def _parts(service: Service, parts: Parts, owner: str, source: Source) -> list[Received]:
    """Receive every part; small ones side by side."""
    tasks: list[asyncio.Future[Received]] = []
    places = asyncio.Semaphore(_AT_ONCE)

    async def receive(content: bytes) -> Received:
        try:
            return await service.intake.receive(content, owner, source)
        finally:
            places.release()

    try:
        while (part := await parts.next()) is not None:
            if part.headers.get("Content-Type", "").split(";")[0].strip() != DICOM:
                raise Problem(415, "Unsupported media type", f"every part must be {DICOM}")
            start = await _up_to(part, _IN_MEMORY)
            if len(start) < _IN_MEMORY:
                await places.acquire()
                tasks.append(asyncio.create_task(receive(start)))
            else:
                large: asyncio.Future[Received] = asyncio.get_running_loop().create_future()
                large.set_result(await _large(service, start, part, owner, source))
                tasks.append(large)
        return list(await asyncio.gather(*tasks))
    finally:
        # What was begun is finished even if a later part is bad: stopping half-way would only hide what is stored.
        await asyncio.gather(*tasks, return_exceptions=True)


async def _up_to(part: BodyPartReader, limit: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in pieces_of_part(part, _PIECE):
        pieces.append(piece)
        size += len(piece)
        if size >= limit:
            break
    return b"".join(pieces)


async def _large(service: Service, start: bytes, part: BodyPartReader, owner: str, source: Source) -> Received:
    async def pieces() -> AsyncIterator[bytes]:
        yield start
        async for piece in pieces_of_part(part, _PIECE):
            yield piece

    return await service.intake.receive(pieces(), owner, source)


def _is_failure(received: Received) -> bool:
    return received.outcome in (Outcome.OUT_OF_RESOURCES, Outcome.FULL, Outcome.NOT_STORABLE, Outcome.UNREADABLE)


def _answer(received: list[Received], base: str) -> dict[str, Any]:
    """Store Instances Response Module (PS3.18 table I.1-1)."""
    stored, failed = [], []
    for each in received:
        item = {"00081150": _value("UI", each.sop_class_uid), "00081155": _value("UI", each.sop_instance_uid)}
        if _is_failure(each):
            failed.append({**item, "00081197": _value("US", each.status), "00000902": _value("LO", each.comment)})
            continue
        series = f"{base}/studies/{each.study_instance_uid}/series/{each.series_instance_uid}"
        item["00081190"] = _value("UR", f"{series}/instances/{each.sop_instance_uid}")
        if each.status:
            item["00081196"] = _value("US", each.status)
        stored.append(item)
    answer: dict[str, Any] = {}
    studies = {each.study_instance_uid for each in received if not _is_failure(each)}
    if len(studies) == 1:
        answer["00081190"] = _value("UR", f"{base}/studies/{studies.pop()}")
    if failed:
        answer["00081198"] = {"vr": "SQ", "Value": failed}
    if stored:
        answer["00081199"] = {"vr": "SQ", "Value": stored}
    return answer


def _value(vr: str, value: object) -> dict[str, Any]:
    return {"vr": vr} if value is None else {"vr": vr, "Value": [value]}

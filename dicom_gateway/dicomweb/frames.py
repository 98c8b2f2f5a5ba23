"""WADO-RS: frames (PS3.18 section 10.4.1.1.6)."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

from aiohttp import web

from dicom_gateway.dicomweb.media_types import Acceptable, accepted
from dicom_gateway.dicomweb.multipart import MultipartAnswer
from dicom_gateway.dicomweb.service import Problem, Service, instances_of, not_found, unchanged
from dicom_gateway.frames import FrameIndex, join_fragments
from dicom_gateway.index import BadQuery, StoredInstance
from dicom_gateway.pixels.native import native_frame
from dicom_gateway.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN, transfer_syntax

# An instance never changes, but the right to see it does, and a look at it is one: a browser asks each time.
REVALIDATE = {"Cache-Control": "private, no-cache"}
OCTETS = "application/octet-stream"
MAX_FRAMES_ASKED = 1000


async def frames(request: web.Request) -> web.StreamResponse:
    """Frames by number (from 1), as kept or decoded to native little-endian pixels."""
    service, instances = await instances_of(request)
    instance, numbers = instances[0], frame_numbers(request)
    index = await service.objects.frame_index(instance)
    if max(numbers) > index.count:
        raise not_found()
    kind, as_kept, in_parts = _frame_kind(accepted(request), instance)
    etag = etag_of(instance, "frames", request.match_info["frames"], kind, as_kept)
    headers = {**REVALIDATE, "ETag": f'"{etag}"'}
    if unchanged(request, etag):
        return web.Response(status=304, headers=headers)
    contents = _contents(service, instance, numbers, index, as_kept)
    first = await anext(contents)
    syntax = instance.transfer_syntax_uid if as_kept else EXPLICIT_VR_LITTLE_ENDIAN
    if len(numbers) == 1 and not in_parts:
        return web.Response(body=first, headers={**headers, "Content-Type": f"{kind}; transfer-syntax={syntax}"})
    answer = MultipartAnswer(kind, headers)
    await answer.start(request)
    await answer.part(f"{kind}; transfer-syntax={syntax}", first)
    async for content in contents:
        await answer.part(f"{kind}; transfer-syntax={syntax}", content)
    return await answer.finish()


def _frame_kind(ranges: list[Acceptable], instance: StoredInstance) -> tuple[str, bool, bool]:
    """Media type of the frames, whether they go out as they are kept, and whether they may come in parts."""
    syntax = transfer_syntax(instance.transfer_syntax_uid)
    for asked in ranges:
        kept = asked.syntax in ("*", syntax.uid)
        if syntax.encapsulated:
            if asked.takes(syntax.frame_media_type) and asked.syntax in (None, "*", syntax.uid):
                return syntax.frame_media_type, True, asked.takes_parts
            if asked.takes(OCTETS) and kept:
                return OCTETS, True, asked.takes_parts
        if asked.takes(OCTETS) and asked.syntax in (None, "*", EXPLICIT_VR_LITTLE_ENDIAN):
            return OCTETS, False, asked.takes_parts
    raise Problem(406, "Not acceptable", f"frames come as {syntax.frame_media_type} or as native pixels in {OCTETS}")


async def _contents(
    service: Service, instance: StoredInstance, numbers: list[int], index: FrameIndex, as_kept: bool
) -> AsyncIterator[bytes]:
    head = None
    plain = not (syntax := transfer_syntax(instance.transfer_syntax_uid)).encapsulated and not syntax.big_endian
    for number in numbers:
        encoded, skip_bits = await service.objects.frame(instance, number, index)
        if as_kept:
            yield join_fragments(encoded)
        elif plain and not skip_bits:
            yield encoded
        else:
            head = head or await service.objects.head(instance)
            yield await service.pool.run(native_frame, head, encoded, skip_bits)


def frame_numbers(request: web.Request) -> list[int]:
    """The frames that the address lists. Raises `BadQuery`."""
    parts = request.match_info["frames"].split(",")
    if len(parts) > MAX_FRAMES_ASKED or not all(part.isdigit() and len(part) < 8 and int(part) > 0 for part in parts):
        raise BadQuery(f"frames are whole numbers from 1, separated by commas, at most {MAX_FRAMES_ASKED}")
    return [int(part) for part in parts]


def etag_of(instance: StoredInstance, *variant: object) -> str:
    """A strong tag for what is made of an instance in one way."""
    return hashlib.sha256(f"{instance.sha256}{variant!r}".encode()).hexdigest()[:40]

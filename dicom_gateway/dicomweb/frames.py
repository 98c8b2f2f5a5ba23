"""WADO-RS: frames, rendered pictures, thumbnails (PS3.18 sections 10.4.1.1.6 and 10.4.1.1.3-4)."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator

from aiohttp import web

from dicom_gateway.dicomweb.media_types import Acceptable, acceptable
from dicom_gateway.dicomweb.multipart import MultipartAnswer
from dicom_gateway.dicomweb.service import Problem, Service, instances_of, not_found, unchanged
from dicom_gateway.frames import FrameIndex, join_fragments
from dicom_gateway.index import BadQuery, StoredInstance
from dicom_gateway.pixels import Rendering, Window
from dicom_gateway.pixels.native import native_frame
from dicom_gateway.pixels.render import FUNCTIONS, MAX_SIDE, render
from dicom_gateway.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN, transfer_syntax

# An instance never changes; a short life keeps a revoked right from being read out of a browser for long.
IMMUTABLE = {"Cache-Control": "private, max-age=600"}
OCTETS = "application/octet-stream"
MAX_FRAMES_ASKED = 1000
_THUMBNAIL = 200  # pixels of the longer side


async def frames(request: web.Request) -> web.StreamResponse:
    """Frames by number (from 1), as kept or decoded to native little-endian pixels."""
    service, instances = await instances_of(request)
    instance, numbers = instances[0], _numbers(request)
    index = await service.objects.frame_index(instance)
    if max(numbers) > index.count:
        raise not_found()
    ranges = acceptable(request.headers.get("Accept", ""))
    kind, as_kept = _frame_kind(ranges, instance)
    etag = _etag(instance, "frames", request.match_info["frames"], kind, as_kept)
    headers = {**IMMUTABLE, "ETag": f'"{etag}"'}
    if unchanged(request, etag):
        return web.Response(status=304, headers=headers)
    contents = _contents(service, instance, numbers, index, as_kept)
    first = await anext(contents)
    syntax = instance.transfer_syntax_uid if as_kept else EXPLICIT_VR_LITTLE_ENDIAN
    if len(numbers) == 1 and not any(r.multipart for r in ranges) and request.headers.get("Accept", "*/*") != "*/*":
        return web.Response(body=first, headers={**headers, "Content-Type": f"{kind}; transfer-syntax={syntax}"})
    answer = MultipartAnswer(kind, headers)
    await answer.start(request)
    await answer.part(f"{kind}; transfer-syntax={syntax}", first)
    async for content in contents:
        await answer.part(f"{kind}; transfer-syntax={syntax}", content)
    return await answer.finish()


async def rendered(request: web.Request) -> web.StreamResponse:
    """One frame as JPEG or PNG; the first of the address if it names none."""
    asked = _rendering(request)
    return await _picture(request, asked)


async def thumbnail(request: web.Request) -> web.StreamResponse:
    """A small picture of the middle instance, or of the frame that the address names."""
    asked = _rendering(request)
    if asked.width is None and asked.height is None:
        asked = Rendering(asked.media_type, asked.window, _THUMBNAIL, _THUMBNAIL, asked.quality)
    return await _picture(request, asked)


async def _picture(request: web.Request, asked: Rendering) -> web.StreamResponse:
    service, instances = await instances_of(request)
    pictured = [i for i in instances if i.pixel_data_offset is not None]
    if not pictured:
        raise Problem(406, "Not acceptable", "there is nothing to draw in this object")
    instance = pictured[len(pictured) // 2]
    number = _numbers(request)[0] if "frames" in request.match_info else 1
    etag = _etag(instance, "rendered", number, asked)
    headers = {**IMMUTABLE, "ETag": f'"{etag}"'}
    if unchanged(request, etag):
        return web.Response(status=304, headers=headers)
    index, head = await asyncio.gather(service.objects.frame_index(instance), service.objects.head(instance))
    encoded, skip_bits = await service.objects.frame(instance, number, index)
    picture = await service.pool.run(render, head, encoded, skip_bits, asked)
    return web.Response(body=picture, content_type=asked.media_type, headers=headers)


def _frame_kind(ranges: list[Acceptable], instance: StoredInstance) -> tuple[str, bool]:
    """Media type of the parts, and whether the frame goes out as it is kept."""
    syntax = transfer_syntax(instance.transfer_syntax_uid)
    for asked in ranges:
        kept = asked.syntax in ("*", syntax.uid)
        if syntax.encapsulated:
            if asked.takes(syntax.frame_media_type) and asked.syntax in (None, "*", syntax.uid):
                return syntax.frame_media_type, True
            if asked.takes(OCTETS) and kept:
                return OCTETS, True
        if asked.takes(OCTETS) and asked.syntax in (None, "*", EXPLICIT_VR_LITTLE_ENDIAN):
            return OCTETS, False
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


def _numbers(request: web.Request) -> list[int]:
    parts = request.match_info["frames"].split(",")
    if len(parts) > MAX_FRAMES_ASKED or not all(part.isdigit() and len(part) < 8 and int(part) > 0 for part in parts):
        raise BadQuery(f"frames are whole numbers from 1, separated by commas, at most {MAX_FRAMES_ASKED}")
    return [int(part) for part in parts]


def _rendering(request: web.Request) -> Rendering:
    """The picture that Accept and the query ask for. Raises `BadQuery`, or `Problem` 406."""
    kind = next(
        (k for r in acceptable(request.headers.get("Accept", "")) for k in ("image/jpeg", "image/png") if r.takes(k)),
        None,
    )
    if kind is None:
        raise Problem(406, "Not acceptable", "pictures come as image/jpeg or image/png")
    width, height = _viewport(request.query.get("viewport"))
    quality = request.query.get("quality", "90")
    if not quality.isdigit() or not 1 <= int(quality) <= 100:
        raise BadQuery("quality is a whole number from 1 to 100")
    return Rendering(kind, _window(request.query.get("window")), width, height, int(quality))


def _window(text: str | None) -> Window | None:
    """`centre,width,function` (PS3.18 8.3.5.1.4)."""
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    function = parts[2].lower() if len(parts) == 3 else "linear"
    try:
        centre, width = float(parts[0]), float(parts[1])
    except (ValueError, IndexError):
        raise BadQuery("window is centre,width,function") from None
    if function not in FUNCTIONS or not abs(centre) < 1e9 or not 0 < width < 1e9:
        raise BadQuery(f"window is centre,width,function with a positive width and one of {', '.join(FUNCTIONS)}")
    return Window(centre, width, function)


def _viewport(text: str | None) -> tuple[int | None, int | None]:
    """`width,height` of the box (PS3.18 8.3.5.1.3)."""
    if text is None:
        return None, None
    parts = text.split(",")
    if len(parts) < 2 or not all(part.isdigit() and 0 < int(part) <= MAX_SIDE for part in parts[:2]):
        raise BadQuery(f"viewport is width,height in pixels from 1 to {MAX_SIDE}")
    return int(parts[0]), int(parts[1])


def _etag(instance: StoredInstance, *variant: object) -> str:
    return hashlib.sha256(f"{instance.sha256}{variant!r}".encode()).hexdigest()[:40]

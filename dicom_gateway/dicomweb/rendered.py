"""WADO-RS: rendered pictures and thumbnails (PS3.18 sections 10.4.1.1.3 and 10.4.1.1.4)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO

from aiohttp import web
from PIL import Image

from dicom_gateway.dicomweb.bulk import stream
from dicom_gateway.dicomweb.frames import REVALIDATE, etag_of, frame_numbers
from dicom_gateway.dicomweb.media_types import accepted
from dicom_gateway.dicomweb.multipart import MultipartAnswer
from dicom_gateway.dicomweb.service import Problem, Service, instances_of, unchanged
from dicom_gateway.index import BadQuery, StoredInstance
from dicom_gateway.json_bulk import bulk_value
from dicom_gateway.pixels import PixelError, Rendering, Window
from dicom_gateway.pixels.render import FUNCTIONS, MAX_SIDE, render
from dicom_gateway.transfer_syntax import transfer_syntax

PDF = "application/pdf"
PICTURES = ("image/jpeg", "image/png")
MAX_PICTURES = 1000  # of one answer
_THUMBNAIL = 200  # pixels of the longer side
_ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
_DOCUMENT = "00420011"  # Encapsulated Document


@dataclass(frozen=True, slots=True)
class Region:
    """The part of the frame that is shown: pixels from its upper left corner; mirrored where asked for."""

    left: float
    top: float
    width: float
    height: float
    flip_horizontally: bool
    flip_vertically: bool


@dataclass(frozen=True, slots=True)
class _Asked:
    rendering: Rendering
    region: Region | None
    multipart: bool


async def rendered(request: web.Request) -> web.StreamResponse:
    """Pictures of everything that the address names: one alone if it is one, several in parts."""
    service, instances = await instances_of(request)
    if "instance" in request.match_info and instances[0].sop_class_uid == _ENCAPSULATED_PDF:
        return await _document(request, service, instances[0])
    if "instance" in request.match_info and transfer_syntax(instances[0].transfer_syntax_uid).video_media_type:
        return await _video(request, service, instances[0])
    asked = _asked(request)
    numbered = await _numbered(request, service, instances)
    if len(numbered) == 1 and not asked.multipart:
        return await _one(request, service, *numbered[0], asked)
    answer = MultipartAnswer(asked.rendering.media_type, {**REVALIDATE, **_warnings(request)})
    pictures = _pictures(service, numbered, asked)
    first = await anext(pictures)  # what fails here can still be said with a status
    await answer.start(request)
    await answer.part(asked.rendering.media_type, first)
    async for picture in pictures:
        await answer.part(asked.rendering.media_type, picture)
    return await answer.finish()


async def thumbnail(request: web.Request) -> web.StreamResponse:
    """A small picture of the middle instance, or of the frame that the address names."""
    asked = _asked(request)
    if asked.rendering.width is None and asked.rendering.height is None:
        asked = replace(asked, rendering=replace(asked.rendering, width=_THUMBNAIL, height=_THUMBNAIL))
    service, instances = await instances_of(request)
    pictured = _pictured(instances)
    number = frame_numbers(request)[0] if "frames" in request.match_info else 1
    return await _one(request, service, pictured[len(pictured) // 2], number, asked)


async def _one(request: web.Request, service: Service, instance: StoredInstance, number: int, asked: _Asked) -> web.StreamResponse:
    etag = etag_of(instance, "rendered", number, asked.rendering, asked.region)
    headers = {**REVALIDATE, "Vary": "Accept", "ETag": f'"{etag}"', **_warnings(request)}
    if unchanged(request, etag):
        return web.Response(status=304, headers=headers)
    picture = await _picture(service, instance, number, asked)
    return web.Response(body=picture, content_type=asked.rendering.media_type, headers=headers)


async def _numbered(request: web.Request, service: Service, instances: Sequence[StoredInstance]) -> list[tuple[StoredInstance, int]]:
    """Instances and frames in order. An instance without frame numbers stands for its first frame if it is one of many."""
    pictured = _pictured(instances)
    if "frames" in request.match_info:
        return [(pictured[0], number) for number in frame_numbers(request)]
    if "instance" in request.match_info and any(r.multipart for r in accepted(request)):
        index = await service.objects.frame_index(pictured[0])
        numbered = [(pictured[0], number) for number in range(1, index.count + 1)]
    else:
        numbered = [(instance, 1) for instance in pictured]
    if len(numbered) > MAX_PICTURES:
        raise Problem(413, "Too large", f"more than {MAX_PICTURES} pictures in one answer; ask for series, instances or frames")
    return numbered


def _pictured(instances: Sequence[StoredInstance]) -> list[StoredInstance]:
    found = [i for i in instances if i.pixel_data_offset is not None and not transfer_syntax(i.transfer_syntax_uid).video_media_type]
    if not found:
        raise Problem(406, "Not acceptable", "there is nothing to draw in this object")
    return found


async def _pictures(service: Service, numbered: Sequence[tuple[StoredInstance, int]], asked: _Asked) -> AsyncIterator[bytes]:
    for instance, number in numbered:
        yield await _picture(service, instance, number, asked)


async def _picture(service: Service, instance: StoredInstance, number: int, asked: _Asked) -> bytes:
    index, head = await asyncio.gather(service.objects.frame_index(instance), service.objects.head(instance))
    encoded, skip_bits = await service.objects.frame(instance, number, index)
    if asked.region is None:
        return await service.pool.run(render, head, encoded, skip_bits, asked.rendering, number)
    return await service.pool.run(render_region, head, encoded, skip_bits, asked.rendering, asked.region, number)


def render_region(head: bytes, encoded: bytes, skip_bits: int, asked: Rendering, region: Region, number: int) -> bytes:
    """The picture of a part of a frame; runs in a process of its own. Raises `PixelError`."""
    whole = Rendering("image/png", asked.window)
    with Image.open(BytesIO(render(head, encoded, skip_bits, whole, number))) as frame:
        if region.left >= frame.width or region.top >= frame.height:
            raise PixelError(f"the region lies outside of the frame of {frame.width} x {frame.height} pixels")
        right, bottom = min(frame.width, region.left + region.width), min(frame.height, region.top + region.height)
        shown: Image.Image = frame.crop((round(region.left), round(region.top), round(right), round(bottom)))
    if region.flip_horizontally:
        shown = shown.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if region.flip_vertically:
        shown = shown.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    scale = min((asked.width or MAX_SIDE) / shown.width, (asked.height or MAX_SIDE) / shown.height)
    size = (max(1, round(shown.width * scale)), max(1, round(shown.height * scale)))
    out = BytesIO()
    shown = shown.resize(size, Image.Resampling.BILINEAR)
    if asked.media_type == "image/png":
        shown.save(out, "PNG", compress_level=1)
    else:
        shown.save(out, "JPEG", quality=asked.quality)
    return out.getvalue()


async def _document(request: web.Request, service: Service, instance: StoredInstance) -> web.StreamResponse:
    """An encapsulated PDF shows itself."""
    if not any(r.takes(PDF) for r in accepted(request)):
        raise Problem(406, "Not acceptable", f"this object is a document; it comes as {PDF}")
    etag = etag_of(instance, "rendered", PDF)
    headers = {**REVALIDATE, "Vary": "Accept", "ETag": f'"{etag}"'}
    if unchanged(request, etag):
        return web.Response(status=304, headers=headers)
    document = await service.pool.run(bulk_value, await service.objects.head(instance), _DOCUMENT)
    if not document:
        raise Problem(406, "Not acceptable", "the object holds no document")
    # The value is padded to an even length; a PDF ends with its marker (PS3.3 C.24.2).
    return web.Response(body=document.rstrip(b"\0"), content_type=PDF, headers=headers)


async def _video(request: web.Request, service: Service, instance: StoredInstance) -> web.StreamResponse:
    """A video plays itself, as it is kept. Raises `Problem` 406 for a caller who takes pictures only, or one of its frames."""
    kind = transfer_syntax(instance.transfer_syntax_uid).video_media_type
    if "frames" in request.match_info or not any(r.takes(kind) for r in accepted(request)):
        raise Problem(406, "Not acceptable", f"this is video: it comes as a whole, as {kind}")
    fragments = await service.objects.fragments(instance)
    if fragments is None:
        raise Problem(406, "Not acceptable", "the object holds no stream of a video")
    return await stream(request, service, instance, fragments, kind)


def _asked(request: web.Request) -> _Asked:
    """The picture that Accept and the query ask for. Raises `BadQuery`, or `Problem` 406."""
    found = next(((kind, r.multipart) for r in accepted(request) for kind in PICTURES if r.takes(kind)), None)
    if found is None:
        raise Problem(406, "Not acceptable", f"pictures come as {' or '.join(PICTURES)}")
    width, height, region = _viewport(request.query.get("viewport"))
    quality = request.query.get("quality", "90")
    if not quality.isdigit() or not 1 <= int(quality) <= 100:
        raise BadQuery("quality is a whole number from 1 to 100")
    return _Asked(Rendering(found[0], _window(request.query.get("window")), width, height, int(quality)), region, found[1])


def _warnings(request: web.Request) -> dict[str, str]:
    """Return the headers that name what is asked for and not supported (PS3.18 8.3.5.1.1)."""
    if not (annotation := request.query.get("annotation")):
        return {}
    named = "".join(c for c in annotation if c.isalnum() or c in ",-")[:100]
    return {"Warning": f'299 {request.host}: "The following annotation values are not supported: {named}"'}


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


def _viewport(text: str | None) -> tuple[int | None, int | None, Region | None]:
    """`width,height` of the box, and `left,top,width,height` of what is shown in it; a negative width or height mirrors
    (PS3.18 8.3.5.1.3)."""
    if text is None:
        return None, None, None
    parts = text.split(",")
    if len(parts) not in (2, 6) or not all(part.isdigit() and 0 < int(part) <= MAX_SIDE for part in parts[:2]):
        raise BadQuery(f"viewport is width,height in pixels from 1 to {MAX_SIDE}, and left,top,width,height of what is shown")
    box = int(parts[0]), int(parts[1])
    if len(parts) == 2:
        return *box, None
    try:
        left, top, width, height = (float(part or default) for part, default in zip(parts[2:], ("0", "0", "inf", "inf"), strict=True))
    except ValueError:
        raise BadQuery("the region of a viewport is left,top,width,height in pixels") from None
    if not (0 <= left < MAX_SIDE and 0 <= top < MAX_SIDE) or abs(width) < 1 or abs(height) < 1:
        raise BadQuery("the region of a viewport begins inside the frame and is at least one pixel wide and high")
    return *box, Region(left, top, abs(width), abs(height), width < 0, height < 0)

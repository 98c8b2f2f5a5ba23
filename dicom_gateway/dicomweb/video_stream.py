"""The stream of a video object as one bulk value: the fragments of its pixel data joined, whole or in part (PS3.18 section 10.4.1.1.5,
PS3.5 section 8.2.5)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from dicom_gateway.dicomweb.ranges import part_of
from dicom_gateway.dicomweb.retrieve import stored_bytes
from dicom_gateway.dicomweb.service import Problem, Service
from dicom_gateway.index import StoredInstance
from dicom_gateway.scanner import ITEM, SEQUENCE_END, UNDEFINED

PIXEL_DATA_PATH = "7FE00010"
MAX_FRAGMENTS = 1000
"""A stream is one fragment, or several of up to 4 GB each (PS3.5 A.4)."""
VIDEO = frozenset(f"1.2.840.10008.1.2.4.{number}{fragmentable}" for number in range(100, 109) for fragmentable in ("", ".1"))
"""MPEG-2, MPEG-4 AVC/H.264 and HEVC/H.265 (PS3.6 annex A)."""
_FIRST_BYTES = 12  # tell what a stream is
_ELEMENT_HEAD = 12  # tag, VR, two reserved bytes, length
_ITEM_HEAD = struct.Struct("<HHI")


@dataclass(frozen=True, slots=True)
class VideoStream:
    """Ranges of the stored object, in order, that together are the stream; and what it is by its first bytes."""

    ranges: tuple[tuple[int, int], ...]
    media_type: str

    @property
    def size(self) -> int:
        """Bytes of the stream."""
        return sum(end - start for start, end in self.ranges)


def cut(ranges: Sequence[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """Return the ranges of the object that hold bytes `start` to `end` of the stream that `ranges` are."""
    found, before = [], 0
    for first, behind in ranges:
        low, high = max(start - before, 0), min(end - before, behind - first)
        if low < high:
            found.append((first + low, first + high))
        before += behind - first
    return found


async def video_stream(service: Service, instance: StoredInstance) -> VideoStream | None:
    """Where the stream of a video object lies; None for what is no video. Raises `Problem` 406 where its fragments are too many."""
    if instance.transfer_syntax_uid not in VIDEO or instance.pixel_data_offset is None:
        return None
    position = instance.pixel_data_offset + _ELEMENT_HEAD
    ranges: list[tuple[int, int]] = []
    for number in range(MAX_FRAGMENTS + 1):
        head = await service.store.read(instance.object_key, offset=position, length=_ITEM_HEAD.size)
        if len(head) < _ITEM_HEAD.size:
            break
        group, element, length = _ITEM_HEAD.unpack(head)
        tag = group << 16 | element
        if tag == SEQUENCE_END or tag != ITEM or length == UNDEFINED:
            break
        if number > 0 and length:  # the first item is the offset table
            ranges.append((position + _ITEM_HEAD.size, min(position + _ITEM_HEAD.size + length, instance.size)))
        position += _ITEM_HEAD.size + length
    else:
        raise Problem(406, "Not acceptable", f"the video has more than {MAX_FRAGMENTS} fragments: fetch the object itself")
    if not ranges:
        return None
    first = b""
    for start, end in cut(ranges, 0, _FIRST_BYTES):
        first += await service.store.read(instance.object_key, offset=start, length=end - start)
    return VideoStream(tuple(ranges), _media_type(first))


def _media_type(first: bytes) -> str:
    """Return what a stream is by its first bytes: an MP4 file (ISO/IEC 14496-12), a transport or a program stream (ISO/IEC 13818-1)."""
    if first[4:8] == b"ftyp":
        return "video/mp4"
    if first[:1] == b"\x47":
        return "video/mp2t"
    return "video/mpeg" if first[:4] == b"\x00\x00\x01\xba" else "application/octet-stream"


async def send_video(
    request: web.Request, service: Service, instance: StoredInstance, stream: VideoStream, headers: dict[str, str], etag: str
) -> web.StreamResponse:
    """The stream, or the part of it that the request asks for."""
    part = part_of(request, stream.size, etag)
    response = web.StreamResponse(status=part.status, headers={**headers, **part.headers(), "Content-Type": stream.media_type})
    await response.prepare(request)
    for start, end in cut(stream.ranges, part.start, part.end):
        async for piece in stored_bytes(service, instance.object_key, start, end):
            await response.write(piece)
    await response.write_eof()
    return response

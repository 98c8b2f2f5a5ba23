"""WADO-RS: objects (PS3.18 section 10.4.1.1.1), as sent, transcoded, or as an archive."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from dicom_gateway.dicomweb.media_types import Acceptable, accepted
from dicom_gateway.dicomweb.multipart import MultipartAnswer
from dicom_gateway.dicomweb.ranges import part_of
from dicom_gateway.dicomweb.service import Problem, Service, instances_of, unchanged
from dicom_gateway.dicomweb.zip_archive import ZIP, zip_archive
from dicom_gateway.index import StoredInstance
from dicom_gateway.pixels.transcode import TARGETS, transcode

DICOM = "application/dicom"
REVALIDATE = {"Cache-Control": "private, no-cache", "Vary": "Accept"}
MAX_TRANSCODED = 512 << 20  # bytes of an object that is transcoded in memory
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class _Sending:
    """An instance and the transfer syntax it goes out in."""

    instance: StoredInstance
    syntax: str

    @property
    def as_sent(self) -> bool:
        return self.syntax == self.instance.transfer_syntax_uid

    @property
    def kind(self) -> str:
        return f"{DICOM}; transfer-syntax={self.syntax}"


async def objects(request: web.Request) -> web.StreamResponse:
    """A study, series or instance: as sent, unless the caller takes only other transfer syntaxes."""
    service, instances = await instances_of(request)
    ranges = accepted(request)
    best = next((r for r in ranges if _form(r, len(instances))), None)
    if best is None and any(r.takes(DICOM) for r in ranges):
        raise Problem(406, "Not acceptable", f'several objects come as multipart/related; type="{DICOM}", or as {ZIP}')
    if best is None:
        raise Problem(406, "Not acceptable", f'objects come as multipart/related; type="{DICOM}", or as {ZIP}')
    form = _form(best, len(instances))
    if form is zip_archive:
        return await zip_archive(request, service, instances)
    ranges = [r for r in ranges if r.takes(DICOM)]
    sending = [_Sending(instance, _syntax(ranges, instance)) for instance in instances]
    return await (_single(request, service, sending[0]) if form is _single else _several(request, service, sending))


def _form(asked: Acceptable, objects: int) -> Callable[..., Awaitable[web.StreamResponse]] | None:
    """The form in which so many objects are given to who takes this range; None if there is none."""
    if asked.takes_parts and asked.takes(DICOM):
        return _several
    if not asked.multipart and objects == 1 and asked.takes(DICOM):
        return _single
    return zip_archive if not asked.multipart and asked.takes(ZIP) else None


async def _several(request: web.Request, service: Service, sending: Sequence[_Sending]) -> web.StreamResponse:
    headers = dict(REVALIDATE)
    if len(sending) == 1:
        etag = _etag(sending[0])
        headers["ETag"] = f'"{etag}-parts"'
        if unchanged(request, f"{etag}-parts"):
            return web.Response(status=304, headers=headers)
    # Failing here can still be said with a status.
    first = None if sending[0].as_sent else await _transcoded(service, sending[0])
    answer = MultipartAnswer(DICOM, headers)
    await answer.start(request)
    for number, each in enumerate(sending):
        if each.as_sent:
            await answer.part(each.kind, service.store.stream(each.instance.object_key))
        else:
            await answer.part(each.kind, first if number == 0 and first is not None else await _transcoded(service, each))
    return await answer.finish()


async def _single(request: web.Request, service: Service, sending: _Sending) -> web.StreamResponse:
    """One object without wrapping; a part of it for a client that goes on where it was cut off."""
    etag = _etag(sending)
    headers = {**REVALIDATE, "ETag": f'"{etag}"', "Content-Type": sending.kind}
    if unchanged(request, etag):
        return web.Response(status=304, headers=headers)
    content = None if sending.as_sent else await _transcoded(service, sending)
    part = part_of(request, sending.instance.size if content is None else len(content), etag)
    headers |= part.headers()
    if content is not None:
        return web.Response(body=content[part.start : part.end], status=part.status, headers=headers)
    response = web.StreamResponse(status=part.status, headers=headers)
    await response.prepare(request)
    async for piece in stored_bytes(service, sending.instance.object_key, part.start, part.end):
        await response.write(piece)
    await response.write_eof()
    return response


async def stored_bytes(service: Service, key: str, start: int, end: int) -> AsyncIterator[bytes]:
    """Bytes `start` to `end` of a stored object, in pieces."""
    for offset in range(start, end, _PIECE):
        yield await service.store.read(key, offset=offset, length=min(_PIECE, end - offset))


def _syntax(ranges: Sequence[Acceptable], instance: StoredInstance) -> str:
    """The transfer syntax for a caller who takes these ranges, best first.

    One that names no syntax gets what was sent: it can read the file meta information, and nothing is lost.
    """
    for asked in ranges:
        if asked.syntax in (None, "*", instance.transfer_syntax_uid):
            return instance.transfer_syntax_uid
        if asked.syntax in TARGETS:
            return asked.syntax
    raise Problem(406, "Not acceptable", "objects come as sent (transfer-syntax=*), native, or losslessly compressed")


async def _transcoded(service: Service, sending: _Sending) -> bytes:
    if sending.instance.size > MAX_TRANSCODED:
        raise Problem(406, "Not acceptable", "the object is too large to be transcoded; ask for transfer-syntax=*")
    return await service.pool.run(transcode, await service.store.read(sending.instance.object_key), sending.syntax)


def _etag(sending: _Sending) -> str:
    return f"{sending.instance.sha256[:40]}-{'sent' if sending.as_sent else sending.syntax}"

"""Resumable uploads by tus 1.0.0 (https://tus.io/protocols/resumable-upload): core, creation, termination, expiration, checksum.

Metadata of an upload: `case` (the case's id) and `filename`. The last bytes are acknowledged once the file is evidence;
`Content-Location` then names it. Of a ZIP archive the files are evidence: `Upload-Files` counts those that were taken, `Upload-Left-Out`
those that were not, and names the first of them with their reasons (JSON, percent-encoded).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator
from email.utils import format_datetime
from urllib.parse import quote

import msgspec
from aiohttp import ClientPayloadError, web

from telemed.domain.errors import FieldError, Invalid
from telemed.domain.permissions import CaseAction
from telemed.domain.upload import Upload
from telemed.service import uploads
from telemed.service.execution import execute, query
from telemed.service.uploads import CHECKSUMS, Arrival, Checksum
from telemed.web.api.evidence_shapes import left_out_shapes
from telemed.web.api.inputs import Nothing
from telemed.web.api.operation import Call, operation, refuse_without_right
from telemed.web.keys import STUDIES, UPLOAD_LIMIT
from telemed.web.problems import Problem

VERSION = "1.0.0"
CONTENT_TYPE = "application/offset+octet-stream"
PIECE = 256 * 1024
MAX_METADATA = 4096
LEFT_OUT_SAID = 12
"""Files that the headers of an answer name; a header line is 8 KB at most with usual proxies."""
UPLOAD = "/uploads/{upload_id}"
RESUMABLE = {"Tus-Resumable": VERSION}


def _speaks(call: Call[Nothing]) -> None:
    if call.request.headers.get("Tus-Resumable") != VERSION:
        raise Problem(412, "unsupported-version", f"Tus-Resumable: {VERSION}", headers=RESUMABLE | {"Tus-Version": VERSION})


def _number(call: Call[Nothing], header: str) -> int:
    """A header that counts bytes."""
    text = call.request.headers.get(header, "")
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise Problem(400, "malformed", header)
    return int(text)


def _metadata(call: Call[Nothing]) -> dict[str, str]:
    """`Upload-Metadata`: names, each with its value in Base64, between commas."""
    header = call.request.headers.get("Upload-Metadata", "")
    if len(header) > MAX_METADATA:
        raise Problem(400, "malformed", "Upload-Metadata")
    found = {}
    for pair in filter(None, (pair.strip() for pair in header.split(","))):
        name, _, value = pair.partition(" ")
        if name in found:
            raise Problem(400, "malformed", f"Upload-Metadata: {name} is given twice")
        try:
            found[name] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise Problem(400, "malformed", f"Upload-Metadata: {name}") from None
    return found


def _state(upload: Upload) -> dict[str, str]:
    """The headers that say how an upload stands."""
    headers = RESUMABLE | {
        "Upload-Offset": str(upload.offset),
        "Upload-Expires": format_datetime(upload.expires_at, usegmt=True),
        "Cache-Control": "no-store",
    }
    if upload.evidence_id:
        headers["Content-Location"] = f"/api/v1/cases/{upload.case_id}/evidence/{upload.evidence_id}"
    return headers


@operation("OPTIONS", "/uploads", status=204, headers=("Tus-Version", "Tus-Extension", "Tus-Max-Size"))
async def capabilities(call: Call[Nothing]) -> web.Response:
    """Return what of the protocol is spoken here."""
    headers = RESUMABLE | {
        "Tus-Version": VERSION,
        "Tus-Extension": "creation,termination,expiration,checksum",
        "Tus-Max-Size": str(call.request.app[UPLOAD_LIMIT]),
        "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
    }
    return web.Response(status=204, headers=headers)


@operation(
    "POST",
    "/uploads",
    status=201,
    errors=(400, 403, 404, 409, 412, 413, 422, 429),
    headers=("Location", "Upload-Expires"),
    request_headers=("Tus-Resumable", "Upload-Length", "Upload-Metadata"),
)
async def create(call: Call[Nothing]) -> web.Response:
    """Announce a file for a case."""
    _speaks(call)
    metadata = _metadata(call)
    if not metadata.get("case"):
        raise Invalid(FieldError("Upload-Metadata.case", "required"))
    try:
        length = _announced(call)
    except Problem:
        await refuse_without_right(call.request, call.person, CaseAction.ATTACH, metadata["case"])
        raise
    upload = await execute(call.application, uploads.begin_upload, call.person, metadata["case"], metadata.get("filename", ""), length)
    location = {"Location": f"/api/v1/uploads/{upload.id}"}
    return web.Response(status=201, headers=_state(upload) | location)


def _announced(call: Call[Nothing]) -> int:
    """Bytes of the file that is to come. Raises Problem."""
    length, limit = _number(call, "Upload-Length"), call.request.app[UPLOAD_LIMIT]
    if length > limit:
        raise Problem(413, "too-large", f"{limit} bytes", headers=RESUMABLE)
    return length


@operation("HEAD", UPLOAD, errors=(404, 412), headers=("Upload-Offset", "Upload-Length"), request_headers=("Tus-Resumable",))
async def look(call: Call[Nothing]) -> web.Response:
    """Return how far the upload is."""
    _speaks(call)
    upload = await query(call.application, uploads.find_upload, call.person, call.path("upload_id"))
    return web.Response(headers=_state(upload) | {"Upload-Length": str(upload.length)})


@operation(
    "PATCH",
    UPLOAD,
    status=204,
    errors=(400, 403, 404, 409, 412, 415, 422, 460),
    request_media_type=CONTENT_TYPE,
    headers=("Upload-Offset", "Content-Location", "Upload-Files", "Upload-Left-Out"),
    request_headers=("Tus-Resumable", "Upload-Offset"),
)
async def go_on(call: Call[Nothing]) -> web.Response:
    """Send bytes from the offset on."""
    _speaks(call)
    if call.request.content_type != CONTENT_TYPE:
        raise Problem(415, "unsupported-media-type", CONTENT_TYPE, headers=RESUMABLE)
    offset, checksum = _number(call, "Upload-Offset"), _checksum(call)
    studies = call.request.app[STUDIES]
    arrival = await uploads.receive(
        call.application, studies, call.person, call.path("upload_id"), offset, _until_cut(call.request), checksum
    )
    return web.Response(status=204, headers=_state(arrival.upload) | _of_archive(arrival))


def _of_archive(arrival: Arrival) -> dict[str, str]:
    """How many files came out of an archive, and which were left out: JSON, percent-encoded, the first of them with their reasons."""
    if arrival.taken < 2 and not arrival.left_out:
        return {}
    said = left_out_shapes(arrival.left_out[:LEFT_OUT_SAID])
    listed = msgspec.json.encode(said).decode()
    return {"Upload-Files": str(arrival.taken), "Upload-Left-Out": f"{len(arrival.left_out)} {quote(listed)}"}


@operation("DELETE", UPLOAD, status=204, errors=(404, 412), request_headers=("Tus-Resumable",))
async def give_up(call: Call[Nothing]) -> web.Response:
    """Drop the upload; what became evidence stays."""
    _speaks(call)
    await uploads.drop_upload(call.application, call.person, call.path("upload_id"))
    return web.Response(status=204, headers=RESUMABLE)


OVERRIDES = {"PATCH": go_on, "DELETE": give_up, "HEAD": look}


@operation(
    "POST",
    UPLOAD,
    status=204,
    errors=(400, 403, 404, 409, 412, 415, 422, 460),
    request_media_type=CONTENT_TYPE,
    request_headers=("Tus-Resumable", "X-HTTP-Method-Override"),
)
async def instead(call: Call[Nothing]) -> web.StreamResponse:
    """For lines that let only GET and POST through: X-HTTP-Method-Override names the method."""
    handler = OVERRIDES.get(call.request.headers.get("X-HTTP-Method-Override", "").upper())
    if handler is None:
        raise Problem(400, "malformed", "X-HTTP-Method-Override")
    return await handler(call)


def _checksum(call: Call[Nothing]) -> Checksum | None:
    header = call.request.headers.get("Upload-Checksum")
    if header is None:
        return None
    algorithm, _, digest = header.partition(" ")
    try:
        if algorithm in CHECKSUMS:
            return Checksum(algorithm, base64.b64decode(digest, validate=True))
    except binascii.Error:
        pass
    raise Problem(400, "malformed", "Upload-Checksum")


async def _until_cut(request: web.Request) -> AsyncIterator[bytes]:
    """The body; a line that is cut ends it early, and what came is kept."""
    try:
        async for piece in request.content.iter_chunked(PIECE):
            yield piece
    except (ClientPayloadError, ConnectionError):
        return

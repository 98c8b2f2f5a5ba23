"""Evidence: files sent in one piece, the list, and the bytes out again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

from aiohttp import BodyPartReader, web

from dicom_gateway.dicomweb.parts import DamagedParts, Parts, TooManyParts, pieces_of_part
from telemed.domain.errors import NotFound, TakenInstance
from telemed.domain.evidence import Evidence
from telemed.domain.identity_of_evidence import IdentityFinding
from telemed.domain.people import Person
from telemed.domain.permissions import CaseAction
from telemed.domain.policy import Action
from telemed.service.access import case_to_look_back_at
from telemed.service.archives import LeftOut, attach_sent
from telemed.service.case_view import view_case
from telemed.service.execution import execute, query, record_look
from telemed.service.identity_settlement import settle_identity
from telemed.service.ports.unit_of_work import UnitOfWork
from telemed.web.api.cases import CASE
from telemed.web.api.evidence_shapes import EvidenceListShape, EvidenceShape, SentEvidenceShape, evidence_shape, left_out_shapes
from telemed.web.api.inputs import Nothing, SettleIdentity
from telemed.web.api.operation import Call, answer, operation
from telemed.web.api.shapes import PageListShape, PageShape
from telemed.web.keys import PAGES, STUDIES, UPLOAD_LIMIT
from telemed.web.problems import Problem

FILES_AT_ONCE = 200
FIELDS_BESIDE = 20
"""Fields of a form that are no files and may stand among them; each has at most `FIELD_BYTES`."""
FIELD_BYTES = 64 * 1024
PIECE = 256 * 1024


@operation(
    "POST",
    CASE + "/files",
    returns=SentEvidenceShape,
    status=201,
    errors=(400, 403, 404, 409, 413, 415, 422),
    request_media_type="multipart/form-data",
    right=CaseAction.ATTACH,
)
async def attach(call: Call[Nothing]) -> web.Response:
    """Attach files of the kinds that the centres take, known by their content; a ZIP archive by the files in it."""
    if call.request.content_type != "multipart/form-data":
        raise Problem(415, "unsupported-media-type", "multipart/form-data")
    found: dict[str, Evidence] = {}
    set_aside: list[str] = []
    left_out: list[LeftOut] = []
    count = 0
    try:
        parts = Parts(call.request, FILES_AT_ONCE + FIELDS_BESIDE)
        while (part := await parts.next()) is not None:
            if part.filename is None:
                await _pass(part)
                continue
            count += 1
            if count > FILES_AT_ONCE:
                raise Problem(413, "too-large", f"{FILES_AT_ONCE} files")
            pieces = _pieces(part, call.request.app[UPLOAD_LIMIT])
            try:
                sent = await attach_sent(call.application, call.request.app[STUDIES], call.person, call.case_id, part.filename, pieces)
            except TakenInstance as conflict:  # those behind it are taken all the same
                set_aside += conflict.sop_instance_uids
            else:
                found |= sent.evidence
                left_out += sent.left_out
    except TooManyParts as error:
        raise Problem(413, "too-large", f"{error.most} parts") from None
    except DamagedParts as error:
        raise Problem(400, "malformed", str(error)) from None
    if set_aside:
        raise TakenInstance(*set_aside)
    if not count:
        raise Problem(422, "malformed", "multipart/form-data: file")
    async with call.application.reading() as work:
        stated = await work.evidence.identities([call.case_id])
    items = [evidence_shape(e, stated) for e in found.values()]
    return answer(SentEvidenceShape(items=items, left_out=left_out_shapes(left_out)), 201)


async def _pass(field: BodyPartReader) -> None:
    """Read a field that is no file to its end; nothing is made of it."""
    total = 0
    async for piece in pieces_of_part(field, PIECE):
        total += len(piece)
        if total > FIELD_BYTES:
            raise Problem(413, "too-large", f"{FIELD_BYTES} bytes")


async def _pieces(part: BodyPartReader, limit: int) -> AsyncIterator[bytes]:
    total = 0
    async for piece in pieces_of_part(part, PIECE):
        total += len(piece)
        if total > limit:
            raise Problem(413, "too-large", f"{limit} bytes")
        yield piece


@operation("GET", CASE + "/evidence", returns=EvidenceListShape, errors=(403, 404))
async def listing(call: Call[Nothing]) -> web.Response:
    """List the evidence of the case."""
    view = await query(call.application, view_case, call.person, call.case_id)
    return answer(EvidenceListShape(items=[evidence_shape(e, view.identities) for e in view.evidence]))


async def _one(work: UnitOfWork, person: Person, case_id: str, evidence_id: str) -> Evidence:
    await case_to_look_back_at(work, person, case_id, Action.EVIDENCE_READ)
    evidence = await work.evidence.get(evidence_id)
    if evidence is None or evidence.case_id != case_id:
        raise NotFound("evidence", evidence_id)
    return evidence


@operation("GET", CASE + "/evidence/{evidence_id}", returns=EvidenceShape, errors=(403, 404))
async def read(call: Call[Nothing]) -> web.Response:
    """One piece of evidence."""
    found, stated = await query(call.application, _one_with_identity, call.person, call.case_id, call.path("evidence_id"))
    return answer(evidence_shape(found, stated))


@operation(
    "POST",
    CASE + "/evidence/{evidence_id}/identity",
    body=SettleIdentity,
    returns=EvidenceListShape,
    errors=(403, 404, 409, 422),
    right=CaseAction.IDENTIFY,
)
async def identity(call: Call[SettleIdentity]) -> web.Response:
    """The file states another patient: say that it is the same person after all, or that it is not; then it leaves the case."""
    body = call.body
    await execute(call.application, settle_identity, call.person, call.case_id, call.path("evidence_id"), body.same_person, body.reason)
    view = await query(call.application, view_case, call.person, call.case_id)
    return answer(EvidenceListShape(items=[evidence_shape(e, view.identities) for e in view.evidence]))


async def _one_with_identity(work: UnitOfWork, person: Person, case_id: str, evidence_id: str) -> tuple[Evidence, list[IdentityFinding]]:
    return await _one(work, person, case_id, evidence_id), await work.evidence.identities([case_id])


INLINE = ("application/pdf", "image/jpeg", "image/png")


@operation(
    "GET",
    CASE + "/evidence/{evidence_id}/content",
    returns=bytes,
    errors=(403, 404),
    media_type="application/octet-stream",
    files=INLINE,
)
async def content(call: Call[Nothing]) -> web.StreamResponse:
    """The bytes as they were sent. A DICOM study is fetched through DICOMweb instead."""
    evidence = await query(call.application, _one, call.person, call.case_id, call.path("evidence_id"))
    if not evidence.key:
        raise NotFound("evidence", evidence.id)
    await record_look(call.application, call.person, Action.EVIDENCE_READ, f"case/{call.case_id}")
    shown = evidence.media_type if evidence.media_type in INLINE else "application/octet-stream"
    kind = "inline" if evidence.media_type in INLINE else "attachment"
    headers = {
        "Content-Type": shown,
        "Content-Length": str(evidence.size),
        "Content-Disposition": f"{kind}; filename*=UTF-8''{quote(evidence.name)}",
        "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-ancestors 'none'",
        "ETag": f'"{evidence.sha256}"',
    }
    if call.request.headers.get("If-None-Match") == headers["ETag"]:
        return web.Response(status=304, headers={"ETag": headers["ETag"]})
    response = web.StreamResponse(headers=headers)
    await response.prepare(call.request)
    async for piece in call.application.store.stream(evidence.key):
        await response.write(piece)
    await response.write_eof()
    return response


@operation("GET", CASE + "/evidence/{evidence_id}/pages", returns=PageListShape, errors=(403, 404, 422))
async def pages(call: Call[Nothing]) -> web.Response:
    """The pages of a PDF document, to be fetched as pictures."""
    evidence = await _document(call)
    sizes = await call.request.app[PAGES].sizes(evidence.key, evidence.size)
    items = [PageShape(number=number, width=size.width, height=size.height) for number, size in enumerate(sizes, 1)]
    return answer(PageListShape(items=items))


@operation("GET", CASE + "/evidence/{evidence_id}/pages/{number}", returns=bytes, errors=(403, 404, 422), media_type="image/png")
async def drawn_page(call: Call[Nothing]) -> web.Response:
    """One page of a PDF document, drawn."""
    evidence = await _document(call)
    number = call.path("number")
    if not (number.isdecimal() and number.isascii() and len(number) < 6):
        raise NotFound("page", number)
    etag = f'"{evidence.sha256}.{number}"'
    headers = {"ETag": etag}
    if call.request.headers.get("If-None-Match") == etag:
        await record_look(call.application, call.person, Action.EVIDENCE_READ, f"case/{call.case_id}")
        return web.Response(status=304, headers=headers)
    picture = await call.request.app[PAGES].draw(evidence.key, evidence.size, int(number))
    await record_look(call.application, call.person, Action.EVIDENCE_READ, f"case/{call.case_id}")
    return web.Response(body=picture, content_type="image/png", headers=headers)


async def _document(call: Call[Nothing]) -> Evidence:
    evidence = await query(call.application, _one, call.person, call.case_id, call.path("evidence_id"))
    if not evidence.key or evidence.media_type != "application/pdf":
        raise NotFound("document", evidence.id)
    return evidence

"""Documents that DICOM objects carry, as pictures of their pages. Studies themselves are fetched through DICOMweb."""

from __future__ import annotations

from aiohttp import web

from telemed.domain.errors import NotFound
from telemed.domain.policy import Action
from telemed.service.document_pages import EncapsulatedDocument
from telemed.service.execution import record_look
from telemed.web.api.inputs import Nothing
from telemed.web.api.operation import Call, answer, operation
from telemed.web.api.shapes import PageListShape, PageShape
from telemed.web.keys import STUDY_DOCUMENTS

DOCUMENT_PAGES = "/studies/{study}/series/{series}/instances/{instance}/pages"


@operation("GET", DOCUMENT_PAGES, returns=PageListShape, errors=(403, 404, 422))
async def pages(call: Call[Nothing]) -> web.Response:
    """The pages of a PDF document in a DICOM object, to be fetched as pictures."""
    document = await _document(call)
    sizes = await call.request.app[STUDY_DOCUMENTS].sizes(document)
    items = [PageShape(number=number, width=size.width, height=size.height) for number, size in enumerate(sizes, 1)]
    return answer(PageListShape(items=items))


@operation("GET", DOCUMENT_PAGES + "/{number}", returns=bytes, errors=(403, 404, 422), media_type="image/png")
async def drawn_page(call: Call[Nothing]) -> web.Response:
    """One page of a PDF document in a DICOM object, drawn."""
    number = call.path("number")
    if not (number.isdecimal() and number.isascii() and len(number) < 6):
        raise NotFound("page", number)
    document = await _document(call)
    etag = f'"{document.sha256}.{number}"'
    if call.request.headers.get("If-None-Match") == etag:
        return web.Response(status=304, headers={"ETag": etag})
    picture = await call.request.app[STUDY_DOCUMENTS].draw(document, int(number))
    return web.Response(body=picture, content_type="image/png", headers={"ETag": etag})


async def _document(call: Call[Nothing]) -> EncapsulatedDocument:
    """The document, if the person may fetch the object. On record before a byte goes out."""
    study = call.path("study")
    found = await call.request.app[STUDY_DOCUMENTS].find(call.person, study, call.path("series"), call.path("instance"))
    await record_look(call.application, call.person, Action.EVIDENCE_READ, f"study/{study}")
    return found

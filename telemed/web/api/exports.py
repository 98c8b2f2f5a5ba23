"""Studies given out without their patients."""

from __future__ import annotations

from aiohttp import web

from telemed.service.execution import execute
from telemed.service.study_export import export_study
from telemed.web.api.cases import CASE
from telemed.web.api.inputs import Nothing
from telemed.web.api.operation import Call, operation
from telemed.web.keys import EXPORTS


@operation("GET", CASE + "/evidence/{evidence_id}/deidentified.zip", returns=bytes, errors=(403, 404, 422), media_type="application/zip")
async def deidentified(call: Call[Nothing]) -> web.StreamResponse:
    """The study without its patient, as DICOM files by PS3.15's basic profile. On record."""
    case, study = await execute(call.application, export_study, call.person, call.case_id, call.path("evidence_id"))
    headers = {"Content-Type": "application/zip", "Content-Disposition": 'attachment; filename="study-deidentified.zip"'}
    response = web.StreamResponse(headers=headers)
    await response.prepare(call.request)
    async for piece in call.request.app[EXPORTS].archive(case, study):
        await response.write(piece)
    await response.write_eof()
    return response

"""Reports: draft, signature, review, amendment, PDF."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from aiohttp import web
from pydantic import Field

from telemed.domain.errors import NotFound
from telemed.domain.permissions import CaseAction
from telemed.domain.policy import Action
from telemed.domain.report import Report, VersionKind
from telemed.service import reporting, signing
from telemed.service.contradictions import Insistence
from telemed.service.execution import execute, query, record_look
from telemed.web.api.cases import CASE
from telemed.web.api.inputs import Amendment, Draft, Input, Nothing, SendBack, Signature
from telemed.web.api.operation import Call, answer, operation
from telemed.web.api.shapes import ContradictionListShape, ContradictionShape, ReportShape, report_shape
from telemed.web.labels.contradictions import contradiction_text
from telemed.web.security import session_of


class VersionQuery(Input):
    version: Annotated[int, Field(ge=1, le=10_000)] | None = None


def _tagged(report: Report, versions: list[Report], status: int = 200) -> web.Response:
    return answer(report_shape(report, versions), status, {"ETag": f'"{report.entity_tag}"'})


async def _again(call: Call[Nothing] | Call[Signature] | Call[Amendment] | Call[SendBack], report: Report) -> web.Response:
    _, versions = await query(call.application, reporting.read_report, call.person, call.case_id)
    return _tagged(report, versions)


@operation("GET", CASE + "/report", query=VersionQuery, returns=ReportShape, errors=(403, 404), headers=("ETag",), right=Action.REPORT_READ)
async def read(call: Call[Nothing]) -> web.Response:
    """The report: the hub sees its draft, the member what was released."""
    report, versions = await query(call.application, reporting.read_report, call.person, call.case_id)
    if call.query.version is not None:
        report = next((v for v in versions if v.version == call.query.version), None) or _absent(call.case_id)
    await record_look(call.application, call.person, Action.REPORT_READ, f"case/{call.case_id}")
    return _tagged(report, versions)


def _absent(case_id: str) -> Report:
    raise NotFound("report", case_id)


@operation(
    "PUT",
    CASE + "/report",
    body=Draft,
    returns=ReportShape,
    errors=(403, 404, 409, 412, 422, 428),
    headers=("ETag",),
    right=CaseAction.WRITE,
)
async def save(call: Call[Draft]) -> web.Response:
    """Save the draft; If-Match names the version it was made from."""
    if_match = call.request.headers.get("If-Match")
    body = call.body
    report = await execute(call.application, reporting.save_draft, call.person, call.case_id, body.sections, body.chosen, if_match)
    return _tagged(report, [report])


@operation("GET", CASE + "/report/contradictions", returns=ContradictionListShape, errors=(403, 404))
async def contradictions(call: Call[Nothing]) -> web.Response:
    """What does not go together in the report that is about to be signed or reviewed."""
    found = await query(call.application, signing.contradictions_of, call.person, call.case_id)
    await record_look(call.application, call.person, Action.REPORT_READ, f"case/{call.case_id}")
    shown = [ContradictionShape(each.code, each.severity.value, contradiction_text(each)) for each in found]
    return answer(ContradictionListShape(shown))


@operation(
    "POST", CASE + "/report/sign", body=Signature, returns=ReportShape, errors=(401, 403, 404, 409, 412, 422, 429), right=CaseAction.WRITE
)
async def sign(call: Call[Signature]) -> web.Response:
    """Sign with the password typed again: final, or preliminary where a second person reviews."""
    return await _signed(call, signing.sign)


@operation(
    "POST",
    CASE + "/report/review",
    body=Signature,
    returns=ReportShape,
    errors=(401, 403, 404, 409, 412, 422, 429),
    right=CaseAction.REVIEW,
)
async def review(call: Call[Signature]) -> web.Response:
    """The second person agrees: the report is released."""
    return await _signed(call, signing.review)


async def _signed(call: Call[Signature], step: Callable[..., Awaitable[Report]]) -> web.Response:
    insistence = Insistence(frozenset(call.body.acknowledged), call.body.reason)
    report = await step(call.application, call.person, call.case_id, call.body.password, session_of(call.request), insistence)
    return await _again(call, report)


@operation("POST", CASE + "/report/send-back", body=SendBack, returns=ReportShape, errors=(403, 404, 409, 422), right=CaseAction.REVIEW)
async def send_back(call: Call[SendBack]) -> web.Response:
    """The second person does not agree: the author writes on."""
    return await _again(call, await execute(call.application, reporting.send_back, call.person, call.case_id, call.body.note))


@operation(
    "POST",
    CASE + "/report/amend",
    body=Amendment,
    returns=ReportShape,
    errors=(403, 404, 409, 422),
    headers=("ETag",),
    right=CaseAction.AMEND,
)
async def amend(call: Call[Amendment]) -> web.Response:
    """Open an amended version of a released report."""
    return await _new(call, VersionKind.AMENDMENT)


@operation(
    "POST",
    CASE + "/report/append",
    body=Amendment,
    returns=ReportShape,
    errors=(403, 404, 409, 422),
    headers=("ETag",),
    right=CaseAction.AMEND,
)
async def append(call: Call[Amendment]) -> web.Response:
    """Open an addendum to a released report."""
    return await _new(call, VersionKind.ADDENDUM)


async def _new(call: Call[Amendment], kind: VersionKind) -> web.Response:
    body = call.body
    report = await execute(
        call.application, reporting.new_version, call.person, call.case_id, kind, body.reason, body.sections, body.result
    )
    return await _again(call, report)


@operation("POST", CASE + "/report/discard", body=Nothing, returns=ReportShape, errors=(403, 404, 409), right=CaseAction.DISCARD)
async def discard(call: Call[Nothing]) -> web.Response:
    """Throw an unsigned amendment or addendum away."""
    return await _again(call, await execute(call.application, reporting.discard_version, call.person, call.case_id))


@operation(
    "GET",
    CASE + "/report.pdf",
    query=VersionQuery,
    returns=bytes,
    errors=(403, 404),
    media_type="application/pdf",
    headers=("ETag",),
    right=Action.REPORT_READ,
)
async def pdf(call: Call[Nothing]) -> web.StreamResponse:
    """The signed PDF of the released report, or of an earlier version."""
    _, versions = await query(call.application, reporting.read_report, call.person, call.case_id)
    printed = [v for v in versions if v.pdf_key and (call.query.version is None or v.version == call.query.version)]
    if not printed:
        raise NotFound("report", call.case_id)
    report = printed[-1]
    content = await call.application.store.read(report.pdf_key)
    await record_look(call.application, call.person, Action.REPORT_READ, f"case/{call.case_id}")
    headers = {"ETag": f'"{report.pdf_sha256}"', "Content-Disposition": f'inline; filename="report-{report.verification_code}.pdf"'}
    return web.Response(body=content, content_type="application/pdf", headers=headers)

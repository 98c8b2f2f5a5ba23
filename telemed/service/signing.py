"""Signing and reviewing: checked, printed, then made so."""

from __future__ import annotations

from collections.abc import Awaitable

from telemed.domain.contradictions import Contradiction
from telemed.domain.errors import IdentityUnsettled
from telemed.domain.people import Person
from telemed.domain.policy import Action
from telemed.domain.report import Report, ReportStatus
from telemed.service import reporting
from telemed.service.access import case_at_hub
from telemed.service.application import Application
from telemed.service.authentication import check_password
from telemed.service.contradictions import NOTHING, Contradicted, Insistence, contradictions_in, unsettled
from telemed.service.execution import execute, query
from telemed.service.ports.unit_of_work import UnitOfWork
from telemed.service.rendering import RenderRequest


async def contradictions_of(work: UnitOfWork, person: Person, case_id: str) -> tuple[Contradiction, ...]:
    """Return what is to be settled before the version that counts now can be signed, or reviewed. For readers of the hub."""
    case = await case_at_hub(work, person, case_id, Action.REPORT_READ_DRAFT)
    report = reporting.latest(await work.reports.versions(case.id))
    if report is None or report.released:
        return ()
    found = await contradictions_in(work, case, report, work.region.centres[case.centre])
    return unsettled(found, report) if report.status is ReportStatus.PRELIMINARY else found


async def sign(
    application: Application, person: Person, case_id: str, password: str, session: str = "", insistence: Insistence = NOTHING
) -> Report:
    """Check, ask for the password again, print, then make the signature so. No transaction is open while it prints.

    `session` is the digest of the session's token: wrong passwords are counted by it.
    """
    renderer = application.renderer
    preparing = query(application, reporting.prepare_signature, person, case_id, renderer.figures, insistence)
    request = await _with_password(application, person, "report:sign", password, session, preparing)
    printed = await renderer.print(request)
    return await execute(application, reporting.sign_report, person, request, printed)


async def _with_password(
    application: Application, person: Person, purpose: str, password: str, session: str, preparing: Awaitable[RenderRequest]
) -> RenderRequest:
    """Return what is to be signed, to whom gives the right password; only they are told what is to be settled first."""
    try:
        request = await preparing
    except (IdentityUnsettled, Contradicted):
        await check_password(application, person.username, password, purpose, session)
        raise
    await check_password(application, person.username, password, purpose, session)
    return request


async def review(
    application: Application, person: Person, case_id: str, password: str, session: str = "", insistence: Insistence = NOTHING
) -> Report:
    """As `sign`, for the second person."""
    renderer = application.renderer
    preparing = query(application, reporting.prepare_review, person, case_id, renderer.figures, insistence)
    request = await _with_password(application, person, "report:review", password, session, preparing)
    printed = await renderer.print(request)
    return await execute(application, reporting.review_report, person, request, printed)

"""Signing and reviewing: checked, printed, then made so."""

from __future__ import annotations

from telemed.domain.people import Person
from telemed.domain.report import Report
from telemed.service import reporting
from telemed.service.application import Application
from telemed.service.authentication import check_password
from telemed.service.execution import execute, query


async def sign(application: Application, person: Person, case_id: str, password: str, session: str = "") -> Report:
    """Check, ask for the password again, print, then make the signature so. No transaction is open while it prints.

    `session` is the digest of the session's token: wrong passwords are counted by it.
    """
    renderer = application.renderer
    request = await query(application, reporting.prepare_signature, person, case_id, renderer.figures)
    await check_password(application, person.username, password, "report:sign", session)
    printed = await renderer.print(request)
    return await execute(application, reporting.sign_report, person, request, printed)


async def review(application: Application, person: Person, case_id: str, password: str, session: str = "") -> Report:
    """As `sign`, for the second person."""
    renderer = application.renderer
    request = await query(application, reporting.prepare_review, person, case_id, renderer.figures)
    await check_password(application, person.username, password, "report:review", session)
    printed = await renderer.print(request)
    return await execute(application, reporting.review_report, person, request, printed)

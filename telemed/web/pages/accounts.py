"""Accounts for the security administrator: who can sign in, who is locked. No clinical data."""

from __future__ import annotations

from aiohttp import web

from telemed.domain.people import Role
from telemed.domain.policy import Action, may, require
from telemed.service.execution import record_look
from telemed.web.api.administration import account_shape
from telemed.web.keys import ADMINISTRATION
from telemed.web.pages.page import Visit, page, render

_ = str  # marks text for the translation catalogue

ROLES = {
    Role.MEMBER_STAFF.value: _("Member staff"),
    Role.SPECIALIST.value: _("Specialist"),
    Role.REVIEWER.value: _("Reviewer"),
    Role.OPERATOR.value: _("Network operator"),
    Role.SYSTEM_ADMINISTRATOR.value: _("System administrator"),
    Role.SECURITY_ADMINISTRATOR.value: _("Security administrator"),
    Role.AUDITOR.value: _("Auditor"),
}


@page("GET", "/accounts")
async def accounts(visit: Visit) -> web.StreamResponse:
    """Locked accounts first, then by institution."""
    require(visit.person, Action.ACCOUNT_READ)
    everybody = await visit.request.app[ADMINISTRATION].accounts(visit.person)
    await record_look(visit.application, visit.person, Action.ACCOUNT_READ, "accounts")
    wanted = visit.query.get("q", "").strip().casefold()[:100]
    shapes = [account_shape(account) for account in everybody]
    found = [a for a in shapes if not wanted or any(wanted in text.casefold() for text in (a.username, a.name, a.institution))]
    found.sort(key=lambda account: account.locked_until is None)
    return await render(
        visit,
        "accounts.html",
        {
            "accounts": found,
            "total": len(shapes),
            "locked": sum(account.locked_until is not None for account in shapes),
            "q": visit.query.get("q", "")[:100],
            "roles": ROLES,
            "centres": visit.application.region.centres,
            "may_unlock": may(visit.person, Action.ACCOUNT_UNLOCK),
            "name_of": visit.name_of,
        },
    )

"""The audit trail for the auditor: filters in the address, cursor pages, the state of the chain, a file to take away."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from telemed.domain.audit import AuditLine
from telemed.domain.policy import Action, require
from telemed.service.audit_trail import read_trail
from telemed.service.table_export import Cell, Column, Sheet, SheetTable
from telemed.web.api.audit import audit_filters
from telemed.web.api.inputs import AuditQuery
from telemed.web.dates import show_exact
from telemed.web.i18n import current_language, gettext
from telemed.web.keys import ADMINISTRATION, TABLES
from telemed.web.pages.page import Visit, page, render
from telemed.web.problems import Problem

_ = str  # marks text for the translation catalogue

FIELDS = ("actor", "action", "subject", "outcome", "since", "until", "before")
COLUMNS = (
    _("Record"), _("Time"), _("Who"), _("Institution"), _("What"), _("Subject"), _("Outcome"), _("Detail"), _("Not shown"),
)  # fmt: skip
OUTCOMES = {
    "success": _("done"),
    "refused": _("refused"),
    "sent-back": _("sent back by the reviewer"),
    "discarded": _("discarded"),
    "withdrawn": _("withdrawn"),
    "altered": _("file altered"),
}
PAGE_LINES = 100
MAX_EXPORTED = 50_000


def audit_query(query: Mapping[str, str]) -> AuditQuery:
    """The filters of the address; what is unknown or empty does not filter. Raises ValidationError."""
    given = {name: query[name].strip() for name in FIELDS if query.get(name, "").strip()}
    return AuditQuery.model_validate_strings(given | {"limit": str(PAGE_LINES)})


@page("GET", "/audit")
async def audit(visit: Visit) -> web.StreamResponse:
    """Newest first."""
    require(visit.person, Action.AUDIT_READ)
    asked = audit_query(visit.query)
    lines = await read_trail(visit.application, visit.person, audit_filters(asked), asked.before, PAGE_LINES)
    kept = {name: visit.query[name] for name in FIELDS if name != "before" and visit.query.get(name)}
    return await render(
        visit,
        "audit.html",
        {
            "lines": lines,
            "wanted": {name: kept.get(name, "") for name in FIELDS},
            "filtered": bool(kept),
            "older": visit.request.rel_url.with_query(kept | {"before": str(lines[-1].position)}) if len(lines) == PAGE_LINES else None,
            "newest": visit.request.rel_url.with_query(kept) if asked.before else None,
            "export": visit.request.rel_url.with_path("/audit.csv").with_query(kept),
            "actions": sorted(action.value for action in Action),
            "chain": await visit.request.app[ADMINISTRATION].chain_state(visit.person),
            "outcomes": OUTCOMES,
            "names": await _names(visit, lines),
        },
    )


async def _names(visit: Visit, lines: list[AuditLine]) -> Mapping[str, str]:
    """The names of the people who acted, and of those whom it was about, by account."""
    about = {line.subject.removeprefix("person/") for line in lines if line.subject.startswith("person/")}
    return await visit.application.queries.people_names(sorted({line.actor for line in lines} | about))


@page("GET", "/audit.csv")
async def export(visit: Visit) -> web.StreamResponse:
    """The filtered trail as a file; taking it away is on record like any look."""
    require(visit.person, Action.AUDIT_READ)
    asked = audit_query(visit.query)
    lines = await read_trail(visit.application, visit.person, audit_filters(asked), None, MAX_EXPORTED + 1, "audit-export")
    if len(lines) > MAX_EXPORTED:
        raise Problem(413, "too-large", gettext("More than %d records: choose fewer days.") % MAX_EXPORTED)
    content = await visit.request.app[TABLES].write(_sheet(lines), "csv")
    headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    return web.Response(body=content, content_type="text/csv", charset="utf-8", headers=headers)


def _sheet(lines: list[AuditLine]) -> Sheet:
    rows: list[list[Cell]] = [
        [line.position, show_exact(line.at), line.actor, line.institution, line.action, line.subject, line.outcome,
         " ".join(f"{name}={value}" for name, value in line.detail.items()), " ".join(line.hidden)]
        for line in lines
    ]  # fmt: skip
    table = SheetTable(gettext("Records"), [Column(gettext(name)) for name in COLUMNS], rows)
    return Sheet(gettext("Audit trail"), f"{len(rows)}", [table], current_language())

"""Studies without a case, and records that may be one person: a person decides, with one key."""

from __future__ import annotations

from aiohttp import web

from telemed.domain.policy import Action, require
from telemed.service import reconciliation
from telemed.service.office import consult, record_look
from telemed.web.api.inputs import DoubtQuery, UnmatchedQuery
from telemed.web.api.unmatched import record_shape, unmatched_shape
from telemed.web.bulletin_text import institution_name
from telemed.web.pages.page import Visit, page, render

_ = str  # marks text for the translation catalogue

MERGED = 20

REASONS = {
    "accession-number": _("same accession number"),
    "patient-number": _("same patient number"),
    "modality": _("same modality"),
    "near-time": _("near in time"),
}
DOUBT_RULES = {
    "name-sex-birth-date": _("Name, sex and birth date are the same; no number is common."),
    "resident-id-name-differs": _("The resident number is the same; the names differ."),
}


@page("GET", "/unmatched")
async def unmatched(visit: Visit) -> web.StreamResponse:
    """Both lists. The operator sees masked names and what tells studies apart, no findings and no images."""
    require(visit.person, Action.UNMATCHED_READ)
    query = UnmatchedQuery.model_validate_strings({"owner": visit.query["owner"]} if visit.query.get("owner") else {})
    studies = await consult(visit.office, reconciliation.unmatched_studies, visit.person, query.owner or "", query.limit)
    doubts = await visit.office.queries.doubts(visit.person, DoubtQuery().limit)
    merged = await visit.office.queries.merged(visit.person, MERGED)
    await record_look(visit.office, visit.person, Action.UNMATCHED_READ, "unmatched")
    return await render(
        visit,
        "unmatched.html",
        {
            "studies": [unmatched_shape(study) for study in studies],
            "doubts": [(record_shape(d.first), record_shape(d.second), DOUBT_RULES.get(d.rule, d.rule)) for d in doubts],
            "merged": [(record_shape(m.record), record_shape(m.kept)) for m in merged],
            "owner": query.owner or "",
            "limit": query.limit,
            "owners": sorted({member for _centre, member in visit.office.region.network.home_hubs}),
            "reasons": REASONS,
            "name_of": lambda code: institution_name(visit.office.region, code),
        },
    )

"""Studies without a case, records that may be one person, and what was wrongly joined: a person decides, on record."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from telemed.domain.policy import Action, require
from telemed.domain.reconciliation import Step
from telemed.service import reconciliation
from telemed.service.execution import query, record_look
from telemed.service.identity_settlement import files_aside
from telemed.web.api.inputs import DuplicateQuery, UnmatchedQuery
from telemed.web.api.unmatched import ReconciliationShape, file_aside_shape, reconciliation_shape, record_shape, unmatched_shape
from telemed.web.pages.page import Visit, form_of, page, render

_ = str  # marks text for the translation catalogue

MERGED = 20
STEPS = 50
LONGEST_NUMBER = 64

REASONS = {
    "accession-number": _("same accession number"),
    "patient-number": _("same patient number"),
    "modality": _("same modality"),
    "near-time": _("near in time"),
}
DOUBT_RULES = {
    "name-sex-birth-date": _("Name, sex and birth date are the same; no number is common."),
    "resident-id-name-differs": _("The resident number is the same; the names differ."),
    "resident-id-birth-date-differs": _("The resident number is the same; the dates of birth differ."),
    "joined-by-one-member": _("One institution says that two of its records are one person; the other record is another institution's."),
}


ATTRIBUTES = {
    "PatientName": _("Name"),
    "PatientID": _("Patient number"),
    "PatientBirthDate": _("Date of birth"),
    "PatientSex": _("Sex"),
    "AccessionNumber": _("Accession number"),
}
FIELDS = {
    "name": _("Name"),
    "sex": _("Sex"),
    "birth_date": _("Date of birth"),
    "phone": _("Telephone"),
    "number": _("Number"),
}
STEP_WORDS = {
    Step.LINK: _("Study linked to the case"),
    Step.UNLINK: _("Study taken away from the case"),
    Step.CORRECT: _("Study corrected"),
    Step.RESTORE: _("Correction taken back"),
    Step.MERGE: _("Records joined"),
    Step.SPLIT: _("Record split off"),
    Step.DIFFERENT: _("Two people"),
}
UNDO = {Step.LINK: "unlink", Step.CORRECT: "restore", Step.MERGE: "split"}


@page("GET", "/unmatched")
async def unmatched(visit: Visit) -> web.StreamResponse:
    """Both lists. The operator sees masked names and what tells studies apart, no findings and no images."""
    require(visit.person, Action.UNMATCHED_READ)
    asked = UnmatchedQuery.model_validate_strings({"owner": visit.query["owner"]} if visit.query.get("owner") else {})
    studies = await query(visit.application, reconciliation.unmatched_studies, visit.person, asked.owner or "", asked.limit)
    doubts = await visit.application.queries.duplicate_candidates(visit.person, DuplicateQuery().limit)
    merged = await visit.application.queries.merged(visit.person, MERGED)
    files = await query(visit.application, files_aside, visit.person, DuplicateQuery().limit)
    await record_look(visit.application, visit.person, Action.UNMATCHED_READ, "unmatched")
    return await render(
        visit,
        "unmatched.html",
        {
            "studies": [unmatched_shape(study) for study in studies],
            "doubts": [(record_shape(d.first), record_shape(d.second), DOUBT_RULES.get(d.rule, d.rule)) for d in doubts],
            "merged": [(record_shape(m.record), record_shape(m.kept)) for m in merged],
            "files": [file_aside_shape(each) for each in files if asked.owner in (None, "", each.file.member)],
            "owner": asked.owner or "",
            "limit": asked.limit,
            "owners": sorted({member for _centre, member in visit.application.region.network.home_hubs}),
            "reasons": REASONS,
            **_words(visit),
        },
    )


@page("GET", "/unmatched/find")
async def find(visit: Visit) -> web.StreamResponse:
    """Steps done by hand, newest first, and a question for two numbers."""
    return await _find_page(visit, ("", ""))


@page("POST", "/unmatched/find")
async def found(visit: Visit) -> web.StreamResponse:
    """Records and studies that carry the numbers: compared, joined, taken apart, corrected. (Numbers stay out of addresses.)"""
    form = await form_of(visit.request)
    return await _find_page(visit, (_number(form.get("number")), _number(form.get("other"))))


def _number(value: object) -> str:
    return value.replace("\x00", "").strip()[:LONGEST_NUMBER] if isinstance(value, str) else ""


async def _find_page(visit: Visit, numbers: tuple[str, str]) -> web.StreamResponse:
    steps = [reconciliation_shape(step) for step in await query(visit.application, reconciliation.steps_taken, visit.person, STEPS)]
    context: dict[str, object] = {"numbers": numbers, "found": None, **_words(visit)}
    if any(numbers):
        brought = await query(visit.application, reconciliation.find_by_number, visit.person, numbers)
        records = [record_shape(r, brought.earlier.get(r.id, ())) for r in brought.records]
        context["found"] = {"records": records, "studies": [unmatched_shape(s) for s in brought.studies]}
    await record_look(visit.application, visit.person, Action.UNMATCHED_READ, "reconciliations")
    context["steps"] = [(step, STEP_WORDS[step.step], undo) for step, undo in zip(steps, _undoable(steps), strict=True)]
    context["names"] = await visit.application.queries.people_names(sorted({step.actor for step in steps}))
    return await render(visit, "find.html", context)


def _undoable(steps: Sequence[ReconciliationShape]) -> list[str]:
    """Return how each step (newest first) is undone; empty where it was followed by another about the same, or cannot be."""
    seen: set[tuple[str, ...]] = set()
    ways = []
    for step in steps:
        about = _about(step)
        ways.append("" if about in seen else UNDO.get(step.step, ""))
        seen.add(about)
    return ways


def _about(step: ReconciliationShape) -> tuple[str, ...]:
    if step.step in (Step.LINK, Step.UNLINK):
        return ("case", step.member, step.study_instance_uid, step.case_id)
    if step.step in (Step.CORRECT, Step.RESTORE):
        return ("study", step.member, step.study_instance_uid)
    return ("record", step.other_id if step.step is Step.MERGE else step.patient_id)


def _words(visit: Visit) -> dict[str, object]:
    return {"attributes": ATTRIBUTES, "fields": FIELDS, "name_of": visit.name_of}

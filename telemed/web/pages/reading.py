"""The reading page: evidence left, words right, the next case by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from telemed.domain.case import Case
from telemed.domain.evidence import Evidence, EvidenceType
from telemed.domain.policy import Action
from telemed.domain.report import Report
from telemed.service.execution import query, record_look
from telemed.service.queries import CaseFilter, PriorCase, View
from telemed.service.reading_view import ReadingView, open_for_reading, read_prior
from telemed.service.reporting import form_for
from telemed.web.case_steps import seconds_allowed
from telemed.web.dates import dicom_day, show_age, show_date
from telemed.web.extension import ReadingPanel
from telemed.web.i18n import gettext
from telemed.web.keys import PANELS
from telemed.web.labels.case import answers, event_detail, examination, missing_words
from telemed.web.labels.contradictions import acknowledged_texts
from telemed.web.labels.identity import identity_banner
from telemed.web.labels.image_quality import proposed_shapes, strip_of
from telemed.web.ohif import viewer_address
from telemed.web.pages.page import Visit, fragment, page, patient_links_of, render
from telemed.web.pages.transfers import transfers_context
from telemed.web.pages.worklist import case_filter, kept_query, read_query
from telemed.web.requester import requester_of

_ = str  # marks text for the translation catalogue

DECLINE_REASONS = (_("Not covered here"), _("Nobody on duty"), _("Equipment out of order"))
ESCALATE_REASONS = (_("Difficult case"), _("Second opinion wanted"), _("Rare disease suspected"))
REASSIGN_REASONS = (_("End of shift"), _("Other speciality"), _("Workload"))
AMEND_REASONS = (_("Wording corrected"), _("Finding added"), _("Further information received"))
"""Ready words for what people type most; practice."""

TOLD_HOW = (_("telephone"), _("in person"), _("video call"))


@dataclass(frozen=True, slots=True)
class Prior:
    """An earlier case of the patient as one line."""

    id: str
    day: str
    exam: str
    member: str
    status: str
    hub: str
    centre: str
    readable: bool
    openable: bool
    studies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PanelEvidence:
    """A centre's panel and the case's evidence that it shows."""

    panel: ReadingPanel
    items: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Documents:
    """Evidence by how it is shown: in the centres' panels, studies in the viewer, pictures and PDF beside them, the rest as files to
    fetch. `files` has what a panel shows too, where it came as a file."""

    panels: tuple[PanelEvidence, ...]
    studies: tuple[Evidence, ...]
    shown: tuple[Evidence, ...]
    files: tuple[Evidence, ...]
    priors: tuple[Evidence, ...] = ()
    """Earlier studies out of the member's PACS, newest first."""


SHOWN = frozenset({"application/pdf", "image/jpeg", "image/png"})


def sort_evidence(evidence: Sequence[Evidence], panels: Sequence[ReadingPanel]) -> Documents:
    """Sort a case's evidence by how the reading page shows it."""
    in_panels = tuple(PanelEvidence(panel, tuple(e for e in evidence if e.type == panel.type)) for panel in panels)
    types = {panel.type for panel in panels}
    studies = tuple(e for e in evidence if e.study_instance_uid and e.type not in types and e.type != EvidenceType.PRIOR_STUDY)
    earlier = [e for e in evidence if e.type == EvidenceType.PRIOR_STUDY]
    priors = tuple(sorted(earlier, key=lambda e: str(e.facts.get("study_date", "")), reverse=True))
    papers = tuple(e for e in evidence if not e.study_instance_uid and e.type not in types and e.media_type in SHOWN)
    files = tuple(e for e in evidence if not e.study_instance_uid and e not in papers)
    return Documents(tuple(each for each in in_panels if each.items), studies, papers, files, priors)


def _prior(visit: Visit, prior: PriorCase) -> Prior:
    case = prior.case
    centre = visit.application.region.centres[case.centre]
    exam = examination(centre, case.request)
    hub = visit.name_of(case.hub or "")
    studies = tuple(e.study_instance_uid for e in prior.evidence if e.type == EvidenceType.DICOM_STUDY and e.study_instance_uid)
    day = show_date(case.submitted_at or case.created_at)
    return Prior(case.id, day, exam, case.member, case.status.value, hub, centre.name, prior.readable, prior.openable, studies)


def viewer_priors(priors: Sequence[Prior], fetched: Sequence[Evidence]) -> list[dict[str, str]]:
    """Return what the viewer offers beside the case's own studies: those of earlier cases, and those of the member's PACS."""
    ours = {uid: f"{prior.day[:7]} {prior.exam}" for prior in priors for uid in prior.studies}
    theirs = {
        e.study_instance_uid: f"{dicom_day(e.facts.get('study_date'))[:7]} {e.name}"
        for e in fetched
        if e.study_instance_uid and e.instances
    }
    return [{"uid": uid, "label": label} for uid, label in (theirs | ours).items()]


def ohif_address(visit: Visit, reading_view: ReadingView, priors: Sequence[Prior]) -> str:
    """Where OHIF shows the case's studies, priors beside them; empty where it cannot."""
    studies = [e.study_instance_uid for e in reading_view.view.evidence if e.type == EvidenceType.DICOM_STUDY and e.study_instance_uid]
    offered = viewer_priors(priors, sort_evidence(reading_view.view.evidence, visit.request.app[PANELS]).priors)
    return viewer_address(visit.request.app, studies, [each["uid"] for each in offered])


async def _quality(visit: Visit, reading_view: ReadingView) -> dict[str, Any]:
    """The marks of the case's studies, the models' proposals, and what the viewer draws on which image."""
    # A study is assessed as it is: its marks are not for a case that has a part of it.
    whole = [e for e in reading_view.view.evidence if e.whole and e.type == EvidenceType.DICOM_STUDY]
    studies = [e.study_instance_uid for e in whole if e.study_instance_uid]
    kept, owner = visit.application.image_quality, reading_view.view.case.member
    if not studies:
        return {"strips": [], "proposals": [], "overlays": {}}
    open_now = {finding.evidence_id for finding in reading_view.view.identities if finding.open}
    wrong = {e.study_instance_uid for e in reading_view.view.evidence if e.id in open_now}
    strips = [strip_of(quality, differs=quality.study_instance_uid in wrong) for quality in await kept.of_studies(owner, studies)]
    proposals = await kept.proposals(owner, studies)
    overlays = proposed_shapes(proposals)
    for strip in strips:
        for instance, shapes in strip.overlays.items():
            overlays.setdefault(instance, []).extend(dict(shape) for shape in shapes)
    return {"strips": strips, "proposals": proposals, "overlays": overlays}


def patient_label(case: Case) -> str:
    """The patient as the title of the second window names them."""
    sex = {"male": gettext("M"), "female": gettext("F")}.get(case.patient.sex, "")
    return " ".join(part for part in (case.patient.name, sex, show_age(case.patient.birth_date)) if part)


async def _people(visit: Visit, reading_view: ReadingView, actors: Sequence[str]) -> dict[str, str]:
    """Names of all people that the page shows, by user name."""
    case = reading_view.view.case
    wanted = {
        case.claimed_by,
        case.created_by,
        *actors,
        *(v.author for v in reading_view.versions),
        *(v.reviewer for v in reading_view.versions),
    }
    wanted |= {finding.settled_by for finding in reading_view.view.identities}
    for value in reading_view.view.criticals:
        wanted |= {value.found_by, value.told_by, value.acknowledged_by, value.action_by}
    found = await visit.application.queries.people_names(sorted(name for name in wanted if name))
    return dict(found)


async def _context(visit: Visit, reading_view: ReadingView) -> dict[str, Any]:
    case = reading_view.view.case
    region = visit.application.region
    centre = region.centres[case.centre]
    priors = [_prior(visit, prior) for prior in await visit.application.queries.priors(visit.person, case)]
    history = await visit.application.queries.history(case.id)
    people = await _people(visit, reading_view, [line.actor for line in history])
    names = visit.labels.actor_names() | people
    report = reading_view.report
    documents = sort_evidence(reading_view.view.evidence, visit.request.app[PANELS])
    kept = kept_query(read_query(visit))
    shown_above = frozenset({"accession_number", *centre.headline_fields}) - {"reason"}
    return {
        "case": case,
        "centre": centre,
        "identity": identity_banner(reading_view.view, names),
        "view": reading_view.view,
        "actions": frozenset(reading_view.view.actions),
        "exam": examination(centre, case.request),
        "answers": answers(centre.request_form, case.request, without=shown_above),
        "missing": missing_words(region, reading_view.view.missing),
        "member": visit.name_of(case.member),
        "hub": visit.name_of(case.hub or ""),
        "total": seconds_allowed(case),
        "documents": documents,
        "priors": priors,
        "patient_links": patient_links_of(visit, reading_view.view.relation),
        "viewer_priors": viewer_priors(priors, documents.priors),
        **await transfers_context(visit, case.id),
        "ohif": ohif_address(visit, reading_view, priors),
        **await _quality(visit, reading_view),
        "history": [(line, visit.labels.event(line), event_detail(line)) for line in history],
        "names": names,
        "requester": requester_of(case, region.network, people),
        "reading_view": reading_view,
        "report": report,
        "form": form_for(centre, report) if report else centre.report_form,
        "templates": centre.templates_for(case.request),
        "normal": centre.normal_for(case.request),
        "phrases": [{"section": p.section, "title": p.title, "text": p.text} for p in centre.phrases],
        "findings": [gettext(finding) for finding in centre.critical_findings],
        "acknowledged": acknowledged_texts(centre, report.acknowledged) if report else [],
        "reasons": {
            "return": centre.return_reasons, "decline": DECLINE_REASONS, "escalate": ESCALATE_REASONS, "reassign": REASSIGN_REASONS,
            "send-back": centre.send_back_reasons, "amend": AMEND_REASONS,
        },
        "told_how": [gettext(how) for how in TOLD_HOW],
        "reader": visit.person.username,
        "reader_hub": visit.person.institution,
        "kept": kept,
        "back": f"/worklist?{kept}",
    }  # fmt: skip


async def _reading_view(visit: Visit) -> ReadingView:
    reading_view = await query(visit.application, open_for_reading, visit.person, visit.path("case_id"))
    await record_look(visit.application, visit.person, Action.CASE_READ, f"case/{reading_view.view.case.id}")
    return reading_view


@page("GET", "/read/next")
async def following(visit: Visit) -> web.StreamResponse:
    """The first case of the list that one comes from, other than the one just left; the list itself where there is none."""
    asked = read_query(visit)
    wanted = case_filter(asked)
    view = wanted.view if wanted.view in (View.MINE, View.REVIEW, View.UNCLAIMED) else View.UNCLAIMED
    left = visit.query.get("after", "")
    asking = CaseFilter(
        wanted.centre, member=wanted.member, priority=wanted.priority, view=view, need=wanted.need, body_part=wanted.body_part
    )
    found = await visit.application.queries.cases(visit.person, asking, None, 2)
    kept = kept_query(asked)
    following_case = next((case for case in found.cases if case.id != left), None)
    raise web.HTTPSeeOther(f"/read/{following_case.id}?{kept}" if following_case else f"/worklist?{kept}")


@page("GET", "/read/{case_id}")
async def reading(visit: Visit) -> web.StreamResponse:
    """The whole page."""
    last_event = await visit.application.queries.last_history_id()
    context = await _context(visit, await _reading_view(visit))
    return await render(visit, "read.html", context | {"last_event": last_event})


@page("GET", "/read/{case_id}/parts")
async def parts(visit: Visit) -> web.StreamResponse:
    """The parts of the page drawn again, after something happened to the case."""
    return fragment(visit, "read_parts.html", await _context(visit, await _reading_view(visit)))


@page("GET", "/read/{case_id}/images")
async def images(visit: Visit) -> web.StreamResponse:
    """The images alone, for a second window that follows the reading page from case to case."""
    reading_view = await _reading_view(visit)
    case = reading_view.view.case
    priors = [_prior(visit, prior) for prior in await visit.application.queries.priors(visit.person, case)]
    documents = sort_evidence(reading_view.view.evidence, visit.request.app[PANELS])
    context = {
        "case": case,
        "documents": documents,
        "patient_label": patient_label(case),
        "viewer_priors": viewer_priors(priors, documents.priors),
        "ohif": ohif_address(visit, reading_view, priors),
        **await _quality(visit, reading_view),
        "exam": examination(visit.application.region.centres[case.centre], case.request),
        "last_event": await visit.application.queries.last_history_id(),
    }
    return await render(visit, "read_images.html", context)


@page("GET", "/read/{case_id}/priors/{prior_id}")
async def prior_report(visit: Visit) -> web.StreamResponse:
    """The report of an earlier case, to read beside the present one."""
    prior = await query(visit.application, read_prior, visit.person, visit.path("prior_id"))
    case, report = prior.case, prior.report
    if prior.looked_back:
        await record_look(visit.application, visit.person, Action.TIMELINE_READ, f"case/{case.id}")
    else:
        await record_look(visit.application, visit.person, Action.REPORT_READ, f"case/{case.id}")
    centre = visit.application.region.centres[case.centre]
    names = await visit.application.queries.people_names([report.author]) if report else {}
    context = {
        "case": case,
        "report": report,
        "sections": _sections(centre, report),
        "names": names,
        "files": [each for each in prior.evidence if not each.study_instance_uid],
    }
    return fragment(visit, "read_prior.html", context)


def _sections(centre: Any, report: Report | None) -> list[tuple[str, str]]:
    return answers(form_for(centre, report), report.sections) if report else []

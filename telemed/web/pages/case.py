"""One case as its member sees it, and whoever else may: where it stands, what is asked, what has come, what was answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from telemed.domain.case import CaseStatus
from telemed.domain.critical import CriticalValue
from telemed.domain.events import CaseEvent
from telemed.domain.evidence import Evidence, EvidenceType
from telemed.domain.forms import Form
from telemed.domain.people import SYSTEM
from telemed.domain.policy import Action, Relation
from telemed.domain.report import Report
from telemed.domain.transfer import destinations
from telemed.service.case_view import CaseView, view_case
from telemed.service.evidence import CONSENT
from telemed.service.execution import query, record_look
from telemed.service.queries import HistoryLine
from telemed.service.reporting import form_for, read_report
from telemed.web.api.shapes import METADATA_FIELDS
from telemed.web.case_steps import reviewed_by_two, seconds_allowed, steps_of
from telemed.web.i18n import gettext
from telemed.web.keys import UPLOAD_LIMIT
from telemed.web.labels.case import CaseLabels, answers, event_detail, examination, missing_words
from telemed.web.labels.identity import identity_banner
from telemed.web.pages.page import Visit, page, patient_links_of, render
from telemed.web.pages.transfers import transfers_context

_ = str  # marks text for the translation catalogue

CANCEL_REASONS = (_("Made by mistake"), _("The patient was transferred"), _("The examination was not done"))
ACTIONS_TAKEN = (_("Treated at once"), _("Transferred"), _("Patient called back"))
"""Ready words for what people type most, whatever the centre; practice."""

PICTURES = frozenset({"image/jpeg", "image/png"})


@dataclass(frozen=True, slots=True)
class Version:
    """A released version of the report in words: sections as label and text, and who answers for it."""

    report: Report
    sections: Sequence[tuple[str, str]]
    author: str
    reviewer: str
    hub: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the history, in words."""

    line: HistoryLine
    words: str
    detail: str
    who: str


async def _versions(visit: Visit, view: CaseView) -> list[Report]:
    """Return what was released, oldest first. Asked for only where there is something: a look at nothing would be a refusal on record."""
    if not view.whole or view.case.completed_at is None:
        return []
    _shown, versions = await query(visit.application, read_report, visit.person, view.case.id)
    await record_look(visit.application, visit.person, Action.REPORT_READ, f"case/{view.case.id}")
    return [version for version in versions if version.released]


def _version(visit: Visit, view: CaseView, report: Report, names: dict[str, str]) -> Version:
    form: Form = form_for(visit.application.region.centres[view.case.centre], report)
    author = names.get(report.author, report.author)
    reviewer = names.get(report.reviewer or "", report.reviewer or "")
    return Version(report, answers(form, report.sections), author, reviewer, visit.name_of(report.hub))


def _history(labels: CaseLabels, view: CaseView, lines: Sequence[HistoryLine], names: dict[str, str]) -> list[Line]:
    """In words. A study that grows writes a line for every few images: the last of them says it all."""
    found = []
    for line, following in zip(lines, [*lines[1:], None], strict=True):
        if following and line.action == following.action == CaseEvent.EVIDENCE_GREW:
            continue
        who = names.get(line.actor, "" if line.actor == SYSTEM else line.actor)
        found.append(Line(line, labels.event(line), _detail(line) if view.whole else "", who))
    return found


def _detail(line: HistoryLine) -> str:
    text = event_detail(line)
    return gettext(text) if line.action.startswith("critical") and text else text


def _people(view: CaseView, lines: Sequence[HistoryLine], versions: Sequence[Report]) -> list[str]:
    """Everybody whose name the page says."""
    people = {line.actor for line in lines} | {report.author for report in versions} | {report.reviewer or "" for report in versions}
    people |= {finding.settled_by or "" for finding in view.identities}
    for value in view.criticals:
        people |= {value.found_by, value.told_by or "", value.acknowledged_by or "", value.action_by or ""}
    return sorted(people - {"", SYSTEM})


def _studies(view: CaseView) -> list[Evidence]:
    return [e for e in view.evidence if e.type == EvidenceType.DICOM_STUDY and e.study_instance_uid]


def _priors(view: CaseView) -> bool:
    return view.whole and view.relation is Relation.OWN


@page("GET", "/cases/{case_id:[0-9a-f]{32}}")
async def case_page(visit: Visit) -> web.StreamResponse:
    """The case. Raises NotFound for who may not know of it."""
    queries = visit.application.queries
    last_event = await queries.last_history_id()
    view = await query(visit.application, view_case, visit.person, visit.path("case_id"))
    await record_look(
        visit.application, visit.person, Action.CASE_READ if view.whole else Action.CASE_READ_METADATA, f"case/{view.case.id}"
    )
    case, region = view.case, visit.application.region
    centre = region.centres[case.centre]
    versions = await _versions(visit, view)
    lines = await queries.history(case.id)
    names = {name: text for name, text in visit.labels.actor_names().items() if name != SYSTEM}
    names |= await queries.people_names(_people(view, lines, versions))
    chosen = next((v for v in versions if str(v.version) == visit.query.get("version")), versions[-1] if versions else None)
    times = (await queries.milestones([case.id])).get(case.id, {})
    request = case.request if view.whole else {k: v for k, v in case.request.items() if k in METADATA_FIELDS}
    context = {
        "view": view,
        "actions": view.actions,
        "identity": identity_banner(view, names),
        "case": case,
        "centre": centre,
        "exam": examination(centre, request),
        "steps": steps_of(case, times, two_person=reviewed_by_two(region.network, case)),
        "total": seconds_allowed(case),
        "asked": answers(centre.request_form, request, without=frozenset({"accession_number"})),
        "missing": missing_words(region, view.missing) if case.status not in (CaseStatus.COMPLETED, CaseStatus.CANCELLED) else [],
        "kinds": region.evidence,
        "studies": _studies(view),
        "destinations": destinations(region.network, case) if view.whole else [],
        **(await transfers_context(visit, case.id) if view.whole else {"transfers": []}),
        "pictures": PICTURES,
        "report": _version(visit, view, chosen, names) if chosen else None,
        "versions": versions,
        "history": _history(visit.labels, view, lines, names),
        "criticals": list(view.criticals) if view.whole else [],
        "names": names,
        "member": visit.name_of(case.member),
        "hub": visit.name_of(case.hub) if case.hub else "",
        "holder": names.get(case.claimed_by or "", case.claimed_by or ""),
        "priors": [prior for prior in await queries.priors(visit.person, case) if prior.openable] if _priors(view) else [],
        "examination_of": lambda prior: examination(region.centres[prior.centre], prior.request),
        "consent_open": CONSENT in view.missing and case.status not in (CaseStatus.CANCELLED, CaseStatus.COMPLETED),
        "may_consent": view.relation is Relation.OWN and "attach" in view.actions,
        "upload_limit": visit.request.app[UPLOAD_LIMIT],
        "cancel_reasons": CANCEL_REASONS,
        "actions_taken": (*ACTIONS_TAKEN, *region.centres[case.centre].actions_taken),
        "own": view.relation is Relation.OWN,
        "patient_links": patient_links_of(visit, view.relation),
        "reads": view.relation is Relation.ROUTED and view.whole,
        "last_event": last_event,
        "wait_of": _wait_of,
    }
    return await render(visit, "case.html", context)


def _wait_of(value: CriticalValue) -> float:
    """Seconds of a critical value's countdown."""
    return (value.due_at - value.found_at).total_seconds()

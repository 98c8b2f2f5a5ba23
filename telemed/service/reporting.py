"""Reports: written, signed, reviewed, sent back, amended, appended.

Signing is in two steps. `prepare_*` checks everything and loads what to print; the caller prints, signs and stores the
PDF outside any transaction; `sign_report` or `review_report` then makes it so, if nothing has changed in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from telemed.domain.case import Case, CaseKind, CaseStatus
from telemed.domain.centre import Centre
from telemed.domain.errors import (
    AlreadyClaimed,
    Forbidden,
    Invalid,
    InvalidTransition,
    NotFound,
    StaleVersion,
    VersionRequired,
)
from telemed.domain.events import CaseEvent
from telemed.domain.forms import Field, FieldType, Form
from telemed.domain.people import Person
from telemed.domain.permissions import CaseAction
from telemed.domain.policy import Action
from telemed.domain.report import REPORT, Report, ReportStatus, Result, VersionKind
from telemed.domain.volume import Volume
from telemed.service.access import case_at_hub, case_for, case_open_to, held_account, relation_to
from telemed.service.contradictions import NOTHING, Insistence, contradictions_in, insisted, unsettled
from telemed.service.evidence_identity import require_settled
from telemed.service.identity import new_verification_code
from telemed.service.ports.unit_of_work import UnitOfWork
from telemed.service.prefill import record_overrides
from telemed.service.rendering import FigureCollector, RenderRequest, Signing, StoredPdf, render_request
from telemed.service.results import check_result, result_at_first

ADDENDUM = Form((Field("addendum", "Addendum", FieldType.LONG_TEXT, required=True, rows=8, max_length=20000),))


def form_for(centre: Centre, report: Report) -> Form:
    return ADDENDUM if report.kind is VersionKind.ADDENDUM else centre.report_form


def latest(versions: list[Report]) -> Report | None:
    """The version that counts now: the newest that was not thrown away."""
    return next((r for r in reversed(versions) if r.status is not ReportStatus.ENTERED_IN_ERROR or r.released), None)


def _standing(versions: list[Report], action: str) -> Report:
    """As `latest`, where there must be one. Raises InvalidTransition."""
    report = latest(versions)
    if report is None:
        raise InvalidTransition("report", "absent", action)
    return report


def two_person(work: UnitOfWork, hub: str, centre: str, kind: CaseKind) -> bool:
    """Does this hub ask for a second person on reports of this kind?"""
    service = work.region.network.service(centre, hub)
    return service is not None and kind.value in service.two_person


async def open_report(work: UnitOfWork, case: Case, person: Person) -> Report:
    """The version to write on: begun with the first claim, taken over with the draft by who claims next."""
    versions = await work.reports.versions(case.id)
    report = latest(versions)
    if report is None:
        report = Report(
            case_id=case.id,
            version=len(versions) + 1,
            kind=VersionKind.ORIGINAL,
            author=person.username,
            created_at=work.now,
            updated_at=work.now,
            hub=person.institution,
            result=await result_at_first(work, case),
        )
        await work.reports.add(report)
        case.report_status = report.status
    elif report.status is ReportStatus.PARTIAL and report.author != person.username:
        report.author = person.username
        await work.reports.save(report)
    return report


async def abandon_draft(work: UnitOfWork, case: Case) -> None:
    """The case leaves this hub: its unsigned draft is kept on record and counts no more."""
    report = latest(await work.reports.versions(case.id))
    if report is not None and report.status is ReportStatus.PARTIAL:
        report.apply("discard")
        await work.reports.save(report)
    case.report_status = None


async def read_report(work: UnitOfWork, person: Person, case_id: str) -> tuple[Report, list[Report]]:
    """The version this person may see, and all versions they may see, oldest first.

    Readers of the hub see the draft; the member sees what was released. Raises NotFound while there is nothing to see.
    """
    visible = await visible_versions(work, person, await case_for(work, person, case_id, Action.REPORT_READ))
    if not visible:
        raise NotFound("report", case_id)
    return visible[-1], visible


async def visible_versions(work: UnitOfWork, person: Person, case: Case) -> list[Report]:
    """The versions that this person may see of a case whose report they may read, oldest first."""
    versions = await work.reports.versions(case.id)
    relation = await relation_to(work, person, case)
    drafts = relation == "routed" and case.hub == person.institution
    return [r for r in versions if r.released or (drafts and r.status is not ReportStatus.ENTERED_IN_ERROR)]


async def case_claimed_by(work: UnitOfWork, person: Person, case_id: str, action: Action) -> Case:
    """The case, claimed by this person (or completed, for who wrote it)."""
    case = await case_at_hub(work, person, case_id, action)
    if case.claimed_by != person.username:
        if case.claimed_by:
            raise AlreadyClaimed(case.claimed_by, case.claimed_at)
        raise InvalidTransition("case", case.status, "write")
    return case


async def draft_held_by(work: UnitOfWork, person: Person, case_id: str) -> Report:
    """The unsigned version of the case that this person holds: whatever goes on the report beside its text changes only with it.

    Raises AlreadyClaimed where somebody else holds the case, InvalidTransition once it is signed.
    """
    case = await case_claimed_by(work, person, case_id, Action.REPORT_WRITE)
    report = _standing(await work.reports.versions(case.id), "save")
    REPORT.next(report.status, "save")
    return report


def _match(report: Report, if_match: str | None) -> None:
    """RFC 9110 section 13.1.1: the change must name the version it was made from."""
    if if_match is None:
        raise VersionRequired("If-Match")
    if if_match != "*" and if_match.removeprefix("W/").strip('"') != report.entity_tag:
        raise StaleVersion(report.entity_tag)


async def save_draft(
    work: UnitOfWork, person: Person, case_id: str, sections: Mapping[str, Any], result: Result | None, if_match: str | None
) -> Report:
    """Autosave; a result that is not said stays. Raises StaleVersion when somebody (or another window) saved in between,
    InvalidTransition once signed."""
    case = await case_open_to(work, person, case_id, CaseAction.WRITE)
    report = _standing(await work.reports.versions(case.id), "save")
    _match(report, if_match)
    centre = work.region.centres[case.centre]
    check_result(centre, result)
    if faults := form_for(centre, report).faults(sections, "sections", complete=False):
        raise Invalid(*faults)
    report.apply("save")
    await record_overrides(work, case, report, centre.report_form, sections, person.username)
    report.sections = {k: v for k, v in sections.items() if v not in ("", None)}
    report.result = report.result if result is None else result
    report.author, report.revision, report.updated_at = person.username, report.revision + 1, work.now
    await work.reports.save(report)
    if case.status is not CaseStatus.COMPLETED:
        first = case.status is CaseStatus.ACCEPTED
        case.apply("write")
        if first:
            work.outbox.event(case, CaseEvent.WRITE, person.username)
    case.active_at, case.report_status = work.now, report.status
    await work.cases.save(case)
    return report


async def prepare_signature(
    work: UnitOfWork, person: Person, case_id: str, collectors: Sequence[FigureCollector], insistence: Insistence = NOTHING
) -> RenderRequest:
    """Check that this person can sign now, and load what is printed; nothing is changed. Raises Contradicted."""
    case = await case_at_hub(work, person, case_id, Action.REPORT_SIGN)
    versions = await work.reports.versions(case.id)
    report = latest(versions)
    if report is None:
        raise InvalidTransition("case", case.status, "sign")
    REPORT.next(report.status, "sign")
    await case_claimed_by(work, person, case_id, Action.REPORT_SIGN)
    if report.author != person.username:
        raise Forbidden(Action.REPORT_SIGN, "not-the-author")
    centre = work.region.centres[case.centre]
    if faults := form_for(centre, report).faults(report.sections, "sections", complete=True):
        raise Invalid(*faults)
    await require_settled(work, case)
    signed = replace(report)
    _sign(signed, report.verification_code or new_verification_code(), work.now, release=_needs_one_person(work, case, report))
    signed.acknowledged = insisted(await contradictions_in(work, case, report, centre), insistence, person, signed)
    return await render_request(work, case, signed, versions, report.entity_tag, Signing(person, None, work.now), collectors)


def _needs_one_person(work: UnitOfWork, case: Case, report: Report) -> bool:
    return not two_person(work, report.hub or case.hub or "", case.centre, case.kind)


def _sign(report: Report, verification_code: str, at: datetime, *, release: bool) -> None:
    report.verification_code = verification_code
    report.signed_at = report.updated_at = at
    report.apply("sign")
    if release:
        _release(report, at)


def _review(report: Report, reviewer: Person, at: datetime) -> None:
    report.reviewer, report.reviewed_at = reviewer.username, at
    _release(report, at)


def _release(report: Report, at: datetime) -> None:
    report.apply(f"release-{report.kind.value}")
    report.released_at = at


async def sign_report(work: UnitOfWork, person: Person, request: RenderRequest, printed: StoredPdf) -> Report:
    """Make the signature of `request` so, at the time that is printed. Raises StaleVersion where the draft changed since."""
    case = await case_claimed_by(work, person, request.case.id, Action.REPORT_SIGN)
    report = latest(await work.reports.versions(case.id))
    if report is None or report.entity_tag != request.entity_tag:
        raise StaleVersion(report.entity_tag if report else "")
    await require_settled(work, case)
    _sign(report, request.report.verification_code, request.signing.at, release=request.report.released)
    report.acknowledged = request.report.acknowledged
    await _keep(work, case, report, printed, person, CaseEvent.SIGN, Action.REPORT_SIGN)
    return report


async def prepare_review(
    work: UnitOfWork, person: Person, case_id: str, collectors: Sequence[FigureCollector], insistence: Insistence = NOTHING
) -> RenderRequest:
    """Check that this person can review now, and load what is printed; nothing is changed. The reviewer is never the author.

    Raises Contradicted for what the author did not sign all the same.
    """
    case, report, versions = await _to_review(work, person, case_id)
    await require_settled(work, case)
    writer = await work.people.get(report.author)
    if writer is None:
        raise NotFound("person", report.author)
    reviewed = replace(report)
    _review(reviewed, person, work.now)
    found = unsettled(await contradictions_in(work, case, report, work.region.centres[case.centre]), report)
    reviewed.acknowledged = (*report.acknowledged, *insisted(found, insistence, person, reviewed))
    return await render_request(work, case, reviewed, versions, report.entity_tag, Signing(writer, person, work.now), collectors)


async def _to_review(work: UnitOfWork, person: Person, case_id: str) -> tuple[Case, Report, list[Report]]:
    case = await case_open_to(work, person, case_id, CaseAction.REVIEW)
    versions = await work.reports.versions(case.id)
    report = _standing(versions, "review")
    if report.author == person.username:
        raise Forbidden(Action.REPORT_REVIEW, "own-report")
    return case, report, versions


async def review_report(work: UnitOfWork, person: Person, request: RenderRequest, printed: StoredPdf) -> Report:
    """Make the review of `request` so, at the time that is printed: the report is released."""
    case, report, _ = await _to_review(work, person, request.case.id)
    if report.entity_tag != request.entity_tag:
        raise StaleVersion(report.entity_tag)
    await require_settled(work, case)
    _review(report, person, request.signing.at)
    report.acknowledged = request.report.acknowledged
    await _keep(work, case, report, printed, person, CaseEvent.REVIEW, Action.REPORT_REVIEW)
    return report


async def _keep(work: UnitOfWork, case: Case, report: Report, printed: StoredPdf, person: Person, event: CaseEvent, action: Action) -> None:
    """Save the signed version and what follows from it for the case."""
    report.pdf_key, report.pdf_sha256 = printed.key, printed.sha256
    report.revision += 1
    await work.reports.save(report)
    case.report_status, case.positive, case.parked_at = report.status, report.result is Result.POSITIVE, None
    if case.status is CaseStatus.ACCEPTED:
        case.apply("write")  # a finished draft taken over from another reader
    if report.released_at is not None:
        if case.status is not CaseStatus.COMPLETED:
            case.apply("complete")
            case.completed_at = report.released_at
            _count_answer(work, case, report.released_at)
        case.unclaim()
        case.acknowledged_at = case.acknowledged_by = None
    await work.cases.save(case)
    detail: dict[str, Any] = {"version": report.version, "status": report.status.value, "pdf_sha256": printed.sha256}
    if insisted_on := [each for each in report.acknowledged if each.by == person.username]:
        detail |= {"contradictions": [each.code for each in insisted_on], "reason": insisted_on[0].reason}
    work.outbox.step(case, person, event, action, detail)


def _count_answer(work: UnitOfWork, case: Case, released_at: datetime) -> None:
    hub = case.hub or ""
    work.outbox.count(Volume.REPORT, case.member, centre=case.centre, hub=hub)
    if case.due_at is not None:
        kept = released_at <= case.due_at
        work.outbox.count(Volume.DEADLINE_KEPT if kept else Volume.DEADLINE_MISSED, case.member, centre=case.centre, hub=hub)


async def send_back(work: UnitOfWork, person: Person, case_id: str, note: str) -> Report:
    """The reviewer does not agree: the author writes on, with the reviewer's note beside."""
    case, report, _ = await _to_review(work, person, case_id)
    report.apply("send-back")
    report.review_note, report.signed_at, report.updated_at = note, None, work.now
    report.revision += 1
    await work.reports.save(report)
    case.report_status, case.claimed_by, case.claimed_at, case.active_at = report.status, report.author, work.now, work.now
    await work.cases.save(case)
    # The note stays in the hub, with the draft; the member reads the history.
    work.outbox.step(case, person, CaseEvent.SEND_BACK, Action.REPORT_REVIEW, record={"note": note}, outcome="sent-back")
    return report


def _text_to_amend(versions: list[Report]) -> dict[str, Any]:
    """Return a copy of the newest released text of the report itself: an addendum has a form of its own."""
    return next((dict(r.sections) for r in reversed(versions) if r.released and r.kind is not VersionKind.ADDENDUM), {})


async def new_version(
    work: UnitOfWork,
    person: Person,
    case_id: str,
    kind: VersionKind,
    reason: str,
    sections: Mapping[str, Any] | None,
    result: Result | None = None,
) -> Report:
    """Open an amendment (a changed copy) or an addendum (its own text) of a released report; it is signed like the first.

    It begins with the result of the version before it. An amendment that comes with another text has been judged by nobody, unless its
    result comes too.
    """
    person = await held_account(work, person)
    case = await case_open_to(work, person, case_id, CaseAction.AMEND)
    versions = await work.reports.versions(case.id)
    before = _standing(versions, "amend")
    centre = work.region.centres[case.centre]
    check_result(centre, result)
    judged_anew = kind is VersionKind.AMENDMENT and sections is not None
    status = REPORT.next(before.status, "amend" if kind is VersionKind.AMENDMENT else "append")
    report = Report(
        case_id=case.id,
        version=len(versions) + 1,
        kind=kind,
        status=status,
        author=person.username,
        created_at=work.now,
        updated_at=work.now,
        reason=reason,
        hub=person.institution,
        result=result or (Result.NOT_JUDGED if judged_anew else before.result),
        sections=dict(sections) if sections is not None else (_text_to_amend(versions) if kind is VersionKind.AMENDMENT else {}),
    )
    if faults := form_for(centre, report).faults(report.sections, "sections", complete=False):
        raise Invalid(*faults)
    await work.reports.add(report)
    case.claimed_by, case.claimed_at, case.active_at = person.username, work.now, work.now
    case.report_status = report.status
    await work.cases.save(case)
    detail = {"version": report.version, "kind": kind.value, "reason": reason}
    work.outbox.step(case, person, CaseEvent.AMEND if kind is VersionKind.AMENDMENT else CaseEvent.APPEND, Action.REPORT_AMEND, detail)
    return report


async def discard_version(work: UnitOfWork, person: Person, case_id: str) -> Report:
    """Throw an amendment or addendum away before it is signed; the released version counts again."""
    case = await case_open_to(work, person, case_id, CaseAction.DISCARD)
    versions = await work.reports.versions(case.id)
    report = _standing(versions, "discard")
    report.apply("discard")
    report.revision += 1
    await work.reports.save(report)
    standing = latest([r for r in versions if r.version != report.version])
    case.report_status = standing.status if standing else None
    case.unclaim()
    await work.cases.save(case)
    work.outbox.step(case, person, CaseEvent.DISCARD, Action.REPORT_AMEND, history={"version": report.version}, outcome="discarded")
    return report

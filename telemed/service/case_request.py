"""The member's side of a case: made, filled in, submitted, answered, cancelled, acknowledged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from telemed.domain.case import Case, CaseKind, CaseStatus, PatientSummary, Priority
from telemed.domain.centre import Centre
from telemed.domain.consent import Consent, ConsentGiver
from telemed.domain.errors import FieldError, Invalid, InvalidTransition, NotFound
from telemed.domain.events import CaseEvent
from telemed.domain.jobs import JobKind
from telemed.domain.patient import Patient
from telemed.domain.people import Person
from telemed.domain.permissions import CaseAction
from telemed.domain.policy import Action, require
from telemed.domain.volume import Volume
from telemed.service.access import case_for, case_open_to
from telemed.service.evidence import set_studies_free
from telemed.service.evidence_identity import compare_identities
from telemed.service.identity import new_id
from telemed.service.patients import Demographics, correct_demographics, find_or_add
from telemed.service.ports.unit_of_work import UnitOfWork
from telemed.service.routing import offer_first, withdraw_offer
from telemed.service.transfers import ask_for_priors


def centre_named(work: UnitOfWork, code: str) -> Centre:
    """Raises Invalid for a centre that is not there."""
    try:
        return work.region.centres[code]
    except KeyError:
        raise Invalid(FieldError("centre", "choice", " ".join(work.region.centres))) from None


def summary_of(patient: Patient) -> PatientSummary:
    """Return what a case shows of its patient."""
    return PatientSummary(patient.id, patient.name, patient.sex.value, patient.birth_date)


async def create_case(
    work: UnitOfWork, person: Person, centre_code: str, kind: CaseKind, priority: Priority, card: Demographics, request: Mapping[str, Any]
) -> Case:
    """A draft. Raises Invalid with every field at fault; an accession number is made where none is given."""
    require(person, Action.CASE_CREATE)
    centre = centre_named(work, centre_code)
    if faults := centre.request_form.faults(request, "request", complete=False):
        raise Invalid(*faults)
    patient = await find_or_add(work, person.institution, card, person.username)
    number = str(request.get("accession_number") or "").strip()
    case = Case(
        id=new_id(),
        centre=centre.code,
        kind=kind,
        priority=priority,
        accession_number=number or await _fresh_accession(work, centre, person.institution),
        member=person.institution,
        patient=summary_of(patient),
        request={k: v for k, v in request.items() if k != "accession_number"},
        created_by=person.username,
        created_at=work.now,
    )
    await work.cases.add(case)
    work.outbox.step(case, person, CaseEvent.CREATE, Action.CASE_CREATE, record={"patient": patient.id})
    work.outbox.job(JobKind.MATCH_UNMATCHED, {"case_id": case.id}, key=f"case:{case.id}")
    return case


async def _fresh_accession(work: UnitOfWork, centre: Centre, member: str) -> str:
    """The next number of the day that the member has not given to a case of its own."""
    day = work.now.astimezone(work.region.network.zone).date()
    while await work.cases.with_accession(member, number := await work.cases.next_accession(centre.letter, day)):
        pass
    return number


async def edit_case(
    work: UnitOfWork,
    person: Person,
    case_id: str,
    priority: Priority | None,
    request: Mapping[str, Any] | None,
    kind: CaseKind | None = None,
    card: Demographics | None = None,
) -> Case:
    """Change a draft, or a case that was sent back; who the patient is and what is asked for stay as they were sent.

    Raises InvalidTransition in any other state.
    """
    case = await case_open_to(work, person, case_id, CaseAction.EDIT)
    if case.status is not CaseStatus.DRAFT and (kind or card):
        raise InvalidTransition("case", case.status, "edit")
    if card is not None:
        was, case.patient = case.patient, summary_of(await correct_demographics(work, case.member, case.patient.id, card, person.username))
    case.kind = kind or case.kind
    if request is not None:
        form = centre_named(work, case.centre).request_form
        wanted = {k: v for k, v in request.items() if k != "accession_number"}
        if faults := form.faults(wanted, "request", complete=False):
            raise Invalid(*faults)
        case.request = wanted
    case.priority = priority or case.priority
    await work.cases.save(case)
    if card is not None:
        await compare_identities(work, case, anew=case.patient != was)
    work.outbox.step(case, person, CaseEvent.EDIT, Action.CASE_EDIT)
    return case


async def submit_case(work: UnitOfWork, person: Person, case_id: str) -> Case:
    """Send a draft, or the answer to a question back: the route is planned and the first hub that can take it has it."""
    case = await case_open_to(work, person, case_id, CaseAction.SUBMIT)
    again = case.status is CaseStatus.ON_HOLD
    case.apply("submit")
    centre = centre_named(work, case.centre)
    if faults := centre.request_form.faults(case.request, "request", complete=True):
        raise Invalid(*faults)
    case.hold_reason = ""
    if case.submitted_at is None:
        kind = Volume.CONSULTATION if case.kind is CaseKind.CONSULTATION else Volume.REQUEST
        work.outbox.count(kind, case.member, centre=case.centre)
    await offer_first(work, case, centre, keep_hub=again)
    await work.cases.save(case)
    await ask_for_priors(work, case)
    for hooks in work.hooks:
        if hooks.on_submit is not None:
            await hooks.on_submit(work, case)
    work.outbox.step(case, person, CaseEvent.ANSWER if again else CaseEvent.SUBMIT, Action.CASE_SUBMIT, {"hub": case.hub})
    return case


async def cancel_case(work: UnitOfWork, person: Person, case_id: str, reason: str) -> Case:
    """Withdraw the question. Refused once somebody has signed an answer."""
    case = await case_open_to(work, person, case_id, CaseAction.CANCEL)
    left = case.hub
    case.apply("cancel")
    withdraw_offer(case)
    await work.cases.save(case)
    await set_studies_free(work, case)
    work.outbox.step(case, person, CaseEvent.CANCEL, Action.CASE_CANCEL, {"reason": reason}, left_hub=left)
    return case


async def acknowledge_report(work: UnitOfWork, person: Person, case_id: str) -> Case:
    """The member has received the report. Saying it again changes nothing."""
    case = await case_open_to(work, person, case_id, CaseAction.ACKNOWLEDGE)
    if case.acknowledged_at is None:
        case.acknowledged_at, case.acknowledged_by = work.now, person.username
        await work.cases.save(case)
        work.outbox.step(case, person, CaseEvent.ACKNOWLEDGE, Action.CASE_ACKNOWLEDGE)
    return case


async def record_consent(
    work: UnitOfWork, person: Person, case_id: str, giver: ConsentGiver, signed_name: str, evidence_id: str | None
) -> Consent:
    """Written consent of the patient or guardian; the scanned paper may be one of the case's documents."""
    case = await case_for(work, person, case_id, Action.CONSENT_RECORD)
    if evidence_id is not None:
        paper = await work.evidence.get(evidence_id)
        if paper is None or paper.case_id != case.id:
            raise NotFound("evidence", evidence_id)
    consent = Consent(case.id, giver, signed_name, evidence_id, person.username, work.now)
    await work.consents.add(consent)
    work.outbox.step(case, person, CaseEvent.CONSENT, Action.CONSENT_RECORD, history={"giver": giver.value})
    return consent

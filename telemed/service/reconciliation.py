"""Reconciliation by hand: studies without a case or with the wrong one, and what they say. Metadata; looks on record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from telemed.domain.case import Case, CaseStatus
from telemed.domain.errors import FieldError, Invalid, NotFound
from telemed.domain.events import CaseEvent
from telemed.domain.patient import Patient
from telemed.domain.people import Person
from telemed.domain.policy import Action, require
from telemed.domain.reconciliation import Reconciliation, Step, StudyAttributes, attribute_errors
from telemed.service.evidence import CLOSED_TO_EVIDENCE, takes_studies
from telemed.service.matching import match_study
from telemed.service.ports.studies import StudyFacts
from telemed.service.ports.unit_of_work import UnitOfWork

NEAR = timedelta(days=7)
"""How far from the study's arrival a case of the same member is proposed by time alone. Practice."""
PATIENT_WINDOW = timedelta(days=90)
"""How old a case of the same patient number may be to be proposed. Practice."""
MAX_CANDIDATES = 5
PAST = frozenset({CaseStatus.COMPLETED, CaseStatus.FAILED})
"""Cases that are proposed only where a number speaks for them."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A case that the study may belong to. `reasons` speak for it: `patient-number`, `accession-number`, `modality`, `near-time`."""

    case_id: str
    accession_number: str
    centre: str
    modality: str
    body_part: str
    status: str
    created_at: datetime
    reasons: Sequence[str]


@dataclass(frozen=True, slots=True)
class UnmatchedStudy:
    """A study, with the cases of the same member that may be meant, the likeliest first."""

    study: StudyFacts
    candidates: Sequence[Candidate]


async def unmatched_studies(work: UnitOfWork, person: Person, owner: str, limit: int) -> list[UnmatchedStudy]:
    """Studies that look for their case, newest first, of one institution or of all (`owner` empty)."""
    require(person, Action.UNMATCHED_READ)
    return [UnmatchedStudy(study, await candidates(work, study)) for study in await work.studies.unmatched(owner or None, limit)]


async def candidates(work: UnitOfWork, study: StudyFacts) -> list[Candidate]:
    """Cases of the study's own member that could take it: by the patient's number, or near in time and still without a study."""
    found: dict[str, tuple[Case, list[str]]] = {}

    apart = await work.reconciliations.excluded_cases(study.owner, study.study_instance_uid)

    def note(case: Case, reason: str) -> None:
        centre = work.region.centres.get(case.centre)
        if case.id not in apart and takes_studies(work.region, centre, study.modality) and case.status not in CLOSED_TO_EVIDENCE:
            found.setdefault(case.id, (case, []))[1].append(reason)

    if study.accession_number:
        for case in await work.cases.with_accession(study.owner, study.accession_number):
            note(case, "accession-number")
    if study.patient_number:
        for case in await work.cases.of_patient(study.owner, study.patient_number, study.received_at - PATIENT_WINDOW):
            note(case, "patient-number")
    for case in await work.cases.made_between(study.owner, study.received_at - NEAR, study.received_at + NEAR, 200):
        if case.id in found or (case.evidence_count == 0 and case.status not in PAST):
            note(case, "near-time")
    for case, reasons in found.values():
        if study.modality and str(case.request.get("modality", "")).upper() == study.modality:
            reasons.append("modality")

    def likelihood(entry: tuple[Case, list[str]]) -> tuple[int, timedelta]:
        weights = {"accession-number": 8, "patient-number": 4, "modality": 2, "near-time": 1}
        return -sum(weights[reason] for reason in entry[1]), abs(entry[0].created_at - study.received_at)

    likely = [entry for entry in sorted(found.values(), key=likelihood) if entry[1] != ["near-time"]]
    return [_candidate(case, reasons) for case, reasons in likely[:MAX_CANDIDATES]]


def _candidate(case: Case, reasons: Sequence[str]) -> Candidate:
    request = case.request
    return Candidate(
        case_id=case.id,
        accession_number=case.accession_number,
        centre=case.centre,
        modality=str(request.get("modality", "")),
        body_part=str(request.get("body_part", "")),
        status=case.status.value,
        created_at=case.created_at,
        reasons=tuple(reasons),
    )


MAX_FOUND = 20
"""Studies that a number brings up."""


@dataclass(frozen=True, slots=True)
class Found:
    """Records of patients and studies that carry one of the numbers, of any institution; `candidates` are cases that have the study."""

    records: Sequence[Patient]
    studies: Sequence[UnmatchedStudy]
    earlier: Mapping[str, Sequence[Reconciliation]]
    """By record: how it was written before, newest first."""


async def find_by_number(work: UnitOfWork, person: Person, numbers: Sequence[str]) -> Found:
    """Return what carries one of these numbers: a patient's or a resident number, or a study's accession number."""
    require(person, Action.UNMATCHED_READ)
    ids: dict[str, None] = {}
    studies: dict[tuple[str, str], StudyFacts] = {}
    for number in (text.strip() for text in numbers if text.strip()):
        ids |= dict.fromkeys(await work.patients.with_number(number))
        studies |= {(s.owner, s.study_instance_uid): s for s in await work.studies.find_by_number(number, MAX_FOUND)}
    found = []
    for (owner, uid), study in studies.items():
        found.append(UnmatchedStudy(study, [_candidate(case, ()) for case in await work.cases.with_study(owner, uid)]))
    records = await work.patients.get_many(list(ids)[:MAX_FOUND])
    earlier: dict[str, list[Reconciliation]] = {}
    for change in await work.reconciliations.changes([record.id for record in records]):
        earlier.setdefault(change.patient_id, []).append(change)
    return Found(records, found, earlier)


@dataclass(frozen=True, slots=True)
class TakenStep:
    """One step with what it was about: the accession number of its case, its records of patients (the first one first)."""

    entry: Reconciliation
    accession_number: str
    records: Sequence[Patient]


async def steps_taken(work: UnitOfWork, person: Person, limit: int) -> list[TakenStep]:
    """Return what was reconciled by hand, newest first."""
    require(person, Action.UNMATCHED_READ)
    entries = await work.reconciliations.newest(limit)
    ids = dict.fromkeys(i for entry in entries for i in (entry.patient_id, entry.other_id) if i)
    records = {record.id: record for record in await work.patients.get_many(list(ids))}
    cases = {entry.case_id: await work.cases.get(entry.case_id) for entry in entries if entry.case_id}
    found = []
    for entry in entries:
        case = cases.get(entry.case_id)
        about = [records[i] for i in (entry.patient_id, entry.other_id) if i in records]
        found.append(TakenStep(entry, case.accession_number if case else "", about))
    return found


async def correct_study(work: UnitOfWork, person: Person, owner: str, study_instance_uid: str, right: StudyAttributes, reason: str) -> None:
    """Correct whose study it is, or which order it answers: what is right holds, what was received is kept.

    The objects stay as they were sent. A study without a case is matched anew. Raises NotFound, or Invalid for values that
    DICOM does not allow or where none is given.
    """
    require(person, Action.STUDY_CORRECT)
    held = await work.studies.attributes(owner, study_instance_uid)
    if held is None:
        raise NotFound("study", study_instance_uid)
    values = right.by_keyword()
    if errors := attribute_errors(values) if values else [FieldError("attributes", "required")]:
        raise Invalid(*errors)
    changed = {keyword: value for keyword, value in values.items() if value != held[keyword]}
    if changed:
        await work.studies.correct(owner, study_instance_uid, changed, work.now)
        before = {keyword: held[keyword] for keyword in changed}
        await _corrected(work, person, Step.CORRECT, owner, study_instance_uid, reason, before, changed)


async def restore_study(work: UnitOfWork, person: Person, owner: str, study_instance_uid: str, reason: str) -> None:
    """The correction was wrong: what was received holds again. Raises NotFound where nothing was corrected."""
    require(person, Action.STUDY_CORRECT)
    before = await work.studies.restore(owner, study_instance_uid)
    held = await work.studies.attributes(owner, study_instance_uid)
    if not before or held is None:
        raise NotFound("correction", study_instance_uid)
    after = {keyword: held[keyword] for keyword in before}
    await _corrected(work, person, Step.RESTORE, owner, study_instance_uid, reason, before, after)


async def _corrected(
    work: UnitOfWork, person: Person, step: Step, owner: str, uid: str, reason: str, before: Mapping[str, str], after: Mapping[str, str]
) -> None:
    """Put a correction on record, tell the cases, and let a study without one look again. Values are in the sealed record alone."""
    await work.reconciliations.note(Reconciliation(step, work.now, person.username, owner, reason, uid, before=before, after=after))
    named = " ".join(sorted(after))
    for case in await work.cases.with_study(owner, uid):
        work.outbox.event(case, CaseEvent.EVIDENCE_CORRECTED, person.username, {"reason": reason, "study": uid, "attributes": named})
    detail = {"attributes": named, "restored": step is Step.RESTORE, "reason": reason}
    work.outbox.audit(Action.STUDY_CORRECT, person.username, person.institution, f"study/{uid}", detail=detail)
    await match_study(work, owner, uid)

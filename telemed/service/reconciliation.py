"""What a person has to settle: studies without a case, and records that may be one person. Metadata, every look on record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from telemed.domain.case import Case, CaseStatus
from telemed.domain.errors import NotFound
from telemed.domain.people import Person
from telemed.domain.policy import Action, require
from telemed.service.evidence import CLOSED_TO_EVIDENCE, takes_studies
from telemed.service.patients import record_of
from telemed.service.ports import StudyFacts, Work

NEAR = timedelta(days=7)
"""How far from the study's arrival a case of the same member is proposed by time alone. Practice."""
PATIENT_WINDOW = timedelta(days=90)
"""How old a case of the same patient number may be to be proposed. Practice."""
MOST_CANDIDATES = 5
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
    """A study without a case, with the cases of the same member that may be meant, the likeliest first."""

    study: StudyFacts
    candidates: Sequence[Candidate]


async def unmatched_studies(work: Work, person: Person, owner: str, limit: int) -> list[UnmatchedStudy]:
    """Studies that look for their case, newest first, of one institution or of all (`owner` empty)."""
    require(person, Action.UNMATCHED_READ)
    return [UnmatchedStudy(study, await candidates(work, study)) for study in await work.studies.unmatched(owner or None, limit)]


async def candidates(work: Work, study: StudyFacts) -> list[Candidate]:
    """Cases of the study's own member that could take it: by the patient's number, or near in time and still without a study."""
    found: dict[str, tuple[Case, list[str]]] = {}

    def note(case: Case, reason: str) -> None:
        centre = work.region.centres.get(case.centre)
        if takes_studies(centre, study.modality) and case.status not in CLOSED_TO_EVIDENCE:
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
    return [_candidate(case, reasons) for case, reasons in likely[:MOST_CANDIDATES]]


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


async def not_the_same(work: Work, person: Person, first_id: str, second_id: str, reason: str) -> None:
    """Two records that looked alike are two people: the question is not asked again."""
    require(person, Action.PATIENT_MERGE)
    first, second = await record_of(work, person, first_id), await record_of(work, person, second_id)
    if not await work.patients.settle_doubt(first.id, second.id, work.now):
        raise NotFound("doubt", f"{first_id} {second_id}")
    detail = {"other": second.id, "different": True, "reason": reason}
    work.journal.audit(Action.PATIENT_MERGE, person.username, person.institution, f"patient/{first.id}", detail=detail)

"""Studies that look for their case: by accession number, by patient and time, or by opening one where the member says so."""

from __future__ import annotations

from telemed.domain.case import Case, CaseStatus
from telemed.domain.events import CaseEvent
from telemed.domain.evidence import MATCH_WINDOW, EvidenceType
from telemed.domain.people import SYSTEM
from telemed.service.evidence import CLOSED_TO_EVIDENCE, COMPLETE, link_study, takes_studies
from telemed.service.identity import case_of_study_uid
from telemed.service.ports.studies import StudyFacts
from telemed.service.ports.unit_of_work import UnitOfWork
from telemed.service.retention import note_return


async def find_case(work: UnitOfWork, study: StudyFacts) -> tuple[Case | None, str]:
    """The study's case and the rule that found it: the accession number, the UID that our worklist gave, else the
    member's patient and time.

    Two cases that fit equally well are no match: a person decides. A case that a person took the study away from is none.
    """
    apart = await work.reconciliations.excluded_cases(study.owner, study.study_instance_uid)
    if study.accession_number:
        numbered = await work.cases.with_accession(study.owner, study.accession_number)
        found = [c for c in numbered if c.status != "cancelled" and c.id not in apart]
        if len(found) == 1:
            return found[0], "accession-number"
    given = case_of_study_uid(study.study_instance_uid)
    case = await work.cases.get(given) if given else None
    if case is not None and case.id not in apart and case.member == study.owner and case.status != "cancelled":
        return case, "worklist"
    if study.patient_number:
        since = study.received_at - MATCH_WINDOW
        near = await work.cases.of_patient(study.owner, study.patient_number, since)
        found = [c for c in near if c.id not in apart and await _fits(work, c, study)]
        if len(found) == 1:
            return found[0], "patient-and-time"
    return None, ""


async def match_study(work: UnitOfWork, owner: str, study_instance_uid: str) -> Case | None:
    """A study has arrived or grown: find its case, or note that it has none yet. May be repeated."""
    study = await work.studies.facts(owner, study_instance_uid)
    if study is None:
        return None
    await note_return(work, study)
    known = await work.cases.with_study(owner, study_instance_uid)
    for case in known:
        await link_study(work, study, case, "")
    if known:
        return known[0]
    if not (await work.studies.held("", owner, study_instance_uid)).all_of_it:
        return None  # what came for a case alone looks for no other
    found, rule = await find_case(work, study)
    if found is None:
        found, rule = await _opened_for(work, study)
    if found is None:
        await work.studies.note_unmatched(study)
        return None
    await link_study(work, study, found, rule)
    return found


async def _opened_for(work: UnitOfWork, study: StudyFacts) -> tuple[Case | None, str]:
    """Return the case that some centre opens for a study without one."""
    for hooks in work.hooks:
        if hooks.on_unmatched_study is not None and (opened := await hooks.on_unmatched_study(work, study)):
            return opened
    return None, ""


async def complete_study(work: UnitOfWork, owner: str, study_instance_uid: str) -> int:
    """All images of a study have come, as far as anybody can tell: its cases are told. May be repeated."""
    study = await work.studies.facts(owner, study_instance_uid)
    if study is None:
        return 0
    told = 0
    for case in await work.cases.with_study(owner, study_instance_uid):
        known = await link_study(work, study, case, "")
        if known.type == EvidenceType.PRIOR_STUDY:
            continue
        if known.facts.get(COMPLETE) != known.instances:
            known.facts[COMPLETE] = known.instances
            await work.evidence.save(known)
            work.outbox.event(case, CaseEvent.EVIDENCE_COMPLETE, SYSTEM, {"evidence": known.id, "instances": known.instances})
            told += 1
    return told


async def match_unmatched_studies(work: UnitOfWork, case_id: str) -> int:
    """A case is new: studies of its member that still look for a case are asked again. May be repeated."""
    case = await work.cases.get(case_id)
    if case is None or case.status in CLOSED_TO_EVIDENCE:
        return 0
    placed = 0
    for study in await work.studies.unmatched(case.member, 500):
        found, rule = await find_case(work, study)
        if found is not None and found.id == case.id:
            await link_study(work, study, case, rule)
            placed += 1
    return placed


async def _fits(work: UnitOfWork, case: Case, study: StudyFacts) -> bool:
    """A case of that time and of a centre that expects studies, of this modality or none named, still open, without a study."""
    centre = work.region.centres.get(case.centre)
    if not takes_studies(work.region, centre, study.modality):
        return False
    if case.status in (CaseStatus.COMPLETED, CaseStatus.FAILED) or case.created_at > study.received_at + MATCH_WINDOW:
        return False
    wanted = str(case.request.get("modality", "")).upper()
    if wanted and study.modality and wanted != study.modality:
        return False
    return not any(e.type == work.region.study_type(study.modality) for e in await work.evidence.of_case(case.id))

"""Evidence: attached by a person, or found its case by itself."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from telemed.domain.case import Case, CaseStatus
from telemed.domain.centre import Centre
from telemed.domain.errors import InvalidTransition, NotFound
from telemed.domain.evidence import Evidence, EvidenceType
from telemed.domain.people import Person
from telemed.domain.policy import Action
from telemed.service.access import case_for, in_hand
from telemed.service.identity import case_of_study_uid, new_id
from telemed.service.ports import StudyFacts, Work

CLOSED_TO_EVIDENCE = frozenset({CaseStatus.CANCELLED, CaseStatus.FAILED})

MATCH_WINDOW = timedelta(days=3)
"""A study without an accession number belongs to a case of the same patient made this long before or after (practice)."""


async def may_attach(work: Work, person: Person, case_id: str) -> Case:
    """The case, if this person may add evidence to it now."""
    case = await in_hand(work, person, case_id, Action.EVIDENCE_ADD)
    if case.status in CLOSED_TO_EVIDENCE:
        raise InvalidTransition("case", case.status, "attach")
    return case


async def attach(work: Work, person: Person, case_id: str, evidence: Evidence) -> Evidence:
    """Add a stored file to the case. The same content again is the same evidence."""
    case = await may_attach(work, person, case_id)
    for known in await work.evidence.of_case(case_id):
        same_file = evidence.sha256 and known.sha256 == evidence.sha256
        same_study = evidence.study_instance_uid and known.study_instance_uid == evidence.study_instance_uid
        if same_file or same_study:
            if same_study and evidence.instances > known.instances:
                known.instances = evidence.instances
                await work.evidence.save(known)
            return known
    await _add(work, case, evidence, person.username)
    work.journal.audit(
        Action.EVIDENCE_ADD,
        person.username,
        person.institution,
        f"case/{case.id}",
        detail={"type": evidence.type.value, "name": evidence.name},
    )
    return evidence


async def _add(work: Work, case: Case, evidence: Evidence, actor: str) -> None:
    await work.evidence.add(evidence)
    case.evidence_count += 1
    await work.cases.save(case)
    if evidence.type is not EvidenceType.DICOM_STUDY:  # studies were counted when the gateway took them in
        work.journal.count(evidence.type, case.member)
    work.journal.event(case, "evidence", actor, {"type": evidence.type.value, "name": evidence.name, "evidence": evidence.id})


async def match_study(work: Work, study: StudyFacts) -> tuple[Case | None, str]:
    """The study's case and the rule that found it: the accession number, the UID that our worklist gave, else the
    member's patient and time.

    Two cases that fit equally well are no match: a person decides.
    """
    if study.accession_number:
        found = [c for c in await work.cases.with_accession(study.owner, study.accession_number) if c.status != "cancelled"]
        if len(found) == 1:
            return found[0], "accession-number"
    given = case_of_study_uid(study.study_instance_uid)
    case = await work.cases.get(given) if given else None
    if case is not None and case.member == study.owner and case.status != "cancelled":
        return case, "worklist"
    if study.patient_number:
        since = study.received_at - MATCH_WINDOW
        found = [c for c in await work.cases.of_patient(study.owner, study.patient_number, since) if await _fits(work, c, study)]
        if len(found) == 1:
            return found[0], "patient-and-time"
    return None, ""


async def place_study(work: Work, owner: str, study_instance_uid: str) -> Case | None:
    """A study has arrived or grown: find its case, or note that it has none yet. May be repeated."""
    study = await work.studies.facts(owner, study_instance_uid)
    if study is None:
        return None
    known = await work.cases.with_study(owner, study_instance_uid)
    for case in known:
        await link_study(work, study, case, "")
    if known:
        return known[0]
    found, rule = await match_study(work, study)
    if found is None:
        await work.studies.note_unmatched(study)
        return None
    await link_study(work, study, found, rule)
    return found


async def place_waiting_studies(work: Work, case_id: str) -> int:
    """A case is new: studies of its member that still look for a case are asked again. May be repeated."""
    case = await work.cases.get(case_id)
    if case is None or case.status in CLOSED_TO_EVIDENCE:
        return 0
    placed = 0
    for study in await work.studies.unmatched(case.member, 500):
        found, rule = await match_study(work, study)
        if found is not None and found.id == case.id:
            await link_study(work, study, case, rule)
            placed += 1
    return placed


async def _fits(work: Work, case: Case, study: StudyFacts) -> bool:
    """A case of that time and of a centre that expects studies, of this modality or none named, still open, without a study."""
    centre = work.region.centres.get(case.centre)
    if centre is None or centre.expected is not EvidenceType.DICOM_STUDY:
        return False
    if case.status in (CaseStatus.COMPLETED, CaseStatus.FAILED) or case.created_at > study.received_at + MATCH_WINDOW:
        return False
    wanted = str(case.request.get("modality", "")).upper()
    if wanted and study.modality and wanted != study.modality:
        return False
    return not any(e.type is EvidenceType.DICOM_STUDY for e in await work.evidence.of_case(case.id))


async def link_study(work: Work, study: StudyFacts, case: Case, rule: str, actor: str = "system") -> Evidence:
    """Make the study evidence of the case, or bring its count of instances up to date."""
    case = await work.cases.get(case.id) or case  # locked, and as it stands now: a reader may have claimed it meanwhile
    await work.studies.settle(study.owner, study.study_instance_uid)
    for known in await work.evidence.of_case(case.id):
        if known.study_instance_uid == study.study_instance_uid:
            if known.instances != study.instances:
                known.instances = study.instances
                await work.evidence.save(known)
                work.journal.event(case, "evidence-grew", actor, {"evidence": known.id, "instances": study.instances})
            return known
    evidence = Evidence(
        id=new_id(),
        case_id=case.id,
        type=EvidenceType.DICOM_STUDY,
        name=study.description or study.modality or "DICOM",
        added_by=actor,
        added_at=work.now,
        media_type="application/dicom",
        study_instance_uid=study.study_instance_uid,
        instances=study.instances,
        facts={"rule": rule, "modality": study.modality},
    )
    await _add(work, case, evidence, actor)
    return evidence


async def set_studies_free(work: Work, case: Case) -> None:
    """The case is no more: its studies look for another one. They stay on its record."""
    for known in await work.evidence.of_case(case.id):
        study = await work.studies.facts(case.member, known.study_instance_uid) if known.study_instance_uid else None
        if study is not None and not await work.cases.with_study(case.member, study.study_instance_uid):
            await work.studies.note_unmatched(study)


async def link_by_hand(work: Work, person: Person, case_id: str, owner: str, study_instance_uid: str) -> Evidence:
    """The operator says which case a study belongs to. Only a case of the institution that sent it can be named."""
    case = await case_for(work, person, case_id, Action.EVIDENCE_LINK)
    study = await work.studies.facts(owner, study_instance_uid)
    if study is None or case.member != owner:
        raise NotFound("study", study_instance_uid)
    evidence = await link_study(work, study, case, "by-hand", person.username)
    detail = {"study": study.study_instance_uid}
    work.journal.audit(Action.EVIDENCE_LINK, person.username, person.institution, f"case/{case.id}", detail=detail)
    return evidence


def missing_evidence(centre: Centre | None, kinds: Collection[EvidenceType], consented: bool) -> list[str]:
    """What the hub still waits for: the centre's own kind of evidence, and consent where the centre wants it."""
    missing = []
    if centre and centre.expected and centre.expected not in kinds:
        missing.append(centre.expected.value)
    if centre and centre.consent_wanted and not consented:
        missing.append("consent")
    return missing

"""Evidence: attached by a person, or found its case by itself."""

from __future__ import annotations

from collections.abc import Collection

from telemed.domain.case import Case, CaseStatus
from telemed.domain.centre import Centre
from telemed.domain.errors import BorrowedStudy, NotFound
from telemed.domain.events import CaseEvent
from telemed.domain.evidence import Evidence, EvidenceType, OfferedStudy
from telemed.domain.people import SYSTEM, Person
from telemed.domain.permissions import PERMISSIONS, CaseAction
from telemed.domain.policy import Action, require
from telemed.domain.reconciliation import Reconciliation, Step
from telemed.service.access import case_for, case_open_to
from telemed.service.evidence_identity import compare_identities
from telemed.service.identity import new_id
from telemed.service.ports.region import Region
from telemed.service.ports.studies import StudyFacts
from telemed.service.ports.unit_of_work import UnitOfWork

CLOSED_TO_EVIDENCE = frozenset(CaseStatus) - PERMISSIONS[CaseAction.ATTACH].states

CONSENT = "consent"
"""What is missing where a case waits for the patient's consent."""

COMPLETE = "complete"
"""Fact of a study that is evidence: how many instances it had when it was complete. More may come, and make it incomplete."""


async def may_attach(work: UnitOfWork, person: Person, case_id: str) -> Case:
    """The case, if this person may add evidence to it now."""
    return await case_open_to(work, person, case_id, CaseAction.ATTACH)


async def may_receive(work: UnitOfWork, person: Person, case_id: str, offered: OfferedStudy) -> None:
    """Raises BorrowedStudy for a file of a study that is here already and no evidence of this case, or a Study Instance UID would
    open what the case never received. The member's own people may give a study of the same patient to a second case."""
    case = await may_attach(work, person, case_id)
    uid = offered.study_instance_uid
    if any(known.study_instance_uid == uid for known in await work.evidence.of_case(case_id)):
        return
    whose = await work.studies.patient(case.member, uid)
    if whose is None or (await work.studies.held(case_id, case.member, uid)).received:
        return
    if person.institution != case.member or whose.contradicts(offered.patient):
        raise BorrowedStudy(uid)


async def attach(work: UnitOfWork, person: Person, case_id: str, evidence: Evidence) -> Evidence:
    """Add a stored file to the case. The same content again is the same evidence."""
    case = await may_attach(work, person, case_id)
    if evidence.study_instance_uid:
        evidence.whole = False
        await _weigh(work, person, case, evidence)
    for known in await work.evidence.of_case(case_id):
        same_file = evidence.sha256 and known.sha256 == evidence.sha256
        same_study = evidence.study_instance_uid and known.study_instance_uid == evidence.study_instance_uid
        if same_file or same_study:
            if same_study and known.type == EvidenceType.PRIOR_STUDY:
                await _no_prior(work, case, known, person.username)
            if same_study and await _weigh(work, person, case, known):
                await work.evidence.save(known)
                _ask_to_read(work, known)
            await compare_identities(work, case)
            return known
    await add_evidence(work, case, evidence, person.username)
    work.outbox.audit(
        Action.EVIDENCE_ADD,
        person.username,
        person.institution,
        f"case/{case.id}",
        detail={"type": evidence.type.value, "name": evidence.name},
    )
    return evidence


async def _weigh(work: UnitOfWork, person: Person, case: Case, evidence: Evidence) -> bool:
    """Bring the count of a study's instances up to date; False where it is.

    A study of which nothing is here but what the member gave to this case is its evidence as such, with all that devices send
    later. What a hub attaches is never more than it attached.
    """
    uid = evidence.study_instance_uid or ""
    held = await work.studies.held(case.id, case.member, uid)
    if not evidence.whole and person.institution == case.member and held.received == held.all_of_it:
        evidence.whole = True
        await work.studies.clear_unmatched(case.member, uid)
    instances = held.all_of_it if evidence.whole else held.received
    grown = instances != evidence.instances
    evidence.instances = instances
    return grown


async def add_evidence(work: UnitOfWork, case: Case, evidence: Evidence, actor: str) -> None:
    await work.evidence.add(evidence)
    case.evidence_count += 1
    await work.cases.save(case)
    _ask_to_read(work, evidence)
    if not evidence.study_instance_uid:  # studies were counted when the gateway took them in
        work.outbox.count(evidence.type, case.member)
    work.outbox.event(case, CaseEvent.EVIDENCE, actor, {"type": evidence.type.value, "name": evidence.name, "evidence": evidence.id})
    await compare_identities(work, case)


def _ask_to_read(work: UnitOfWork, evidence: Evidence) -> None:
    kind = work.region.evidence.get(evidence.type)
    if kind is not None and kind.read_by:
        work.outbox.job(kind.read_by, {"case_id": evidence.case_id, "evidence_id": evidence.id}, key=f"read:{evidence.id}")


def takes_studies(region: Region, centre: Centre | None, modality: str) -> bool:
    """True if the centre expects DICOM studies of this modality."""
    return centre is not None and centre.expected is not None and centre.expected.type == region.study_type(modality)


async def link_study(work: UnitOfWork, study: StudyFacts, case: Case, rule: str, actor: str = SYSTEM) -> Evidence:
    """Make the study evidence of the case, or bring its count of instances up to date."""
    case = await work.cases.get(case.id) or case  # locked, and as it stands now: a reader may have claimed it meanwhile
    await work.studies.clear_unmatched(study.owner, study.study_instance_uid)
    instances = (await work.studies.held(case.id, study.owner, study.study_instance_uid)).all_of_it
    for known in await work.evidence.of_case(case.id):
        if known.study_instance_uid == study.study_instance_uid:
            named = rule == "by-hand" or (study.accession_number != "" and study.accession_number == case.accession_number)
            if known.type == EvidenceType.PRIOR_STUDY and named:
                await _no_prior(work, case, known, actor)
            if known.instances != instances or not known.whole:
                known.instances, known.whole = instances, True
                await work.evidence.save(known)
                _ask_to_read(work, known)
                if known.type != EvidenceType.PRIOR_STUDY:
                    work.outbox.event(case, CaseEvent.EVIDENCE_GREW, actor, {"evidence": known.id, "instances": instances})
            await compare_identities(work, case)
            return known
    evidence = Evidence(
        id=new_id(),
        case_id=case.id,
        type=work.region.study_type(study.modality),
        name=study.description or study.modality or "DICOM",
        added_by=actor,
        added_at=work.now,
        media_type="application/dicom",
        study_instance_uid=study.study_instance_uid,
        instances=instances,
        facts={"rule": rule, "modality": study.modality},
    )
    await add_evidence(work, case, evidence, actor)
    return evidence


async def _no_prior(work: UnitOfWork, case: Case, known: Evidence, actor: str) -> None:
    """What was taken for an earlier study is what the case is about."""
    known.type = work.region.study_type(known.facts.get("modality", ""))
    await work.evidence.save(known)
    case.evidence_count += 1
    await work.cases.save(case)
    _ask_to_read(work, known)
    work.outbox.event(case, CaseEvent.EVIDENCE, actor, {"type": known.type.value, "name": known.name, "evidence": known.id})


async def set_studies_free(work: UnitOfWork, case: Case) -> None:
    """The case is no more: its studies look for another one. They stay on its record."""
    for known in await work.evidence.of_case(case.id):
        own = known.study_instance_uid if known.type != EvidenceType.PRIOR_STUDY else None
        study = await work.studies.facts(case.member, own) if own else None
        if study is not None and not await work.cases.with_study(case.member, study.study_instance_uid):
            await work.studies.release(case.id, case.member, study.study_instance_uid)
            await work.studies.note_unmatched(study)


async def link_by_hand(work: UnitOfWork, person: Person, case_id: str, owner: str, study_instance_uid: str, reason: str = "") -> Evidence:
    """The operator says which case a study belongs to. Only a case of the institution that sent it can be named."""
    case = await case_for(work, person, case_id, Action.EVIDENCE_LINK)
    study = await work.studies.facts(owner, study_instance_uid)
    if study is None or case.member != owner:
        raise NotFound("study", study_instance_uid)
    evidence = await link_study(work, study, case, "by-hand", person.username)
    detail = {"study": study.study_instance_uid}
    work.outbox.audit(Action.EVIDENCE_LINK, person.username, person.institution, f"case/{case.id}", detail=detail)
    await work.reconciliations.note(
        Reconciliation(Step.LINK, work.now, person.username, owner, reason, study_instance_uid=study_instance_uid, case_id=case.id)
    )
    return evidence


async def link_by_number(work: UnitOfWork, person: Person, owner: str, study_instance_uid: str, number: str, reason: str = "") -> Evidence:
    """As `link_by_hand`, the case named by its accession number. Raises NotFound where the institution has not one such case."""
    found = [case for case in await work.cases.with_accession(owner, number) if case.status is not CaseStatus.CANCELLED]
    if len(found) != 1:
        require(person, Action.EVIDENCE_LINK)
        raise NotFound("case", number)
    return await link_by_hand(work, person, found[0].id, owner, study_instance_uid, reason)


async def unlink_study(work: UnitOfWork, person: Person, case_id: str, owner: str, study_instance_uid: str, reason: str) -> None:
    """The study is not this case's after all: it looks for its case again, and is not proposed this one by any rule.

    What the case was read by stays on record: its history says what was taken away, by whom and why; a report stays.
    """
    case = await case_for(work, person, case_id, Action.EVIDENCE_LINK)
    known = next((e for e in await work.evidence.of_case(case_id) if e.study_instance_uid == study_instance_uid), None)
    if known is None or case.member != owner:
        raise NotFound("study", study_instance_uid)
    was = await take_study_away(work, person, case, known, reason)
    detail = {"study": study_instance_uid, "reason": reason}
    work.outbox.step(case, person, CaseEvent.EVIDENCE_UNLINKED, Action.EVIDENCE_LINK, detail, history=was, record={"split": True})


async def take_study_away(work: UnitOfWork, person: Person, case: Case, known: Evidence, reason: str) -> dict[str, str]:
    """The study is evidence of this case no more, and looks for another. Return what it was evidence by."""
    uid = known.study_instance_uid or ""
    await work.evidence.remove(known.id)
    case.evidence_count -= known.type != EvidenceType.PRIOR_STUDY  # an earlier study was never counted
    await work.cases.save(case)
    study = await work.studies.facts(case.member, uid)
    if study is not None and not await work.cases.with_study(case.member, uid):
        await work.studies.release(case.id, case.member, uid)
        await work.studies.note_unmatched(study)
    was = {"evidence": known.id, "name": known.name, "instances": str(known.instances), "rule": str(known.facts.get("rule", ""))}
    entry = Reconciliation(Step.UNLINK, work.now, person.username, case.member, reason, uid, case.id, before=was)
    await work.reconciliations.note(entry)
    await compare_identities(work, case)
    return was


def missing_evidence(centre: Centre | None, kinds: Collection[EvidenceType], consented: bool) -> list[str]:
    """Return what the hub still waits for: the centre's own kind of evidence, and consent where the centre wants it."""
    missing = []
    if centre and centre.expected and centre.expected.type not in kinds:
        missing.append(centre.expected.type.value)
    if centre and centre.consent_wanted and not consented:
        missing.append(CONSENT)
    return missing

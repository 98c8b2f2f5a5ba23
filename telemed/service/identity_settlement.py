"""Evidence that states another patient: the same person after all, or taken away from the case. Each with a reason; nothing is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from telemed.domain.case import Case, CaseStatus
from telemed.domain.errors import FieldError, Invalid, InvalidTransition, NotFound
from telemed.domain.events import CaseEvent
from telemed.domain.evidence import Evidence, FileAside
from telemed.domain.identity_of_evidence import IdentityFinding
from telemed.domain.people import Person
from telemed.domain.permissions import CaseAction
from telemed.domain.policy import Action, require
from telemed.service.access import case_for, case_open_to
from telemed.service.evidence import CLOSED_TO_EVIDENCE, add_evidence, take_study_away
from telemed.service.evidence_identity import compare_identities
from telemed.service.identity import new_id
from telemed.service.ports.unit_of_work import UnitOfWork


async def settle_identity(
    work: UnitOfWork, person: Person, case_id: str, evidence_id: str, same_person: bool, reason: str
) -> list[IdentityFinding]:
    """Say whether evidence that states another patient is the case's patient after all; if not, it leaves the case.

    Saying the same again changes nothing. Return what the case's evidence states then. Raises NotFound, Forbidden, Invalid without
    a reason, and InvalidTransition for evidence that does not differ.
    """
    case = await case_open_to(work, person, case_id, CaseAction.IDENTIFY)
    evidence = await work.evidence.get(evidence_id)
    if evidence is None or evidence.case_id != case.id:
        raise NotFound("evidence", evidence_id)
    reason = reason.strip()
    if not reason:
        raise Invalid(FieldError("reason", "required"))
    findings = await compare_identities(work, case)
    differing = [each for each in findings if each.evidence_id == evidence.id and each.differs]
    if not differing:
        raise InvalidTransition("identity", "agrees", "settle")
    if same_person:
        await _settle(work, person, case, differing, findings, reason)
    else:
        await _take_away(work, person, case, evidence, reason)
    return await compare_identities(work, case)


async def _settle(
    work: UnitOfWork, person: Person, case: Case, differing: Sequence[IdentityFinding], findings: Sequence[IdentityFinding], reason: str
) -> None:
    """The same words in other files of the case are the same question: they are settled with it."""
    meant = {(each.stated.person, each.differs) for each in differing}
    settled = [each for each in findings if each.open and (each.stated.person, each.differs) in meant]
    for finding in settled:
        finding.settled_by, finding.settled_at, finding.reason = person.username, work.now, reason
        await work.evidence.save_identity(finding)
    for evidence_id in dict.fromkeys(finding.evidence_id for finding in settled):
        detail = {"evidence": evidence_id, "reason": reason, "same_person": True}
        work.outbox.step(case, person, CaseEvent.IDENTITY_SETTLED, Action.EVIDENCE_IDENTIFY, detail)


async def _take_away(work: UnitOfWork, person: Person, case: Case, evidence: Evidence, reason: str) -> None:
    detail = {"reason": reason, "same_person": False}
    if evidence.study_instance_uid:
        was = await take_study_away(work, person, case, evidence, reason)
        detail |= {"study": evidence.study_instance_uid}
        work.outbox.step(case, person, CaseEvent.EVIDENCE_UNLINKED, Action.EVIDENCE_IDENTIFY, detail, history=was)
        return
    await work.evidence.set_aside(FileAside(evidence, case.member, person.username, work.now, reason))
    case.evidence_count -= 1
    await work.cases.save(case)
    detail |= {"evidence": evidence.id}
    work.outbox.step(case, person, CaseEvent.EVIDENCE_SET_ASIDE, Action.EVIDENCE_IDENTIFY, detail, history={"name": evidence.name})


@dataclass(frozen=True, slots=True)
class WaitingFile:
    """A file that was set aside, with the accession number of the case that it was taken from."""

    file: FileAside
    accession_number: str


async def files_aside(work: UnitOfWork, person: Person, limit: int) -> list[WaitingFile]:
    """Return the files that were taken away from cases, newest first."""
    require(person, Action.UNMATCHED_READ)
    found = []
    for file in await work.evidence.all_aside(limit):
        case = await work.cases.get(file.evidence.case_id)
        found.append(WaitingFile(file, case.accession_number if case else ""))
    return found


async def give_file(work: UnitOfWork, person: Person, file_id: str, accession_number: str, reason: str) -> Evidence:
    """The operator says which case a file that was set aside belongs to: one of the member that sent it.

    Raises NotFound for a file that does not wait, or where the member has not one such case, InvalidTransition for a closed one.
    """
    require(person, Action.EVIDENCE_LINK)
    file = await work.evidence.aside(file_id)
    if file is None:
        raise NotFound("file", file_id)
    found = [case for case in await work.cases.with_accession(file.member, accession_number) if case.status is not CaseStatus.CANCELLED]
    if len(found) != 1:
        raise NotFound("case", accession_number)
    case = await case_for(work, person, found[0].id, Action.EVIDENCE_LINK)
    if case.status in CLOSED_TO_EVIDENCE:
        raise InvalidTransition("case", case.status, "attach")
    evidence = replace(file.evidence, id=new_id(), case_id=case.id)
    await work.evidence.take_up(file_id)
    await add_evidence(work, case, evidence, person.username)
    detail = {"evidence": evidence.id, "reason": reason}
    work.outbox.step(case, person, CaseEvent.EVIDENCE_TAKEN_UP, Action.EVIDENCE_LINK, detail, record={"file": file_id})
    return evidence

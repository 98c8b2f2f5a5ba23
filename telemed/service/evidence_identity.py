"""The patient whom evidence states, compared with the case's whenever either changes. What differs stands until a person settles it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from dicom_gateway.person_name import readings
from telemed.domain.case import Case
from telemed.domain.errors import IdentityUnsettled
from telemed.domain.events import CaseEvent
from telemed.domain.evidence import Evidence
from telemed.domain.identity_of_evidence import IdentityFinding, Judged, KnownPatient, StatedIdentity, judge, known_patient
from telemed.domain.patient import Patient, Sex
from telemed.domain.people import SYSTEM
from telemed.service.ports.unit_of_work import UnitOfWork


async def compare_identities(work: UnitOfWork, case: Case, *, anew: bool = False) -> list[IdentityFinding]:
    """Compare what the case's evidence states with its patient, keep what differs, and mark the case. May be repeated.

    The same identity of the same evidence is asked about once; a settlement stands until more differs than it was for, or (`anew`)
    until the case is another patient's. The case is the locked one of the transaction.
    """
    before = {(known.evidence_id, known.stated): known for known in await work.evidence.identities([case.id])}
    after: list[IdentityFinding] = []
    asked: list[IdentityFinding] = []
    judged = await _judged(work, case)
    for each in judged:
        known = before.pop((each.evidence_id, each.stated), None)
        if known is None:
            taken = [finding.number for finding in (*before.values(), *after) if finding.evidence_id == each.evidence_id]
            known = IdentityFinding(each.evidence_id, max(taken, default=0) + 1, each.stated, each.differs, work.now)
            await work.evidence.add_identity(known)
            asked += [known] * known.open
        elif known.differs != each.differs or (anew and known.settled_at is not None):
            was_open = known.open
            if anew or not set(each.differs) <= set(known.differs):
                known.settled_by, known.settled_at, known.reason = None, None, ""
            known.differs = each.differs
            await work.evidence.save_identity(known)
            asked += [known] * (known.open and not was_open)
        after.append(known)
    for stale in before.values():
        await work.evidence.drop_identity(stale)
    for finding in asked:
        detail = {"evidence": finding.evidence_id, "attributes": " ".join(finding.differs)}
        work.outbox.event(case, CaseEvent.IDENTITY_DIFFERS, SYSTEM, detail)
    if case.identity_open != (found := any(finding.open for finding in after)):
        case.identity_open = found
        await work.cases.save(case)
    return after


async def compare_again(work: UnitOfWork, case_id: str) -> None:
    """As `compare_identities`, for the case of this id, if there is one."""
    if (case := await work.cases.get(case_id)) is not None:
        await compare_identities(work, case)


async def require_settled(work: UnitOfWork, case: Case) -> None:
    """Raises IdentityUnsettled while evidence of the case states another patient and nobody has settled it.

    What has arrived by now counts, compared or not: a signature does not run ahead of the worker.
    """
    known = {(each.evidence_id, each.stated): each for each in await work.evidence.identities([case.id])}
    for each in await _judged(work, case):
        finding = known.get((each.evidence_id, each.stated))
        settled = finding is not None and finding.settled_at is not None and set(each.differs) <= set(finding.differs)
        if each.differs and not settled:
            raise IdentityUnsettled(case.id, each.evidence_id, each.differs)


async def _judged(work: UnitOfWork, case: Case) -> list[Judged]:
    stated = await _stated(work, case)
    if not stated:
        return []
    known = await _known_patient(work, case, [identity for _, identity in stated])
    day = case.created_at.astimezone(work.region.network.zone).date()
    return await asyncio.to_thread(judge, stated, known, day, readings)  # the dictionaries of readings take a quarter of a second, once


async def _stated(work: UnitOfWork, case: Case) -> list[tuple[str, StatedIdentity]]:
    """What the case's evidence states, in the order in which it came; what states nothing is left out."""
    by_file: dict[str, Sequence[StatedIdentity]] = {}
    for hooks in work.hooks:
        if hooks.stated_identities is not None:
            by_file.update(await hooks.stated_identities(work, case))
    found: list[tuple[str, StatedIdentity]] = []
    for evidence in await work.evidence.of_case(case.id):
        found += [(evidence.id, each) for each in await _of_evidence(work, case, evidence, by_file) if not each.silent]
    return found


async def _of_evidence(
    work: UnitOfWork, case: Case, evidence: Evidence, by_file: dict[str, Sequence[StatedIdentity]]
) -> Sequence[StatedIdentity]:
    if evidence.study_instance_uid:
        return await work.studies.stated_identities(case.member, evidence.study_instance_uid)
    return tuple(dict.fromkeys(by_file.get(evidence.id, ())))


async def _known_patient(work: UnitOfWork, case: Case, stated: Sequence[StatedIdentity]) -> KnownPatient:
    """The case's patient, with the names and numbers of the member's records that a person found to be the same, and which of the
    stated numbers the member is known to have given to somebody else."""
    summary = case.patient
    record = await work.patients.get(summary.id)
    own = [] if record is None else await work.patients.of_person(record.master_id, case.member)
    ours = {each.id for each in own}
    numbers = tuple({number.value: number for each in (*own, *([record] if record else [])) for number in each.identifiers}.values())
    foreign: set[str] = set()
    for number in {each.number.strip() for each in stated if each.number.strip()}:
        others = await work.patients.get_many(await work.patients.with_number(number))
        here = [other for other in others if other.member == case.member]
        if here and not any(other.id in ours for other in here):
            foreign.add(number)
    patient = Patient(summary.id, "", case.member, summary.name, Sex(summary.sex), summary.birth_date, numbers)
    return known_patient(patient, [each.name for each in own], foreign)

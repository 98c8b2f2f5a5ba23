"""What is offered on a case is what is accepted: every action, tried by everybody, at every point that a case can reach."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from dicom_gateway.index import StatedPatient, dicom_study
from dicom_gateway.index.stated_patients import enter_stated_patients
from telemed.adapters.application import SqlApplication
from telemed.adapters.clock import utc_now
from telemed.adapters.database import tables as t
from telemed.adapters.database.unit_of_work import SqlUnitOfWork
from telemed.domain.case import Case, CaseStatus
from telemed.domain.errors import AlreadyClaimed, DomainError, Forbidden, InvalidTransition, NotFound
from telemed.domain.evidence import Evidence, EvidenceType
from telemed.domain.people import Person, Role
from telemed.domain.permissions import PERMISSIONS, CaseAction
from telemed.domain.report import VersionKind
from telemed.service import case_reading as reading
from telemed.service import case_request, criticals, evidence, identity_settlement, reporting, routing, study_export, transfers
from telemed.service.case_view import view_case
from telemed.service.evidence_identity import compare_again
from tests.telemed.harness import SECTIONS, Harness

REASON = "无相应专业"
WORKSTATION = "PACS1"
STUDY = "1.2.826.0.1.3680043.10.1"


async def answered(harness: Harness) -> Case:
    case = await returned(harness)
    submitted: Case = await harness.do("clinic1", case_request.submit_case, case.id)
    return submitted


async def returned(harness: Harness) -> Case:
    case = await harness.claimed()
    back: Case = await harness.do("imaging.huba", reading.return_case, case.id, REASON)
    return back


async def parked(harness: Harness) -> Case:
    case = await harness.written()
    aside: Case = await harness.do("imaging.huba", reading.park_case, case.id, parked=True)
    return aside


async def escalated(harness: Harness) -> Case:
    case = await harness.written()
    risen: Case = await harness.do("imaging.huba", reading.escalate_case, case.id, REASON)
    return risen


async def failed(harness: Harness) -> Case:
    case = await harness.requested()
    await harness.do("imaging.huba", reading.decline_case, case.id, REASON)
    nobody: Case = await harness.do("imaging.main", reading.decline_case, case.id, REASON)
    assert nobody.status is CaseStatus.FAILED
    return nobody


async def cancelled(harness: Harness) -> Case:
    case = await harness.claimed()
    gone: Case = await harness.do("clinic1", case_request.cancel_case, case.id, REASON)
    return gone


async def preliminary(harness: Harness) -> Case:
    case = await harness.at_main()
    await harness.sign(case.id, "imaging.main")
    return await harness.case(case.id)


async def sent_back(harness: Harness) -> Case:
    case = await preliminary(harness)
    await harness.do("imaging2.main", reporting.send_back, case.id, REASON)
    return await harness.case(case.id)


async def reviewed(harness: Harness) -> Case:
    case = await preliminary(harness)
    await harness.review(case.id)
    return await harness.case(case.id)


async def acknowledged(harness: Harness) -> Case:
    case = await harness.signed()
    known: Case = await harness.do("clinic1", case_request.acknowledge_report, case.id)
    return known


async def amending(harness: Harness) -> Case:
    case = await harness.signed()
    await harness.do("imaging.huba", reporting.new_version, case.id, VersionKind.AMENDMENT, REASON, None)
    return await harness.case(case.id)


async def appending(harness: Harness) -> Case:
    case = await harness.signed()
    await harness.do("imaging.huba", reporting.new_version, case.id, VersionKind.ADDENDUM, REASON, {"addendum": "补充"})
    return await harness.case(case.id)


async def amended(harness: Harness) -> Case:
    case = await amending(harness)
    await harness.save(case.id, "imaging.huba", SECTIONS["imaging"])
    await harness.sign(case.id, "imaging.huba")
    return await harness.case(case.id)


async def appended(harness: Harness) -> Case:
    case = await appending(harness)
    await harness.sign(case.id, "imaging.huba")
    return await harness.case(case.id)


async def discarded(harness: Harness) -> Case:
    case = await amending(harness)
    await harness.do("imaging.huba", reporting.discard_version, case.id)
    return await harness.case(case.id)


MOMENTS: Mapping[str, Callable[[Harness], Awaitable[Case]]] = {
    "draft": Harness.draft,
    "requested": Harness.requested,
    "claimed": Harness.claimed,
    "written": Harness.written,
    "parked": parked,
    "returned": returned,
    "answered": answered,
    "escalated": escalated,
    "written at the main hub": Harness.at_main,
    "preliminary": preliminary,
    "sent back": sent_back,
    "reviewed": reviewed,
    "final": Harness.signed,
    "acknowledged": acknowledged,
    "amending": amending,
    "appending": appending,
    "amended": amended,
    "appended": appended,
    "discarded": discarded,
    "failed": failed,
    "cancelled": cancelled,
}
"""Points of a case's life, each reached by the steps that lead there."""

SPECIALIST, STAFF = frozenset({Role.SPECIALIST}), frozenset({Role.MEMBER_STAFF})
IMAGING = frozenset({"imaging"})
MORE = (
    Person("reader.huba", "", "HUBA", SPECIALIST, IMAGING),
    Person("reviewer.huba", "", "HUBA", frozenset({Role.REVIEWER}), IMAGING),
    Person("both.huba", "", "HUBA", SPECIALIST | STAFF, IMAGING),
    Person("both.clinic1", "", "CLINIC1", SPECIALIST | STAFF, IMAGING),
)
PEOPLE = (
    "clinic1", "clinic2", "imaging.huba", "imaging.hubb", "imaging.main", "imaging2.main", "ecg.huba", "operator", "auditor",
    *(person.username for person in MORE),
)  # fmt: skip
"""Every relation to a case, every role, holders and others of the same hub."""


Try = Callable[[SqlUnitOfWork, Person, str], Awaitable[Any]]


async def attach(work: SqlUnitOfWork, person: Person, case_id: str) -> None:
    paper = Evidence("e" * 32, case_id, EvidenceType.DOCUMENT, "a.pdf", person.username, work.now, sha256="ab")
    await evidence.attach(work, person, case_id, paper)


async def study_of(work: SqlUnitOfWork, case_id: str) -> str:
    return next(each.id for each in await work.evidence.of_case(case_id) if each.study_instance_uid)


async def send(work: SqlUnitOfWork, person: Person, case_id: str) -> None:
    await transfers.send_study(work, person, case_id, await study_of(work, case_id), WORKSTATION)


async def export(work: SqlUnitOfWork, person: Person, case_id: str) -> None:
    await study_export.export_study(work, person, case_id, await study_of(work, case_id))


async def identify(work: SqlUnitOfWork, person: Person, case_id: str) -> None:
    await identity_settlement.settle_identity(work, person, case_id, await study_of(work, case_id), True, REASON)


async def reassign(work: SqlUnitOfWork, person: Person, case_id: str) -> None:
    reader = "reader.huba" if person.institution == "HUBA" else "imaging.main"
    await reading.reassign_case(work, person, case_id, reader, REASON)


TRIES: Mapping[CaseAction, Try] = {
    CaseAction.SUBMIT: case_request.submit_case,
    CaseAction.CANCEL: lambda work, person, case: case_request.cancel_case(work, person, case, REASON),
    CaseAction.CLAIM: reading.claim_case,
    CaseAction.RELEASE: reading.release_case,
    CaseAction.DECLINE: lambda work, person, case: reading.decline_case(work, person, case, REASON),
    CaseAction.RETURN: lambda work, person, case: reading.return_case(work, person, case, REASON),
    CaseAction.ESCALATE: lambda work, person, case: reading.escalate_case(work, person, case, REASON),
    CaseAction.REASSIGN: reassign,
    CaseAction.EDIT: lambda work, person, case: case_request.edit_case(work, person, case, None, None),
    CaseAction.ATTACH: attach,
    CaseAction.IDENTIFY: identify,
    CaseAction.ACKNOWLEDGE: case_request.acknowledge_report,
    CaseAction.PARK: lambda work, person, case: reading.park_case(work, person, case, parked=True),
    CaseAction.RESUME: lambda work, person, case: reading.park_case(work, person, case, parked=False),
    CaseAction.WRITE: lambda work, person, case: reporting.save_draft(work, person, case, {}, None, "*"),
    CaseAction.REVIEW: lambda work, person, case: reporting.send_back(work, person, case, REASON),
    CaseAction.AMEND: lambda work, person, case: reporting.new_version(work, person, case, VersionKind.AMENDMENT, REASON, None),
    CaseAction.DISCARD: reporting.discard_version,
    CaseAction.OFFER: lambda work, person, case: routing.offer_by_operator(work, person, case, "MAIN", REASON),
    CaseAction.SEND: send,
    CaseAction.FETCH_PRIORS: transfers.fetch_priors,
    CaseAction.EXPORT: export,
    CaseAction.DECLARE_CRITICAL: lambda work, person, case: criticals.declare_critical(work, person, case, "脑出血"),
}

REPEATED = frozenset({CaseAction.CLAIM, CaseAction.PARK, CaseAction.RESUME, CaseAction.ACKNOWLEDGE})
"""Accepted without being offered where it was done before: a button that is pressed twice is no error, and changes nothing."""


@pytest.fixture
async def scene(harness: Harness) -> Harness:
    """More people of the hub and of the member, and a device that may be sent to and asked."""
    for person in MORE:
        await harness.add_person(person)
    row = {"title": WORKSTATION, "institution": "CLINIC1", "host": "127.0.0.1", "port": 104, "uses": frozenset({"store", "query"})}
    async with harness.application.engine.begin() as connection:
        await connection.execute(t.application_entity.insert().values(row))
    await harness.application.refresh()
    return harness


class Undone(Exception):
    """Ends a transaction without its leaving anything."""


@asynccontextmanager
async def undone(application: SqlApplication) -> AsyncIterator[SqlUnitOfWork]:
    """A writing transaction that is rolled back."""
    with suppress(Undone):
        async with application.writing() as work:
            yield work
            raise Undone


async def with_study(harness: Harness, case: Case) -> None:
    """A study that states another patient."""
    now = utc_now()
    row = {"id": 1, "owner": case.member, "study_instance_uid": STUDY, "first_received_at": now, "last_received_at": now}
    async with harness.application.engine.begin() as connection:
        await connection.execute(dicom_study.insert().values(row))
        await connection.run_sync(enter_stated_patients, [(1, StatedPatient("完全^别人", None, None, None))])
    async with harness.application.writing() as work:
        study = Evidence("5" * 32, case.id, EvidenceType.DICOM_STUDY, "CT", "system", work.now, study_instance_uid=STUDY, instances=1)
        await work.evidence.add(study)
        await compare_again(work, case.id)


async def offered(work: SqlUnitOfWork, person: Person, case_id: str) -> set[str]:
    try:
        return {str(action) for action in (await view_case(work, person, case_id)).actions}
    except NotFound:
        return set()


async def refusal(work: SqlUnitOfWork, person: Person, case_id: str, wanted: CaseAction) -> DomainError | None:
    """Try it, and take it back. What was accepted though it was done before must have changed nothing."""
    nested = await work.connection.begin_nested()
    events = len(work.buffer.events)
    before = await work.cases.get(case_id)
    try:
        await TRIES[wanted](work, person, case_id)
        changed = (await work.cases.get(case_id)) != before or len(work.buffer.events) > events
        return None if changed or wanted not in REPEATED else InvalidTransition("case", "done", wanted)
    except DomainError as refused:
        return refused
    finally:
        await nested.rollback()


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_is_offered_is_accepted_and_what_is_not_is_refused(scene: Harness, moment: str) -> None:
    case = await MOMENTS[moment](scene)
    await with_study(scene, case)
    wrong = []
    for username in PEOPLE:
        person = scene.people[username]
        async with undone(scene.application) as work:
            allowed = await offered(work, person, case.id)
            for wanted in CaseAction:
                refused = await refusal(work, person, case.id, wanted)
                if (refused is None) != (wanted in allowed) or (
                    refused is not None and not isinstance(refused, NotFound | Forbidden | InvalidTransition | AlreadyClaimed)
                ):
                    wrong.append((username, wanted.value, repr(refused)))
    assert wrong == []


def test_every_action_is_tried_and_offered_somewhere() -> None:
    assert set(TRIES) == set(PERMISSIONS) == set(CaseAction)

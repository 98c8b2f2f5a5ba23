"""For the operator: studies without a case, and patients that may be one person."""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web

from telemed.domain.patient import Patient, masked, masked_name, resident_id_fault
from telemed.domain.policy import Action
from telemed.service import evidence, patients, reconciliation
from telemed.service.office import consult, perform, record_look
from telemed.service.reconciliation import UnmatchedStudy
from telemed.web.api.inputs import DifferentPatients, DoubtQuery, LinkStudy, Nothing, SplitPatient, UnmatchedQuery
from telemed.web.api.operation import Call, answer, operation
from telemed.web.api.shapes import EvidenceShape, IdentifierShape, Shape, evidence_shape


class CandidateShape(Shape):
    case_id: str
    accession_number: str
    centre: str
    modality: str
    body_part: str
    status: str
    created_at: datetime
    reasons: list[str]


class UnmatchedShape(Shape):
    owner: str
    study_instance_uid: str
    patient_name: str
    patient_number: str
    accession_number: str
    study_date: str
    modality: str
    description: str
    instances: int
    received_at: datetime
    candidates: list[CandidateShape]


class UnmatchedListShape(Shape):
    items: list[UnmatchedShape]
    next: str | None = None


class RecordShape(Shape):
    """One member's record of a patient: the name masked, the resident number masked."""

    id: str
    member: str
    name: str
    sex: str
    birth_date: str
    identifiers: list[IdentifierShape]


class DoubtShape(Shape):
    first: RecordShape
    second: RecordShape
    rule: str


class DoubtListShape(Shape):
    items: list[DoubtShape]
    next: str | None = None


def shown_number(number: str) -> str:
    """A member's own number as it is, since it is what one compares; one that is a resident number masked."""
    return number if resident_id_fault(number) else masked(number)


def unmatched_shape(found: UnmatchedStudy) -> UnmatchedShape:
    study = found.study
    names = CandidateShape.__struct_fields__
    return UnmatchedShape(
        owner=study.owner,
        study_instance_uid=study.study_instance_uid,
        patient_name=masked_name(study.patient_name),
        patient_number=shown_number(study.patient_number),
        accession_number=study.accession_number,
        study_date=study.study_date,
        modality=study.modality,
        description=study.description,
        instances=study.instances,
        received_at=study.received_at.astimezone(UTC),
        candidates=[
            CandidateShape(**{n: getattr(c, n) for n in names if n != "reasons"}, reasons=list(c.reasons)) for c in found.candidates
        ],
    )


def record_shape(patient: Patient) -> RecordShape:
    return RecordShape(
        id=patient.id,
        member=patient.member,
        name=masked_name(patient.name),
        sex=patient.sex.value,
        birth_date=patient.birth_date.isoformat() if patient.birth_date else "",
        identifiers=[IdentifierShape(system=i.system, value=shown_number(i.value)) for i in patient.identifiers],
    )


@operation("GET", "/unmatched", query=UnmatchedQuery, returns=UnmatchedListShape, errors=(403,))
async def unmatched(call: Call[Nothing]) -> web.Response:
    """Studies without a case, newest first, with the cases that may be meant."""
    q: UnmatchedQuery = call.query
    found = await consult(call.office, reconciliation.unmatched_studies, call.person, q.owner or "", q.limit)
    await record_look(call.office, call.person, Action.UNMATCHED_READ, "unmatched")
    return answer(UnmatchedListShape(items=[unmatched_shape(study) for study in found]))


@operation("POST", "/unmatched/link", body=LinkStudy, returns=EvidenceShape, errors=(403, 404))
async def link(call: Call[LinkStudy]) -> web.Response:
    """This study belongs to that case of the institution that sent it."""
    body = call.body
    linked = await perform(call.office, evidence.link_by_hand, call.person, body.case_id, body.owner, body.study_instance_uid)
    return answer(evidence_shape(linked))


@operation("GET", "/patients/doubts", query=DoubtQuery, returns=DoubtListShape, errors=(403,))
async def doubts(call: Call[Nothing]) -> web.Response:
    """Pairs of records that may be one person."""
    q: DoubtQuery = call.query
    found = await call.office.queries.doubts(call.person, q.limit)
    await record_look(call.office, call.person, Action.PATIENT_MERGE, "patient-doubts")
    return answer(
        DoubtListShape(items=[DoubtShape(first=record_shape(d.first), second=record_shape(d.second), rule=d.rule) for d in found])
    )


@operation("POST", "/patients/different", body=DifferentPatients, status=204, errors=(403, 404))
async def different(call: Call[DifferentPatients]) -> web.Response:
    """Two records that look alike are two people."""
    body = call.body
    await perform(call.office, reconciliation.not_the_same, call.person, body.first, body.second, body.reason)
    return web.Response(status=204)


@operation("POST", "/patients/split", body=SplitPatient, status=204, errors=(403, 404))
async def split(call: Call[SplitPatient]) -> web.Response:
    """One record leaves the group that it was merged into."""
    await perform(call.office, patients.split_patient, call.person, call.body.patient, call.body.reason)
    return web.Response(status=204)

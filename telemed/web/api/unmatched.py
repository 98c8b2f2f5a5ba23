"""For the operator: studies without a case, and patients that may be one person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from aiohttp import web

from telemed.domain.patient import Patient, masked, masked_name, resident_id_fault
from telemed.domain.policy import Action
from telemed.domain.reconciliation import Reconciliation, Step, StudyAttributes
from telemed.service import evidence, identity_settlement, patients, reconciliation
from telemed.service.execution import execute, query, record_look
from telemed.service.identity_settlement import WaitingFile
from telemed.service.reconciliation import TakenStep, UnmatchedStudy
from telemed.web.api.evidence_shapes import EvidenceShape, evidence_shape
from telemed.web.api.inputs import (
    ComparePatients,
    CorrectStudy,
    DifferentPatients,
    DuplicateQuery,
    FindInput,
    GiveFile,
    LinkStudy,
    Nothing,
    RestoreStudy,
    SplitPatient,
    UnlinkStudy,
    UnmatchedQuery,
)
from telemed.web.api.operation import Call, answer, operation
from telemed.web.api.shapes import IdentifierShape, Shape


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
    """A study; `candidates` are the cases that may be meant, or, of a study that was looked for, those that have it. `originals`:
    what was corrected, as it was received, by DICOM keyword."""

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
    originals: dict[str, str]


class UnmatchedListShape(Shape):
    items: list[UnmatchedShape]
    next: str | None = None


class FileAsideShape(Shape):
    """A file that was taken away from a case; its name may hold a patient's, and is not shown."""

    id: str
    member: str
    accession_number: str
    type: str
    media_type: str
    size: int
    sha256: str
    added_at: datetime
    set_aside_at: datetime


class FileAsideListShape(Shape):
    items: list[FileAsideShape]
    next: str | None = None


class NameShape(Shape):
    """The name that a member's record has, as it stands there."""

    id: str
    name: str


class NameListShape(Shape):
    """The names of the two records."""

    items: list[NameShape]


class EarlierShape(Shape):
    """A record as it stood until then, by field; masked as the record."""

    until: datetime
    values: dict[str, str]


class RecordShape(Shape):
    """One member's record of a patient: the name masked, the resident number masked."""

    id: str
    member: str
    name: str
    sex: str
    birth_date: str
    identifiers: list[IdentifierShape]
    master: str
    earlier: list[EarlierShape]


class FoundShape(Shape):
    records: list[RecordShape]
    studies: list[UnmatchedShape]


class ReconciliationShape(Shape):
    """One step by hand. Names are masked, and resident numbers."""

    step: Step
    at: datetime
    actor: str
    member: str
    reason: str
    study_instance_uid: str
    case_id: str
    patient_id: str
    other_id: str
    accession_number: str
    records: list[RecordShape]
    before: dict[str, str]
    after: dict[str, str]


class ReconciliationListShape(Shape):
    items: list[ReconciliationShape]
    next: str | None = None


ENTRY = ("step", "at", "actor", "member", "reason", "study_instance_uid", "case_id", "patient_id", "other_id")


class DuplicateCandidateShape(Shape):
    first: RecordShape
    second: RecordShape
    rule: str


class DuplicateCandidateListShape(Shape):
    items: list[DuplicateCandidateShape]
    next: str | None = None


def shown_number(number: str) -> str:
    """A member's own number as it is, since it is what one compares; one that is a resident number masked."""
    return number if resident_id_fault(number) else masked(number)


def _masked_value(keyword: str, value: str) -> str:
    return masked_name(value.replace("^", " ").split("=")[0]) if keyword == "PatientName" else shown_number(value)


def masked_values(values: Mapping[str, str]) -> dict[str, str]:
    """Attributes of a study by keyword, names and resident numbers masked."""
    return {keyword: _masked_value(keyword, value) for keyword, value in values.items()}


def unmatched_shape(found: UnmatchedStudy) -> UnmatchedShape:
    study, names = found.study, CandidateShape.__struct_fields__
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
        originals=masked_values(study.originals),
    )


def file_aside_shape(waiting: WaitingFile) -> FileAsideShape:
    file, evidence = waiting.file, waiting.file.evidence
    plain = {name: getattr(evidence, name) for name in ("id", "media_type", "size", "sha256", "added_at")}
    return FileAsideShape(
        **plain,
        type=evidence.type.value,
        member=file.member,
        accession_number=waiting.accession_number,
        set_aside_at=file.set_aside_at,
    )


def reconciliation_shape(taken: TakenStep) -> ReconciliationShape:
    entry = taken.entry
    return ReconciliationShape(
        **{name: getattr(entry, name) for name in ENTRY},
        accession_number=taken.accession_number,
        records=[record_shape(record) for record in taken.records],
        before=masked_values(entry.before),
        after=masked_values(entry.after),
    )


def _masked_field(field: str, value: str) -> str:
    if field in ("name", "phone"):
        return masked_name(value) if field == "name" else masked(value)
    return shown_number(value)


def record_shape(patient: Patient, earlier: Sequence[Reconciliation] = ()) -> RecordShape:
    return RecordShape(
        id=patient.id,
        member=patient.member,
        name=masked_name(patient.name),
        sex=patient.sex.value,
        birth_date=patient.birth_date.isoformat() if patient.birth_date else "",
        identifiers=[IdentifierShape(system=i.system, value=shown_number(i.value)) for i in patient.identifiers],
        master=patient.master_id,
        earlier=[
            EarlierShape(until=change.at, values={name: _masked_field(name, value) for name, value in change.before.items()})
            for change in earlier
        ],
    )


@operation("GET", "/unmatched", query=UnmatchedQuery, returns=UnmatchedListShape, errors=(403,), right=Action.UNMATCHED_READ)
async def unmatched(call: Call[Nothing]) -> web.Response:
    """Studies without a case, newest first, with the cases that may be meant."""
    q: UnmatchedQuery = call.query
    found = await query(call.application, reconciliation.unmatched_studies, call.person, q.owner or "", q.limit)
    await record_look(call.application, call.person, Action.UNMATCHED_READ, "unmatched")
    return answer(UnmatchedListShape(items=[unmatched_shape(study) for study in found]))


@operation("POST", "/unmatched/link", body=LinkStudy, returns=EvidenceShape, errors=(403, 404), right=Action.EVIDENCE_LINK)
async def link(call: Call[LinkStudy]) -> web.Response:
    """This study belongs to that case of the institution that sent it."""
    body = call.body
    owner, study = body.owner, body.study_instance_uid
    if body.case_id is not None:
        linked = await execute(call.application, evidence.link_by_hand, call.person, body.case_id, owner, study, body.reason)
    else:
        number = body.accession_number or ""
        linked = await execute(call.application, evidence.link_by_number, call.person, owner, study, number, body.reason)
    return answer(evidence_shape(linked))


@operation("POST", "/unmatched/unlink", body=UnlinkStudy, status=204, errors=(403, 404), right=Action.EVIDENCE_LINK)
async def unlink(call: Call[UnlinkStudy]) -> web.Response:
    """The study is not this case's: it looks for its case again, and this one does not get it back by itself."""
    body = call.body
    await execute(call.application, evidence.unlink_study, call.person, body.case_id, body.owner, body.study_instance_uid, body.reason)
    return web.Response(status=204)


@operation("GET", "/unmatched/files", query=DuplicateQuery, returns=FileAsideListShape, errors=(403,), right=Action.UNMATCHED_READ)
async def files(call: Call[Nothing]) -> web.Response:
    """Files that were taken away from cases since they are another person's, newest first."""
    q: DuplicateQuery = call.query
    found = await query(call.application, identity_settlement.files_aside, call.person, q.limit)
    await record_look(call.application, call.person, Action.UNMATCHED_READ, "files-aside")
    return answer(FileAsideListShape(items=[file_aside_shape(each) for each in found]))


@operation(
    "POST", "/unmatched/files/{file_id}/give", body=GiveFile, returns=EvidenceShape, errors=(403, 404, 409), right=Action.EVIDENCE_LINK
)
async def give(call: Call[GiveFile]) -> web.Response:
    """This file belongs to that case of the institution that sent it."""
    body = call.body
    use_case, number = identity_settlement.give_file, body.accession_number
    given = await execute(call.application, use_case, call.person, call.path("file_id"), number, body.reason)
    return answer(evidence_shape(given))


@operation("POST", "/unmatched/correct", body=CorrectStudy, status=204, errors=(403, 404, 422), right=Action.STUDY_CORRECT)
async def correct(call: Call[CorrectStudy]) -> web.Response:
    """Correct whose study it is, or which order it answers. Objects stay as sent; what was received is kept beside."""
    body = call.body
    right = StudyAttributes(**{name: getattr(body, name) for name in StudyAttributes.__dataclass_fields__})
    await execute(call.application, reconciliation.correct_study, call.person, body.owner, body.study_instance_uid, right, body.reason)
    return web.Response(status=204)


@operation("POST", "/unmatched/restore", body=RestoreStudy, status=204, errors=(403, 404), right=Action.STUDY_CORRECT)
async def restore(call: Call[RestoreStudy]) -> web.Response:
    """Take a correction back: what was received of the study holds again."""
    body = call.body
    await execute(call.application, reconciliation.restore_study, call.person, body.owner, body.study_instance_uid, body.reason)
    return web.Response(status=204)


@operation("POST", "/unmatched/find", body=FindInput, returns=FoundShape, errors=(403,), right=Action.UNMATCHED_READ)
async def find(call: Call[FindInput]) -> web.Response:
    """Records and studies with one of these numbers, with or without a case. (A POST, so that numbers stay out of addresses.)"""
    found = await query(call.application, reconciliation.find_by_number, call.person, call.body.numbers)
    await record_look(call.application, call.person, Action.UNMATCHED_READ, f"found/{len(found.records) + len(found.studies)}")
    return answer(
        FoundShape(
            records=[record_shape(r, found.earlier.get(r.id, ())) for r in found.records],
            studies=[unmatched_shape(s) for s in found.studies],
        )
    )


@operation("GET", "/reconciliations", query=DuplicateQuery, returns=ReconciliationListShape, errors=(403,), right=Action.UNMATCHED_READ)
async def reconciliations(call: Call[Nothing]) -> web.Response:
    """List what was joined, taken apart and corrected by hand, newest first, with what held before."""
    q: DuplicateQuery = call.query
    steps = await query(call.application, reconciliation.steps_taken, call.person, q.limit)
    await record_look(call.application, call.person, Action.UNMATCHED_READ, "reconciliations")
    return answer(ReconciliationListShape(items=[reconciliation_shape(step) for step in steps]))


@operation("GET", "/patients/doubts", query=DuplicateQuery, returns=DuplicateCandidateListShape, errors=(403,), right=Action.PATIENT_MERGE)
async def doubts(call: Call[Nothing]) -> web.Response:
    """Pairs of records that may be one person."""
    q: DuplicateQuery = call.query
    found = await call.application.queries.duplicate_candidates(call.person, q.limit)
    await record_look(call.application, call.person, Action.PATIENT_MERGE, "patient-doubts")
    return answer(
        DuplicateCandidateListShape(
            items=[DuplicateCandidateShape(first=record_shape(d.first), second=record_shape(d.second), rule=d.rule) for d in found]
        )
    )


@operation("POST", "/patients/compare", body=ComparePatients, returns=NameListShape, errors=(403, 404), right=Action.PATIENT_COMPARE)
async def compare(call: Call[ComparePatients]) -> web.Response:
    """The names of a pair of records in doubt, unmasked: for whoever has to decide. Each look is on record."""
    pair = await execute(call.application, patients.names_in_doubt, call.person, call.body.first, call.body.second)
    return answer(NameListShape(items=[NameShape(id=record.id, name=record.name) for record in pair]))


@operation("POST", "/patients/different", body=DifferentPatients, status=204, errors=(403, 404), right=Action.PATIENT_MERGE)
async def different(call: Call[DifferentPatients]) -> web.Response:
    """Two records that look alike are two people."""
    body = call.body
    await execute(call.application, patients.mark_distinct, call.person, body.first, body.second, body.reason)
    return web.Response(status=204)


@operation("POST", "/patients/split", body=SplitPatient, status=204, errors=(403, 404), right=Action.PATIENT_MERGE)
async def split(call: Call[SplitPatient]) -> web.Response:
    """One record leaves the group that it was merged into."""
    await execute(call.application, patients.split_patient, call.person, call.body.patient, call.body.reason)
    return web.Response(status=204)

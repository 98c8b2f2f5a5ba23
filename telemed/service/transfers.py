"""Sending a case's study to a device of the network, and fetching the patient's earlier studies from the member's PACS.

Who asks gets a transfer at once; a long job does the work, tells of its progress, and tries again. Where a study may go is a
rule about the case: to devices of the member that asked and of the hub that has it, which both may see it; to nobody else.

Earlier studies are asked for by themselves when a case of images is submitted: once of each archive, however often it is submitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from telemed.domain.case import Case
from telemed.domain.errors import FieldError, Invalid, NotFound
from telemed.domain.events import CaseEvent
from telemed.domain.evidence import MATCH_WINDOW, STUDIES, Evidence, EvidenceType
from telemed.domain.jobs import JobKind
from telemed.domain.patient import Patient, Sex, normal_name
from telemed.domain.people import SYSTEM, Person
from telemed.domain.permissions import CaseAction, obstacle
from telemed.domain.policy import Action
from telemed.domain.transfer import UNDER_WAY, Transfer, TransferKind, TransferStatus, archives, destinations
from telemed.service.access import case_for, case_open_to, relation_to
from telemed.service.evidence_identity import compare_identities
from telemed.service.files import DamagedFile
from telemed.service.identity import new_id, study_uid_of
from telemed.service.ports.region import PriorRules
from telemed.service.ports.unit_of_work import UnitOfWork

JOBS = {TransferKind.SEND: JobKind.SEND_STUDY, TransferKind.PRIORS: JobKind.FETCH_PRIORS}
ENDS = {TransferKind.SEND: CaseEvent.STUDY_SENT, TransferKind.PRIORS: CaseEvent.PRIORS_FETCHED}
"""Line of history when a transfer is over, however it ended; the detail says how."""

DICOM_SEX = {Sex.MALE: "M", Sex.FEMALE: "F", Sex.OTHER: "O"}
"""Patient's Sex (0010,0040), PS3.3 C.7.1.1."""

TRIES = 6
"""Then a transfer is over; the job's waits between them (5 s to an hour) are those of all jobs."""


@dataclass(frozen=True, slots=True)
class RemotePrior:
    """An earlier study as an archive describes it. `name` (a DICOM person name), `birth_date` (YYYYMMDD) and `sex`
    (M, F, O) of the patient may be empty."""

    study_instance_uid: str
    study_date: str
    description: str
    modality: str
    accession_number: str = ""
    name: str = ""
    birth_date: str = ""
    sex: str = ""


async def send_study(work: UnitOfWork, person: Person, case_id: str, evidence_id: str, title: str) -> Transfer:
    """Ask for a study to be sent. Raises NotFound for a device that it may not go to, DamagedFile for evidence that is no study."""
    case = await case_open_to(work, person, case_id, CaseAction.SEND)
    evidence = await work.evidence.get(evidence_id)
    if evidence is None or evidence.case_id != case_id:
        raise NotFound("evidence", evidence_id)
    if not evidence.study_instance_uid:
        raise DamagedFile(evidence.name, "not a DICOM study")
    if title not in {device.title for device in destinations(work.region.network, case)}:
        raise NotFound("device", title)
    study = evidence.study_instance_uid
    return await _asked(work, case, TransferKind.SEND, title, person.username, person.institution, study)


async def fetch_priors(work: UnitOfWork, person: Person, case_id: str) -> Transfer:
    """Ask the archives of member and hub for the patient's earlier studies; gives the first request. Raises Invalid where there is
    no archive, and where the patient has no number at the member."""
    case = await case_open_to(work, person, case_id, CaseAction.FETCH_PRIORS)
    known = archives(work.region.network, case)
    if not await number_of(work, case):
        raise Invalid(FieldError("patient.identifiers", "required", case.member))
    asked = [await _asked(work, case, TransferKind.PRIORS, each.title, person.username, person.institution) for each in known]
    return asked[0]


async def may_fetch_priors(work: UnitOfWork, person: Person, case_id: str) -> bool:
    """True if `fetch_priors` would ask an archive."""
    case = await work.cases.get(case_id)
    if case is None:
        return False
    relation = await relation_to(work, person, case)
    return obstacle(CaseAction.FETCH_PRIORS, person, relation, case, work.region.network) is None


async def ask_for_priors(work: UnitOfWork, case: Case) -> None:
    """A case was submitted: if it is about images, each archive is asked for earlier ones, unless it was asked before."""
    known = archives(work.region.network, case)
    wanted = work.region.centres[case.centre].expected == STUDIES
    if not wanted or not known or not await number_of(work, case):
        return
    before = {each.title for each in await work.transfers.of_case(case.id) if each.kind is TransferKind.PRIORS}
    for archive in known:
        if archive.title not in before:
            await _asked(work, case, TransferKind.PRIORS, archive.title, SYSTEM, case.member)


def is_wanted(case: Case, patient: Patient, prior: RemotePrior, oldest: str, owner: str) -> bool:
    """True if a study that an archive of the institution `owner` found is to be fetched: an earlier one, of this very patient, not
    made before the day `oldest` (YYYYMMDD)."""
    recent_enough = not prior.study_date or prior.study_date >= oldest
    is_theirs = is_of if owner == case.member else is_surely_of
    return recent_enough and is_earlier(case, prior) and is_theirs(patient, prior)


def is_of(patient: Patient, prior: RemotePrior) -> bool:
    """True if birth date and sex agree, where both the record and the archive have them: numbers are given out twice, and mistyped."""
    born, sex = _born(patient), DICOM_SEX.get(patient.sex, "")
    same_birth = not born or len(prior.birth_date) != len(born) or prior.birth_date == born
    return same_birth and (not sex or prior.sex not in DICOM_SEX.values() or prior.sex == sex)


def is_surely_of(patient: Patient, prior: RemotePrior) -> bool:
    """True if name, birth date and sex are known to both and the same: at another institution the number may be somebody else's."""
    born, sex = _born(patient), DICOM_SEX.get(patient.sex, "")
    names = {normal_name(group) for group in prior.name.split("=")}
    return bool(born and sex) and (born, sex) == (prior.birth_date, prior.sex) and normal_name(patient.name) in names


def _born(patient: Patient) -> str:
    return f"{patient.birth_date:%Y%m%d}" if patient.birth_date else ""


def oldest_wanted(rules: PriorRules, now: datetime) -> str:
    """The day (YYYYMMDD) before which no study is fetched."""
    return f"{now.year - rules.years:04d}{now:%m%d}"


def is_earlier(case: Case, prior: RemotePrior) -> bool:
    """True if a study is one to compare with. What may be the very study that the case is about is not fetched as a prior: one with
    the case's accession number or UID, or a recent one of the modality that is asked for."""
    if prior.study_instance_uid == study_uid_of(case.id):
        return False
    if prior.accession_number and prior.accession_number == case.accession_number:
        return False
    recent = prior.study_date >= f"{case.created_at - MATCH_WINDOW:%Y%m%d}" or not prior.study_date
    wanted = str(case.request.get("modality", "")).upper()
    return not (recent and (not wanted or not prior.modality or wanted == prior.modality))


async def number_of(work: UnitOfWork, case: Case) -> str:
    """The number of the case's patient at the member: as the request says, else as the case's own study does. Empty: not known."""
    patient = await work.patients.get(case.patient.id)
    number = patient.identifier(case.member) if patient else ""
    for evidence in await work.evidence.of_case(case.id) if not number else ():
        own = evidence.study_instance_uid if evidence.type == EvidenceType.DICOM_STUDY else None
        study = await work.studies.facts(case.member, own) if own else None
        number = number or (study.patient_number if study else "")
    return number


async def _asked(work: UnitOfWork, case: Case, kind: TransferKind, title: str, by: str, institution: str, study: str = "") -> Transfer:
    """A new transfer, or the same one that is under way already."""
    for known in await work.transfers.of_case(case.id):
        if known.status in UNDER_WAY and (known.kind, known.title, known.study_instance_uid) == (kind, title, study):
            return known
    transfer = Transfer(new_id(), kind, case.id, title, by, institution, work.now, work.now, study_instance_uid=study)
    await work.transfers.add(transfer)
    detail = {"device": title} | ({"study": study} if study else {})
    action = Action.EVIDENCE_SEND if kind is TransferKind.SEND else Action.PRIORS_FETCH
    work.outbox.audit(action, by, institution, f"case/{case.id}", detail=detail)
    work.outbox.job(JOBS[kind], {"transfer": transfer.id}, key=f"transfer:{transfer.id}")
    return transfer


async def transfers_of(work: UnitOfWork, person: Person, case_id: str) -> list[Transfer]:
    """All transfers of a case, newest first."""
    await case_for(work, person, case_id, Action.EVIDENCE_READ)
    return await work.transfers.of_case(case_id)


async def begin(work: UnitOfWork, transfer_id: str) -> tuple[Transfer, Case] | None:
    """A try begins. None where there is nothing to do (any more)."""
    transfer = await work.transfers.get(transfer_id)
    case = await work.cases.get(transfer.case_id) if transfer else None
    if transfer is None or case is None or transfer.status not in UNDER_WAY:
        return None
    transfer.status, transfer.changed_at, transfer.attempts = TransferStatus.UNDER_WAY, work.now, transfer.attempts + 1
    transfer.completed = transfer.failed = 0
    await work.transfers.save(transfer)
    return transfer, case


async def progress(work: UnitOfWork, transfer_id: str, total: int, completed: int, failed: int) -> None:
    """Note how far the transfer is."""
    transfer = await work.transfers.get(transfer_id)
    if transfer is not None:
        transfer.total, transfer.completed, transfer.failed, transfer.changed_at = total, completed, failed, work.now
        await work.transfers.save(transfer)


async def end_of_try(work: UnitOfWork, transfer_id: str, error: str) -> bool:
    """A try is over, without fault where `error` is empty. True where there will be another one."""
    transfer = await work.transfers.get(transfer_id)
    case = await work.cases.get(transfer.case_id) if transfer else None
    if transfer is None or case is None:
        return False
    transfer.error, transfer.changed_at = error[:500], work.now
    again = bool(error) and transfer.attempts < TRIES
    if again:
        transfer.status = TransferStatus.WAITING
    elif not error:
        transfer.status = TransferStatus.DONE
    else:
        transfer.status = TransferStatus.INCOMPLETE if transfer.completed else TransferStatus.FAILED
    await work.transfers.save(transfer)
    if not again:
        detail: dict[str, str | int] = {"transfer": transfer.id, "to" if transfer.kind is TransferKind.SEND else "from": transfer.title}
        detail |= {"reason": transfer.error} if error else {}
        detail |= {"instances": transfer.completed, "status": transfer.status.value}
        work.outbox.event(case, ENDS[transfer.kind], transfer.asked_by, detail)
        outcome = {"device": transfer.title, "status": transfer.status.value, "instances": transfer.completed, "failed": transfer.failed}
        work.outbox.audit(
            Action.EVIDENCE_SEND if transfer.kind is TransferKind.SEND else Action.PRIORS_FETCH,
            SYSTEM,
            transfer.institution,
            f"case/{case.id}",
            detail=outcome,
        )
    return again


async def expect_prior(work: UnitOfWork, case_id: str, prior: RemotePrior, *, whole: bool = True) -> bool:
    """Before its first object comes: the study is a prior of this case, and no evidence of its own. False where it is known.

    `whole` where the member's own archive gives it: that of a hub gives the case what it sends, and nothing that the member has.
    """
    case = await work.cases.get(case_id)
    if case is None or any(e.study_instance_uid == prior.study_instance_uid for e in await work.evidence.of_case(case_id)):
        return False
    facts = {"modality": prior.modality, "study_date": prior.study_date}
    name = prior.description or prior.modality or "DICOM"
    held = await work.studies.held(case_id, case.member, prior.study_instance_uid)
    evidence = Evidence(
        new_id(), case_id, EvidenceType.PRIOR_STUDY, name[:200], SYSTEM, work.now, "application/dicom",
        study_instance_uid=prior.study_instance_uid, instances=held.all_of_it if whole else held.received, facts=facts, whole=whole,
    )  # fmt: skip
    await work.evidence.add(evidence)
    return True


async def settle_prior(work: UnitOfWork, case_id: str, study_instance_uid: str) -> None:
    """The study was fetched, as far as it was: one of which nothing came is none."""
    case = await work.cases.get(case_id)
    for evidence in await work.evidence.of_case(case_id):
        if case is None or evidence.study_instance_uid != study_instance_uid or evidence.type != EvidenceType.PRIOR_STUDY:
            continue
        held = await work.studies.held(case_id, case.member, study_instance_uid)
        instances = held.all_of_it if evidence.whole else held.received
        if not instances:
            await work.evidence.remove(evidence.id)
        elif evidence.instances != instances:
            evidence.instances = instances
            await work.evidence.save(evidence)
            await compare_identities(work, case)

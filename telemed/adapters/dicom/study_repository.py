"""Studies as the gateway's index has them, and those that still look for their case."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dicom_gateway.index import (
    CORRECTABLE,
    Correction,
    IndexedInstance,
    Recorded,
    StatedPatient,
    correct,
    corrections,
    dicom_instance,
    dicom_performed_step,
    dicom_series,
    dicom_study,
    restore,
    stated_patients,
)
from dicom_gateway.mpps import PerformedStep
from dicom_gateway.stability import StableStudy
from telemed.adapters.clock import utc_now
from telemed.adapters.database import tables as t
from telemed.adapters.database.columns import aware
from telemed.adapters.database.repositories.base import Repository, insert_or_nothing
from telemed.adapters.database.repositories.volumes import VolumeRow, add_volumes
from telemed.adapters.dicom.case_instances import belongs_to, given_to, note_received
from telemed.adapters.jobs.rows import insert_jobs, job_row
from telemed.domain.evidence import EvidenceType, NamedPatient
from telemed.domain.identity_of_evidence import StatedIdentity
from telemed.domain.jobs import JobKind, JobType
from telemed.domain.volume import Volume
from telemed.service.ports.studies import HeldInstances, StepFacts, StudyFacts


class StudyTable(Repository):
    async def facts(self, owner: str, study_instance_uid: str) -> StudyFacts | None:
        found = await self._facts(sa.and_(dicom_study.c.owner == owner, dicom_study.c.study_instance_uid == study_instance_uid), 1)
        return found[0] if found else None

    async def patient(self, owner: str, study_instance_uid: str) -> NamedPatient | None:
        facts = await self.facts(owner, study_instance_uid)
        if facts is None:
            return None
        was = facts.originals
        name = written_name(was["PatientName"]) if "PatientName" in was else facts.patient_name
        born = day_of(was["PatientBirthDate"]) if "PatientBirthDate" in was else facts.patient_birth_date
        return NamedPatient(was.get("PatientID", facts.patient_number), name, born)

    async def held(self, case_id: str, owner: str, study_instance_uid: str) -> HeldInstances:
        s = dicom_study.c
        placed = dicom_instance.join(dicom_series).join(dicom_study)
        received, all_of_it = (sa.func.count(sa.case((each, 1))) for each in (given_to(case_id), belongs_to(case_id)))
        query = sa.select(received.label("received"), all_of_it.label("all_of_it")).select_from(placed)
        row = await self._one(query.where(s.owner == owner, s.study_instance_uid == study_instance_uid))
        return HeldInstances(row["received"], row["all_of_it"]) if row else HeldInstances(0, 0)

    async def release(self, case_id: str, owner: str, study_instance_uid: str) -> None:
        x = t.case_instance.c
        await self._do(sa.delete(t.case_instance).where(x.case_id == case_id, x.owner == owner, x.study_instance_uid == study_instance_uid))

    async def step(self, owner: str, sop_instance_uid: str) -> StepFacts | None:
        p = dicom_performed_step.c
        row = await self._one(sa.select(dicom_performed_step).where(p.owner == owner, p.sop_instance_uid == sop_instance_uid))
        if row is None:
            return None
        known = (row["calling_ae"], row["status"], row["modality"] or "", row["accession_number"] or "", row["study_instance_uid"] or "")
        return StepFacts(owner, sop_instance_uid, *known)

    async def step_is_told(self, case_id: str, action: str, sop_instance_uid: str) -> bool:
        e = t.case_event.c
        same = (e.case_id == case_id, e.action == action, e.detail["step"].as_string() == sop_instance_uid)
        return await self._one(sa.select(e.id).where(*same).limit(1)) is not None

    async def note_unmatched(self, study: StudyFacts) -> None:
        values = {"owner": study.owner, "study_instance_uid": study.study_instance_uid, "since": study.received_at}
        await self._do(insert_or_nothing(self._connection, t.unmatched_study).values(values))

    async def clear_unmatched(self, owner: str, study_instance_uid: str) -> None:
        u = t.unmatched_study.c
        await self._do(sa.delete(t.unmatched_study).where(u.owner == owner, u.study_instance_uid == study_instance_uid))

    async def unmatched(self, owner: str | None, limit: int) -> list[StudyFacts]:
        u, s = t.unmatched_study.c, dicom_study.c
        waiting = sa.exists().where(u.owner == s.owner, u.study_instance_uid == s.study_instance_uid)
        return await self._facts(sa.and_(waiting, s.owner == owner) if owner else waiting, limit)

    async def stated_identities(self, owner: str, study_instance_uid: str) -> list[StatedIdentity]:
        s = dicom_study.c
        study = await self._one(sa.select(s.id).where(s.owner == owner, s.study_instance_uid == study_instance_uid))
        if study is None:
            return []
        corrected = (await self._connection.run_sync(corrections, [study["id"]])).get(study["id"], ())
        found = await self._connection.run_sync(stated_patients, study["id"])
        return list(dict.fromkeys(_stated(patient, corrected) for patient in found))

    async def find_by_number(self, number: str, limit: int) -> list[StudyFacts]:
        return await self._facts(sa.or_(dicom_study.c.patient_id == number, dicom_study.c.accession_number == number), limit)

    async def attributes(self, owner: str, study_instance_uid: str) -> Mapping[str, str] | None:
        row = await self._study(owner, study_instance_uid)
        return {keyword: row[column] or "" for keyword, column in CORRECTABLE.items()} if row else None

    async def correct(self, owner: str, study_instance_uid: str, values: Mapping[str, str], at: datetime) -> None:
        row = await self._study(owner, study_instance_uid)
        if row is not None:
            await self._connection.run_sync(correct, row["id"], values, at)

    async def restore(self, owner: str, study_instance_uid: str) -> Mapping[str, str]:
        row = await self._study(owner, study_instance_uid)
        if row is None:
            return {}
        held = (await self._connection.run_sync(corrections, [row["id"]])).get(row["id"], ())
        await self._connection.run_sync(restore, row["id"])
        return {each.keyword: each.value or "" for each in held}

    async def _study(self, owner: str, study_instance_uid: str) -> sa.RowMapping | None:
        s = dicom_study.c
        where = (s.owner == owner, s.study_instance_uid == study_instance_uid)
        return await self._one(self._locked(sa.select(dicom_study).where(*where)))

    async def _facts(self, where: sa.ColumnElement[bool], limit: int) -> list[StudyFacts]:
        s = dicom_study.c
        query = sa.select(dicom_study).where(where).order_by(s.first_received_at.desc(), s.id.desc()).limit(limit)
        studies = await self._all(query)
        counts = await self._counts([row["id"] for row in studies])
        corrected = await self._connection.run_sync(corrections, [row["id"] for row in studies if row["revision"]])
        originals = {study: {each.keyword: each.original or "" for each in those} for study, those in corrected.items()}
        return [_study_facts(row, *counts.get(row["id"], ("", 0)), originals.get(row["id"], {})) for row in studies]

    async def _counts(self, ids: Sequence[int]) -> dict[int, tuple[str, int]]:
        """Modality (the first that is no presentation state or report) and number of instances of each study."""
        if not ids:
            return {}
        e, i = dicom_series.c, dicom_instance.c
        joined = dicom_series.join(dicom_instance, i.series_id == e.id)
        query = sa.select(e.study_id, e.modality, sa.func.count().label("instances")).select_from(joined)
        found: dict[int, tuple[str, int]] = {}
        for row in await self._all(query.where(e.study_id.in_(ids)).group_by(e.study_id, e.modality).order_by(e.study_id, e.modality)):
            modality, instances = found.get(row["study_id"], ("", 0))
            if not modality or modality in BESIDE:
                modality = row["modality"] or modality
            found[row["study_id"]] = (modality, instances + row["instances"])
        return found


BESIDE = frozenset({"PR", "KO", "SR", "DOC", "SEG"})
"""Modalities (PS3.3 C.7.3.1.1.1) that stand beside the images rather than for them."""


SEXES = {"M": "male", "F": "female", "O": "other"}
"""Patient's Sex (0010,0040)."""


def day_of(text: str) -> date | None:
    """A DICOM date; None for what is none."""
    try:
        return datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        return None


def written_name(value: str) -> str:
    """A DICOM person name (PS3.5, 6.2.1.2) as people write it: the ideographic group where there is one."""
    alphabetic, _, rest = value.partition("=")
    return " ".join((rest.partition("=")[0] or alphabetic).replace("^", " ").split())


def _study_facts(row: Any, modality: str, instances: int, originals: Mapping[str, str]) -> StudyFacts:
    return StudyFacts(
        owner=row["owner"],
        study_instance_uid=row["study_instance_uid"],
        accession_number=row["accession_number"] or "",
        patient_number=row["patient_id"] or "",
        patient_name=written_name(row["patient_name"] or ""),
        patient_sex=SEXES.get(row["patient_sex"] or "", "unknown"),
        patient_birth_date=day_of(row["patient_birth_date"] or ""),
        study_date=row["study_date"] or "",
        modality=modality,
        description=row["study_description"] or "",
        instances=instances,
        received_at=aware(row["first_received_at"]),
        originals=originals,
    )


def _stated(patient: StatedPatient, corrected: Sequence[Correction]) -> StatedIdentity:
    """The patient that an instance states. A correction speaks of the patient whom it corrected, not of another in the same study."""
    said = {
        "PatientName": patient.name or "",
        "PatientSex": patient.sex or "",
        "PatientBirthDate": patient.birth_date or "",
        "PatientID": patient.number or "",
    }
    if all(said.get(each.keyword, "") == (each.original or "") for each in corrected if each.keyword in said):
        said |= {each.keyword: each.value or "" for each in corrected if each.keyword in said}
    return StatedIdentity(said["PatientName"], said["PatientSex"], said["PatientBirthDate"], said["PatientID"])


class StableStudyJobs:
    """The study watch's hook, inside its transaction: jobs of these kinds wait for a study that has come to rest."""

    def __init__(self, kinds: Sequence[JobType], clock: Callable[[], datetime] = utc_now) -> None:
        self._kinds, self._clock = kinds, clock

    async def __call__(self, connection: AsyncConnection, studies: Sequence[StableStudy]) -> None:
        now = self._clock()
        for study in studies:
            for kind in self._kinds:
                payload = {"owner": study.owner, "study": study.study_instance_uid}
                row = job_row(kind, payload, now, key=f"{kind}:{study.owner}:{study.study_instance_uid}")
                await connection.execute(insert_jobs(connection).values(row))


BY_DIMSE = "dimse"


class StudyArrivals:
    """The gateway's hook, inside its transaction: what came is counted, and each study that came or grew looks for its case."""

    def __init__(self, zone: str, clock: Callable[[], datetime] = utc_now) -> None:
        self._zone, self._clock = ZoneInfo(zone), clock

    def __call__(self, connection: sa.Connection, indexed: Sequence[IndexedInstance]) -> None:
        note_received(connection, indexed)
        self._ask_for_cases(connection, indexed)
        add_volumes(connection, self._volumes(indexed))

    def _ask_for_cases(self, connection: sa.Connection, indexed: Sequence[IndexedInstance]) -> None:
        now = self._clock()
        rows = [
            job_row(JobKind.MATCH_STUDY, {"owner": owner, "study": uid}, now, key=f"study:{owner}:{uid}")
            for owner, uid in sorted({(i.received.owner, i.received.header.study_instance_uid) for i in indexed})
        ]
        connection.execute(insert_jobs(connection), rows)

    def _volumes(self, indexed: Sequence[IndexedInstance]) -> Iterator[VolumeRow]:
        """New images once, and a study with the first of its images; what was sent again is no new volume."""
        begun: set[int] = set()
        for i in indexed:
            owner, at = i.received.owner, i.received.received_at
            day = at.astimezone(self._zone).date()
            if i.received.received_by == BY_DIMSE:
                yield VolumeRow(day, owner, Volume.C_STORE.value, "", "", 1, 0, at)
            if i.recorded is Recorded.NEW:
                first = i.begins_study and i.study_id not in begun
                begun.add(i.study_id)
                yield VolumeRow(day, owner, EvidenceType.DICOM_STUDY.value, "", "", int(first), 1, at)


class StepArrivals:
    """The gateway's hook, inside its transaction: a performed procedure step looks for its case."""

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock

    def __call__(self, connection: sa.Connection, step: PerformedStep) -> None:
        payload = {"owner": step.owner, "step": step.sop_instance_uid}
        row = job_row(JobKind.MATCH_STEP, payload, self._clock(), key=f"step:{step.owner}:{step.sop_instance_uid}")
        connection.execute(insert_jobs(connection).values(row))

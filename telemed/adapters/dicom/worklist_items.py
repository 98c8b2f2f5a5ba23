"""The modality worklist: an institution's cases that still wait for their images, as DICOM describes them (PS3.4 table K.6-1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from sqlalchemy.ext.asyncio import AsyncEngine

from dicom_gateway.index import Scope, dicom_performed_step
from dicom_gateway.mpps import COMPLETED
from dicom_gateway.person_name import person_name
from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.patients import PatientTable
from telemed.adapters.database.rows import case_from_row
from telemed.domain.case import Case, Priority
from telemed.domain.evidence import STUDIES, EvidenceType
from telemed.domain.patient import Patient
from telemed.service.identity import study_uid_of
from telemed.service.ports.region import Region

WAITING = ("requested", "accepted", "in-progress", "on-hold")
MAX_ITEMS = 1000
"""Newest first; an institution with more cases without images has another trouble."""

SEX: Mapping[str, str] = {"male": "M", "female": "F", "other": "O"}
PRIORITY: Mapping[Priority, str] = {Priority.STAT: "STAT", Priority.ASAP: "HIGH", Priority.URGENT: "HIGH", Priority.ROUTINE: "ROUTINE"}
"""Requested Procedure Priority (0040,1003): PS3.3 C.4.11."""

_SHORT, _LONG, _TEXT = 16, 64, 10240  # characters of SH, LO and LT


class WorklistItems:
    """Implements `dicom_gateway.policy.Worklist`. An item is for every device of its institution, and for no other's."""

    def __init__(self, engine: AsyncEngine, region: Callable[[], Region]) -> None:
        self._engine, self._region = engine, region

    async def __call__(self, scope: Scope, calling_ae: str) -> list[Dataset]:
        if scope.owner is None:
            return []
        region = self._region()
        async with self._engine.connect() as bare:
            connection = await bare.execution_options(reading=True)
            rows = (await connection.execute(_waiting(scope.owner, region))).mappings().all()
            cases = [case_from_row(row) for row in rows]
            patients = await _patients(PatientTable(connection), [case.patient.id for case in cases])
        titles = region.network.titles(scope.owner)
        stations = [calling_ae, *(title for title in titles if title != calling_ae)]
        return [item_of(case, patients.get(case.patient.id), stations, region) for case in cases]


def _waiting(member: str, region: Region) -> sa.Select[Any]:
    """Cases that expect a study, are not answered, have none yet, and whose examination is not said to be done."""
    c, p = t.case.c, dicom_performed_step.c
    centres = [centre.code for centre in region.centres.values() if centre.expected == STUDIES]
    arrived = sa.exists().where(t.evidence.c.case_id == c.id, t.evidence.c.type == EvidenceType.DICOM_STUDY.value)
    done = sa.exists().where(p.owner == c.member, p.accession_number == c.accession_number, p.status == COMPLETED)
    where = (c.member == member, c.centre.in_(centres), c.status.in_(WAITING), ~arrived, ~done)
    return sa.select(t.case).where(*where).order_by(c.created_at.desc()).limit(MAX_ITEMS)


async def _patients(table: PatientTable, ids: Sequence[str]) -> dict[str, Patient]:
    unique = sorted(set(ids))
    parts = [await table.get_many(unique[start : start + 200]) for start in range(0, len(unique), 200)]
    return {patient.id: patient for part in parts for patient in part}


def item_of(case: Case, patient: Patient | None, stations: Sequence[str], region: Region) -> Dataset:
    """One worklist item. Its study UID leads back to the case, whatever else the modality keeps."""
    item = _patient_part(case, patient)
    examination = " ".join(str(case.request[name]) for name in ("modality", "body_part") if case.request.get(name))
    item.AccessionNumber, item.StudyInstanceUID = case.accession_number, study_uid_of(case.id)
    item.RequestedProcedureID, item.RequestedProcedureDescription = case.accession_number[:_SHORT], examination[:_LONG]
    item.RequestedProcedureCodeSequence, item.ReferencedStudySequence = DicomSequence(), DicomSequence()
    item.RequestedProcedurePriority, item.PatientTransportArrangements = PRIORITY[case.priority], ""
    item.ReasonForTheRequestedProcedure = _line(case.request.get("reason"), _LONG)
    item.RequestedProcedureComments = _line(case.request.get("question"), _TEXT)
    item.AdmissionID, item.CurrentPatientLocation, item.ReferencedPatientSequence = "", "", DicomSequence()
    item.ReferringPhysicianName, item.RequestingPhysician, item.InstitutionName = "", "", region.network.name(case.member)[:_LONG]
    item.ConfidentialityConstraintOnPatientDataDescription = item.PatientState = item.MedicalAlerts = item.Allergies = ""
    item.PatientWeight, item.PatientSize, item.PregnancyStatus, item.SpecialNeeds = None, None, None, ""
    item.ScheduledProcedureStepSequence = DicomSequence([_step(case, stations, examination, region.network.zone)])
    return item


def _patient_part(case: Case, patient: Patient | None) -> Dataset:
    """Who is to be examined, by the number that the member's own systems use."""
    item = Dataset()
    born = case.patient.birth_date
    item.PatientName = person_name(case.patient.name)
    item.PatientID = (patient.identifier(case.member) if patient else "") or case.patient.id
    item.IssuerOfPatientID, item.OtherPatientIDs = case.member, ""
    item.PatientBirthDate, item.PatientSex = f"{born:%Y%m%d}" if born else "", SEX.get(case.patient.sex, "")
    item.PatientComments = _line(case.request.get("history"), _TEXT)
    return item


def _step(case: Case, stations: Sequence[str], examination: str, zone: ZoneInfo) -> Dataset:
    """The scheduled step: from the moment of the order on, by any device of the institution."""
    step = Dataset()
    start = (case.submitted_at or case.created_at).astimezone(zone)
    step.ScheduledStationAETitle, step.ScheduledStationName = list(stations), ""
    step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime = f"{start:%Y%m%d}", f"{start:%H%M%S}"
    step.ScheduledProcedureStepEndDate, step.ScheduledProcedureStepEndTime = "", ""
    step.Modality, step.ScheduledPerformingPhysicianName = str(case.request.get("modality", "")), ""
    step.ScheduledProcedureStepDescription, step.ScheduledProcedureStepID = examination[:_LONG], case.accession_number[:_SHORT]
    step.ScheduledProtocolCodeSequence, step.ScheduledProcedureStepLocation, step.PreMedication = DicomSequence(), "", ""
    step.ScheduledProcedureStepStatus, step.RequestedContrastAgent = "SCHEDULED", ""
    step.CommentsOnTheScheduledProcedureStep = _line(case.request.get("question"), _TEXT)
    return step


def _line(text: object, longest: int) -> str:
    """Text without what would end a value (PS3.5 table 6.2-1)."""
    return " ".join(str(text or "").replace("\\", "/").split())[:longest]

"""Patients that a member knows already."""

from __future__ import annotations

from aiohttp import web

from telemed.domain.patient import Patient
from telemed.domain.policy import Action
from telemed.service import patients
from telemed.service.execution import query, record_look
from telemed.web.api.inputs import NumberInput
from telemed.web.api.operation import Call, answer, operation
from telemed.web.api.shapes import IdentifierShape, KnownPatientShape, PatientListShape


@operation("POST", "/patients/find", body=NumberInput, returns=PatientListShape, errors=(403,), right=Action.PATIENT_FIND)
async def find(call: Call[NumberInput]) -> web.Response:
    """The own records with this number. (A POST, so that numbers stay out of addresses and their logs.)"""
    found = await query(call.application, patients.find_known, call.person, call.body.number)
    for patient in found or (None,):
        await record_look(call.application, call.person, Action.PATIENT_FIND, f"patient/{patient.id if patient else 'none'}")
    return answer(PatientListShape(items=[_shape(patient) for patient in found]))


def _shape(patient: Patient) -> KnownPatientShape:
    numbers = [IdentifierShape(system=n.system, value=n.value) for n in patient.identifiers]
    return KnownPatientShape(
        id=patient.id,
        name=patient.name,
        sex=patient.sex.value,
        birth_date=patient.birth_date,
        identifiers=numbers,
        phone=patient.phone,
    )

"""The demo's recordings: resting tracings as files and as DICOM, and a day of Holter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from io import BytesIO

import pydicom

import ecg
from ecg.synthesis import KINDS, Day, holter, resting
from telemed.demo.dicom_header import study_instance_uid
from telemed.demo.evidence_order import DemoMaker, EvidenceFile, EvidenceOrder

HOLTER_RATE = 125.0
"""Hz of the demo's day: half of what recorders usually have, for half the bytes."""


def _ecg(variant: str, order: EvidenceOrder) -> Iterator[EvidenceFile]:
    yield EvidenceFile("ecg.xml", "application/xml", ecg.write(_recorded(variant, order), None, "aecg"))


def _person(order: EvidenceOrder) -> ecg.Patient:
    patient = order.patient
    return ecg.Patient(patient.number, patient.name, patient.sex, patient.birth_date.isoformat())


def _recorded(variant: str, order: EvidenceOrder) -> ecg.Recording:
    return resting(variant, seed=order.seed, patient=_person(order), start=order.study.started).recording


def _ecg_dicom(variant: str, order: EvidenceOrder) -> Iterator[EvidenceFile]:
    """As a cart sends it: the member's study, with the accession number of its worklist."""
    tracing = pydicom.dcmread(BytesIO(ecg.write(_recorded(variant, order), None, "dicom")))
    study = order.study
    tracing.StudyInstanceUID = study_instance_uid(study.accession_number, "ECG", order.seed)
    tracing.AccessionNumber, tracing.InstitutionName = study.accession_number, study.institution
    written = BytesIO()
    tracing.save_as(written)
    yield EvidenceFile("ecg.dcm", "application/dicom", written.getvalue())


def _ecg_holter(_: str, order: EvidenceOrder) -> Iterator[EvidenceFile]:
    """A day of three leads; it takes seconds to make and to send."""
    day = Day(pauses=((14.2, 2.6), (15.1, 4.4), (17.9, 3.6)))
    begun = order.study.started.replace(hour=8, minute=30, second=0) - timedelta(days=1)
    made = holter(24.0, rate=HOLTER_RATE, seed=order.seed, day=day, patient=_person(order), start=begun)
    yield EvidenceFile("holter.edf", "application/octet-stream", ecg.write(made.recording, None, "edf"))


MAKERS: Mapping[str, DemoMaker] = {
    "ecg": DemoMaker(frozenset(KINDS), _ecg),
    "ecg-dicom": DemoMaker(frozenset(KINDS), _ecg_dicom),
    "ecg-holter": DemoMaker(frozenset({"day"}), _ecg_holter),
}

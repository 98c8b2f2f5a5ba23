"""One door to all generated evidence: a name such as `ct_head:haemorrhage` becomes files."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from types import MappingProxyType
from typing import get_args
from zoneinfo import ZoneInfo

import pydicom

import ecg
from ecg.synthesis import KINDS, Day, holter, resting
from telemed.demo.chest_xray import ChestFinding, chest_xray
from telemed.demo.ct_head import ct_head
from telemed.demo.dicom_header import StudyOrder, study_instance_uid
from telemed.demo.documents import consent_form, lab_sheet, referral_summary
from telemed.demo.hand_xray import HandFinding, hand_xray
from telemed.demo.head_finding import HeadFinding
from telemed.demo.lab_panels import PANELS, oru_message
from telemed.demo.microscopy import MicroscopyFinding, microscopy
from telemed.demo.people import DemoPatient
from telemed.demo.texts import CaseText

ZONE = ZoneInfo("Asia/Shanghai")
"""Local time of the demo region."""

HOLTER_RATE = 125.0
"""Hz of the demo's day: half of what recorders usually have, for half the bytes."""


@dataclass(frozen=True)
class EvidenceFile:
    """A file to push: its name, media type and bytes."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class EvidenceOrder:
    """For whom evidence is made. `study.started` is the local time on it, `facility` the member's code."""

    patient: DemoPatient
    study: StudyOrder
    text: CaseText
    facility: str
    doctor: str
    seed: int


def evidence_files(name: str, order: EvidenceOrder) -> Iterator[EvidenceFile]:
    """The files of one piece of evidence; lazily, because a CT series takes seconds. Raises KeyError for an unknown name."""
    kind, _, variant = name.partition(":")
    if variant not in VARIANTS[kind]:
        raise KeyError(name)
    return _MAKERS[kind](variant, order)


def _dicom(variant: str, order: EvidenceOrder, kind: str) -> Iterator[EvidenceFile]:
    maker: Callable[..., Iterator[bytes]] = {"ct_head": ct_head, "hand_xray": hand_xray, "chest_xray": chest_xray}[kind]
    for number, content in enumerate(maker(order.patient, order.study, order.seed, variant), start=1):
        yield EvidenceFile(f"{kind}-{number:03d}.dcm", "application/dicom", content)


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


def _lab(variant: str, order: EvidenceOrder) -> Iterator[EvidenceFile]:
    panel, study = PANELS[variant], order.study
    at = study.started.replace(tzinfo=ZONE)
    message = oru_message(panel, order.patient, order.facility, study.accession_number, at)
    yield EvidenceFile("results.hl7", "x-application/hl7-v2+er7", message)
    sheet = lab_sheet(panel, order.patient, study.institution, study.accession_number, study.started, order.seed)
    yield EvidenceFile("result-sheet.pdf", "application/pdf", sheet)


def _microscopy(variant: str, order: EvidenceOrder) -> Iterator[EvidenceFile]:
    finding: Mapping[str, MicroscopyFinding] = {name: name for name in get_args(MicroscopyFinding)}
    yield EvidenceFile("microscopy.jpg", "image/jpeg", microscopy(order.seed, finding[variant]))


def _referral(_: str, order: EvidenceOrder) -> Iterator[EvidenceFile]:
    study = order.study
    content = referral_summary(
        order.patient, order.text, study.institution, order.doctor, study.accession_number, study.started, order.seed
    )
    yield EvidenceFile("referral-summary.pdf", "application/pdf", content)


def _consent(variant: str, order: EvidenceOrder) -> Iterator[EvidenceFile]:
    study = order.study
    content = consent_form(
        order.patient, study.institution, study.accession_number, study.started, order.seed, by_guardian=variant == "guardian"
    )
    yield EvidenceFile("consent.pdf", "application/pdf", content)


_MAKERS: Mapping[str, Callable[[str, EvidenceOrder], Iterator[EvidenceFile]]] = MappingProxyType(
    {
        "ct_head": lambda variant, order: _dicom(variant, order, "ct_head"),
        "hand_xray": lambda variant, order: _dicom(variant, order, "hand_xray"),
        "chest_xray": lambda variant, order: _dicom(variant, order, "chest_xray"),
        "ecg": _ecg,
        "ecg-dicom": _ecg_dicom,
        "ecg-holter": _ecg_holter,
        "lab": _lab,
        "microscopy": _microscopy,
        "referral": _referral,
        "consent": _consent,
    }
)

VARIANTS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "ct_head": frozenset(get_args(HeadFinding)),
        "hand_xray": frozenset(get_args(HandFinding)),
        "chest_xray": frozenset(get_args(ChestFinding)),
        "ecg": frozenset(KINDS),
        "ecg-dicom": frozenset(KINDS),
        "ecg-holter": frozenset({"day"}),
        "lab": frozenset(PANELS),
        "microscopy": frozenset(get_args(MicroscopyFinding)),
        "referral": frozenset({"summary"}),
        "consent": frozenset({"patient", "guardian"}),
    }
)
"""What can be made: `kind:variant` for every variant of a kind."""

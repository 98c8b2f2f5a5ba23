"""One door to all generated evidence: a name such as `ct_head:haemorrhage` becomes files."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import get_args
from zoneinfo import ZoneInfo

import ecg
from ecg.synthesis import KINDS, resting
from telemed.demo.chest_xray import ChestFinding, chest_xray
from telemed.demo.ct_head import ct_head
from telemed.demo.dicom_header import StudyOrder
from telemed.demo.documents import consent_form, lab_sheet, referral_summary
from telemed.demo.hand_xray import HandFinding, hand_xray
from telemed.demo.head_finding import HeadFinding
from telemed.demo.lab_panels import PANELS, oru_message
from telemed.demo.microscopy import MicroscopyFinding, microscopy
from telemed.demo.people import DemoPatient
from telemed.demo.texts import CaseText

ZONE = ZoneInfo("Asia/Shanghai")
"""Local time of the demo region."""


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
    patient, started = order.patient, order.study.started
    person = ecg.Patient(patient.number, patient.name, patient.sex, patient.birth_date.isoformat())
    recording = resting(variant, seed=order.seed, patient=person, start=started).recording
    yield EvidenceFile("ecg.xml", "application/xml", ecg.write(recording, None, "aecg"))


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
        "lab": frozenset(PANELS),
        "microscopy": frozenset(get_args(MicroscopyFinding)),
        "referral": frozenset({"summary"}),
        "consent": frozenset({"patient", "guardian"}),
    }
)
"""What can be made: `kind:variant` for every variant of a kind."""

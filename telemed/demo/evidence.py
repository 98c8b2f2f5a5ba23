"""One door to all generated evidence: a name such as `ct_head:haemorrhage` becomes files."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import get_args
from zoneinfo import ZoneInfo

from telemed.centres import extensions
from telemed.demo.chest_xray import ChestFinding, chest_xray
from telemed.demo.ct_head import ct_head
from telemed.demo.documents import consent_form, lab_sheet, referral_summary
from telemed.demo.evidence_order import DemoMaker, EvidenceFile, EvidenceOrder
from telemed.demo.hand_xray import HandFinding, hand_xray
from telemed.demo.head_finding import HeadFinding
from telemed.demo.lab_panels import PANELS, oru_message
from telemed.demo.microscopy import MicroscopyFinding, microscopy

ZONE = ZoneInfo("Asia/Shanghai")
"""Local time of the demo region."""


def evidence_files(name: str, order: EvidenceOrder) -> Iterator[EvidenceFile]:
    """The files of one piece of evidence; lazily, because a CT series takes seconds. Raises KeyError for an unknown name."""
    kind, _, variant = name.partition(":")
    maker = all_makers()[kind]
    if variant not in maker.variants:
        raise KeyError(name)
    return maker.make(variant, order)


def _dicom(variant: str, order: EvidenceOrder, kind: str) -> Iterator[EvidenceFile]:
    maker: Callable[..., Iterator[bytes]] = {"ct_head": ct_head, "hand_xray": hand_xray, "chest_xray": chest_xray}[kind]
    for number, content in enumerate(maker(order.patient, order.study, order.seed, variant), start=1):
        yield EvidenceFile(f"{kind}-{number:03d}.dcm", "application/dicom", content)


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


MAKERS: Mapping[str, DemoMaker] = MappingProxyType(
    {
        "ct_head": DemoMaker(frozenset(get_args(HeadFinding)), lambda variant, order: _dicom(variant, order, "ct_head")),
        "hand_xray": DemoMaker(frozenset(get_args(HandFinding)), lambda variant, order: _dicom(variant, order, "hand_xray")),
        "chest_xray": DemoMaker(frozenset(get_args(ChestFinding)), lambda variant, order: _dicom(variant, order, "chest_xray")),
        "lab": DemoMaker(frozenset(PANELS), _lab),
        "microscopy": DemoMaker(frozenset(get_args(MicroscopyFinding)), _microscopy),
        "referral": DemoMaker(frozenset({"summary"}), _referral),
        "consent": DemoMaker(frozenset({"patient", "guardian"}), _consent),
    }
)
"""By kind; centres with a folder bring more."""


@cache
def all_makers() -> Mapping[str, DemoMaker]:
    """Return every maker by kind, those of the centres among them."""
    return dict(MAKERS) | {kind: maker for e in extensions() if e.demo_makers for kind, maker in e.demo_makers().items()}

"""For whom the demo's evidence is made, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from telemed.demo.dicom_header import StudyOrder
from telemed.demo.people import DemoPatient
from telemed.demo.texts import CaseText


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


@dataclass(frozen=True)
class DemoMaker:
    """Makes one kind of evidence in any of its variants; lazily, because a study may take seconds."""

    variants: frozenset[str]
    make: Callable[[str, EvidenceOrder], Iterator[EvidenceFile]]

"""A case of the story on stage: its number, its times, and the steps that are still to come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zlib import crc32

from telemed.demo.dicom_header import StudyOrder, study_instance_uid
from telemed.demo.evidence import ZONE
from telemed.demo.evidence_order import EvidenceOrder
from telemed.demo.people import PATIENTS, DemoPatient
from telemed.demo.region import INSTITUTIONS, MEMBER_STAFF
from telemed.demo.story import Step, StoryCase, StrayStudy
from telemed.demo.texts import TEXTS
from telemed.domain.events import CaseEvent

NAMES: Mapping[str, str] = {institution.code: institution.name for institution in INSTITUTIONS}

EXPOSED_BEFORE = timedelta(minutes=4)
"""From the exposure or the blood sample to the file at the platform."""

EVENTS: Mapping[str, CaseEvent] = {"attach": CaseEvent.EVIDENCE, "begin": CaseEvent.WRITE}
"""Events that a step leaves in the case's history under another name."""


def event_of(step: Step) -> CaseEvent:
    """Return what a step leaves in the case's history. Raises ValueError for a step that leaves nothing."""
    return EVENTS.get(step.action) or CaseEvent(step.action)


def number_of(case: StoryCase) -> str:
    """The case's accession number at its member, the same at every start: it tells what was played before."""
    digits = crc32(f"{case.text_key}/{case.member}/{case.patient}".encode()) % 1_000_000
    return f"{case.member}-{digits:06d}"


def steps_left(steps: Iterable[Step], history: Iterable[str]) -> tuple[Step, ...]:
    """The steps that the case's history does not tell of yet."""
    told = Counter(history)
    left = []
    for step in steps:
        event = event_of(step)
        if told[event]:
            told[event] -= 1
        else:
            left.append(step)
    return tuple(left)


def is_study(case: StoryCase) -> bool:
    """Its evidence is a DICOM study, sent to the gateway."""
    return case.centre == "imaging" or any(name.startswith("ecg-dicom:") for name in case.evidence)


def comes_late(case: StoryCase) -> bool:
    """Nobody at a hub has touched the case yet: its evidence arrives before everybody's eyes, through the door."""
    return [step.action for step in case.steps] == ["create", "attach", "submit"]


def in_playing_order(case: StoryCase) -> tuple[Step, ...]:
    """The steps as they are played: what comes late is attached to a case that is already waiting."""
    return tuple(sorted(case.steps, key=lambda step: step.action == "attach")) if comes_late(case) else case.steps


@dataclass(slots=True)
class Scene:
    """One case while it is played. `now` is what the steps' minutes are counted from; `case_id` is empty until it is made."""

    case: StoryCase
    number: str
    now: datetime
    case_id: str = ""

    def moment(self, step: Step) -> datetime:
        return self.now - timedelta(minutes=step.ago)

    @property
    def patient(self) -> DemoPatient:
        return PATIENTS[self.case.patient]

    @property
    def study_uid(self) -> str:
        return _study_uid(self.number, self.case)

    def order(self) -> EvidenceOrder:
        """Return the order of the evidence: of this patient, shortly before it was attached."""
        attached = next(step for step in self.case.steps if step.action == "attach")
        return evidence_order(self.number, self.case, self.moment(attached))


def stray_study_uid(stray: StrayStudy) -> str:
    return _study_uid(stray.accession_number, stray)


def _study_uid(number: str, of: StoryCase | StrayStudy) -> str:
    """The evidence's seed is the patient: another study of the same person shows the same anatomy."""
    return study_instance_uid(number, str(TEXTS[of.text_key].request.get("modality", "ECG")), of.patient)


def evidence_order(number: str, of: StoryCase | StrayStudy, arrived: datetime) -> EvidenceOrder:
    """Evidence that arrives at a moment, for a case or astray."""
    started = (arrived - EXPOSED_BEFORE).astimezone(ZONE).replace(tzinfo=None, microsecond=0)
    study = StudyOrder(number, started, NAMES[of.member])
    return EvidenceOrder(PATIENTS[of.patient], study, TEXTS[of.text_key], of.member, MEMBER_STAFF[of.member][0], of.patient)

"""The steps of the story as use cases: each is what the page's button would have called, at its own time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from telemed.demo.region import CONTACT_PHONES
from telemed.demo.scene import Scene, comes_late, is_study
from telemed.demo.story import Step
from telemed.domain.case import CaseKind, Priority
from telemed.domain.consent import ConsentGiver
from telemed.domain.patient import RESIDENT_ID, Identifier, Sex
from telemed.domain.people import Person
from telemed.domain.report import Result, VersionKind
from telemed.service import case_reading as reading
from telemed.service import case_request as case_request
from telemed.service import criticals, reporting
from telemed.service import matching as matching
from telemed.service.patients import Demographics
from telemed.service.ports.unit_of_work import UnitOfWork

Act = Callable[[UnitOfWork, Person, Scene, Step], Awaitable[object]]

BY_TELEPHONE = "电话"
CONSENT_PAPER = "consent.pdf"


async def _create(work: UnitOfWork, who: Person, scene: Scene, _: Step) -> None:
    case, patient = scene.case, scene.patient
    numbers = (Identifier(RESIDENT_ID, patient.resident_id), Identifier(case.member, patient.number))
    card = Demographics(patient.name, Sex(patient.sex), patient.birth_date, numbers)
    request = dict(case.text.request) | {"accession_number": scene.number, "contact_phone": CONTACT_PHONES[case.member]}
    made = await case_request.create_case(work, who, case.centre, CaseKind(case.kind), Priority(case.priority), card, request)
    scene.case_id = made.id


async def _place_study(work: UnitOfWork, _: Person, scene: Scene, __: Step) -> None:
    """The study came before its case and looks for it, as the worker would have it look."""
    await matching.match_study(work, scene.case.member, scene.study_uid)


async def _consent(work: UnitOfWork, who: Person, scene: Scene, _: Step) -> None:
    papers = await work.evidence.of_case(scene.case_id)
    paper = next((p.id for p in papers if p.name == CONSENT_PAPER), None)
    by_guardian = "consent:guardian" in scene.case.evidence
    giver = ConsentGiver.GUARDIAN if by_guardian else ConsentGiver.PATIENT
    signed = f"{scene.patient.name}之父" if by_guardian else scene.patient.name
    await case_request.record_consent(work, who, scene.case_id, giver, signed, paper)


async def _begin(work: UnitOfWork, who: Person, scene: Scene, _: Step) -> None:
    section, text = next(iter(scene.case.text.report.items()))
    await reporting.save_draft(work, who, scene.case_id, {section: text[: len(text) // 2]}, None, "*")


def _result(work: UnitOfWork, scene: Scene) -> Result | None:
    """What the reader chose; None where the centre's reports have no result."""
    wanted = Result.POSITIVE if scene.case.text.positive else Result.NEGATIVE
    return wanted if wanted in work.region.centres[scene.case.centre].results else None


async def _write(work: UnitOfWork, who: Person, scene: Scene, _: Step) -> None:
    text = scene.case.text
    await reporting.save_draft(work, who, scene.case_id, text.report, _result(work, scene), "*")


async def _amend(work: UnitOfWork, who: Person, scene: Scene, step: Step) -> None:
    sections = dict(scene.case.text.report)
    sections[list(sections)[-1]] += step.addition
    await reporting.new_version(work, who, scene.case_id, VersionKind.AMENDMENT, step.words, sections, _result(work, scene))


async def _value(work: UnitOfWork, scene: Scene) -> str:
    """The id of the case's critical value."""
    return (await work.criticals.of_case(scene.case_id))[-1].id


async def _tell(work: UnitOfWork, who: Person, scene: Scene, step: Step) -> None:
    await criticals.notify_critical(work, who, scene.case_id, await _value(work, scene), step.words, BY_TELEPHONE, read_back=True)


async def _acknowledge_critical(work: UnitOfWork, who: Person, scene: Scene, _: Step) -> None:
    await criticals.acknowledge_critical(work, who, scene.case_id, await _value(work, scene))


async def _act(work: UnitOfWork, who: Person, scene: Scene, step: Step) -> None:
    await criticals.act_on_critical(work, who, scene.case_id, await _value(work, scene), step.words)


ACTS: Mapping[str, Act] = {
    "create": _create,
    "attach": _place_study,
    "consent": _consent,
    "submit": lambda work, who, scene, _: case_request.submit_case(work, who, scene.case_id),
    "claim": lambda work, who, scene, _: reading.claim_case(work, who, scene.case_id),
    "begin": _begin,
    "write": _write,
    "park": lambda work, who, scene, _: reading.park_case(work, who, scene.case_id, parked=True),
    "return": lambda work, who, scene, step: reading.return_case(work, who, scene.case_id, step.words),
    "decline": lambda work, who, scene, step: reading.decline_case(work, who, scene.case_id, step.words),
    "escalate": lambda work, who, scene, step: reading.escalate_case(work, who, scene.case_id, step.words),
    "cancel": lambda work, who, scene, step: case_request.cancel_case(work, who, scene.case_id, step.words),
    "amend": _amend,
    "acknowledge": lambda work, who, scene, _: case_request.acknowledge_report(work, who, scene.case_id),
    "critical-declare": lambda work, who, scene, _: criticals.declare_critical(work, who, scene.case_id, scene.case.text.critical),
    "critical-tell": _tell,
    "critical-acknowledge": _acknowledge_critical,
    "critical-act": _act,
}
"""Steps that are part of a transaction. Signing, and files that are attached, take more than one: they are played alone."""


def goes_alone(scene: Scene, step: Step) -> bool:
    """Not within one transaction with its neighbours."""
    if step.action == "attach":
        return comes_late(scene.case) or not is_study(scene.case)
    return step.action not in ACTS

"""Performed procedure steps that modalities report, on the cases' histories."""

from __future__ import annotations

from collections.abc import Mapping

from telemed.domain.case import Case
from telemed.domain.events import CaseEvent
from telemed.domain.people import SYSTEM
from telemed.service.identity import case_of_study_uid
from telemed.service.ports.studies import StepFacts
from telemed.service.ports.unit_of_work import UnitOfWork

ACTIONS: Mapping[str, CaseEvent] = {
    "IN PROGRESS": CaseEvent.PROCEDURE_BEGUN,
    "COMPLETED": CaseEvent.PROCEDURE_DONE,
    "DISCONTINUED": CaseEvent.PROCEDURE_BROKEN_OFF,
}
"""Line of history for each status of a performed procedure step (PS3.3 C.4.14)."""


async def match_step(work: UnitOfWork, owner: str, sop_instance_uid: str) -> Case | None:
    """A step was reported: note it on its case. May be repeated. A step without a case stays in the gateway's table."""
    step = await work.studies.step(owner, sop_instance_uid)
    found = await _case_of(work, step) if step else None
    if step is None or found is None:
        return None
    case = await work.cases.get(found.id) or found
    action = ACTIONS[step.status]
    if not await work.studies.step_is_told(case.id, action, sop_instance_uid):
        work.outbox.event(case, action, SYSTEM, {"name": f"{step.modality} {step.station}".strip(), "step": sop_instance_uid})
    return case


async def _case_of(work: UnitOfWork, step: StepFacts) -> Case | None:
    """By the accession number, by the study UID that our worklist gave, or by the study that is there already."""
    found = await work.cases.with_accession(step.owner, step.accession_number) if step.accession_number else []
    given = case_of_study_uid(step.study_instance_uid)
    if not found and given and (case := await work.cases.get(given)) and case.member == step.owner:
        found = [case]
    if not found and step.study_instance_uid:
        found = await work.cases.with_study(step.owner, step.study_instance_uid)
    return next((case for case in found if case.status != "cancelled"), None)

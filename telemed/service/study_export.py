"""Giving a study out without its patient: for teaching and research, by who may, on record."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from telemed.domain.case import Case
from telemed.domain.errors import NotFound
from telemed.domain.evidence import EvidenceType
from telemed.domain.people import Person
from telemed.domain.permissions import CaseAction
from telemed.domain.policy import Action
from telemed.service.access import case_open_to
from telemed.service.files import DamagedFile
from telemed.service.ports.unit_of_work import UnitOfWork


class StudyExporter(Protocol):
    """Makes ZIP archives of de-identified studies."""

    def archive(self, case: Case, study_instance_uid: str) -> AsyncIterator[bytes]:
        """The archive of what the case has of the study, piece by piece.

        Objects that cannot be cleaned are left out and counted in its README."""
        ...


async def export_study(work: UnitOfWork, person: Person, case_id: str, evidence_id: str) -> tuple[Case, str]:
    """The case and the UID of the study, for who may export it; on record before a byte goes out.

    Raises NotFound or Forbidden, and DamagedFile for evidence that is no study.
    """
    case = await case_open_to(work, person, case_id, CaseAction.EXPORT)
    evidence = await work.evidence.get(evidence_id)
    if evidence is None or evidence.case_id != case_id:
        raise NotFound("evidence", evidence_id)
    if evidence.type != EvidenceType.DICOM_STUDY or not evidence.study_instance_uid:
        raise DamagedFile(evidence.name, "not a DICOM study")
    detail = {"study": evidence.study_instance_uid}
    work.outbox.audit(Action.EVIDENCE_EXPORT, person.username, person.institution, f"case/{case_id}", detail=detail)
    return case, evidence.study_instance_uid

"""N-CREATE and N-SET of modality performed procedure steps (PS3.4 F.7); called in the association's thread."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from pydicom.dataset import Dataset
from pydicom.uid import UID, generate_uid

from dicom_gateway.dimse.character_sets import read
from dicom_gateway.dimse.context import ServiceContext
from dicom_gateway.dimse.statuses import NOT_AUTHORISED, SUCCESS, status
from dicom_gateway.index import Scope, dicom_instance
from dicom_gateway.mpps import COMPLETED, PROCESSING_FAILURE, PerformedStep, StepRefused

log = logging.getLogger(__name__)

CLASS = "1.2.840.10008.3.1.2.3.3"


def create(event: Any, service: ServiceContext) -> tuple[Dataset | int, Dataset | None]:
    """N-CREATE. Where the device gives no UID it gets one."""
    owner = event.assoc.scope.owner
    if owner is None:
        return status(NOT_AUTHORISED, "this AE title may not report here"), None
    given = event.request.AffectedSOPInstanceUID
    uid = str(given or generate_uid())
    calling = event.assoc.requestor.ae_title.strip()

    async def work() -> PerformedStep:
        attributes = read(event.request.AttributeList, UID(event.context.transfer_syntax))
        return await service.steps.create(owner, calling, uid, attributes)

    answer = _answer(service, work)
    made = Dataset()
    if not given:
        made.AffectedSOPInstanceUID = uid
    return answer, made


def change(event: Any, service: ServiceContext) -> tuple[Dataset | int, Dataset | None]:
    """N-SET. With a step that is completed its studies are, as far as all that it made has arrived."""
    scope: Scope = event.assoc.scope
    owner = scope.owner
    if owner is None:
        return status(NOT_AUTHORISED, "this AE title may not report here"), None

    async def work() -> PerformedStep:
        changes = read(event.request.ModificationList, UID(event.context.transfer_syntax))
        step = await service.steps.set(owner, str(event.request.RequestedSOPInstanceUID), changes)
        if step.status == COMPLETED:
            await _complete_studies(service, step, scope)
        return step

    return _answer(service, work), None


def _answer(service: ServiceContext, work: Any) -> Dataset | int:
    try:
        service.wait(work())
    except StepRefused as refusal:
        response = status(refusal.status, str(refusal))
        if refusal.error_id is not None:
            response.ErrorID = refusal.error_id
        return response
    except Exception:
        log.exception("a performed procedure step could not be kept")
        return status(PROCESSING_FAILURE, "the step could not be kept; send it again later")
    return SUCCESS


async def _complete_studies(service: ServiceContext, step: PerformedStep, scope: Scope) -> None:
    """Images may still be on their way: then their studies come to rest by themselves. A failure here delays, no more."""
    try:
        await service.index.barrier()
        here = sa.select(dicom_instance.c.sop_instance_uid).where(dicom_instance.c.owner == step.owner)
        made = sorted(set(step.instances))
        for start in range(0, len(made), 500):
            part = made[start : start + 500]
            if len(await service.index.rows(here.where(dicom_instance.c.sop_instance_uid.in_(part)))) < len(part):
                return
        for study in step.studies if made else ():
            await service.watch.complete(scope, study, datetime.now(UTC))
    except Exception:
        log.exception("the studies of %s could not be noted as complete", step.sop_instance_uid)

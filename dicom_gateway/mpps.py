"""Modality performed procedure steps: their states as a table, and what is kept of them (PS3.4 F.7).

Each belongs to the institution whose device made it: under another one's scope its UID does not exist.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from pydicom.dataset import Dataset
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dicom_gateway.index.recording import insert_new
from dicom_gateway.index.workflow_tables import dicom_performed_step

STATUS = "PerformedProcedureStepStatus"
IN_PROGRESS, COMPLETED, DISCONTINUED = "IN PROGRESS", "COMPLETED", "DISCONTINUED"
# From -> to; what is not here is refused (PS3.4 F.7.2.2.2, table F.7.2-1).
MOVES = frozenset({(IN_PROGRESS, IN_PROGRESS), (IN_PROGRESS, COMPLETED), (IN_PROGRESS, DISCONTINUED)})
# Attributes of type 1 at N-CREATE; each must be there with a value (PS3.4 table F.7.2-1).
AT_CREATE = ("PerformedProcedureStepID", "PerformedStationAETitle", "PerformedProcedureStepStartDate",
             "PerformedProcedureStepStartTime", STATUS, "Modality", "ScheduledStepAttributesSequence")  # fmt: skip
# What a step must have before it can be final (the same table, final state).
AT_END = ("PerformedProcedureStepEndDate", "PerformedProcedureStepEndTime", "PerformedSeriesSequence")
# What N-SET may not change (the same table).
FIXED = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "PerformedProcedureStepID", "PerformedStationAETitle",
         "PerformedProcedureStepStartDate", "PerformedProcedureStepStartTime", "Modality", "StudyID",
         "ScheduledStepAttributesSequence")  # fmt: skip
MAX_BYTES = 4 << 20  # of one step as DICOM JSON: some ten thousand images

# PS3.7 annex C.
INVALID_VALUE, PROCESSING_FAILURE, DUPLICATE_INSTANCE, NO_SUCH_INSTANCE = 0x0106, 0x0110, 0x0111, 0x0112
MISSING_ATTRIBUTE, MISSING_VALUE, RESOURCE_LIMITATION = 0x0120, 0x0121, 0x0213
MAY_NO_LONGER_BE_UPDATED = 0xA710  # Error ID that goes with 0110H (PS3.4 table F.7.2-2)


class StepRefused(Exception):
    """The request breaks a rule. `status` is the DIMSE status, `error_id` (0000,0903) where the standard names one."""

    def __init__(self, status: int, comment: str, error_id: int | None = None) -> None:
        super().__init__(comment)
        self.status = status
        self.error_id = error_id

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how it is made again in another process."""
        return type(self), (self.status, str(self), self.error_id)


@dataclass(frozen=True, slots=True)
class PerformedStep:
    """A step as it stands. `studies` are the Study Instance UIDs of its scheduled steps, `attributes` all of it."""

    owner: str
    sop_instance_uid: str
    calling_ae: str
    status: str
    modality: str
    accession_number: str
    studies: tuple[str, ...]
    attributes: Dataset

    @property
    def instances(self) -> tuple[str, ...]:
        """SOP Instance UIDs of everything that the step says it made."""
        return tuple(
            str(reference.ReferencedSOPInstanceUID)
            for series in self.attributes.get("PerformedSeriesSequence") or ()
            for keyword in ("ReferencedImageSequence", "ReferencedNonImageCompositeSOPInstanceSequence")
            for reference in series.get(keyword) or ()
            if "ReferencedSOPInstanceUID" in reference
        )


# Runs inside the transaction that keeps the step: (connection, step).
OnStep = Callable[[sa.Connection, PerformedStep], None]


class PerformedSteps:
    """The performed procedure steps of all owners."""

    def __init__(self, engine: AsyncEngine, on_step: OnStep | None = None) -> None:
        self._engine = engine
        self._on_step = on_step

    async def create(self, owner: str, calling_ae: str, uid: str, attributes: Dataset) -> PerformedStep:
        """N-CREATE. Raises `StepRefused`."""
        _require(attributes, AT_CREATE)
        if _text(attributes, STATUS) != IN_PROGRESS:
            raise StepRefused(INVALID_VALUE, f"a new step is {IN_PROGRESS}")
        if not any(_text(item, "StudyInstanceUID") for item in attributes.ScheduledStepAttributesSequence):
            raise StepRefused(MISSING_VALUE, "StudyInstanceUID of the scheduled step is empty")
        step = _step(owner, calling_ae, uid, attributes)
        now = datetime.now(UTC)
        async with self._engine.begin() as connection:
            row = _row(step) | {"created_at": now, "updated_at": now}
            statement = insert_new(connection.dialect, dicom_performed_step, "owner", "sop_instance_uid").values(row)
            if not (await connection.execute(statement)).rowcount:
                raise StepRefused(DUPLICATE_INSTANCE, "there is a step with this UID already")
            await self._tell(connection, step)
        return step

    async def set(self, owner: str, uid: str, changes: Dataset) -> PerformedStep:
        """N-SET: `changes` on top of what is there. Raises `StepRefused`."""
        c = dicom_performed_step.c
        here = sa.and_(c.owner == owner, c.sop_instance_uid == uid)
        async with self._engine.begin() as connection:
            # Written first: two changes at once wait for each other here, on both databases.
            locked = dicom_performed_step.update().where(here).values(updated_at=datetime.now(UTC)).returning(c.calling_ae, c.attributes)
            row = (await connection.execute(locked)).first()
            if row is None:
                raise StepRefused(NO_SUCH_INSTANCE, "there is no step with this UID")
            step = _step(owner, row.calling_ae, uid, _changed(Dataset.from_json(row.attributes), changes))
            await connection.execute(dicom_performed_step.update().where(here).values(_row(step)))
            await self._tell(connection, step)
        return step

    async def _tell(self, connection: AsyncConnection, step: PerformedStep) -> None:
        if self._on_step is not None:
            await connection.run_sync(self._on_step, step)


def _changed(before: Dataset, changes: Dataset) -> Dataset:
    """The attributes after N-SET. Raises `StepRefused`."""
    old, new = _text(before, STATUS), _text(changes, STATUS) or _text(before, STATUS)
    if not any(begin == old for begin, _ in MOVES):
        raise StepRefused(PROCESSING_FAILURE, f"the step is {old} and may no longer be updated", MAY_NO_LONGER_BE_UPDATED)
    if (old, new) not in MOVES:
        raise StepRefused(INVALID_VALUE, f"a step that is {old} cannot become {new}")
    for keyword in FIXED:
        if keyword in changes and (keyword not in before or changes[keyword] != before[keyword]):
            raise StepRefused(INVALID_VALUE, f"{keyword} may not be changed")
    after = Dataset()
    after.update(before)
    after.update({element.tag: element for element in changes if element.keyword != "SpecificCharacterSet"})
    if new != old:
        _require(after, AT_END if new == COMPLETED else AT_END[:2])
    return after


def _require(attributes: Dataset, keywords: tuple[str, ...]) -> None:
    for keyword in keywords:
        if keyword not in attributes:
            raise StepRefused(MISSING_ATTRIBUTE, f"{keyword} is missing")
        if not attributes[keyword].value:
            raise StepRefused(MISSING_VALUE, f"{keyword} is empty")


def _step(owner: str, calling_ae: str, uid: str, attributes: Dataset) -> PerformedStep:
    scheduled = attributes.ScheduledStepAttributesSequence
    studies = tuple(dict.fromkeys(text for item in scheduled if (text := _text(item, "StudyInstanceUID"))))
    accession = next((text for item in scheduled if (text := _text(item, "AccessionNumber"))), "")
    return PerformedStep(owner, uid, calling_ae, _text(attributes, STATUS), _text(attributes, "Modality"), accession, studies, attributes)


def _row(step: PerformedStep) -> dict[str, str | None]:
    described = step.attributes.to_json()
    if len(described) > MAX_BYTES:
        raise StepRefused(RESOURCE_LIMITATION, f"a step of more than {MAX_BYTES} bytes is not kept")
    scheduled = step.attributes.ScheduledStepAttributesSequence
    return {
        "owner": step.owner,
        "sop_instance_uid": step.sop_instance_uid,
        "calling_ae": step.calling_ae,
        "status": step.status,
        "modality": step.modality,
        "accession_number": step.accession_number,
        "study_instance_uid": step.studies[0] if step.studies else None,
        "scheduled_procedure_step_id": next((text for item in scheduled if (text := _text(item, "ScheduledProcedureStepID"))), None),
        "attributes": described,
    }


def _text(data_set: Dataset, keyword: str) -> str:
    return str(data_set.get(keyword) or "").strip()

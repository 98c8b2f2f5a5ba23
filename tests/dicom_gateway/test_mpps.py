"""Modality performed procedure steps: every pair of state and change, what is kept, whose it is."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, generate_uid
from pynetdicom.association import Association

from dicom_gateway import Source
from dicom_gateway.index import dicom_study
from tests.dicom_gateway.conftest import Gateway
from tests.dicom_gateway.devices import STEP, keys_of, with_association
from tests.dicom_gateway.objects import ct_slice, part10_of

pytestmark = pytest.mark.database


def new_step(study: str, **changes: Any) -> Dataset:
    """The attributes that a device gives at the start."""
    scheduled = keys_of(StudyInstanceUID=study, AccessionNumber="A1", ScheduledProcedureStepID="S1", RequestedProcedureID="A1")
    attributes = {
        "SpecificCharacterSet": "GB18030", "ScheduledStepAttributesSequence": [scheduled], "PatientName": "Wang=王^小东", "PatientID": "P1",
        "PerformedProcedureStepID": "1", "PerformedStationAETitle": "CT1", "PerformedProcedureStepStartDate": "20261118",
        "PerformedProcedureStepStartTime": "093000", "PerformedProcedureStepStatus": "IN PROGRESS", "Modality": "CT",
        "PerformedSeriesSequence": [],
    }  # fmt: skip
    return keys_of(**(attributes | changes))


def end_of(status: str, *images: Dataset) -> Dataset:
    """The changes that end a step that made `images`."""
    references = [keys_of(ReferencedSOPClassUID=CTImageStorage, ReferencedSOPInstanceUID=each.SOPInstanceUID) for each in images]
    series = keys_of(SeriesInstanceUID=generate_uid(), ProtocolName="p", ReferencedImageSequence=references)
    return keys_of(
        PerformedProcedureStepStatus=status,
        PerformedProcedureStepEndDate="20261118",
        PerformedProcedureStepEndTime="094500",
        PerformedSeriesSequence=[series],
    )


class Device:
    """Creates and changes steps, each over an association of its own; gives statuses."""

    def __init__(self, gateway: Gateway, title: str = "CLINIC1") -> None:
        self.gateway, self.title = gateway, title

    async def create(self, attributes: Dataset, uid: str | None = None) -> int:
        def use(association: Association) -> int:
            answer, _ = association.send_n_create(attributes, STEP, uid)
            return int(answer.Status)

        return await with_association(self.gateway.dimse.port, self.title, [STEP], use)

    async def set(self, uid: str, changes: Dataset) -> tuple[int, int | None]:
        def use(association: Association) -> tuple[int, int | None]:
            answer, _ = association.send_n_set(changes, STEP, uid)
            return int(answer.Status), answer.get("ErrorID")

        return await with_association(self.gateway.dimse.port, self.title, [STEP], use)


async def test_a_step_begins_and_ends(gateway: Gateway) -> None:
    device, uid, study = Device(gateway), generate_uid(), generate_uid()
    assert await device.create(new_step(study), uid) == 0
    assert await device.set(uid, keys_of(CommentsOnThePerformedProcedureStep="second try", SpecificCharacterSet="ISO_IR 192")) == (0, None)
    assert await device.set(uid, end_of("COMPLETED")) == (0, None)
    assert [step.status for step in gateway.steps] == ["IN PROGRESS", "IN PROGRESS", "COMPLETED"]
    last = gateway.steps[-1]
    assert (last.owner, last.calling_ae, last.accession_number, last.studies) == ("CLINIC1", "CLINIC1", "A1", (study,))
    assert (last.attributes.PatientName, last.attributes.CommentsOnThePerformedProcedureStep) == ("Wang=王^小东", "second try")


@pytest.mark.parametrize("final", ["COMPLETED", "DISCONTINUED"])
@pytest.mark.parametrize("then", ["IN PROGRESS", "COMPLETED", "DISCONTINUED"])
async def test_a_final_step_is_not_touched(gateway: Gateway, final: str, then: str) -> None:
    device, uid = Device(gateway), generate_uid()
    await device.create(new_step(generate_uid()), uid)
    assert await device.set(uid, end_of(final)) == (0, None)
    assert await device.set(uid, end_of(then)) == (0x0110, 0xA710)
    assert gateway.steps[-1].status == final


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"PerformedProcedureStepStatus": "COMPLETED"}, 0x0106),
        ({"PerformedProcedureStepStatus": "NONSENSE"}, 0x0106),
        ({"Modality": ""}, 0x0121),
        ({"ScheduledStepAttributesSequence": []}, 0x0121),
    ],
)
async def test_a_step_begins_as_the_standard_wants(gateway: Gateway, changes: dict[str, Any], status: int) -> None:
    assert await Device(gateway).create(new_step(generate_uid(), **changes), generate_uid()) == status
    assert gateway.steps == []


async def test_what_is_missing_is_said(gateway: Gateway) -> None:
    attributes, uid, device = new_step(generate_uid()), generate_uid(), Device(gateway)
    del attributes.PerformedStationAETitle
    assert await device.create(attributes, uid) == 0x0120
    await device.create(new_step(generate_uid()), uid)
    assert (await device.set(uid, keys_of(PerformedProcedureStepStatus="COMPLETED")))[0] == 0x0120
    assert (await device.set(uid, keys_of(PerformedProcedureStepStatus="PAUSED")))[0] == 0x0106
    assert (await device.set(uid, keys_of(PatientID="ELSE")))[0] == 0x0106
    assert (await device.set(uid, keys_of(PatientID="P1")))[0] == 0
    assert gateway.steps[-1].attributes.PatientID == "P1"


async def test_the_same_uid_twice_and_no_uid_at_all(gateway: Gateway) -> None:
    device, uid = Device(gateway), generate_uid()
    assert await device.create(new_step(generate_uid()), uid) == 0
    assert await device.create(new_step(generate_uid()), uid) == 0x0111
    assert await device.create(new_step(generate_uid())) == 0
    made = gateway.steps[-1].sop_instance_uid
    assert made != uid
    assert await device.set(made, end_of("DISCONTINUED")) == (0, None)


async def test_a_step_belongs_to_its_institution(gateway: Gateway) -> None:
    uid = generate_uid()
    assert await Device(gateway).create(new_step(generate_uid()), uid) == 0
    other = Device(gateway, "CLINIC2")
    assert (await other.set(uid, end_of("COMPLETED")))[0] == 0x0112
    assert await other.create(new_step(generate_uid()), uid) == 0
    assert {(step.owner, step.status) for step in gateway.steps} == {("CLINIC1", "IN PROGRESS"), ("CLINIC2", "IN PROGRESS")}


async def test_a_completed_step_completes_its_study_once_all_is_there(gateway: Gateway) -> None:
    device, study = Device(gateway), generate_uid()
    images = [ct_slice(StudyInstanceUID=study) for _ in range(2)]
    stable = sa.select(dicom_study.c.stable_at).where(dicom_study.c.study_instance_uid == study)
    for number, uid in enumerate((generate_uid(), generate_uid())):
        received = await gateway.intake.receive(part10_of(images[number]), "CLINIC1", Source("dimse"))
        assert received.status == 0
        await device.create(new_step(study), uid)
        assert await device.set(uid, end_of("COMPLETED", *images)) == (0, None)
        async with gateway.engine.connect() as connection:
            assert (await connection.scalar(stable) is not None) is (number == 1)

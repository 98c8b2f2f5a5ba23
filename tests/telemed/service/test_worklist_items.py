"""From a case to the modality's worklist and back: what devices of an institution find, and what they report."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom.association import Association

from dicom_gateway import Index, Intake, Source
from dicom_gateway.dimse import DimseServer
from dicom_gateway.stability import StudyWatch
from storage import ObjectStore
from telemed.adapters.application import SqlApplication
from telemed.adapters.clock import utc_now
from telemed.adapters.database import tables as t
from telemed.adapters.jobs.worker import Worker
from telemed.domain.case import Case
from telemed.roles.gateway import open_dimse
from telemed.service.identity import case_of_study_uid, study_uid_of
from telemed.settings import Settings
from tests.dicom_gateway.devices import STEP, WORKLIST, keys_of, with_association
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.dicom_gateway.test_mpps import end_of, new_step
from tests.telemed.harness import Harness, patient_card

pytestmark = pytest.mark.database


@pytest.fixture
async def door(application: SqlApplication, store: ObjectStore, intake: Intake) -> AsyncIterator[DimseServer]:
    """The platform's DIMSE door."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        settings = Settings(dicom_port=probe.getsockname()[1])
    server = await open_dimse(settings, application, Index(application.engine), store, intake, StudyWatch(application.engine))
    yield server
    await server.close()


async def ask(door: DimseServer, title: str, **keys: object) -> list[Dataset]:
    """What the device finds on the worklist."""
    asked = keys_of(PatientName="", PatientID="", AccessionNumber="", StudyInstanceUID="", ScheduledProcedureStepSequence=[])
    asked.update(keys_of(**keys))

    def use(association: Association) -> list[Dataset]:
        answers = list(association.send_c_find(asked, WORKLIST))
        assert answers[-1][0].Status == 0
        return [identifier or Dataset() for _, identifier in answers[:-1]]

    return await with_association(door.port, title, [WORKLIST], use, ae_title="TELEMED")


async def report(door: DimseServer, title: str, uid: str, attributes: Dataset, *, new: bool) -> int:
    def use(association: Association) -> int:
        send = association.send_n_create if new else association.send_n_set
        return int(send(attributes, STEP, uid)[0].Status)

    return await with_association(door.port, title, [STEP], use, ae_title="TELEMED")


async def work_off(harness: Harness) -> None:
    harness.clock.now = max(harness.clock.now, utc_now())
    worker = Worker(harness.application)
    while await worker.once():
        pass


async def test_a_case_is_an_item_of_its_institution_alone(harness: Harness, door: DimseServer) -> None:
    case = await harness.requested(patient=patient_card(7, name="单晓东"))
    await harness.requested("ecg")
    await harness.draft("imaging")
    (item,) = await ask(door, "CLINIC1")
    assert (item.AccessionNumber, item.PatientID) == (case.accession_number, "P00007")
    assert item.PatientName == "Shan^Xiaodong=单^晓东"
    assert case_of_study_uid(item.StudyInstanceUID) == case.id
    (step,) = item.ScheduledProcedureStepSequence
    assert (step.Modality, step.ScheduledStationAETitle) == ("CT", "CLINIC1")
    for title in ("CLINIC2", "HUBA"):
        assert await ask(door, title) == []
        assert await ask(door, title, AccessionNumber=case.accession_number) == []


async def test_a_device_of_the_institution_asks_under_its_own_title(harness: Harness, door: DimseServer) -> None:
    await harness.requested()
    async with harness.application.engine.begin() as connection:
        device = {
            "title": "CT1",
            "institution": "CLINIC1",
            "uses": frozenset(),
            "character_set": "GB18030",
            "calls_from": frozenset({"127.0.0.1"}),
        }
        await connection.execute(t.application_entity.insert().values(device))
    await harness.application.refresh()
    (item,) = await ask(door, "CT1", ScheduledProcedureStepSequence=[keys_of(ScheduledStationAETitle="CT1", Modality="CT")])
    assert item.SpecificCharacterSet == "GB18030"
    assert item.PatientName == "Zhang^Wei=张^伟"


async def test_what_has_its_images_is_on_the_list_no_more(harness: Harness, door: DimseServer, intake: Intake) -> None:
    """Also where the modality kept nothing of the item but the study UID."""
    case = await harness.requested()
    image = ct_slice(StudyInstanceUID=study_uid_of(case.id), AccessionNumber="", PatientID="ELSE")
    assert (await intake.receive(part10_of(image), "CLINIC1", Source("dimse"))).status == 0
    await work_off(harness)
    assert (await harness.case(case.id)).evidence_count == 1
    assert await ask(door, "CLINIC1") == []


async def test_another_institution_cannot_borrow_the_uid(harness: Harness, intake: Intake) -> None:
    case = await harness.requested()
    image = ct_slice(StudyInstanceUID=study_uid_of(case.id), AccessionNumber=case.accession_number)
    assert (await intake.receive(part10_of(image), "CLINIC2", Source("dimse"))).status == 0
    await work_off(harness)
    assert (await harness.case(case.id)).evidence_count == 0


async def procedure(door: DimseServer, case: Case, title: str = "CLINIC1") -> tuple[int, int]:
    """An examination from beginning to end."""
    uid, attributes = generate_uid(), new_step(study_uid_of(case.id))
    attributes.ScheduledStepAttributesSequence[0].AccessionNumber = case.accession_number
    begun = await report(door, title, uid, attributes, new=True)
    return begun, await report(door, title, uid, end_of("COMPLETED"), new=False)


async def test_an_examination_stands_in_the_history_of_its_case(harness: Harness, door: DimseServer) -> None:
    case, other = await harness.requested(), await harness.requested()
    assert await procedure(door, case) == (0, 0)
    await work_off(harness)
    await work_off(harness)
    assert (await harness.history(case.id))[-1:] == ["procedure-done"]
    assert [item.AccessionNumber for item in await ask(door, "CLINIC1")] == [other.accession_number]


async def test_a_report_about_another_institutions_case_touches_nothing(harness: Harness, door: DimseServer) -> None:
    case = await harness.requested()
    before = await harness.history(case.id)
    assert await procedure(door, case, "CLINIC2") == (0, 0)
    await work_off(harness)
    assert await harness.history(case.id) == before
    assert len(await ask(door, "CLINIC1")) == 1

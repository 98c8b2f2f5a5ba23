"""C-FIND, C-MOVE and C-GET: numbers and statuses, cancelling, what a destination does, whose studies they are."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, JPEG2000Lossless, generate_uid
from pynetdicom import build_role, evt
from pynetdicom.association import Association

from dicom_gateway import Source
from dicom_gateway.pixels.transcode import transcode
from tests.dicom_gateway.conftest import Gateway
from tests.dicom_gateway.devices import StorageProvider, keys_of, with_association
from tests.dicom_gateway.objects import ct_slice, part10_of

FIND, MOVE, GET = (f"1.2.840.10008.5.1.4.1.2.2.{number}" for number in (1, 2, 3))


async def fill(gateway: Gateway, owner: str, study: str, count: int, **attributes: Any) -> list[Dataset]:
    """A study of so many instances."""
    images = [ct_slice(StudyInstanceUID=study, **attributes) for _ in range(count)]
    received = await asyncio.gather(*(gateway.intake.receive(part10_of(image), owner, Source("dimse")) for image in images))
    assert {each.status for each in received} == {0}
    return images


async def move(
    gateway: Gateway, keys: Dataset, to: str = "DEST", cancel: bool = False, title: str = "CLINIC1"
) -> list[tuple[Dataset, Dataset | None]]:
    def use(association: Association) -> list[tuple[Dataset, Dataset | None]]:
        answers = []
        for answer in association.send_c_move(keys, to, MOVE, msg_id=9):
            answers.append(answer)
            if cancel and len(answers) == 1:
                association.send_c_cancel(9, query_model=MOVE)
        return answers

    return await with_association(gateway.dimse.port, title, [MOVE], use)


def study_keys(study: str) -> Dataset:
    return keys_of(QueryRetrieveLevel="STUDY", StudyInstanceUID=study)


def numbers(answer: Dataset) -> tuple[int, int, int]:
    """Completed, failed and warned sub-operations."""
    names = ("Completed", "Failed", "Warning")
    return tuple(int(answer.get(f"NumberOf{name}Suboperations", -1)) for name in names)  # type: ignore[return-value]  # three names


async def test_a_study_moves_over_several_associations_byte_for_byte(gateway: Gateway, destination: StorageProvider) -> None:
    study = generate_uid()
    images = await fill(gateway, "CLINIC1", study, 40)
    (end, _), *_ = reversed(await move(gateway, study_keys(study)))
    assert (end.Status, numbers(end)) == (0, (40, 0, 0))
    assert set(destination.received) == {image.SOPInstanceUID for image in images}
    assert destination.originators == {("CLINIC1", 9)}
    assert 1 < destination.associations <= 4
    stored = part10_of(images[0])
    sent = hashlib.sha256(stored[stored.index(b"\x08\x00\x05\x00CS") :]).hexdigest()
    assert destination.received[images[0].SOPInstanceUID] == sent


async def test_what_the_destination_refuses_is_counted_and_named(gateway: Gateway, destination: StorageProvider) -> None:
    study = generate_uid()
    images = await fill(gateway, "CLINIC1", study, 4)
    bad, odd = images[0].SOPInstanceUID, images[1].SOPInstanceUID
    destination.status = lambda uid: {bad: 0xA700, odd: 0xB000}.get(uid, 0)
    (end, identifier), *_ = reversed(await move(gateway, study_keys(study)))
    assert (end.Status, numbers(end)) == (0xB000, (2, 1, 1))
    assert identifier is not None
    assert identifier.FailedSOPInstanceUIDList == bad
    destination.status = lambda uid: 0xA700
    (end, identifier), *_ = reversed(await move(gateway, study_keys(study)))
    assert (end.Status, numbers(end)) == (0xA702, (0, 4, 0))
    assert identifier is not None
    assert len(identifier.FailedSOPInstanceUIDList) == 4


async def test_moving_to_nobody(gateway: Gateway, free_port: Callable[[], int]) -> None:
    study = generate_uid()
    await fill(gateway, "CLINIC1", study, 2)
    ((end, _),) = await move(gateway, study_keys(study), to="UNKNOWN")
    assert end.Status == 0xA801
    gateway.movers["ABSENT"] = free_port()
    ((end, identifier),) = await move(gateway, study_keys(study), to="ABSENT")
    assert (end.Status, numbers(end)) == (0xA702, (0, 2, 0))
    assert identifier is not None
    assert len(identifier.FailedSOPInstanceUIDList) == 2


async def test_cancelling_a_move_stops_it(gateway: Gateway, destination: StorageProvider) -> None:
    study = generate_uid()
    await fill(gateway, "CLINIC1", study, 60)
    slow = asyncio.run_coroutine_threadsafe

    def take_time(uid: str) -> int:
        slow(asyncio.sleep(0.15), loop).result()
        return 0

    loop = asyncio.get_running_loop()
    destination.status = take_time
    answers = await move(gateway, study_keys(study), cancel=True)
    end = answers[-1][0]
    assert end.Status == 0xFE00
    assert end.NumberOfRemainingSuboperations > 0
    assert end.NumberOfRemainingSuboperations + sum(numbers(end)) == 60
    assert len(destination.received) == end.NumberOfCompletedSuboperations


async def test_a_destination_without_the_codec_gets_native_pixels(
    gateway: Gateway, destination: StorageProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The switch that the gateway turns is the process's, and the destination is in it: it would take any syntax.
    monkeypatch.setattr("pynetdicom._config.UNRESTRICTED_STORAGE_SERVICE", False)
    image = ct_slice()
    compressed = await asyncio.to_thread(transcode, part10_of(image), JPEG2000Lossless)
    assert (await gateway.intake.receive(compressed, "CLINIC1", Source("dimse"))).status == 0
    (end, _), *_ = reversed(await move(gateway, study_keys(image.StudyInstanceUID)))
    assert (end.Status, numbers(end)) == (0, (1, 0, 0))
    assert destination.syntax_of == {image.SOPInstanceUID: ExplicitVRLittleEndian}


async def test_nobody_moves_or_gets_what_is_not_theirs(gateway: Gateway, destination: StorageProvider) -> None:
    study = generate_uid()
    await fill(gateway, "CLINIC1", study, 1)
    ((end, _),) = await move(gateway, study_keys(study), title="CLINIC2")
    assert (end.Status, numbers(end)) == (0, (0, 0, 0))
    assert destination.received == {}
    got, (end, _) = await get(gateway, study_keys(study), title="CLINIC2")
    assert (got, end.Status) == ({}, 0)
    assert await find(gateway, keys_of(QueryRetrieveLevel="STUDY", StudyInstanceUID=""), title="CLINIC2") == ([], 0)


async def get(
    gateway: Gateway, keys: Dataset, cancel_after: int = 0, title: str = "CLINIC1", status: int = 0
) -> tuple[dict[str, bytes], tuple[Dataset, Dataset | None]]:
    """Data sets that came by C-GET, by their UIDs, and the final response."""
    got: dict[str, bytes] = {}
    associations: list[Association] = []

    def store(event: Any) -> int:
        got[str(event.request.AffectedSOPInstanceUID)] = event.request.DataSet.getvalue()
        if len(got) == cancel_after:
            associations[0].send_c_cancel(9, query_model=GET)
        return status

    def use(association: Association) -> tuple[Dataset, Dataset | None]:
        associations.append(association)
        *_, end = association.send_c_get(keys, GET, msg_id=9)
        return end

    roles = [build_role(CTImageStorage, scp_role=True)]
    handlers = [(evt.EVT_C_STORE, store)]
    end = await with_association(gateway.dimse.port, title, [GET, CTImageStorage], use, ext_neg=roles, evt_handlers=handlers)
    return got, end


async def test_a_study_comes_back_over_the_same_association(gateway: Gateway) -> None:
    study = generate_uid()
    images = await fill(gateway, "CLINIC1", study, 25)
    got, (end, _) = await get(gateway, study_keys(study))
    assert (end.Status, numbers(end)) == (0, (25, 0, 0))
    assert set(got) == {image.SOPInstanceUID for image in images}
    assert part10_of(images[3]).endswith(got[images[3].SOPInstanceUID])


async def test_cancelling_a_get_stops_it(gateway: Gateway) -> None:
    study = generate_uid()
    await fill(gateway, "CLINIC1", study, 60)
    got, (end, _) = await get(gateway, study_keys(study), cancel_after=2)
    assert end.Status == 0xFE00
    assert end.NumberOfRemainingSuboperations + sum(numbers(end)) == 60
    assert 2 <= len(got) < 60


async def test_failures_of_a_get_are_counted_and_named(gateway: Gateway) -> None:
    study = generate_uid()
    await fill(gateway, "CLINIC1", study, 3)
    _, (end, identifier) = await get(gateway, study_keys(study), status=0xC001)
    assert (end.Status, numbers(end)) == (0xA702, (0, 3, 0))
    assert identifier is not None
    assert len(identifier.FailedSOPInstanceUIDList) == 3


@pytest.mark.parametrize(
    "keys",
    [keys_of(QueryRetrieveLevel="STUDY"), keys_of(QueryRetrieveLevel="HOUSE"), keys_of(QueryRetrieveLevel="IMAGE", SOPInstanceUID="*")],
)
async def test_a_request_that_names_nothing_is_refused(gateway: Gateway, destination: StorageProvider, keys: Dataset) -> None:
    ((end, _),) = await move(gateway, keys)
    assert end.Status == 0xA900
    assert end.ErrorComment


async def find(gateway: Gateway, keys: Dataset, title: str = "CLINIC1", cancel_after: int = 0) -> tuple[list[Dataset], int]:
    def use(association: Association) -> tuple[list[Dataset], int]:
        found: list[Dataset] = []
        for answer, identifier in association.send_c_find(keys, FIND, msg_id=5):
            if answer.Status not in (0xFF00, 0xFF01):
                return found, int(answer.Status)
            found.append(identifier or Dataset())
            if len(found) == cancel_after:
                association.send_c_cancel(5, query_model=FIND)
        return found, -1

    return await with_association(gateway.dimse.port, title, [FIND], use)


async def test_many_answers_come_in_pages(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicom_gateway.index.reading.Index.pages.__defaults__", (7,))
    study = generate_uid()
    images = await fill(gateway, "CLINIC1", study, 30)
    keys = keys_of(QueryRetrieveLevel="IMAGE", StudyInstanceUID=study, SOPInstanceUID="")
    found, end = await find(gateway, keys)
    assert (sorted(each.SOPInstanceUID for each in found), end) == (sorted(image.SOPInstanceUID for image in images), 0)


async def test_cancelling_a_find_stops_it(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicom_gateway.index.reading.Index.pages.__defaults__", (20,))
    monkeypatch.setattr("dicom_gateway.dimse.threads._ROOM", 1)
    study = generate_uid()
    await fill(gateway, "CLINIC1", study, 300)
    keys = keys_of(QueryRetrieveLevel="IMAGE", StudyInstanceUID=study, SOPInstanceUID="")
    found, end = await find(gateway, keys, cancel_after=2)
    assert end == 0xFE00
    assert 2 <= len(found) < 300
    found, end = await find(gateway, keys)
    assert (len(found), end) == (300, 0)


async def test_a_find_whose_requestor_disconnects_is_ended(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicom_gateway.index.reading.Index.pages.__defaults__", (20,))
    monkeypatch.setattr("dicom_gateway.dimse.threads._ROOM", 1)
    study = generate_uid()
    await fill(gateway, "CLINIC1", study, 300)
    keys = keys_of(QueryRetrieveLevel="IMAGE", StudyInstanceUID=study, SOPInstanceUID="")

    def leave(association: Association) -> None:
        next(association.send_c_find(keys, FIND))
        association.abort()

    await with_association(gateway.dimse.port, "CLINIC1", [FIND], leave)
    found, end = await find(gateway, keys)
    assert (len(found), end) == (300, 0)


@pytest.mark.parametrize("terms", ["GB18030", "GBK", "ISO_IR 192"])
async def test_names_are_asked_and_answered_in_chinese(gateway: Gateway, terms: str) -> None:
    study = generate_uid()
    await fill(gateway, "CLINIC1", study, 1)
    await fill(gateway, "CLINIC1", generate_uid(), 1, PatientName="Li^Si=李^四")
    keys = keys_of(QueryRetrieveLevel="STUDY", PatientName="王*", StudyInstanceUID="", SpecificCharacterSet=terms)
    (answer,), end = await find(gateway, keys)
    assert (answer.StudyInstanceUID, answer.PatientName, answer.SpecificCharacterSet, end) == (study, "Wang^XiaoDong=王^小东", terms, 0)

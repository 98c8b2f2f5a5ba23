"""Storage commitment: on the same association, on a new one, after a while, and what cannot be promised."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, MRImageStorage, generate_uid
from pynetdicom import AE, evt
from pynetdicom.association import Association

from dicom_gateway import Source
from dicom_gateway.commitment import CLASS, INSTANCE
from dicom_gateway.index import dicom_commitment, dicom_instance
from tests.dicom_gateway.conftest import Gateway
from tests.dicom_gateway.devices import keys_of, with_association
from tests.dicom_gateway.objects import ct_slice, part10_of

pytestmark = pytest.mark.database


class Device:
    """Asks for commitment and takes the reports, on its own associations and, where it listens, on the gateway's."""

    def __init__(self, gateway: Gateway, title: str = "CLINIC1") -> None:
        self.gateway, self.title = gateway, title
        self.reports: list[tuple[int, Dataset]] = []
        self.loop = asyncio.get_running_loop()

    def take(self, event: Any) -> tuple[int, None]:
        self.reports.append((int(event.event_type), event.event_information))
        return 0, None

    async def ask(self, instances: Sequence[tuple[str, str]], *, stay: bool, transaction: str = "", action: int = 1) -> int:
        items = [keys_of(ReferencedSOPClassUID=c, ReferencedSOPInstanceUID=i) for c, i in instances]
        information = keys_of(TransactionUID=transaction or generate_uid(), ReferencedSOPSequence=items)

        def use(association: Association) -> int:
            answer, _ = association.send_n_action(information, action, CLASS, INSTANCE)
            if stay and answer.Status == 0:
                asyncio.run_coroutine_threadsafe(row_of(self.gateway, reported=True), self.loop).result()
            else:
                association.abort()
            return int(answer.Status)

        handlers = [(evt.EVT_N_EVENT_REPORT, self.take)] if stay else []
        return await with_association(self.gateway.dimse.port, self.title, [CLASS], use, evt_handlers=handlers)

    def listen(self, port: int, tls: ssl.SSLContext | None = None) -> Any:
        ae = AE(ae_title=self.title)
        ae.add_supported_context(CLASS, scu_role=False, scp_role=True)
        return ae.start_server(("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_N_EVENT_REPORT, self.take)], ssl_context=tls)


async def sent(gateway: Gateway, owner: str = "CLINIC1") -> tuple[str, str]:
    image = ct_slice()
    assert (await gateway.intake.receive(part10_of(image), owner, Source("dimse"))).status == 0
    return CTImageStorage, str(image.SOPInstanceUID)


def failures(information: Dataset) -> dict[str, int]:
    return {item.ReferencedSOPInstanceUID: item.FailureReason for item in information.get("FailedSOPSequence") or ()}


def committed(information: Dataset) -> set[str]:
    return {item.ReferencedSOPInstanceUID for item in information.get("ReferencedSOPSequence") or ()}


async def row_of(gateway: Gateway, reported: bool) -> Any:
    """The only request, once it was reported, or once an attempt failed."""
    c = dicom_commitment.c
    done = c.reported_at.is_not(None) if reported else c.error.is_not(None)
    async with asyncio.timeout(20):
        while True:
            async with gateway.engine.connect() as connection:
                if row := (await connection.execute(sa.select(dicom_commitment).where(done))).first():
                    return row
            await asyncio.sleep(0.05)


async def test_what_is_stored_is_committed_on_the_same_association(gateway: Gateway) -> None:
    device, stored = Device(gateway), [await sent(gateway), await sent(gateway)]
    assert await device.ask(stored, stay=True, transaction="1.2.3") == 0
    ((event_type, information),) = device.reports
    assert (event_type, information.TransactionUID, committed(information)) == (1, "1.2.3", {uid for _, uid in stored})
    assert "FailedSOPSequence" not in information
    assert (await row_of(gateway, reported=True)).next_at is None


async def test_what_cannot_be_promised_is_named_with_its_reason(gateway: Gateway) -> None:
    device, unknown = Device(gateway), generate_uid()
    good, other, foreign, lost = [await sent(gateway), await sent(gateway), await sent(gateway, "CLINIC2"), await sent(gateway)]
    async with gateway.engine.connect() as connection:
        key = await connection.scalar(sa.select(dicom_instance.c.object_key).where(dicom_instance.c.sop_instance_uid == lost[1]))
    assert key is not None
    await gateway.store.delete(key)
    asked = [good, (MRImageStorage, other[1]), foreign, lost, (CTImageStorage, unknown)]
    assert await device.ask(asked, stay=True) == 0
    ((event_type, information),) = device.reports
    assert (event_type, committed(information)) == (2, {good[1]})
    assert failures(information) == {other[1]: 0x0119, foreign[1]: 0x0112, lost[1]: 0x0110, unknown: 0x0112}


async def test_a_requester_that_has_left_gets_its_report_on_a_new_association(gateway: Gateway, free_port: Callable[[], int]) -> None:
    device, stored, port = Device(gateway), await sent(gateway), free_port()
    gateway.movers["CLINIC1"] = port
    assert await device.ask([stored], stay=False) == 0
    await row_of(gateway, reported=False)  # nobody listened yet
    server = await asyncio.to_thread(device.listen, port)
    try:
        await row_of(gateway, reported=True)
    finally:
        await asyncio.to_thread(server.shutdown)
    assert [committed(information) for _, information in device.reports] == [{stored[1]}]


async def test_without_an_address_the_request_is_given_up_and_says_so(gateway: Gateway) -> None:
    device = Device(gateway)
    assert await device.ask([await sent(gateway)], stay=False) == 0
    row = await row_of(gateway, reported=False)
    assert "address" in row.error
    assert (row.next_at, row.reported_at) == (None, None)


async def test_the_same_transaction_again_is_reported_again(gateway: Gateway) -> None:
    device, stored = Device(gateway), await sent(gateway)
    for _ in range(2):
        assert await device.ask([stored], stay=True, transaction="1.2.3") == 0
    assert len(device.reports) == 2
    async with gateway.engine.connect() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(dicom_commitment)) == 1


@pytest.mark.parametrize(("instances", "action", "status"), [([], 1, 0x0115), ([(CTImageStorage, "1.2")], 2, 0x0123)])
async def test_a_request_that_makes_no_sense_is_refused(
    gateway: Gateway, instances: list[tuple[str, str]], action: int, status: int
) -> None:
    assert await Device(gateway).ask(instances, stay=False, action=action) == status
    async with gateway.engine.connect() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(dicom_commitment)) == 0

"""No device makes us call where none may be addressed: not when it is entered, and not when it is called, at any door."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydicom.uid import CTImageStorage, generate_uid
from pynetdicom.association import Association
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from dicom_gateway import Intake
from dicom_gateway.commitment import CLASS, INSTANCE
from dicom_gateway.index import dicom_commitment
from dicom_gateway.stability import StudyWatch
from storage import ObjectStore
from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.region import DEMONSTRATION
from telemed.adapters.dicom.device_peers import DevicePeers
from telemed.adapters.dicom.device_probe import DimseProbe
from telemed.devices_command import WrongDevice, device_of, put_device
from telemed.domain.device import DeviceEntry
from telemed.domain.device_networks import DeviceNetworks
from telemed.domain.errors import Invalid
from telemed.domain.transfer import TransferStatus
from telemed.roles.gateway import open_dimse
from telemed.service import devices, transfers
from telemed.settings import Settings
from tests.demo_region import DemoRegion, free_port, put_in_place
from tests.dicom_gateway.devices import keys_of, with_association
from tests.telemed.harness import Harness
from tests.telemed.service.test_transfers import MOVE, Post, post

__all__ = ["post"]

METADATA = "169.254.169.254"
NARROW = DeviceNetworks.of(["127.0.0.2/32"])
"""The machine under one of its addresses, so that a listener at another one tells whether it was called."""


@asynccontextmanager
async def listener(address: str = "127.0.0.1", port: int = 0) -> AsyncIterator[tuple[int, list[str]]]:
    """A port, and who connected to it."""
    called: list[str] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.append(address)
        writer.close()

    server = await asyncio.start_server(note, address, port)
    try:
        yield server.sockets[0].getsockname()[1], called
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("host", [METADATA, "fd00:ec2::254", "::ffff:169.254.169.254", "8.8.8.8", "fe80::1", "::"])
async def test_an_address_outside_is_not_entered(region: DemoRegion, host: str) -> None:
    body = {"institution": "CLINIC1", "host": host, "port": 80, "uses": ["store"]}
    for method, path, more in (("POST", "/api/v1/devices", {"title": "METADATA"}), ("PUT", "/api/v1/devices/CLINIC1", {})):
        answer = await region.call(method, path, body | more, user="operator", headers={"Accept-Language": "en"})
        assert answer.status == 422
        (fault,) = answer.body["errors"]
        assert fault["field"] == "host"
        assert "TELEMED_DEVICE_NETWORKS" in fault["message"]
        assert "10.0.0.0/8" in fault["message"]


async def test_nor_from_the_command_line(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    await put_in_place(settings)
    entry = device_of("METADATA", "CLINIC1", f"{METADATA}:80", ["store"], "")
    with pytest.raises(WrongDevice, match="TELEMED_DEVICE_NETWORKS"):
        await put_device(settings, entry)
    wide = Settings(data_dir=tmp_path, device_networks="203.0.113.0/24")
    await put_device(wide, replace(entry, host="203.0.113.7"))
    with pytest.raises(WrongDevice, match=r"203\.0\.113\.0/24"):
        await put_device(wide, replace(entry, host="10.1.2.3"))


async def test_a_device_of_an_older_entry_is_not_tried_there(post: Post) -> None:
    row = {"title": "OLD", "institution": "CLINIC1", "host": METADATA, "port": 80, "uses": frozenset()}
    async with post.harness.application.engine.begin() as connection:
        await connection.execute(t.application_entity.insert().values(row))
    await post.harness.application.refresh()
    with pytest.raises(Invalid, match="address-outside"):
        await devices.try_device(post.harness.application, post.harness.people["operator"], DimseProbe(DevicePeers("TELEMED")), "OLD")


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f000001", "127.1"])
async def test_a_name_of_somewhere_else_is_not_called_when_it_is_tried(harness: Harness, host: str) -> None:
    """The resolver takes numbers that the check of addresses does not read."""
    async with listener() as (port, called):
        row = {"title": "WS1", "institution": "CLINIC1", "host": host, "port": port, "uses": frozenset()}
        async with harness.application.engine.begin() as connection:
            await connection.execute(t.application_entity.insert().values(row))
        await harness.application.refresh()
        probe = DimseProbe(DevicePeers("TELEMED"), answer_within=0.3)
        with capture_logs() as lines:
            echo = await devices.try_device(harness.application, harness.people["operator"], probe, "WS1")
    assert called == []
    assert echo.cause == "no-device"
    assert [line["cause"] for line in lines if line["event"] == "device.unreachable"] == ["outside"]


@pytest.fixture
def turning_name(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A name that is 127.0.0.2 when it is asked for first, and 127.0.0.1 from then on; gives the answers that were given."""
    given: list[str] = []
    ask = socket.getaddrinfo

    def answer(host: Any, *more: Any, **named: Any) -> Any:
        if host != "turning.example":
            return ask(host, *more, **named)
        given.append("127.0.0.1" if given else "127.0.0.2")
        return ask(given[-1], *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return given


async def test_called_is_the_address_that_was_judged(harness: Harness, turning_name: list[str]) -> None:
    """A name that means another host as soon as it was looked at (DNS rebinding)."""
    port = free_port()
    async with listener("127.0.0.1", port) as (_, elsewhere), listener("127.0.0.2", port) as (_, judged):
        probe = DimseProbe(DevicePeers("TELEMED", may_call=NARROW.hold), answer_within=1)
        await harness.do("operator", devices.put_device, DeviceEntry("WS1", "CLINIC1", "turning.example", port))
        await devices.try_device(harness.application, harness.people["operator"], probe, "WS1")
        assert (judged, elsewhere, turning_name) == (["127.0.0.2"], [], ["127.0.0.2"])
        await devices.try_device(harness.application, harness.people["operator"], probe, "WS1")
        assert (judged, elsewhere, turning_name) == (["127.0.0.2"], [], ["127.0.0.2", "127.0.0.1"])


async def test_neither_study_nor_question_goes_there(harness: Harness, intake: Intake, store: ObjectStore) -> None:
    """C-STORE of a study that is sent, C-FIND and C-GET of priors."""
    post = Post(harness, intake, store, DevicePeers("TELEMED"))
    case, evidence = await post.case()
    async with listener() as (port, called):
        await post.device("WS1", "CLINIC1", port, "store")
        await post.device("PACS1", "CLINIC1", port, "query")
        await harness.do("clinic1", transfers.send_study, case.id, evidence.id, "WS1")
        await harness.do("clinic1", transfers.fetch_priors, case.id)
        await post.work()
    assert called == []
    found = await harness.ask("clinic1", transfers.transfers_of, case.id)
    assert {each.status for each in found} == {TransferStatus.WAITING}
    assert {each.error for each in found} == {f"no DICOM device answers at the address entered for {title}" for title in ("WS1", "PACS1")}


async def test_nor_what_a_device_asks_for(post: Post, store: ObjectStore) -> None:
    """C-MOVE to a destination, and the report of storage commitment over an association of our own."""
    case, _ = await post.case()
    engine, device = post.harness.application.engine, t.application_entity
    settings, watch = Settings(dicom_port=free_port()), StudyWatch(engine)
    async with listener() as (port, called):
        await post.device("WS1", "CLINIC1", port, "store")
        own = device.update().where(device.c.title == "CLINIC1").values(host="127.0.0.1", port=port, uses=frozenset({"store"}))
        async with engine.begin() as connection:
            await connection.execute(own)
            await connection.execute(t.region_setting.delete().where(t.region_setting.c.name == DEMONSTRATION))
        await post.harness.application.refresh()
        door = await open_dimse(settings, post.harness.application, post.index, store, post.intake, watch)
        try:
            (asked,) = await post.evidence(case.id)
            identifier = keys_of(QueryRetrieveLevel="STUDY", StudyInstanceUID=asked.study_instance_uid)
            answers = await with_association(
                door.port, "CLINIC1", [MOVE], lambda open_: list(open_.send_c_move(identifier, "WS1", MOVE)), ae_title="TELEMED"
            )
            await with_association(door.port, "CLINIC1", [CLASS], ask_for_commitment, ae_title="TELEMED")
            why = await told_of_commitment(engine)
        finally:
            await door.close()
    final = answers[-1][0]
    assert (final.NumberOfCompletedSuboperations, final.NumberOfFailedSuboperations) == (0, 3)
    assert "outside" in why
    assert called == []


def ask_for_commitment(association: Association) -> None:
    """Ask for it and go, so that the answer needs an association of ours."""
    item = keys_of(ReferencedSOPClassUID=CTImageStorage, ReferencedSOPInstanceUID=generate_uid())
    information = keys_of(TransactionUID=generate_uid(), ReferencedSOPSequence=[item])
    answer, _ = association.send_n_action(information, 1, CLASS, INSTANCE)
    assert answer.Status == 0
    association.abort()


async def told_of_commitment(engine: AsyncEngine) -> str:
    """Why the report failed, once it was tried."""
    async with asyncio.timeout(60):
        while True:
            async with engine.connect() as connection:
                why = (await connection.execute(sa.select(dicom_commitment.c.error))).scalar_one()
            if why:
                return str(why)
            await asyncio.sleep(0.1)

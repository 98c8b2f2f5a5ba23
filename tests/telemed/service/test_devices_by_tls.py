"""Devices that speak TLS: studies go there and priors come from there once certificates are right; what is wrong is said."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom.uid import generate_uid
from sqlalchemy import true
from sqlalchemy.ext.asyncio import create_async_engine

from dicom_gateway import Index, Intake, Scope, Source, start_dimse
from dicom_gateway.index import metadata
from dicom_gateway.index_barrier import IndexBarrier
from dicom_gateway.upper_layer.addresses import anywhere
from storage import ObjectStore, open_store
from telemed.adapters.dicom.device_peers import DevicePeers
from telemed.adapters.dicom.device_probe import DimseProbe
from telemed.domain.device import DeviceEntry, certificates_in
from telemed.domain.errors import Invalid
from telemed.domain.network import ApplicationEntity
from telemed.domain.transfer import TransferStatus
from telemed.service import devices, transfers
from tests.dicom_gateway.certificates import Authority, server_context
from tests.dicom_gateway.devices import StorageProvider
from tests.dicom_gateway.objects import part10_of
from tests.telemed.harness import Harness, patient_card
from tests.telemed.service.test_transfers import Post, earlier, post

__all__ = ["post"]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def put(harness: Harness, entry: DeviceEntry) -> ApplicationEntity:
    device: ApplicationEntity = await harness.do("operator", devices.put_device, entry)
    await harness.application.refresh()
    return device


async def test_a_study_goes_out_once_the_certificate_is_the_right_one(post: Post, authority: Authority, tmp_path: Path) -> None:
    case, evidence = await post.case()
    workstation = StorageProvider(0, tls=server_context(authority.issue("workstation")))
    server = await asyncio.to_thread(workstation.start)
    port = server.server_address[1]
    wrong, right = (each.file.read_text() for each in (Authority(tmp_path, "strangers"), authority))
    entry = DeviceEntry("WS1", "CLINIC1", "127.0.0.1", port, ("store",), tls=True, authority=wrong)
    try:
        await put(post.harness, entry)
        await post.harness.do("clinic1", transfers.send_study, case.id, evidence.id, "WS1")
        await post.work()
        waiting = await post.transfer(case.id)
        assert (waiting.status, waiting.attempts) == (TransferStatus.WAITING, 1)
        assert "certificate that is not trusted" in waiting.error
        await put(post.harness, replace(entry, authority=right))
        post.harness.clock.forward(minutes=5)
        await post.work()
    finally:
        await asyncio.to_thread(server.shutdown)
    assert (await post.transfer(case.id)).status is TransferStatus.DONE
    assert len(workstation.received) == 3


@asynccontextmanager
async def pacs(folder: Path, tls: ssl.SSLContext, study: str) -> AsyncIterator[int]:
    """A PACS that speaks TLS only, with one study; gives its port."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{folder / 'pacs.sqlite'}")
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    store: ObjectStore = open_store((folder / "pacs").as_uri())
    intake = Intake(engine, store)
    assert (await intake.receive(part10_of(earlier(study, "20230102")), "PACS", Source("dimse"))).status == 0

    async def everybody(calling: str, called: str, address: str, certificate: bytes) -> Scope:
        return Scope(true(), "PACS")

    server = await start_dimse(Index(engine, IndexBarrier(store)), store, intake, everybody, ae_title="PACS1", port=0, tls=tls)
    try:
        yield server.port
    finally:
        await server.close()
        await intake.close()
        await store.close()
        await engine.dispose()


async def test_earlier_studies_come_over_tls(post: Post, authority: Authority, tmp_path: Path) -> None:
    study = str(generate_uid())
    async with pacs(tmp_path, server_context(authority.issue("pacs")), study) as port:
        entry = DeviceEntry("PACS1", "CLINIC1", "127.0.0.1", port, ("query",), tls=True, authority=authority.file.read_text())
        await put(post.harness, entry)
        case = await post.harness.requested(patient=patient_card(1))
        await post.work()
    assert (await post.transfer(case.id)).error == ""
    (prior,) = await post.evidence(case.id)
    assert (prior.study_instance_uid, prior.instances) == (study, 1)


async def test_the_operator_is_told_what_is_wrong(harness: Harness, authority: Authority, tmp_path: Path) -> None:
    mutual = server_context(authority.issue("device"), authority.file)
    ours, foreign = str(authority.issue("gateway")), str(Authority(tmp_path, "strangers").issue("foreign"))
    workstation = StorageProvider(0, tls=mutual)
    server = await asyncio.to_thread(workstation.start)
    entry = DeviceEntry("WS1", "CLINIC1", "127.0.0.1", server.server_address[1], ("store",), tls=True)
    own_certificate = certificates_in((tmp_path / "device.pem").read_text())
    try:
        for trusted, peers, cause in (
            (
                authority.file.read_text(),
                DevicePeers("TELEMED", ours, may_call=anywhere),
                "service",
            ),  # it takes no C-ECHO, and says so over TLS
            (own_certificate, DevicePeers("TELEMED", ours, may_call=anywhere), "service"),
            ("", DevicePeers("TELEMED", ours, str(authority.file), anywhere), "service"),
            ("", DevicePeers("TELEMED", ours, may_call=anywhere), "certificate"),
            ("", DevicePeers("TELEMED", ours, str(tmp_path / "strangers.pem"), anywhere), "certificate"),
            (authority.file.read_text(), DevicePeers("TELEMED", may_call=anywhere), "our-certificate"),
            (authority.file.read_text(), DevicePeers("TELEMED", foreign, may_call=anywhere), "our-certificate"),
        ):
            await put(harness, replace(entry, authority=trusted))
            echo = await devices.try_device(harness.application, harness.people["operator"], DimseProbe(peers), "WS1")
            assert echo.cause == cause, echo.detail
    finally:
        await asyncio.to_thread(server.shutdown)


async def test_the_name_counts_where_no_authority_was_entered(harness: Harness, authority: Authority) -> None:
    """The certificate names localhost and 127.0.0.1."""
    workstation = StorageProvider(0, tls=server_context(authority.issue("device")), host="127.0.0.2")
    server = await asyncio.to_thread(workstation.start)
    peers = DevicePeers("TELEMED", authorities=str(authority.file), may_call=anywhere)
    try:
        for trusted, cause in (("", "certificate"), (authority.file.read_text(), "service")):
            await put(harness, DeviceEntry("WS1", "CLINIC1", "127.0.0.2", server.server_address[1], tls=True, authority=trusted))
            echo = await devices.try_device(harness.application, harness.people["operator"], DimseProbe(peers), "WS1")
            assert echo.cause == cause, echo.detail
    finally:
        await asyncio.to_thread(server.shutdown)


async def test_only_certificates_are_kept(harness: Harness, authority: Authority) -> None:
    text = authority.file.read_text()
    device = await put(harness, DeviceEntry("WS1", "CLINIC1", tls=True, authority=f"Our authority:\r\n{text}\n"))
    assert device.authority == text
    secret = authority.issue("device").read_text()
    for wrong, code in (
        (secret, "private-key"),
        ("hello", "certificate"),
        (text.replace("MII", "???"), "certificate"),
        ("x" * 40_000, "too-long"),
    ):
        with pytest.raises(Invalid, match=code):
            await put(harness, DeviceEntry("WS1", "CLINIC1", tls=True, authority=wrong))

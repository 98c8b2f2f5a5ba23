"""What we ask for over TLS: C-MOVE sub-operations, reports of storage commitment, queries; and what a wrong certificate says."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import generate_uid
from pynetdicom import AE, build_context, evt

from dicom_gateway.dimse.query_retrieve_scu import FIND, studies_of_patient
from dicom_gateway.dimse.scu import associate
from dicom_gateway.upper_layer.sender import NATIVE, Cause, Peer, SendingFailed, echo
from tests.dicom_gateway.certificates import Authority, client_context, server_context
from tests.dicom_gateway.conftest import Gateway
from tests.dicom_gateway.devices import StorageProvider, keys_of
from tests.dicom_gateway.test_commitment import Device, committed, row_of, sent
from tests.dicom_gateway.test_retrieve import fill, move, numbers, study_keys


@dataclass
class Certificates:
    """A hospital's authority with certificates of a device and of the gateway, and an authority that nobody trusts."""

    ours: Authority
    device: Path
    gateway: Path
    strangers: Authority


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    authority = Authority(tmp_path)
    return Certificates(authority, authority.issue("device"), authority.issue("gateway"), Authority(tmp_path, "strangers"))


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_study_moves_over_tls_to_whom_is_trusted(
    gateway: Gateway, certificates: Certificates, free_port: Callable[[], int], trusted: bool
) -> None:
    images = await fill(gateway, "CLINIC1", generate_uid(), 3)
    workstation = StorageProvider(free_port(), tls=server_context(certificates.device))
    gateway.movers["DEST"] = workstation.port
    gateway.secure["DEST"] = client_context((certificates.ours if trusted else certificates.strangers).file)
    server = await asyncio.to_thread(workstation.start)
    try:
        answers = await move(gateway, study_keys(images[0].StudyInstanceUID))
    finally:
        await asyncio.to_thread(server.shutdown)
    end = answers[-1][0]
    assert numbers(end)[:2] == ((3, 0) if trusted else (0, 3))
    assert len(workstation.received) == (3 if trusted else 0)
    assert trusted or "certificate" in str(end.get("ErrorComment"))


async def test_a_commitment_is_reported_over_tls_once_the_certificate_is_right(
    gateway: Gateway, certificates: Certificates, free_port: Callable[[], int]
) -> None:
    device, instance = Device(gateway), await sent(gateway)
    gateway.movers["CLINIC1"] = port = free_port()
    gateway.secure["CLINIC1"] = client_context(certificates.strangers.file)
    server = await asyncio.to_thread(device.listen, port, server_context(certificates.device))
    try:
        assert await device.ask([instance], stay=False) == 0
        failed = await row_of(gateway, reported=False)
        assert "certificate that is not trusted" in failed.error
        gateway.secure["CLINIC1"] = client_context(certificates.ours.file)
        await row_of(gateway, reported=True)  # the next try, two seconds later
    finally:
        await asyncio.to_thread(server.shutdown)
    ((_, information),) = device.reports
    assert committed(information) == {instance[1]}


@asynccontextmanager
async def archive(tls: ssl.SSLContext | None) -> AsyncIterator[int]:
    """A PACS that answers C-ECHO, and finds one study."""
    ae = AE(ae_title="PACS1")
    ae.add_supported_context("1.2.840.10008.1.1")
    ae.add_supported_context(FIND)

    def find(event: Any) -> Any:
        yield 0xFF00, keys_of(QueryRetrieveLevel="STUDY", PatientID="P1", StudyInstanceUID="1.2.3", StudyDate="20230102")

    def start() -> Any:
        return ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_FIND, find)], ssl_context=tls)

    server = await asyncio.to_thread(start)
    try:
        yield server.server_address[1]
    finally:
        await asyncio.to_thread(server.shutdown)


def calling(port: int, tls: ssl.SSLContext | None) -> Peer:
    return Peer("127.0.0.1", port, "PACS1", "TELEMED", tls)


async def test_both_ways_of_calling_speak_tls_and_show_our_certificate(certificates: Certificates) -> None:
    async with archive(server_context(certificates.device, certificates.ours.file)) as port:
        peer = calling(port, client_context(certificates.ours.file, certificates.gateway))
        assert await echo(peer) == 0
        (study,) = await asyncio.to_thread(studies_of_patient, peer, "P1")
        assert study.study_instance_uid == "1.2.3"


async def causes(port: int, tls: ssl.SSLContext | None) -> set[Cause]:
    """What both ways of calling say: ours, and pynetdicom's."""
    peer, found = calling(port, tls), set()

    def find() -> None:
        with associate(peer, [build_context(FIND, list(NATIVE))], 10):
            pass

    for attempt in (lambda: echo(peer), lambda: asyncio.to_thread(find)):
        with pytest.raises(SendingFailed, match=r"127\.0\.0\.1") as refusal:
            await attempt()
        found.add(refusal.value.cause)
    return found


async def test_what_is_wrong_with_certificates_is_told_apart(certificates: Certificates) -> None:
    ours, strangers = certificates.ours.file, certificates.strangers.file
    async with archive(server_context(certificates.device, ours)) as port:
        assert await causes(port, client_context(strangers, certificates.gateway)) == {Cause.CERTIFICATE}
        assert await causes(port, client_context(ours)) == {Cause.OUR_CERTIFICATE}
        foreign = certificates.strangers.issue("foreign")
        assert await causes(port, client_context(ours, foreign)) == {Cause.OUR_CERTIFICATE}


async def test_tls_on_one_side_alone(certificates: Certificates) -> None:
    async with archive(server_context(certificates.device)) as port:
        with pytest.raises(SendingFailed) as refusal:
            await echo(calling(port, None))
        assert refusal.value.cause in (Cause.ENDED, Cause.NO_DICOM)
    async with archive(None) as port:
        assert await causes(port, client_context(certificates.ours.file)) <= {Cause.TLS, Cause.ENDED, Cause.NO_ANSWER}


async def answers_not(peer: Peer) -> bool:
    try:
        return await echo(peer) != 0
    except SendingFailed:
        return True


@pytest.mark.skipif(shutil.which("storescp") is None, reason="dcmtk is not installed")
async def test_dcmtk_is_called_over_mutual_tls(
    gateway: Gateway, certificates: Certificates, free_port: Callable[[], int], tmp_path: Path
) -> None:
    """Its storescp asks for a certificate of the same authority."""
    folder, port, device = tmp_path / "kept", free_port(), str(certificates.device)
    folder.mkdir()
    secure = ("+tls", device, device, "-pw", "+cf", str(certificates.ours.file))
    storescp = await asyncio.create_subprocess_exec("storescp", *secure, "-od", str(folder), str(port))
    try:
        tls = client_context(certificates.ours.file, certificates.gateway)
        async with asyncio.timeout(20):
            while await answers_not(calling(port, tls)):  # noqa: ASYNC110  # another program says nothing when it has started
                await asyncio.sleep(0.1)
        assert await causes(port, client_context(certificates.ours.file)) <= {Cause.OUR_CERTIFICATE, Cause.ENDED}
        images = await fill(gateway, "CLINIC1", generate_uid(), 3)
        gateway.movers["DEST"], gateway.secure["DEST"] = port, tls
        answers = await move(gateway, study_keys(images[0].StudyInstanceUID))
        assert numbers(answers[-1][0])[:2] == (3, 0)
        assert len(list(folder.iterdir())) == 3
    finally:
        storescp.terminate()
        await storescp.wait()

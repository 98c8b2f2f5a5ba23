"""Clients that others wrote: dcmtk and dicomweb-client, and an archive started by its command and killed."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from dicomweb_client.api import DICOMwebClient
from pydicom import dcmread
from pydicom.dataset import Dataset

from dicom_gateway import Source
from dicom_gateway.dimse.association_socket import RequestingEntity
from tests.dicom_gateway.conftest import Gateway
from tests.dicom_gateway.devices import StorageProvider
from tests.dicom_gateway.objects import ct_slice, part10_of

ROOT = Path(__file__).resolve().parents[2]


async def run(*command: str) -> str:
    """Run a program; its output. Fails unless it ends well."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, out.decode()
    return out.decode()


@pytest.mark.skipif(shutil.which("storescu") is None, reason="dcmtk is not installed")
async def test_dcmtk_stores_asks_and_takes_back(gateway: Gateway, tmp_path: Path, free_port: Callable[[], int]) -> None:
    slice_, port = ct_slice(), str(gateway.dimse.port)
    sent = tmp_path / "sent.dcm"
    await asyncio.to_thread(sent.write_bytes, part10_of(slice_))
    peer = ("-aet", "CLINIC1", "-aec", "TELEMED", "127.0.0.1", port)
    study = ("-k", f"StudyInstanceUID={slice_.StudyInstanceUID}")
    await run("echoscu", *peer)
    await run("storescu", *peer, str(sent))
    listed = await run("findscu", "-S", "-k", "QueryRetrieveLevel=STUDY", *study, "-k", "AccessionNumber", *peer)
    assert "ACC1" in listed
    got = tmp_path / "got"
    got.mkdir()
    await run("getscu", "-S", "-k", "QueryRetrieveLevel=STUDY", *study, "-od", str(got), *peer)
    assert len(list(got.iterdir())) == 1
    moved, mover = tmp_path / "moved", free_port()
    moved.mkdir()
    gateway.movers["CLINIC1"] = mover
    move = ("-S", "-k", "QueryRetrieveLevel=STUDY", *study, "-od", str(moved), "--port", str(mover), "-aem", "CLINIC1")
    await run("movescu", *move, *peer)
    assert len(list(moved.iterdir())) == 1


@pytest.mark.skipif(shutil.which("findscu") is None, reason="dcmtk is not installed")
async def test_dcmtk_cancels(gateway: Gateway, destination: StorageProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicom_gateway.dimse.threads._ROOM", 1)
    monkeypatch.setattr("dicom_gateway.dimse.retrieve.REPORT_EVERY", 0)
    study = ct_slice().StudyInstanceUID
    images = [part10_of(ct_slice(StudyInstanceUID=study)) for _ in range(150)]
    await asyncio.gather(*(gateway.intake.receive(image, "CLINIC1", Source("dimse")) for image in images))
    peer = ("-aet", "CLINIC1", "-aec", "TELEMED", "127.0.0.1", str(gateway.dimse.port))
    keys, each = ("-k", f"StudyInstanceUID={study}"), ("-k", "QueryRetrieveLevel=IMAGE", "-k", "SOPInstanceUID")
    found = await run("findscu", "-v", "-S", "--cancel", "2", *each, *keys, *peer)
    assert "Cancel" in found
    loop = asyncio.get_running_loop()

    def take_time(uid: str) -> int:
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0.15), loop).result()
        return 0

    destination.status = take_time
    told = await run("movescu", "-v", "-S", "-aem", "DEST", "--cancel", "1", "-k", "QueryRetrieveLevel=STUDY", *keys, *peer)
    assert "Cancel" in told
    assert len(destination.received) < 150


@pytest.mark.skipif(shutil.which("termscu") is None, reason="dcmtk is not installed")
async def test_a_shutdown_request_is_not_obeyed(gateway: Gateway) -> None:
    """dcmtk's termscu asks for a private service that ends dcmtk's own servers."""
    peer = ("-aet", "CLINIC1", "-aec", "TELEMED", "127.0.0.1", str(gateway.dimse.port))
    process = await asyncio.create_subprocess_exec("termscu", *peer, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    await asyncio.wait_for(process.communicate(), 30)
    await run("echoscu", *peer)


async def test_dcmjs_dimse_asks_and_takes_back(gateway: Gateway, destination: StorageProvider) -> None:
    modules = Path(os.environ.get("TELEMED_NODE_MODULES", ROOT / "node_modules"))
    if shutil.which("node") is None or not (modules / "dcmjs-dimse").is_dir():
        pytest.skip("dcmjs-dimse is not installed (npm install dcmjs-dimse; TELEMED_NODE_MODULES names the folder)")
    image = ct_slice()
    await gateway.intake.receive(part10_of(image), "CLINIC1", Source("dimse"))
    script = str(Path(__file__).with_name("dcmjs_client.cjs"))
    command = ("env", f"NODE_PATH={modules}", "node", script, str(gateway.dimse.port), str(image.StudyInstanceUID), "DEST")
    told = json.loads((await run(*command)).splitlines()[-1])
    assert told["ends"] == dict.fromkeys(("echo", "find", "get", "move"), 0)
    assert told["found"] == ["ACC1"]
    assert told["got"] == [image.SOPInstanceUID]
    assert set(destination.received) == {image.SOPInstanceUID}


async def test_dicomweb_client_stores_asks_and_takes_back(gateway: Gateway) -> None:
    slice_ = dcmread(BytesIO(part10_of(ct_slice())))
    client = DICOMwebClient(gateway.url, headers=gateway.headers("CLINIC1"))
    uids = (slice_.StudyInstanceUID, slice_.SeriesInstanceUID, slice_.SOPInstanceUID)

    def through() -> None:
        stored = client.store_instances([slice_])
        assert stored.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == slice_.SOPInstanceUID
        (study,) = client.search_for_studies(search_filters={"PatientID": "P0001"})
        assert study["0020000D"]["Value"] == [slice_.StudyInstanceUID]
        assert len(client.search_for_series(uids[0])) == len(client.search_for_instances(*uids[:2])) == 1
        back = client.retrieve_instance(*uids)
        assert back.PixelData == slice_.PixelData
        assert [d.SOPInstanceUID for d in client.retrieve_study(uids[0])] == [slice_.SOPInstanceUID]
        assert client.retrieve_instance_frames(*uids, [1]) == [slice_.PixelData]
        described = Dataset.from_json(client.retrieve_instance_metadata(*uids), lambda tag, vr, uri: b"")
        assert (described.PatientName, described.Rows) == (slice_.PatientName, 16)
        assert client.retrieve_instance_rendered(*uids, media_types=("image/png",)).startswith(b"\x89PNG")

    await asyncio.to_thread(through)


class Archive:
    """The gateway as a program of its own."""

    def __init__(self, data: Path, port: int, http_port: int) -> None:
        self.port, self.http_port = port, http_port
        ports = ["--port", str(port), "--http-port", str(http_port)]
        command = [sys.executable, "-m", "dicom_gateway", "serve", "--data", str(data), *ports]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        assert b"DICOMweb" in self.process.stdout.readline()

    def end(self, how: signal.Signals) -> None:
        self.process.send_signal(how)
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path: Path, free_port: Callable[[], int]) -> None:
    ports = free_port(), free_port()
    acknowledged: list[str] = []
    for _ in range(3):
        archive = Archive(tmp_path / "data", *ports)
        association = _associate(archive.port)
        for number in range(15):
            slice_ = ct_slice()
            part10_of(slice_)
            if association.send_c_store(slice_).get("Status") == 0:
                acknowledged.append(slice_.SOPInstanceUID)
            if number == 10:
                archive.process.send_signal(signal.SIGKILL)
                break
        archive.end(signal.SIGKILL)
        association.abort()
    archive = Archive(tmp_path / "data", *ports)
    try:
        client = DICOMwebClient(f"http://127.0.0.1:{archive.http_port}/dicomweb")
        found = [each["00080018"]["Value"][0] for each in client.search_for_instances()]
        assert len(found) == len(set(found))
        assert set(acknowledged) <= set(found)
        assert len(acknowledged) >= 30
        for each in client.search_for_instances():
            uids = [each[tag]["Value"][0] for tag in ("0020000D", "0020000E", "00080018")]
            assert client.retrieve_instance(*uids).SOPInstanceUID == uids[2]
    finally:
        archive.end(signal.SIGTERM)
    assert archive.process.returncode == 0


def _associate(port: int) -> Any:
    ae = RequestingEntity()
    ae.add_requested_context("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1")
    association = ae.associate("127.0.0.1", port)
    assert association.is_established
    return association

"""A disk that fills: images and files stop in time, everything else goes on, and the operator is told before."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from pynetdicom import AE

from storage.errors import StoreFull
from storage.space import DiskSpace, Room
from telemed.adapters.clock import utc_now
from telemed.centres.ecg.adapters.watched_folder import WatchedFolder
from telemed.demo.region import PASSWORD
from telemed.settings import Settings
from tests.demo_region import Answer, DemoRegion, free_port, new_case, put_in_place, served_with_gateway
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.storage.test_failure import small_disk
from tests.telemed.service.test_ecg_reading import file_of

MEGABYTE = 1 << 20
RESERVE = 24 * MEGABYTE
PDF = b"%PDF-1.4\n" + bytes(20_000)
SECTIONS = {"findings": "左侧基底节区见团块状高密度影。", "impression": "左侧基底节区脑出血。"}
TUS = {"Tus-Resumable": "1.0.0"}


@pytest.mark.parametrize(
    ("free", "room"),
    [
        (99, Room.RESERVED),
        (100, Room.SCARCE),
        (101, Room.SCARCE),
        (499, Room.SCARCE),
        (500, Room.AMPLE),
        (501, Room.AMPLE),
    ],
)
def test_the_room_of_a_disk_below_at_and_above_each_limit(free: int, room: Room) -> None:
    assert DiskSpace(total=10_000, free=free, reserve=100).room is room


@dataclass
class House:
    """An installation on a small disk of its own, with web and gateway."""

    region: DemoRegion
    disk: Path
    inbox: Path

    @contextmanager
    def filled(self, to: int) -> Iterator[None]:
        """Within the block something else leaves `to` bytes free on the disk."""
        ballast = self.disk / "ballast"
        with ballast.open("wb") as file:
            free = self.region.parts.space.look()["objects"].free
            for _ in range((free - to) // MEGABYTE):
                file.write(bytes(MEGABYTE))
        self.region.parts.space.look()
        try:
            yield
        finally:
            ballast.unlink()
            self.region.parts.space.look()

    async def store(self) -> int:
        """C-STORE of one image; the status."""
        return await asyncio.to_thread(send, self.region.parts.settings.dicom_port, ct_slice(SOPInstanceUID=generate_uid()))

    async def stow(self) -> Answer:
        content = part10_of(ct_slice(SOPInstanceUID=generate_uid()))
        body = b"--b\r\nContent-Type: application/dicom\r\n\r\n" + content + b"\r\n--b--\r\n"
        headers = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=b', "Accept": "application/dicom+json"}
        return await self.region.call("POST", "/dicomweb/studies", user="clinic1", data=body, headers=headers)

    async def upload(self, case: str, content: bytes) -> Answer:
        form = aiohttp.FormData()
        form.add_field("file", content, filename="file")
        return await self.region.call("POST", f"/api/v1/cases/{case}/files", user="clinic1", data=form)

    async def resume(self, case: str) -> Answer:
        """A resumable upload of one file, in one piece."""
        said = ",".join(f"{name} {_base64(value)}" for name, value in (("case", case), ("filename", "letter.pdf")))
        headers = TUS | {"Upload-Length": str(len(PDF)), "Upload-Metadata": said}
        begun = await self.region.call("POST", "/api/v1/uploads", user="clinic1", headers=headers)
        assert begun.status == 201, begun.body
        headers = TUS | {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        return await self.region.call("PATCH", begun.headers["Location"], user="clinic1", data=PDF, headers=headers)

    async def carts(self) -> bool:
        """Whether the watched folder took a file that waits there."""
        file = self.inbox / "CLINIC1" / "cart.xml"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(file_of("sinus"))
        times = iter([utc_now() + timedelta(minutes=minutes) for minutes in range(60)])
        with ThreadPoolExecutor(1) as pool:
            watch = WatchedFolder(self.region.parts.application, self.inbox, pool, lambda: next(times))
            try:
                for _ in range(2):
                    await watch.once()
            except StoreFull:
                assert file.read_bytes() == file_of("sinus")
                return False
        return not file.exists()


def _base64(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


def send(port: int, image: Dataset) -> int:
    """C-STORE of one image by CLINIC1; the status."""
    entity = AE("CLINIC1")
    entity.add_requested_context(CTImageStorage, ExplicitVRLittleEndian)
    association = entity.associate("127.0.0.1", port, ae_title="TELEMED")
    assert association.is_established
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    try:
        return int(association.send_c_store(image).Status)
    finally:
        association.release()


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("house")
    with small_disk(folder / "disk", "160m"):
        settings = Settings(
            data_dir=folder / "disk" / "data", http_port=free_port(), dicom_port=free_port(), reserve_bytes=RESERVE, reserve_percent=0
        )
        settings.data_dir.mkdir()
        (folder / "inbox").mkdir()
        await put_in_place(settings)
        async with served_with_gateway(settings) as region:
            yield House(region, folder / "disk", folder / "inbox")


async def test_every_door_for_images_and_files_closes_at_the_reserve_and_opens_again(house: House) -> None:
    case = await new_case(house.region)
    ecg = await new_case(house.region, "ecg")
    assert (await house.region.step(ecg, "submit", user="clinic1")).status == 200
    with house.filled(to=RESERVE - MEGABYTE):
        assert await house.store() == 0xA700
        stowed = await house.stow()
        assert (stowed.status, stowed.body["00081198"]["Value"][0]["00081197"]["Value"]) == (507, [0xA700])
        image = part10_of(ct_slice(SOPInstanceUID=generate_uid()))
        for answer in (await house.upload(case, PDF), await house.upload(case, image), await house.resume(case)):
            assert (answer.status, answer.body["type"]) == (507, "/problems/storage-full")
            assert "图像" in answer.body["detail"]
        assert not await house.carts()
    assert await house.store() == 0
    assert (await house.stow()).status == 200
    for answer in (await house.upload(case, PDF), await house.upload(case, image), await house.resume(case)):
        assert answer.status in (201, 204), answer.body


async def test_people_work_on_while_images_are_refused(house: House) -> None:
    case = await new_case(house.region)
    assert (await house.region.step(case, "submit", user="clinic1")).status == 200
    with house.filled(to=RESERVE // 2):
        assert await house.store() == 0xA700
        async with house.region.http.post("/api/v1/login", json={"username": "imaging.huba", "password": PASSWORD}) as answer:
            assert answer.status == 200
        assert (await house.region.call("GET", "/api/v1/cases", user="imaging.huba")).status == 200
        assert (await house.region.step(case, "claim", user="imaging.huba")).status == 200
        report = f"/api/v1/cases/{case}/report"
        etag = (await house.region.call("GET", report, user="imaging.huba")).headers["ETag"]
        saved = await house.region.call("PUT", report, {"sections": SECTIONS}, user="imaging.huba", headers={"If-Match": etag})
        assert saved.status == 200, saved.body
        signed = await house.region.step(case, "report/sign", {"password": PASSWORD}, user="imaging.huba")
        assert (signed.status, signed.body["status"]) == (200, "final")
        assert (await house.region.call("GET", f"{report}.pdf", user="clinic1")).status == 200
        trail = await house.region.call("GET", "/api/v1/audit?action=report:sign", user="auditor")
        assert any(record["subject"] == f"case/{case}" for record in trail.body["items"]), trail.body


async def test_the_network_page_and_a_metric_warn_before_and_say_when(house: House) -> None:
    async def seen() -> tuple[str, str]:
        page = await house.region.call("GET", "/network", user="operator", headers={"Accept": "text/html", "Accept-Language": "en"})
        metrics = await house.region.call("GET", "/metrics")
        return page.body.decode(), metrics.body.decode()

    page, metrics = await seen()
    assert "The disk is" not in page
    assert 'telemed_disk_scarce{disk="objects"} 0.0' in metrics
    with house.filled(to=2 * RESERVE):
        page, metrics = await seen()
        assert "The disk is nearly full" in page
        assert 'telemed_disk_scarce{disk="database"} 1.0' in metrics
        assert f'telemed_disk_reserve_bytes{{disk="objects"}} {float(RESERVE):.7e}' in metrics
        assert await house.store() == 0
    with house.filled(to=RESERVE // 2):
        assert "images and files are refused" in (await seen())[0]
    with house.filled(to=2 * RESERVE):
        answer = await house.region.call("GET", "/network", user="sysadmin", headers={"Accept": "text/html"})
        assert "磁盘将满" in answer.body.decode()

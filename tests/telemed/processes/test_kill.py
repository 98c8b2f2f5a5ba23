"""SIGKILL at every step of a case's way: nothing is lost, nothing happens twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from dicom_gateway.dimse.association_socket import RequestingEntity
from telemed.demo.chest_xray import chest_xray
from telemed.demo.dicom_header import StudyOrder
from telemed.demo.people import PATIENTS
from telemed.demo.region import PASSWORD
from tests.installation import AWAY, Installation
from tests.telemed.moments import NOON

SECTIONS = {"findings": "双肺纹理清晰，未见实质性病变。", "impression": "心肺膈未见明显异常。"}
REQUEST = {"modality": "DX", "body_part": "CHEST", "reason": "发热", "accession_number": "KILL-1"}
PATIENT = {
    "name": PATIENTS[0].name,
    "sex": PATIENTS[0].sex,
    "birth_date": f"{PATIENTS[0].birth_date:%Y-%m-%d}",
    "identifiers": [{"system": "resident-id", "value": PATIENTS[0].resident_id}, {"system": "CLINIC1", "value": PATIENTS[0].number}],
}
DELAYS = (0.0, 0.01, 0.03, 0.08, 0.2)
"""Seconds after the step was sent."""


pytestmark = pytest.mark.slow


@pytest.fixture
async def installation(tmp_path: Path) -> AsyncIterator[Installation]:
    running = Installation(tmp_path / "data")
    await running.start()
    yield running
    await running.stop()


class Journey:
    """A case on its way. Each step can be asked for again: the state says whether it has happened."""

    def __init__(self, platform: Installation) -> None:
        self.platform = platform
        order = StudyOrder("KILL-1", NOON.replace(tzinfo=None), "CLINIC1")
        self.image = next(iter(chest_xray(PATIENTS[0], order, 1)))

    async def case(self) -> dict[str, Any] | None:
        _, found, _ = await self.platform.call("clinic1", "GET", "/cases?q=KILL-1")
        return found["items"][0] if found["items"] else None

    async def path(self) -> str:
        case = await self.case()
        assert case is not None
        return f"/cases/{case['id']}"

    async def post(self, username: str, step: str, body: dict[str, Any]) -> None:
        status, content, _ = await self.platform.call(username, "POST", await self.path() + step, body)
        assert status in (200, 201, 409, 412), content

    async def create(self) -> None:
        body = {"centre": "imaging", "patient": PATIENT, "request": REQUEST}
        status, content, _ = await self.platform.call("clinic1", "POST", "/cases", body)
        assert status in (201, 422), content

    async def send(self) -> None:
        await asyncio.to_thread(self._store)

    def _store(self) -> None:
        from io import BytesIO

        from pydicom import dcmread

        dataset = dcmread(BytesIO(self.image))
        sender = RequestingEntity(ae_title="CLINIC1")
        sender.acse_timeout = sender.dimse_timeout = sender.network_timeout = 10
        sender.add_requested_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
        link = sender.associate("127.0.0.1", self.platform.dicom_port, ae_title="TELEMED")
        if link.is_established:
            link.send_c_store(dataset)
            link.release()

    async def save(self) -> None:
        path = await self.path()
        _, _, headers = await self.platform.call("imaging.huba", "GET", path + "/report")
        tag = {"If-Match": headers.get("ETag", "*")}
        await self.platform.call("imaging.huba", "PUT", path + "/report", {"sections": SECTIONS}, tag)

    async def is_status(self, *wanted: str) -> bool:
        case = await self.case()
        return case is not None and case["status"] in wanted

    async def has_study(self) -> bool:
        _, found, _ = await self.platform.call("clinic1", "GET", await self.path() + "/evidence")
        return [e["instances"] for e in found["items"]] == [1]

    async def is_saved(self) -> bool:
        _, report, _ = await self.platform.call("imaging.huba", "GET", await self.path() + "/report")
        return bool(report.get("sections") == SECTIONS)

    async def is_acknowledged(self) -> bool:
        case = await self.case()
        return case is not None and case["acknowledged_at"] is not None


Step = Callable[[], Awaitable[None]]
Check = Callable[[], Awaitable[bool]]


async def until_done(step: Step, done: Check) -> None:
    """As a person does who sees an error: look, and try again where it has not happened."""
    async with asyncio.timeout(120):
        while True:
            try:
                if await done():
                    return
                await step()
                for _ in range(20):
                    if await done():
                        return
                    await asyncio.sleep(0.1)
            except AWAY:
                await asyncio.sleep(0.2)


async def test_a_case_arrives_whatever_dies_on_the_way(installation: Installation) -> None:
    journey = Journey(installation)

    async def submit() -> None:
        await journey.post("clinic1", "/submit", {})

    async def claim() -> None:
        await journey.post("imaging.huba", "/claim", {})

    async def sign() -> None:
        await journey.post("imaging.huba", "/report/sign", {"password": PASSWORD})

    async def acknowledge() -> None:
        await journey.post("clinic1", "/acknowledge", {})

    steps: list[tuple[Step, Check, tuple[str, ...]]] = [
        (journey.create, lambda: journey.is_status("draft"), ("web", "all")),
        (journey.send, journey.has_study, ("gateway", "worker", "all")),
        (submit, lambda: journey.is_status("requested"), ("web", "worker")),
        (claim, lambda: journey.is_status("accepted"), ("web",)),
        (journey.save, journey.is_saved, ("web", "all")),
        (sign, lambda: journey.is_status("completed"), ("web", "all")),
        (acknowledge, journey.is_acknowledged, ("web",)),
    ]
    kills = 0
    for step, done, victims in steps:
        for victim in victims:
            asked = asyncio.create_task(step())
            await asyncio.sleep(DELAYS[kills % len(DELAYS)])
            if victim == "all":
                await installation.kill_all()
                await asyncio.gather(asked, return_exceptions=True)
                await installation.start()
            else:
                installation.kill_role(victim)
                await asyncio.gather(asked, return_exceptions=True)
            kills += 1
        await installation.ready()
        await until_done(step, done)
    assert kills >= 10

    path = await journey.path()
    _, found, _ = await installation.call("clinic1", "GET", "/cases?q=KILL-1")
    assert len(found["items"]) == 1
    _, events, _ = await installation.call("clinic1", "GET", path + "/events")
    happened = Counter(event["action"] for event in events["items"])
    assert {name: happened[name] for name in ("create", "submit", "claim", "sign", "acknowledge", "evidence")} == dict.fromkeys(
        ("create", "submit", "claim", "sign", "acknowledge", "evidence"), 1
    )
    status, report, _ = await installation.call("clinic1", "GET", path + "/report")
    assert (status, report["status"], report["sections"], len(report["versions"])) == (200, "final", SECTIONS, 1)
    status, pdf, _ = await installation.call("clinic1", "GET", path + "/report.pdf")
    assert status == 200
    assert pdf.startswith(b"%PDF-")
    assert await journey.has_study()
    assert (await installation.verify())[0] == 0


async def test_verify_names_what_was_changed(installation: Installation, tmp_path: Path) -> None:
    journey = Journey(installation)
    await until_done(journey.create, lambda: journey.is_status("draft"))
    await until_done(journey.send, journey.has_study)
    status, words = await installation.verify()
    assert status == 0, words
    objects = [p for p in (tmp_path / "data" / "objects").rglob("*") if p.is_file() and p.stat().st_size > 100_000]
    assert len(objects) == 1
    content = bytearray(objects[0].read_bytes())
    content[content.index(b"DICM") + 50_000] ^= 1  # somewhere in its pixels
    objects[0].write_bytes(content)
    status, words = await installation.verify()
    assert status == 1
    assert objects[0].name in words.replace("\n", "")

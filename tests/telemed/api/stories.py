"""Cases brought over the API as far as a test needs them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
from pydicom.uid import generate_uid

import ecg
from ecg.synthesis import holter
from telemed.centres.ecg.adapters.analysis import Analysis, analyse
from telemed.centres.ecg.domain import Edit, EditKind, Tracing, TracingKind
from telemed.centres.ecg.ports import Tracings
from telemed.service.identity import new_id
from tests.demo_region import Answer, DemoRegion, new_case
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.telemed.harness import CARD, PASSWORD, SECTIONS

BLEEDING = {"findings": "左侧基底节区见团块状高密度影。", "impression": "左侧基底节区脑出血。"}
PDF = b"%PDF-1.7\nscanned request\n"


async def done(answer: Answer) -> Any:
    """The body of an answer that must be a success."""
    assert answer.status in (200, 201), answer.body
    return answer.body


def file_form(content: bytes, name: str = "scan.pdf") -> aiohttp.FormData:
    form = aiohttp.FormData()
    form.add_field("file", content, filename=name, content_type="application/octet-stream")
    return form


@dataclass
class Story:
    """One imaging case of CLINIC1 and the ids of what belongs to it."""

    region: DemoRegion
    case_id: str
    evidence_id: str = ""
    value_id: str = ""
    study_uid: str = ""
    tracing_id: str = ""

    @property
    def url(self) -> str:
        return f"/api/v1/cases/{self.case_id}"

    async def step(self, user: str, step: str, body: Any = None) -> Any:
        return await done(await self.region.step(self.case_id, step, body, user=user))

    async def attach(self, content: bytes = PDF) -> dict[str, Any]:
        body = await done(await self.region.call("POST", f"{self.url}/files", data=file_form(content), user="clinic1"))
        found: dict[str, Any] = body["items"][0]
        return found

    async def write(self, user: str, sections: Any = None) -> Any:
        body = {"sections": sections or SECTIONS["imaging"]}
        return await done(await self.region.call("PUT", f"{self.url}/report", body, user=user, headers={"If-Match": "*"}))


async def drafted(region: DemoRegion, **request: str) -> Story:
    """A draft with a scanned document and a study."""
    story = Story(region, await new_case(region, **request))
    story.evidence_id = (await story.attach())["id"]
    image = ct_slice(StudyInstanceUID=generate_uid(), AccessionNumber="", PatientID="", **CARD)
    story.study_uid = (await story.attach(part10_of(image)))["study_instance_uid"]
    story.tracing_id = await long_tracing(region, story)
    return story


@cache
def analysed() -> tuple[Analysis, dict[str, bytes]]:
    """Twelve minutes of three leads as the worker reads them: what it found, and the objects it stores."""
    with TemporaryDirectory() as folder:
        file, made = Path(folder) / "recording.edf", Path(folder) / "made"
        file.write_bytes(ecg.write(holter(0.2, rate=125.0).recording, None, "edf"))
        made.mkdir()
        found = analyse(file, made, {})
        return found, {each.name: each.read_bytes() for each in made.iterdir()}


async def long_tracing(region: DemoRegion, story: Story) -> str:
    """A long recording as the worker leaves it, with a strip that was chosen."""
    application, number = region.parts.application, new_id()
    found, objects = analysed()
    for name, content in objects.items():
        await application.store.put(f"ecg/{number}/{name}", content)
    tracing = Tracing(
        number, story.case_id, story.evidence_id, "", TracingKind.HOLTER, application.now(), duration=found.duration, rate=found.rate,
        samples=found.samples, leads=found.leads, key=f"ecg/{number}",
    )  # fmt: skip
    async with application.writing() as work:
        assert await work.repository(Tracings).add(tracing)
        await work.repository(Tracings).add_edit(
            Edit(number, 1, EditKind.STRIP, {"begin": 1.0, "seconds": 8.0, "caption": "V5"}, "imaging.main", application.now())
        )
    return number


async def asked_further_up(region: DemoRegion) -> Story:
    """HUBA asked MAIN and keeps seeing the case; imaging.main has claimed it and written; a critical value is open."""
    story = await drafted(region)
    await story.step("clinic1", "submit")
    await story.step("imaging.huba", "escalate", {"reason": "请上级会诊"})
    await story.step("imaging.main", "claim")
    await story.write("imaging.main", BLEEDING)
    story.value_id = (await story.step("imaging.main", "criticals", {"finding": "急性颅内出血"}))["id"]
    return story


async def reported(region: DemoRegion) -> Story:
    """As above, signed and reviewed."""
    story = await asked_further_up(region)
    await story.step("imaging.main", "report/sign", {"password": PASSWORD})
    await story.step("imaging2.main", "report/review", {"password": PASSWORD})
    return story

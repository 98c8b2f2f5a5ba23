"""Images, files and reports of a patient's earlier cases at the doors of HTTP: open while the reader holds a case, on record each time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydicom.uid import generate_uid

from tests.demo_region import DemoRegion, running_region
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.telemed.api.stories import BLEEDING, PDF, Story, done, file_form
from tests.telemed.harness import CARD, PASSWORD, resident_id

READER, ELSEWHERE = "imaging.huba", "imaging.hubb"
PERSON = 71
"""Number of a patient whom no other test has."""


async def of_the_patient(region: DemoRegion, member: str) -> Story:
    """A case that the member has sent, of the one patient whom both know."""
    identifiers = [{"system": "resident-id", "value": resident_id(PERSON)}]
    patient = {"name": "张伟", "sex": "male", "birth_date": "1961-03-05", "identifiers": identifiers}
    request = {"reason": "头痛三天", "modality": "CT", "body_part": "HEAD"}
    body = {"centre": "imaging", "patient": patient, "request": request}
    made = await done(await region.call("POST", "/api/v1/cases", body, user=member))
    return Story(region, made["id"])


@pytest.fixture
async def region(tmp_path: Path, region_database: Path) -> AsyncIterator[DemoRegion]:
    """One of its own: nobody else's records are near those of the patient."""
    async with running_region(tmp_path, region_database) as running:
        yield running


@pytest.fixture
async def earlier(region: DemoRegion) -> Story:
    """Answered by the other hub, with a study and a document."""
    story = await of_the_patient(region, "clinic3")
    image = ct_slice(StudyInstanceUID=generate_uid(), AccessionNumber="", PatientID="", **CARD)
    for content in (PDF, part10_of(image)):
        attached = await region.call("POST", f"{story.url}/files", data=file_form(content), user="clinic3")
        item = (await done(attached))["items"][0]
        story.study_uid, story.evidence_id = item["study_instance_uid"] or story.study_uid, story.evidence_id or item["id"]
    await story.step("clinic3", "submit")
    await story.step(ELSEWHERE, "claim")
    await story.write(ELSEWHERE, BLEEDING)
    await story.step(ELSEWHERE, "report/sign", {"password": PASSWORD})
    return story


async def doors(region: DemoRegion, story: Story, held: str) -> list[int]:
    """How each door answers the reader."""
    addresses = (
        f"/dicomweb/studies/{story.study_uid}/metadata",
        f"{story.url}/evidence/{story.evidence_id}/content",
        f"/read/{held}/priors/{story.case_id}",
    )
    return [(await region.call("GET", address, user=READER)).status for address in addresses]


async def test_every_door_opens_with_the_claim_and_closes_with_the_release(region: DemoRegion, earlier: Story) -> None:
    now = await of_the_patient(region, "clinic1")
    await now.step("clinic1", "submit")
    assert await doors(region, earlier, now.case_id) == [404, 404, 404]
    await now.step(READER, "claim")
    assert await doors(region, earlier, now.case_id) == [200, 200, 200]
    page = (await region.call("GET", f"/read/{now.case_id}", user=READER)).body.decode()
    assert f"/read/{now.case_id}/priors/{earlier.case_id}" in page
    assert f'data-compare="{earlier.study_uid}"' in page
    assert f'href="/read/{earlier.case_id}"' not in page  # its report and images, not the case
    report = (await region.call("GET", f"/read/{now.case_id}/priors/{earlier.case_id}", user=READER)).body.decode()
    assert BLEEDING["impression"] in report
    assert f"/evidence/{earlier.evidence_id}/content" in report
    await now.step(READER, "release")
    assert await doors(region, earlier, now.case_id) == [404, 404, 404]
    trail = (await region.call("GET", f"/api/v1/audit?actor={READER}&action=timeline:read", user="auditor")).body["items"]
    assert {line["subject"] for line in trail} >= {f"case/{earlier.case_id}"}
    looked = (await region.call("GET", f"/api/v1/audit?actor={READER}&subject=study/{earlier.study_uid}", user="auditor")).body["items"]
    assert "evidence:read" in {line["action"] for line in looked}
    await now.step("clinic1", "cancel", {"reason": "x"})

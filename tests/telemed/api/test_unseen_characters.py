"""Characters that cannot be seen and change what is read: gone from what people write, shown in what files say, at every door."""

from __future__ import annotations

import inspect

import pytest

from telemed.domain.texts import visible
from telemed.web.api.inputs import Input
from telemed.web.workitems import workitem_uid
from tests.demo_region import DemoRegion
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.operations import OPERATIONS
from tests.telemed.api.stories import Story, drafted, file_form

HIDDEN = "\u202e\u200b"


BODIES = {f"{op.body.__module__}.{op.body.__qualname__}": op.body for op in OPERATIONS.rows if op.body is not None}


@pytest.mark.parametrize("name", sorted(BODIES))
def test_every_body_of_the_api_is_taken_as_it_can_be_seen(name: str) -> None:
    assert issubclass(BODIES[name], Input), inspect.getfile(BODIES[name])


async def test_the_reason_of_a_workitem_that_is_withdrawn(region: DemoRegion) -> None:
    story = await drafted(region)
    await story.step("clinic1", "submit")
    reason = {"00741238": {"vr": "LT", "Value": [f"transferred{HIDDEN} elsewhere"]}}
    url = f"/dicomweb/workitems/{workitem_uid(story.case_id)}/cancelrequest"
    answer = await region.call("POST", url, reason, user="clinic1", headers={"Content-Type": "application/dicom+json"})
    assert answer.status == 202, answer.body
    events = (await region.call("GET", f"{story.url}/events", user="clinic1")).body["items"]
    assert "transferred elsewhere" in str(events[-1])
    assert visible(str(events)) == str(events)


async def page(story: Story, path: str, user: str) -> str:
    headers = {"Accept": "text/html", "Cookie": f"telemed_session={await story.region.token(user)}"}
    answer = await story.region.call("GET", path, headers=headers)
    assert answer.status == 200, path
    return str(answer.body.decode())


async def test_pages_show_by_its_number_what_images_and_names_of_files_hide(region: DemoRegion) -> None:
    """The images stay as they were sent: their patient, whom nobody wrote here, is compared and shown."""
    story = await drafted(region)
    made = ct_slice(PatientName=f"Li{HIDDEN}^Na", StudyDescription=f"DAEH{HIDDEN}", SpecificCharacterSet="ISO_IR 192")
    sent = await region.call("POST", f"{story.url}/files", data=file_form(part10_of(made), name=f"scan{HIDDEN}.dcm"), user="clinic1")
    assert sent.status == 201, sent.body
    await region.work()
    await story.step("clinic1", "submit")
    pages = {
        path: await page(story, path, user)
        for path, user in ((f"/cases/{story.case_id}", "clinic1"), (f"/read/{story.case_id}", "imaging.huba"))
    }
    for path, content in pages.items():
        assert visible(content) == content, path
        assert "‹U+202E›" in content, path

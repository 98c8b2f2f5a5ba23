"""Imaging cases as workitems: found, taken and withdrawn over UPS-RS by those who may do so on the pages."""

from __future__ import annotations

from typing import Any

import pytest

from telemed.web.workitems import workitem_uid
from tests.demo_region import DemoRegion
from tests.telemed.api.stories import Story, drafted

JSON = {"Content-Type": "application/dicom+json", "Accept": "application/dicom+json"}
MEMBER, READER, OTHER_READER = "clinic1", "imaging.huba", "imaging.hubb"


@pytest.fixture
async def requested(region: DemoRegion) -> Story:
    story = await drafted(region)
    await story.step(MEMBER, "submit")
    return story


def where(story: Story) -> str:
    return f"/dicomweb/workitems/{workitem_uid(story.case_id)}"


async def change(story: Story, user: str, state: str) -> tuple[int, str]:
    content = {"00741000": {"vr": "CS", "Value": [state]}, "00081195": {"vr": "UI", "Value": ["2.25.1"]}}
    answer = await story.region.call("PUT", where(story) + "/state", content, user=user, headers=JSON)
    return answer.status, answer.headers.get("Warning", "")


async def state_of(story: Story, user: str) -> Any:
    answer = await story.region.call("GET", where(story), user=user, headers=JSON)
    assert answer.status == 200, answer.body
    return answer.body[0]["00741000"]["Value"][0]


async def test_a_reader_finds_and_takes_a_case(requested: Story) -> None:
    region = requested.region
    answer = await region.call("GET", "/dicomweb/workitems?ProcedureStepState=SCHEDULED", user=READER, headers=JSON)
    assert answer.status == 200
    assert workitem_uid(requested.case_id) in [each["00080018"]["Value"][0] for each in answer.body]
    for user in (MEMBER, OTHER_READER, "auditor"):  # a member asks and does not read; a stranger does not know of it
        assert (await change(requested, user, "IN PROGRESS"))[0] in (403, 404), user
    assert await state_of(requested, READER) == "SCHEDULED"
    assert await change(requested, READER, "IN PROGRESS") == (200, "")
    case = (await region.call("GET", requested.url, user=READER)).body
    assert (case["status"], case["claimed_by"]) == ("accepted", READER)
    assert await state_of(requested, MEMBER) == "IN PROGRESS"
    status, warning = await change(requested, READER, "COMPLETED")
    assert status == 409
    assert "final state requirements" in warning


async def test_a_member_withdraws_a_case(requested: Story) -> None:
    reason = {"00741238": {"vr": "LT", "Value": ["The patient went to another hospital"]}}
    url = where(requested) + "/cancelrequest"
    assert (await requested.region.call("POST", url, reason, user=READER, headers=JSON)).status in (403, 404)
    assert (await requested.region.call("POST", url, reason, user=MEMBER, headers=JSON)).status == 202
    assert (await requested.region.call("GET", requested.url, user=MEMBER)).body["status"] == "cancelled"
    assert (await requested.region.call("POST", url, user=MEMBER)).status == 202
    assert (await change(requested, READER, "IN PROGRESS"))[0] in (404, 409)


async def test_what_is_no_workitem(region: DemoRegion, requested: Story) -> None:
    draft = await drafted(region)
    for user, uid, expected in (
        (MEMBER, workitem_uid(draft.case_id), 404), (READER, workitem_uid(draft.case_id), 404), (READER, "1.2.3", 404),
        (READER, "2.25.99999999999999999999999999999999999999999", 404), (OTHER_READER, workitem_uid(requested.case_id), 404),
        ("", workitem_uid(requested.case_id), 401),
    ):  # fmt: skip
        assert (await region.call("GET", f"/dicomweb/workitems/{uid}", user=user, headers=JSON)).status == expected, (user, uid)
    content = {"00741000": {"vr": "CS", "Value": ["SCHEDULED"]}}
    assert (await region.call("POST", "/dicomweb/workitems", content, user=READER, headers=JSON)).status == 403
    assert (await region.call("POST", where(requested), content, user=READER, headers=JSON)).status == 409


async def refusals(region: DemoRegion, user: str) -> list[tuple[str, str]]:
    """Action and subject of what this person was refused, oldest first."""
    trail = await region.call("GET", f"/api/v1/audit?actor={user}&outcome=refused&limit=500", user="auditor")
    assert trail.status == 200, trail.body
    return [(each["action"], each["subject"]) for each in reversed(trail.body["items"]) if each["action"].startswith("access:")]


@pytest.mark.parametrize("user", ["imaging.hubb", "clinic2"])
async def test_every_refusal_is_one_record_with_its_case(requested: Story, user: str) -> None:
    region, url = requested.region, where(requested)
    cancel = {"00741238": {"vr": "LT", "Value": ["x"]}}
    content = {"00741000": {"vr": "CS", "Value": ["SCHEDULED"]}}
    known = await refusals(region, user)
    for number, (method, path, body, action) in enumerate((
        ("GET", url, None, "access:retrieve-workitem"),
        ("GET", url, None, "access:retrieve-workitem"),
        ("POST", url, content, "access:update-workitem"),
        ("POST", url + "/cancelrequest", cancel, "access:cancel-workitem"),
    ), 1):  # fmt: skip
        assert (await region.call(method, path, body, user=user, headers=JSON)).status == 404
        found = await refusals(region, user)
        assert len(found) == len(known) + number
        assert found[-1] == (action, f"case/{requested.case_id}")
    assert (await change(requested, user, "IN PROGRESS"))[0] == 404
    assert (await refusals(region, user))[-1] == ("access:change-workitem-state", f"case/{requested.case_id}")
    assert (await region.call("GET", "/dicomweb/workitems/2.25.7", user=user, headers=JSON)).status == 404
    assert (await refusals(region, user))[-1] == ("access:retrieve-workitem", "workitem/2.25.7")
    assert len(await refusals(region, user)) == len(known) + 6


async def test_a_step_out_of_turn_and_what_has_no_counterpart_are_on_record_too(requested: Story) -> None:
    region, known = requested.region, await refusals(requested.region, READER)
    assert (await change(requested, READER, "COMPLETED"))[0] == 409
    content = {"00741000": {"vr": "CS", "Value": ["SCHEDULED"]}}
    assert (await region.call("POST", "/dicomweb/workitems", content, user=READER, headers=JSON)).status == 403
    assert (await region.call("POST", "/dicomweb/studies", user=READER, headers=JSON)).status == 403
    assert (await refusals(region, READER))[len(known) :] == [
        ("access:change-workitem-state", f"case/{requested.case_id}"),
        ("access:create-workitem", "workitems"),
        ("access:store-study", "study/"),
    ]
    assert await change(requested, READER, "IN PROGRESS") == (200, "")
    assert len(await refusals(region, READER)) == len(known) + 3


async def test_a_look_at_a_workitem_is_one_at_its_case(requested: Story) -> None:
    assert (await requested.region.call("GET", where(requested), user=READER, headers=JSON)).status == 200
    trail = await requested.region.call("GET", f"/api/v1/audit?subject=case/{requested.case_id}&action=case:read", user="auditor")
    assert [each["actor"] for each in trail.body["items"]] == [READER]

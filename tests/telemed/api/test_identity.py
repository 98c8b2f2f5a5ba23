"""A file of another person, over HTTP: it is said at once, nobody signs over it, and it is settled through the API."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from pydicom.uid import generate_uid

from tests.demo_region import DemoRegion, new_case
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.telemed.api.stories import Story, done
from tests.telemed.harness import CARD, PASSWORD

SAME = CARD | {"PatientID": "", "AccessionNumber": ""}
OTHER = SAME | {"PatientName": "完全^别人", "PatientBirthDate": "20010101", "PatientSex": "F"}


def image(**attributes: Any) -> bytes:
    return part10_of(ct_slice(**({"StudyInstanceUID": generate_uid()} | attributes)))


async def written(region: DemoRegion) -> Story:
    story = Story(region, await new_case(region))
    await story.step("clinic1", "submit")
    await story.step("imaging.huba", "claim")
    await story.write("imaging.huba")
    return story


async def listed(story: Story, user: str = "imaging.huba") -> list[dict[str, Any]]:
    body = await done(await story.region.call("GET", f"{story.url}/evidence", user=user))
    found: list[dict[str, Any]] = body["items"]
    return found


async def sign(story: Story) -> tuple[int, Any]:
    answer = await story.region.step(story.case_id, "report/sign", {"password": PASSWORD}, user="imaging.huba")
    return answer.status, answer.body


async def test_a_file_of_another_person_is_said_and_forbids_the_signature(region: DemoRegion) -> None:
    story = await written(region)
    await story.attach(image(**OTHER))
    (item,) = await listed(story)
    identity = item.get("identity") or {}
    assert identity.get("differs") == ["name", "sex", "birth_date"]
    assert identity["file"] == {"name": "完全^别人", "sex": "F", "birth_date": "20010101", "number": "", "age_years": None}
    assert (identity["settled"], identity["settled_by"]) == (None, None)
    status, refused = await sign(story)
    assert (status, refused["type"], refused["differs"]) == (409, "/problems/identity-unsettled", ["name", "sex", "birth_date"])
    case = (await region.call("GET", story.url, user="imaging.huba")).body
    assert case["identity_open"]
    assert "identify" in case["actions"]


async def test_the_same_person_in_another_spelling_is_silent(region: DemoRegion) -> None:
    story = await written(region)
    await story.attach(image(**SAME))
    (item,) = await listed(story, "clinic1")
    assert item["identity"]["differs"] == []
    assert (await sign(story))[0] == 200


async def test_a_wrong_password_is_said_before_what_is_to_be_settled(region: DemoRegion) -> None:
    story = await written(region)
    await story.attach(image(**OTHER))
    wrong = await region.step(story.case_id, "report/sign", {"password": "wrong"}, user="imaging.huba")
    assert (wrong.status, wrong.body["type"]) == (401, "/problems/wrong-password")
    assert (await sign(story))[0] == 409


async def test_a_resumable_upload_is_compared_too(region: DemoRegion) -> None:
    story = await written(region)
    content = image(**OTHER)
    headers = {
        "Tus-Resumable": "1.0.0",
        "Upload-Length": str(len(content)),
        "Upload-Metadata": f"case {b64(story.case_id)},filename {b64('a.dcm')}",
    }
    made = await region.call("POST", "/api/v1/uploads", user="clinic1", headers=headers)
    assert made.status == 201, made.body
    headers = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    sent = await region.call("PATCH", made.headers["Location"], user="clinic1", headers=headers, data=content)
    assert sent.status == 204, sent.body
    assert [item["identity"]["differs"] for item in await listed(story)] == [["name", "sex", "birth_date"]]


def b64(text: str) -> str:
    from base64 import b64encode

    return b64encode(text.encode()).decode()


async def test_a_study_by_stow_is_compared_when_it_finds_its_case(region: DemoRegion) -> None:
    story = await written(region)
    number = (await region.call("GET", story.url, user="clinic1")).body["accession_number"]
    parts = aiohttp.MultipartWriter("related", boundary="b")
    parts.append(image(**OTHER | {"AccessionNumber": number}), {"Content-Type": "application/dicom"})  # type: ignore[arg-type]
    headers = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=b', "Accept": "application/dicom+json"}
    stored = await region.call("POST", "/dicomweb/studies", data=parts, user="clinic1", headers=headers)
    assert stored.status == 200, stored.body
    await region.work()
    assert [item["identity"]["differs"] for item in await listed(story)] == [["name", "sex", "birth_date"]]


async def test_the_same_person_is_said_with_a_reason(region: DemoRegion) -> None:
    story = await written(region)
    await story.attach(image(**OTHER))
    (item,) = await listed(story)
    where = f"{story.url}/evidence/{item['id']}/identity"
    assert (await region.call("POST", where, {"same_person": True}, user="imaging.huba")).status == 422
    assert (await region.call("POST", where, {"same_person": True, "reason": "x"}, user="operator")).status == 403
    assert (await region.call("POST", where, {"same_person": True, "reason": "x"}, user="clinic2")).status == 404
    (item,) = (await done(await region.call("POST", where, {"same_person": True, "reason": "电话核对"}, user="imaging.huba")))["items"]
    assert item["identity"]["settled"]["by"] == item["identity"]["settled_by"] == "imaging.huba"
    assert item["identity"]["settled"]["reason"] == "电话核对"
    assert (await sign(story))[0] == 200


async def test_another_person_leaves_the_case(region: DemoRegion) -> None:
    story = await written(region)
    await story.attach(image(**OTHER))
    (item,) = await listed(story)
    where = f"{story.url}/evidence/{item['id']}/identity"
    assert await done(await region.call("POST", where, {"same_person": False, "reason": "不是本人"}, user="imaging.huba")) == {
        "items": [],
        "next": None,
    }
    unmatched = (await region.call("GET", "/api/v1/unmatched?owner=CLINIC1", user="operator")).body["items"]
    assert item["study_instance_uid"] in {each["study_instance_uid"] for each in unmatched}
    assert (await region.call("POST", where, {"same_person": True, "reason": "x"}, user="imaging.huba")).status == 404
    assert (await sign(story))[0] == 200


@pytest.mark.parametrize("user", ["operator"])
async def test_who_sees_metadata_alone_is_told_of_no_identity(region: DemoRegion, user: str) -> None:
    story = await written(region)
    await story.attach(image(**OTHER))
    assert await listed(story, user) == []
    for path in ("", "/events", "/evidence"):
        body = (await region.call("GET", story.url + path, user=user)).body
        assert "别人" not in str(body)
        assert "2001" not in str(body)

"""A Study Instance UID is a name and no key: of a study each case shows what it received, at every door of DICOMweb."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from typing import Any

import pytest
from pydicom.uid import generate_uid

from dicom_gateway import Source
from tests.demo_region import Answer, DemoRegion, new_case
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.telemed.api.stories import file_form

DICOM_JSON = {"Accept": "application/dicom+json"}
MEMBER, READER = "clinic1", "imaging.huba"


def image(study: str, **attributes: Any) -> tuple[str, bytes]:
    """SOP Instance UID and file of one slice of a study."""
    made = ct_slice(StudyInstanceUID=study, AccessionNumber="", **attributes)
    return str(made.SOPInstanceUID), part10_of(made)


async def attached(region: DemoRegion, case_id: str, content: bytes, user: str = MEMBER) -> Answer:
    return await region.call("POST", f"/api/v1/cases/{case_id}/files", user=user, data=file_form(content, "image.dcm"))


async def requested(region: DemoRegion) -> str:
    case_id = await new_case(region)
    assert (await region.step(case_id, "submit", user=MEMBER)).status == 200
    return case_id


async def sent_by_device(region: DemoRegion, content: bytes, owner: str = "CLINIC1") -> None:
    assert (await region.parts.intake.receive(content, owner, Source("dimse", calling_ae=owner))).status == 0
    await region.work()


async def instances(region: DemoRegion, study: str, user: str) -> set[str]:
    """The instances of the study that this person finds, the same by query and by metadata."""
    found = await region.call("GET", f"/dicomweb/instances?StudyInstanceUID={study}", user=user, headers=DICOM_JSON)
    described = await region.call("GET", f"/dicomweb/studies/{study}/metadata", user=user, headers=DICOM_JSON)
    listed = {each["00080018"]["Value"][0] for each in found.body} if found.status == 200 and found.body else set()
    assert described.status == (200 if listed else 404)
    assert listed == ({each["00080018"]["Value"][0] for each in described.body} if listed else set())
    return listed


@pytest.fixture
async def hidden(region: DemoRegion) -> tuple[str, str]:
    """Study and instance of a draft, which no hub may know of."""
    study = str(generate_uid())
    uid, content = image(study)
    assert (await attached(region, await new_case(region), content)).status == 201
    return study, uid


async def test_a_hubs_file_of_a_study_that_is_not_the_cases_is_refused_and_opens_nothing(
    region: DemoRegion, hidden: tuple[str, str]
) -> None:
    study, uid = hidden
    mine = await requested(region)
    assert await instances(region, study, READER) == set()
    answer = await attached(region, mine, image(study, PatientName="Nobody")[1], READER)
    assert (answer.status, answer.body["type"]) == (409, "/problems/borrowed-study")
    assert study in answer.body["detail"]
    assert await instances(region, study, READER) == set()
    assert await instances(region, study, MEMBER) == {uid}
    assert (await region.call("GET", f"/api/v1/cases/{mine}/evidence", user=READER)).body["items"] == []
    trail = await region.call("GET", "/api/v1/audit?action=evidence:add", user="auditor")
    record = trail.body["items"][0]
    assert (record["actor"], record["subject"], record["outcome"]) == (READER, f"case/{mine}", "refused")
    assert record["detail"] == {"why": "borrowed-study", "study": study}


async def test_a_uid_that_a_hub_used_first_is_not_the_hubs_when_the_study_comes(region: DemoRegion) -> None:
    mine, study = await requested(region), str(generate_uid())
    own, content = image(study)
    answer = await attached(region, mine, content, READER)
    assert (answer.status, answer.body["items"][0]["instances"]) == (201, 1)
    later, content = image(study)
    await sent_by_device(region, content)
    assert await instances(region, study, READER) == {own}
    assert await instances(region, study, MEMBER) == {own, later}
    again = await attached(region, mine, image(study)[1], READER)  # the case has a part of the study, and is given another
    assert (again.status, again.body["items"][0]["instances"]) == (201, 2)
    assert later not in await instances(region, study, READER)


async def test_a_hubs_file_looks_for_no_other_case(region: DemoRegion) -> None:
    mine, study = await requested(region), str(generate_uid())
    other = await requested(region)
    number = (await region.call("GET", f"/api/v1/cases/{other}", user=MEMBER)).body["accession_number"]
    content = part10_of(ct_slice(StudyInstanceUID=study, AccessionNumber=number))
    assert (await attached(region, mine, content, READER)).status == 201
    await region.work()
    assert (await region.call("GET", f"/api/v1/cases/{other}/evidence", user=MEMBER)).body["items"] == []


async def test_a_second_case_has_of_a_study_what_it_was_given_at_every_door(region: DemoRegion, hidden: tuple[str, str]) -> None:
    study, uid = hidden
    mine = await requested(region)
    own, content = image(study, Modality="MR")
    answer = await attached(region, mine, content)
    assert (answer.status, answer.body["items"][0]["instances"]) == (201, 1)
    evidence = answer.body["items"][0]["id"]
    assert await instances(region, study, READER) == {own}
    assert await instances(region, study, MEMBER) == {own, uid}

    (found,) = (await region.call("GET", f"/dicomweb/studies?StudyInstanceUID={study}", user=READER, headers=DICOM_JSON)).body
    shown = [found[tag].get("Value") for tag in ("00080061", "00201206", "00201208")]
    assert shown == [["MR"], [1], [1]]
    series = (await region.call("GET", f"/dicomweb/studies/{study}/series", user=READER, headers=DICOM_JSON)).body
    assert [(each["00080060"]["Value"], each["00201209"]["Value"]) for each in series] == [(["MR"], [1])]
    for query in ("ModalitiesInStudy=CT", f"SOPInstanceUID={uid}", "Modality=CT"):
        path = f"/dicomweb/studies?StudyInstanceUID={study}&{query}"
        assert not (await region.call("GET", path, user=READER, headers=DICOM_JSON)).body, query
    everything = f"/dicomweb/instances?StudyInstanceUID={study}&includefield=all"
    assert uid not in json.dumps((await region.call("GET", everything, user=READER, headers=DICOM_JSON)).body)

    seen = (await region.call("GET", f"/dicomweb/instances?StudyInstanceUID={study}", user=MEMBER, headers=DICOM_JSON)).body
    place = {each["00080018"]["Value"][0]: each["0020000E"]["Value"][0] for each in seen}
    for instance, status in ((own, 200), (uid, 404)):
        base = f"/dicomweb/studies/{study}/series/{place[instance]}"
        for door in (f"{base}/instances/{instance}", f"{base}/instances/{instance}/metadata", f"{base}/instances/{instance}/rendered",
                     f"{base}/instances/{instance}/frames/1", f"{base}/instances/{instance}/bulkdata/7FE00010", f"{base}/metadata",
                     f"{base}/instances/{instance}/thumbnail", base, f"{base}/bulkdata"):  # fmt: skip
            assert (await region.call("GET", door, user=READER)).status == status, door
            assert (await region.call("GET", door, user=MEMBER)).status == 200, door
    for accept in ("application/zip", 'multipart/related; type="application/dicom"', 'multipart/related; type="application/dicom+xml"'):
        where = f"/dicomweb/studies/{study}" + ("/metadata" if "xml" in accept else "")
        assert uid.encode() not in (await region.call("GET", where, user=READER, headers={"Accept": accept})).body
    archive = await region.call("GET", f"/api/v1/cases/{mine}/evidence/{evidence}/deidentified.zip", user=READER)
    with zipfile.ZipFile(BytesIO(archive.body)) as given:
        assert "1 DICOM objects" in given.read("README.txt").decode()


async def test_what_comes_later_for_a_study_that_is_evidence_belongs_to_its_case(region: DemoRegion) -> None:
    mine, study = await requested(region), str(generate_uid())
    first, content = image(study)
    await attached(region, mine, content)
    later, content = image(study)
    await sent_by_device(region, content)
    assert await instances(region, study, READER) == {first, later}
    items = (await region.call("GET", f"/api/v1/cases/{mine}/evidence", user=READER)).body["items"]
    assert [item["instances"] for item in items] == [2]


async def test_what_a_device_sends_as_well_belongs_to_the_study(region: DemoRegion) -> None:
    """The second case was given an image before the device sent it: the first case, whose study it is, has it all the same."""
    first, second, study = await requested(region), await requested(region), str(generate_uid())
    await attached(region, first, image(study)[1])
    uid, content = image(study)
    await attached(region, second, content)
    await region.work()
    assert [e["instances"] for e in (await region.call("GET", f"/api/v1/cases/{first}/evidence", user=MEMBER)).body["items"]] == [1]
    await sent_by_device(region, content)
    assert [e["instances"] for e in (await region.call("GET", f"/api/v1/cases/{first}/evidence", user=MEMBER)).body["items"]] == [2]
    assert uid in await instances(region, study, READER)


async def test_a_member_cannot_give_a_case_the_study_of_another_patient(region: DemoRegion, hidden: tuple[str, str]) -> None:
    study, _ = hidden
    answer = await attached(region, await requested(region), image(study, PatientName="Nobody", PatientID="P9")[1])
    assert (answer.status, answer.body["type"]) == (409, "/problems/borrowed-study")
    assert await instances(region, study, READER) == set()


async def test_another_study_under_a_taken_instance_uid_gives_nothing(region: DemoRegion, hidden: tuple[str, str]) -> None:
    _, uid = hidden
    mine, study = await requested(region), str(generate_uid())
    answer = await attached(region, mine, image(study, SOPInstanceUID=uid)[1], READER)
    assert (answer.status, answer.body["set_aside"]) == (409, [uid])
    assert await instances(region, study, READER) == set()
    assert (await region.call("GET", f"/api/v1/cases/{mine}/evidence", user=READER)).body["items"] == []


async def test_other_content_under_a_taken_uid_is_said_and_stands_with_what_was_set_aside(region: DemoRegion) -> None:
    mine, study = await requested(region), str(generate_uid())
    uid, content = image(study)
    other = image(study, SOPInstanceUID=uid, PixelData=bytes(640))[1]
    assert (await attached(region, mine, content)).status == 201
    behind = image(study)[1]
    for language, word in (("en", "set aside"), ("zh-CN", "另行保存")):
        form = file_form(other, "b.dcm")
        form.add_field("file", behind, filename="c.dcm", content_type="application/octet-stream")
        headers = {"Accept-Language": language}
        answer = await region.call("POST", f"/api/v1/cases/{mine}/files", user=MEMBER, data=form, headers=headers)
        assert (answer.status, answer.body["type"], answer.body["set_aside"]) == (409, "/problems/conflict", [uid])
        assert word in answer.body["title"]
        assert uid in answer.body["detail"]
    items = (await region.call("GET", f"/api/v1/cases/{mine}/evidence", user=MEMBER)).body["items"]
    assert [item["instances"] for item in items] == [2]  # what came behind it was taken
    aside = await region.call("GET", "/network?view=aside", user="operator", headers={"Accept": "text/html"})
    assert uid.encode() in aside.body
    trail = await region.call("GET", "/api/v1/audit?action=evidence:add", user="auditor")
    refused = [each for each in trail.body["items"] if each["outcome"] == "refused"]
    assert (refused[0]["subject"], refused[0]["detail"]) == (f"case/{mine}", {"why": "conflict", "instance": uid})
    assert (await attached(region, mine, content)).status == 201  # the same content again is no conflict

"""The published client `dicomweb-client` with a token of the platform: who asked sends, who reads fetches, nobody else finds."""

from __future__ import annotations

import asyncio
from io import BytesIO
from urllib.parse import urljoin

import pytest
from dicomweb_client.api import DICOMwebClient
from pydicom import dcmread
from requests import HTTPError

from tests.browser import objects_of_a_study as objects
from tests.demo_region import DemoRegion, new_case
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.made_video import made_mp4


async def client_of(region: DemoRegion, user: str) -> DICOMwebClient:
    made = DICOMwebClient(f"{region.home}/dicomweb", headers={"Authorization": f"Bearer {await region.token(user)}"})
    made.set_http_retry_params(retry=False)
    return made


async def test_a_study_goes_from_the_member_to_the_hub_and_to_nobody_else(region: DemoRegion) -> None:
    case_id = await new_case(region)
    number = (await region.call("GET", f"/api/v1/cases/{case_id}", user="clinic1")).body["accession_number"]
    sent = dcmread(BytesIO(part10_of(ct_slice(AccessionNumber=number))))
    uids = sent.StudyInstanceUID, sent.SeriesInstanceUID, sent.SOPInstanceUID
    member = await client_of(region, "clinic1")
    await asyncio.to_thread(member.store_instances, [sent])
    await region.step(case_id, "submit", user="clinic1")
    await region.work()

    reader = await client_of(region, "imaging.huba")
    (found,) = await asyncio.to_thread(reader.search_for_studies, search_filters={"AccessionNumber": number})
    assert found["0020000D"]["Value"] == [uids[0]]
    back = await asyncio.to_thread(reader.retrieve_instance, *uids)
    assert back.PixelData == sent.PixelData
    described = await asyncio.to_thread(reader.retrieve_instance_metadata, *uids)
    assert described["00080050"]["Value"] == [number]
    with pytest.raises(HTTPError, match="403"):
        await asyncio.to_thread(reader.store_instances, [sent])

    stranger = await client_of(region, "clinic2")
    assert await asyncio.to_thread(stranger.search_for_studies, search_filters={"AccessionNumber": number}) == []
    with pytest.raises(HTTPError, match="404"):
        await asyncio.to_thread(stranger.retrieve_instance, *uids)


async def test_a_film_a_report_and_a_breast_s_side_are_fetched(region: DemoRegion) -> None:
    case_id = await new_case(region)
    number = (await region.call("GET", f"/api/v1/cases/{case_id}", user="clinic1")).body["accession_number"]
    study = "1.2.826.0.1.3680043.8.498.77"
    made = (objects.film(study, number), objects.report(study, number), objects.mammogram(study, number, "L", 21))
    _film, report, breast = sent = [dcmread(BytesIO(content)) for content in made]
    client = await client_of(region, "clinic1")
    await asyncio.to_thread(client.store_instances, sent)

    uids = [(study, each.SeriesInstanceUID, each.SOPInstanceUID) for each in sent]
    described = [await asyncio.to_thread(client.retrieve_instance_metadata, *each) for each in uids]
    document = f"{region.home}/dicomweb/studies/{uids[0][0]}/series/{uids[0][1]}/instances/{uids[0][2]}/metadata"
    address = urljoin(document, described[0]["7FE00010"]["BulkDataURI"])  # it stands relative to its document (RFC 3986 section 5.2)
    stream = await asyncio.to_thread(client.retrieve_bulkdata, address)
    assert stream[0].rstrip(b"\0") == made_mp4().rstrip(b"\0")
    findings = described[1]["0040A730"]["Value"][0]["0040A730"]["Value"]
    assert findings[0]["0040A300"]["Value"][0]["0040A30A"]["Value"] == [91.5]
    assert report.SOPInstanceUID == described[1]["00080018"]["Value"][0]
    assert (described[2]["00200062"]["Value"], described[2]["00185101"]["Value"]) == (["L"], ["CC"])
    assert described[2]["00200020"]["Value"] == list(breast.PatientOrientation)

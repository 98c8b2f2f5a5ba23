"""The published client `dicomweb-client` with a token of the platform: who asked sends, who reads fetches, nobody else finds."""

from __future__ import annotations

import asyncio
from io import BytesIO

import pytest
from dicomweb_client.api import DICOMwebClient
from pydicom import dcmread
from requests import HTTPError

from tests.demo_region import DemoRegion, new_case
from tests.dicom_gateway.objects import ct_slice, part10_of


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

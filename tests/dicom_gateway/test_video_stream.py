"""A film is one stream: the address that metadata name gives it, whole or in part, whatever its fragments."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping

import aiohttp
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import MPEG2MPML, MPEG4HP41, VideoEndoscopicImageStorage

from tests.dicom_gateway.conftest import Gateway
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.made_video import made_mp4

STREAM = made_mp4()


async def kept(gateway: Gateway, http: aiohttp.ClientSession, *fragments: bytes, mpeg2: bool = False) -> str:
    """Store a film of these fragments; its address."""
    made: Dataset = ct_slice(SOPClassUID=VideoEndoscopicImageStorage, NumberOfFrames=50, Rows=16, Columns=16)
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PlanarConfiguration = 3, "YBR_PARTIAL_420", 0
    made.BitsAllocated, made.BitsStored, made.HighBit = 8, 8, 7
    made.PixelData = encapsulate(list(fragments), has_bot=False)
    made["PixelData"].VR, made["PixelData"].is_undefined_length = "OB", True
    content = part10_of(made, MPEG2MPML if mpeg2 else MPEG4HP41)
    headers = {**gateway.headers("CLINIC1"), "Content-Type": "application/dicom"}
    async with http.post(f"{gateway.url}/studies", data=content, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
    return f"{gateway.url}/studies/{made.StudyInstanceUID}/series/{made.SeriesInstanceUID}/instances/{made.SOPInstanceUID}"


async def get(
    gateway: Gateway, http: aiohttp.ClientSession, url: str, owner: str = "CLINIC1", **more: str
) -> tuple[int, bytes, Mapping[str, str]]:
    async with http.get(url, headers={**gateway.headers(owner), **more}) as answer:
        return answer.status, await answer.read(), answer.headers


@pytest.mark.parametrize("cuts", [(), (1000,), (2, 10, 4000)])
async def test_the_address_that_metadata_name_gives_the_stream(
    gateway: Gateway, http: aiohttp.ClientSession, cuts: tuple[int, ...]
) -> None:
    bounds = (0, *cuts, len(STREAM))
    instance = await kept(gateway, http, *(STREAM[a:b] for a, b in itertools.pairwise(bounds)))
    _, described, _ = await get(gateway, http, instance + "/metadata", Accept="application/dicom+json")
    uri = json.loads(described)[0]["7FE00010"]["BulkDataURI"]
    status, body, headers = await get(gateway, http, f"{instance}/{uri}")
    assert (status, body[: len(STREAM)], headers["Content-Type"]) == (200, STREAM, "video/mp4")
    assert headers["Accept-Ranges"] == "bytes"
    for first, last in ((0, 0), (0, 1), (1, 11), (995, 1004), (3999, 4000), (0, len(STREAM) - 1)):
        status, body, headers = await get(gateway, http, f"{instance}/{uri}", Range=f"bytes={first}-{last}")
        assert (status, body) == (206, STREAM[first : last + 1]), (first, last)
        assert headers["Content-Range"].startswith(f"bytes {first}-{last}/")
    status, _, _ = await get(gateway, http, f"{instance}/{uri}", Range=f"bytes={len(STREAM) + 2}-")
    assert status == 416
    status, _, _ = await get(gateway, http, f"{instance}/{uri}", **{"If-None-Match": headers["ETag"]})
    assert status == 304


async def test_the_stream_is_the_owners_alone(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    instance = await kept(gateway, http, STREAM)
    assert (await get(gateway, http, instance + "/bulkdata/7FE00010", owner="CLINIC2"))[0] == 404


async def test_what_is_no_mp4_is_not_called_one(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    program = b"\x00\x00\x01\xba" + bytes(96)
    instance = await kept(gateway, http, program, mpeg2=True)
    status, body, headers = await get(gateway, http, instance + "/bulkdata/7FE00010")
    assert (status, body, headers["Content-Type"]) == (200, program, "video/mpeg")

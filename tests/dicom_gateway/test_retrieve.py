"""WADO-RS and STOW-RS: what comes back is what was sent, whole or in parts, in what the client takes."""

from __future__ import annotations

import io
import json
import zipfile
from base64 import b64encode
from typing import Any
from xml.etree import ElementTree as ET

import aiohttp
import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.uid import ExplicitVRBigEndian, JPEGLSLossless, RLELossless, generate_uid

from dicom_gateway.native_xml import to_xml
from dicom_gateway.zip_layout import Entry, ZipLayout
from tests.dicom_gateway.conftest import Gateway, parts_of, value_of
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.dicom_gateway.test_doors import AS_SENT, get, qido, stow

ZIP = {"Accept": "application/zip"}
ONE = {"Accept": "application/dicom"}


async def stored_series(gateway: Gateway, http: aiohttp.ClientSession, count: int = 3) -> tuple[str, dict[str, bytes]]:
    """Address of a study, and its files by SOP Instance UID."""
    study, series = generate_uid(), generate_uid()
    slices = [ct_slice(StudyInstanceUID=study, SeriesInstanceUID=series, InstanceNumber=n) for n in range(count)]
    files = {each.SOPInstanceUID: part10_of(each) for each in slices}
    assert (await stow(http, gateway, list(files.values())))[0] == 200
    return f"/studies/{study}/series/{series}", files


async def test_an_archive_holds_every_object_and_can_be_resumed_anywhere(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    series, files = await stored_series(gateway, http)
    status, whole, headers = await get(http, gateway, series.split("/series")[0], **ZIP)
    assert (status, headers["Content-Type"]) == (200, "application/zip")
    assert int(headers["Content-Length"]) == len(whole)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert archive.testzip() is None
        assert {name.split("/")[1].removesuffix(".dcm"): archive.read(name) for name in archive.namelist()} == files
    etag = headers["ETag"]
    for start in (0, 1, 29, 700, len(whole) // 2, len(whole) - 30, len(whole) - 1):
        status, rest, headers = await get(http, gateway, series, **ZIP, Range=f"bytes={start}-", **{"If-Range": etag})
        assert (status, rest) == (206, whole[start:]), start
        assert headers["Content-Range"] == f"bytes {start}-{len(whole) - 1}/{len(whole)}"
    status, some, _ = await get(http, gateway, series, **ZIP, Range="bytes=10-1500")
    assert (status, some) == (206, whole[10:1501])
    status, last, _ = await get(http, gateway, series, **ZIP, Range="bytes=-22")
    assert (status, last) == (206, whole[-22:])
    status, again, _ = await get(http, gateway, series, **ZIP, Range="bytes=10-", **{"If-Range": '"other"'})
    assert (status, again) == (200, whole)
    status, _, headers = await get(http, gateway, series, **ZIP, Range=f"bytes={len(whole)}-")
    assert (status, headers["Content-Range"]) == (416, f"bytes */{len(whole)}")
    assert (await get(http, gateway, series, **ZIP, **{"If-None-Match": etag}))[0] == 304


def test_an_archive_beyond_the_limits_of_the_first_format_is_laid_out_in_the_second(tmp_path: Any) -> None:
    layout = ZipLayout([Entry("small.dcm", 10), Entry("large.dcm", 5 << 30), Entry("behind.dcm", 20)])
    path = tmp_path / "sparse.zip"
    with path.open("wb") as file:  # contents are holes: the checksum of zeros is not asked for
        for number, entry in enumerate(layout.entries):
            file.seek(layout.offsets[number])
            file.write(layout.local_header(entry, 0))
            assert file.tell() == layout.content_offset(number)
        file.seek(layout.directory_offset)
        file.write(layout.directory([0, 0, 0]))
        assert file.tell() == layout.size
    with zipfile.ZipFile(path) as archive:
        assert [(info.filename, info.file_size) for info in archive.infolist()] == [(e.name, e.size) for e in layout.entries]
        with archive.open("behind.dcm") as behind:
            behind._expected_crc = None  # type: ignore[attr-defined]  # zeros were promised
            assert behind.read() == bytes(20)
    many = ZipLayout([Entry(f"{n}.dcm", 0) for n in range(70_000)])
    content = b"".join(many.local_header(entry, 0) for entry in many.entries) + many.directory([0] * 70_000)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert len(archive.infolist()) == 70_000


async def test_one_object_comes_alone_and_in_parts(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    series, files = await stored_series(gateway, http, 1)
    ((uid, file),) = files.items()
    where = f"{series}/instances/{uid}"
    status, body, headers = await get(http, gateway, where, **ONE)
    assert (status, body) == (200, file)
    assert headers["Content-Type"] == "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"
    status, rest, _ = await get(http, gateway, where, **ONE, Range="bytes=100-", **{"If-Range": headers["ETag"]})
    assert (status, rest) == (206, file[100:])
    status, wrapped, headers = await get(http, gateway, where, **AS_SENT)
    assert parts_of(wrapped, headers["Content-Type"])[0][1] == file
    series, _ = await stored_series(gateway, http, 2)
    assert (await get(http, gateway, series, **ONE))[0] == 406


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ('multipart/related; type="application/dicom"', "1.2.840.10008.1.2.1"),
        ("multipart/related; type=application/dicom", "1.2.840.10008.1.2.1"),
        ("multipart/related;type=application/dicom;transfer-syntax=1.2.840.10008.1.2.4.80", JPEGLSLossless),
        ('multipart/related; type="application/dicom"; transfer-syntax="1.2.840.10008.1.2.5"', RLELossless),
        ('multipart/related; type="application/dicom"; transfer-syntax=1.2.3, application/dicom;q=0.1', "1.2.840.10008.1.2.1"),
        ('multipart/related; type="application/dicom"; transfer-syntax=1.2.3', None),
        ("image/gif", None),
        ("multipart/related; type=image/jpeg", None),
        ("*/*", "1.2.840.10008.1.2.1"),
        ("", "1.2.840.10008.1.2.1"),
    ],
)
async def test_the_best_acceptable_form_is_chosen(gateway: Gateway, http: aiohttp.ClientSession, accept: str, expected: str | None) -> None:
    series, files = await stored_series(gateway, http, 1)
    ((uid, file),) = files.items()
    status, body, headers = await get(http, gateway, f"{series}/instances/{uid}", Accept=accept)
    if expected is None:
        assert status == 406
        return
    assert status == 200
    content = parts_of(body, headers["Content-Type"])[0][1] if "multipart" in headers["Content-Type"] else body
    found = dcmread(io.BytesIO(content))
    assert found.file_meta.TransferSyntaxUID == expected
    assert np.array_equal(found.pixel_array, dcmread(io.BytesIO(file)).pixel_array)


async def test_what_is_acceptable_may_stand_in_the_query(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    series, _ = await stored_series(gateway, http, 1)
    status, _, headers = await get(http, gateway, series + "?accept=application/zip", Accept="text/html")
    assert (status, headers["Content-Type"]) == (200, "application/zip")
    status, _, headers = await get(http, gateway, "/studies?accept=multipart/related;type=%22application/dicom%2Bxml%22")
    assert status == 200
    assert headers["Content-Type"].startswith('multipart/related; type="application/dicom+xml"')


async def test_bulk_data_come_in_parts_too(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    series, files = await stored_series(gateway, http, 2)
    uid, file = next(iter(files.items()))
    pixels = dcmread(io.BytesIO(file)).PixelData
    where = f"{series}/instances/{uid}/bulkdata/7FE00010"
    status, body, headers = await get(http, gateway, where)
    assert (status, body) == (200, pixels)
    status, body, _ = await get(http, gateway, where, Range="bytes=100-199", **{"If-Range": headers["ETag"]})
    assert (status, body) == (206, pixels[100:200])
    assert (await get(http, gateway, where, Range="bytes=99999-"))[0] == 416
    assert (await get(http, gateway, where, Accept="image/jpeg"))[0] == 406
    status, body, headers = await get(http, gateway, series + "/bulkdata", Accept='multipart/related; type="application/octet-stream"')
    assert status == 200
    assert [content for _, content in parts_of(body, headers["Content-Type"])] == [pixels, pixels]
    assert f"Content-Location: instances/{uid}/bulkdata/7FE00010".encode() in body
    big = ct_slice(RedPaletteColorLookupTableData=bytes(range(256)) * 8)
    await stow(http, gateway, [part10_of(big, ExplicitVRBigEndian)])
    where = f"/studies/{big.StudyInstanceUID}/series/{big.SeriesInstanceUID}/instances/{big.SOPInstanceUID}"
    given = big.PixelData  # written as they stand, into a big-endian file
    swapped = np.frombuffer(given, "<u2").byteswap().tobytes()
    assert (await get(http, gateway, where + "/bulkdata/7FE00010"))[1] == swapped


async def test_pictures_show_what_is_asked_for(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    series, files = await stored_series(gateway, http, 3)
    uid = next(iter(files))
    where = f"{series}/instances/{uid}/rendered"
    png = {"Accept": "image/png"}

    async def picture(query: str) -> Any:
        status, body, _ = await get(http, gateway, f"{where}?{query}", **png)
        assert status == 200, query
        return np.asarray(Image.open(io.BytesIO(body)).convert("L"))

    whole = await picture("window=1000,4000,linear")
    assert whole.shape == (16, 20)
    part = await picture("window=1000,4000,linear&viewport=10,8,5,4,10,8")
    assert np.array_equal(part, whole[4:12, 5:15])
    mirrored = await picture("window=1000,4000,linear&viewport=10,8,5,4,-10,8")
    assert np.array_equal(mirrored, whole[4:12, 14:4:-1])
    for query, expected in {"viewport=10,8,99,0,5,5": 406, "viewport=10,8,1": 400, "quality=0": 400, "viewport=10,8,a,0,1,1": 400}.items():
        assert (await get(http, gateway, f"{where}?{query}", **png))[0] == expected, query
    status, _, headers = await get(http, gateway, where + "?annotation=patient", **png)
    assert status == 200
    assert "annotation" in headers["Warning"]
    status, body, headers = await get(http, gateway, series + "/rendered", Accept="multipart/related; type=image/png")
    assert status == 200
    assert [kind for kind, _ in parts_of(body, headers["Content-Type"])] == ["image/png"] * 3
    assert (await get(http, gateway, series + "/rendered", Accept="text/plain"))[0] == 406


async def test_an_encapsulated_pdf_shows_itself(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    pdf = b"%PDF-1.7 invented %%EOF\n"
    document = ct_slice(SOPClassUID="1.2.840.10008.5.1.4.1.1.104.1", EncapsulatedDocument=pdf, PixelData=None, Modality="DOC")
    await stow(http, gateway, [part10_of(document)])
    where = f"/studies/{document.StudyInstanceUID}/series/{document.SeriesInstanceUID}/instances/{document.SOPInstanceUID}/rendered"
    status, body, headers = await get(http, gateway, where)
    assert (status, body, headers["Content-Type"]) == (200, pdf, "application/pdf")
    assert (await get(http, gateway, where, Accept="image/jpeg"))[0] == 406


async def send_apart(
    http: aiohttp.ClientSession, gateway: Gateway, kind: str, documents: list[bytes], bulk: dict[str, tuple[str, bytes]]
) -> tuple[int, Any]:
    parts = [(f"Content-Type: {kind}", document) for document in documents]
    parts += [(f"Content-Type: {each}\r\nContent-Location: {where}", content) for where, (each, content) in bulk.items()]
    body = b"".join(b"--b\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n" for head, content in parts) + b"--b--\r\n"
    headers = {**gateway.headers("CLINIC1"), "Content-Type": f'multipart/related; type="{kind}"; boundary=b'}
    async with http.post(gateway.url + "/studies", data=body, headers=headers) as answer:
        return answer.status, json.loads(await answer.read())


def item_of(data_set: Dataset, address: str) -> dict[str, Any]:
    item: dict[str, Any] = data_set.to_json_dict(1024, lambda _: address)
    item["7FE00010"] = {"vr": item["7FE00010"]["vr"], "BulkDataURI": address}
    return item


@pytest.mark.parametrize("kind", ["application/dicom+json", "application/dicom+xml"])
async def test_metadata_and_bulk_data_may_come_apart(gateway: Gateway, http: aiohttp.ClientSession, kind: str) -> None:
    slices = [ct_slice(StudyInstanceUID="2.25.1001") for _ in range(2)]
    encoded = ct_slice(StudyInstanceUID="2.25.1001")
    encoded_bytes = encoded.PixelData
    part10_of(encoded)
    encoded.compress(RLELossless, generate_instance_uid=False)
    frame = get_frame(encoded.PixelData, 0, number_of_frames=1)
    bulk = {f"bulk/{n}": ("application/octet-stream", each.PixelData) for n, each in enumerate(slices)}
    bulk["bulk/rle"] = ("image/dicom-rle; transfer-syntax=1.2.840.10008.1.2.5", frame)
    items = [item_of(each, f"bulk/{n}") for n, each in enumerate(slices)] + [item_of(encoded, "bulk/rle")]
    documents = [json.dumps(items).encode()] if kind.endswith("json") else [to_xml(item) for item in items]
    status, answer = await send_apart(http, gateway, kind, documents, bulk)
    assert status == 200, answer
    assert len(answer["00081199"]["Value"]) == 3
    for each, pixels in [*((each, each.PixelData) for each in slices), (encoded, encoded_bytes)]:
        where = f"/studies/2.25.1001/series/{each.SeriesInstanceUID}/instances/{each.SOPInstanceUID}"
        found = dcmread(io.BytesIO((await get(http, gateway, where, **ONE))[1]))
        assert found.pixel_array.tobytes() == pixels
        assert found.PatientName == "Wang^XiaoDong=王^小东"
    assert len(await qido(http, gateway, "/studies/2.25.1001/instances")) == 3


async def test_what_came_apart_and_does_not_fit_is_refused_with_a_reason(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    slice_ = ct_slice()
    item, lost = item_of(slice_, "a"), item_of(ct_slice(), "lost")
    pixels = {"a": ("application/octet-stream", slice_.PixelData)}
    kind = "application/dicom+json"
    status, answer = await send_apart(http, gateway, kind, [json.dumps([item, lost]).encode()], pixels)
    assert status == 202
    (failed,) = answer["00081198"]["Value"]
    assert value_of(failed, "00081197") == 0xC000
    assert "Content-Location" in value_of(failed, "00000902")
    assert (await send_apart(http, gateway, kind, [b"[{"], {}))[0] == 400
    assert (await send_apart(http, gateway, kind, [], pixels))[0] == 400
    assert (await send_apart(http, gateway, kind, [json.dumps([item]).encode()], {"a": ("video/mp4", b"x")}))[0] == 415
    hostile = {**item, "00101010": {"vr": "AS", "Value": [{"x": 1}]}, "00280010": {"vr": "US", "InlineBinary": b64encode(b"x").decode()}}
    assert (await send_apart(http, gateway, kind, [json.dumps([hostile]).encode()], pixels))[0] == 409


async def test_the_answer_to_a_store_may_be_xml(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    body = b"--b\r\nContent-Type: application/dicom\r\n\r\n" + part10_of(ct_slice()) + b"\r\n--b--\r\n"
    headers = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=b', "Accept": "application/dicom+xml"}
    async with http.post(gateway.url + "/studies", data=body, headers={**gateway.headers("CLINIC1"), **headers}) as answer:
        assert (answer.status, answer.content_type) == (200, "application/dicom+xml")
        assert b"00081199" in await answer.read()


async def test_the_service_says_what_it_can_do(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    headers = gateway.headers("CLINIC1")
    async with http.options(gateway.url + "/", headers=headers) as answer:
        assert (answer.status, answer.content_type) == (200, "application/vnd.sun.wadl+xml")
        root = ET.fromstring(await answer.read())  # noqa: S314  # our own document
        paths = {node.get("path") for node in root.iter("{http://wadl.dev.java.net/2009/02}resource")}
        assert {"studies", "studies/{study}/series/{series}/instances/{instance}/frames/{frames}/rendered"} <= paths
    async with http.options(gateway.url + "/studies", headers={**headers, "Accept": "application/vnd.sun.wadl+json"}) as answer:
        assert answer.headers["Allow"] == "GET, OPTIONS, POST"
        (resource,) = [r for r in (await answer.json(content_type=None))["application"]["resources"]["resource"] if r["@path"] == "studies"]
        (search,) = [method for method in resource["method"] if method["@name"] == "GET"]
        assert {"PatientName", "fuzzymatching"} <= {param["@name"] for param in search["request"]["param"]}
    async with http.options(gateway.url + "/studies/1.2/metadata", headers={**headers, "Accept": "text/html"}) as answer:
        assert answer.status == 406
    async with http.get(gateway.url + "/nothing/here", headers=headers) as answer:
        assert answer.status == 404

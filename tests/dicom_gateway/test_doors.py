"""The whole gateway through its sockets: what goes in comes back byte for byte, and only to whom it belongs."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, _config, build_context, build_role, evt

from dicom_gateway import NotStorable, UnreadableDICOM
from dicom_gateway.dimse.association_socket import RequestingEntity
from dicom_gateway.header import read_header
from dicom_gateway.scanner import read_meta, scan
from dicom_gateway.upper_layer.pdu import PDUType
from tests import real_files
from tests.dicom_gateway.conftest import Gateway, parts_of, value_of
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.dicom_gateway.peer import connected, request

FIND, MOVE, GET = (f"1.2.840.10008.5.1.4.1.2.2.{n}" for n in (1, 2, 3))
AS_SENT = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}


def body_of(part10: bytes) -> bytes:
    return part10[read_meta(memoryview(part10))[1] :]


def send(port: int, calling: str, paths: list[Path]) -> dict[Path, int]:
    """C-STORE each file; statuses by file."""
    statuses: dict[Path, int] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ae = RequestingEntity(ae_title=calling)
        metas = [dcmread(path, stop_before_pixels=True).file_meta for path in paths]
        contexts = {(meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID) for meta in metas}
        ae.requested_contexts = [build_context(*context) for context in sorted(contexts)]
        association = ae.associate("127.0.0.1", port, ae_title="TELEMED")
        assert association.is_established
        for path in paths:
            statuses[path] = association.send_c_store(path).Status
        association.release()
    return statuses


def find(port: int, calling: str, keys: dict[str, Any]) -> list[Dataset]:
    """C-FIND, study root."""
    query = Dataset()
    for keyword, value in keys.items():
        setattr(query, keyword, value)
    ae = RequestingEntity(ae_title=calling)
    ae.add_requested_context(FIND)
    association = ae.associate("127.0.0.1", port, ae_title="TELEMED")
    assert association.is_established
    answers = [(s.Status, d) for s, d in association.send_c_find(query, FIND)]
    association.release()
    assert answers[-1][0] == 0, answers
    return [d for status, d in answers[:-1] if d is not None]


async def get(http: aiohttp.ClientSession, gateway: Gateway, path: str, owner: str = "CLINIC1", **headers: str) -> Any:
    async with http.get(gateway.url + path, headers={**gateway.headers(owner), **headers}) as answer:
        return answer.status, await answer.read(), answer.headers


async def qido(http: aiohttp.ClientSession, gateway: Gateway, path: str, owner: str = "CLINIC1") -> list[dict[str, Any]]:
    status, body, _ = await get(http, gateway, path, owner)
    assert status == 200, body
    found: list[dict[str, Any]] = json.loads(body)
    return found


async def stow(http: aiohttp.ClientSession, gateway: Gateway, objects: list[bytes], owner: str = "CLINIC1") -> tuple[int, Any]:
    body = b"".join(b"--b\r\nContent-Type: application/dicom\r\n\r\n" + each + b"\r\n" for each in objects) + b"--b--\r\n"
    headers = {**gateway.headers(owner), "Content-Type": 'multipart/related; type="application/dicom"; boundary=b'}
    async with http.post(gateway.url + "/studies", data=body, headers=headers) as answer:
        return answer.status, json.loads(await answer.read())


@real_files.needs("dicom/*")
async def test_real_files_come_back_byte_for_byte(gateway: Gateway, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch) -> None:
    # So that the sender, too, takes the bytes from the file as they are.
    monkeypatch.setattr(_config, "STORE_SEND_CHUNKED_DATASET", True)
    chosen: dict[str, Path] = {}
    for path in await asyncio.to_thread(real_files.files, "dicom/*"):
        try:
            header = read_header(scan(path.read_bytes()))
        except (UnreadableDICOM, NotStorable):
            continue
        chosen.setdefault(header.sop_instance_uid, path)
    statuses = await asyncio.to_thread(send, gateway.dimse.port, "CLINIC1", list(chosen.values()))
    assert set(statuses.values()) == {0}
    for uid, path in chosen.items():
        (found,) = await qido(http, gateway, f"/instances?SOPInstanceUID={uid}")
        where = f"/studies/{value_of(found, '0020000D')}/series/{value_of(found, '0020000E')}/instances/{uid}"
        status, content, headers = await get(http, gateway, where, **AS_SENT)
        assert status == 200
        ((_, part),) = parts_of(content, headers["Content-Type"])
        assert body_of(part) == body_of(path.read_bytes()), path.name
        status, _, _ = await get(http, gateway, where + "/rendered")
        assert status in (200, 406), path.name
        status, content, _ = await get(http, gateway, where + "/metadata")
        assert status == 200
        assert value_of(json.loads(content)[0], "0020000D") == value_of(found, "0020000D")
    assert len(chosen) >= 40


async def test_repeats_conflicts_and_refusals(gateway: Gateway, http: aiohttp.ClientSession, tmp_path: Path) -> None:
    slice_ = ct_slice()
    first, path = part10_of(slice_), tmp_path / "a.dcm"
    path.write_bytes(first)
    for _ in range(2):
        assert await asyncio.to_thread(send, gateway.dimse.port, "CLINIC1", [path]) == {path: 0}
    slice_.PatientID = "P0002"
    path.write_bytes(part10_of(slice_))
    for _ in range(2):
        assert await asyncio.to_thread(send, gateway.dimse.port, "CLINIC1", [path]) == {path: 0xB000}
    await qido(http, gateway, "/studies")  # which waits until the index knows what was acknowledged
    assert [i.recorded.value for i in gateway.hooked] == ["new", "duplicate", "conflict", "repeated conflict"]
    keys = [key async for key in gateway.store.list()]
    assert len(keys) == 2  # the first, and the one kept aside
    (found,) = await qido(http, gateway, "/studies")
    assert value_of(found, "00100020") == "P0001"
    without = ct_slice(StudyInstanceUID=None)
    path.write_bytes(part10_of(without))
    for _ in range(2):
        assert await asyncio.to_thread(send, gateway.dimse.port, "CLINIC1", [path]) == {path: 0xA900}
    assert len([key async for key in gateway.store.list("quarantine/")]) == 1
    status, answer = await stow(http, gateway, [b"this is no DICOM file", part10_of(ct_slice())])
    assert status == 202
    assert value_of(answer["00081198"]["Value"][0], "00081197") == 0xC000
    assert len(answer["00081199"]["Value"]) == 1


async def test_an_unknown_calling_title_is_refused(gateway: Gateway) -> None:
    """Seen at the level of PDUs: pynetdicom takes a refusal that comes very quickly for a connection that failed."""
    async with connected(gateway.dimse.port) as peer:
        await peer.send(request("STRANGER").encode())
        kind, body = await peer.pdu()
    assert (kind, tuple(body[1:4])) == (PDUType.ASSOCIATE_RJ, (1, 1, 3))


async def test_queries_match_as_the_standard_says(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    one, two = generate_uid(), generate_uid()
    objects = [
        ct_slice(StudyInstanceUID=one),
        ct_slice(StudyInstanceUID=two, PatientName="LI^Na", PatientID="Q_7", StudyDate="20240301", StudyTime="121530", Modality="MR"),
    ]
    status, _ = await stow(http, gateway, [part10_of(each) for each in objects])
    assert status == 200
    asked = {
        "PatientName=wang^*": [one], "PatientName=王^小东": [one], "PatientName=li^na": [two], "PatientID=Q*": [two],
        "PatientID=q*": [], "PatientID=Q?7": [two], "PatientID=Q%257": [], "StudyDate=20240101-20240201": [one],
        "StudyDate=20240201-": [two], "StudyDate=-20240115": [one], "StudyTime=-12": [one, two], "StudyTime=11-12": [two],
        "ModalitiesInStudy=MR": [two], "ModalitiesInStudy=CT,MR": [one, two], f"StudyInstanceUID={one},{two}": [one, two],
        "PatientName=xiao&fuzzymatching=true": [one], "PatientName=dong&fuzzymatching=true": [],
        "PatientName=xiaodong wang&fuzzymatching=true": [one],
        "00080050=ACC1": [one, two], "Modality=MR": [two], "limit=1": [two], "limit=1&offset=1": [one], "offset=9": [],
    }  # fmt: skip
    for query, expected in asked.items():
        found = await qido(http, gateway, f"/studies?{query}")
        assert sorted(value_of(each, "0020000D") for each in found) == sorted(expected), query
    answers = await asyncio.to_thread(
        find, gateway.dimse.port, "CLINIC1",
        {"QueryRetrieveLevel": "STUDY", "PatientName": "WANG*"}
        | dict.fromkeys(("StudyInstanceUID", "ModalitiesInStudy", "NumberOfStudyRelatedInstances"), ""),
    )  # fmt: skip
    assert [(d.StudyInstanceUID, d.ModalitiesInStudy, d.NumberOfStudyRelatedInstances) for d in answers] == [(one, "CT", 1)]
    assert str(answers[0].PatientName) == "Wang^XiaoDong=王^小东"
    answers = await asyncio.to_thread(
        find, gateway.dimse.port, "CLINIC1",
        {"QueryRetrieveLevel": "IMAGE", "StudyInstanceUID": one, "SeriesInstanceUID": "", "SOPInstanceUID": "", "Rows": None},
    )  # fmt: skip
    assert [(d.SOPInstanceUID, d.Rows) for d in answers] == [(objects[0].SOPInstanceUID, 16)]
    for query in ("StudyDate=yesterday", "limit=-1", "NumberOfStudyRelatedSeries=2"):
        status, body, headers = await get(http, gateway, f"/studies?{query}")
        assert status == 400
        assert headers["Content-Type"] == "application/problem+json"
        assert json.loads(body)["status"] == 400


async def test_pictures_frames_and_bulk_data(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    slice_ = ct_slice()
    await stow(http, gateway, [part10_of(slice_)])
    where = f"/studies/{slice_.StudyInstanceUID}/series/{slice_.SeriesInstanceUID}/instances/{slice_.SOPInstanceUID}"
    status, body, headers = await get(
        http, gateway, where + "/frames/1", Accept="multipart/related; type=application/octet-stream; transfer-syntax=*"
    )
    assert status == 200
    assert parts_of(body, headers["Content-Type"]) == [("application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1", slice_.PixelData)]
    picture = where + "/rendered?window=0,100,linear&viewport=40,40"
    status, body, headers = await get(http, gateway, picture, Accept="image/png")
    assert (status, headers["Content-Type"], body[:8]) == (200, "image/png", b"\x89PNG\r\n\x1a\n")
    status, _, _ = await get(http, gateway, picture, Accept="image/png", **{"If-None-Match": headers["ETag"]})
    assert status == 304
    status, body, headers = await get(http, gateway, f"/studies/{slice_.StudyInstanceUID}/thumbnail")
    assert (status, headers["Content-Type"]) == (200, "image/jpeg")
    status, body, _ = await get(http, gateway, where + "/metadata")
    uri = json.loads(body)[0]["7FE00010"]["BulkDataURI"]
    assert not uri.startswith(("/", "http"))
    status, body, _ = await get(http, gateway, where + "/" + uri)
    assert (status, body) == (200, slice_.PixelData)
    for path, expected in {
        "/frames/2": 404, "/frames/0": 400, "/frames/x": 400, "/rendered?window=1": 400, "/rendered?window=1,0": 400,
        "/rendered?viewport=0,0": 400, "/bulkdata/00100010": 404, "/bulkdata/../..": 404,
    }.items():  # fmt: skip
        status, _, _ = await get(http, gateway, where + path)
        assert status == expected, path


async def test_no_door_shows_another_owners_objects(gateway: Gateway, http: aiohttp.ClientSession, free_port: Callable[[], int]) -> None:
    slice_ = ct_slice()
    await stow(http, gateway, [part10_of(slice_)])
    study = f"/studies/{slice_.StudyInstanceUID}"
    series = f"{study}/series/{slice_.SeriesInstanceUID}"
    instance = f"{series}/instances/{slice_.SOPInstanceUID}"
    for path in ("/studies", "/series", "/instances", study + "/series", study + "/instances", series + "/instances"):
        assert len(await qido(http, gateway, path)) == 1
        assert await qido(http, gateway, path, owner="CLINIC2") == []
    for path in (
        study, series, instance, study + "/metadata", series + "/metadata", instance + "/metadata", instance + "/frames/1",
        instance + "/rendered", instance + "/frames/1/rendered", study + "/thumbnail", instance + "/bulkdata/7FE00010",
    ):  # fmt: skip
        assert (await get(http, gateway, path))[0] == 200, path
        theirs, absent = (
            await get(http, gateway, path, owner="CLINIC2"),
            await get(http, gateway, path.replace(slice_.StudyInstanceUID, "1.2.3")),
        )
        assert (theirs[0], theirs[1]) == (absent[0], absent[1]) == (404, absent[1]), path
        assert (await get(http, gateway, path, owner="NOBODY"))[0] == 401, path
    port = gateway.dimse.port
    keys = {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": slice_.StudyInstanceUID}
    assert len(await asyncio.to_thread(find, port, "CLINIC1", keys)) == 1
    assert await asyncio.to_thread(find, port, "CLINIC2", keys) == []
    mover = free_port()
    gateway.movers["DEST"] = mover
    for calling, expected in (("CLINIC1", [slice_.SOPInstanceUID]), ("CLINIC2", [])):
        assert await asyncio.to_thread(retrieve, port, calling, slice_.StudyInstanceUID) == expected
        assert await asyncio.to_thread(move, port, mover, calling, slice_.StudyInstanceUID) == expected


def retrieve(port: int, calling: str, study: str) -> list[str]:
    """C-GET; SOP Instance UIDs that came."""
    arrived: list[str] = []

    def keep(event: Any) -> int:
        arrived.append(str(event.request.AffectedSOPInstanceUID))
        return 0

    ct = "1.2.840.10008.5.1.4.1.1.2"
    ae = RequestingEntity(ae_title=calling)
    ae.add_requested_context(GET)
    ae.add_requested_context(ct)
    association = ae.associate(
        "127.0.0.1", port, ae_title="TELEMED", ext_neg=[build_role(ct, scp_role=True)], evt_handlers=[(evt.EVT_C_STORE, keep)]
    )
    assert association.is_established
    statuses = [s.Status for s, _ in association.send_c_get(_study(study), GET)]
    association.release()
    assert statuses[-1] == 0
    return arrived


def move(port: int, mover: int, calling: str, study: str) -> list[str]:
    """C-MOVE to a receiver of our own; SOP Instance UIDs that came."""
    arrived: list[str] = []

    def keep(event: Any) -> int:
        arrived.append(str(event.request.AffectedSOPInstanceUID))
        return 0

    receiver = AE(ae_title="DEST")
    receiver.add_supported_context("1.2.840.10008.5.1.4.1.1.2")
    server = receiver.start_server(("127.0.0.1", mover), block=False, evt_handlers=[(evt.EVT_C_STORE, keep)])
    try:
        ae = RequestingEntity(ae_title=calling)
        ae.add_requested_context(MOVE)
        association = ae.associate("127.0.0.1", port, ae_title="TELEMED")
        assert association.is_established
        statuses = [s.Status for s, _ in association.send_c_move(_study(study), "DEST", MOVE)]
        unknown = [s.Status for s, _ in association.send_c_move(_study(study), "NOWHERE", MOVE)]
        association.release()
    finally:
        server.shutdown()
    assert (statuses[-1], unknown[-1]) == (0, 0xA801)
    return arrived


def _study(uid: str) -> Dataset:
    query = Dataset()
    query.QueryRetrieveLevel, query.StudyInstanceUID = "STUDY", uid
    return query

"""tus 1.0 spoken by hand: https://tus.io/protocols/resumable-upload."""

from __future__ import annotations

import base64
import hashlib
import io
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from pydicom.data import get_testdata_file

from telemed.domain.evidence import HEAD
from telemed.domain.upload import LIFETIME, MAX_UNFINISHED
from telemed.service.uploads import PART_BYTES, sweep_uploads
from tests.cutting_proxy import cutting_proxy
from tests.demo_region import Answer, DemoRegion, new_case

TUS = {"Tus-Resumable": "1.0.0"}
STREAM = TUS | {"Content-Type": "application/offset+octet-stream"}
CT_SMALL = Path(str(get_testdata_file("CT_small.dcm")))
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 40 + b"\n%%EOF\n"


def metadata(**values: str) -> str:
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in values.items())


async def announce(region: DemoRegion, case: str, length: int, name: str = "note.pdf", user: str = "clinic1") -> Answer:
    headers = TUS | {"Upload-Length": str(length), "Upload-Metadata": metadata(case=case, filename=name)}
    return await region.call("POST", "/api/v1/uploads", user=user, headers=headers)


async def begun(region: DemoRegion, length: int = len(PDF)) -> tuple[str, str]:
    """A new case and an announced upload for it: the case's id, the upload's address."""
    case = await new_case(region)
    answer = await announce(region, case, length)
    assert answer.status == 201, answer.body
    return case, answer.headers["Location"]


async def patch(region: DemoRegion, url: str, offset: int, data: bytes, user: str = "clinic1", **more: str) -> Answer:
    headers = STREAM | {"Upload-Offset": str(offset)} | {name.replace("_", "-"): value for name, value in more.items()}
    return await region.call("PATCH", url, user=user, headers=headers, data=io.BytesIO(data))


async def offset_of(region: DemoRegion, url: str) -> int:
    return int((await region.call("HEAD", url, user="clinic1", headers=TUS)).headers["Upload-Offset"])


async def evidence_of(region: DemoRegion, case: str) -> list[dict[str, object]]:
    items: list[dict[str, object]] = (await region.call("GET", f"/api/v1/cases/{case}/evidence", user="clinic1")).body["items"]
    return items


async def stored_keys(region: DemoRegion, url: str) -> list[str]:
    return [key async for key in region.parts.store.list(f"uploads/{url.rsplit('/', 1)[1]}/")]


async def test_a_file_in_two_parts_becomes_evidence(region: DemoRegion) -> None:
    case, url = await begun(region)
    first = await patch(region, url, 0, PDF[:5000])
    assert (first.status, first.headers["Upload-Offset"]) == (204, "5000")
    assert await offset_of(region, url) == 5000
    assert await evidence_of(region, case) == []
    last = await patch(region, url, 5000, PDF[5000:])
    assert (last.status, last.headers["Upload-Offset"]) == (204, str(len(PDF)))
    (evidence,) = await evidence_of(region, case)
    assert (evidence["type"], evidence["name"], evidence["sha256"]) == ("document", "note.pdf", hashlib.sha256(PDF).hexdigest())
    assert last.headers["Content-Location"] == f"/api/v1/cases/{case}/evidence/{evidence['id']}"
    content = await region.call("GET", last.headers["Content-Location"] + "/content", user="clinic1")
    assert content.body == PDF
    assert await stored_keys(region, url) == []


async def test_the_last_bytes_again_are_answered_alike(region: DemoRegion) -> None:
    case, url = await begun(region)
    await patch(region, url, 0, PDF[:5000])
    answers = [await patch(region, url, 5000, PDF[5000:]) for _ in range(2)]
    assert [(a.status, a.headers["Upload-Offset"], a.headers["Content-Location"]) for a in answers] == [
        (204, str(len(PDF)), answers[0].headers["Content-Location"])
    ] * 2
    assert len(await evidence_of(region, case)) == 1


async def test_the_same_file_twice_is_one_piece_of_evidence_and_one_object(region: DemoRegion) -> None:
    case, url = await begun(region)
    await patch(region, url, 0, PDF)
    again = (await announce(region, case, len(PDF))).headers["Location"]
    await patch(region, again, 0, PDF)
    assert len(await evidence_of(region, case)) == 1
    assert len([key async for key in region.parts.store.list(f"evidence/{case}/")]) == 1


async def test_a_dicom_file_finds_its_way_to_the_intake(region: DemoRegion) -> None:
    content = CT_SMALL.read_bytes()  # noqa: ASYNC240  # 40 kB of a test's own
    case, url = await begun(region, len(content))
    assert (await patch(region, url, 0, content)).status == 204
    (evidence,) = await evidence_of(region, case)
    assert (evidence["type"], evidence["instances"]) == ("dicom-study", 1)


async def test_large_bodies_count_part_by_part(region: DemoRegion) -> None:
    content = PDF + bytes(PART_BYTES * 2)
    _, url = await begun(region, len(content) + 1)
    answer = await patch(region, url, 0, content)
    assert answer.headers["Upload-Offset"] == str(len(content))
    assert len(await stored_keys(region, url)) == 2


async def test_a_line_that_is_cut_keeps_what_came(region: DemoRegion) -> None:
    content = PDF + bytes(2 * PART_BYTES)
    case, url = await begun(region, len(content))
    async with cutting_proxy(region.home.removeprefix("http://")) as proxy:
        proxy.cuts, proxy.up = 1, PART_BYTES * 3 // 2
        with pytest.raises(aiohttp.ClientError):
            await patch(region, f"http://{proxy.endpoint}{url}", 0, content)
    answer = await patch(region, url, 0, content)
    while answer.status == 409:  # as every client does: the server says where to go on
        kept = int(answer.headers["Upload-Offset"])
        answer = await patch(region, url, kept, content[kept:])
    assert answer.status == 204
    assert PART_BYTES < kept < proxy.up
    assert (await evidence_of(region, case))[0]["sha256"] == hashlib.sha256(content).hexdigest()


async def test_bytes_at_a_wrong_offset_are_409_and_say_where_to_go_on(region: DemoRegion) -> None:
    _, url = await begun(region)
    await patch(region, url, 0, PDF[:100])
    for offset in (0, 50, 101):
        answer = await patch(region, url, offset, PDF[offset:])
        assert (answer.status, answer.headers["Upload-Offset"]) == (409, "100")


async def test_more_bytes_than_announced_do_not_count(region: DemoRegion) -> None:
    case, url = await begun(region)
    assert (await patch(region, url, 0, PDF + b"x")).status == 422
    assert await offset_of(region, url) == 0
    assert await evidence_of(region, case) == []


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
async def test_a_checksum_is_held(region: DemoRegion, algorithm: str) -> None:
    _, url = await begun(region)
    digest = base64.b64encode(hashlib.new(algorithm, PDF[:5000]).digest()).decode()
    damaged = await patch(region, url, 0, PDF[:4999] + b"x", Upload_Checksum=f"{algorithm} {digest}")
    assert damaged.status == 460
    assert await offset_of(region, url) == 0
    assert (await patch(region, url, 0, PDF[:5000], Upload_Checksum=f"{algorithm} {digest}")).status == 204
    assert await stored_keys(region, url) != []


async def test_a_file_of_no_known_kind_is_refused_at_its_first_bytes(region: DemoRegion) -> None:
    _, url = await begun(region, 10_000_000)
    answer = await patch(region, url, 0, bytes(HEAD))
    assert (answer.status, answer.body["type"]) == (415, "/problems/unknown-file")
    assert (await region.call("HEAD", url, user="clinic1", headers=TUS)).status == 404
    assert await stored_keys(region, url) == []


async def test_giving_up_leaves_nothing(region: DemoRegion) -> None:
    _, url = await begun(region)
    await patch(region, url, 0, PDF[:5000])
    assert (await region.call("DELETE", url, user="clinic1", headers=TUS)).status == 204
    assert (await region.call("HEAD", url, user="clinic1", headers=TUS)).status == 404
    assert await stored_keys(region, url) == []


async def test_an_upload_is_its_senders_alone(region: DemoRegion) -> None:
    case, url = await begun(region)
    for user in ("clinic2", "imaging.huba", "operator"):
        assert (await region.call("HEAD", url, user=user, headers=TUS)).status == 404
        assert (await patch(region, url, 0, PDF, user=user)).status == 404
        assert (await region.call("DELETE", url, user=user, headers=TUS)).status == 404
    assert (await region.call("HEAD", url, headers=TUS)).status == 401
    assert (await announce(region, case, 10, user="clinic2")).status == 404
    assert (await announce(region, case, 10, user="auditor")).status == 404


async def test_what_cannot_be_announced(region: DemoRegion) -> None:
    case = await new_case(region)

    async def answer(**headers: str) -> int:
        sent = TUS | {name.replace("_", "-"): value for name, value in headers.items()}
        return (await region.call("POST", "/api/v1/uploads", user="clinic1", headers=sent)).status

    good = metadata(case=case, filename="a.pdf")
    assert await answer(Upload_Length="10", Upload_Metadata=good, Tus_Resumable="0.2") == 412
    assert await answer(Upload_Length="ten", Upload_Metadata=good) == 400
    assert await answer(Upload_Length="10", Upload_Metadata="case %%%") == 400
    assert await answer(Upload_Length="10", Upload_Metadata=metadata(filename="a.pdf")) == 422
    assert await answer(Upload_Length="0", Upload_Metadata=good) == 422
    assert await answer(Upload_Length=str(5 * 1024**3), Upload_Metadata=good) == 413
    await region.step(case, "cancel", {"reason": "误建"}, user="clinic1")
    assert await answer(Upload_Length="10", Upload_Metadata=good) == 409


async def test_one_person_cannot_pile_up_uploads(region: DemoRegion) -> None:
    case = await new_case(region, user="clinic3")
    answers = [await announce(region, case, 10, user="clinic3") for _ in range(MAX_UNFINISHED + 1)]
    assert [a.status for a in answers] == [201] * MAX_UNFINISHED + [429]


async def test_what_expired_is_swept_with_its_parts(region: DemoRegion) -> None:
    _, url = await begun(region)
    await patch(region, url, 0, PDF[:5000])
    now = region.parts.application.now()
    await sweep_uploads(region.parts.application, now, 1000)
    assert await offset_of(region, url) == 5000
    await sweep_uploads(region.parts.application, now + LIFETIME + timedelta(minutes=1), 1000)
    assert (await region.call("HEAD", url, user="clinic1", headers=TUS)).status == 404
    assert await stored_keys(region, url) == []


async def test_capabilities_and_the_method_behind_a_narrow_proxy(region: DemoRegion) -> None:
    options = await region.call("OPTIONS", "/api/v1/uploads", user="clinic1")
    assert options.headers["Tus-Version"] == "1.0.0"
    assert set(options.headers["Tus-Extension"].split(",")) == {"creation", "termination", "expiration", "checksum"}
    _, url = await begun(region)
    headers = STREAM | {"Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert (await region.call("POST", url, user="clinic1", headers=headers, data=PDF)).status == 204
    assert await offset_of(region, url) == len(PDF)

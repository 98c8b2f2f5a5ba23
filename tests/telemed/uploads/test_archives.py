"""A ZIP archive is taken by its files, through both doors: each becomes evidence, or is left out with its reason."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any
from urllib.parse import unquote

import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

from telemed.service import archives
from tests.demo_region import Answer, DemoRegion, new_case
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.telemed.api.stories import file_form
from tests.telemed.harness import CARD
from tests.telemed.uploads.test_tus import PDF, announce, evidence_of, patch, stored_keys


def packed(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def image(study: str, **more: Any) -> bytes:
    return part10_of(ct_slice(StudyInstanceUID=study, AccessionNumber="", PatientID="", **CARD, **more))


def disc(study: str, images: int = 3) -> dict[str, bytes]:
    """A patient's disc: a table of contents, images, a document, and what nobody takes."""
    directory = part10_of(ct_slice(SOPClassUID="1.2.840.10008.1.3.10"))
    pictures = {f"DICOM/ST000000/SE000000/IM{number:06d}": image(study) for number in range(images)}
    return {"DICOMDIR": directory, **pictures, "REPORT/report.pdf": PDF, "AUTORUN.INF": b"[autorun]\nopen=viewer.exe\n"}


async def send(region: DemoRegion, case: str, content: bytes, **headers: str) -> Answer:
    form = file_form(content, "disc.zip")
    return await region.call("POST", f"/api/v1/cases/{case}/files", data=form, user="clinic1", headers={"Accept-Language": "en", **headers})


async def test_a_disc_becomes_its_files(region: DemoRegion) -> None:
    case, study = await new_case(region), str(generate_uid())
    answer = await send(region, case, packed(disc(study)))
    assert answer.status == 201, answer.body
    assert sorted((each["type"], each["instances"]) for each in answer.body["items"]) == [("dicom-study", 3), ("document", 0)]
    assert [each["name"] for each in answer.body["left_out"]] == ["AUTORUN.INF"]
    assert "Taken are" in answer.body["left_out"][0]["detail"]
    listed = await evidence_of(region, case)
    assert {each["study_instance_uid"] for each in listed} == {study, None}
    assert {each["name"] for each in listed} >= {"report.pdf"}


async def test_the_same_archive_again_changes_nothing(region: DemoRegion) -> None:
    case, content = await new_case(region), packed(disc(str(generate_uid())))
    first = await send(region, case, content)
    again = await send(region, case, content)
    assert [each["id"] for each in again.body["items"]] == [each["id"] for each in first.body["items"]]
    assert len(await evidence_of(region, case)) == 2


async def test_the_resumable_door_takes_it_alike(region: DemoRegion) -> None:
    case, content = await new_case(region), packed(disc(str(generate_uid())))
    url = (await announce(region, case, len(content), "disc.zip")).headers["Location"]
    half = len(content) // 2
    assert (await patch(region, url, 0, content[:half])).status == 204
    done = await patch(region, url, half, content[half:])
    assert done.status == 204, done.body
    assert done.headers["Upload-Files"] == "4"
    count, listed = done.headers["Upload-Left-Out"].split(" ", 1)
    assert (count, [each["name"] for each in json.loads(unquote(listed))]) == ("1", ["AUTORUN.INF"])
    assert {each["type"] for each in await evidence_of(region, case)} == {"dicom-study", "document"}
    assert await stored_keys(region, url) == []
    repeated = await patch(region, url, half, content[half:])  # the answer was lost on the way
    assert repeated.status == 204


async def test_an_archive_of_nothing_that_is_taken_says_why(region: DemoRegion) -> None:
    case = await new_case(region)
    answer = await send(region, case, packed({"a.exe": b"MZ" + bytes(400), "inner.zip": packed({"x.pdf": PDF})}))
    assert (answer.status, answer.body["type"]) == (422, "/problems/nothing-taken")
    assert "a.exe: Taken are" in answer.body["detail"]
    assert "inner.zip: This is an archive inside an archive" in answer.body["detail"]
    content = packed({"a.exe": b"MZ" + bytes(400)})
    url = (await announce(region, case, len(content), "a.zip")).headers["Location"]
    assert (await patch(region, url, 0, content)).status == 422
    assert await stored_keys(region, url) == []
    assert await evidence_of(region, case) == []


async def test_what_is_left_out_stands_in_nobodys_way(region: DemoRegion) -> None:
    case = await new_case(region)
    files = {"../../etc/passwd.pdf": PDF, "d/" * 13 + "deep.pdf": PDF, "cut.dcm": image(str(generate_uid()))[:400], "good.pdf": PDF}
    answer = await send(region, case, packed(files))
    assert answer.status == 201
    assert [each["name"] for each in answer.body["items"]] == ["good.pdf"]
    assert len(answer.body["left_out"]) == 3


async def refused(region: DemoRegion, content: bytes) -> str:
    case = await new_case(region)
    answer = await send(region, case, content)
    assert answer.status == 415, answer.body
    assert await evidence_of(region, case) == []
    return str(answer.body["detail"])


async def test_an_archive_with_a_password_is_not_opened(region: DemoRegion) -> None:
    content = bytearray(packed({"a.pdf": PDF}))
    for place in (content.index(b"PK\x03\x04") + 6, content.index(b"PK\x01\x02") + 8):
        content[place] |= 1
    assert "password" in await refused(region, bytes(content))


async def test_a_damaged_archive_says_so(region: DemoRegion) -> None:
    assert "damaged" in await refused(region, packed({"a.pdf": PDF})[:-30])


async def test_the_limits_hold_at_and_above(region: DemoRegion, monkeypatch: pytest.MonkeyPatch) -> None:
    case = await new_case(region)
    two, three = (packed({f"{number}.pdf": PDF + b"%d" % number for number in range(count)}) for count in (2, 3))
    monkeypatch.setattr(archives, "MAX_FILES", 2)
    assert (await send(region, case, two)).status == 201
    assert "5,000 files" in await refused(region, three)
    monkeypatch.setattr(archives, "MAX_FILES", 3)
    monkeypatch.setattr(archives, "MAX_UNPACKED", 3 * (len(PDF) + 1))
    assert (await send(region, case, three)).status == 201
    monkeypatch.setattr(archives, "MAX_UNPACKED", 3 * (len(PDF) + 1) - 1)
    assert "4 GB" in await refused(region, three)


async def test_a_table_of_contents_has_a_limit_before_it_is_read(region: DemoRegion, monkeypatch: pytest.MonkeyPatch) -> None:
    """A million lines of it take 47 MB on the way and 370 in memory, and may all name one file."""
    case = await new_case(region)
    content = packed({f"{'a' * 1000}{number}.pdf": PDF + b"%d" % number for number in range(5)})
    begin, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    monkeypatch.setattr(archives, "MAX_DIRECTORY", end - begin)
    assert (await send(region, case, content)).status == 201
    monkeypatch.setattr(archives, "MAX_DIRECTORY", end - begin - 1)
    assert "5,000 files" in await refused(region, content)


async def test_a_dense_archive_is_not_opened(region: DemoRegion) -> None:
    assert "too densely" in await refused(region, packed({"a.pdf": PDF + bytes(archives.RATIO_FROM)}))


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian], ids=["explicit", "implicit"])
async def test_a_data_set_without_the_beginning_of_a_file_is_taken(region: DemoRegion, syntax: Any) -> None:
    case, study = await new_case(region), str(generate_uid())
    whole = part10_of(ct_slice(StudyInstanceUID=study, AccessionNumber="", PatientID="", **CARD), syntax)
    bare = whole[whole.index(b"\x08\x00\x05\x00", 200) :]
    answer = await send(region, case, bare)
    assert answer.status == 201, answer.body
    assert answer.body["items"][0]["study_instance_uid"] == study
    headers = {"Accept": "application/dicom+json"}
    described = await region.call("GET", f"/dicomweb/studies/{study}/metadata", user="clinic1", headers=headers)
    assert described.body[0]["00083002"]["Value"] == [str(syntax)]


async def test_file_meta_information_without_a_preamble_is_taken(region: DemoRegion) -> None:
    case, study = await new_case(region), str(generate_uid())
    assert (await send(region, case, image(study)[132:])).status == 201


async def test_a_data_set_that_names_no_object_is_not(region: DemoRegion) -> None:
    case = await new_case(region)
    answer = await send(region, case, b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 192" + bytes(200))
    assert answer.status == 422
    assert "SOP Class" in answer.body["detail"]

"""Corrected attributes of a study: queries and metadata say what is right, and what was received is still there."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa
from pydicom.dataset import Dataset

from dicom_gateway.index import CORRECTABLE, correct, corrections, dicom_study, restore
from dicom_gateway.json_corrections import apply_corrections
from tests.dicom_gateway.conftest import Gateway, value_of
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.dicom_gateway.test_doors import get, qido, stow

pytestmark = pytest.mark.database

AT = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
NAME, NUMBER, ORIGINALS = "00100010", "00100020", "04000561"
RIGHT = {"PatientName": "Zhang^Wei=张^伟", "PatientID": "P0777"}


async def received(gateway: Gateway, http: aiohttp.ClientSession, **attributes: Any) -> tuple[Dataset, int]:
    """A study that is in, and its number in the index."""
    image = ct_slice(**attributes)
    assert (await stow(http, gateway, [part10_of(image)]))[0] == 200
    async with gateway.engine.connect() as connection:
        query = sa.select(dicom_study.c.id).where(dicom_study.c.study_instance_uid == image.StudyInstanceUID)
        return image, (await connection.execute(query)).scalar_one()


async def corrected(gateway: Gateway, study: int, values: dict[str, str]) -> None:
    async with gateway.engine.begin() as connection:
        await connection.run_sync(correct, study, values, AT)


async def metadata_of(gateway: Gateway, http: aiohttp.ClientSession, path: str) -> tuple[dict[str, Any], str]:
    """First object and ETag."""
    async with http.get(f"{gateway.url}{path}/metadata", headers=gateway.headers("CLINIC1")) as answer:
        assert answer.status == 200
        return (await answer.json(content_type=None))[0], answer.headers["ETag"]


async def test_queries_find_the_study_by_what_is_right_and_no_more_by_what_was_wrong(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    image, study = await received(gateway, http)
    await corrected(gateway, study, RIGHT)
    for question in ("PatientID=P0777", "PatientName=zhang*", "PatientName=张*", "PatientName=zhangw&fuzzymatching=true"):
        (found,) = await qido(http, gateway, f"/studies?{question}")
        assert value_of(found, "0020000D") == image.StudyInstanceUID, question
        assert value_of(found, NAME) == {"Alphabetic": "Zhang^Wei", "Ideographic": "张^伟"}
    for question in ("PatientID=P0001", "PatientName=Wang*", "PatientName=xiaodong&fuzzymatching=true"):
        assert await qido(http, gateway, f"/studies?{question}") == [], question


@pytest.mark.parametrize("level", ["study", "series", "instance"])
async def test_metadata_say_both(gateway: Gateway, http: aiohttp.ClientSession, level: str) -> None:
    image, study = await received(gateway, http)
    path = f"/studies/{image.StudyInstanceUID}"
    path += "" if level == "study" else f"/series/{image.SeriesInstanceUID}"
    path += f"/instances/{image.SOPInstanceUID}" if level == "instance" else ""
    before, old_tag = await metadata_of(gateway, http, path)
    await corrected(gateway, study, RIGHT)
    after, new_tag = await metadata_of(gateway, http, path)
    assert new_tag != old_tag
    assert value_of(after, NUMBER) == "P0777"
    item = value_of(after, ORIGINALS)
    assert item["04000565"]["Value"] == ["CORRECT"]
    assert item["04000562"]["Value"] == ["20261120083000.000000+0000"]
    assert item["04000550"]["Value"] == [{tag: before[tag] for tag in (NAME, NUMBER)}]
    rest = {tag for tag in before if tag not in (NAME, NUMBER)}
    assert {tag: after[tag] for tag in rest} == {tag: before[tag] for tag in rest}


async def test_the_object_is_given_out_as_it_was_sent(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    image, study = await received(gateway, http)
    path = f"/studies/{image.StudyInstanceUID}/series/{image.SeriesInstanceUID}/instances/{image.SOPInstanceUID}"
    before = (await get(http, gateway, path, Accept="application/dicom; transfer-syntax=*"))[1]
    await corrected(gateway, study, RIGHT)
    assert (await get(http, gateway, path, Accept="application/dicom; transfer-syntax=*"))[1] == before
    assert b"P0001" in before


async def test_what_comes_later_undoes_nothing(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    image, study = await received(gateway, http)
    await corrected(gateway, study, RIGHT)
    late = ct_slice(StudyInstanceUID=image.StudyInstanceUID, SeriesInstanceUID=image.SeriesInstanceUID)
    assert (await stow(http, gateway, [part10_of(late)]))[0] == 200
    (found,) = await qido(http, gateway, "/studies?PatientID=P0777")
    assert value_of(found, "00201208") == 2


async def test_corrected_twice_the_first_original_is_kept_and_restored(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    image, study = await received(gateway, http)
    path = f"/studies/{image.StudyInstanceUID}/series/{image.SeriesInstanceUID}"
    before, _ = await metadata_of(gateway, http, path)
    for number in ("P0777", "P0888"):
        await corrected(gateway, study, {"PatientID": number, "AccessionNumber": ""})
    async with gateway.engine.connect() as connection:
        held = (await connection.run_sync(corrections, [study]))[study]
    assert {c.keyword: (c.original, c.value) for c in held} == {"PatientID": ("P0001", "P0888"), "AccessionNumber": ("ACC1", None)}
    async with gateway.engine.begin() as connection:
        await connection.run_sync(restore, study)
    after, _ = await metadata_of(gateway, http, path)
    assert after == before
    assert len(await qido(http, gateway, "/studies?PatientID=P0001&AccessionNumber=ACC1")) == 1
    async with gateway.engine.connect() as connection:
        assert await connection.run_sync(corrections, [study]) == {}


async def test_only_whose_study_it_is_can_be_corrected(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    _, study = await received(gateway, http)
    assert "StudyInstanceUID" not in CORRECTABLE
    with pytest.raises(KeyError):
        await corrected(gateway, study, {"StudyInstanceUID": "1.2.3"})


async def test_an_object_that_was_coerced_before_keeps_that_too(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    _, study = await received(gateway, http)
    await corrected(gateway, study, {"PatientID": "P0777"})
    async with gateway.engine.connect() as connection:
        held = (await connection.run_sync(corrections, [study]))[study]
    earlier = {"04000563": {"vr": "LO", "Value": ["ELSEWHERE"]}}
    fragments = {0x04000561: f'"04000561":{{"vr":"SQ","Value":[{json.dumps(earlier)}]}}'}
    apply_corrections(fragments, held)
    found = json.loads(f"{{{fragments[0x04000561]}}}")["04000561"]["Value"]
    assert [item["04000563"]["Value"] for item in found] == [["TELEMED"], ["ELSEWHERE"]]
    assert found[0]["04000550"]["Value"] == [{NUMBER: {"vr": "LO"}}]  # this object had none

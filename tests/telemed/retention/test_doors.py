"""Over HTTP: asked, refused before its period in the reader's language, confirmed, erased; then every door says that there is nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydicom.uid import generate_uid

from dicom_gateway import Source
from telemed.adapters.database import tables as t
from tests.demo_region import DemoRegion, new_case, running_region
from tests.dicom_gateway.objects import ct_slice, part10_of

AGES = 366 * 31


@pytest.fixture
async def region(tmp_path: Path, region_database: Path) -> AsyncIterator[DemoRegion]:
    async with running_region(tmp_path, region_database) as running:
        yield running


async def receive(region: DemoRegion, study: str, accession_number: str = "") -> None:
    image = part10_of(ct_slice(StudyInstanceUID=study, AccessionNumber=accession_number))
    assert (await region.parts.intake.receive(image, "CLINIC1", Source("dimse", calling_ae="CLINIC1"))).status == 0
    await region.work()


async def looked_at(region: DemoRegion, case_id: str, study: str) -> dict[str, int]:
    """What each door answers the member."""
    doors = (f"/api/v1/cases/{case_id}", f"/cases/{case_id}", f"/dicomweb/studies/{study}/metadata", f"/dicomweb/studies/{study}")
    headers = {"Accept": "*/*"}
    return {door: (await region.call("GET", door, user="clinic1", headers=headers)).status for door in doors}


async def found(region: DemoRegion, study: str) -> bool:
    """Whether QIDO-RS finds the study."""
    answer = await region.call("GET", f"/dicomweb/studies?StudyInstanceUID={study}", user="clinic1")
    return bool(answer.status == 200 and answer.body)


async def test_from_the_request_to_nothing(region: DemoRegion) -> None:
    case_id, study = await new_case(region), str(generate_uid())
    number = (await region.call("GET", f"/api/v1/cases/{case_id}", user="clinic1")).body["accession_number"]
    await receive(region, study, number)
    assert (await region.step(case_id, "cancel", {"reason": "重复"}, user="clinic1")).status == 200
    assert set((await looked_at(region, case_id, study)).values()) == {200}
    assert await found(region, study)
    wanted = {"kind": "case", "subjects": [case_id], "reason": "保存期满"}
    for language, words in (("zh-CN", "须保存至"), ("en", "is kept until the end of")):
        headers = {"Accept-Language": language}
        answer = await region.call("POST", "/api/v1/retention/erasures", wanted, user="sysadmin", headers=headers)
        assert (answer.status, answer.body["type"]) == (409, "/problems/not-due")
        assert words in answer.body["detail"]
    async with region.parts.application.engine.begin() as connection:
        then = region.parts.application.now() - timedelta(days=AGES)
        values = dict.fromkeys(("created_at", "submitted_at"), then)
        await connection.execute(sa.update(t.case).where(t.case.c.id == case_id).values(values))
    asked = await region.call("POST", "/api/v1/retention/erasures", wanted, user="sysadmin")
    assert asked.status == 201
    address = f"/api/v1/retention/erasures/{asked.body['id']}"
    assert (await region.call("POST", f"{address}/confirm", {}, user="sysadmin")).status == 403
    assert (await region.call("POST", f"{address}/confirm", {}, user="secadmin")).body["state"] == "confirmed"
    await region.work()
    (stone,) = (await region.call("GET", address, user="operator")).body["items"]
    assert (stone["state"], stone["subject"], stone["counts"]["dicom_instance"]) == ("done", case_id, 1)
    assert set((await looked_at(region, case_id, study)).values()) == {404}
    assert not await found(region, study)
    await receive(region, study)
    assert await found(region, study), "what comes again is new"
    overview = (await region.call("GET", "/api/v1/retention", user="operator")).body
    assert [each["member"] for each in overview["came_again"]] == ["CLINIC1"]

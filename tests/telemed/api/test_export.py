"""A study given out without its patient, over HTTP: who may, what comes, and that it is on record."""

from __future__ import annotations

import zipfile
from io import BytesIO

import aiohttp
from pydicom import dcmread
from pydicom.uid import generate_uid

from tests.demo_region import DemoRegion, new_case
from tests.dicom_gateway.objects import ct_slice, part10_of


def form_of(content: bytes, name: str) -> aiohttp.FormData:
    form = aiohttp.FormData()
    form.add_field("file", content, filename=name)
    return form


async def case_with_study(region: DemoRegion) -> tuple[str, str, str]:
    """Case, evidence and Study Instance UID: two slices, and an ultrasound picture that may show a name."""
    case_id, study, series = await new_case(region), str(generate_uid()), str(generate_uid())
    for attributes in ({}, {}, {"Modality": "US", "SeriesInstanceUID": str(generate_uid())}):
        content = part10_of(ct_slice(StudyInstanceUID=study, **{"SeriesInstanceUID": series, **attributes}))
        answer = await region.call("POST", f"/api/v1/cases/{case_id}/files", user="clinic1", data=form_of(content, "a.dcm"))
        assert answer.status == 201, answer.body
    return case_id, answer.body["items"][0]["id"], study


async def test_the_archive_holds_the_study_without_its_patient_and_the_export_is_on_record(region: DemoRegion) -> None:
    case_id, evidence_id, study = await case_with_study(region)
    path = f"/api/v1/cases/{case_id}/evidence/{evidence_id}/deidentified.zip"
    answer = await region.call("GET", path, user="clinic1")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/zip")
    with zipfile.ZipFile(BytesIO(answer.body)) as archive:
        assert archive.testzip() is None
        objects = [dcmread(BytesIO(archive.read(name))) for name in archive.namelist() if name.endswith(".dcm")]
        readme = archive.read("README.txt").decode()
    assert len(objects) == 2
    assert "1 left out: may show identity in its pixels" in readme
    assert {each.PatientIdentityRemoved for each in objects} == {"YES"}
    assert len({each.StudyInstanceUID for each in objects} | {study}) == 2  # one new UID for all of them
    assert study.encode() not in answer.body
    assert b"P0001" not in answer.body
    trail = await region.call("GET", "/api/v1/audit?action=evidence:export", user="auditor")
    assert trail.body["items"][0]["subject"] == f"case/{case_id}"


async def test_another_member_and_the_operator_get_nothing(region: DemoRegion) -> None:
    case_id, evidence_id, _ = await case_with_study(region)
    path = f"/api/v1/cases/{case_id}/evidence/{evidence_id}/deidentified.zip"
    assert (await region.call("GET", path, user="clinic2")).status == 404
    assert (await region.call("GET", path, user="operator")).status == 403
    assert (await region.call("GET", path.replace(evidence_id, "0" * 32), user="clinic1")).status == 404

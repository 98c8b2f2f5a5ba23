"""Who sees the metadata of all cases (the operator) sees no patient and no free text at any door, and learns none by asking."""

from __future__ import annotations

import itertools
import json
from typing import Any
from urllib.parse import quote

import pytest
from pydicom.uid import generate_uid

from dicom_gateway import Source
from telemed.domain.metadata import METADATA_ATTRIBUTES
from telemed.web.workitems import workitem_uid
from tests.demo_region import DemoRegion
from tests.dicom_gateway.objects import ct_slice, part10_of

JSON = {"Accept": "application/dicom+json"}
NAME, OTHER_NAME = "余明辉", "Yu^Minghui=余^明辉"
SECRETS = ("余", "Minghui", "PX77", "19610305", "1961-03-05", "头痛", "既往", "胸部", "Axial", "Li^Si", "M99")
_numbers = itertools.count(1)


@pytest.fixture
async def known(region: DemoRegion) -> dict[str, str]:
    """A case with its study, as the member has sent them."""
    patient = {"name": NAME, "sex": "male", "birth_date": "1961-03-05", "identifiers": [{"system": "CLINIC1", "value": "PX77"}]}
    wanted = {"reason": "头痛三天", "history": "既往高血压", "modality": "CT", "body_part": "HEAD"}
    made = await region.call("POST", "/api/v1/cases", {"centre": "imaging", "patient": patient, "request": wanted}, user="clinic1")
    await region.step(made.body["id"], "submit", user="clinic1")
    study, number = str(generate_uid()), made.body["accession_number"]
    about = {"PatientName": OTHER_NAME, "PatientID": "PX77", "PatientBirthDate": "19610305", "StudyID": "M99"}
    content = part10_of(ct_slice(StudyInstanceUID=study, AccessionNumber=number, StudyDescription=f"胸部 {next(_numbers)}", **about))
    assert (await region.parts.intake.receive(content, "CLINIC1", Source("dimse", calling_ae="CLINIC1"))).status == 0
    await region.work()
    return {"case": made.body["id"], "study": study, "number": number}


def tags_in(found: Any) -> set[str]:
    """Every tag of a DICOM JSON answer, those in sequences too."""
    if isinstance(found, list):
        return set().union(*map(tags_in, found)) if found else set()
    inner = (tags_in(element.get("Value", [])) for element in found.values() if element["vr"] == "SQ")
    return set(found).union(*inner)


async def test_studies_series_instances_and_workitems_are_shown_without_the_patient(region: DemoRegion, known: dict[str, str]) -> None:
    study = known["study"]
    for path in ("studies", "series", "instances", f"studies/{study}/series", f"studies/{study}/instances"):
        for more in (
            "",
            "&includefield=all",
            "&includefield=PatientName,00081030,00104000&includefield=ReferringPhysicianName",
            "&PatientName=",
        ):
            answer = await region.call("GET", f"/dicomweb/{path}?StudyInstanceUID={study}{more}", user="operator", headers=JSON)
            assert answer.status == 200, answer.body
            assert len(answer.body) == 1
            assert tags_in(answer.body) <= METADATA_ATTRIBUTES
            assert not [secret for secret in SECRETS if secret in json.dumps(answer.body, ensure_ascii=False)]
    by_number = await region.call("GET", f"/dicomweb/studies?AccessionNumber={known['number']}", user="operator", headers=JSON)
    assert [each["0020000D"]["Value"] for each in by_number.body] == [[study]]
    listed = await region.call("GET", "/dicomweb/workitems", user="operator", headers=JSON)
    assert workitem_uid(known["case"]) in json.dumps(listed.body)
    assert tags_in(listed.body) <= METADATA_ATTRIBUTES
    assert not [secret for secret in SECRETS if secret in json.dumps(listed.body, ensure_ascii=False)]
    for door in (f"studies/{study}/metadata", f"studies/{study}", f"studies/{study}/rendered", f"workitems/{workitem_uid(known['case'])}"):
        assert (await region.call("GET", f"/dicomweb/{door}", user="operator", headers=JSON)).status == 403, door


@pytest.mark.parametrize(
    "key",
    ["PatientName=Yu*", "PatientName=Yu&fuzzymatching=true", "PatientID=PX77", "PatientBirthDate=19610305", "PatientSex=M", "StudyID=M99",
     "StudyDescription=*", "StudyDescription=胸部*", "ReferringPhysicianName=Li*", "IssuerOfPatientID=X", "00104000=*x*",
     "RequestAttributesSequence.ScheduledProcedureStepID=1", "SeriesDescription=Axial", "ManufacturerModelName=x"],
)  # fmt: skip
async def test_no_key_confirms_what_is_not_shown(region: DemoRegion, known: dict[str, str], key: str) -> None:
    for path in ("studies", "series", "instances"):
        answer = await region.call("GET", f"/dicomweb/{path}?{key}", user="operator", headers=JSON)
        if key.endswith("=*"):  # it asks for the attribute, and matches everything
            assert answer.status == 200
            assert tags_in(answer.body) <= METADATA_ATTRIBUTES
            continue
        assert answer.status == 403, answer.body
        assert "metadata" in answer.body["detail"]
        assert (await region.call("GET", f"/dicomweb/{path}?{key}", user="clinic1", headers=JSON)).status == 200


@pytest.mark.parametrize(
    "key", ["PatientName=*余*", "00100030=19610305", "ReferencedRequestSequence.ReasonForTheRequestedProcedure=*头痛*"]
)
async def test_no_key_of_workitems_either(region: DemoRegion, known: dict[str, str], key: str) -> None:
    assert (await region.call("GET", f"/dicomweb/workitems?{quote(key, safe='=&.*')}", user="operator", headers=JSON)).status == 403
    assert (await region.call("GET", f"/dicomweb/workitems?{quote(key, safe='=&.*')}", user="clinic1", headers=JSON)).status == 200


async def test_the_search_finds_by_accession_number_and_confirms_no_name(region: DemoRegion, known: dict[str, str]) -> None:
    found = await region.call("GET", f"/api/v1/cases?q={known['number']}", user="operator")
    assert [case["id"] for case in found.body["items"]] == [known["case"]]
    for words in ("余", NAME, "PX77"):
        answer = await region.call("GET", f"/api/v1/cases?q={quote(words)}", user="operator")
        assert (answer.status, answer.body["items"]) == (200, []), words
        page = await region.call("GET", f"/search?q={quote(words)}", user="operator", headers={"Accept": "text/html"})
        assert known["case"].encode() not in page.body
        assert known["case"] in json.dumps((await region.call("GET", f"/api/v1/cases?q={quote(words)}", user="clinic1")).body)

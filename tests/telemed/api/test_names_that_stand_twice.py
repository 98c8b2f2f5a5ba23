"""A name that stands twice means two things to two readers: refused (400) at every door that takes JSON, and in metadata of uploads."""

from __future__ import annotations

import io

import pytest

from telemed.demo.region import PASSWORD
from telemed.web.workitems import workitem_uid
from tests.demo_region import Answer, DemoRegion
from tests.operations import OPERATIONS
from tests.telemed.api.access_tables import CELLS, elsewhere
from tests.telemed.api.stories import Story, asked_further_up

TWICE = b'{"reason": "x", "deep": [{"a": 1, "a": 2}]}'
JSON = {"Content-Type": "application/json", "Accept-Language": "en"}
ZEROS = ("value_id", "evidence_id", "tracing_id", "name", "username", "title", "file_id", "passkey", "recovery", "erasure", "hold")
HOLES = {
    **dict.fromkeys((*ZEROS, "message_id", "result_id", "connection_id", "delivery_id"), "0" * 32),
    **dict.fromkeys(("code", "hub"), "NONE"),
    "centre": "none",
    "date": "2027-01-01",
    "number": "1",
    "box_id": "B0",
}
WITH_BODY = sorted({(op.method, op.path) for op in OPERATIONS.rows if op.body is not None and op.path != "/logout"})


@pytest.fixture(scope="module")
async def waiting(region: DemoRegion) -> Story:
    return await asked_further_up(region)


def who_may(method: str, path: str) -> str:
    """Somebody who is not refused for want of a right."""
    if path.startswith("/cases/{case_id}"):
        on_case = path.removeprefix("/cases/{case_id}")
        return next(user for m, p, user, cell in CELLS if (m, p, cell) == (method, on_case, "y"))
    return sorted(elsewhere()[f"{method} {path}"])[0]


async def sent(region: DemoRegion, method: str, path: str, user: str, headers: dict[str, str] = JSON) -> Answer:
    return await region.call(method, path, data=io.BytesIO(TWICE), headers=headers, user=user)


@pytest.mark.parametrize(("method", "path"), WITH_BODY)
async def test_in_the_api(region: DemoRegion, waiting: Story, method: str, path: str) -> None:
    filled = path.format_map({**HOLES, "case_id": waiting.case_id})
    answer = await sent(region, method, f"/api/v1{filled}", who_may(method, path))
    assert answer.status == 400, answer.body
    assert "The name a stands twice" in answer.body["detail"]


async def test_signing_in(region: DemoRegion) -> None:
    for path in ("/api/v1/login", "/api/v1/login/passkey/options", "/api/v1/login/passkey"):
        body = f'{{"username": "auditor", "username": "clinic1", "password": "{PASSWORD}"}}'.encode()
        answer = await region.call("POST", path, data=io.BytesIO(body), headers=JSON)
        assert answer.status == 400, (path, answer.body)


async def test_in_dicomweb(region: DemoRegion, waiting: Story) -> None:
    kind = {"Content-Type": "application/dicom+json"}
    url = f"/dicomweb/workitems/{workitem_uid(waiting.case_id)}"
    for method, path in (("PUT", f"{url}/state"), ("POST", url), ("POST", f"{url}/cancelrequest"), ("POST", "/dicomweb/workitems")):
        assert (await sent(region, method, path, "imaging.main", kind)).status == 400, path
    parts = b'--b\r\nContent-Type: application/dicom+json\r\n\r\n[{"00080018": {"vr": "UI"}, "00080018": {"vr": "UI"}}]\r\n--b--\r\n'
    headers = {"Content-Type": 'multipart/related; type="application/dicom+json"; boundary=b'}
    answer = await region.call("POST", "/dicomweb/studies", data=io.BytesIO(parts), headers=headers, user="clinic1")
    assert answer.status == 400, answer.body


async def test_in_the_metadata_of_an_upload(region: DemoRegion, waiting: Story) -> None:
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "10", "Upload-Metadata": "case eA==,case eQ=="}
    assert (await region.call("POST", "/api/v1/uploads", headers=headers, user="clinic1")).status == 400


async def test_in_an_address(region: DemoRegion) -> None:
    assert (await region.call("GET", "/api/v1/audit?actor=clinic1&actor=auditor", user="auditor")).status == 400

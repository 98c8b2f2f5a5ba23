"""Who may not is told so, and that is on record, whatever was sent: no answer about a body goes before."""

from __future__ import annotations

import base64
import io

import pytest

from telemed.web.api.operation import BODY_LIMIT
from telemed.web.workitems import workitem_uid
from tests.demo_region import Answer, DemoRegion
from tests.operations import OPERATIONS
from tests.telemed.api.access_tables import CELLS, EVERYBODY, MEMBER, OPERATOR, REFUSED, STRANGERS, elsewhere
from tests.telemed.api.stories import Story, asked_further_up

JSON = {"Content-Type": "application/json"}
BROKEN = {
    "no JSON": (b"{", JSON, 400),
    "twice": (b'{"a": 1, "a": 2}', JSON, 400),
    "another kind": (b"<a/>", {"Content-Type": "application/xml"}, 415),
    "unknown field": (b'{"no_such_field": 1}', JSON, 422),
    "too long": (b'"' + b"x" * BODY_LIMIT + b'"', JSON, 413),
}
"""What is no request of any operation: content, headers, and what who may is answered."""

WITH_BODY = {(op.method, op.path.removeprefix("/cases/{case_id}")) for op in OPERATIONS.rows if op.body is not None}
REFUSALS = [cell for cell in CELLS if cell[3] != "y" and cell[:2] in WITH_BODY]
HOLES = ("{value_id}", "{evidence_id}", "{tracing_id}", "{number}")
HOLES_ELSEWHERE = {
    **dict.fromkeys(("name", "passkey", "username", "title", "code", "hub", "centre"), "none"),
    **dict.fromkeys(("file_id", "recovery", "erasure", "hold", "message_id", "result_id", "connection_id", "delivery_id"), "0" * 32),
    "date": "2027-01-01",
    "number": "1",
    "box_id": "B0",
}
"""What stands for the names in paths that concern no case."""


@pytest.fixture(scope="module")
async def waiting(region: DemoRegion) -> Story:
    return await asked_further_up(region)


async def send(region: DemoRegion, method: str, path: str, user: str, kind: str) -> Answer:
    content, headers, _ = BROKEN[kind]
    return await region.call(method, path, data=io.BytesIO(content), headers=headers, user=user)


def on_case(story: Story, path: str) -> str:
    for hole in HOLES:
        path = path.replace(hole, "0" * 32)
    return story.url + path


async def newest(region: DemoRegion, actor: str) -> tuple[str, str, str]:
    (line,) = (await region.call("GET", f"/api/v1/audit?actor={actor}&limit=1", user="auditor")).body["items"][:1]
    return line["actor"], line["outcome"], line["subject"]


def test_every_operation_that_reads_a_body_names_the_right_to_it() -> None:
    """Signing out, one's own account and the kinds of containers are everybody's."""
    missing = {f"{op.method} {op.path}" for op in OPERATIONS.rows if op.right is None and (op.body is not None or op.query is not None)}
    everybody = ("/me/", "/logout", "/events", "/cases", "/lab/containers")
    assert {name for name in missing if not name.split()[1].startswith(everybody)} == set()
    assert {name for name in missing if " /cases" in name} == {"GET /cases"}


@pytest.mark.parametrize(("method", "path", "user", "expected"), REFUSALS)
async def test_on_a_case(region: DemoRegion, waiting: Story, method: str, path: str, user: str, expected: str) -> None:
    for kind in BROKEN:
        answer = await send(region, method, on_case(waiting, path), user, kind)
        assert answer.status == REFUSED[expected], (kind, answer.body)


@pytest.mark.parametrize(("method", "path"), sorted(WITH_BODY & {cell[:2] for cell in CELLS}))
async def test_strangers_to_a_case(region: DemoRegion, waiting: Story, method: str, path: str) -> None:
    for stranger in STRANGERS:
        assert (await send(region, method, on_case(waiting, path), stranger, "no JSON")).status == 404, stranger
    actor, outcome, subject = await newest(region, STRANGERS[-2])
    assert (actor, outcome) == (STRANGERS[-2], "refused")
    assert subject == f"case/{waiting.case_id}"


ON_NO_CASE = sorted(name for name in elsewhere() if tuple(name.split()) in WITH_BODY)


@pytest.mark.parametrize("name", ON_NO_CASE)
async def test_on_no_case(region: DemoRegion, name: str) -> None:
    method, path = name.split()
    path = path.format_map(HOLES_ELSEWHERE)
    for user in EVERYBODY if path != "/logout" else ():
        answer = await send(region, method, f"/api/v1{path}", user, "no JSON")
        assert answer.status == (400 if user in elsewhere()[name] else 403), (user, answer.body)


@pytest.mark.parametrize("path", ["/audit?limit=x", "/accounts?no_such=1", "/statistics/monthly?month=x", "/unmatched?no_such=1"])
async def test_a_query_that_is_none(region: DemoRegion, path: str) -> None:
    (allowed,) = [each for each in elsewhere() if each == f"GET {path.partition('?')[0]}"]
    for user in EVERYBODY:
        status = (await region.call("GET", f"/api/v1{path}", user=user)).status
        assert (status == 403) is (user not in elsewhere()[allowed]), (user, status)


@pytest.mark.parametrize("kind", BROKEN)
async def test_who_may_is_told_what_is_wrong(region: DemoRegion, waiting: Story, kind: str) -> None:
    assert (await send(region, "POST", on_case(waiting, "/cancel"), MEMBER, kind)).status == BROKEN[kind][2]


async def test_files(region: DemoRegion, waiting: Story) -> None:
    """In one piece and in pieces: another kind of body, no length, too much of it."""
    for user, expected in ((MEMBER, 415), ("clinic2", 404), ("imaging.huba", 404), (OPERATOR, 403)):
        assert (await send(region, "POST", on_case(waiting, "/files"), user, "no JSON")).status == expected, user
    named = f"case {as_base64(waiting.case_id)}"
    for length, told in (("x", 400), ("9" * 12, 413)):
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": length, "Upload-Metadata": named}
        for user, expected in ((MEMBER, told), ("clinic2", 404), (OPERATOR, 403)):
            assert (await region.call("POST", "/api/v1/uploads", headers=headers, user=user)).status == expected, (user, length)
    assert await newest(region, OPERATOR) == (OPERATOR, "refused", "attach")


async def test_workitems(region: DemoRegion, waiting: Story) -> None:
    """UPS-RS: a change that is none is judged for those alone who know of the case."""
    url = f"/dicomweb/workitems/{workitem_uid(waiting.case_id)}"
    for method, path in (("PUT", "/state"), ("POST", ""), ("POST", "/cancelrequest")):
        for kind in ("no JSON", "twice", "another kind"):
            for user, known in (("imaging.main", True), ("clinic2", False), ("imaging.hubb", False)):
                status = (await send(region, method, url + path, user, kind)).status
                assert (status == 404) is not known, (method, path, kind, user, status)


def as_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()

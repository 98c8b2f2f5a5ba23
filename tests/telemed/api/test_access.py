"""Who reaches what: every operation of the API, DICOMweb and the pages, for every role and relation to a case.

Who may is written by hand in `access_tables`, which name every operation: one that is added without a line there fails the test.
"""

from __future__ import annotations

import re

import aiohttp
import pytest

from telemed.web.pages.page import page
from tests.demo_region import Answer, DemoRegion
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.operations import OPERATIONS
from tests.telemed.api.access_tables import (
    BODIES,
    CELLS,
    EVERYBODY,
    HOLDER,
    KEEPER,
    MEMBER,
    ONCE_RELEASED,
    OPERATOR,
    REFUSED,
    REVIEWER,
    STRANGERS,
    case_cells,
    elsewhere,
)
from tests.telemed.api.stories import PDF, Story, asked_further_up, drafted, file_form, reported


def test_the_tables_name_every_operation() -> None:
    """A new operation needs a line in `access_tables`: who may, who is refused, and who is told that there is nothing there."""
    named = {f"{method} /cases/{{case_id}}{path}" for method, path, _, _ in CELLS} | elsewhere().keys()
    assert {f"{row.method} {row.path}" for row in OPERATIONS.rows} == named


async def send(story: Story, method: str, path: str, user: str) -> Answer:
    """A well-formed request to an operation on the case."""
    filled = path.replace("{value_id}", story.value_id or "0" * 32).replace("{evidence_id}", story.evidence_id).replace("{number}", "1")
    filled = filled.replace("{tracing_id}", story.tracing_id)
    if path == "/files":
        return await story.region.call(method, story.url + filled, data=file_form(PDF), user=user)
    body = BODIES.get(f"{method} {path}", {} if method in ("POST", "PATCH", "PUT") else None)
    headers = {"If-Match": "*"} if method == "PUT" else {}
    return await story.region.call(method, story.url + filled, body, user=user, headers=headers)


ALLOWED = "allowed"


def verdict(answer: Answer) -> int | str:
    """Refused for want of a right, or not. Every refusal is a problem document."""
    assert answer.status < 500, answer.body
    if answer.status in (401, 403, 404):
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        assert answer.body["status"] == answer.status
        return answer.status
    return ALLOWED


@pytest.fixture(scope="module")
async def waiting(region: DemoRegion) -> Story:
    """For requests that must change nothing."""
    return await asked_further_up(region)


@pytest.fixture(scope="module")
async def finished(region: DemoRegion) -> Story:
    return await reported(region)


@pytest.fixture(scope="module")
async def draft(region: DemoRegion) -> Story:
    return await drafted(region)


@pytest.mark.parametrize(("method", "path", "user", "expected"), [cell for cell in CELLS if cell[3] != "y"])
async def test_who_may_not_is_refused(waiting: Story, method: str, path: str, user: str, expected: str) -> None:
    assert verdict(await send(waiting, method, path, user)) == REFUSED[expected]


@pytest.mark.parametrize(("method", "path", "user"), [cell[:3] for cell in CELLS if cell[3] == "y"])
async def test_who_may_is_not(region: DemoRegion, waiting: Story, method: str, path: str, user: str) -> None:
    story = waiting if method == "GET" else await asked_further_up(region)
    assert verdict(await send(story, method, path, user)) == ALLOWED


@pytest.mark.parametrize(("method", "path"), list(dict.fromkeys(cell[:2] for cell in CELLS)))
async def test_strangers_are_told_that_there_is_nothing(waiting: Story, finished: Story, method: str, path: str) -> None:
    for story in (waiting, finished):
        for stranger in STRANGERS:
            assert verdict(await send(story, method, path, stranger)) == 404, stranger
        assert verdict(await send(story, method, path, "")) == 401


@pytest.mark.parametrize(("method", "path"), list(dict.fromkeys(cell[:2] for cell in CELLS)))
async def test_a_draft_is_the_members_alone(draft: Story, method: str, path: str) -> None:
    for user in (HOLDER, REVIEWER, KEEPER, *STRANGERS):
        assert verdict(await send(draft, method, path, user)) == 404, user


@pytest.mark.parametrize(("method", "path", "user", "expected"), case_cells(ONCE_RELEASED))
async def test_a_released_report_reaches_who_asked_and_who_answered(
    finished: Story, method: str, path: str, user: str, expected: str
) -> None:
    assert verdict(await send(finished, method, path, user)) == (ALLOWED if expected == "y" else REFUSED[expected])


async def test_what_was_refused_changed_nothing(region: DemoRegion) -> None:
    """Everybody tries everything they may not do; the case is as it was."""
    story = await asked_further_up(region)
    before = (await region.call("GET", story.url, user=MEMBER)).body
    for method, path, user, expected in CELLS:
        if expected != "y":
            await send(story, method, path, user)
    assert (await region.call("GET", story.url, user=MEMBER)).body == before


@pytest.mark.parametrize("name", [name for name in elsewhere() if name != "GET /events"])  # a stream without an end
async def test_operations_that_concern_no_one_case(region: DemoRegion, waiting: Story, name: str) -> None:
    method, path = name.split()
    holes = {
        "name": "none",
        "username": "nobody",
        "job": "999999",
        "upload_id": "0" * 32,
        "title": "NONE",
        "session": "0" * 64,
        "file_id": "0" * 32,
        "study": "1.2",
        "series": "1.2.1",
        "instance": "1.2.1.1",
        "number": "1",
        "passkey": "none",
        "recovery": "0" * 32,
        "code": "NONE",
        "hub": "NONE",
        "centre": "none",
        "date": "2027-01-01",
        "erasure": "0" * 32,
        "hold": "0" * 32,
        "message_id": "0" * 32,
        "result_id": "0" * 32,
        "connection_id": "0" * 32,
        "delivery_id": "0" * 32,
        "box_id": "B0",
        "log_id": "0" * 32,
        "stage": "in-transit",
        "scan_id": "00000000",
    }
    filled = "/api/v1" + path.format_map(holes)
    body = BODIES.get(name, {} if method in ("POST", "PATCH") else None)
    if path in ("/statistics/monthly", "/lab/turnaround"):
        filled += "?month=2026-10"
    if path == "/retention/due":
        filled += "?kind=case"
    if path == "/lab/results":
        filled += "?member=CLINIC1&patient=NONE"
    if path == "/lab/labels.pdf":
        filled += "?numbers=1"
    if path == "/unmatched/link":
        body = {"owner": "CLINIC1", "study_instance_uid": waiting.study_uid, "case_id": waiting.case_id}
    if path == "/unmatched/unlink":
        body = {"owner": "CLINIC1", "study_instance_uid": "1.2", "case_id": waiting.case_id, "reason": "x"}
    on_a_case = path in ("/unmatched/link", "/unmatched/unlink")
    for user in sorted(EVERYBODY):
        answer = await region.call(method, filled, body, user=user)
        if path == "/logout":
            del region.tokens[user]
        assert answer.status < 500, answer.body
        refusals = (403, 404) if on_a_case and user != OPERATOR else (403,)  # a stranger to the case is not told that it is there
        assert (answer.status in refusals) is (user not in elsewhere()[name]), (user, answer.status)
    assert (await region.call(method, filled, body)).status == 401


# DICOMweb: who finds a study, who fetches it, who may send one.
class TestDicomWeb:
    async def search(self, story: Story, user: str) -> tuple[int, int]:
        answer = await story.region.call("GET", f"/dicomweb/studies?StudyInstanceUID={story.study_uid}", user=user)
        return answer.status, len(answer.body) if answer.body else 0

    @pytest.mark.parametrize("user", [MEMBER, HOLDER, REVIEWER, KEEPER, OPERATOR])
    async def test_who_knows_of_the_case_finds_its_study(self, waiting: Story, user: str) -> None:
        assert await self.search(waiting, user) == (200, 1)

    @pytest.mark.parametrize("user", ["clinic2", "clinic3", "imaging.hubb", "ecg.huba", "ecg.main"])
    async def test_nobody_else_does(self, waiting: Story, user: str) -> None:
        status, found = await self.search(waiting, user)
        assert status in (200, 204)
        assert found == 0

    @pytest.mark.parametrize("user", [HOLDER, KEEPER, REVIEWER])
    async def test_the_study_of_a_draft_is_the_members_alone(self, draft: Story, user: str) -> None:
        assert (await self.search(draft, user))[1] == 0
        assert (await self.search(draft, MEMBER))[1] == 1

    @pytest.mark.parametrize(
        ("user", "status"),
        [(MEMBER, 200), (HOLDER, 200), (REVIEWER, 200), (KEEPER, 200), (OPERATOR, 403), ("clinic2", 404), ("imaging.hubb", 404),
         ("ecg.huba", 404), ("auditor", 403), ("sysadmin", 403), ("secadmin", 403), ("", 401)],
    )  # fmt: skip
    async def test_fetching(self, waiting: Story, user: str, status: int) -> None:
        url = f"/dicomweb/studies/{waiting.study_uid}"
        headers = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}
        assert (await waiting.region.call("GET", url, user=user, headers=headers)).status == status
        assert (await waiting.region.call("GET", url + "/metadata", user=user)).status == status

    @pytest.mark.parametrize(
        ("user", "status"), [(MEMBER, 200), (HOLDER, 403), (REVIEWER, 403), (OPERATOR, 403), ("auditor", 403), ("", 401)]
    )
    async def test_sending(self, region: DemoRegion, user: str, status: int) -> None:
        with aiohttp.MultipartWriter("related") as parts:
            parts.append(part10_of(ct_slice()), {"Content-Type": "application/dicom"})
        headers = {"Content-Type": f'multipart/related; type="application/dicom"; boundary={parts.boundary}'}
        answer = await region.call("POST", "/dicomweb/studies", data=parts, user=user, headers=headers)
        assert answer.status == status

    async def test_who_looked_and_who_was_refused_is_on_record_once(self, region: DemoRegion) -> None:
        story = await asked_further_up(region)
        url = f"/dicomweb/studies/{story.study_uid}/metadata"
        for user in (HOLDER, HOLDER, "imaging.hubb", "imaging.hubb"):
            await region.call("GET", url, user=user)
        found = await region.call("GET", f"/api/v1/audit?subject=study/{story.study_uid}", user="auditor")
        lines = [(line["action"], line["actor"], line["outcome"]) for line in reversed(found.body["items"])]
        assert lines == [("evidence:read", HOLDER, "success"), ("access:retrieve-study", "imaging.hubb", "refused")]


NAMED_PART = re.compile(r"{(\w+)(?::(?:[^{}]|{[^{}]*})*)?}")
"""A part of a route's path, whether it carries a pattern or not."""


class TestPages:
    """As a browser asks: the session in a cookie, answers as pages."""

    async def visit(self, story: Story, path: str, user: str) -> tuple[int, str]:
        headers = {"Accept": "text/html"}
        if user:
            headers["Cookie"] = f"telemed_session={await story.region.token(user)}"
        answer = await story.region.call("GET", path, headers=headers)
        return answer.status, answer.headers.get("Location", "")

    def addresses(self, story: Story) -> list[str]:
        names = {"case_id": story.case_id, "prior_id": story.case_id, "code": "0" * 12, "centre": "imaging"}
        return [NAMED_PART.sub(lambda part: names.get(part[1], "0" * 32), path) for method, path, _ in page.rows if method == "GET"]

    async def test_who_is_not_signed_in_is_sent_to_sign_in(self, waiting: Story) -> None:
        for path in self.addresses(waiting):
            status, location = await self.visit(waiting, path, "")
            assert status == 303, path
            assert location.startswith("/login"), path

    @pytest.mark.parametrize("user", EVERYBODY)
    async def test_no_page_breaks_and_no_case_is_shown_to_a_stranger(self, waiting: Story, user: str) -> None:
        for path in self.addresses(waiting):
            status, _ = await self.visit(waiting, path, user)
            assert status < 500, path
            if waiting.case_id in path and user in STRANGERS:
                assert status == 404, path

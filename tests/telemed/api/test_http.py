"""HTTP as such: bodies that cannot be read, headers of every answer, requests from other sites, versions, masking."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reportlab.pdfgen.canvas import Canvas

from telemed.web.api.operation import BODY_LIMIT, Operation
from tests.demo_region import Answer, DemoRegion, new_case
from tests.operations import OPERATIONS
from tests.telemed.api.access_tables import elsewhere
from tests.telemed.api.stories import Story, asked_further_up, drafted, reported
from tests.telemed.api.test_names_that_stand_twice import HOLES
from tests.telemed.harness import PASSWORD, SECTIONS, resident_id

JSON = {"Content-Type": "application/json"}
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def two_pages() -> bytes:
    """A document that can be drawn."""
    file = BytesIO()
    canvas = Canvas(file)
    for number in (1, 2):
        canvas.drawString(72, 720, f"page {number}")
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def problem(answer: Answer, status: int) -> dict[str, Any]:
    """The problem document of an answer with this status (RFC 9457), free of what belongs in a log."""
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    body: dict[str, Any] = answer.body
    assert {"type", "title", "status", "detail"} <= body.keys()
    assert body["status"] == status
    assert not any(word in json.dumps(body) for word in ("Traceback", ".py", "sqlalchemy", "SELECT"))
    return body


@pytest.fixture(scope="module")
async def story(region: DemoRegion) -> Story:
    return await asked_further_up(region)


# Who may take each operation that carries a body, so that the body is what is refused.
WRITERS = {"consent": "clinic1", "cancel": "clinic1", "submit": "clinic1", "acknowledge": "clinic1", "act": "clinic1"}
BY_PATH = {
    "/cases": "clinic1", "/cases/{case_id}": "clinic1", "/cases/{case_id}/offer": "operator", "/network/route": "operator",
    "/cases/{case_id}/tracings/{tracing_id}/edits": "imaging.main", "/cases/{case_id}/tracings/{tracing_id}/edits/undo": "imaging.main",
    "/cases/{case_id}/report/review": "imaging2.main", "/cases/{case_id}/report/send-back": "imaging2.main",
    "/cases/{case_id}/criticals/{value_id}/acknowledge": "clinic1", "/patients/merge": "operator", "/patients/find": "clinic1",
    "/patients/different": "operator", "/patients/split": "operator", "/unmatched/link": "operator",
    "/cases/{case_id}/specimens": "clinic1", "/logout": "ecg.hubb",
}  # fmt: skip
WITH_BODY = [row for row in OPERATIONS.rows if row.body is not None]


def writer_of(row: Operation) -> str:
    named = BY_PATH.get(row.path) or WRITERS.get(row.path.rsplit("/", 1)[-1])
    if named:
        return named
    allowed = elsewhere().get(f"{row.method} {row.path}", {"imaging.main"})
    return "imaging.main" if "imaging.main" in allowed else min(allowed)


class TestBodies:
    async def send(self, story: Story, row: Operation, content: bytes | BytesIO, content_type: str = "application/json") -> Answer:
        of_case = {"case_id": story.case_id, "value_id": story.value_id, "tracing_id": story.tracing_id, "evidence_id": story.evidence_id}
        path = row.path.format_map({**HOLES, **of_case, "upload_id": "0" * 32, "job": "1"})
        headers = {"Content-Type": content_type, "If-Match": "*"}
        return await story.region.call(row.method, f"/api/v1{path}", data=content, headers=headers, user=writer_of(row))

    @pytest.mark.parametrize("row", WITH_BODY, ids=lambda row: f"{row.method} {row.path}")
    async def test_what_cannot_be_read_is_said_to_be_so(self, story: Story, row: Operation) -> None:
        for content in (b"{", b'{"a": }', b"\xff\xfe", b'{"a": "\\ud800"}', b"[1,", b"nul"):
            problem(await self.send(story, row, content), 400)
        for content in (b"[]", b"1", b'"x"', b"null"):
            body = problem(await self.send(story, row, content), 422)
            assert body["errors"][0]["field"] == "body"
        problem(await self.send(story, row, b"a=b", "application/x-www-form-urlencoded"), 415)
        problem(await self.send(story, row, BytesIO(b" " * (BODY_LIMIT + 1))), 413)

    @pytest.mark.parametrize("row", WITH_BODY, ids=lambda row: f"{row.method} {row.path}")
    async def test_a_name_that_stands_twice_is_named(self, story: Story, row: Operation) -> None:
        for content in (b'{"zz-twice": 1, "zz-twice": 2}', b'{"a": [{"zz-twice": {}, "b": 1, "zz-twice": {}}]}'):
            assert "zz-twice" in problem(await self.send(story, row, content), 400)["detail"]
        problem(await self.send(story, row, b'{"zz-no-field": {"a": 1}, "b": [{"a": 1}, {"a": 1}]}'), 422)

    @pytest.mark.parametrize("row", WITH_BODY, ids=lambda row: f"{row.method} {row.path}")
    async def test_a_field_that_is_not_one_is_named(self, story: Story, row: Operation) -> None:
        body = problem(await self.send(story, row, b'{"zz-no-field": 1}'), 422)
        assert "zz-no-field" in {error["field"] for error in body["errors"]}

    @pytest.mark.parametrize("row", WITH_BODY, ids=lambda row: f"{row.method} {row.path}")
    async def test_every_required_field_is_named(self, story: Story, row: Operation) -> None:
        assert row.body is not None
        required = {name for name, field in row.body.model_fields.items() if field.is_required()}
        if required:
            body = problem(await self.send(story, row, b"{}"), 422)
            assert required <= {error["field"] for error in body["errors"]}

    async def test_nested_too_deep(self, region: DemoRegion) -> None:
        deep: Any = "x"
        for _ in range(50):
            deep = {"a": deep}
        case = {"centre": "ecg", "patient": {"name": "张伟"}, "request": {"reason": deep}}
        body = problem(await region.call("POST", "/api/v1/cases", case, user="clinic1"), 422)
        assert body["errors"][0]["field"] == "request"

    async def test_a_query_that_is_none(self, region: DemoRegion) -> None:
        for query in ("limit=0", "limit=x", "limit=1e3", "colour=red", "status=%27", "view=none", "cursor=%00", "q=%00", "priority=now"):
            body = problem(await region.call("GET", f"/api/v1/cases?{query}", user="clinic1"), 422)
            assert body["errors"][0]["field"].startswith("query.")
        problem(await region.call("GET", "/api/v1/cases?limit=1&limit=2", user="clinic1"), 400)

    async def test_signing_in(self, region: DemoRegion) -> None:
        body = problem(await region.call("POST", "/api/v1/login", {"username": "clinic1"}), 422)
        assert [error["field"] for error in body["errors"]] == ["password"]
        problem(await region.call("POST", "/api/v1/login", {"username": "clinic1", "password": "x" * 201}), 422)
        problem(await region.call("POST", "/api/v1/login", {"username": "nobody", "password": "x"}), 401)


class TestUnfriendlyInput:
    @pytest.mark.parametrize("name", ["%00", "%FF%FE", "a%0d%0ab", "..", "%2e%2e%2f", "x" * 3000, "ünï", "{case_id}", "0" * 32])
    async def test_names_in_a_path_that_nobody_has(self, story: Story, name: str) -> None:
        for path in (f"/api/v1/cases/{name}", f"{story.url}/evidence/{name}", f"/api/v1/uploads/{name}/"):
            answer = await story.region.call("GET", path, user="clinic1")
            assert answer.status in (400, 404, 405), (path, answer.body)

    @pytest.mark.parametrize("token", ["\udcff\udcfe", "x", "é" * 10, "a" * 4000])
    async def test_tokens_that_nobody_has(self, region: DemoRegion, token: str) -> None:
        for headers in ({"Authorization": f"Bearer {token}"}, {"Cookie": f"telemed_session={token}"}):
            problem(await region.call("GET", "/api/v1/me", headers=headers), 401)

    async def test_text_that_only_some_databases_take(self, region: DemoRegion) -> None:
        for query in ("q=%ED%A0%80", "q=%FF", "q=%25%5F", "q=" + "长" * 100):
            answer = await region.call("GET", f"/api/v1/cases?{query}", user="clinic1")
            assert answer.status in (200, 422), answer.body
        body = {"centre": "ecg", "patient": {"name": "张\x00伟"}, "request": {"reason": "a\x00b"}}
        faults = problem(await region.call("POST", "/api/v1/cases", body, user="clinic1"), 422)
        assert "patient.name" in {error["field"] for error in faults["errors"]}

    @pytest.mark.parametrize("path", ["/login", "/api/v1/login"])
    async def test_a_form_without_end_is_not_read_into_memory(self, region: DemoRegion, path: str) -> None:
        """Nobody is signed in here: whoever reaches the port could send it."""

        async def endless() -> Any:
            for _ in range(64):
                yield b"a" * 256 * 1024

        headers = {"Content-Type": "application/x-www-form-urlencoded" if path == "/login" else "application/json"}
        try:
            answer = await region.call("POST", path, data=endless(), headers=headers)
        except (OSError, asyncio.IncompleteReadError):  # the line was closed before all of it was sent: as good
            return
        assert answer.status == 413

    @pytest.mark.parametrize("content", [b"username=%FF%FE&password=x", b"\xff\xfe=1", b"username", b"&&&=", b"username[]=a", b"\x00"])
    async def test_forms_that_are_none(self, region: DemoRegion, content: bytes) -> None:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
        assert (await region.call("POST", "/login", data=content, headers=headers)).status in (400, 401)

    @given(content=st.binary(max_size=400), boundary=st.text(st.sampled_from("abc-'\"; \t,"), max_size=12))
    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    async def test_uploads_that_are_none(self, story: Story, content: bytes, boundary: str) -> None:
        for body in (content, b"--b\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\n" + content):
            headers = {"Content-Type": f"multipart/form-data; boundary={boundary or 'b'}"}
            answer = await story.region.call("POST", f"{story.url}/files", data=body, headers=headers, user="clinic1")
            assert answer.status in (400, 413, 415, 422), answer.body


class TestHeaders:
    @pytest.mark.parametrize(
        ("method", "path", "user", "status"),
        [
            ("GET", "/api/v1/me", "clinic1", 200),
            ("GET", "/api/v1/me", "", 401),
            ("GET", "/api/v1/cases/none", "clinic1", 404),
            ("GET", "/api/v1/nothing", "clinic1", 404),
            ("DELETE", "/api/v1/cases", "clinic1", 405),
            ("GET", "/api/v1/audit", "clinic1", 403),
            ("POST", "/api/v1/cases", "clinic1", 422),
            ("GET", "/login", "", 200),
            ("GET", "/cases", "", 401),
            ("GET", "/dicomweb/studies", "", 401),
            ("GET", "/readyz", "", 200),
        ],
    )
    async def test_every_answer_carries_them(self, region: DemoRegion, method: str, path: str, user: str, status: int) -> None:
        answer = await region.call(method, path, {} if method == "POST" else None, user=user)
        assert answer.status == status
        assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert "Server" not in answer.headers
        assert "no-store" in answer.headers["Cache-Control"]

    async def test_evidence_is_shown_in_a_sandbox(self, story: Story) -> None:
        answer = await story.region.call("GET", f"{story.url}/evidence/{story.evidence_id}/content", user="clinic1")
        assert answer.headers["Content-Security-Policy"].startswith("sandbox")
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        tag = answer.headers["ETag"]
        again = await story.region.call(
            "GET", f"{story.url}/evidence/{story.evidence_id}/content", user="clinic1", headers={"If-None-Match": tag}
        )
        assert (again.status, again.body) == (304, b"")

    async def parts_of(self, story: Story) -> list[str]:
        """Addresses of all that hangs on a case with a document, a study, a tracing and a report."""
        items = (await story.region.call("GET", f"{story.url}/evidence", user="clinic1")).body["items"]
        study = next(item["id"] for item in items if item["type"] == "dicom-study")
        values = {"tracing_id": story.tracing_id, "value_id": story.value_id, "number": "1"}
        rows = [row.path for row in OPERATIONS.rows if row.method == "GET" and "{case_id}" in row.path]
        of_study = {row: study if row.endswith("deidentified.zip") else story.evidence_id for row in rows}
        return ["/api/v1" + row.format(case_id=story.case_id, evidence_id=of_study[row], **values) for row in rows]

    async def frames_of(self, story: Story) -> list[str]:
        study = f"/dicomweb/studies/{story.study_uid}"
        (found,) = (await story.region.call("GET", f"{study}/instances", user="clinic1")).body
        series, instance = (found[tag]["Value"][0] for tag in ("0020000E", "00080018"))
        whole = f"{study}/series/{series}/instances/{instance}"
        return [study, f"{study}/metadata", whole, f"{whole}/metadata", f"{whole}/frames/1", f"{whole}/rendered"]

    async def test_no_browser_shows_what_is_a_patients_without_asking(self, region: DemoRegion) -> None:
        """Answers are not stored; images are, and are asked for again each time."""
        story = await asked_further_up(region)
        story.evidence_id = (await story.attach(two_pages()))["id"]
        await story.step("imaging.main", "report/sign", {"password": PASSWORD})
        await story.step("imaging2.main", "report/review", {"password": PASSWORD})
        missing = []
        for path in [*await self.parts_of(story), *await self.frames_of(story)]:
            reader = "imaging2.main" if path.endswith("/contradictions") else "clinic1"  # what is being written is the hub's alone
            answer = await region.call("GET", path, user=reader)
            kept = {part.strip() for part in answer.headers["Cache-Control"].split(",")}
            assert kept == {"no-store"} or (path.startswith("/dicomweb/") and kept == {"private", "no-cache"}), (path, kept)
            missing += [path] if answer.status != 200 else []
        assert missing == []

    @pytest.mark.parametrize("part", ["content", "pages/1", "frame"])
    async def test_a_look_at_what_the_browser_has_already_is_a_look(self, region: DemoRegion, part: str) -> None:
        """It is authorised like any other, and stands on record."""
        story = await drafted(region)
        paper = (await story.attach(two_pages()))["id"]
        path = (await self.frames_of(story))[4] if part == "frame" else f"{story.url}/evidence/{paper}/{part}"
        subject = f"study/{story.study_uid}" if part == "frame" else f"case/{story.case_id}"

        async def looks() -> int:
            found = await region.call("GET", f"/api/v1/audit?subject={subject}&action=evidence:read", user="auditor")
            return len(found.body["items"])

        tag = (await region.call("GET", path, user="clinic1")).headers["ETag"]
        before = await looks()
        again = await region.call("GET", path, user="clinic1", headers={"If-None-Match": tag})
        assert (again.status, again.body) == (304, b"")
        assert await looks() == before + (part != "frame"), "of a study once for a sitting"
        assert (await region.call("GET", path, user="clinic2", headers={"If-None-Match": tag})).status == 404

    async def test_a_sitting_that_finds_nothing_new_is_on_record(self, region: DemoRegion) -> None:
        """Somebody opens images that the browser still has of another day."""
        story = await drafted(region)
        path = (await self.frames_of(story))[4]
        tag = (await region.call("GET", path, user="clinic1")).headers["ETag"]
        await story.step("clinic1", "submit")
        assert (await region.call("GET", path, user="imaging.huba", headers={"If-None-Match": tag})).status == 304
        found = await region.call("GET", f"/api/v1/audit?subject=study/{story.study_uid}", user="auditor")
        assert ("evidence:read", "imaging.huba") in [(line["action"], line["actor"]) for line in found.body["items"]]

    async def test_a_method_that_is_not_taken_names_those_that_are(self, region: DemoRegion) -> None:
        answer = await region.call("DELETE", "/api/v1/cases", user="clinic1")
        problem(answer, 405)
        assert set(answer.headers["Allow"].split(",")) >= {"GET", "POST"}

    async def test_the_session_cookie_is_for_this_site_and_not_for_scripts(self, region: DemoRegion) -> None:
        answer = await region.call("POST", "/api/v1/login", {"username": "clinic3", "password": PASSWORD})
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert answer.body["token"] in cookie
        assert "no-store" in answer.headers["Cache-Control"]

    async def test_problems_speak_the_language_of_the_request(self, region: DemoRegion) -> None:
        english = await region.call("GET", "/api/v1/cases/none", user="clinic1", headers={"Accept-Language": "en"})
        chinese = await region.call("GET", "/api/v1/cases/none", user="clinic1", headers={"Accept-Language": "zh-CN"})
        assert english.body["title"].isascii()
        assert not chinese.body["title"].isascii()


class TestOtherSites:
    """What a browser sends when a page of another site makes it."""

    @pytest.mark.parametrize(
        ("headers", "taken"),
        [
            ({}, True),
            ({"Sec-Fetch-Site": "same-origin"}, True),
            ({"Sec-Fetch-Site": "none"}, True),
            ({"Sec-Fetch-Site": "same-site"}, False),
            ({"Sec-Fetch-Site": "cross-site"}, False),
            ({"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1"}, False),
            ({"Origin": "https://evil.example"}, False),
            ({"Origin": "null"}, False),
            ({"Origin": "OWN"}, True),
        ],
    )
    async def test_a_change_by_cookie_is_taken_from_our_own_pages_only(
        self, region: DemoRegion, headers: dict[str, str], taken: bool
    ) -> None:
        case_id = await new_case(region)
        sent = {name: region.home if value == "OWN" else value for name, value in headers.items()}
        sent["Cookie"] = f"telemed_session={await region.token('clinic1')}"
        answer = await region.call("POST", f"/api/v1/cases/{case_id}/submit", {}, headers=sent)
        if taken:
            assert answer.status == 200
        else:
            problem(answer, 403)
            assert (await region.call("GET", f"/api/v1/cases/{case_id}", user="clinic1")).body["status"] == "draft"

    async def test_a_program_with_a_token_is_not_a_browser(self, region: DemoRegion) -> None:
        case_id = await new_case(region)
        answer = await region.call("POST", f"/api/v1/cases/{case_id}/submit", {}, user="clinic1", headers={"Origin": "https://his.example"})
        assert answer.status == 200

    @pytest.mark.parametrize("path", ["/api/v1/login", "/login"])
    async def test_nobody_is_signed_in_by_another_site(self, region: DemoRegion, path: str) -> None:
        body = {"username": "clinic1", "password": PASSWORD}
        answer = await region.call("POST", path, body, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status == 403
        assert "Set-Cookie" not in answer.headers


class TestVersions:
    async def test_a_save_names_the_version_it_was_made_from(self, region: DemoRegion) -> None:
        story = await asked_further_up(region)
        body = {"sections": SECTIONS["imaging"]}
        tag = (await region.call("GET", f"{story.url}/report", user="imaging.main")).headers["ETag"]
        problem(await region.call("PUT", f"{story.url}/report", body, user="imaging.main"), 428)
        saved = await region.call("PUT", f"{story.url}/report", body, user="imaging.main", headers={"If-Match": tag})
        assert saved.status == 200
        assert saved.headers["ETag"] != tag
        stale = await region.call("PUT", f"{story.url}/report", body, user="imaging.main", headers={"If-Match": tag})
        assert problem(stale, 412)["current"] == saved.headers["ETag"].strip('"')
        assert stale.headers["ETag"] == saved.headers["ETag"]
        weak = await region.call(
            "PUT", f"{story.url}/report", body, user="imaging.main", headers={"If-Match": f"W/{saved.headers['ETag']}"}
        )
        assert weak.status == 200

    @pytest.mark.parametrize("tag", ["", "x", '"', "W/", '"9.9"', "\udcff", "*, *"])
    async def test_a_tag_that_is_none_of_ours(self, story: Story, tag: str) -> None:
        body = {"sections": SECTIONS["imaging"]}
        answer = await story.region.call("PUT", f"{story.url}/report", body, user="imaging.main", headers={"If-Match": tag})
        assert answer.status in (412, 428)


class TestMasking:
    async def test_lists_show_masked_numbers_and_hubs_masked_names(self, region: DemoRegion) -> None:
        case = {
            "centre": "imaging",
            "patient": {
                "name": "欧阳小满",
                "sex": "male",
                "birth_date": "1961-03-05",
                "phone": "13812345678",
                "identifiers": [{"system": "resident-id", "value": resident_id(77)}, {"system": "CLINIC1", "value": "P000077"}],
            },
            "request": {"modality": "CT", "body_part": "HEAD", "reason": "x"},
        }
        made = (await region.call("POST", "/api/v1/cases", case, user="clinic1")).body
        await region.step(made["id"], "submit", user="clinic1")
        for user, shown in (("clinic1", "欧阳小满"), ("imaging.huba", "欧***"), ("operator", "欧***")):
            listed = await region.call("GET", "/api/v1/cases?limit=200", user=user)
            text = json.dumps(listed.body, ensure_ascii=False)
            assert resident_id(77) not in text
            assert "P000077" not in text
            assert "13812345678" not in text
            (mine,) = [item for item in listed.body["items"] if item["id"] == made["id"]]
            assert mine["patient"]["name"] == shown
        for user in ("clinic1", "imaging.huba"):
            assert resident_id(77) in json.dumps((await region.call("GET", f"/api/v1/cases/{made['id']}", user=user)).body)
        seen = json.dumps((await region.call("GET", f"/api/v1/cases/{made['id']}", user="operator")).body, ensure_ascii=False)
        assert resident_id(77) not in seen
        assert "欧阳小满" not in seen
        assert "1961" not in seen


WORD = "独一无二的词"
"""Stands in every text that a person writes in the story below."""


async def test_who_sees_no_clinical_data_meets_none_of_its_words(region: DemoRegion) -> None:
    """A whole case with one word in every free text: the administrators and the operator never meet it."""
    story = Story(region, await new_case(region, name=f"张{WORD}", reason=WORD))
    sections = dict.fromkeys(SECTIONS["imaging"], WORD)
    await story.attach()
    await story.step("clinic1", "consent", {"giver": "patient", "signed_name": WORD})
    await story.step("clinic1", "submit")
    await story.step("imaging.huba", "return", {"reason": WORD})
    await story.step("clinic1", "submit")
    await story.step("imaging.huba", "escalate", {"reason": WORD})
    await story.step("imaging.main", "claim")
    await story.write("imaging.main", sections)
    story.value_id = (await story.step("imaging.main", "criticals", {"finding": WORD}))["id"]
    told = {"whom": WORD, "how": WORD, "read_back": True}
    await story.step("imaging.main", f"criticals/{story.value_id}/tell", told)
    await story.step("clinic1", f"criticals/{story.value_id}/acknowledge")
    await story.step("clinic1", f"criticals/{story.value_id}/act", {"action": WORD})
    await story.step("imaging.main", "report/sign", {"password": PASSWORD})
    await story.step("imaging2.main", "report/send-back", {"note": WORD})
    for _ in range(2):
        await story.step("imaging.main", "report/sign", {"password": PASSWORD})
        await story.step("imaging2.main", "report/review", {"password": PASSWORD})
        await story.step("imaging.main", "report/amend", {"reason": WORD, "sections": sections})
    seen = {
        "auditor": ["/api/v1/audit?limit=500", "/audit", "/audit.csv"],
        "sysadmin": ["/api/v1/network", "/system", "/network"],
        "secadmin": ["/api/v1/accounts", "/accounts"],
        "operator": [
            "/api/v1/cases?limit=200",
            story.url,
            f"{story.url}/events",
            f"{story.url}/criticals",
            f"{story.url}/evidence",
            "/network",
            f"/cases/{story.case_id}",
        ],
    }
    for user, paths in seen.items():
        for path in paths:
            answer = await region.call("GET", path, user=user, headers={"Accept": "*/*"})
            assert answer.status == 200, (user, path)
            text = answer.body.decode() if isinstance(answer.body, bytes) else json.dumps(answer.body, ensure_ascii=False)
            assert WORD not in text, (user, path)


async def test_the_reviewers_note_stays_in_the_hub(region: DemoRegion) -> None:
    """What the second person thinks of an unsigned report is not the member's to read."""
    story = await asked_further_up(region)
    await story.step("imaging.main", "report/sign", {"password": PASSWORD})
    await story.step("imaging2.main", "report/send-back", {"note": WORD})
    for path in (story.url, f"{story.url}/events", f"{story.url}/criticals"):
        assert WORD not in json.dumps((await region.call("GET", path, user="clinic1")).body, ensure_ascii=False)
    assert (await region.call("GET", f"{story.url}/report", user="imaging.main")).body["review_note"] == WORD


async def test_steps_that_the_state_does_not_allow(region: DemoRegion) -> None:
    """A case that is done takes no step back, whoever asks."""
    story = await reported(region)
    refused = {
        "clinic1": ["submit", "cancel"],
        "imaging.main": ["claim", "release", "park", "decline", "return", "escalate", "report/sign", "report/discard"],
        "imaging2.main": ["report/review", "report/send-back"],
        "operator": ["offer"],
    }
    bodies = {"report/sign": {"password": PASSWORD}, "report/review": {"password": PASSWORD}, "report/send-back": {"note": "x"}}
    for user, steps in refused.items():
        for step in steps:
            body = bodies.get(step) or ({"hub": "HUBB", "reason": "x"} if step == "offer" else {"reason": "x"})
            if step in ("submit", "claim", "release", "park", "report/discard"):
                body = {}
            problem(await region.step(story.case_id, step, body, user=user), 409)
    untouched = await drafted(region)
    problem(await region.step(replace(untouched).case_id, "acknowledge", {}, user="clinic1"), 409)

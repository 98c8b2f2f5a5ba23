"""The operator's and the administrators' doors over HTTP: who may, what is answered, what is on record."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp
import pytest
import sqlalchemy as sa
from openpyxl import load_workbook

from telemed.adapters.database import tables as t
from telemed.adapters.object_sweep import MAX_UNNAMED
from telemed.demo.region import PASSWORD
from telemed.web.pages import verify
from tests.demo_region import DemoRegion, new_case, running_region

PAGES = {
    "/network": {"operator", "sysadmin"},
    "/network?view=hubs": {"operator", "sysadmin"},
    "/network?view=aside": {"operator", "sysadmin"},
    "/network/attention": {"operator", "sysadmin"},
    "/network/grid": {"operator", "sysadmin"},
    "/devices": {"operator"},
    "/devices/new": {"operator"},
    "/unmatched": {"operator"},
    "/statistics": {"operator", "clinic1", "imaging.huba", "imaging2.main"},
    "/audit": {"auditor"},
    "/audit.csv": {"auditor"},
    "/accounts": {"secadmin"},
    "/system": {"sysadmin"},
    "/help": {"operator", "sysadmin", "secadmin", "auditor", "clinic1", "imaging.huba", "imaging2.main"},
}
EVERYBODY = ("operator", "sysadmin", "secadmin", "auditor", "clinic1", "imaging.huba", "imaging2.main")
ZONE = ZoneInfo("Asia/Shanghai")
CLINICAL = ("张伟", "头痛")


@pytest.fixture(scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory, region_database: Path) -> AsyncIterator[DemoRegion]:
    """With one case that waits and one that nobody took."""
    async with running_region(tmp_path_factory.mktemp("region"), region_database) as running:
        for reader in ("", "imaging.main"):
            case = await new_case(running, modality="NM", body_part="CHEST")
            assert (await running.step(case, "submit", user="clinic1")).status == 200
            if reader:
                assert (await running.step(case, "decline", {"reason": "设备停机"}, user=reader)).status == 200
        yield running


@pytest.mark.parametrize("address", PAGES)
async def test_each_page_opens_for_its_people_alone(region: DemoRegion, address: str) -> None:
    for user in EVERYBODY:
        answer = await region.call("GET", address, user=user, headers={"Accept": "text/html"})
        assert answer.status == (200 if user in PAGES[address] else 403), (user, answer.status)


@pytest.mark.parametrize("user", ["operator", "sysadmin", "secadmin", "auditor"])
async def test_no_page_of_theirs_shows_clinical_data(region: DemoRegion, user: str) -> None:
    for address, people in PAGES.items():
        if user in people:
            page = (await region.call("GET", address, user=user, headers={"Accept": "text/html"})).body.decode()
            assert not [word for word in CLINICAL if word in page], address


async def test_a_failed_case_can_be_offered_from_the_page(region: DemoRegion) -> None:
    page = (await region.call("GET", "/network", user="operator", headers={"Accept": "text/html"})).body.decode()
    assert "设备停机" in page
    assert page.count('data-step="/api/v1/cases/') == 1


async def test_the_system_administrator_sees_no_case(region: DemoRegion) -> None:
    page = (await region.call("GET", "/network", user="sysadmin", headers={"Accept": "text/html"})).body.decode()
    assert "data-step" not in page
    assert "-0001" not in page


@pytest.mark.parametrize("address", [a for a in PAGES if not a.endswith((".csv", "/attention", "/grid"))])
async def test_each_page_has_one_heading_of_the_first_rank(region: DemoRegion, address: str) -> None:
    answer = await region.call("GET", address, user=min(PAGES[address]), headers={"Accept": "text/html"})
    assert answer.body.decode().count("<h1") == 1


async def test_a_made_up_case_is_tried_at_another_time(region: DemoRegion) -> None:
    asked = "/network/route?centre=imaging&member=CLINIC1&priority=stat&at=2026-11-21T23:30"
    answer = await region.call("GET", asked, user="operator", headers={"Accept": "text/html", "Accept-Language": "en"})
    assert answer.status == 200
    assert "to be answered by" in answer.body.decode()
    wrong = await region.call("GET", asked.replace("T23:30", "x"), user="operator", headers={"Accept": "text/html"})
    assert wrong.status == 422


async def test_the_month_is_drawn_beside_the_month_before(region: DemoRegion) -> None:
    answer = await region.call("GET", "/statistics", user="operator", headers={"Accept": "text/html", "Accept-Language": "en"})
    page = answer.body.decode()
    assert 'type="month"' in page
    chart = page[page.index('<svg class="bulletin-chart"') :]
    assert ">2</text>" in chart[: chart.index("</svg>")]  # the two cases that were sent


async def test_the_routing_check_says_each_rule(region: DemoRegion) -> None:
    question = {"centre": "imaging", "member": "CLINIC1", "need": "nm"}
    answer = await region.call("POST", "/api/v1/network/route", question, user="operator", headers={"Accept-Language": "en"})
    assert answer.body["hub"] == "MAIN"
    assert answer.body["words"] == [
        "HUBA does not read this modality or speciality: passed over",
        "MAIN is the next hub up: gets the case",
    ]
    other = await region.call("POST", "/api/v1/network/route", question | {"need": "XYZ"}, user="operator")
    assert (other.status, other.body["errors"][0]["field"]) == (422, "need")
    page = await region.call("GET", "/network/route?centre=imaging&member=NOBODY", user="operator", headers={"Accept": "text/html"})
    assert page.status == 422


async def test_a_locked_account_is_seen_and_opened(region: DemoRegion) -> None:
    for _ in range(5):
        await region.call("POST", "/api/v1/login", {"username": "lab.hubb", "password": "wrong"})
    assert (await region.call("POST", "/api/v1/login", {"username": "lab.hubb", "password": PASSWORD})).status == 429
    accounts = (await region.call("GET", "/api/v1/accounts", user="secadmin")).body["items"]
    assert [a["username"] for a in accounts if a["locked_until"]] == ["lab.hubb"]
    assert (await region.call("POST", "/api/v1/accounts/lab.hubb/unlock", {}, user="auditor")).status == 403
    assert (await region.call("POST", "/api/v1/accounts/nobody/unlock", {}, user="secadmin")).status == 404
    assert (await region.call("POST", "/api/v1/accounts/lab.hubb/unlock", {}, user="secadmin")).status == 204
    assert (await region.call("POST", "/api/v1/login", {"username": "lab.hubb", "password": PASSWORD})).status == 200
    account = next(a for a in (await region.call("GET", "/api/v1/accounts", user="secadmin")).body["items"] if a["username"] == "lab.hubb")
    assert account["last_sign_in_at"]
    assert account["sessions"] == 1


async def test_a_failed_job_is_tried_again_and_shows_no_data(region: DemoRegion) -> None:
    now = region.parts.application.now()
    secret = "DETAIL: Key (name)=(张伟) exists"
    row = {"kind": "match-study", "payload": {"owner": "CLINIC1", "study": "1.2.3"}, "created_at": now, "run_after": now, "attempts": 20}
    async with region.parts.application.engine.begin() as connection:
        job = (
            await connection.execute(sa.insert(t.job).values(**row, error=f"IntegrityError('taken\\n{secret}')").returning(t.job.c.id))
        ).scalar_one()
    page = (await region.call("GET", "/system", user="sysadmin", headers={"Accept": "text/html"})).body.decode()
    assert "IntegrityError" in page
    assert secret not in page
    assert (await region.call("POST", f"/api/v1/jobs/{job}/retry", {}, user="operator")).status == 403
    for unknown in ("999999", "x", "-1"):
        assert (await region.call("POST", f"/api/v1/jobs/{unknown}/retry", {}, user="sysadmin")).status == 404
    assert (await region.call("POST", f"/api/v1/jobs/{job}/retry", {}, user="sysadmin")).status == 204
    await region.work()
    assert (await region.call("POST", f"/api/v1/jobs/{job}/retry", {}, user="sysadmin")).status == 404  # done
    trail = (await region.call("GET", "/api/v1/audit?action=job:retry", user="auditor")).body["items"]
    assert [(line["actor"], line["subject"], line["outcome"]) for line in trail if line["outcome"] == "success"] == [
        ("sysadmin", f"job/{job}", "success")
    ]


async def test_the_trail_is_walked_by_pages_without_a_gap(region: DemoRegion) -> None:
    seen: list[int] = []
    address = "/api/v1/audit?limit=7"
    while True:
        answer = (await region.call("GET", address, user="auditor")).body
        seen += [line["position"] for line in answer["items"]]
        if answer["next"] is None:
            break
        address = f"/api/v1/audit?limit=7&before={answer['next']}"
    assert seen == list(range(seen[0], 0, -1))


async def test_the_trail_can_be_taken_away_as_filtered(region: DemoRegion) -> None:
    text = (await region.call("GET", "/audit.csv?actor=clinic1&lang=en", user="auditor")).body.decode("utf-8-sig")
    assert "case:submit" in text
    assert "imaging.main" not in text
    exports = (await region.call("GET", "/api/v1/audit?subject=audit-export", user="auditor")).body["items"]
    assert exports[0]["actor"] == "auditor"
    assert (await region.call("GET", "/audit?since=yesterday", user="auditor", headers={"Accept": "text/html"})).status == 422


@pytest.mark.parametrize("month", ["2026-13", "x", "", "2026-11-01"])
async def test_a_bad_month_is_a_problem_document(region: DemoRegion, month: str) -> None:
    answer = await region.call("GET", f"/api/v1/statistics/monthly?month={month}", user="operator")
    assert answer.status == 422
    assert answer.body["errors"][0]["field"] == "query.month"


async def test_the_bulletin_in_each_format(region: DemoRegion) -> None:
    case = (await region.call("GET", "/api/v1/cases", user="clinic1")).body["items"][0]  # a run may go on into another month
    month = f"{datetime.fromisoformat(case['submitted_at']).astimezone(ZONE):%Y-%m}"
    address = f"/api/v1/statistics/monthly?month={month}&lang=en"
    found = (await region.call("GET", address, user="clinic1")).body
    assert [i["institution"] for i in found["institutions"]] == ["CLINIC1"]
    assert next(c for c in found["centres"] if c["centre"] == "imaging")["requests"] == 2
    sheet = await region.call("GET", f"{address}&format=csv", user="clinic1")
    assert sheet.body.startswith(b"\xef\xbb\xbf")
    assert "attachment" in sheet.headers["Content-Disposition"]
    book = load_workbook(io.BytesIO((await region.call("GET", f"{address}&format=xlsx", user="clinic1")).body))
    assert book.sheetnames == ["Centres", "Institutions"]
    assert (await region.call("GET", f"{address}&format=pdf", user="clinic1")).body.startswith(b"%PDF-")
    assert (await region.call("GET", f"{address}&format=doc", user="clinic1")).status == 422
    assert (await region.call("GET", f"{address}&format=csv", user="auditor")).status == 403


async def test_a_report_is_verified_without_signing_in(region: DemoRegion) -> None:
    case = await new_case(region, name="欧阳小敏")
    await region.step(case, "submit", user="clinic1")
    await region.step(case, "claim", user="imaging.huba")
    sections = {"sections": {"findings": "颅内未见异常", "impression": "正常"}}
    await region.call("PUT", f"/api/v1/cases/{case}/report", sections, user="imaging.huba", headers={"If-Match": "*"})
    signed = await region.step(case, "report/sign", {"password": PASSWORD}, user="imaging.huba")
    assert signed.status == 200, signed.body
    async with region.parts.application.reading() as work:
        (report,) = await work.reports.versions(case)
    for language, word in (("zh-CN", "有效"), ("en", "valid")):
        page = await region.call("GET", f"/verify/{report.verification_code}?lang={language}", headers={"Accept": "text/html"})
        text = page.body.decode()
        assert page.status == 200
        assert word in text
        assert report.pdf_sha256 in text
        assert page.headers["Cache-Control"] == "no-store"
        assert "欧阳" not in text
        assert "颅内" not in text
    typed = await region.call("GET", f"/verify?code={report.verification_code.lower()}", headers={"Accept": "text/html"})
    assert typed.status == 200
    assert (await region.call("GET", "/verify/ABCDEFGHJKLM", headers={"Accept": "text/html"})).status == 404


async def test_guessing_codes_is_slowed_down(region: DemoRegion) -> None:
    """By address: a stranger's guesses do not keep others from asking."""
    stranger = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
    async with aiohttp.ClientSession(region.home, connector=stranger) as http:
        for _ in range(verify.QUESTIONS):
            async with http.get("/verify/ABCDEFGHJKLM", headers={"Accept": "text/html"}) as answer:
                assert answer.status == 404
        async with http.get("/verify/ABCDEFGHJKLM", headers={"Accept": "text/html"}) as answer:
            assert answer.status == 429
            assert int(answer.headers["Retry-After"]) > 0
    answer = await region.call("GET", "/verify/ABCDEFGHJKLM", headers={"Accept": "text/html"})
    assert answer.status == 404


async def test_the_system_page_says_what_a_walk_over_the_store_met(region: DemoRegion) -> None:
    engine, now = region.parts.application.engine, region.parts.application.now()
    async with engine.begin() as connection:
        await connection.execute(sa.delete(t.unnamed_object))
        await connection.execute(sa.delete(t.object_sweep))
    look = ("GET", "/system/state?lang=en")
    headers = {"Accept": "text/html", "Accept-Language": "en"}
    page = (await region.call(*look, user="sysadmin", headers=headers)).body.decode()
    assert "The store has not been looked through yet." in page
    walk = {"started_at": now, "ended_at": now, "position": "z", "objects": 4711, "unnamed": 1, "unattributed": 1, "example": "odd/key"}
    many = [{"key": f"uploads/none/{n}", "noun": "upload", "found_at": now} for n in range(MAX_UNNAMED)]
    async with engine.begin() as connection:
        await connection.execute(sa.insert(t.object_sweep).values(walk))
        await connection.execute(sa.insert(t.unnamed_object), many)
    page = (await region.call(*look, user="sysadmin", headers=headers)).body.decode()
    assert "4711" in page
    assert "odd/key" in page
    assert "none is removed" not in page
    async with engine.begin() as connection:
        await connection.execute(sa.insert(t.unnamed_object).values(key="one/more", noun="upload", found_at=now))
    page = (await region.call(*look, user="sysadmin", headers=headers)).body.decode()
    assert "none is removed" in page
    metrics = (await region.call("GET", "/metrics", user=None)).body
    assert b"telemed_objects_unnamed 1001.0" in metrics
    assert b"telemed_objects_unattributed 1.0" in metrics
    async with engine.begin() as connection:
        await connection.execute(sa.delete(t.unnamed_object))

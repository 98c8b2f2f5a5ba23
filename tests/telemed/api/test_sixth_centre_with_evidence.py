"""A centre with evidence of its own is one folder: `tests/centres/made_up` is installed as a sixth, and a case of it goes the whole way.

Its evidence kind, table, job, event, panel, report figure and stored object are found by the shell through its extension alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import aiohttp
import pypdf
import pytest

from telemed.adapters.database.repositories.region import add_home_hubs, add_person, add_services
from telemed.bootstrap import stored_objects
from telemed.centres import discover, extensions
from telemed.demo.region import PASSWORD
from telemed.domain.network import HubService
from telemed.domain.people import Person, Role
from telemed.verification import verify_objects
from tests.centres.made_up.centre import CENTRE
from tests.centres.made_up.extension import EXTENSION
from tests.demo_region import DemoRegion, running_region

AUDIOGRAM = b"AUDIOGRAM 1\n25\n40\n"
READER = "audiometry.huba"


@pytest.fixture(scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory, region_database: Path) -> AsyncIterator[DemoRegion]:
    """The demo region with a sixth centre, somebody who reads for it, and a hub that answers for CLINIC1."""
    installed = {**discover(), CENTRE.code: CENTRE}
    async with running_region(tmp_path_factory.mktemp("sixth"), region_database, installed, (*extensions(), EXTENSION)) as region:
        application = region.parts.application
        reader = Person(READER, "听力师", "HUBA", frozenset({Role.SPECIALIST}), frozenset({CENTRE.code}))
        password_hash = await application.passwords.hash(PASSWORD)
        async with application.engine.begin() as connection:
            await add_services(connection, [HubService("HUBA", CENTRE.code)])
            await add_home_hubs(connection, {(CENTRE.code, "CLINIC1"): "HUBA"})
            await add_person(connection, reader, password_hash)
        await application.refresh()
        yield region


@pytest.fixture(scope="module")
async def case(region: DemoRegion) -> str:
    """A submitted case with an audiogram that the worker has read, claimed at the hub."""
    body = {
        "centre": CENTRE.code,
        "patient": {"name": "张伟", "sex": "male", "birth_date": "1961-03-05"},
        "request": {"reason": "听力下降"},
    }
    made = await region.call("POST", "/api/v1/cases", body, user="clinic1")
    assert (made.status, made.body["missing"]) == (201, ["audiogram"])
    number: str = made.body["id"]
    paper = aiohttp.FormData()
    paper.add_field("file", AUDIOGRAM, filename="audiogram.txt")
    sent = await region.call("POST", f"/api/v1/cases/{number}/files", data=paper, user="clinic1")
    assert [each["type"] for each in sent.body["items"]] == ["audiogram"]
    assert (await region.step(number, "submit", user="clinic1")).status == 200
    await region.work()
    assert (await region.step(number, "claim", user=READER)).status == 200
    return number


async def test_its_job_reads_its_evidence_into_its_table(region: DemoRegion, case: str) -> None:
    found = await region.call("GET", f"/api/v1/cases/{case}/audiograms", user=READER)
    assert found.body["items"] == [{"right": 25, "left": 40}]
    assert (await region.call("GET", f"/api/v1/cases/{case}/audiograms", user="imaging.huba")).status == 404


async def test_its_event_stands_in_the_history_in_words(region: DemoRegion, case: str) -> None:
    events = await region.call("GET", f"/api/v1/cases/{case}/events", user=READER)
    assert "audiogram-read" in [each["action"] for each in events.body["items"]]
    page = await region.call("GET", f"/cases/{case}?lang=en", user="clinic1", headers={"Accept": "text/html"})
    assert "Audiogram read by the platform" in page.body.decode()


async def test_its_panel_and_its_numbers_are_on_the_reading_page(region: DemoRegion, case: str) -> None:
    page = (await region.call("GET", f"/read/{case}?lang=en", user=READER, headers={"Accept": "text/html"})).body.decode()
    assert 'data-panel="audiometry"' in page
    assert 'data-proposed="{&#34;left&#34;: 40, &#34;right&#34;: 25}"' in page
    script = page.split('data-panel-module="')[1].split('"')[0]
    module = await region.call("GET", script)
    assert (module.status, b"export async function open" in module.body) == (200, True)


async def test_its_case_travels_to_the_signed_pdf_with_its_figure(region: DemoRegion, case: str) -> None:
    draft = await region.call("GET", f"/api/v1/cases/{case}/report", user=READER)
    tag = {"If-Match": draft.headers["ETag"]}
    sections = {"right": 25, "left": 40, "advice": "建议佩戴助听器。"}
    assert (await region.call("PUT", f"/api/v1/cases/{case}/report", {"sections": sections}, user=READER, headers=tag)).status == 200
    signed = await region.step(case, "report/sign", {"password": PASSWORD}, user=READER)
    assert (signed.status, signed.body["status"]) == (200, "final")
    pdf = await region.call("GET", f"/api/v1/cases/{case}/report.pdf", user="clinic1")
    text = "\n".join(page.extract_text() for page in pypdf.PdfReader(BytesIO(pdf.body)).pages)
    for expected in ("Thresholds", "25 dB", "40 dB", "Audiogram"):
        assert expected in text


async def test_its_stored_object_is_verified(region: DemoRegion, case: str) -> None:
    application = region.parts.application
    audiogram = (await region.call("GET", f"/api/v1/cases/{case}/evidence", user=READER)).body["items"][0]["id"]
    sources = stored_objects([*extensions(), EXTENSION])
    before = await verify_objects(application.engine, application.store, sources)
    assert before.fault == ""
    key = f"audiometry/{audiogram}.json"
    await application.store.delete(key)
    after = await verify_objects(application.engine, application.store, sources)
    assert (after.good, after.fault) == (before.good - 1, f"{key} is missing")

"""A centre is one file: a made-up sixth one is registered from `dental.py`, and a case of it goes the whole way."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from telemed.adapters.database.repositories.region import add_home_hubs, add_person, add_services
from telemed.centres import discover
from telemed.demo.region import PASSWORD
from telemed.domain.network import HubService
from telemed.domain.people import Person, Role
from tests.demo_region import DemoRegion, running_region
from tests.telemed.api.dental import CENTRE

PAPER = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
ADVICE = {"advice": "11 牙冠折，建议一周内修复。"}


async def open_dental(region: DemoRegion) -> None:
    """What an operator sets up for a new centre: who answers for whom, and an account that reads it."""
    dentist = Person("dental.huba", "牙科医生", "HUBA", frozenset({Role.SPECIALIST}), frozenset({"dental"}))
    password_hash = await region.parts.application.passwords.hash(PASSWORD)
    async with region.parts.application.engine.begin() as connection:
        await add_services(connection, [HubService("MAIN", "dental"), HubService("HUBA", "dental", parent="MAIN")])
        await add_home_hubs(connection, {("dental", "CLINIC1"): "HUBA"})
        await add_person(connection, dentist, password_hash)
    await region.parts.application.refresh()


async def test_a_case_of_a_sixth_centre_goes_the_whole_way(tmp_path: Path, region_database: Path) -> None:
    async with running_region(tmp_path, region_database, {**discover(), CENTRE.code: CENTRE}) as region:
        await open_dental(region)
        body = {
            "centre": "dental",
            "patient": {"name": "张伟", "sex": "male", "birth_date": "1961-03-05"},
            "request": {"reason": "摔倒后牙齿缺损", "tooth": "11"},
        }
        made = await region.call("POST", "/api/v1/cases", body, user="clinic1")
        assert made.status == 201, made.body
        case, number = made.body["id"], made.body["accession_number"]
        assert number.startswith("D")
        assert made.body["missing"] == ["document"]
        paper = aiohttp.FormData()
        paper.add_field("file", PAPER, filename="牙片.pdf")
        assert (await region.call("POST", f"/api/v1/cases/{case}/files", data=paper, user="clinic1")).status == 201
        sent = await region.step(case, "submit", user="clinic1")
        assert [step["hub"] for step in sent.body["route"]] == ["HUBA", "MAIN"]
        listed = await region.call("GET", "/api/v1/cases?view=unclaimed", user="dental.huba")
        assert [item["accession_number"] for item in listed.body["items"]] == [number]
        assert (await region.step(case, "claim", user="imaging.huba")).status == 404
        assert (await region.step(case, "claim", user="dental.huba")).status == 200
        draft = await region.call("GET", f"/api/v1/cases/{case}/report", user="dental.huba")
        tag = {"If-Match": draft.headers["ETag"]}
        saved = await region.call("PUT", f"/api/v1/cases/{case}/report", {"sections": ADVICE}, user="dental.huba", headers=tag)
        assert saved.status == 200, saved.body
        signed = await region.step(case, "report/sign", {"password": PASSWORD}, user="dental.huba")
        assert (signed.status, signed.body["status"]) == (200, "final")
        pdf = await region.call("GET", f"/api/v1/cases/{case}/report.pdf", user="clinic1")
        assert pdf.body.startswith(b"%PDF-")
        assert (await region.step(case, "acknowledge", user="clinic1")).body["acknowledged_at"]
        for username, page in (("clinic1", f"/cases/{case}"), ("clinic1", "/cases/new/dental"), ("dental.huba", f"/read/{case}")):
            shown = await region.call("GET", page, user=username, headers={"Accept": "text/html"})
            assert shown.status == 200, page

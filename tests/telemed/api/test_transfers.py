"""Transfers over HTTP and on the pages, with devices as the command puts them in."""

from __future__ import annotations

import asyncio
import re

import pytest

from telemed import bootstrap
from telemed.devices_command import WrongDevice, device_of, put_device, remove_device
from tests.demo_region import DemoRegion, free_port
from tests.dicom_gateway.devices import StorageProvider
from tests.telemed.api.test_export import case_with_study


async def put(region: DemoRegion, title: str, institution: str, *uses: str) -> None:
    device = device_of(title, institution, f"127.0.0.1:{free_port()}", list(uses), "")
    await put_device(region.parts.settings, device)
    await region.parts.application.refresh()


async def test_a_study_is_sent_and_priors_are_fetched_from_the_pages(region: DemoRegion) -> None:
    case_id, evidence_id, study = await case_with_study(region)
    url = f"/api/v1/cases/{case_id}"
    plain = (await region.call("GET", f"/cases/{case_id}", user="clinic1")).body.decode()
    assert "priors/fetch" not in plain
    assert "/send" not in plain
    refused = await region.call("POST", f"{url}/priors/fetch", {}, user="clinic1")
    assert (refused.status, refused.body["errors"][0]["field"]) == (422, "member")
    await put(region, "WS1", "CLINIC1", "store")
    await put(region, "PACS1", "CLINIC1", "query")
    try:
        shown = (await region.call("GET", f"/cases/{case_id}", user="clinic1")).body.decode()
        assert f'data-post="{url}/priors/fetch"' in shown
        assert re.findall(r'<option value="(\w+)"', shown).count("WS1") == 1
        assert "PACS1 (" not in shown
        sent = await region.call("POST", f"{url}/evidence/{evidence_id}/send", {"device": "WS1"}, user="clinic1")
        assert (sent.status, sent.body["status"], sent.body["study_instance_uid"]) == (202, "waiting", study)
        fetched = await region.call("POST", f"{url}/priors/fetch", {}, user="clinic1")
        assert (fetched.status, fetched.body["device"]) == (202, "PACS1")
        listed = await region.call("GET", f"{url}/transfers", user="clinic1")
        assert [each["kind"] for each in listed.body["items"]] == ["priors", "send"]
        part = (await region.call("GET", f"/cases/{case_id}/transfers", user="clinic1")).body.decode()
        assert 'hx-trigger="every 2s"' in part
        assert "WS1" in part
        assert (await region.call("GET", f"/cases/{case_id}/transfers", user="clinic2")).status == 404
        await region.step(case_id, "submit", user="clinic1")
        reading = (await region.call("GET", f"/read/{case_id}", user="imaging.huba")).body.decode()
        assert f'data-post="{url}/priors/fetch"' in reading
    finally:
        for title in ("WS1", "PACS1"):
            assert await remove_device(region.parts.settings, title)
        await region.parts.application.refresh()


@pytest.mark.parametrize(
    ("title", "address", "uses", "word"),
    [
        ("A" * 17, "", [], "title must be 1 to 16"),
        ("A\\B", "", [], "title must be 1 to 16"),
        ("WS1", "host", ["store"], "host:port"),
        ("WS1", "host:70000", ["store"], "port must lie within 1-65535"),
        ("WS1", "", ["store"], "host is needed"),
        ("WS1", "host:104", ["print"], "uses must be one of query, store"),
    ],
)
async def test_a_device_that_cannot_be_is_refused_in_words(
    region: DemoRegion, title: str, address: str, uses: list[str], word: str
) -> None:
    with pytest.raises(WrongDevice, match=word):
        await put_device(region.parts.settings, device_of(title, "CLINIC1", address, uses, ""))


async def test_a_device_takes_no_title_of_another_institution(region: DemoRegion) -> None:
    for title, institution in (("CLINIC2", "CLINIC1"), ("WS9", "NOBODY")):
        with pytest.raises(WrongDevice):
            await put_device(region.parts.settings, device_of(title, institution, "", [], ""))


async def test_the_workers_long_jobs_send_it(region: DemoRegion) -> None:
    case_id, evidence_id, _ = await case_with_study(region)
    workstation = StorageProvider(free_port())
    server = await asyncio.to_thread(workstation.start)
    try:
        await put_device(region.parts.settings, device_of("WS3", "CLINIC1", f"127.0.0.1:{workstation.port}", ["store"], ""))
        await region.parts.application.refresh()
        url = f"/api/v1/cases/{case_id}"
        await region.call("POST", f"{url}/evidence/{evidence_id}/send", {"device": "WS3"}, user="clinic1")
        long = bootstrap.worker(region.parts)
        while await long.once():
            await long.finish()
    finally:
        await asyncio.to_thread(server.shutdown)
        await remove_device(region.parts.settings, "WS3")
    (transfer,) = (await region.call("GET", f"{url}/transfers", user="clinic1")).body["items"]
    assert (transfer["status"], transfer["completed"], len(workstation.received)) == ("done", 3, 3)

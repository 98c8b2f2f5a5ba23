"""Tubes and boxes brought as far as a test needs them, over HTTP."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import aiohttp

from tests.demo_region import Answer, DemoRegion, new_case

LOG = b"2026-11-18 08:00 4.1\n2026-11-18 08:05 4.6\n2026-11-18 08:10 8.4\n2026-11-18 08:15 9.0\n2026-11-18 08:20 7.9\n"
"""A logger's file with one time above 8 degrees."""


async def said(region: DemoRegion, method: str, path: str, body: Any = None, *, user: str = "clinic1", status: int = 200) -> Any:
    """The answer's body; the status is as expected."""
    answer = await region.call(method, f"/api/v1{path}", body, user=user)
    assert answer.status == status, (answer.status, answer.body)
    return answer.body


async def tubes(region: DemoRegion, *kinds: str, user: str = "clinic1", submit: bool = True, name: str = "张伟") -> tuple[str, list[str]]:
    """A case of the laboratory with labelled tubes: its id and their numbers."""
    case = await new_case(region, "lab", user=user, name=name)
    made = await said(region, "POST", f"/cases/{case}/specimens", {"containers": [{"kind": k} for k in kinds]}, user=user, status=201)
    if submit:
        await said(region, "POST", f"/cases/{case}/submit", {}, user=user)
    return case, [each["number"] for each in made["items"]]


async def packed(region: DemoRegion, numbers: list[str], to: str = "HUBA", temperature: str = "2-8", user: str = "clinic1") -> str:
    """A box that is being packed, with these tubes; its id."""
    box = await said(region, "POST", "/lab/boxes", {"to": to, "temperature": temperature}, user=user, status=201)
    for number in numbers:
        await said(region, "POST", f"/lab/boxes/{box['id']}/specimens", {"number": number}, user=user)
    return str(box["id"])


async def given(region: DemoRegion, numbers: list[str], to: str = "HUBA", user: str = "clinic1", temperature: str = "2-8") -> str:
    """A box that was handed over and not taken yet."""
    box = await packed(region, numbers, to, temperature, user)
    await said(region, "POST", f"/lab/boxes/{box}/ready", {}, user=user)
    await said(region, "POST", f"/lab/boxes/{box}/hand-over", {"courier": "李师傅", "seal": "S-1"}, user=user)
    return box


async def under_way(region: DemoRegion, numbers: list[str], to: str = "HUBA", user: str = "clinic1", temperature: str = "2-8") -> str:
    """A box in transit."""
    box = await given(region, numbers, to, user, temperature)
    await said(region, "POST", f"/lab/boxes/{box}/take-over", {"courier": "李师傅", "seal": "S-1"}, user=user)
    return box


async def came(
    region: DemoRegion, box: str, number: str, condition: str = "good", *, user: str = "lab.huba", status: int = 200, **more: Any
) -> Any:
    """Receive a tube."""
    return await said(region, "POST", f"/lab/boxes/{box}/specimens/{number}", {"condition": condition} | more, user=user, status=status)


async def attach(region: DemoRegion, box: str, content: bytes, name: str = "logger.txt", user: str = "clinic1") -> Answer:
    """Send a logger's file."""
    form = aiohttp.FormData()
    form.add_field("file", BytesIO(content), filename=name, content_type="text/plain")
    return await region.call("POST", f"/api/v1/lab/boxes/{box}/temperature", data=form, user=user)

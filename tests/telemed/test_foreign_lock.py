"""Somebody else's program holds the lock of the embedded database: people wait, nothing is lost, and all goes on when it lets go."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from pydicom.uid import generate_uid

from telemed.settings import Settings
from tests.demo_region import DemoRegion, free_port, new_case, put_in_place, served_with_gateway
from tests.dicom_gateway.objects import ct_slice
from tests.telemed.test_disk_reserve import send


@pytest.fixture
async def region(tmp_path: Path) -> AsyncIterator[DemoRegion]:
    """The demo region over HTTP with its gateway."""
    settings = Settings(data_dir=tmp_path, http_port=free_port(), dicom_port=free_port())
    await put_in_place(settings)
    async with served_with_gateway(settings) as running:
        yield running


@contextmanager
def held(region: DemoRegion) -> Iterator[None]:
    """Within the block a stranger holds the lock of the one writer."""
    with closing(sqlite3.connect(str(region.parts.settings.database_file), isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        yield
        stranger.execute("ROLLBACK")


async def studies(region: DemoRegion, uid: str) -> int:
    """How many studies the member finds under a Study Instance UID."""
    answer = await region.call(
        "GET", f"/dicomweb/studies?StudyInstanceUID={uid}", user="clinic1", headers={"Accept": "application/dicom+json"}
    )
    return len(answer.body) if answer.status == 200 else 0


async def test_what_was_acknowledged_meanwhile_is_found_and_who_waited_is_answered(region: DemoRegion) -> None:
    case, uid = await new_case(region), generate_uid()
    with held(region):
        assert await asyncio.to_thread(send, region.parts.settings.dicom_port, ct_slice(StudyInstanceUID=uid)) == 0
        waiting = asyncio.create_task(region.call("GET", f"/api/v1/cases/{case}", user="clinic1"))
        assert (await region.call("GET", "/healthz")).status == 200
        assert not waiting.done()
    assert (await waiting).status == 200
    assert await studies(region, uid) == 1


@pytest.mark.slow
async def test_a_lock_past_the_patience_of_all_is_over_when_it_is_let_go(region: DemoRegion) -> None:
    """Twenty seconds each: as many as there are connections wait, and more."""
    case, uid = await new_case(region), generate_uid()
    with held(region):
        assert await asyncio.to_thread(send, region.parts.settings.dicom_port, ct_slice(StudyInstanceUID=uid)) == 0
        answers = await asyncio.gather(*(region.call("GET", f"/api/v1/cases/{case}", user="clinic1") for _ in range(30)))
        assert {answer.status for answer in answers} == {503}
        assert all(answer.headers["Retry-After"] for answer in answers)
    answers = await asyncio.gather(*(region.call("GET", f"/api/v1/cases/{case}", user="clinic1") for _ in range(30)))
    assert {answer.status for answer in answers} == {200}
    assert await studies(region, uid) == 1

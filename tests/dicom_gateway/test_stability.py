"""Stable studies: noted once, after a quiet time or when somebody says so, and again when more arrives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
import sqlalchemy as sa
from pydicom.uid import generate_uid
from sqlalchemy.ext.asyncio import AsyncConnection

from dicom_gateway.index import dicom_series_document
from dicom_gateway.objects import Objects
from dicom_gateway.pixels import PixelPool
from dicom_gateway.series_documents import SeriesDocuments
from dicom_gateway.stability import StableStudy, StudyWatch
from tests.dicom_gateway.conftest import Gateway, scope_for
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.dicom_gateway.test_doors import get, stow

pytestmark = pytest.mark.database

QUIET = timedelta(seconds=30)


async def test_a_study_is_stable_once_until_more_arrives(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    told: list[str] = []

    async def on_stable(_: AsyncConnection, studies: Sequence[StableStudy]) -> None:
        told.extend(study.study_instance_uid for study in studies)

    one, two = generate_uid(), generate_uid()
    await stow(http, gateway, [part10_of(ct_slice(StudyInstanceUID=uid)) for uid in (one, two)])
    now = datetime.now(UTC)
    watch = StudyWatch(gateway.engine, quiet=QUIET, on_stable=on_stable)
    assert await watch.look(now) == []
    later = now + 2 * QUIET
    assert {study.study_instance_uid for study in await watch.look(later)} == {one, two}
    # After a restart nothing is told twice.
    watch = StudyWatch(gateway.engine, quiet=QUIET, on_stable=on_stable)
    assert await watch.look(later) == []
    await stow(http, gateway, [part10_of(ct_slice(StudyInstanceUID=one))])
    assert [study.study_instance_uid for study in await watch.look(later + 2 * QUIET)] == [one]
    assert sorted(told) == sorted([one, two, one])


async def test_an_event_whose_hook_fails_is_raised_again(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    failures = [True]

    async def on_stable(_: AsyncConnection, __: Sequence[StableStudy]) -> None:
        if failures.pop():
            failures.append(False)
            raise OSError("the host stumbles")

    await stow(http, gateway, [part10_of(ct_slice())])
    watch = StudyWatch(gateway.engine, quiet=timedelta(0), on_stable=on_stable)
    later = datetime.now(UTC) + QUIET
    for expected in (0, 1):
        try:
            noted = len(await watch.look(later))
        except OSError:
            noted = 0
        assert noted == expected


async def test_somebody_says_that_a_study_is_complete(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    slice_ = ct_slice()
    await stow(http, gateway, [part10_of(slice_)])
    url = f"{gateway.url}/studies/{slice_.StudyInstanceUID}/complete"
    for owner, expected in (("CLINIC2", 404), ("CLINIC1", 204), ("CLINIC1", 204), ("NOBODY", 401)):
        async with http.post(url, headers=gateway.headers(owner)) as answer:
            assert answer.status == expected
    watch = StudyWatch(gateway.engine, quiet=QUIET)
    now = datetime.now(UTC)
    assert await watch.look(now + 2 * QUIET) == []
    assert await watch.complete(scope_for("CLINIC1"), slice_.StudyInstanceUID, now) is False
    assert await watch.complete(scope_for("CLINIC2"), slice_.StudyInstanceUID, now) is None


async def test_a_stable_study_is_described_before_anybody_asks(
    gateway: Gateway, http: aiohttp.ClientSession, pixel_pool: PixelPool
) -> None:
    slice_ = ct_slice()
    await stow(http, gateway, [part10_of(slice_)])
    documents = SeriesDocuments(gateway.index, Objects(gateway.index, gateway.store), pixel_pool)
    (study,) = await StudyWatch(gateway.engine, quiet=QUIET).look(datetime.now(UTC) + 2 * QUIET)
    assert await documents.prepare(study.id) == 1
    assert await documents.prepare(study.id) == 0
    (kept,) = await gateway.index.rows(sa.select(dicom_series_document.c.etag))
    where = f"/studies/{slice_.StudyInstanceUID}/series/{slice_.SeriesInstanceUID}/metadata"
    _, _, headers = await get(http, gateway, where, **{"Accept-Encoding": "identity"})
    assert headers["ETag"] == f'"{kept.etag}"'
    assert await documents.forget_unused(datetime.now(UTC) + QUIET) == 1
    _, _, headers = await get(http, gateway, where, **{"Accept-Encoding": "identity"})
    assert headers["ETag"] == f'"{kept.etag}"'

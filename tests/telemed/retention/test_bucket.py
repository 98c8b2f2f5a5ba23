"""The same where objects lie in a bucket: each is an object of its own there."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from storage import ObjectStore, open_store
from telemed.adapters.database import tables as t
from telemed.domain.retention import RecordKind
from tests.s3_server import S3Server, s3_process, s3_server
from tests.telemed.retention.conftest import YEARS, Archive

__all__ = ["s3_process", "s3_server"]


@pytest.fixture
async def store(s3_server: S3Server) -> AsyncIterator[ObjectStore]:
    opened = open_store(s3_server.url(s3_server.new_bucket()))
    yield opened
    await opened.close()


async def test_nothing_of_an_erased_case_is_left_in_a_bucket(archive: Archive) -> None:
    case, _ = await archive.whole_case()
    archive.harness.clock.forward(days=YEARS)
    other = await archive.harness.signed()
    study = await archive.send(AccessionNumber=other.accession_number)
    kept = await archive.objects_of(study) | {row["pdf_key"] for row in await archive.rows(t.report) if row["case_id"] == other.id}
    assert len(kept) == 4
    await archive.erase(RecordKind.CASE, case.id)
    assert {key async for key in archive.store.list() if not key.startswith("audit/")} == kept
    assert [row["state"] for row in await archive.rows(t.erasure)] == ["done"]

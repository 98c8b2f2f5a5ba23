"""What is erased is gone from every table and from the store, what is beside it stays, and the proof of the installation is clean."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from storage import ObjectMissing
from telemed.adapters.database import tables as t
from telemed.centres.ecg.adapters.tables import ecg_arrival, ecg_tracing
from telemed.domain.retention import RecordKind, RequestState
from telemed.service import case_request
from tests.postgres_server import PostgresServer
from tests.telemed.attacks import copied
from tests.telemed.harness import resident_id
from tests.telemed.retention.conftest import YEARS, Archive

pytestmark = pytest.mark.database


async def keys_of(archive: Archive) -> set[str]:
    return {key async for key in archive.store.list() if not key.startswith("audit/")}


async def test_nothing_of_an_erased_case_is_left(
    archive: Archive, tmp_path: Path, database_url: str, server: Callable[[], PostgresServer]
) -> None:
    before = await keys_of(archive)
    case, study = await archive.whole_case()
    (report,) = await archive.rows(t.report)
    file = (await archive.rows(t.evidence))[0]
    mine = await keys_of(archive) - before
    assert len(mine) == 5
    archive.harness.clock.forward(days=YEARS)
    done = await archive.erase(RecordKind.CASE, case.id)
    assert (done.state, done.erased, done.kept) == (RequestState.DONE, 1, 0)
    assert await keys_of(archive) == before
    words = [case.id, case.accession_number, case.patient.id, study, "张伟", report["verification_code"], file["id"], resident_id(1)]
    left = await archive.mentions(*words)
    assert set(left) <= {"audit", "erasure"}, left
    assert left["erasure"] == [case.id]
    assert not {"张伟", report["verification_code"], resident_id(1)} & set(left["audit"])
    assert not [table for table, rows in {t.patient: 0, t.case: 0, t.case_event: 0}.items() if len(await archive.rows(table)) != rows]
    (stone,) = await archive.rows(t.erasure)
    assert stone["state"] == "done"
    assert stone["counts"]["dicom_instance"] == 3
    assert len(stone["digest"]) == 64
    assert await archive.rows(t.erased_object) == []
    await archive.note_end()
    await archive.harness.application.engine.dispose()
    copy = copied(tmp_path, database_url, tmp_path / "copy", server)
    status, said = await copy.verify()
    assert status == 0, said
    assert "that no record names: 0 older than a day, 0 of no known kind" in said


async def test_what_is_beside_it_stays(archive: Archive) -> None:
    """Images of both lie in one pack; the other patient's are read as before."""
    case, study = await archive.whole_case()
    archive.harness.clock.forward(days=YEARS)
    other = await archive.harness.signed()
    beside = await archive.send(AccessionNumber=other.accession_number)
    kept, gone = await archive.objects_of(beside), await archive.objects_of(study)
    assert len(kept) == len(gone) == 3
    await archive.erase(RecordKind.CASE, case.id)
    for key in gone:
        with pytest.raises(ObjectMissing):
            await archive.store.read(key)
    for key in kept:
        assert await archive.store.read(key)
    assert (await archive.harness.case(other.id)).id == other.id
    assert [row["id"] for row in await archive.rows(t.patient)] == [other.patient.id]


async def test_a_recording_goes_with_its_case(archive: Archive) -> None:
    before = await keys_of(archive)
    case = await archive.harness.requested("ecg")
    await archive.tracing(case.id)
    assert await archive.rows(ecg_tracing)
    await archive.harness.do("clinic1", case_request.cancel_case, case.id, "重复申请")
    archive.harness.clock.forward(days=YEARS)
    assert (await archive.erase(RecordKind.CASE, case.id)).erased == 1
    assert await keys_of(archive) == before
    assert await archive.rows(ecg_tracing) == await archive.rows(ecg_arrival) == []

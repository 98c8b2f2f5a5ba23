"""An installation with one of everything, and images in packs, that can be backed up."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dicom_gateway import Intake, Source
from dicom_gateway.wal import WriteAheadLog
from storage import ObjectStore
from telemed.adapters.dicom.study_repository import StudyArrivals
from tests.postgres_server import PostgresServer
from tests.s3_server import s3_process, s3_server
from tests.telemed.attacks import Copy, copied, one_of_everything
from tests.telemed.backup.copies import Backups
from tests.telemed.harness import Harness
from tests.telemed.test_image_quality import slices

__all__ = ["s3_process", "s3_server"]


@pytest.fixture
async def whole(
    harness: Harness, store: ObjectStore, tmp_path: Path, database_url: str, server: Callable[[], PostgresServer], keys: Path
) -> Copy:
    """A copy with one of everything and a study, in a pack where there are packs, which nobody has open."""
    (tmp_path / "keys").mkdir(exist_ok=True)
    shutil.copyfile(keys / "identity.key", tmp_path / "keys" / "identity.key")
    await one_of_everything(harness, store, tmp_path / "keys")
    engine = harness.application.engine
    await receive(Intake(engine, store, on_indexed=StudyArrivals("Asia/Shanghai")), slices(3))
    await engine.dispose()
    return copied(tmp_path, database_url, tmp_path / "whole", server)


async def receive(intake: Intake, files: list[bytes]) -> None:
    """Take files in as the gateway does: by the write-ahead log where there is one."""
    source = Source("dimse", "CLINIC1", "127.0.0.1")
    log = await WriteAheadLog.open(intake)
    for content in files:
        answer = await (log.receive(bytearray(content), "CLINIC1", source) if log else intake.receive(content, "CLINIC1", source))
        assert answer.outcome.name == "STORED", answer
    if log:
        await log.close()
    await intake.close()


@pytest.fixture
def backups(whole: Copy, tmp_path: Path) -> Backups:
    """Backups of that copy into a folder of their own."""
    return Backups(whole.settings, str(tmp_path / "backups"))

"""An installation in which a case is whole, old enough to be erased, and beside one that stays."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydicom.uid import generate_uid

import ecg
from dicom_gateway import Intake, Source
from dicom_gateway.index import dicom_instance, dicom_series, dicom_study
from dicom_gateway.wal import WriteAheadLog
from ecg.synthesis import resting
from storage import ObjectStore
from telemed import bootstrap
from telemed.adapters.audit.anchors import AuditAnchors
from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.region import RETENTION, add_setting
from telemed.adapters.dicom.study_intake import DicomStudyIntake
from telemed.adapters.dicom.study_repository import StudyArrivals
from telemed.adapters.jobs.worker import Handler, Worker
from telemed.adapters.retention.erasing import Erasing
from telemed.adapters.stored_objects import StoredObjects
from telemed.centres import extensions
from telemed.centres.ecg.adapters.jobs import EcgReader
from telemed.centres.ecg.domain import EcgJob
from telemed.centres.ecg.extension import open_detected_criticals
from telemed.domain.case import Case
from telemed.domain.jobs import JobKind
from telemed.domain.retention import ErasureRequest, RecordKind
from telemed.service import retention
from telemed.service.files import attach_file
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.telemed.attacks import one_of_everything
from tests.telemed.harness import Harness

YEARS = 366 * 31
"""Days after which every clinical record is due."""


@pytest.fixture(scope="session")
def analysts() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


@dataclass
class Archive:
    """People who ask, confirm and hold, and the worker that erases."""

    harness: Harness
    store: ObjectStore
    keys: Path
    analysts: Executor
    sources: tuple[StoredObjects, ...]

    @property
    def erasing(self) -> Erasing:
        application = self.harness.application
        return Erasing(application.engine, self.store, self.sources, application.writing)

    async def whole_case(self) -> tuple[Case, str]:
        """A released report with consent, critical value, file, and a study that devices sent; the study's UID."""
        case = await one_of_everything(self.harness, self.store, self.keys)
        return case, await self.send(AccessionNumber=case.accession_number)

    async def tracing(self, case_id: str) -> None:
        """A recording, read by the worker."""
        application = self.harness.application
        door = DicomStudyIntake(Intake(application.engine, self.store), application.engine)
        who = ecg.Patient("P00001", "张伟", "male", "1961-03-05")
        file = ecg.write(resting("sinus", seed=3, patient=who).recording, None, "aecg")

        async def content() -> AsyncIterator[bytes]:
            yield file

        await attach_file(application, door, self.harness.people["clinic1"], case_id, "ecg.xml", content())
        await self.work()

    async def send(self, study: str = "", count: int = 3, **attributes: str) -> str:
        """Images as a gateway takes them in: into packs where there are some. Returns the Study Instance UID."""
        study = study or str(generate_uid())
        images = [part10_of(ct_slice(**({"StudyInstanceUID": study, "AccessionNumber": ""} | attributes))) for _ in range(count)]
        intake = Intake(self.harness.application.engine, self.store, on_indexed=StudyArrivals("Asia/Shanghai", self.harness.clock))
        log, source = await WriteAheadLog.open(intake), Source("dimse", calling_ae="CLINIC1")
        for content in images:
            answer = await (log.receive(bytearray(content), "CLINIC1", source) if log else intake.receive(content, "CLINIC1", source))
            assert answer.status == 0, answer
        if log:
            await log.close()
        await intake.close()
        await self.work()
        return study

    async def work(self) -> None:
        application = self.harness.application
        reader = EcgReader(application, self.analysts, str)
        own = {EcgJob.OPEN_DETECTED_CRITICALS: open_detected_criticals(application), JobKind.ERASE: Handler(self.erasing.job, long=True)}
        worker = Worker(application, own | {EcgJob.READ: Handler(reader, long=True)})  # type: ignore[arg-type]
        while await worker.once():
            await worker.finish()

    async def ask(self, kind: RecordKind, *subjects: str, month: str = "", by: str = "sysadmin") -> ErasureRequest:
        asked: ErasureRequest = await self.harness.do(by, retention.ask, kind, subjects, month, "保存期满")
        return asked

    async def erase(self, kind: RecordKind, *subjects: str) -> ErasureRequest:
        """Ask, confirm, and have the worker do it."""
        asked = await self.ask(kind, *subjects)
        await self.harness.do("secadmin", retention.confirm, asked.id)
        await self.work()
        return await self.request(asked.id)

    async def request(self, id_: str) -> ErasureRequest:
        async with self.harness.application.reading() as work:
            found = await work.erasures.get(id_)
        assert found is not None
        return found

    async def rows(self, *wanted: Any) -> list[Any]:
        async with self.harness.application.engine.connect() as connection:
            return list((await connection.execute(sa.select(*wanted))).mappings().all())

    async def objects_of(self, study: str) -> set[str]:
        """The keys of a study's images."""
        placed = dicom_instance.join(dicom_series).join(dicom_study)
        query = sa.select(dicom_instance.c.object_key).select_from(placed).where(dicom_study.c.study_instance_uid == study)
        async with self.harness.application.engine.connect() as connection:
            return set((await connection.execute(query)).scalars())

    async def mentions(self, *words: str) -> dict[str, list[str]]:
        """Which of the words stand in which tables, as text."""
        async with self.harness.application.engine.connect() as connection:
            names = await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names())
            found: dict[str, list[str]] = {}
            for name in names:
                rows = (await connection.execute(sa.text(f'SELECT * FROM "{name}"'))).all()  # noqa: S608
                text = "\n".join(map(str, rows))
                if there := [word for word in words if word in text]:
                    found[name] = there
            return found

    async def by_region(self, **settings: Any) -> None:
        async with self.harness.application.engine.begin() as connection:
            await connection.execute(sa.delete(t.region_setting).where(t.region_setting.c.name == RETENTION))
            await add_setting(connection, RETENTION, settings)
        await self.harness.application.refresh()

    async def note_end(self) -> None:
        """The trail's end is noted, as the worker does."""
        await AuditAnchors(self.harness.application.engine, self.store, self.keys / "audit.pem")(self.harness.clock())


@pytest.fixture
def archive(harness: Harness, store: ObjectStore, tmp_path: Path, keys: Path, analysts: Executor) -> Archive:
    (tmp_path / "keys").mkdir(exist_ok=True)
    shutil.copyfile(keys / "identity.key", tmp_path / "keys" / "identity.key")
    return Archive(harness, store, tmp_path / "keys", analysts, bootstrap.stored_objects(extensions()))

"""The only place that puts real parts together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from dicom_gateway import Index, Intake, Scope, dicomweb_app
from dicom_gateway.compact import CompactStore
from dicom_gateway.dimse import DimseServer
from dicom_gateway.objects import Objects
from dicom_gateway.pixels import PixelPool
from dicom_gateway.series_documents import SeriesDocuments
from dicom_gateway.settled import Settled
from dicom_gateway.stability import StudyWatch
from storage import open_store
from telemed import centres as all_centres
from telemed.adapters.application import SqlApplication
from telemed.adapters.audit.anchors import AuditAnchors
from telemed.adapters.audit.watch import AuditWatch
from telemed.adapters.database import engine as database
from telemed.adapters.database.confidential import Sealer
from telemed.adapters.database.engine import make_engine
from telemed.adapters.database.queries.administration import SqlAdministration
from telemed.adapters.dicom.device_probe import DimseProbe
from telemed.adapters.dicom.model_client import ModelClient
from telemed.adapters.dicom.study_access import study_scope
from telemed.adapters.dicom.study_assessor import StudyAssessor
from telemed.adapters.dicom.study_compactor import StudyCompactor
from telemed.adapters.dicom.study_export import ZipExporter
from telemed.adapters.dicom.study_intake import DicomStudyIntake
from telemed.adapters.dicom.study_maintenance import StudyMaintenance
from telemed.adapters.dicom.study_repository import StableStudyJobs, StudyArrivals
from telemed.adapters.dicom.study_transfers import StudyTransfers
from telemed.adapters.jobs.long_jobs import LongJob, LongJobs
from telemed.adapters.jobs.worker import Worker
from telemed.adapters.object_sweep import ObjectSweep
from telemed.adapters.passwords import Argon2Passwords
from telemed.adapters.printing.pdf_pages import PdfPages
from telemed.adapters.printing.report_renderer import PdfReportRenderer
from telemed.adapters.printing.table_export import PooledTableExporter
from telemed.adapters.process_pool import RestartingPool
from telemed.adapters.signatures.signature_inspector import PooledInspector
from telemed.adapters.stored_objects import PLATFORM, StoredObjects
from telemed.centres.ecg.adapters.jobs import EcgReader
from telemed.centres.ecg.adapters.report_figures import EcgReportFigures
from telemed.centres.ecg.adapters.stored_objects import TracingObjects
from telemed.centres.ecg.adapters.tracing_reader import PooledTracings, StoredTracingReader
from telemed.centres.ecg.adapters.watched_folder import WatchedFolder
from telemed.domain.centre import Centre
from telemed.roles.gateway import device_peers, open_dimse
from telemed.service.uploads import sweep_uploads
from telemed.settings import Settings
from telemed.web.i18n import DEFAULT_LANGUAGE, translations

ANALYSTS = 2
"""Processes that read tracings: one may be at a Holter recording for half a minute while resting tracings go on."""

PRINTERS = 1
"""Processes that print and sign: one report takes a third of a second."""


STORED_OBJECTS: tuple[StoredObjects, ...] = (*PLATFORM, TracingObjects())
"""Every kind of object that rows of this installation name."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What every role of an installation stands on."""

    settings: Settings
    application: SqlApplication
    store: CompactStore
    index: Index
    intake: Intake
    pool: Executor
    """Where reports and bulletins are printed and signatures checked."""
    pages: PdfPages
    measuring: PixelPool
    """Where images are measured; its process starts with the first study."""

    @property
    def signing_keys(self) -> Path:
        return self.settings.data_dir / "keys" / "signing"


@asynccontextmanager
async def open_parts(settings: Settings, centres: Mapping[str, Centre] | None = None) -> AsyncIterator[Parts]:
    """Connect to database and store. Raises DatabaseUnavailable or StorageError with a plain sentence."""
    engine = make_engine(settings.database, sealer=Sealer.of(settings.data_dir / "keys" / "identity.key"))
    place = open_store(settings.storage, settings.store_keys)
    store = CompactStore(place)
    pool = RestartingPool(PRINTERS)
    pages = PdfPages(store)
    measuring = PixelPool(1)
    try:
        await database.check(engine)
        await store.check()
        say = translations(DEFAULT_LANGUAGE).gettext
        press = PdfReportRenderer(
            store,
            pool,
            settings.data_dir / "keys" / "signing",
            settings.address,
            DEFAULT_LANGUAGE,
            say,
            (EcgReportFigures(store, pool, say),),
        )
        application = SqlApplication(engine, store, centres or all_centres.discover(), Argon2Passwords(), press, settings.time_zone)
        await application.refresh()
        intake = Intake(engine, place, on_indexed=StudyArrivals(settings.time_zone))
        yield Parts(settings, application, store, Index(engine, Settled(place)), intake, pool, pages, measuring)
    finally:
        await pages.close()
        await measuring.close()
        pool.shutdown(wait=False, cancel_futures=True)
        await engine.dispose()
        await store.close()


def shown_store(url: str) -> str:
    """The store's address without what a URL may carry of keys."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def web_application(parts: Parts) -> web.Application:
    """Pages, API, DICOMweb."""
    # Half a second of imports that the other roles start without.
    from telemed.web.app import WebDependencies, create_app
    from telemed.web.security import person_of
    from telemed.web.study_looks import StudyLooks
    from telemed.web.workitems import CaseWorkitems

    async def authorise(request: web.Request, action: str) -> Scope:
        return study_scope(person_of(request), action)

    cases = CaseWorkitems(parts.application)
    images = dicomweb_app(parts.index, parts.store, parts.intake, authorise, watch=study_watch(parts), workitems=cases)
    images.on_response_prepare.append(StudyLooks(parts.application))
    doors = WebDependencies(
        studies=DicomStudyIntake(parts.intake, parts.application.engine),
        exports=ZipExporter(parts.index, parts.store, parts.measuring),
        administration=SqlAdministration(parts.application.engine, shown_store(parts.settings.storage), parts.settings.data_dir),
        signatures=PooledInspector(parts.pool, parts.signing_keys),
        probe=DimseProbe(device_peers(parts.settings)),
        sheets=PooledTableExporter(parts.pool),
        tracings=PooledTracings(parts.pool),
        tracing_reader=StoredTracingReader(parts.store, parts.pool),
        pages=parts.pages,
        address=parts.settings.address,
        upload_limit=parts.settings.upload_max_bytes,
        secure_cookies=parts.settings.secure_cookies,
        ohif=parts.settings.ohif_folder,
        subapps=[("/dicomweb", images)],
    )
    return create_app(parts.application, doors)


async def dicom_gateway(parts: Parts) -> DimseServer:
    """The DIMSE door."""
    return await open_dimse(parts.settings, parts.application, parts.index, parts.store, parts.intake, study_watch(parts))


@asynccontextmanager
async def workers(parts: Parts) -> AsyncIterator[list[Callable[[], Coroutine[Any, Any, None]]]]:
    """What the worker's role runs beside each other: quick jobs and clocks, long jobs, the watched folder."""
    pool = RestartingPool(ANALYSTS)
    try:
        running: list[Callable[[], Coroutine[Any, Any, None]]] = [worker(parts).run, long_jobs(parts, pool).run]
        if parts.settings.ecg_folder:
            running.append(WatchedFolder(parts.application, Path(parts.settings.ecg_folder), pool).run)
        yield running
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def study_watch(parts: Parts) -> StudyWatch:
    """Notes studies that have come to rest: their cases are told, they are assessed, and what the settings ask for besides."""
    wanted = ["complete-study", "assess-study"]
    wanted += ["ask-model"] * bool(parts.settings.model_url) + ["compact-study"] * bool(parts.settings.compact_at_rest)
    quiet = timedelta(seconds=parts.settings.stable_after_seconds)
    return StudyWatch(parts.application.engine, quiet=quiet, on_stable=StableStudyJobs(wanted))


def worker(parts: Parts) -> Worker:
    """Quick jobs, clocks, tidying."""

    async def uploads(now: datetime) -> int:
        return await sweep_uploads(parts.application, now)

    documents = SeriesDocuments(parts.index, Objects(parts.index, parts.store), parts.measuring)
    anchors = AuditAnchors(parts.application.engine, parts.store, anchor_key(parts.settings))
    sweep = ObjectSweep(parts.application.engine, parts.store.inner, STORED_OBJECTS)
    return Worker(
        parts.application,
        maintenance=(uploads, StudyMaintenance(study_watch(parts), documents), AuditWatch(parts.application.engine), anchors, sweep),
    )


def long_jobs(parts: Parts, pool: Executor) -> LongJobs:
    """Jobs that take seconds; tracings are read in `pool`."""
    settings, kept, now = parts.settings, parts.application.image_quality, parts.application.now
    travelling = StudyTransfers(parts.application, parts.index, parts.store, parts.intake, parts.measuring, device_peers(settings))
    kinds: dict[str, LongJob] = {
        "read-ecg": EcgReader(parts.application, pool, translations(DEFAULT_LANGUAGE).gettext),
        "send-study": travelling.send,
        "fetch-priors": travelling.fetch,
        "assess-study": partial(StudyAssessor(parts.index, parts.store, parts.measuring, kept, settings.time_zone).job, now=now),
    }
    if settings.model_url:
        port = ModelClient(parts.index, parts.store, kept, settings.model_url, settings.model_token.get_secret_value())
        kinds["ask-model"] = partial(port.job, now=now)
    if settings.compact_at_rest:
        kinds["compact-study"] = StudyCompactor(parts.index, parts.store, parts.measuring, settings.compact_at_rest).job
    return LongJobs(parts.application, kinds)


def anchor_key(settings: Settings) -> Path:
    """The key of the notes about the audit trail's end. Who keeps a copy elsewhere can tell a forged note from a real one."""
    return settings.data_dir / "keys" / "audit.key"


async def refresh_now_and_then(parts: Parts, seconds: float = 10) -> None:
    """Changes of the network reach every process."""
    while True:
        await asyncio.sleep(seconds)
        await parts.application.refresh()

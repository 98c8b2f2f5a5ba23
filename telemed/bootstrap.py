"""The only place that puts real parts together."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
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
from dicom_gateway.index_barrier import IndexBarrier
from dicom_gateway.objects import Objects
from dicom_gateway.pixels import PixelPool
from dicom_gateway.series_documents import SeriesDocuments
from dicom_gateway.stability import StudyWatch
from storage import open_store
from telemed import centres as all_centres
from telemed.adapters import database
from telemed.adapters.administration import SqlAdministration
from telemed.adapters.assessing import StudyAssessor
from telemed.adapters.audit_anchor import AuditAnchors
from telemed.adapters.audit_watch import AuditWatch
from telemed.adapters.cart_folder import CartFolder
from telemed.adapters.compacting import StudyCompactor
from telemed.adapters.confidential import Sealer
from telemed.adapters.database import make_engine
from telemed.adapters.device_probe import DimseProbe
from telemed.adapters.ecg_exhibits import EcgExhibits
from telemed.adapters.ecg_reader import EcgReader
from telemed.adapters.model_port import ModelPort
from telemed.adapters.office import SqlOffice
from telemed.adapters.passwords import Argon2Passwords
from telemed.adapters.pdf_pages import PdfPages
from telemed.adapters.printing import ReportPress
from telemed.adapters.sheets import PooledSheets
from telemed.adapters.signature_inspector import PooledInspector
from telemed.adapters.studies import DicomDoor
from telemed.adapters.study_access import study_scope
from telemed.adapters.study_export import ZipExporter
from telemed.adapters.study_table import StableStudyJobs, StudyArrivals
from telemed.adapters.study_transfers import StudyTransfers
from telemed.adapters.study_upkeep import StudyUpkeep
from telemed.adapters.tracings import PooledTracings, StoredTracings
from telemed.dimse_door import device_peers, open_dimse
from telemed.domain.centre import Centre
from telemed.long_jobs import LongJob, LongJobs
from telemed.pool_process import serve_the_parent
from telemed.service.uploads import sweep_uploads
from telemed.settings import Settings
from telemed.web.i18n import DEFAULT_LANGUAGE, translations
from telemed.worker import Worker

ANALYSTS = 2
"""Processes that read tracings: one may be at a Holter recording for half a minute while resting tracings go on."""

PRINTERS = 1
"""Processes that print and sign: one report takes a third of a second."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What every role of an installation stands on."""

    settings: Settings
    office: SqlOffice
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
    pool = ProcessPoolExecutor(PRINTERS, mp_context=multiprocessing.get_context("spawn"), initializer=serve_the_parent)
    pages = PdfPages(store)
    measuring = PixelPool(1)
    try:
        await database.check(engine)
        await store.check()
        say = translations(DEFAULT_LANGUAGE).gettext
        press = ReportPress(
            store,
            pool,
            settings.data_dir / "keys" / "signing",
            settings.address,
            DEFAULT_LANGUAGE,
            say,
            EcgExhibits(store, pool, say),
        )
        office = SqlOffice(engine, store, centres or all_centres.discover(), Argon2Passwords(), press, settings.time_zone)
        await office.refresh()
        intake = Intake(engine, place, on_indexed=StudyArrivals(settings.time_zone))
        yield Parts(settings, office, store, Index(engine, IndexBarrier(place)), intake, pool, pages, measuring)
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
    from telemed.web.app import Doors, create_app
    from telemed.web.security import person_of
    from telemed.web.study_looks import StudyLooks
    from telemed.web.workitems import CaseWorkitems

    async def authorise(request: web.Request, action: str) -> Scope:
        return study_scope(person_of(request), action)

    cases = CaseWorkitems(parts.office)
    images = dicomweb_app(parts.index, parts.store, parts.intake, authorise, watch=study_watch(parts), workitems=cases)
    images.on_response_prepare.append(StudyLooks(parts.office))
    doors = Doors(
        studies=DicomDoor(parts.intake, parts.office.engine),
        exports=ZipExporter(parts.index, parts.store, parts.measuring),
        administration=SqlAdministration(parts.office.engine, shown_store(parts.settings.storage), parts.settings.data_dir),
        signatures=PooledInspector(parts.pool, parts.signing_keys),
        probe=DimseProbe(device_peers(parts.settings)),
        sheets=PooledSheets(parts.pool),
        tracings=PooledTracings(parts.pool),
        tracing_desk=StoredTracings(parts.store, parts.pool),
        pages=parts.pages,
        address=parts.settings.address,
        upload_limit=parts.settings.upload_max_bytes,
        secure_cookies=parts.settings.secure_cookies,
        ohif=parts.settings.ohif_folder,
        mounts=[("/dicomweb", images)],
    )
    return create_app(parts.office, doors)


async def dicom_gateway(parts: Parts) -> DimseServer:
    """The DIMSE door."""
    return await open_dimse(parts.settings, parts.office, parts.index, parts.store, parts.intake, study_watch(parts))


@asynccontextmanager
async def workers(parts: Parts) -> AsyncIterator[list[Callable[[], Coroutine[Any, Any, None]]]]:
    """What the worker's role runs beside each other: quick jobs and clocks, long jobs, the watched folder."""
    pool = ProcessPoolExecutor(ANALYSTS, mp_context=multiprocessing.get_context("spawn"), initializer=serve_the_parent)
    try:
        running: list[Callable[[], Coroutine[Any, Any, None]]] = [worker(parts).run, long_jobs(parts, pool).run]
        if parts.settings.ecg_folder:
            running.append(CartFolder(parts.office, Path(parts.settings.ecg_folder), pool).run)
        yield running
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def study_watch(parts: Parts) -> StudyWatch:
    """Notes studies that have come to rest: their cases are told, they are assessed, and what the settings ask for besides."""
    wanted = ["complete-study", "assess-study"]
    wanted += ["ask-model"] * bool(parts.settings.model_url) + ["compact-study"] * bool(parts.settings.compact_at_rest)
    quiet = timedelta(seconds=parts.settings.stable_after_seconds)
    return StudyWatch(parts.office.engine, quiet=quiet, on_stable=StableStudyJobs(wanted))


def worker(parts: Parts) -> Worker:
    """Quick jobs, clocks, tidying."""

    async def uploads(now: datetime) -> int:
        return await sweep_uploads(parts.office, now)

    documents = SeriesDocuments(parts.index, Objects(parts.index, parts.store), parts.measuring)
    anchors = AuditAnchors(parts.office.engine, parts.store, anchor_key(parts.settings))
    return Worker(parts.office, janitors=(uploads, StudyUpkeep(study_watch(parts), documents), AuditWatch(parts.office.engine), anchors))


def long_jobs(parts: Parts, pool: Executor) -> LongJobs:
    """Jobs that take seconds; tracings are read in `pool`."""
    settings, kept, now = parts.settings, parts.office.image_quality, parts.office.now
    travelling = StudyTransfers(parts.office, parts.index, parts.store, parts.intake, parts.measuring, device_peers(settings))
    kinds: dict[str, LongJob] = {
        "read-ecg": EcgReader(parts.office, pool, translations(DEFAULT_LANGUAGE).gettext),
        "send-study": travelling.send,
        "fetch-priors": travelling.fetch,
        "assess-study": partial(StudyAssessor(parts.index, parts.store, parts.measuring, kept, settings.time_zone).job, now=now),
    }
    if settings.model_url:
        port = ModelPort(parts.index, parts.store, kept, settings.model_url, settings.model_token.get_secret_value())
        kinds["ask-model"] = partial(port.job, now=now)
    if settings.compact_at_rest:
        kinds["compact-study"] = StudyCompactor(parts.index, parts.store, parts.measuring, settings.compact_at_rest).job
    return LongJobs(parts.office, kinds)


def anchor_key(settings: Settings) -> Path:
    """The key of the notes about the audit trail's end. Who keeps a copy elsewhere can tell a forged note from a real one."""
    return settings.data_dir / "keys" / "audit.key"


async def refresh_now_and_then(parts: Parts, seconds: float = 10) -> None:
    """Changes of the network reach every process."""
    while True:
        await asyncio.sleep(seconds)
        await parts.office.refresh()

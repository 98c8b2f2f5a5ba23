"""The only place that puts real parts together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from dicom_gateway import Index, Intake, intake
from dicom_gateway.compact import CompactStore
from dicom_gateway.index_barrier import IndexBarrier
from dicom_gateway.objects import Objects
from dicom_gateway.pixels import PixelPool
from dicom_gateway.series_documents import SeriesDocuments
from dicom_gateway.stability import StudyWatch
from storage import open_store
from storage.space import Reserve, SpaceGuard
from storage.url import LocalPlace, parse
from telemed import backups
from telemed import centres as installed
from telemed.adapters.application import SqlApplication
from telemed.adapters.audit.anchor_places import AnchorPlace, place_of
from telemed.adapters.audit.anchor_proof import AnchorKeys
from telemed.adapters.audit.anchors import AuditAnchors
from telemed.adapters.audit.watch import AuditWatch
from telemed.adapters.backup.schedule import BackupSchedule
from telemed.adapters.certificate_files import read_certificates
from telemed.adapters.database.confidential import Sealer
from telemed.adapters.database.engine import check, make_engine
from telemed.adapters.database.unit_of_work import CentreParts
from telemed.adapters.dicom.device_peers import DevicePeers
from telemed.adapters.dicom.model_client import ModelClient
from telemed.adapters.dicom.study_assessor import StudyAssessor
from telemed.adapters.dicom.study_compactor import StudyCompactor
from telemed.adapters.dicom.study_maintenance import DescribedAhead, StudyMaintenance
from telemed.adapters.dicom.study_repository import StableStudyJobs, StudyArrivals
from telemed.adapters.dicom.study_transfers import StudyTransfers
from telemed.adapters.jobs.worker import Handler, Worker, switched_off
from telemed.adapters.metrics.processes import ProcessMetrics
from telemed.adapters.object_sweep import ObjectSweep
from telemed.adapters.passwords import Argon2Passwords
from telemed.adapters.printing.pdf_pages import PdfPages
from telemed.adapters.printing.report_renderer import PdfReportRenderer
from telemed.adapters.process_pool import RestartingPool
from telemed.adapters.stored_objects import PLATFORM, StoredObjects
from telemed.domain.authentication_profile import PROFILES
from telemed.domain.centre import Centre
from telemed.domain.certificate import Certificate
from telemed.domain.jobs import JobKind, JobType
from telemed.extension import CentreExtension, Parts
from telemed.service.uploads import sweep_uploads
from telemed.settings import Settings
from telemed.web.i18n import DEFAULT_LANGUAGE, translations

ANALYSTS = 2
"""Processes that read evidence: one may be at a long recording for half a minute while short ones go on."""

PRINTERS = 1
"""Processes that print and sign: one report takes a third of a second."""


BULKY = (intake.PLACE, intake.ASIDE, "evidence/", "uploads/")
"""What the keys of objects begin with that come by the gigabyte, and stop where a disk's reserve begins. Reports, the notes of the audit
trail's end and what is made of evidence go on."""


def space_guard(settings: Settings) -> SpaceGuard:
    """Return the watch over the disks of object store and database, as far as they are of this machine."""
    place, database = parse(settings.storage, settings.store_keys), settings.database_file
    folders = {"objects": place.folder} if isinstance(place, LocalPlace) else {}
    if database is not None:
        folders["database"] = database.parent
    return SpaceGuard(folders, Reserve(settings.reserve_percent, settings.reserve_bytes), BULKY)


def centre_parts(extensions: Sequence[CentreExtension]) -> CentreParts:
    """Return what the centres add to every transaction."""
    repositories = {port: factory for extension in extensions for port, factory in extension.repositories.items()}
    return CentreParts(repositories, tuple(extension.hooks for extension in extensions))


def stored_objects(extensions: Sequence[CentreExtension]) -> tuple[StoredObjects, ...]:
    """Return every kind of object that records of the platform and of the centres name."""
    return (*PLATFORM, *(extension.stored_objects for extension in extensions if extension.stored_objects))


@asynccontextmanager
async def open_parts(
    settings: Settings, centres: Mapping[str, Centre] | None = None, extensions: Sequence[CentreExtension] | None = None
) -> AsyncIterator[Parts]:
    """Connect to database and store. Raises DatabaseUnavailable or StorageError with a plain sentence.

    `centres` and `extensions` stand in place of those that are installed.
    """
    centres = installed.discover() if centres is None else centres
    extensions = tuple(installed.extensions() if extensions is None else extensions)
    engine = make_engine(settings.database, sealer=Sealer.of(settings.data_dir / "keys" / "identity.key"))
    space = space_guard(settings)
    place = open_store(settings.storage, settings.store_keys, space)
    store = CompactStore(place)
    pool = RestartingPool(PRINTERS, memory=settings.process_memory)
    pages = PdfPages(store, settings.process_memory)
    measuring = PixelPool(1)
    try:
        await check(engine)
        await store.check()
        gettext = translations(DEFAULT_LANGUAGE).gettext
        figures = tuple(e.report_figures(store, pool, gettext) for e in extensions if e.report_figures)
        keys = settings.data_dir / "keys" / "signing"
        renderer = PdfReportRenderer(store, pool, keys, settings.address, DEFAULT_LANGUAGE, gettext, figures)
        parts = centre_parts(extensions)
        made = (engine, store, centres, Argon2Passwords(), renderer, settings.time_zone)
        application = SqlApplication(*made, centre_parts=parts, profile=PROFILES[settings.profile])
        await application.refresh()
        metrics = ProcessMetrics(settings.data_dir / "metrics")
        door = Intake(engine, place, on_indexed=StudyArrivals(settings.time_zone, application.now), space=space)
        yield Parts(
            settings, application, store, Index(engine, IndexBarrier(place)), door, pool, pages, measuring, extensions, space, metrics
        )
    finally:
        await pages.close()
        await measuring.close()
        pool.shutdown(wait=False, cancel_futures=True)
        await engine.dispose()
        await store.close()


def certificates(settings: Settings) -> list[Certificate]:
    """Return the certificates that settings name, as they lie on the disk now."""
    return read_certificates({"TELEMED_DICOM_TLS": settings.dicom_tls, "TELEMED_DICOM_TLS_CLIENTS": settings.dicom_tls_clients})


def shown_store(url: str) -> str:
    """Return the store's address without the keys that a URL may carry."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def device_peers(settings: Settings) -> DevicePeers:
    """Return how devices are called."""
    return DevicePeers(settings.ae_title, settings.dicom_tls, settings.dicom_tls_clients)


def study_watch(parts: Parts) -> StudyWatch:
    """Notes studies that have come to rest: their cases are told, they are assessed, and what the settings ask for besides."""
    wanted = [JobKind.COMPLETE_STUDY, JobKind.ASSESS_STUDY]
    wanted += [JobKind.ASK_MODEL] * bool(parts.settings.model_url) + [JobKind.COMPACT_STUDY] * bool(parts.settings.compact_at_rest)
    quiet = timedelta(seconds=parts.settings.stable_after_seconds)
    return StudyWatch(parts.application.engine, quiet=quiet, on_stable=StableStudyJobs(wanted, parts.application.now))


@asynccontextmanager
async def background(parts: Parts) -> AsyncIterator[list[Callable[[], Awaitable[None]]]]:
    """Everything that the worker's role runs beside each other: jobs and deadline checks, and what the centres watch."""
    pool = RestartingPool(ANALYSTS, memory=parts.settings.process_memory)
    try:
        ahead = described_ahead(parts)
        running: list[Callable[[], Awaitable[None]]] = [worker(parts, pool, ahead).run, ahead.run]
        for extension in parts.extensions:
            if extension.background is not None:
                running += extension.background(parts, pool)
        yield running
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def described_ahead(parts: Parts) -> DescribedAhead:
    """Return what describes studies at rest before a reader asks."""
    return DescribedAhead(SeriesDocuments(parts.index, Objects(parts.index, parts.store), parts.measuring))


def worker(parts: Parts, pool: Executor | None = None, ahead: DescribedAhead | None = None) -> Worker:
    """Return the worker: jobs, deadline checks, maintenance. Evidence is read in `pool`; studies at rest are given to `ahead`."""

    async def uploads(now: datetime) -> int:
        return await sweep_uploads(parts.application, now)

    anchors = audit_anchors(parts)
    sweep = ObjectSweep(parts.application.engine, parts.store.inner, stored_objects(parts.extensions))
    studies = StudyMaintenance(study_watch(parts), ahead or described_ahead(parts))
    maintenance: tuple[Callable[[datetime], Awaitable[object]], ...]
    maintenance = (uploads, studies, AuditWatch(parts.application.engine), anchors, sweep)
    if parts.settings.backup:
        zone = ZoneInfo(parts.settings.time_zone)
        maintenance += (BackupSchedule(parts.application.engine, parts.settings.backup_times, zone),)
    return Worker(parts.application, handlers(parts, pool or parts.pool), maintenance)


def handlers(parts: Parts, pool: Executor) -> dict[JobType, Handler]:
    """Return the handlers of jobs that need more than a transaction, and of the centres' jobs."""
    settings, kept, now = parts.settings, parts.application.image_quality, parts.application.now
    travelling = StudyTransfers(parts.application, parts.index, parts.store, parts.intake, parts.measuring, device_peers(settings))
    assessor = StudyAssessor(parts.index, parts.store, parts.measuring, kept, settings.time_zone)
    found: dict[JobType, Handler] = {
        JobKind.SEND_STUDY: Handler(travelling.send, long=True),
        JobKind.FETCH_PRIORS: Handler(travelling.fetch, long=True),
        JobKind.ASSESS_STUDY: Handler(partial(assessor.job, now=now), long=True),
        JobKind.ASK_MODEL: switched_off("TELEMED_MODEL_URL"),
        JobKind.COMPACT_STUDY: switched_off("TELEMED_COMPACT_AT_REST"),
        JobKind.BACK_UP: switched_off("TELEMED_BACKUP"),
    }
    if settings.backup:
        found[JobKind.BACK_UP] = Handler(partial(_back_up, parts), long=True)
    if settings.model_url:
        client = ModelClient(parts.index, parts.store, kept, settings.model_url, settings.model_token.get_secret_value())
        found[JobKind.ASK_MODEL] = Handler(partial(client.job, now=now), long=True)
    if settings.compact_at_rest:
        compactor = StudyCompactor(parts.index, parts.store, parts.measuring, settings.compact_at_rest)
        found[JobKind.COMPACT_STUDY] = Handler(compactor.job, long=True)
    for extension in parts.extensions:
        if extension.jobs is not None:
            found |= extension.jobs(parts, pool)
    return found


async def _back_up(parts: Parts, _payload: Mapping[str, Any]) -> None:
    await backups.make_if_due(parts.settings, stored_objects(parts.extensions), parts.application.now())


def anchor_keys(settings: Settings) -> AnchorKeys:
    """Return where the keys may lie by which the notes about the audit trail's end are proved."""
    named = [Path(file) if file else None for file in (settings.audit_key, settings.audit_public_keys)]
    return AnchorKeys(settings.data_dir / "keys", *named)


def anchor_places(settings: Settings) -> tuple[AnchorPlace, ...]:
    """Return the places beside the object store that the settings name."""
    return tuple(place_of(url, settings.store_keys) for url in settings.audit_places.split())


def audit_anchors(parts: Parts) -> AuditAnchors:
    """Return what writes the notes. Raises AnchorKeyUnusable where the settings name a key that is none."""
    settings, stamps = parts.settings, None
    if settings.audit_time_stamps:
        from telemed.adapters.audit.time_stamps import TimeStamps  # it loads what reads certificates

        stamps = TimeStamps(settings.audit_time_stamps)
    return AuditAnchors(
        parts.application.engine,
        parts.store,
        settings.anchor_key,
        made=not settings.audit_key,
        further=anchor_places(settings),
        time_stamps=stamps,
    )

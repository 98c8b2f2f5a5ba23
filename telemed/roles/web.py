"""The role `web`: pages, API, DICOMweb."""

from __future__ import annotations

import asyncio
from functools import partial

import structlog
from aiohttp import web, web_response

from dicom_gateway import Scope, dicomweb_app
from telemed import bootstrap
from telemed.adapters.account_lists import PooledListReader
from telemed.adapters.database.queries.administration import SqlAdministration
from telemed.adapters.dicom.device_probe import DimseProbe
from telemed.adapters.dicom.encapsulated_documents import DicomDocuments
from telemed.adapters.dicom.study_access import study_scope
from telemed.adapters.dicom.study_export import ZipExporter
from telemed.adapters.dicom.study_intake import DicomStudyIntake
from telemed.adapters.metrics.installation import InstallationMetrics
from telemed.adapters.passkeys import WebAuthnParty
from telemed.adapters.printing.table_export import PooledTableExporter
from telemed.adapters.signatures.signature_inspector import PooledInspector
from telemed.bootstrap import device_peers, study_watch
from telemed.extension import Parts
from telemed.listening import plain_port_error
from telemed.settings import Settings
from telemed.web.app import WebDependencies, create_app
from telemed.web.connections import BoundedRunner, ConnectionLimits
from telemed.web.security import person_of
from telemed.web.study_looks import StudyLooks
from telemed.web.workitems import CaseWorkitems

log = structlog.get_logger()


def web_application(parts: Parts) -> web.Application:
    """Return pages, API and DICOMweb as one application."""
    # Answers to what is no HTTP reach no handler of ours: they name no version either.
    web_response.SERVER_SOFTWARE = "telemed"  # type: ignore[attr-defined]

    async def authorise(request: web.Request, action: str) -> Scope:
        return study_scope(person_of(request), action)

    engine, settings = parts.application.engine, parts.settings
    cases, limits = CaseWorkitems(parts.application), parts.application.region.authentication.limits
    images = dicomweb_app(parts.index, parts.store, parts.intake, authorise, watch=study_watch(parts), workitems=cases)
    images.on_response_prepare.append(StudyLooks(parts.application))
    certificates = partial(bootstrap.certificates, settings)
    administration = SqlAdministration(
        engine, bootstrap.shown_store(settings.storage), settings.data_dir, parts.space, certificates, limits
    )
    dependencies = WebDependencies(
        studies=DicomStudyIntake(parts.intake, engine),
        exports=ZipExporter(parts.index, parts.store, parts.measuring),
        administration=administration,
        metrics=InstallationMetrics(parts.metrics, parts.application, administration, certificates),
        metrics_token=settings.metrics_token.get_secret_value(),
        signatures=PooledInspector(parts.pool, parts.signing_keys),
        probe=DimseProbe(device_peers(settings)),
        tables=PooledTableExporter(parts.pool),
        lists=PooledListReader(parts.pool),
        pages=parts.pages,
        study_documents=DicomDocuments(parts.index, parts.store, parts.pages),
        passkeys=WebAuthnParty(settings.address),
        address=settings.address,
        upload_limit=settings.upload_max_bytes,
        secure_cookies=settings.secure_cookies,
        trusted_proxies=settings.proxies,
        ohif=settings.ohif_folder,
        subapps=[("/dicomweb", images)],
        extensions=[extension.web for extension in parts.extensions],
        values={key: value for e in parts.extensions if e.web_values for key, value in e.web_values(parts).items()},
    )
    return create_app(parts.application, dependencies)


def connection_limits(settings: Settings) -> ConnectionLimits:
    """Return the limits of the door."""
    return ConnectionLimits(total=settings.http_connections, of_address=settings.http_connections_per_address, proxies=settings.proxies)


async def run(parts: Parts, stop: asyncio.Event) -> None:
    """Serve until told to stop."""
    settings = parts.settings
    runner = BoundedRunner(web_application(parts), connection_limits(settings), shutdown_timeout=5)
    await runner.setup()
    try:
        with plain_port_error(settings.web_host, settings.http_port, "TELEMED_HTTP_PORT"):
            await web.TCPSite(runner, settings.web_host, settings.http_port, backlog=512).start()
        log.info("web.ready", address=settings.address)
        await stop.wait()
    finally:
        await runner.cleanup()

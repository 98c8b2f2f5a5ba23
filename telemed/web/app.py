"""The web application. What is behind its pages and its API is given from outside."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from telemed import VERSION
from telemed.service.administration import Administration
from telemed.service.application import Application
from telemed.service.authenticity import SignatureInspector
from telemed.service.devices import DeviceProbe
from telemed.service.document_pages import DocumentPages, EncapsulatedDocuments
from telemed.service.files import StudyIntake
from telemed.service.metrics import Metrics
from telemed.service.ports.account_lists import AccountListReader
from telemed.service.ports.passkeys import RelyingParty
from telemed.service.study_export import StudyExporter
from telemed.service.table_export import TableExporter
from telemed.web import metrics, ohif, templating
from telemed.web.api import (
    account_import,
    administration,
    audit,
    cases,
    criticals,
    devices,
    events,
    evidence,
    exports,
    network,
    own_account,
    patients,
    recoveries,
    region,
    reports,
    retention,
    session,
    statistics,
    study_documents,
    transfers,
    unmatched,
    uploads,
    views,
)
from telemed.web.api import accounts as accounts_api
from telemed.web.api.openapi import describe
from telemed.web.api.operation import Operations, answer, operation
from telemed.web.extension import WebExtension
from telemed.web.feed import Feed
from telemed.web.gate import keep_gate
from telemed.web.i18n import language_middleware
from telemed.web.keys import (
    ADDRESS,
    ADMINISTRATION,
    APPLICATION,
    CASE_LABELS,
    CENTRE_TABS,
    EXPORTS,
    FEED,
    LISTS,
    METRICS,
    METRICS_TOKEN,
    PAGES,
    PANELS,
    PASSKEYS,
    PATIENT_LINKS,
    PERSON,
    PROBE,
    SECURE_COOKIES,
    SIGNATURES,
    STUDIES,
    STUDY_DOCUMENTS,
    TABLES,
    TRUSTED_PROXIES,
    UPLOAD_LIMIT,
)
from telemed.web.labels.case import case_labels
from telemed.web.live_lists import LIVE_LISTS
from telemed.web.pages import (
    accounts,
    board,
    case,
    devices_page,
    help_page,
    invitation,
    network_page,
    new_case,
    notices,
    own_security,
    reading,
    recoveries_page,
    region_pages,
    retention_page,
    search,
    statistics_page,
    system,
    unmatched_page,
    verify,
    worklist,
)
from telemed.web.pages import audit as audit_pages
from telemed.web.pages import session as session_pages
from telemed.web.pages import transfers as transfer_pages
from telemed.web.pages.page import Pages, error_page, page
from telemed.web.problems import problem_middleware
from telemed.web.security import add_headers, add_transport_security, identify

API = "/api/v1"
FORM_LIMIT = 64 * 1024
"""Bytes of a form: the only ones that pages send as such are those of signing in."""
API_MODULES = (
    session, cases, reports, evidence, exports, transfers, criticals, events, network, patients, uploads, views, unmatched, statistics,
    administration, accounts_api, account_import, audit, devices, own_account, recoveries, region, retention, study_documents,
)  # fmt: skip
"""Imported for their operations."""

PAGE_MODULES = (
    session_pages, worklist, reading, board, case, new_case, search, notices, network_page, unmatched_page, audit_pages, accounts, system,
    statistics_page, help_page, transfer_pages, devices_page, own_security, recoveries_page, region_pages, retention_page,
)  # fmt: skip
"""Imported for their pages."""


@dataclass(frozen=True, slots=True)
class WebDependencies:
    """The parts that the web process is given besides the application."""

    studies: StudyIntake
    exports: StudyExporter
    administration: Administration
    signatures: SignatureInspector
    probe: DeviceProbe
    tables: TableExporter
    lists: AccountListReader
    pages: DocumentPages
    study_documents: EncapsulatedDocuments
    metrics: Metrics
    passkeys: RelyingParty
    address: str
    upload_limit: int
    metrics_token: str = ""
    secure_cookies: bool = False
    trusted_proxies: Sequence[IPv4Network | IPv6Network] = ()
    subapps: Sequence[tuple[str, web.Application]] = ()
    ohif: Path = Path("/nonexistent")
    """Folder of the OHIF viewer; nothing is served where none stands in it."""
    extensions: Sequence[WebExtension] = ()
    values: Mapping[web.AppKey[Any], Any] = field(default_factory=dict)
    """What the centres' pages and API find in the application."""


def create_app(application: Application, dependencies: WebDependencies) -> web.Application:
    """The application, ready to run."""
    # Files are read piece by piece and counted (UPLOAD_LIMIT); this bounds what is read as a whole.
    app = web.Application(
        middlewares=[language_middleware(_account_language), problem_middleware(error_page), identify, keep_gate],
        client_max_size=FORM_LIMIT,
    )
    app.on_response_prepare.append(add_headers)
    app.on_response_prepare.append(add_transport_security)
    app[APPLICATION] = application
    app[STUDIES] = dependencies.studies
    app[EXPORTS] = dependencies.exports
    app[ADMINISTRATION] = dependencies.administration
    app[SIGNATURES] = dependencies.signatures
    app[PROBE] = dependencies.probe
    app[TABLES] = dependencies.tables
    app[LISTS] = dependencies.lists
    app[PAGES] = dependencies.pages
    app[STUDY_DOCUMENTS] = dependencies.study_documents
    app[METRICS] = dependencies.metrics
    app[METRICS_TOKEN] = dependencies.metrics_token
    app[PASSKEYS] = dependencies.passkeys
    app[ADDRESS] = dependencies.address
    app[UPLOAD_LIMIT] = dependencies.upload_limit
    app[SECURE_COOKIES] = dependencies.secure_cookies
    app[TRUSTED_PROXIES] = dependencies.trusted_proxies
    app[FEED] = Feed(application)
    app[LIVE_LISTS] = {"/worklist": worklist.draw_live, "/cases": board.draw_live}
    for key, value in dependencies.values.items():
        app[key] = value
    app[PANELS] = tuple(extension.panel for extension in dependencies.extensions if extension.panel)
    app[CENTRE_TABS] = tuple(tab for extension in dependencies.extensions for tab in extension.tabs)
    app[PATIENT_LINKS] = tuple(link for extension in dependencies.extensions for link in extension.patient_links)
    app[CASE_LABELS] = case_labels(dependencies.extensions)
    app.cleanup_ctx.append(_feed)
    app.on_cleanup.append(_write_refusals)
    templating.setup(app, folders=[extension.folder for extension in dependencies.extensions if extension.folder])
    session_pages.add_routes(app)
    invitation.add_routes(app)
    verify.add_routes(app)
    ohif.add_routes(app, dependencies.ohif)
    app.add_routes(pages_of(dependencies.extensions).routes())
    session.add_routes(app, API)
    operations = operations_of(dependencies.extensions)
    app.add_routes(operations.routes(API))
    app.router.add_get(f"{API}/openapi.json", _description(describe(operations, VERSION)))
    app.router.add_get("/healthz", _healthy)
    app.router.add_get("/readyz", _ready)
    app.router.add_get(metrics.PATH, metrics.metrics)
    for prefix, mounted in dependencies.subapps:
        app.add_subapp(prefix, mounted)
    return app


def operations_of(extensions: Sequence[WebExtension]) -> Operations:
    """Return the API's operations, those of the centres among them."""
    named = [name for extension in extensions for name in extension.api_modules]
    return operation.of({module.__name__ for module in (*API_MODULES, *map(importlib.import_module, named))})


def pages_of(extensions: Sequence[WebExtension]) -> Pages:
    """Return the pages, those of the centres among them."""
    named = [name for extension in extensions for name in extension.page_modules]
    return page.of({module.__name__ for module in (*PAGE_MODULES, *map(importlib.import_module, named))})


def _account_language(request: web.Request) -> str | None:
    person = request.get(PERSON)
    return person.language or None if person else None


def _description(described: object) -> Handler:
    async def openapi(_request: web.Request) -> web.Response:
        return answer(described)

    return openapi


async def _healthy(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def _ready(request: web.Request) -> web.Response:
    """Everything answers that a report needs to be written, signed and kept."""
    application = request.app[APPLICATION]
    await application.check()
    return web.json_response({"status": "ready"})


async def _feed(app: web.Application) -> AsyncIterator[None]:
    running = asyncio.create_task(app[FEED].run())
    app.on_shutdown.append(_close_feed)
    yield
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def _write_refusals(app: web.Application) -> None:
    await app[APPLICATION].refusals.close()


async def _close_feed(app: web.Application) -> None:
    app[FEED].close()

"""The web application: doors put together. What is behind them is given from outside."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from telemed import VERSION
from telemed.centres.ecg.ports import TracingArtist, TracingReader
from telemed.centres.ecg.web import api as tracings
from telemed.centres.ecg.web import pages as holter
from telemed.service.administration import Administration
from telemed.service.application import Application
from telemed.service.authenticity import SignatureInspector
from telemed.service.devices import DeviceProbe
from telemed.service.document_pages import DocumentPages
from telemed.service.files import StudyIntake
from telemed.service.study_export import StudyExporter
from telemed.service.table_export import TableExporter
from telemed.web import ohif, templating
from telemed.web.api import (
    administration,
    audit,
    cases,
    criticals,
    devices,
    events,
    evidence,
    exports,
    network,
    patients,
    reports,
    session,
    statistics,
    transfers,
    unmatched,
    uploads,
    views,
)
from telemed.web.api.openapi import describe
from telemed.web.api.operation import answer, operation
from telemed.web.feed import Feed
from telemed.web.i18n import language_middleware
from telemed.web.keys import (
    ADDRESS,
    ADMINISTRATION,
    APPLICATION,
    EXPORTS,
    FEED,
    PAGES,
    PERSON,
    PROBE,
    SECURE_COOKIES,
    SHEETS,
    SIGNATURES,
    STUDIES,
    TRACING_READER,
    TRACINGS,
    UPLOAD_LIMIT,
)
from telemed.web.pages import (
    accounts,
    board,
    case,
    devices_page,
    help_page,
    network_page,
    new_case,
    notices,
    reading,
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
from telemed.web.pages.page import error_page, page
from telemed.web.problems import problem_middleware
from telemed.web.security import add_headers, identify

API = "/api/v1"
FORM_LIMIT = 64 * 1024
"""Bytes of a form: the only ones that pages send as such are those of signing in."""
API_MODULES = (
    session, cases, reports, evidence, exports, transfers, criticals, events, network, patients, uploads, views, unmatched, statistics,
    administration, audit, tracings, devices,
)  # fmt: skip
"""Imported for their operations."""

PAGE_MODULES = (
    session_pages, worklist, reading, board, case, new_case, search, notices, network_page, unmatched_page, audit_pages, accounts, system,
    statistics_page, help_page, holter, transfer_pages, devices_page,
)  # fmt: skip
"""Imported for their pages."""


@dataclass(frozen=True, slots=True)
class WebDependencies:
    """The parts that the web process is given besides the application."""

    studies: StudyIntake
    tracings: TracingArtist
    tracing_reader: TracingReader
    exports: StudyExporter
    administration: Administration
    signatures: SignatureInspector
    probe: DeviceProbe
    sheets: TableExporter
    pages: DocumentPages
    address: str
    upload_limit: int
    secure_cookies: bool = False
    subapps: Sequence[tuple[str, web.Application]] = ()
    ohif: Path = Path("/nonexistent")
    """Folder of the OHIF viewer; nothing is served where none stands in it."""
    ready: Callable[[], object] | None = None


def create_app(application: Application, doors: WebDependencies) -> web.Application:
    """The application, ready to run."""
    # Files are read piece by piece and counted (UPLOAD_LIMIT); this bounds what is read as a whole.
    app = web.Application(
        middlewares=[language_middleware(_account_language), problem_middleware(error_page), identify], client_max_size=FORM_LIMIT
    )
    app.on_response_prepare.append(add_headers)
    app[APPLICATION] = application
    app[STUDIES] = doors.studies
    app[TRACINGS] = doors.tracings
    app[TRACING_READER] = doors.tracing_reader
    app[EXPORTS] = doors.exports
    app[ADMINISTRATION] = doors.administration
    app[SIGNATURES] = doors.signatures
    app[PROBE] = doors.probe
    app[SHEETS] = doors.sheets
    app[PAGES] = doors.pages
    app[ADDRESS] = doors.address
    app[UPLOAD_LIMIT] = doors.upload_limit
    app[SECURE_COOKIES] = doors.secure_cookies
    app[FEED] = Feed(application)
    app.cleanup_ctx.append(_feed)
    templating.setup(app)
    session_pages.add_routes(app)
    verify.add_routes(app)
    ohif.add_routes(app, doors.ohif)
    app.add_routes(page.routes())
    app.router.add_post(f"{API}/login", session.login)
    app.add_routes(operation.routes(API))
    app.router.add_get(f"{API}/openapi.json", _description(describe(operation, VERSION)))
    app.router.add_get("/healthz", _healthy)
    app.router.add_get("/readyz", _ready)
    app.router.add_get("/metrics", _metrics)
    for prefix, mounted in doors.subapps:
        app.add_subapp(prefix, mounted)
    return app


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
    """Database and store answer."""
    application = request.app[APPLICATION]
    await application.check()
    return web.json_response({"status": "ready"})


async def _metrics(_request: web.Request) -> web.Response:
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _feed(app: web.Application) -> AsyncIterator[None]:
    running = asyncio.create_task(app[FEED].run())
    app.on_shutdown.append(_close_feed)
    yield
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def _close_feed(app: web.Application) -> None:
    app[FEED].close()

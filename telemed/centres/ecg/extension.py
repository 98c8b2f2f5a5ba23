"""The ECG centre as the shell sees it: recordings as evidence, read by themselves, drawn on screen and on reports."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from telemed.adapters.application import SqlApplication
from telemed.adapters.jobs.worker import Handler, in_transaction
from telemed.adapters.printing.report_renderer import ReportFigureProvider
from telemed.centres.ecg import service
from telemed.centres.ecg.adapters.repository import TracingTable
from telemed.centres.ecg.adapters.stored_objects import TracingObjects
from telemed.centres.ecg.domain import TRACINGS, EcgJob
from telemed.centres.ecg.ports import Tracings
from telemed.centres.ecg.settings import EcgSettings
from telemed.centres.ecg.web.labels import EVENTS
from telemed.domain.jobs import JobType
from telemed.extension import CentreExtension, Parts
from telemed.service.ports.unit_of_work import CentreHooks, UnitOfWork
from telemed.web.extension import ReadingPanel, WebExtension

if TYPE_CHECKING:
    from telemed.demo.evidence_order import DemoMaker

_ = str  # marks text for the translation catalogue


def open_detected_criticals(application: SqlApplication) -> Handler:
    """Return the handler that opens the loop for what was detected in a case's tracings."""

    async def open_detected(work: UnitOfWork, payload: Mapping[str, Any]) -> None:
        await service.open_detected_criticals(work, payload["case_id"])

    return in_transaction(application, open_detected)


def jobs(parts: Parts, pool: Executor) -> dict[JobType, Handler]:
    """Return the handlers of the centre's jobs."""
    from telemed.centres.ecg.adapters.jobs import EcgReader
    from telemed.web.i18n import DEFAULT_LANGUAGE, translations

    reader = EcgReader(parts.application, pool, translations(DEFAULT_LANGUAGE).gettext)
    return {
        EcgJob.READ: Handler(reader, long=True),
        EcgJob.OPEN_DETECTED_CRITICALS: open_detected_criticals(parts.application),
    }


def background(parts: Parts, pool: Executor) -> list[Callable[[], Awaitable[None]]]:
    """Return the watch over the folder in which carts leave files, if there is one."""
    folder = parts.settings.of(EcgSettings).ecg_folder
    if not folder:
        return []
    from telemed.centres.ecg.adapters.watched_folder import WatchedFolder

    return [WatchedFolder(parts.application, Path(folder), pool).run]


def report_figures(store: Any, pool: Executor, gettext: Callable[[str], str]) -> ReportFigureProvider:
    """Return the provider that draws tracings on reports."""
    from telemed.centres.ecg.adapters.report_figures import EcgReportFigures

    return EcgReportFigures(store, pool, gettext)


def web_values(parts: Parts) -> dict[web.AppKey[Any], Any]:
    """Return the values that the centre's API finds in the web application."""
    from telemed.centres.ecg.adapters.tracing_reader import StoredTracingReader
    from telemed.centres.ecg.web.keys import TRACING_READER

    return {TRACING_READER: StoredTracingReader(parts.store, parts.pool)}


def demo_makers() -> Mapping[str, DemoMaker]:
    """Return the makers of the demo's recordings."""
    from telemed.centres.ecg.demo import MAKERS

    return MAKERS


EXTENSION = CentreExtension(
    code=service.CODE,
    repositories={Tracings: TracingTable},
    hooks=CentreHooks(
        on_submit=service.on_submit,
        on_unmatched_study=service.on_unmatched_study,
        stated=service.stated,
        stated_identities=service.stated_identities,
        prefill=service.prefill,
    ),
    jobs=jobs,
    background=background,
    report_figures=report_figures,
    web=WebExtension(
        api_modules=("telemed.centres.ecg.web.api",),
        page_modules=("telemed.centres.ecg.web.pages",),
        folder=Path(__file__).parent / "web",
        panel=ReadingPanel(TRACINGS.type, "ecg", _("Tracings"), "heartbeat", "ecg/panel.html", script="js/ecg/viewer.js", style="ecg.css"),
        event_labels=EVENTS,
        actor_labels={service.ANALYST: _("ECG analysis"), service.CART: _("ECG cart")},
    ),
    stored_objects=TracingObjects(),
    web_values=web_values,
    settings=EcgSettings,
    demo_makers=demo_makers,
)

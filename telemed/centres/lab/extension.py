"""The laboratory centre as the shell sees it: messages taken once, results with their life, critical values told."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from aiohttp import web

from telemed.adapters.database.unit_of_work import RepositoryFactory
from telemed.adapters.jobs.worker import Handler
from telemed.centres.lab import arrival, service
from telemed.centres.lab.adapters.repository import MappingTable, MessageTable, OrderTable, ResultTable
from telemed.centres.lab.adapters.specimens.aged_lists import AgedListTable
from telemed.centres.lab.adapters.specimens.repository import BoxTable, ScanTable, SpecimenTable, TemperatureTable
from telemed.centres.lab.adapters.stored_objects import MESSAGE_OBJECTS
from telemed.centres.lab.domain import RESULTS, LabJob
from telemed.centres.lab.ports import LabMessages, LabResults, Mappings, ReportOrders
from telemed.centres.lab.settings import LabSettings
from telemed.centres.lab.specimens import holding
from telemed.centres.lab.specimens.ports import AgedLists, Boxes, Scans, Specimens, Temperatures
from telemed.centres.lab.web.specimens.labels import EVENTS
from telemed.domain.jobs import JobType
from telemed.extension import CentreExtension, Parts
from telemed.service.ports.unit_of_work import CentreHooks
from telemed.web.extension import ReadingPanel, WebExtension

_ = str  # marks text for the translation catalogue

FOLDER = Path(__file__).parent


def jobs(parts: Parts, _pool: Executor) -> dict[JobType, Handler]:
    """Return the handlers of the centre's jobs."""
    from telemed.centres.lab.adapters.jobs import AttachedReports, OrderArrivals

    return {
        LabJob.RESULTS_ARRIVED: Handler(OrderArrivals(parts.application), long=True),
        LabJob.READ_REPORT: Handler(AttachedReports(parts.application), long=True),
    }


def web_values(parts: Parts) -> dict[web.AppKey[Any], Any]:
    """Return the values that the centre's API finds in the web application."""
    from telemed.centres.lab.adapters.message_reader import StoredMessageReader
    from telemed.centres.lab.adapters.specimens.printing import SpecimenPrinter
    from telemed.centres.lab.adapters.specimens.temperature import LibraryLogReader
    from telemed.centres.lab.web.keys import MESSAGE_READER
    from telemed.centres.lab.web.specimens.keys import LABEL_PRINTER, LOG_READER

    return {
        MESSAGE_READER: StoredMessageReader(parts.application),
        LABEL_PRINTER: SpecimenPrinter(),
        LOG_READER: LibraryLogReader(),
    }


SPECIMEN_REPOSITORIES: Mapping[type[Any], RepositoryFactory] = {
    Specimens: SpecimenTable,
    Boxes: BoxTable,
    Temperatures: TemperatureTable,
    Scans: ScanTable,
    AgedLists: AgedListTable,
}

SPECIMEN_API = tuple(f"telemed.centres.lab.web.specimens.{name}" for name in ("api", "boxes_api", "temperature_api", "scans_api"))


EXTENSION = CentreExtension(
    code=service.CODE,
    migrations=FOLDER / "adapters" / "migrations",
    repositories={
        LabMessages: MessageTable,
        LabResults: ResultTable,
        ReportOrders: OrderTable,
        Mappings: MappingTable,
        **SPECIMEN_REPOSITORIES,
    },
    hooks=CentreHooks(on_submit=arrival.on_submit, stated_identities=arrival.stated_identities, stated=holding.stated),
    jobs=jobs,
    web=WebExtension(
        api_modules=("telemed.centres.lab.web.api", *SPECIMEN_API),
        page_modules=("telemed.centres.lab.web.specimens.pages",),
        folder=FOLDER / "web",
        panel=ReadingPanel(RESULTS.type, "lab", _("Results"), "flask", "lab/panel.html", script="js/lab/results.js", style="lab.css"),
        event_labels=EVENTS,
        actor_labels={service.SYSTEM_OF_MEMBER: _("Laboratory system"), service.RULES: _("Rules of critical values")},
    ),
    stored_objects=MESSAGE_OBJECTS,
    web_values=web_values,
    settings=LabSettings,
)

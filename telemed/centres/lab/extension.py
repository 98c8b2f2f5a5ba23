"""The laboratory centre as the shell sees it: messages taken once, results with their life, critical values told."""

from __future__ import annotations

from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from aiohttp import web

from telemed.adapters.jobs.worker import Handler
from telemed.centres.lab import arrival, service
from telemed.centres.lab.adapters.operation_queries import MemberOrderTable, TrafficTable
from telemed.centres.lab.adapters.patient_results import PatientRecordTable
from telemed.centres.lab.adapters.repository import MappingTable, MessageTable, OrderTable, ResultTable
from telemed.centres.lab.adapters.stored_objects import MESSAGE_OBJECTS
from telemed.centres.lab.domain import RESULTS, LabJob
from telemed.centres.lab.operation import MemberOrders, MessageTraffic
from telemed.centres.lab.patient_results import PatientRecords
from telemed.centres.lab.ports import LabMessages, LabResults, Mappings, ReportOrders
from telemed.centres.lab.settings import LabSettings
from telemed.domain.jobs import JobType
from telemed.domain.policy import Action, Relation
from telemed.extension import CentreExtension, Parts
from telemed.service.ports.unit_of_work import CentreHooks
from telemed.web.extension import CentreTab, PatientLink, ReadingPanel, WebExtension

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
    from telemed.centres.lab.adapters.library_tests import LibraryTests
    from telemed.centres.lab.adapters.message_reader import StoredMessageReader
    from telemed.centres.lab.web.keys import CATALOGUE, MESSAGE_READER

    return {MESSAGE_READER: StoredMessageReader(parts.application), CATALOGUE: LibraryTests()}


async def demo_history(parts: Parts) -> None:
    """Play what members' systems sent of two patients over two years."""
    from telemed.centres.lab.demo import play_history

    await play_history(parts)


EXTENSION = CentreExtension(
    code=service.CODE,
    migrations=FOLDER / "adapters" / "migrations",
    repositories={
        LabMessages: MessageTable,
        LabResults: ResultTable,
        ReportOrders: OrderTable,
        Mappings: MappingTable,
        PatientRecords: PatientRecordTable,
        MessageTraffic: TrafficTable,
        MemberOrders: MemberOrderTable,
    },
    hooks=CentreHooks(on_submit=arrival.on_submit, stated_identities=arrival.stated_identities),
    jobs=jobs,
    web=WebExtension(
        api_modules=("telemed.centres.lab.web.api", "telemed.centres.lab.web.operation_api"),
        page_modules=("telemed.centres.lab.web.cumulative_page", "telemed.centres.lab.web.operation_pages"),
        folder=FOLDER / "web",
        panel=ReadingPanel(RESULTS.type, "lab", _("Results"), "flask", "lab/panel.html", script="js/lab/results.js", style="lab.css"),
        tabs=(
            CentreTab("/lab", _("Laboratory"), Action.RESULT_READ, Relation.OWN),
            CentreTab("/lab/operations", _("Laboratory"), Action.MESSAGE_READ, Relation.FOREIGN),
        ),
        patient_links=(PatientLink("/lab/patients/{patient}", _("All laboratory results"), "flask", "Alt+r", Action.RESULT_READ),),
        actor_labels={service.SYSTEM_OF_MEMBER: _("Laboratory system"), service.RULES: _("Rules of critical values")},
    ),
    stored_objects=MESSAGE_OBJECTS,
    web_values=web_values,
    settings=LabSettings,
    demo_history=demo_history,
)

"""The laboratory centre as the shell sees it: messages taken once, results with their life, critical values told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncEngine

from telemed.adapters.database.unit_of_work import RepositoryFactory
from telemed.adapters.jobs.worker import Handler
from telemed.centres.lab import arrival, service, ways_out
from telemed.centres.lab.adapters.operation_queries import MemberOrderTable, TrafficTable
from telemed.centres.lab.adapters.patient_results import PatientRecordTable
from telemed.centres.lab.adapters.repository import MappingTable, MessageTable, OrderTable, ResultTable
from telemed.centres.lab.adapters.specimens.aged_lists import AgedListTable
from telemed.centres.lab.adapters.specimens.repository import BoxTable, ScanTable, SpecimenTable, TemperatureTable
from telemed.centres.lab.adapters.stored_objects import MESSAGE_OBJECTS
from telemed.centres.lab.adapters.way_out_repository import SheetColumnTable, WayOutTable
from telemed.centres.lab.domain import RESULTS, LabJob
from telemed.centres.lab.operation import MemberOrders, MessageTraffic
from telemed.centres.lab.patient_results import PatientRecords
from telemed.centres.lab.ports import LabMessages, LabResults, Mappings, ReportOrders, SheetColumns
from telemed.centres.lab.settings import LabSettings
from telemed.centres.lab.specimens import holding
from telemed.centres.lab.specimens.ports import AgedLists, Boxes, Scans, Specimens, Temperatures
from telemed.centres.lab.ways_out import WaysOut
from telemed.centres.lab.web.specimens.labels import EVENTS
from telemed.domain.jobs import JobType
from telemed.domain.policy import Action, Relation
from telemed.extension import CentreExtension, CentreProof, Parts
from telemed.listening import SharedPort
from telemed.service.ports.unit_of_work import CentreHooks
from telemed.settings import Settings
from telemed.web.extension import CentreTab, PatientLink, ReadingPanel, WebExtension

_ = str  # marks text for the translation catalogue

FOLDER = Path(__file__).parent


def jobs(parts: Parts, _pool: Executor) -> dict[JobType, Handler]:
    """Return the handlers of the centre's jobs."""
    from telemed.centres.lab.adapters.delivery import Deliveries
    from telemed.centres.lab.adapters.jobs import AttachedReports, OrderArrivals
    from telemed.centres.lab.adapters.mapped_codes import MappedCodes
    from telemed.centres.lab.adapters.report_messages import ReportMessages

    answer_seconds = parts.settings.of(LabSettings).mllp_answer_seconds
    return {
        LabJob.RESULTS_ARRIVED: Handler(OrderArrivals(parts.application), long=True),
        LabJob.READ_REPORT: Handler(AttachedReports(parts.application), long=True),
        LabJob.TELL_REPORT: Handler(ReportMessages(parts.application)),
        LabJob.SEND: Handler(Deliveries(parts.application, answer_seconds), long=True),
        LabJob.CODE_MAPPED: Handler(MappedCodes(parts.application), long=True),
    }


def background(parts: Parts, _pool: Executor) -> list[Callable[[], Awaitable[None]]]:
    """Return the watch over the folder in which laboratory systems leave files, if there is one."""
    folder = parts.settings.of(LabSettings).lab_folder
    if not folder:
        return []
    from telemed.centres.lab.adapters.message_intake import MessageIntake
    from telemed.centres.lab.adapters.watched_folder import WatchedFolder

    return [WatchedFolder(parts.application, MessageIntake(parts.application), Path(folder)).run]


def shared_ports(settings: Settings) -> list[SharedPort]:
    """Return the port of the HL7 listener and how many processes share it."""
    mine = settings.of(LabSettings)
    return [SharedPort("mllp", mine.mllp_processes, settings.host, mine.mllp_port, "TELEMED_MLLP_PORT")]


async def prove(engine: AsyncEngine) -> CentreProof:
    """Hold the messages to the audit trail."""
    from telemed.centres.lab.adapters.message_proof import prove_messages

    return await prove_messages(engine)


def web_values(parts: Parts) -> dict[web.AppKey[Any], Any]:
    """Return the values that the centre's API finds in the web application."""
    from telemed.centres.lab.adapters.catalogued_tests import CataloguedTests
    from telemed.centres.lab.adapters.message_intake import MessageIntake
    from telemed.centres.lab.adapters.message_reader import StoredMessageReader
    from telemed.centres.lab.adapters.specimens.printing import SpecimenPrinter
    from telemed.centres.lab.adapters.specimens.temperature import LibraryLogReader
    from telemed.centres.lab.adapters.taken_sheets import TakenSheets
    from telemed.centres.lab.web.keys import CATALOGUE, MESSAGE_READER, SHEET_READER
    from telemed.centres.lab.web.specimens.keys import LABEL_PRINTER, LOG_READER

    intake = MessageIntake(parts.application)
    return {
        MESSAGE_READER: StoredMessageReader(parts.application),
        SHEET_READER: TakenSheets(parts.application, intake),
        CATALOGUE: CataloguedTests(),
        LABEL_PRINTER: SpecimenPrinter(),
        LOG_READER: LibraryLogReader(),
    }


async def demo_history(parts: Parts) -> None:
    """Play what members' systems sent of two patients over two years."""
    from telemed.centres.lab.demo import play_history

    await play_history(parts)


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
        PatientRecords: PatientRecordTable,
        MessageTraffic: TrafficTable,
        MemberOrders: MemberOrderTable,
        WaysOut: WayOutTable,
        SheetColumns: SheetColumnTable,
        **SPECIMEN_REPOSITORIES,
    },
    hooks=CentreHooks(
        on_submit=arrival.on_submit,
        on_released=ways_out.on_released,
        stated_identities=arrival.stated_identities,
        stated=holding.stated,
    ),
    jobs=jobs,
    background=background,
    web=WebExtension(
        api_modules=(
            "telemed.centres.lab.web.api",
            "telemed.centres.lab.web.connections_api",
            "telemed.centres.lab.web.sheets_api",
            "telemed.centres.lab.web.operation_api",
            *SPECIMEN_API,
        ),
        page_modules=(
            "telemed.centres.lab.web.cumulative_page",
            "telemed.centres.lab.web.operation_pages",
            "telemed.centres.lab.web.specimens.pages",
        ),
        folder=FOLDER / "web",
        panel=ReadingPanel(RESULTS.type, "lab", _("Results"), "flask", "lab/panel.html", script="js/lab/results.js", style="lab.css"),
        tabs=(
            CentreTab("/lab", _("Laboratory"), Action.RESULT_READ, Relation.OWN),
            CentreTab("/lab/receipt", _("Receipt of boxes"), Action.SPECIMEN_RECEIVE, Relation.ROUTED, centre="lab"),
            CentreTab("/lab/operations", _("Laboratory"), Action.MESSAGE_READ, Relation.FOREIGN),
        ),
        patient_links=(PatientLink("/lab/patients/{patient}", _("All laboratory results"), "flask", "Alt+r", Action.RESULT_READ),),
        event_labels=EVENTS,
        actor_labels={service.SYSTEM_OF_MEMBER: _("Laboratory system"), service.RULES: _("Rules of critical values")},
    ),
    stored_objects=MESSAGE_OBJECTS,
    shared_ports=shared_ports,
    prove=prove,
    web_values=web_values,
    settings=LabSettings,
    demo_history=demo_history,
)

"""The extension by which a centre with evidence of its own joins the platform, and the parts of an installation that it is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp.web import AppKey
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncEngine

from dicom_gateway import Index, Intake
from dicom_gateway.compact import CompactStore
from dicom_gateway.pixels import PixelPool
from storage.space import SpaceGuard
from telemed.adapters.application import SqlApplication
from telemed.adapters.database.unit_of_work import RepositoryFactory
from telemed.adapters.jobs.worker import Handler
from telemed.adapters.metrics.processes import ProcessMetrics
from telemed.adapters.printing.pdf_pages import PdfPages
from telemed.adapters.printing.report_renderer import ReportFigureProvider
from telemed.adapters.stored_objects import StoredObjects
from telemed.domain.jobs import JobType
from telemed.listening import SharedPort
from telemed.service.ports.unit_of_work import CentreHooks
from telemed.settings import Settings
from telemed.web.extension import WebExtension

if TYPE_CHECKING:
    from telemed.demo.evidence_order import DemoMaker


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that every role of an installation uses. `pool` prints reports and bulletins and checks signatures; `measuring`
    measures images, and its process starts with the first study; `space` watches over the disks; `metrics` are those of this process and
    of the others of this machine."""

    settings: Settings
    application: SqlApplication
    store: CompactStore
    index: Index
    intake: Intake
    pool: Executor
    pages: PdfPages
    measuring: PixelPool
    extensions: tuple[CentreExtension, ...]
    space: SpaceGuard
    metrics: ProcessMetrics

    @property
    def signing_keys(self) -> Path:
        return self.settings.data_dir / "keys" / "signing"


@dataclass(slots=True)
class CentreProof:
    """What `telemed verify` found of a centre's own rows: what was read, in sentences, and what is wrong."""

    name: str
    said: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CentreExtension:
    """Everything that the shell asks of a centre that has a folder. A field that is left out adds nothing.

    Factories import what they make when they are called: a role loads what it runs, and no more.
    """

    code: str
    """The centre's code. Its forms, its kind of evidence and its roles are data of its `Centre`."""

    migrations: Path | None = None
    """Folder of Alembic revisions for these tables, a branch of their own that begins with no `down_revision`."""

    repositories: Mapping[type[Any], RepositoryFactory] = field(default_factory=dict)
    """By port: makes the repository of one transaction from its connection."""

    hooks: CentreHooks = field(default_factory=CentreHooks)
    """The centre's share of use cases: on_submit, on_unmatched_study, prefill."""

    jobs: Callable[[Parts, Executor], Mapping[JobType, Handler]] | None = None
    """Handlers by kind of job. The executor's processes are for what keeps a processor busy."""

    background: Callable[[Parts, Executor], list[Callable[[], Awaitable[None]]]] | None = None
    """Coroutines that run beside the worker until it ends, such as a watched folder."""

    report_figures: Callable[[Any, Executor, Callable[[str], str]], ReportFigureProvider] | None = None
    """Makes, from the object store, the printing pool and gettext, what draws the centre's evidence on reports."""

    stored_objects: StoredObjects | None = None
    """The objects that the centre's rows name, with their digests: for `telemed verify`, and so that the sweep leaves them alone."""

    prove: Callable[[AsyncEngine], Awaitable[CentreProof]] | None = None
    """Holds the centre's own rows to the audit trail, for `telemed verify`."""

    shared_ports: Callable[[Settings], Sequence[SharedPort]] | None = None
    """How many processes of each of the centre's roles are started, and the port that they share; of a role that is not named, one."""

    web: WebExtension = field(default_factory=WebExtension)
    """API and page modules, templates, static files, the reading page's panel, labels."""

    web_values: Callable[[Parts], Mapping[AppKey[Any], Any]] | None = None
    """Values for the centre's API and pages in the web application, by key."""

    settings: type[BaseModel] | None = None
    """Settings of the centre, read as the platform's own."""

    demo_makers: Callable[[], Mapping[str, DemoMaker]] | None = None
    """Makers of demo evidence by kind."""

    demo_history: Callable[[Parts], Awaitable[None]] | None = None
    """Plays what members' systems sent before the demo's first case; may be repeated."""

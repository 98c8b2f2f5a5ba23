"""What the made-up centre adds to the platform."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

from storage.protocol import ObjectStore
from telemed.adapters.jobs.worker import Handler
from telemed.adapters.stored_objects import ObjectsByColumn
from telemed.domain.jobs import JobType
from telemed.extension import CentreExtension, Parts
from telemed.service.ports.unit_of_work import CentreHooks
from telemed.web.extension import ReadingPanel, WebExtension
from tests.centres.made_up import service
from tests.centres.made_up.adapters.jobs import AudiogramReader
from tests.centres.made_up.adapters.report_figures import AudiogramFigures
from tests.centres.made_up.adapters.repository import AudiogramTable
from tests.centres.made_up.adapters.tables import audiogram
from tests.centres.made_up.domain import AUDIOGRAMS, AudiometryEvent, AudiometryJob
from tests.centres.made_up.ports import Audiograms

FOLDER = Path(__file__).parent


def jobs(parts: Parts, _pool: Executor) -> dict[JobType, Handler]:
    return {AudiometryJob.READ: Handler(AudiogramReader(parts.application), long=True)}


def report_figures(_store: ObjectStore, _pool: Executor, _gettext: Callable[[str], str]) -> AudiogramFigures:
    return AudiogramFigures()


EXTENSION = CentreExtension(
    code="audiometry",
    migrations=FOLDER / "adapters" / "migrations",
    repositories={Audiograms: AudiogramTable},
    hooks=CentreHooks(prefill=service.prefill),
    jobs=jobs,
    report_figures=report_figures,
    stored_objects=ObjectsByColumn("audiogram", ("audiometry/",), ((audiogram.c.key, audiogram.c.sha256),)),
    web=WebExtension(
        api_modules=("tests.centres.made_up.web.api",),
        folder=FOLDER / "web",
        panel=ReadingPanel(AUDIOGRAMS.type, "audiometry", "Audiograms", "wave-square", "audiometry/panel.html", "js/audiometry/panel.js"),
        event_labels={AudiometryEvent.READ: "Audiogram read by the platform"},
        actor_labels={service.READER: "Audiometry"},
    ),
)

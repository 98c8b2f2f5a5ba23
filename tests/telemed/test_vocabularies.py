"""Vocabularies are whole: every event is worded in both languages, every job is done by somebody, every notice has its look."""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from telemed.adapters.database.engine import make_engine
from telemed.adapters.database.migrate import migrate
from telemed.adapters.jobs import worker
from telemed.bootstrap import long_jobs, open_parts
from telemed.centres.ecg.domain import EcgEvent, EcgJob
from telemed.centres.ecg.web.labels import EVENTS as ECG_LABELS
from telemed.demo.scene import event_of
from telemed.demo.story import STORY
from telemed.domain.events import CaseEvent, EventKind
from telemed.domain.jobs import JobKind, JobType
from telemed.domain.notices import NOTICES
from telemed.settings import Settings
from telemed.web.i18n import translations
from telemed.web.labels.case import EVENTS as CORE_LABELS
from telemed.web.pages.notices import LOOKS

EVENTS: list[tuple[type[EventKind], Mapping[str, str]]] = [(CaseEvent, CORE_LABELS), (EcgEvent, ECG_LABELS)]
JOBS: list[type[JobType]] = [JobKind, EcgJob]


@pytest.mark.parametrize(("events", "labels"), EVENTS)
def test_every_event_is_worded_in_both_languages(events: type[EventKind], labels: Mapping[str, str]) -> None:
    assert set(labels) == set(events)
    chinese = translations("zh-CN")
    for event in events:
        assert labels[event] != event.value
        assert re.search("[\u4e00-\u9fff]", chinese.gettext(labels[event])), event


@pytest.mark.parametrize("kinds", [[event for event, _ in EVENTS], JOBS])
def test_no_value_is_given_twice(kinds: list[type[EventKind] | type[JobType]]) -> None:
    values = [member.value for kind in kinds for member in kind]
    assert len(values) == len(set(values))


async def test_every_job_has_a_handler(tmp_path: Path) -> None:
    """With everything switched on that the settings may ask for."""
    settings = Settings(data_dir=tmp_path, model_url="http://127.0.0.1:1/model", compact_at_rest="htj2k")
    engine = make_engine(settings.database)
    await migrate(engine)
    await engine.dispose()
    with ThreadPoolExecutor(1) as pool:
        async with open_parts(settings) as parts:
            long = set(long_jobs(parts, pool).kinds)
    assert long == worker.LONG
    assert long.isdisjoint(worker.JOBS)
    assert long | set(worker.JOBS) == {kind for kinds in JOBS for kind in kinds}


def test_every_notice_names_an_event_and_has_its_look() -> None:
    assert {rule.action for rule in NOTICES} <= set(CaseEvent)
    assert {rule.action for rule in NOTICES} == set(LOOKS)


def test_every_step_of_the_demo_leaves_an_event() -> None:
    assert {event_of(step) for case in STORY for step in case.steps} <= set(CaseEvent)

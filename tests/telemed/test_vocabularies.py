"""Vocabularies are whole: every event is worded in both languages, every job is done by somebody, every notice has its look."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from telemed import centres
from telemed.adapters.database.engine import make_engine
from telemed.adapters.database.migrate import migrate
from telemed.adapters.jobs.worker import core_handlers
from telemed.bootstrap import handlers, open_parts
from telemed.centres import migrations
from telemed.demo.scene import event_of
from telemed.demo.story import STORY
from telemed.domain.events import CaseEvent, EventKind
from telemed.domain.jobs import JobType
from telemed.domain.notices import NOTICES
from telemed.settings import Settings
from telemed.web.i18n import translations
from telemed.web.labels.case import case_labels
from telemed.web.pages.notices import LOOKS

LABELS = case_labels([extension.web for extension in centres.extensions()]).events
EVENTS: list[type[EventKind]] = [kind for kind in EventKind.__subclasses__() if kind.__module__.startswith("telemed.")]
JOBS: list[type[JobType]] = [kind for kind in JobType.__subclasses__() if kind.__module__.startswith("telemed.")]
"""The platform's own and those of every centre with a folder."""


def test_nothing_but_events_is_worded_as_one() -> None:
    assert set(LABELS) == {event for events in EVENTS for event in events}


@pytest.mark.parametrize("events", EVENTS)
def test_every_event_is_worded_in_both_languages(events: type[EventKind]) -> None:
    chinese = translations("zh-CN")
    for event in events:
        assert LABELS[event] != event.value
        assert re.search("[\u4e00-\u9fff]", chinese.gettext(LABELS[event])), event


@pytest.mark.parametrize("kinds", [EVENTS, JOBS])
def test_no_value_is_given_twice(kinds: list[type[EventKind] | type[JobType]]) -> None:
    values = [member.value for kind in kinds for member in kind]
    assert len(values) == len(set(values))


@pytest.mark.parametrize("switched_on", [{}, {"model_url": "http://127.0.0.1:1/model", "compact_at_rest": "htj2k"}])
async def test_every_job_has_a_handler(tmp_path: Path, switched_on: dict[str, Any]) -> None:
    settings = Settings(data_dir=tmp_path, **switched_on)
    engine = make_engine(settings.database)
    await migrate(engine, migrations())
    await engine.dispose()
    with ThreadPoolExecutor(1) as pool:
        async with open_parts(settings) as parts:
            handled = core_handlers(parts.application).keys() | handlers(parts, pool).keys()
    assert handled == {kind for kinds in JOBS for kind in kinds}


def test_every_notice_names_an_event_and_has_its_look() -> None:
    assert {rule.action for rule in NOTICES} <= set(CaseEvent)
    assert {rule.action for rule in NOTICES} == set(LOOKS)


def test_every_step_of_the_demo_leaves_an_event() -> None:
    assert {event_of(step) for case in STORY for step in case.steps} <= set(CaseEvent)

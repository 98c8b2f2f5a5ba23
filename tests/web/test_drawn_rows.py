"""Rows that were drawn before look as they would look drawn anew: for whom, in which language, on which day."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from telemed.domain.case import CaseStatus, PatientSummary, Priority
from telemed.domain.critical import CriticalStatus
from telemed.domain.report import ReportStatus
from telemed.web import templating
from telemed.web.case_steps import Step
from telemed.web.drawn_rows import DrawnRows
from telemed.web.i18n import LANGUAGES, speaking
from telemed.web.pages import board, worklist

ENVIRONMENT = templating.setup(web.Application())

texts = st.sampled_from(("", "头部 CT", "<b>&", "HUBA"))
moments = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)).map(lambda moment: moment.replace(tzinfo=UTC))
optional = st.none() | moments
patients = st.builds(
    PatientSummary,
    id=texts,
    name=st.sampled_from(("王五", "O'Neill", "<i>")),
    sex=st.sampled_from(("male", "female", "unknown")),
    birth_date=st.none() | st.dates(date(1930, 1, 1), date(2026, 11, 18)),
)
shared: dict[str, Any] = {
    "id": st.sampled_from(("0a", "0b")),
    "order": texts,
    "accession_number": texts,
    "priority": st.sampled_from([each.value for each in Priority]),
    "status": st.sampled_from([each.value for each in CaseStatus]),
    "report_status": st.none() | st.sampled_from([each.value for each in ReportStatus]),
    "patient": patients,
    "due_at": optional,
    "completed_at": optional,
    "total": st.floats(0, 1e6),
    "exam": texts,
    "reason": texts,
    "evidence": texts,
    "missing": st.lists(texts, max_size=2).map(tuple),
}
of_worklist = st.builds(worklist.Row, **shared, holder=texts, member=texts, href=texts, claimed_at=optional, received_at=optional)
pressing = st.builds(
    board.Pressing, id=texts, status=st.sampled_from([each.value for each in CriticalStatus]), due_at=moments, total=st.floats(0, 1e6)
)
steps = st.lists(st.builds(Step, texts, optional, st.sampled_from(("done", "now", "next"))), max_size=3).map(tuple)
of_board = st.builds(
    board.Row,
    **shared,
    part=st.sampled_from([view.value for view in board.PARTS]),
    created_at=moments,
    centre_icon=texts,
    asks=texts,
    critical=st.none() | pressing,
    steps=steps,
    hub=texts,
)
ROWS = {"_worklist_row.html": of_worklist, "_case_row.html": of_board}


@pytest.mark.parametrize("template", ROWS)
@given(data=st.data())
def test_a_row_that_was_drawn_before_looks_as_if_drawn_anew(template: str, data: st.DataObject) -> None:
    """Of two rows that differ in one thing, each has its own look, whichever was drawn first."""
    drawn = DrawnRows(ENVIRONMENT)
    first, other = data.draw(ROWS[template]), data.draw(ROWS[template])
    name = data.draw(st.sampled_from([field.name for field in fields(first)]))
    for row in (first, replace(first, **{name: getattr(other, name)}), other, first):
        for language in LANGUAGES:
            with speaking(language):
                assert drawn(template, row) == drawn.draw(template, row)


@pytest.mark.parametrize("template", ROWS)
@given(data=st.data())
def test_times_are_shown_by_the_day_that_it_is(template: str, data: st.DataObject) -> None:
    drawn, row = DrawnRows(ENVIRONMENT), data.draw(ROWS[template])
    moment = row.due_at or row.completed_at or datetime(2026, 11, 18, 4, tzinfo=UTC)
    for days in (0, 1, 40, 400):
        with time_machine.travel(moment + timedelta(days=days), tick=False):
            assert drawn(template, row) == drawn.draw(template, row)


def test_what_was_asked_for_last_is_kept() -> None:
    drawn = DrawnRows(ENVIRONMENT, kept=2)
    rows = [of_one_case(number) for number in range(3)]
    kept = [drawn("_worklist_row.html", row) for row in rows]
    assert drawn("_worklist_row.html", rows[2]) is kept[2]
    assert drawn("_worklist_row.html", rows[1]) is kept[1]
    again = drawn("_worklist_row.html", rows[0])
    assert again == kept[0]
    assert again is not kept[0]


def of_one_case(number: int) -> worklist.Row:
    nothing: dict[str, Any] = {"due_at": None, "completed_at": None, "claimed_at": None, "received_at": None, "report_status": None}
    flags = dict.fromkeys(("consultation", "parked", "draft", "identity_open", "critical_open", "mine"), False)
    words = dict.fromkeys(("order", "accession_number", "exam", "reason", "member", "holder", "evidence", "href"), "")
    patient = PatientSummary("p", "王五", "male", None)
    return worklist.Row(
        id=f"{number}",
        priority="stat",
        status="requested",
        patient=patient,
        total=1.0,
        missing=(),
        claimable=True,
        **nothing,
        **flags,
        **words,
    )

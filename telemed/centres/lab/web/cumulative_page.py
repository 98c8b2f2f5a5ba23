"""A patient's results as a table of days, and as courses of the tests that were picked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta, tzinfo
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from aiohttp import web

from telemed.centres.lab.cumulative import Column, Cumulative, Group, Mark, Reading, Row, Subject, chosen, cumulative, moment_of
from telemed.centres.lab.patient_results import PatientResults, patient_results
from telemed.centres.lab.web.charts import Span, chart_of, spark_of, tone_of
from telemed.centres.lab.web.keys import CATALOGUE
from telemed.domain.people import Person
from telemed.domain.policy import Action
from telemed.service.execution import query, record_look
from telemed.web.i18n import gettext
from telemed.web.pages.page import Visit, page, render

_ = str  # marks text for the translation catalogue

PERIODS: Final[Mapping[str, tuple[str, timedelta | None]]] = {
    "all": (_("All"), None),
    "24": (_("Two years"), timedelta(days=731)),
    "12": (_("One year"), timedelta(days=366)),
    "3": (_("Three months"), timedelta(days=92)),
}
SHOWN: Final = {"all": _("All tests"), "abnormal": _("Out of range only")}

PRINTED_COLUMNS: Final = 8
"""Days that stand beside each other on A4."""
MOST_CHARTS: Final = 12
"""Courses of one page."""

CHART_COLUMNS: Final = (
    (_("Time"), False), (_("Institution"), False), (_("Result"), True), (_("Unit"), False), (_("Reference range"), False),
    (_("Flag"), False), (_("Remarks"), False),
)  # fmt: skip
"""Of the table behind a course: label, and whether it holds numbers."""

MARKS: Final[Mapping[Mark, tuple[str, str]]] = {
    Mark.UNIT: ("△", _("another unit than before")),
    Mark.RANGE: ("◇", _("another reference range than before: method, laboratory or age")),
    Mark.RECOGNISED: ("HR", _("mutually recognised")),
    Mark.PRELIMINARY: ("P", _("preliminary")),
    Mark.CORRECTED: ("*", _("corrected")),
}
"""Sign and words of what stands beside a value; what is out of range is its flag: L, H, LL, HH, A."""


@page("GET", "/lab/patients/{patient_id}")
async def patient_page(visit: Visit) -> web.StreamResponse:
    """The table, for the period and the tests that the address asks for."""
    found = await _look(visit)
    table = _table(visit, found)
    printing = "print" in visit.query
    most = PRINTED_COLUMNS if printing else max(len(table.columns), 1)
    parts = [[(column, "") for column in table.columns[start : start + most]] for start in range(0, len(table.columns), most)]
    if not printing and parts:
        parts[0][PRINTED_COLUMNS:] = [(column, " lab-beyond") for column, _beyond in parts[0][PRINTED_COLUMNS:]]
    context = _context(visit, found, table) | {
        "parts": parts,
        "printing": printing,
        "printed_columns": PRINTED_COLUMNS,
        "sparks": _sparks(table),
        "drawn": {row.key: drawn_cells(row, visit.application.region.network.zone) for row in table.rows},
        "copies": {row.key: copied(row, table) for row in table.rows},
        "show": _shown(visit),
        "shows": SHOWN,
    }
    return await render(visit, "lab/cumulative.html", context)


@page("GET", "/lab/patients/{patient_id}/trends")
async def trends_page(visit: Visit) -> web.StreamResponse:
    """The courses of picked tests, each with its table behind."""
    found = await _look(visit)
    table = _table(visit, found)
    picked = chosen(table, visit.request.query.getall("item", []))
    zone, span = visit.application.region.network.zone, _span(picked)
    charts = [(row, chart_of(row, span, zone) if span else None) for row in picked[:MOST_CHARTS]]
    context = _context(visit, found, table) | {
        "charts": charts,
        "columns": [{"label": gettext(label), "number": number} for label, number in CHART_COLUMNS],
        "left_out": max(0, len(picked) - MOST_CHARTS),
        "most": MOST_CHARTS,
    }
    return await render(visit, "lab/trends.html", context)


async def _look(visit: Visit) -> PatientResults:
    """The results that this person may see; the look is on record, that at other institutions' results as such."""
    found = await query(visit.application, patient_results, visit.person, visit.path("patient_id"))
    subject = f"patient/{found.id}"
    await record_look(visit.application, visit.person, Action.RESULT_READ, subject)
    if found.elsewhere is not None:
        await record_look(visit.application, visit.person, Action.RESULT_READ_ELSEWHERE, subject)
    return found


def _table(visit: Visit, found: PatientResults) -> Cumulative:
    period = PERIODS[_period(visit)][1]
    since = visit.application.now() - period if period else None
    results = [each for each in found.results if since is None or moment_of(each) >= since]
    record = found.record
    subject = Subject(record.sex.value, record.birth_date) if record else Subject()
    table = cumulative(results, visit.request.app[CATALOGUE], subject, visit.application.region.network.zone)
    return only_abnormal(table) if _shown(visit) == "abnormal" else table


def only_abnormal(table: Cumulative) -> Cumulative:
    """Return the tests of which a value was out of range, with the days on which they were measured."""
    groups = [Group(each.code, each.name, tuple(row for row in each.rows if row.abnormal)) for each in table.groups]
    left = tuple(group for group in groups if group.rows)
    used = {column for group in left for row in group.rows for column in row.cells}
    return Cumulative(tuple(column for column in table.columns if column in used), left)


def _period(visit: Visit) -> str:
    asked = visit.query.get("period", "all")
    return asked if asked in PERIODS else "all"


def _shown(visit: Visit) -> str:
    asked = visit.query.get("show", "all")
    return asked if asked in SHOWN else "all"


def _span(rows: Iterable[Row]) -> Span | None:
    times = [reading.at for row in rows for reading in row.readings]
    return (min(times), max(times)) if times else None


def _sparks(table: Cumulative) -> dict[str, Any]:
    span = table.span
    return {row.key: spark_of(row, span) for row in table.rows} if span else {}


def _context(visit: Visit, found: PatientResults, table: Cumulative) -> dict[str, Any]:
    asked = {name: value for name, value in (("period", _period(visit)), ("show", _shown(visit))) if value != "all"}
    return {
        "found": found,
        "table": table,
        "period": _period(visit),
        "periods": {key: words for key, (words, _span_of) in PERIODS.items()},
        "kept": urlencode(asked),
        "kept_items": asked,
        "marks": MARKS,
        "words_of": words_of,
        "range_of": range_of,
        "name_of": visit.name_of,
        "own": found.member == visit.person.institution,
        "whole_number": may_see_number(visit.person, found),
    }


def may_see_number(person: Person, found: PatientResults) -> bool:
    """True if the number is that of the person's own institution: others see its ends."""
    return person.institution == found.member


def words_of(reading: Reading) -> str:
    """What the marks of a value say, in words."""
    said = []
    for mark in reading.marks:
        if mark is Mark.CRITICAL:
            said.append(gettext("critical"))
        elif mark is Mark.HIGH:
            said.append(gettext("high"))
        elif mark is Mark.LOW:
            said.append(gettext("low"))
        elif mark is Mark.ABNORMAL:
            said.append(gettext("abnormal"))
        elif mark is Mark.RECOGNISED:
            said.append(gettext(reading.recognised))
        else:
            said.append(_changed(mark, reading))
    return gettext(", ").join(said)


def _changed(mark: Mark, reading: Reading) -> str:
    before = reading.before.value if reading.before else None
    if mark is Mark.UNIT and before:
        return gettext("unit was %(unit)s") % {"unit": before.unit}
    if mark is Mark.RANGE and before and before.range:
        return gettext("range was %(range)s") % {"range": before.range}
    return gettext(MARKS[mark][1])


class Cell(NamedTuple):
    """A value as the table draws it: words and signs stand ready, the template only writes them."""

    id: str
    said: str
    unit: str
    """Where it is another than the row's."""
    flag: str
    signs: str
    tone: str
    title: str
    words: str


def drawn_cells(row: Row, zone: tzinfo) -> dict[Column, list[Cell]]:
    """Return a row's values as they are drawn, by day."""
    return {column: [_cell(reading, row.unit, zone) for reading in readings] for column, readings in row.cells.items()}


def _cell(reading: Reading, unit: str, zone: tzinfo) -> Cell:
    value, marks = reading.result.value, reading.marks
    words = words_of(reading) if marks else ""
    time = reading.at.astimezone(zone).isoformat(" ", "seconds")[:19]
    return Cell(
        id=reading.result.id,
        said=value.said,
        unit=value.unit if value.unit != unit else "",
        flag=value.flag if value.flag != "N" else "",
        signs=" ".join(MARKS[mark][0] for mark in marks if mark in MARKS),
        tone=tone_of(marks),
        title=" · ".join(part for part in (time, value.range, words) if part),
        words=words,
    )


def range_of(row: Row) -> tuple[str, bool]:
    """Return the reference range of the newest value in words, and whether it is certain."""
    newest = row.newest
    if newest.result.value.range:
        return newest.result.value.range, True
    low, high = newest.limits.low, newest.limits.high
    if low is None and high is None:
        return "", True
    if low is None or high is None:
        return (f"≤{high:g}" if high is not None else f"≥{low:g}"), newest.limits.certain
    return f"{low:g}-{high:g}", newest.limits.certain


def copied(row: Row, table: Cumulative) -> str:
    """Return a row as text for the clipboard: name, unit, then each day's values, newest first."""
    head = f"{row.short} {row.name}".strip() + (f" ({row.unit})" if row.unit else "")
    days = [f"{column.day.isoformat()} {column.member} {_values(row, column)}" for column in table.columns if column in row.cells]
    return "\n".join([head, *days])


def _values(row: Row, column: Column) -> str:
    said = []
    for reading in row.cells[column]:
        value = reading.result.value
        unit = value.unit if value.unit != row.unit else ""
        said.append(" ".join(part for part in (value.said, unit, value.flag if value.flag != "N" else "") if part))
    return " / ".join(said)

"""Limits of the rule book, each made from its own table: below, at and above."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from telemed.centres import discover
from telemed.domain.critical import ESCALATE_EVERY, TELL_WITHIN, CriticalValue
from telemed.domain.deadlines import DeadlineRule, WorkingHours, deadline
from telemed.domain.device import MAX_AUTHORITY, MAX_NETWORKS, DeviceEntry, device_of
from telemed.domain.errors import FieldError, Invalid
from telemed.domain.forms import LARGEST_NUMBER, Field, FieldType, Form
from telemed.domain.network import Institution, Level, Network
from telemed.domain.patient import MAX_HIDDEN, OPEN_END, OPEN_START, masked
from telemed.domain.people import SessionLimits
from telemed.domain.reconciliation import FIELDS, LONGEST, attribute_errors
from tests.telemed.moments import NOON, ZONE, at

CENTRES = discover()
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("length", range(MAX_HIDDEN + 3))
def test_an_identifier_is_hidden_whole_up_to_its_limit_and_shows_two_ends_above_it(length: int) -> None:
    shown = masked("1234567890"[:length])
    assert len(shown) == length
    assert shown.count("*") == (length if length <= MAX_HIDDEN else length - OPEN_START - OPEN_END)


@pytest.mark.parametrize(
    ("number", "shown"), [("1234567", "*******"), ("12345678", "123***78"), ("320102196103051234", "320*************34")]
)
def test_identifiers_as_lists_show_them(number: str, shown: str) -> None:
    assert masked(number) == shown


@pytest.mark.parametrize("limits", [SessionLimits(), SessionLimits(timedelta(minutes=5), timedelta(hours=1))])
@pytest.mark.parametrize(("past", "alive"), [(-SECOND, True), (timedelta(0), False), (SECOND, False)])
def test_a_session_at_each_of_its_limits(limits: SessionLimits, past: timedelta, alive: bool) -> None:
    assert limits.alive(NOON - limits.idle - past, NOON - limits.idle - past, NOON) is alive
    assert limits.alive(NOON - limits.longest - past, NOON, NOON) is alive


@pytest.mark.parametrize("escalations", range(4))
@pytest.mark.parametrize(("past", "rises"), [(-SECOND, False), (timedelta(0), True), (SECOND, True)])
def test_a_critical_value_at_each_of_its_rises(escalations: int, past: timedelta, rises: bool) -> None:
    value = CriticalValue("v", "c", "finding", "imaging.huba", NOON, NOON + TELL_WITHIN, escalations=escalations)
    assert value.escalation_due(value.due_at + escalations * ESCALATE_EVERY + past) is rises


def request_for(rule: DeadlineRule) -> dict[str, str]:
    return {name: min(values) for name, values in (rule.when or {}).items()}


RULES = [
    pytest.param(code, rule, priority, id=f"{code}-{number}-{priority}")
    for code, centre in CENTRES.items()
    for number, rule in enumerate(centre.deadlines)
    for priority in sorted(rule.priorities)
]


@pytest.mark.parametrize(("code", "rule", "priority"), RULES)
def test_each_rule_of_a_centre_gives_its_deadlines(code: str, rule: DeadlineRule, priority: str) -> None:
    """Of a Wednesday's opening time: what runs in working hours is counted by hand, one minute at a time."""
    start, hours = at("08:00"), WorkingHours()
    found = deadline(CENTRES[code].deadlines, priority, request_for(rule), start, hours, ZONE)
    assert found.due_at == (worked(start, rule.report, hours) if rule.working else start + rule.report)
    expected = rule.accept and (worked(start, rule.accept, hours) if rule.working else start + rule.accept)
    assert found.accept_by == expected


def worked(start: datetime, span: timedelta, hours: WorkingHours) -> datetime:
    moment = start
    for _ in range(int(span / timedelta(minutes=1))):
        while not any(opens <= moment.time() < closes and moment.weekday() in hours.weekdays for opens, closes in hours.periods):
            moment += timedelta(minutes=1)
        moment += timedelta(minutes=1)
    return moment


@pytest.mark.parametrize(("first", "second"), list(pairwise(WorkingHours().periods)))
@pytest.mark.parametrize("over", [-SECOND, timedelta(0), SECOND])
def test_a_span_at_the_end_of_a_period_ends_with_it_and_a_longer_one_goes_on_in_the_next(first: Any, second: Any, over: timedelta) -> None:
    opens, closes, again = (datetime.combine(NOON.date(), moment, ZONE) for moment in (*first, second[0]))
    due = WorkingHours().add(opens, closes - opens + over, ZONE)
    assert due == (again + over if over > timedelta(0) else closes + over)


TEXTS = [
    pytest.param(form, field, id=f"{code}-{name}-{field.name}")
    for code, centre in CENTRES.items()
    for name, form in (("request", centre.request_form), ("report", centre.report_form))
    for field in form.fields
    if field.type in (FieldType.TEXT, FieldType.LONG_TEXT, FieldType.CHOICE)
]


@pytest.mark.parametrize(("form", "field"), TEXTS)
@pytest.mark.parametrize(("over", "too_long"), [(-1, False), (0, False), (1, True)])
def test_a_text_at_the_limit_of_its_field(form: Form, field: Field, over: int, too_long: bool) -> None:
    faults = form.faults({field.name: "1" * (field.max_length + over)}, "form", complete=False)
    assert ("too-long" in {fault.code for fault in faults}) is too_long


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("number", "taken"), [(LARGEST_NUMBER - 1, True), (LARGEST_NUMBER, True), (LARGEST_NUMBER + 1, False)])
def test_the_largest_number(sign: int, number: float, taken: bool) -> None:
    form = Form((Field("number", "Number", FieldType.NUMBER),))
    assert (form.faults({"number": sign * number}, "form", complete=False) == []) is taken


@pytest.mark.parametrize(("keyword", "longest"), LONGEST.items())
@pytest.mark.parametrize(("over", "faults"), [(-1, []), (0, []), (1, ["too-long"])])
def test_a_correction_at_the_length_of_its_attribute(keyword: str, longest: int, over: int, faults: list[str]) -> None:
    found = attribute_errors({keyword: "1" * (longest + over)})
    assert [fault.code for fault in found] == faults
    assert {fault.field for fault in found} <= {FIELDS[keyword]}


NETWORK = Network({"CLINIC1": Institution("CLINIC1", "", "", Level.MEMBER)})
DEVICES = [
    ("title", "ae-title", lambda n: {"title": "A" * n}, 16),
    ("port", "range", lambda n: {"host": "pacs", "port": n}, 65535),
    ("host", "host", lambda n: {"host": ".".join(["a" * 63] * 4)[: n - 1] + "a", "port": 104}, 253),
    ("calls_from", "too-many", lambda n: {"calls_from": [f"10.0.0.{i}" for i in range(n)]}, MAX_NETWORKS),
    ("authority", "too-long", lambda n: {"authority": "a" * n}, MAX_AUTHORITY),
]
"""What may be entered about a device, up to which number or length, and how that much is entered."""


@pytest.mark.parametrize(("field", "code", "enter", "most"), DEVICES, ids=[row[0] for row in DEVICES])
@pytest.mark.parametrize(("over", "refused"), [(-1, False), (0, False), (1, True)])
def test_a_device_at_the_limit_of_each_field(
    field: str, code: str, enter: Callable[[int], dict[str, Any]], most: int, over: int, refused: bool
) -> None:
    given = {"title": "AE", "institution": "CLINIC1"} | enter(most + over)
    faults: tuple[FieldError, ...] = ()
    try:
        device_of(DeviceEntry(**given), NETWORK)
    except Invalid as invalid:
        faults = invalid.errors
    assert ((field, code) in {(fault.field, fault.code) for fault in faults}) is refused

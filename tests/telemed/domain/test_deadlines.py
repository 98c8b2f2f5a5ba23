"""Deadlines: the first rule that fits, working hours, and properties that hold for any start and any span."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemed.centres import discover
from telemed.domain.case import Priority
from telemed.domain.deadlines import DeadlineRule, WorkingHours, deadline
from tests.telemed.moments import ZONE, at

HOURS = WorkingHours()
CENTRES = discover()

# start, working time, expected: 8:00-12:00 and 13:30-17:30, Monday to Friday; 18 November 2026 is a Wednesday
WORKING = [
    (at("09:00"), 2, at("11:00")),
    (at("09:00"), 3, at("12:00")),
    (at("09:00"), 4, at("14:30")),
    (at("12:30"), 1, at("14:30")),
    (at("17:00"), 4, at("11:30", 19)),
    (at("22:00"), 4, at("12:00", 19)),
    (at("05:00"), 1, at("09:00")),
    (at("17:00", 20), 1, at("08:30", 23)),
    (at("10:00", 21), 4, at("12:00", 23)),
    (at("09:00"), 40, at("09:00", 25)),
]


@pytest.mark.parametrize(("start", "hours", "expected"), WORKING)
def test_working_time(start: datetime, hours: int, expected: datetime) -> None:
    assert HOURS.add(start, timedelta(hours=hours), ZONE) == expected


def test_the_answer_is_in_the_zone_of_the_question() -> None:
    assert HOURS.add(at("09:00").astimezone(UTC), timedelta(hours=1), ZONE).tzinfo is UTC


def test_a_region_that_never_works_is_an_error_and_not_an_endless_search() -> None:
    with pytest.raises(ValueError, match="no working time"):
        WorkingHours(weekdays=frozenset()).add(at("09:00"), timedelta(hours=1), ZONE)


# Any moment of ten years. The zone has no summer time; one that has is in the next strategy.
starts = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(ZONE))
spans = st.timedeltas(timedelta(minutes=1), timedelta(hours=200))
hours_of_a_day = st.lists(st.integers(0, 23), min_size=2, max_size=6, unique=True).map(sorted)
calendars = st.builds(
    WorkingHours,
    weekdays=st.frozensets(st.integers(0, 6), min_size=1),
    periods=hours_of_a_day.map(lambda h: tuple((time(h[i]), time(h[i + 1])) for i in range(0, len(h) - 1, 2))),
)


def is_open(hours: WorkingHours, moment: datetime) -> bool:
    local = moment.astimezone(ZONE)
    return local.weekday() in hours.weekdays and any(opens <= local.time() <= closes for opens, closes in hours.periods)


@given(hours=calendars, start=starts, span=spans)
def test_never_inside_closed_time_and_never_too_early(hours: WorkingHours, start: datetime, span: timedelta) -> None:
    due = hours.add(start, span, ZONE)
    assert is_open(hours, due)
    assert due >= start + span


@given(hours=calendars, start=starts, later=st.timedeltas(timedelta(0), timedelta(days=9)), span=spans)
def test_who_comes_later_is_due_later(hours: WorkingHours, start: datetime, later: timedelta, span: timedelta) -> None:
    assert hours.add(start, span, ZONE) <= hours.add(start + later, span, ZONE)


@given(hours=calendars, start=starts, first=spans, second=spans)
def test_two_spans_are_as_long_as_their_sum(hours: WorkingHours, start: datetime, first: timedelta, second: timedelta) -> None:
    assert hours.add(hours.add(start, first, ZONE), second, ZONE) == hours.add(start, first + second, ZONE)


class TestRules:
    URGENT = frozenset({"urgent"})
    RULES = (
        DeadlineRule(
            URGENT, timedelta(minutes=30), timedelta(minutes=5), {"modality": frozenset({"CT"}), "body_part": frozenset({"HEAD"})}
        ),
        DeadlineRule(URGENT, timedelta(hours=1)),
        DeadlineRule(frozenset({"routine"}), timedelta(hours=4), timedelta(hours=2), working=True),
    )

    def due(self, priority: str, request: dict[str, Any], start: datetime) -> tuple[datetime | None, datetime]:
        found = deadline(self.RULES, priority, request, start, HOURS, ZONE)
        return found.accept_by, found.due_at

    def test_the_first_rule_that_fits_counts(self) -> None:
        assert self.due("urgent", {"modality": "ct", "body_part": "head"}, at("09:00")) == (at("09:05"), at("09:30"))

    def test_every_condition_must_fit(self) -> None:
        assert self.due("urgent", {"modality": "CT", "body_part": "HAND"}, at("09:00")) == (None, at("10:00"))

    def test_both_clocks_of_a_rule_in_working_time_stand_at_night(self) -> None:
        assert self.due("routine", {}, at("20:00")) == (at("10:00", 19), at("12:00", 19))

    def test_a_gap_in_the_table_is_an_error(self) -> None:
        with pytest.raises(LookupError, match="stat"):
            self.due("stat", {}, at("09:00"))


def choices_of(code: str) -> st.SearchStrategy[dict[str, str]]:
    """Requests of a centre as far as its deadline rules look at them."""
    names = {name for rule in CENTRES[code].deadlines for name in (rule.when or {})}
    values = {name: sorted({v for rule in CENTRES[code].deadlines for v in (rule.when or {}).get(name, ())}) for name in names}
    return st.fixed_dictionaries({}, optional={name: st.sampled_from([*known, "", "ELSE"]) for name, known in values.items()})


@pytest.mark.parametrize("code", CENTRES)
@given(data=st.data(), start=starts)
def test_no_centre_has_a_gap_and_pressing_cases_are_due_first(code: str, data: st.DataObject, start: datetime) -> None:
    request = data.draw(choices_of(code))
    due = [deadline(CENTRES[code].deadlines, p, request, start, HOURS, ZONE) for p in Priority]
    assert all(d.due_at > start and d.accept_by is not None and start < d.accept_by <= d.due_at for d in due)
    assert due[0].due_at >= due[1].due_at >= due[2].due_at >= due[3].due_at


# The table of the field, by centre: priority, request, accept within, report within (minutes; "w" in working time).
PUBLISHED = [
    ("imaging", "routine", {"modality": "DX"}, 120, False),
    ("imaging", "routine", {"modality": "CT"}, 240, True),
    ("imaging", "routine", {"modality": "MR"}, 240, True),
    ("imaging", "urgent", {"modality": "DX"}, 30, False),
    ("imaging", "urgent", {"modality": "MR", "body_part": "KNEE"}, 60, False),
    ("imaging", "stat", {"modality": "CT", "body_part": "HEAD"}, 30, False),
    ("ecg", "routine", {}, 30, False),
    ("ecg", "urgent", {}, 10, False),
    ("pathology", "routine", {"procedure": "BIOPSY"}, 3 * 8 * 60, True),
    ("pathology", "routine", {"procedure": "RESECTION"}, 5 * 8 * 60, True),
    ("pathology", "urgent", {"procedure": "FROZEN"}, 30, False),
    ("consultation", "urgent", {}, 60, False),
]


@pytest.mark.parametrize(("code", "priority", "request_form", "minutes", "working"), PUBLISHED)
def test_the_published_times(code: str, priority: str, request_form: dict[str, str], minutes: int, working: bool) -> None:
    start, span = at("09:00"), timedelta(minutes=minutes)
    due = deadline(CENTRES[code].deadlines, priority, request_form, start, HOURS, ZONE).due_at
    assert due == (HOURS.add(start, span, ZONE) if working else start + span)


def test_an_urgent_ecg_is_accepted_in_three_minutes() -> None:
    assert deadline(CENTRES["ecg"].deadlines, "urgent", {}, at("03:00"), HOURS, ZONE).accept_by == at("03:03")

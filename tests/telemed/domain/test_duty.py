"""Duty periods as they are written, and days that differ from their weekday."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemed.domain.duty import DayDuty, DutyPeriod, Holiday, days_of, period_of, period_text
from telemed.domain.network import HubService

PERIODS = st.builds(
    DutyPeriod,
    st.frozensets(st.integers(0, 6), min_size=1),
    *(st.builds(time, st.integers(0, 23), st.integers(0, 59)) for _ in range(2)),
)


@given(PERIODS)
def test_what_is_written_is_read_again(period: DutyPeriod) -> None:
    assert period_of(period_text(period)) == period


@pytest.mark.parametrize(
    ("text", "weekdays"),
    [("mon-fri 08:00-17:30", {0, 1, 2, 3, 4}), ("Sat, sun 20:00 - 08:00", {5, 6}), ("fri-mon 00:00-00:00", {4, 5, 6, 0})],
)
def test_days_are_lists_and_runs(text: str, weekdays: set[int]) -> None:
    period = period_of(text)
    assert period is not None
    assert period.weekdays == weekdays


@pytest.mark.parametrize(
    "text", ["", "mon", "mon 8:00-17:00", "mon 08:00-24:00", "mon 08:60-17:00", "day 08:00-17:00", "mon-day 08:00-17:00"]
)
def test_what_is_no_period_is_none(text: str) -> None:
    assert period_of(text) is None


WEEK = HubService("H", "c", duty=(DutyPeriod(frozenset(range(5)), time(8), time(17)), DutyPeriod(frozenset({6}), time(9), time(11))))
NEW_YEAR, SATURDAY = date(2027, 1, 1), date(2027, 1, 2)  # a Friday and its next day


def at(day: date, clock: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock))


@pytest.mark.parametrize(
    ("duty", "clock", "there"),
    [(DayDuty.SUNDAY, "08:30", False), (DayDuty.SUNDAY, "09:00", True), (DayDuty.SUNDAY, "11:00", False), (DayDuty.CLOSED, "09:30", False)],
)
def test_a_holiday_has_the_duty_of_a_sunday_or_none(duty: DayDuty, clock: str, there: bool) -> None:
    assert WEEK.on_duty(at(NEW_YEAR, "08:30"))
    hub = HubService("H", "c", duty=WEEK.duty, days={NEW_YEAR: duty})
    assert hub.on_duty(at(NEW_YEAR, clock)) is there


def test_a_saturday_that_is_worked_has_the_duty_of_a_monday() -> None:
    assert not WEEK.on_duty(at(SATURDAY, "10:00"))
    assert HubService("H", "c", duty=WEEK.duty, days={SATURDAY: DayDuty.MONDAY}).on_duty(at(SATURDAY, "16:59"))


def test_a_night_that_began_before_a_closed_day_is_served_to_its_end() -> None:
    nights = (DutyPeriod(frozenset(range(7)), time(20), time(8)),)
    hub = HubService("H", "c", duty=nights, days={NEW_YEAR: DayDuty.CLOSED})
    assert hub.on_duty(at(NEW_YEAR, "07:59"))
    assert not hub.on_duty(at(NEW_YEAR, "20:00"))
    assert not hub.on_duty(at(SATURDAY, "07:59"))
    assert hub.on_duty(at(SATURDAY, "20:00"))


def test_a_hub_that_is_there_round_the_clock_can_be_closed() -> None:
    hub = HubService("H", "c", days={NEW_YEAR: DayDuty.CLOSED, SATURDAY: DayDuty.SUNDAY})
    assert not hub.on_duty(at(NEW_YEAR, "12:00"))
    assert hub.on_duty(at(SATURDAY, "12:00"))


def test_a_hubs_own_day_counts_before_everybodys() -> None:
    listed = [Holiday(NEW_YEAR, DayDuty.CLOSED, hub="H"), Holiday(NEW_YEAR), Holiday(SATURDAY)]
    assert days_of("H", listed) == {NEW_YEAR: DayDuty.CLOSED, SATURDAY: DayDuty.SUNDAY}
    assert days_of("I", listed) == {NEW_YEAR: DayDuty.SUNDAY, SATURDAY: DayDuty.SUNDAY}

"""When readers are there: weekly periods, and days that differ from their weekday."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""As a period is written; Monday is 0."""

SUNDAY, MONDAY = 6, 0

MAX_PERIODS = 50
"""Periods of one hub's week in one centre: seven days of seven shifts, and one (practice)."""

_PERIOD = re.compile(
    r"(?P<days>[a-z]{3}(?:-[a-z]{3})?(?:\s*,\s*[a-z]{3}(?:-[a-z]{3})?)*)\s+"
    r"(?P<start>[01]\d|2[0-3]):(?P<start_minute>[0-5]\d)\s*-\s*(?P<end>[01]\d|2[0-3]):(?P<end_minute>[0-5]\d)"
)


class DayDuty(StrEnum):
    """The duty of a day that differs from its weekday."""

    SUNDAY = "sunday"
    """A public holiday."""
    MONDAY = "monday"
    """A weekend day that is worked in place of a holiday."""
    CLOSED = "closed"
    """Nobody's duty begins on this day."""


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day that differs. `hub` is whose day it is; empty: that of every hub. A hub's own day counts before everybody's."""

    day: date
    duty: DayDuty = DayDuty.SUNDAY
    name: str = ""
    hub: str = ""


@dataclass(frozen=True, slots=True)
class DutyPeriod:
    """Readers are there on these weekdays (Monday is 0) from `start` to `end`, region time.

    A period whose `end` is not after its `start` runs into the next day: 20:00 to 08:00 is a night, 00:00 to 00:00 a day.
    """

    weekdays: frozenset[int]
    start: time
    end: time

    def covers(self, moment: datetime, days: Mapping[date, DayDuty] | None = None) -> bool:
        """True if the moment lies in the period. `days` are those that differ from their weekday."""
        clock, today = moment.time(), moment.date()
        begins_today = weekday_of(today, days or {}) in self.weekdays
        if self.start < self.end:
            return begins_today and self.start <= clock < self.end
        began_yesterday = weekday_of(today - timedelta(days=1), days or {}) in self.weekdays
        return (begins_today and self.start <= clock) or (began_yesterday and clock < self.end)


def weekday_of(day: date, days: Mapping[date, DayDuty]) -> int | None:
    """Return the weekday whose duty holds on this day; None where nobody's does."""
    differs = days.get(day)
    if differs is None:
        return day.weekday()
    return {DayDuty.SUNDAY: SUNDAY, DayDuty.MONDAY: MONDAY, DayDuty.CLOSED: None}[differs]


def days_of(hub: str, holidays: Iterable[Holiday]) -> dict[date, DayDuty]:
    """Return the days that differ for this hub: everybody's, and over them its own."""
    listed = list(holidays)
    everybody = {each.day: each.duty for each in listed if not each.hub}
    return everybody | {each.day: each.duty for each in listed if each.hub == hub}


def period_of(text: str) -> DutyPeriod | None:
    """Return the period that is written so (`mon-fri 08:00-17:30`, `sat,sun 20:00-08:00`); None where none is."""
    found = _PERIOD.fullmatch(text.strip().lower())
    if found is None:
        return None
    weekdays: set[int] = set()
    for part in re.split(r"\s*,\s*", found["days"]):
        first, _, last = part.partition("-")
        if first not in WEEKDAYS or (last and last not in WEEKDAYS):
            return None
        begin, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
        weekdays |= {(begin + n) % 7 for n in range((end - begin) % 7 + 1)}
    clock = time(int(found["start"]), int(found["start_minute"])), time(int(found["end"]), int(found["end_minute"]))
    return DutyPeriod(frozenset(weekdays), *clock)


def period_text(period: DutyPeriod) -> str:
    """Return the period as `period_of` reads it, runs of three days and more with a dash."""
    runs: list[list[int]] = []
    for day in sorted(period.weekdays):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    words = [f"{WEEKDAYS[run[0]]}-{WEEKDAYS[run[-1]]}" if len(run) > 2 else ",".join(WEEKDAYS[day] for day in run) for run in runs]
    return f"{','.join(words)} {period.start:%H:%M}-{period.end:%H:%M}"

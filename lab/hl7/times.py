"""Times of HL7 v2 (DT, TM, TS, DTM): their precision is part of the value, and their zone is never invented.

HL7 v2.5.1 sections 2.A.22 and 2.A.77: YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]. A time without a zone has the zone of MSH-7,
else the region's; where neither is known it is a time without a zone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final

PRECISIONS: Final = ("none", "year", "month", "day", "hour", "minute", "second", "fraction")
"""From what is no time to fractions of a second; each holds the ones before it."""

_DEGREES: Final = {"Y": "year", "L": "month", "D": "day", "H": "hour", "M": "minute", "S": "second"}
"""Second component of TS, degree of precision (HL7 table 0529)."""

_TIME: Final = re.compile(
    r"(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:\.(\d{1,9}))?)?)?)?)?)?(?:([+-])(\d\d):?(\d\d))?",
    re.ASCII,
)
_CLOCK: Final = re.compile(r"(\d\d)(?:(\d\d)(?:(\d\d)(?:\.\d{1,9})?)?)?(?:[+-]\d{4})?", re.ASCII)
MAX_OFFSET_MINUTES: Final = 14 * 60
"""Farthest any civil time is from UTC."""


@dataclass(frozen=True, slots=True)
class Time:
    """A point in time as exactly as it was sent.

    `text` is its ISO 8601 form, no more precise than what was sent; of what is no time it is what was sent. `moment` is there
    from the hour on, aware of its zone wherever one is known; `day` from the day on.
    """

    as_sent: str
    precision: str
    text: str
    day: date | None = None
    moment: datetime | None = None

    def __bool__(self) -> bool:
        return self.precision != "none"


NOTHING: Final = Time("", "none", "")


@lru_cache(maxsize=4096)
def read_time(sent: str, zone: tzinfo | None = None, degree: str = "") -> Time:
    """Return the time that a text holds, in `zone` where the text names none, and told in `zone` where it names another.

    `degree` is the second component of TS and may lower the precision. What is no time is kept as sent with the precision `none`.
    """
    found = _TIME.fullmatch(sent.strip())
    if found is None:
        return Time(sent, "none", sent) if sent else NOTHING
    precision = PRECISIONS[1 + sum(part is not None for part in found.groups()[1:7])]
    lowest = _DEGREES.get(degree.strip().upper())
    if lowest is not None and PRECISIONS.index(lowest) < PRECISIONS.index(precision):
        precision = lowest
    try:
        day, moment = _point(found, precision, zone)
    except (ValueError, OverflowError):
        return Time(sent, "none", sent)
    return Time(sent, precision, _text(found, precision, day, moment), day, moment)


def _point(found: re.Match[str], precision: str, zone: tzinfo | None) -> tuple[date | None, datetime | None]:
    """Raises ValueError or OverflowError for a day or an hour that is none."""
    year, month, day, hour, minute, second = (int(part) if part else 0 for part in found.groups()[:6])
    if month == 0 or day == 0 or PRECISIONS.index(precision) < PRECISIONS.index("day"):
        date(year, month if found[2] else 1, day if found[3] else 1)
        return None, None
    if precision == "day":
        return date(year, month, day), None
    fraction = int((found[7] or "0")[:6].ljust(6, "0"))
    over = hour == 24 and minute == second == fraction == 0
    if over:
        hour = 0
    if precision in ("hour", "minute"):
        second = fraction = 0
        minute = 0 if precision == "hour" else minute
    moment = datetime(year, month, day, hour, minute, second, fraction, _offset(found) or zone) + timedelta(days=over)
    if zone is not None and found[8]:
        moment = moment.astimezone(zone)
    return moment.date(), moment


def _offset(found: re.Match[str]) -> timezone | None:
    if not found[8]:
        return None
    minutes = int(found[9]) * 60 + int(found[10])
    if minutes > MAX_OFFSET_MINUTES or int(found[10]) > 59:
        raise ValueError("no such zone")
    return timezone(timedelta(minutes=-minutes if found[8] == "-" else minutes))


def _text(found: re.Match[str], precision: str, day: date | None, moment: datetime | None) -> str:
    if moment is not None:
        return moment.isoformat(timespec={"hour": "hours", "minute": "minutes", "second": "seconds"}.get(precision, "microseconds"))
    if day is not None:
        return day.isoformat()
    return f"{found[1]}-{found[2]}" if precision == "month" else found[1]


def zone_of(sent: str) -> tzinfo | None:
    """Return the zone that a time names, or None; of MSH-7 it is the zone of all times of the message that name none."""
    found = _TIME.fullmatch(sent.strip())
    try:
        return _offset(found) if found else None
    except ValueError:
        return None


def read_clock(sent: str) -> str | None:
    """Return a TM as `08:15` or `08:15:00`; None where it is none."""
    found = _CLOCK.fullmatch(sent.strip())
    if found is None or int(found[1]) > 23 or int(found[2] or 0) > 59 or int(found[3] or 0) > 59:
        return None
    return ":".join(part for part in found.groups() if part)


def write_time(moment: datetime | date) -> str:
    """Return a time as it is written: to the second with its zone, or a day."""
    if not isinstance(moment, datetime):
        return moment.strftime("%Y%m%d")
    return moment.strftime("%Y%m%d%H%M%S%z")

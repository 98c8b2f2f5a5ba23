"""Dates and times as the formats write them."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone

_STAMP = re.compile(
    r"^(\d{4})-?(\d{2})-?(\d{2})(?:[T ]?(\d{2}):?(\d{2})(?::?(\d{2})(?:[.,](\d{1,6})\d*)?)?)?"
    r"\s*(?:(Z)|([+-])(\d{2}):?(\d{2}))?$"
)


def stamp(text: str) -> datetime | None:
    """Time from an HL7, DICOM (DT) or ISO 8601 text with at least the day; None where it is no time."""
    match = _STAMP.match(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    zone = None
    if match[8]:
        zone = timezone.utc  # noqa: UP017  (3.11 has datetime.UTC; `timezone` is needed below anyway)
    elif match[9]:
        span = timedelta(hours=int(match[10]), minutes=int(match[11]))
        zone = timezone(-span if match[9] == "-" else span) if span < timedelta(hours=24) else None
    try:
        return datetime(year, month, day, hour, minute, second, int((match[7] or "0").ljust(6, "0")), zone)
    except ValueError:
        return None


def moment(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime | None:
    """Time from its parts; None where the file left them empty or wrong."""
    try:
        return datetime(year, month, day, hour, minute, second)
    except (ValueError, OverflowError):
        return None


def day_text(text: str) -> str:
    """A date as YYYY-MM-DD; the text as it was sent where it is no date."""
    found = stamp(text)
    return found.date().isoformat() if found else text.strip()


def known_day(text: str) -> date | None:
    """The day that a birth date of a Recording names, where it is one."""
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def day_of(year: int, month: int, day: int) -> str:
    """A date as YYYY-MM-DD from its parts; empty where they are no date."""
    try:
        return date(year, month, day).isoformat()
    except (ValueError, OverflowError):
        return ""


def sex_of(text: str) -> str:
    """male, female, other or unknown from the letters and words that the formats use."""
    return {
        "m": "male",
        "male": "male",
        "f": "female",
        "female": "female",
        "o": "other",
        "other": "other",
        "un": "other",
        "undifferentiated": "other",
        "男": "male",
        "女": "female",
    }.get(text.strip().lower(), "unknown")

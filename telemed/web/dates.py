"""Dates, times and ages as people write them; storage keeps the exact time with its zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from telemed.web.i18n import gettext

#: The zone in which times are shown; the whole of China keeps one.
LOCAL_ZONE: Final[tzinfo] = ZoneInfo("Asia/Shanghai")


def _local(moment: datetime) -> datetime:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(LOCAL_ZONE)


def show_datetime(moment: datetime | None, now: datetime | None = None) -> str:
    """``10:32`` today, ``11-20 10:32`` this year, ``2025-11-20 10:32`` before; nothing for None."""
    if moment is None:
        return ""
    local, today = _local(moment), _local(now or datetime.now(UTC))
    if local.date() == today.date():
        return local.strftime("%H:%M")
    return local.strftime("%m-%d %H:%M" if local.year == today.year else "%Y-%m-%d %H:%M")


def show_exact(moment: datetime | None) -> str:
    """``2026-11-20 10:32:05``: for a pointer that rests on a short time, for print and for the audit trail."""
    return _local(moment).strftime("%Y-%m-%d %H:%M:%S") if moment else ""


def show_date(day: date | datetime | None) -> str:
    """``2026-11-20``."""
    if isinstance(day, datetime):
        day = _local(day).date()
    return day.isoformat() if day else ""


def dicom_day(text: object) -> str:
    """``2026-11-20`` from a DICOM date (``20261120``); nothing for what is none."""
    digits = str(text or "")
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}" if len(digits) == 8 and digits.isdecimal() else ""


def show_age(birth_date: date | None, on: date | None = None) -> str:
    """Age in the unit that clinicians use: days under a month, months under two years, then years.

    A birth date in the future or unknown gives an empty text rather than a wrong one.
    """
    today = on or datetime.now(LOCAL_ZONE).date()
    if birth_date is None or birth_date > today:
        return ""
    months = (today.year - birth_date.year) * 12 + today.month - birth_date.month - (today.day < birth_date.day)
    if months < 1:
        return gettext("%(number)d d") % {"number": (today - birth_date).days}
    if months < 24:
        return gettext("%(number)d mo") % {"number": months}
    return gettext("%(number)d y") % {"number": months // 12}


def show_duration(seconds: float | None) -> str:
    """A span in the two largest units that matter: ``under 1 min``, ``12 min``, ``3 h 05 min``, ``2 d 4 h``; nothing for None."""
    if seconds is None:
        return ""
    if seconds < 60:
        return gettext("under 1 min")
    minutes = round(seconds / 60)
    if minutes < 60:
        return gettext("%(minutes)d min") % {"minutes": minutes}
    hours, minutes = divmod(minutes, 60)
    if hours < 48 and not minutes:
        return gettext("%(hours)d h") % {"hours": hours}
    if hours < 48:
        return gettext("%(hours)d h %(minutes)02d min") % {"hours": hours, "minutes": minutes}
    return gettext("%(days)d d %(hours)d h") % {"days": hours // 24, "hours": hours % 24}

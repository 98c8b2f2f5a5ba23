"""Dates and times of matching keys as ranges (PS3.4 C.2.2.2.1 and C.2.2.2.5): texts that compare as they sort.

A value names all that it leaves open: `12` is the hour, `120000` the second with its fractions. So does a bound: `-12` ends with
the last moment of hour 12. The lower bound is as short as it can be, as a value may leave out zeros that the key writes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

LAST_TIME: Final = "995999.999999"
"""The last time that a text can name: the rest of it makes a bound of what is left open. Hours and seconds are not judged."""
_LAST_DATETIME: Final = "99991299" + LAST_TIME
_DATE = re.compile(r"\d{8}")
_TIME = re.compile(r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?")
# A hyphen with up to 14 hours behind it is an offset from UTC, and not the hyphen of a range of years (PS3.4 C.2.2.2.5.3).
_DATETIME_TEXT = r"(?:\d{4}|\d{6}|\d{8}|\d{10}|\d{12}|\d{14}(?:\.\d{1,6})?)(?:[+-](?:0\d|1[0-4])[0-5]\d)?"
_DATETIME_RANGE = re.compile(rf"({_DATETIME_TEXT})?(?:\s*(-)\s*({_DATETIME_TEXT})?)?")
_OFFSET = re.compile(r"[+-](?:0\d|1[0-4])[0-5]\d")


@dataclass(frozen=True, slots=True)
class Range:
    """From `low` to `high`, both within; an empty one is open. `is_range` is true of what was written with a hyphen."""

    low: str
    high: str
    is_range: bool

    def holds(self, value: str) -> bool:
        """True if a value of the form that bounds have lies in the range."""
        return self.low <= value and (not self.high or value <= self.high)


def date_range(value: str) -> Range | None:
    """The range that a date (YYYYMMDD, or with dots) or a range of dates names; None if it is neither."""
    found = _parts(value.replace(".", ""), _DATE)
    return found and Range(*found)


def time_range(value: str) -> Range | None:
    """The range that a time (HHMMSS.FFFFFF as far as given, or with colons) or a range of times names; None if it is neither."""
    found = _parts(value.replace(":", ""), _TIME)
    if found is None:
        return None
    low, high, is_range = found
    high = _fraction(high)
    return Range(_least_time(low), high + LAST_TIME[len(high) :] if high else "", is_range)


@lru_cache(256)
def datetime_range(value: str) -> tuple[Range, str] | None:
    """The range that a date and time in one text, or a range of these, names, and the offset that it is meant in (empty: none is
    said); None if it is neither."""
    found = _DATETIME_RANGE.fullmatch(value.strip())
    if not found or not (found[1] or found[3]):
        return None
    low, dash, high = (found[number] or "" for number in (1, 2, 3))
    (first, offset), (last, last_offset) = _with_offset(low), _with_offset(high if dash else low)
    if last_offset and offset and last_offset != offset:
        last = _moved(last, last_offset, offset)
    return Range(first, last + _LAST_DATETIME[len(last) :] if last else "", bool(dash)), offset or last_offset


def datetime_holds(wanted: tuple[Range, str], value: str) -> bool:
    """True if a date and time lies in the range; one that says another offset than the range is moved to it."""
    (bounds, offset), (moment, own) = wanted, _with_offset(value)
    return bounds.holds(_moved(moment, own, offset) if own and offset and own != offset else moment)


def combined_range(days: Range, times: Range) -> Range:
    """The range from the first date at the first time to the last date at the last time; an open date leaves its end open."""
    high = days.high and days.high + (times.high or LAST_TIME)
    return Range(days.low and days.low + times.low, high, is_range=True)


def _parts(value: str, form: re.Pattern[str]) -> tuple[str, str, bool] | None:
    """What stands before and behind the hyphen, the same where there is none."""
    low, dash, high = (part.strip() for part in value.partition("-"))
    if not (low or high) or any(part and not form.fullmatch(part) for part in (low, high)):
        return None
    return low, high if dash else low, bool(dash)


def _fraction(text: str) -> str:
    """A time without the last zeros of its fraction, which make it no more exact."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def _least_time(text: str) -> str:
    """The shortest text of the same time: 120000.0 is 12."""
    text = _fraction(text)
    while len(text) > 2 and text.endswith("00") and "." not in text:
        text = text[:-2]
    return text


def _with_offset(text: str) -> tuple[str, str]:
    """A date and time without its offset, and this."""
    found = _OFFSET.search(text)
    return (text[: found.start()], found[0]) if found else (text, "")


def _moved(text: str, source: str, target: str) -> str:
    """A date and time in another offset, as exact as it was; days, and what is no date, stay as they are."""
    digits = text.partition(".")[0]
    if len(digits) < 10:
        return text
    try:
        moment = datetime.strptime(digits.ljust(14, "0"), "%Y%m%d%H%M%S")
    except ValueError:
        return text
    moved = moment + _difference(target) - _difference(source)
    return f"{moved:%Y%m%d%H%M%S}"[: max(len(digits), 12)] + text[len(digits) :]


def _difference(offset: str) -> timedelta:
    away = timedelta(hours=int(offset[1:3]), minutes=int(offset[3:5]))
    return -away if offset[0] == "-" else away

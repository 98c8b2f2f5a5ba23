"""Temperature logs of boxes on the road: loggers' files read, and what they say against the band that was asked for.

Known: three columns (date, time, degrees) and four (number, date, time, degrees) apart by blanks or tabs, and vendors' CSV with a preamble
and a header that names a time and a temperature, in degrees Celsius or Fahrenheit, with a point or a comma.
"""

from __future__ import annotations

import csv
import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from statistics import median
from typing import Final, NamedTuple

from lab.errors import UnreadableLog
from lab.hl7.values import looks
from lab.limits import MAX_CELL, MAX_LOG_BYTES, MAX_READINGS

_CHARACTER_SETS: Final = ("utf-8-sig", "gb18030")
"""Loggers' files name none; UTF-8 cannot be mistaken, and what is not UTF-8 is GB 18030 here or refused."""

_DATE: Final = re.compile(r"(\d{1,4})[-/.年](\d{1,2}|[A-Za-z]{3})[-/.月](\d{1,4})日?", re.ASCII)
_MONTH_NAMES: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS: Final = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_ISO_T: Final = re.compile(r"(?<=\d)T(?=\d)")
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d+)?)?\s*([AaPp])?\.?[Mm]?\.?(?:\s*(Z|[+-]\d\d:?\d\d))?", re.ASCII)
_DEGREES: Final = re.compile(r"([+-]?\d{1,3}(?:[.,]\d{1,3})?)\s*°?\s*([CF])?", re.ASCII | re.IGNORECASE)
_TIME_NAMES: Final = re.compile(r"时间|日期|\btime\b|\bdate\b|datetime|timestamp", re.IGNORECASE)
_DEGREE_NAMES: Final = re.compile(r"温度|\btemp|[℃℉]|°\s*[CF]", re.IGNORECASE)
_UNIT: Final = re.compile(r"°?\s*[CF]|[℃℉]", re.IGNORECASE)
_FAHRENHEIT: Final = re.compile(r"℉|°\s*F|fahrenheit|华氏", re.IGNORECASE)
MIN_CELSIUS, MAX_CELSIUS = -273.15, 200.0
"""A reading outside these is none."""

_LEAST_COLUMNS: Final = 3
_PREAMBLE_LINES: Final = 200
"""Lines in which the header of a table is looked for."""

GAP_FACTOR: Final = 2.0
"""An interval longer than this many usual ones is a gap."""

ACTIVATION_KELVIN: Final = 83_144.72 / 8.314472
"""Activation energy over the gas constant in the mean kinetic temperature: 83.14472 kJ/mol (USP chapter 1079)."""


class Reading(NamedTuple):
    """One reading: when, with its zone, and how warm in degrees Celsius."""

    at: datetime
    celsius: float


@dataclass(slots=True)
class Log:
    """The readings of a file in the order of time. `unread` are the rows, counted from 1 below any header, that could not be read."""

    readings: list[Reading] = field(default_factory=list)
    unread: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Excursion(NamedTuple):
    """A time outside the band: on which side (`above`, `below`), from the first reading outside to the first within again.

    `until` is the last reading outside where the log ends there; `extreme` is the warmest or coldest of it.
    """

    side: str
    start: datetime
    until: datetime
    extreme: float
    readings: int


class Gap(NamedTuple):
    """A time without readings."""

    start: datetime
    until: datetime


def read(raw: bytes, zone: tzinfo) -> Log:
    """Return the readings of a logger's file; times that name no zone are in `zone`.

    Rows that cannot be read are listed. Raises UnreadableLog where there is no reading at all, or a date that may be read in two ways.
    """
    if len(raw) > MAX_LOG_BYTES:
        raise UnreadableLog(f"the file has {len(raw)} bytes; {MAX_LOG_BYTES} are read")
    if raw.startswith(b"%PDF"):
        raise UnreadableLog("a PDF is kept as a document; its readings are not taken. Export the log as text or CSV")
    lines, notes = _text(raw).splitlines(), list[str]()
    if len(lines) > MAX_READINGS + _PREAMBLE_LINES:
        raise UnreadableLog(f"the log has {len(lines)} lines; {MAX_READINGS} are read")
    rows = _table(lines, notes) or _columns(lines)
    return _log(rows, zone, notes)


def _text(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        tried: tuple[str, ...] = ("utf-16",)
    else:
        tried = _CHARACTER_SETS
    for character_set in tried:
        try:
            return raw.decode(character_set)
        except UnicodeDecodeError:
            continue
    raise UnreadableLog("the text is neither UTF-8 nor GB 18030 nor UTF-16 with its mark")


class _Row(NamedTuple):
    """What of a row is date, time and degrees, before any of it is read."""

    number: int
    moment: str
    degrees: str
    fahrenheit: bool = False


def _table(lines: Sequence[str], notes: list[str]) -> list[_Row]:
    """Return the rows below a header that names a time and a temperature; none where there is no such header."""
    for delimiter in ("\t", ";", ","):
        for place, line in enumerate(lines[:_PREAMBLE_LINES]):
            names = _cells(line, delimiter)
            times = [number for number, name in enumerate(names) if _TIME_NAMES.search(name)]
            degrees = [number for number, name in enumerate(names) if _DEGREE_NAMES.search(name) and number not in times]
            if not (times and degrees):
                continue
            fahrenheit = bool(_FAHRENHEIT.search(names[degrees[0]]))
            rows = list(_rows_below(lines[place + 1 :], delimiter, times[:2], degrees[0], fahrenheit))
            if rows and _DATE.search(rows[0].moment):
                if len(degrees) > 1:
                    notes.append(f"of {len(degrees)} columns of temperatures {names[degrees[0]]} is read")
                return rows
    return []


def _rows_below(lines: Sequence[str], delimiter: str, times: Sequence[int], degrees: int, fahrenheit: bool) -> Iterator[_Row]:
    number = 0
    for line in lines:
        if not line.strip():
            continue
        number += 1
        cells = _cells(line, delimiter)
        moment = " ".join(cells[place] for place in times if place < len(cells))
        yield _Row(number, moment, cells[degrees] if degrees < len(cells) else "", fahrenheit)


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return [cell.strip()[:MAX_CELL] for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return []


def _columns(lines: Sequence[str]) -> list[_Row]:
    """Return rows of three or four columns without a header: date, time and degrees, with a number before them or without."""
    rows = []
    number = 0
    for line in lines:
        if not line.strip():
            continue
        number += 1
        for between in (r"[\s;]+", r"[\s;,]+"):
            parts = re.split(between, _ISO_T.sub(" ", line.strip()))
            if _UNIT.fullmatch(parts[-1]):
                parts[-2:] = ["".join(parts[-2:])]
            date = next((place for place, part in enumerate(parts[:2]) if _DATE.fullmatch(part)), None)
            if date is not None and len(parts) >= date + _LEAST_COLUMNS:
                rows.append(_Row(number, " ".join(parts[date:-1]), parts[-1]))
                break
        else:
            rows.append(_Row(number, "", ""))
    return rows


def _log(rows: Sequence[_Row], zone: tzinfo, notes: list[str]) -> Log:
    order = _day_order([row.moment for row in rows])
    log = Log(notes=notes)
    for row in rows:
        at, celsius = _moment(row.moment, order, zone), _celsius(row.degrees, row.fahrenheit)
        if at is None or celsius is None:
            log.unread.append(row.number)
        else:
            log.readings.append(Reading(at, celsius))
    if not log.readings:
        raise UnreadableLog("no row holds a date, a time and degrees, as in 2026-11-20 08:00 4.1")
    if any(after.at < before.at for before, after in pairwise(log.readings)):
        log.readings.sort(key=lambda reading: reading.at)
        log.notes.append("the readings were not in the order of time")
    return log


def _day_order(moments: Sequence[str]) -> str:
    """Return YMD, DMY or MDY for the dates of a file. Raises UnreadableLog where they may be read in two ways."""
    found = [match for moment in moments if (match := _DATE.search(moment))]
    if any(len(match[1]) == 4 for match in found):
        return "YMD"
    if not found or any("." in match[0] or match[2].isalpha() or int(match[1]) > 12 for match in found):
        return "DMY"
    if any(int(match[2]) > 12 for match in found):
        return "MDY"
    raise UnreadableLog(f"the date {found[0][0]} may be read in two ways; export the log with the year first")


def _moment(text: str, order: str, zone: tzinfo) -> datetime | None:
    text = unicodedata.normalize("NFKC", text).replace("T", " ")
    date, clock = _DATE.search(text), _CLOCK.search(text)
    if date is None or clock is None:
        return None
    parts = dict(zip(order, (int(part) if part.isdigit() else _MONTHS.get(part.lower(), 0) for part in date.groups()), strict=True))
    hour = int(clock[1])
    if clock[4]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if clock[4] in "Pp" else 0)
    try:
        moment = datetime(parts["Y"], parts["M"], parts["D"], hour, int(clock[2]), int(clock[3] or 0), tzinfo=zone)
        if clock[5]:
            moment = datetime.fromisoformat(f"{moment:%Y-%m-%dT%H:%M:%S}{clock[5]}").astimezone(zone)
    except (ValueError, OverflowError):
        return None
    return moment if parts["Y"] >= 1000 else None


def _celsius(text: str, fahrenheit: bool) -> float | None:
    found = _DEGREES.fullmatch(unicodedata.normalize("NFKC", text).replace("−", "-").strip())
    if found is None:
        return None
    degrees = float(found[1].replace(",", "."))
    if found[2].upper() == "F" if found[2] else fahrenheit:
        degrees = (degrees - 32) * 5 / 9
    return degrees if MIN_CELSIUS <= degrees <= MAX_CELSIUS else None


def required_band(text: str) -> tuple[float, float]:
    """Return the ends of a band such as `2-8` or `-25--15`, in degrees Celsius. Raises UnreadableLog."""
    seen = looks(text)
    if seen is None or seen.low is None or seen.high is None:
        raise UnreadableLog(f"{text!r} is no band of temperature; write 2-8")
    return seen.low, seen.high


def excursions(readings: Sequence[Reading], low: float, high: float) -> list[Excursion]:
    """Return the times outside a band, whose ends belong to it, in the order of time."""
    found: list[Excursion] = []
    outside = ""
    for at, celsius in readings:
        side = "above" if celsius > high else "below" if celsius < low else ""
        if outside:
            found[-1] = found[-1]._replace(until=at)
        if side and side == outside:
            last = found[-1]
            extreme = max(last.extreme, celsius) if side == "above" else min(last.extreme, celsius)
            found[-1] = last._replace(extreme=extreme, readings=last.readings + 1)
        elif side:
            found.append(Excursion(side, at, at, celsius, 1))
        outside = side
    return found


def gaps(readings: Sequence[Reading], interval: timedelta | None = None) -> list[Gap]:
    """Return the times without readings: intervals of more than twice the usual one, which is the median where none is given."""
    between = [(before.at, after.at) for before, after in pairwise(readings)]
    if not between:
        return []
    seconds = [(until - start).total_seconds() for start, until in between]
    usual = interval.total_seconds() if interval is not None else median(seconds)
    return [Gap(*times) for times, length in zip(between, seconds, strict=True) if length > GAP_FACTOR * usual]


def mean_kinetic(readings: Sequence[Reading]) -> float:
    """Return the mean kinetic temperature in degrees Celsius: the one at which as much would spoil (USP chapter 1079).

    Readings count alike, as the formula has it. Raises UnreadableLog where there is none.
    """
    if not readings:
        raise UnreadableLog("there is no reading")
    rates = [-ACTIVATION_KELVIN / max(reading.celsius + 273.15, 1.0) for reading in readings]
    most = max(rates)
    mean = most + math.log(sum(math.exp(rate - most) for rate in rates) / len(rates))
    return -ACTIVATION_KELVIN / mean - 273.15

"""Courses of results as geometry for SVG that templates draw: a small line in a row, and a large chart with ranges of the time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from telemed.centres.lab.cumulative import Limits, Mark, Reading, Row

SPARK: Final = (84, 20)
"""Width and height of the small line, in pixels."""
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 190, 52, 14, 10, 24
"""Pixels of a chart at its own size."""
MARGIN: Final = 3
LEAST: Final = 2
"""Points of a course: one is none."""
Y_TICKS: Final = 7
X_TICKS: Final = 6
FAR: Final = 2
"""Times the span, or the value, from which a limit is too far away to be drawn (practice)."""
ROOM: Final = 0.08
"""Share of the span that stays free above and below."""

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Spark:
    """The small line: `points` as SVG writes them, the last point, and the band of the newest range (y, height), None without one."""

    points: str
    last: tuple[float, float]
    band: tuple[float, float] | None
    tone: str


@dataclass(frozen=True, slots=True)
class Point:
    """One reading of a chart. `tone` is critical, near or quiet; `shape` tells it without colour; `open`: its value is a bound."""

    x: float
    y: float
    tone: str
    shape: str
    open: bool
    words: str


@dataclass(frozen=True, slots=True)
class Band:
    """A reference range as it held from one reading to the next."""

    x: float
    width: float
    y: float
    height: float
    certain: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """A course with its scale: ticks are (place, label)."""

    line: str
    points: tuple[Point, ...]
    bands: tuple[Band, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    width: int = WIDTH
    height: int = HEIGHT


def tone_of(marks: Sequence[Mark]) -> str:
    """Return the tone of a reading: critical, near (out of range) or quiet."""
    if Mark.CRITICAL in marks:
        return "critical"
    return "near" if any(mark in marks for mark in (Mark.HIGH, Mark.LOW, Mark.ABNORMAL)) else "quiet"


def shape_of(marks: Sequence[Mark]) -> str:
    """Return the shape of a reading: up, down or round."""
    if Mark.HIGH in marks:
        return "up"
    return "down" if Mark.LOW in marks else "round"


def _share(at: datetime, span: Span) -> float:
    whole = (span[1] - span[0]).total_seconds()
    return (at - span[0]).total_seconds() / whole if whole > 0 else 0.5


def spark_of(row: Row, span: Span) -> Spark | None:
    """Return the small line of a row on the time axis that all rows share; None where fewer than two values compare."""
    seen = [reading for reading in row.readings if reading.number is not None]
    numbers = [reading.number for reading in seen if reading.number is not None]
    if len(numbers) < LEAST:
        return None
    width, height = SPARK
    low, high = min(numbers), max(numbers)
    room = (high - low) or abs(high) or 1.0

    def y(number: float) -> float:
        return round(height - MARGIN - (number - low) / room * (height - 2 * MARGIN), 1)

    places = [(round(MARGIN + _share(each.at, span) * (width - 2 * MARGIN), 1), y(each.number or 0.0)) for each in seen]
    limits, band = seen[-1].limits, None
    if limits.stated:
        top = 0.0 if limits.high is None else min(max(y(limits.high), 0.0), height)
        bottom = float(height) if limits.low is None else min(max(y(limits.low), 0.0), height)
        band = (top, round(bottom - top, 1)) if bottom > top else None
    return Spark(" ".join(f"{x:g},{y:g}" for x, y in places), places[-1], band, tone_of(seen[-1].marks))


def steps(low: float, high: float, most: int) -> list[float]:
    """Return round numbers (1, 2 or 5 times a power of ten) that divide a span into at most `most` parts, those within it."""
    if not high > low:
        return [low]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    size = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / size - 1e-9), math.floor(high / size + 1e-9)
    return [round(number * size, 10) for number in range(first, last + 1)]


def _scale(row: Row) -> tuple[float, float]:
    """The lowest and highest of values and limits, with room; a limit far away does not flatten the course."""
    numbers = [each.number for each in row.readings if each.number is not None]
    low, high = min(numbers), max(numbers)
    span = (high - low) or abs(high) or 1.0
    ends = [end for each in row.readings for end in (each.limits.low, each.limits.high) if end is not None]
    near = [end for end in ends if min(low - FAR * span, low / FAR) <= end <= max(high + FAR * span, high * FAR)]
    low, high = min([low, *near]), max([high, *near])
    room = ((high - low) or abs(high) or 1.0) * ROOM
    return low - room, high + room


def chart_of(row: Row, span: Span, zone: tzinfo) -> Chart | None:
    """Return the chart of a row; None where no value has a number in the row's unit."""
    seen = [reading for reading in row.readings if reading.number is not None]
    if not seen:
        return None
    low, high = _scale(row)
    inner_width, inner_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x(at: datetime) -> float:
        return round(LEFT + _share(at, span) * inner_width, 1)

    def y(number: float) -> float:
        return round(TOP + (high - min(max(number, low), high)) / (high - low) * inner_height, 1)

    points = tuple(_point(each, x(each.at), y(each.number or 0.0), zone) for each in seen)
    return Chart(
        line=" ".join(f"{point.x:g},{point.y:g}" for point in points),
        points=points,
        bands=tuple(_bands(seen, x, y)),
        x_ticks=tuple((x(at), words) for at, words in _days(span, zone)),
        y_ticks=tuple((y(number), f"{number:g}") for number in steps(low, high, Y_TICKS)),
    )


def _point(reading: Reading, x: float, y: float, zone: tzinfo) -> Point:
    value = reading.result.value
    words = f"{reading.at.astimezone(zone):%Y-%m-%d %H:%M} {value.said} {value.unit} {value.flag} {reading.result.member}"
    return Point(x, y, tone_of(reading.marks), shape_of(reading.marks), bool(value.comparator), " ".join(words.split()))


def _bands(seen: Sequence[Reading], x: Callable[[datetime], float], y: Callable[[float], float]) -> list[Band]:
    """Each range from its reading to the next, the last to the edge; the first reaches back to the edge."""
    found: list[Band] = []
    for place, reading in enumerate(seen):
        limits: Limits = reading.limits
        if not limits.stated:
            continue
        start = LEFT if place == 0 else x(reading.at)
        end = WIDTH - RIGHT if place == len(seen) - 1 else x(seen[place + 1].at)
        top = TOP if limits.high is None else y(limits.high)
        bottom = HEIGHT - BOTTOM if limits.low is None else y(limits.low)
        if bottom > top and end > start:
            found.append(Band(start, round(end - start, 1), top, round(bottom - top, 1), limits.certain))
    return found


def _days(span: Span, zone: tzinfo) -> list[tuple[datetime, str]]:
    """Moments of the time axis with their days; one day has one."""
    first, last = span[0].astimezone(zone), span[1].astimezone(zone)
    whole = last - first
    if whole < timedelta(days=1):
        return [(first, f"{first:%Y-%m-%d}")]
    count = min(X_TICKS, max(1, whole.days))
    moments = [first + whole * number / count for number in range(count + 1)]
    return [(moment, f"{moment:%Y-%m-%d}") for moment in moments]

"""The temperature of a box as SVG: the band that was asked for, each logger's line, what lies outside it, and silences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from math import ceil, floor
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from telemed.centres.lab.specimens.domain import Assessment, Box, Reading

WIDTH, HEIGHT = 720, 240
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 12, 30
MAX_POINTS: Final = 1500
"""Points of a line: two a pixel. Of more, the lowest and the highest of each stretch are drawn."""

TICKS: Final = 6
STYLE: Final = (
    "text{font:12px system-ui,sans-serif;fill:#3a4754}.band{fill:#2f8f5b;fill-opacity:.14}.limit{stroke:#2f8f5b;stroke-dasharray:4 3}"
    ".line{fill:none;stroke:#1f5fa8;stroke-width:1.8}.alarm{fill:#b3261e;fill-opacity:.16}.gap{fill:#7a7a7a;fill-opacity:.22}"
    ".axis{stroke:#9aa6b1}.out{fill:#b3261e}"
)


class _Frame:
    """From time and degrees to the drawing's coordinates."""

    def __init__(self, start: datetime, end: datetime, low: float, high: float) -> None:
        self._start, self._low = start, low
        self._seconds = max((end - start).total_seconds(), 1.0)
        self._degrees = max(high - low, 1.0)

    def x(self, at: datetime) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (at - self._start).total_seconds() / self._seconds

    def y(self, celsius: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (celsius - self._low) / self._degrees)


def draw(readings: Mapping[str, Sequence[Reading]], box: Box, assessment: Assessment, zone: tzinfo, title: str) -> bytes:
    """Return the drawing. `readings` hold at least one."""
    every = [reading for found in readings.values() for reading in found]
    start, end = min(each.at for each in every), max(each.at for each in every)
    degrees = [box.low, box.high, *(each.celsius for each in every)]
    low, high = floor(min(degrees) - 1), ceil(max(degrees) + 1)
    frame = _Frame(start, end, low, high)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label={quoteattr(title)}>',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        *_bands(frame, box),
        *(_stretch(frame, "alarm", alarm.start, alarm.until) for alarm in assessment.alarms),
        *(_stretch(frame, "gap", gap.start, gap.until) for gap in assessment.gaps),
        *_axes(frame, start, end, low, high, zone),
        *(_line(frame, found) for found in readings.values() if found),
        *_extremes(frame, assessment, box),
        "</svg>",
    ]
    return "".join(parts).encode()


def _bands(frame: _Frame, box: Box) -> list[str]:
    top, bottom = frame.y(box.high), frame.y(box.low)
    across = WIDTH - LEFT - RIGHT
    lines = [f'<line class="limit" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>' for y in (top, bottom)]
    return [f'<rect class="band" x="{LEFT}" y="{top:.1f}" width="{across}" height="{bottom - top:.1f}"/>', *lines]


def _stretch(frame: _Frame, kind: str, start: datetime, until: datetime) -> str:
    left = frame.x(start)
    width = max(frame.x(until) - left, 2.0)
    return f'<rect class="{kind}" x="{left:.1f}" y="{TOP}" width="{width:.1f}" height="{HEIGHT - TOP - BOTTOM}"/>'


def _axes(frame: _Frame, start: datetime, end: datetime, low: int, high: int, zone: tzinfo) -> list[str]:
    parts = [f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM}"/>']
    step = max(ceil((high - low) / TICKS), 1)
    marks = range(low, high + 1, step)
    parts += [f'<text x="{LEFT - 6}" y="{frame.y(degrees) + 4:.1f}" text-anchor="end">{degrees}</text>' for degrees in marks]
    parts.append(f'<text x="4" y="{TOP + 10}">℃</text>')
    shown = "%H:%M" if end - start < timedelta(days=1) else "%m-%d %H:%M"
    for place in range(TICKS):
        at = start + (end - start) * place / (TICKS - 1)
        anchor = "start" if place == 0 else "end" if place == TICKS - 1 else "middle"
        parts.append(f'<text x="{frame.x(at):.1f}" y="{HEIGHT - 10}" text-anchor="{anchor}">{at.astimezone(zone):{shown}}</text>')
    return parts


def _line(frame: _Frame, readings: Sequence[Reading]) -> str:
    points = " ".join(f"{frame.x(each.at):.1f},{frame.y(each.celsius):.1f}" for each in _thinned(readings))
    return f'<polyline class="line" points="{points}"/>'


def _thinned(readings: Sequence[Reading]) -> Sequence[Reading]:
    """The lowest and the highest reading of each stretch, where there are more than can be seen."""
    if len(readings) <= MAX_POINTS:
        return readings
    length = ceil(2 * len(readings) / MAX_POINTS)
    kept: list[Reading] = []
    for start in range(0, len(readings), length):
        stretch = readings[start : start + length]
        kept += sorted({min(stretch, key=lambda each: each.celsius), max(stretch, key=lambda each: each.celsius)})
    return kept


def _extremes(frame: _Frame, assessment: Assessment, box: Box) -> list[str]:
    """The worst degree of each alarm, beside its stretch."""
    parts = []
    for alarm in assessment.alarms[:8]:
        middle = frame.x(alarm.start + (alarm.until - alarm.start) / 2)
        above = frame.y(max(alarm.extreme, box.high)) - 6
        y = max(above, TOP + 12) if alarm.side == "above" else min(frame.y(alarm.extreme) + 16, HEIGHT - BOTTOM - 4)
        anchor = "start" if middle < LEFT + 30 else "end" if middle > WIDTH - RIGHT - 30 else "middle"
        parts.append(f'<text class="out" x="{middle:.1f}" y="{y:.1f}" text-anchor="{anchor}">{alarm.extreme:.1f}</text>')
    return parts

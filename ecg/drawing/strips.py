"""Sheets of chosen strips of a long recording, and of its trends, calibrated and in millimetres like every other sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg.drawing.layout import LABEL_MM, LINE_MM, TEXT_MM, Sheet, fitted
from ecg.drawing.paper import calibration_pulse, grid, pulse_width
from ecg.drawing.primitives import Drawing, Item, Lines, Polyline, Strip, Text
from ecg.drawing.trace import traces

ROW_MM = 15.0
"""Height of a lead in a strip: 1.5 mV at 10 mm/mV."""
AXIS_MM = 14.0
CURVES = ("trace", "alert", "marker")
"""Styles of a chart's lines, in order; a fourth line begins again."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A stretch of a recording: microvolts, shape (leads, n), at `rate` Hz, and the line of text above it."""

    leads: tuple[str, ...]
    samples: npt.NDArray[np.float32]
    rate: float
    label: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A trend: `lines` by name, one value every `step` seconds, NaN where there is none; `digits` of the scale's numbers;
    `around` is what the scale shows at least."""

    title: str
    lines: tuple[tuple[str, npt.NDArray[np.float64]], ...]
    step: float
    digits: int = 0
    around: tuple[float, float] | None = None


def draw_strips(excerpts: Sequence[Excerpt], sheet: Sheet | None = None) -> list[Drawing]:
    """The excerpts below each other, as many sheets as they need. What is longer than the paper is wide is cut off."""
    sheet = sheet or Sheet()
    drawings: list[Drawing] = []
    items: list[Item] = []
    strips: list[Strip] = []
    top = sheet.margin

    def finish() -> None:
        drawn = f"{sheet.speed:g} mm/s   {sheet.gain:g} mm/mV"
        items.append(Text(sheet.margin, top + LINE_MM, drawn, TEXT_MM))
        drawings.append(Drawing(sheet.width, sheet.height, tuple(items), tuple(strips), sheet.speed, sheet.gain))

    for excerpt in excerpts:
        height = len(excerpt.leads) * ROW_MM
        if items and top + LINE_MM + height > sheet.height - sheet.margin - 2 * LINE_MM:
            finish()
            items, strips, top = [], [], sheet.margin
        strips += _excerpt(items, excerpt, sheet, top)
        top += LINE_MM + height + LINE_MM
    if items:
        finish()
    return drawings


def _excerpt(items: list[Item], excerpt: Excerpt, sheet: Sheet, top: float) -> list[Strip]:
    left, begin = sheet.margin, sheet.margin + pulse_width(sheet.speed)
    room = (sheet.width - 2 * sheet.margin) // 5 * 5
    seconds = min(excerpt.samples.shape[1] / excerpt.rate, (room - pulse_width(sheet.speed)) / sheet.speed)
    paper = top + LINE_MM
    items.append(Text(left, paper - 1.0, fitted(excerpt.label, room), TEXT_MM, bold=True))
    items += grid(left, paper, room, len(excerpt.leads) * ROW_MM)
    count = int(seconds * excerpt.rate)
    placed = []
    for row, lead in enumerate(excerpt.leads):
        y = paper + round((row + 0.55) * ROW_MM)
        part = excerpt.samples[row, :count]
        known = part[np.isfinite(part)]
        middle = np.median(known) if known.size else np.float32(0)
        items.append(calibration_pulse(left, y, sheet.speed, sheet.gain))
        items += traces(part - middle, excerpt.rate, (begin, y), (sheet.speed, sheet.gain), (paper, paper + len(excerpt.leads) * ROW_MM))
        items.append(Text(begin + 1, y - 0.4 * ROW_MM + 1, lead, LABEL_MM, bold=True))
        placed.append(Strip(lead, begin, y, seconds * sheet.speed, 0.0))
    return placed


def draw_trends(charts: Sequence[Chart], clock: Sequence[str], sheet: Sheet | None = None) -> Drawing:
    """Charts below each other over one time axis; `clock` are the labels along it, evenly spaced from beginning to end."""
    sheet = sheet or Sheet()
    items: list[Item] = []
    height = (sheet.height - 2 * sheet.margin) / max(1, len(charts))
    for number, chart in enumerate(charts):
        _chart(items, chart, clock, sheet, sheet.margin + number * height, height - LINE_MM)
    return Drawing(sheet.width, sheet.height, tuple(items), (), sheet.speed, sheet.gain)


def _chart(items: list[Item], chart: Chart, clock: Sequence[str], sheet: Sheet, top: float, height: float) -> None:
    left, right = sheet.margin + AXIS_MM, sheet.width - sheet.margin
    upper, lower = top + LINE_MM + 1, top + height - LINE_MM
    known = np.concatenate([values[np.isfinite(values)] for _, values in chart.lines] or [np.zeros(0)])
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    if chart.around is not None:
        low, high = min(low, chart.around[0]), max(high, chart.around[1])
    if high - low < 1e-6:
        low, high = low - 1, high + 1
    items.append(Text(sheet.margin, top + LINE_MM - 1, chart.title, TEXT_MM, bold=True))
    for n, (name, _) in enumerate(chart.lines):
        items.append(Text(left + 60 + 32 * n, top + LINE_MM - 1, name, TEXT_MM))
        key = [(left + 48 + 32 * n, top + LINE_MM - 2, left + 58 + 32 * n, top + LINE_MM - 2)]
        items.append(Lines(np.array(key), CURVES[n % len(CURVES)]))
    for share in (0.0, 0.5, 1.0):
        y = lower - share * (lower - upper)
        items.append(Lines(np.array([(left, y, right, y)]), "grid-bold"))
        items.append(Text(left - 1.5, y + 1, f"{low + share * (high - low):.{chart.digits}f}", TEXT_MM, "end", style="faint-text"))
    for n, text in enumerate(clock):
        x = left + n / max(1, len(clock) - 1) * (right - left)
        items.append(Text(x, lower + LINE_MM, text, TEXT_MM, "middle", style="faint-text"))
    for n, (_, values) in enumerate(chart.lines):
        across = left + (np.arange(values.size) + 0.5) / max(1, values.size) * (right - left)
        points = np.column_stack((across, lower - (values - low) / (high - low) * (lower - upper)))
        edges = np.flatnonzero(np.diff(np.concatenate(([False], np.isfinite(values), [False]))))
        curve = CURVES[n % len(CURVES)]
        items += [Polyline(points[a:b], curve) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 1]

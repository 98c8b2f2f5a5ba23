"""Tracings, strips and trends as figures of a report: drawn by the `ecg` library in the pool that prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from telemed.adapters.printing.report_document import Figure, Lettering, Stroke
from telemed.adapters.printing.report_figures import FIGURE_HEIGHT_MM, FIGURE_WIDTH_MM


@dataclass(frozen=True, slots=True)
class SheetOrder:
    """A resting tracing: samples as `ecg.pyramid` keeps them on its finest level, and what stands above it."""

    leads: tuple[str, ...]
    rate: float
    samples: bytes
    begun: tuple[str, str] = ("", "")
    measurements: tuple[tuple[str, str], ...] = ()
    statements: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StripOrder:
    """A strip of a long recording."""

    leads: tuple[str, ...]
    rate: float
    samples: bytes
    label: str


@dataclass(frozen=True, slots=True)
class TrendOrder:
    """Charts by title: lines by name with their values (None where there is none), step in seconds, digits, least range."""

    charts: tuple[tuple[str, tuple[tuple[str, tuple[float | None, ...]], ...], float, int, tuple[float, float] | None], ...]
    clock: tuple[str, ...]


def draw_sheet(order: SheetOrder) -> Figure:
    """Ten seconds on calibrated paper: 25 mm/s, 10 mm/mV, diagnostic band."""
    import ecg
    from ecg.drawing import Header, Sheet, Words, draw

    recording = ecg.Recording(order.leads, _samples(order.samples, len(order.leads)), order.rate)
    sheet = Sheet(width=FIGURE_WIDTH_MM, height=FIGURE_HEIGHT_MM, margin=0.5, words=Words(**order.words))
    return _figure(draw(recording, sheet, Header("", (order.begun,), order.measurements, order.statements)))


def draw_strip_sheets(orders: Sequence[StripOrder]) -> list[Figure]:
    """Strips below each other, on as many pages as they need."""
    from ecg.drawing import Excerpt, Sheet, draw_strips

    sheet = Sheet(width=FIGURE_WIDTH_MM, height=FIGURE_HEIGHT_MM, margin=0.5)
    excerpts = [Excerpt(order.leads, _samples(order.samples, len(order.leads)), order.rate, order.label) for order in orders]
    return [_figure(drawing) for drawing in draw_strips(excerpts, sheet)]


def draw_trend_sheet(order: TrendOrder) -> Figure:
    """Trends of a long recording on one page."""
    import numpy as np

    from ecg.drawing import Chart, Sheet, draw_trends

    charts = []
    for title, lines, step, digits, around in order.charts:
        values = tuple((name, np.array([np.nan if value is None else value for value in line], np.float64)) for name, line in lines)
        charts.append(Chart(title, values, step, digits, around))
    return _figure(draw_trends(charts, order.clock, Sheet(width=FIGURE_WIDTH_MM, height=FIGURE_HEIGHT_MM, margin=4)))


def _samples(content: bytes, leads: int) -> Any:
    """Numbers of the finest level, lead after lead, as microvolts with NaN for gaps."""
    import numpy as np

    from ecg.pyramid import INVALID

    numbers = np.frombuffer(content, "<i2").reshape(leads, -1)
    return np.where(numbers == INVALID, np.nan, numbers).astype(np.float32)


def _figure(drawing: Any) -> Figure:
    from ecg.drawing import STYLES, Lines, Text

    strokes: list[Stroke] = []
    letterings: list[Lettering] = []
    for item in drawing.items:
        style = STYLES[item.style]
        if isinstance(item, Text):
            letterings.append(Lettering(item.x, item.y, item.text, item.size, item.anchor, item.bold, style.colour))
        elif isinstance(item, Lines):
            strokes += [Stroke(tuple(ends), style.colour, style.width) for ends in item.ends.round(3).tolist()]
        else:
            points = item.points.round(3).reshape(-1).tolist()
            strokes.append(Stroke(tuple(points), style.colour, style.width))
    return Figure(drawing.width, drawing.height, tuple(strokes), tuple(letterings))

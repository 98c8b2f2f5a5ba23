"""The sheet of median beats with the points that the measurements were taken from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg.drawing.layout import LABEL_MM, LINE_MM, TEXT_MM, Sheet, fitted
from ecg.drawing.paper import calibration_pulse, grid, pulse_width
from ecg.drawing.primitives import Drawing, Item, Lines, Strip, Text
from ecg.drawing.trace import traces


@dataclass(frozen=True, slots=True)
class MedianBeats:
    """One beat of each lead, microvolts, shape (leads, n), at `rate` Hz; `marks` are samples by name (P onset ...)."""

    leads: tuple[str, ...]
    samples: npt.NDArray[np.float32]
    rate: float
    marks: Mapping[str, float]


def draw_median(median: MedianBeats, sheet: Sheet | None = None, title: str = "") -> Drawing:
    """Median beats in rows of as many as fit, at twice the sheet's speed, markers through every beat.

    Raises ValueError for beats without samples, or longer than the sheet is wide.
    """
    sheet = sheet or Sheet()
    speed = min(2 * sheet.speed, 50.0)
    left, top = sheet.margin, sheet.margin + (LINE_MM + 2 if title else 0)
    width = (sheet.width - 2 * sheet.margin) // 5 * 5
    height = (sheet.height - sheet.margin - 2 * LINE_MM - top) // 5 * 5
    beat = median.samples.shape[1] / median.rate * speed + 5
    fitting = int((width - pulse_width(speed)) / beat)
    if median.samples.size == 0 or fitting < 1:
        raise ValueError(f"median beats of shape {median.samples.shape} do not fit a sheet {sheet.width:g} mm wide")
    rows = -(-len(median.leads) // fitting)
    columns = -(-len(median.leads) // rows)  # rows of one length: twelve leads are three rows of four, not 5, 5 and 2
    items: list[Item] = [*grid(left, top, width, height)]
    if title:
        items.append(Text(left, sheet.margin + LINE_MM, fitted(title, width), TEXT_MM, bold=True))
    strips = []
    for n, lead in enumerate(median.leads):
        x = left + pulse_width(speed) + n % columns * beat
        y = float(top + round((n // columns + 0.6) * height / rows))
        if n % columns == 0:
            items.append(calibration_pulse(left, y, speed, sheet.gain))
        samples = median.samples[n]
        items += traces(samples, median.rate, (x, y), (speed, sheet.gain), (0.0, sheet.height))
        items.append(Text(x + 1, y - height / rows * 0.45, lead, LABEL_MM, bold=True))
        at = [x + sample / median.rate * speed for sample in median.marks.values()]
        if at:
            reach = height / rows * 0.4
            items.append(Lines(np.array([(mark, y - reach, mark, y + reach / 2) for mark in at]), "marker"))
        strips.append(Strip(lead, x, y, beat - 5, 0.0))
    names = "  ".join(f"{name} {sample / median.rate * 1000:.0f} ms" for name, sample in median.marks.items())
    drawn = f"{speed:g} mm/s   {sheet.gain:g} mm/mV   {names}"
    items.append(Text(left, top + height + LINE_MM, fitted(drawn, width), TEXT_MM))
    return Drawing(sheet.width, sheet.height, tuple(items), tuple(strips), speed, sheet.gain)

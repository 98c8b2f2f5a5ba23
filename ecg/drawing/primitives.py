"""The elements of a drawing: lines, traces and text in millimetres from the top left corner of the sheet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True)
class Style:
    """Colour as #rrggbb and line width in millimetres."""

    colour: str
    width: float


STYLES: Final[Mapping[str, Style]] = {
    "grid": Style("#f7c9c9", 0.08),
    "grid-bold": Style("#e88f8f", 0.16),
    "trace": Style("#101010", 0.22),
    "calibration": Style("#101010", 0.22),
    "separator": Style("#101010", 0.16),
    "marker": Style("#1f5fbf", 0.18),
    "alert": Style("#b3181f", 0.22),
    "text": Style("#101010", 0.0),
    "faint-text": Style("#606060", 0.0),
}
"""Pink paper with a bold line every 5 mm, black trace. One table for screen, SVG and PDF."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Separate straight lines of one style: `ends` has shape (n, 4), x1 y1 x2 y2 in millimetres."""

    ends: Points
    style: str


@dataclass(frozen=True, slots=True)
class Polyline:
    """A connected line: `points` has shape (n, 2), x and y in millimetres."""

    points: Points
    style: str


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text whose baseline starts, is centred or ends at x, y; `size` is the font's size in millimetres."""

    x: float
    y: float
    text: str
    size: float
    anchor: Anchor = "start"
    bold: bool = False
    style: str = "text"


Item = Lines | Polyline | Text


@dataclass(frozen=True, slots=True)
class Strip:
    """The place of a lead: it is drawn from `x` on for `width` mm; `y` is its zero line; `begin` is the recording's time there in
    seconds. With the drawing's speed and gain this turns a place on the sheet into time and amplitude, for calipers."""

    lead: str
    x: float
    y: float
    width: float
    begin: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """A sheet: size in millimetres, items in order of painting, strips; `speed` in mm/s and `gain` in mm/mV."""

    width: float
    height: float
    items: tuple[Item, ...]
    strips: tuple[Strip, ...]
    speed: float
    gain: float

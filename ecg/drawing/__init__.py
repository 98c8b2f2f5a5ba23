"""Drawing on calibrated paper: one layout in millimetres, painted alike as SVG, as PDF and on the screen."""

from ecg.drawing.filters import FILTERS, Filter, filtered, with_notch
from ecg.drawing.layout import LAYOUTS, Header, Sheet, Words, draw
from ecg.drawing.median import MedianBeats, draw_median
from ecg.drawing.paper import GAINS, SPEEDS
from ecg.drawing.pdf import embedded_font, paint, to_pdf
from ecg.drawing.primitives import STYLES, Drawing, Lines, Polyline, Strip, Style, Text
from ecg.drawing.screen import to_json
from ecg.drawing.strips import Chart, Excerpt, draw_strips, draw_trends
from ecg.drawing.svg import to_svg

__all__ = [
    "FILTERS",
    "GAINS",
    "LAYOUTS",
    "SPEEDS",
    "STYLES",
    "Chart",
    "Drawing",
    "Excerpt",
    "Filter",
    "Header",
    "Lines",
    "MedianBeats",
    "Polyline",
    "Sheet",
    "Strip",
    "Style",
    "Text",
    "Words",
    "draw",
    "draw_median",
    "draw_strips",
    "draw_trends",
    "embedded_font",
    "filtered",
    "paint",
    "to_json",
    "to_pdf",
    "to_svg",
    "with_notch",
]

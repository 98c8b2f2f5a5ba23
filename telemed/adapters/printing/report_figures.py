"""Figures and tables of a report: drawings in true size on pages across, tables in the flow of the text."""

from __future__ import annotations

from typing import Any

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4, landscape
from reportlab.platypus import Flowable, LongTable, TableStyle

from telemed.adapters.printing.fonts import BOLD, REGULAR, printable
from telemed.adapters.printing.report_document import Figure, Lettering, Stroke, Table, UnprintableReport
from telemed.adapters.printing.report_flowables import Passage, TextStyle
from telemed.adapters.printing.report_page import ACCENT, INK, RULE, TEXT_WIDTH

ACROSS = landscape(A4)
POINTS_A_MM = 72 / 25.4
FIGURE_LEFT = 8.0 * POINTS_A_MM
FIGURE_BOTTOM = 12.0 * POINTS_A_MM
FIGURE_WIDTH_MM, FIGURE_HEIGHT_MM = 281.0, 184.0
"""Room for a figure on its page; header and footer stand above and below."""


class FigurePage(Flowable):  # type: ignore[misc]  # reportlab carries no types
    """A figure that has a page to itself."""

    def __init__(self, figure: Figure) -> None:
        super().__init__()
        if figure.width > FIGURE_WIDTH_MM or figure.height > FIGURE_HEIGHT_MM:
            room = f"{FIGURE_WIDTH_MM:g} by {FIGURE_HEIGHT_MM:g} mm"
            raise UnprintableReport("figures", f"{figure.width:g} by {figure.height:g} mm; a page has room for {room}")
        self._figure = figure

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        self.height = height
        return width, height

    def draw(self) -> None:
        canvas = self.canv
        canvas.saveState()
        canvas.transform(POINTS_A_MM, 0, 0, -POINTS_A_MM, 0, self.height)  # millimetres from the top left corner
        canvas.setLineJoin(1)
        for stroke in self._figure.strokes:
            _stroke(canvas, stroke)
        for lettering in self._figure.letterings:
            _letter(canvas, lettering)
        canvas.restoreState()


def _stroke(canvas: Any, stroke: Stroke) -> None:
    canvas.setStrokeColor(HexColor(stroke.colour))
    canvas.setLineWidth(stroke.width)
    path = canvas.beginPath()
    pairs = zip(stroke.points[::2], stroke.points[1::2], strict=True)
    path.moveTo(*next(pairs))
    for x, y in pairs:
        path.lineTo(x, y)
    canvas.drawPath(path, stroke=1, fill=0)


def _letter(canvas: Any, lettering: Lettering) -> None:
    canvas.saveState()
    canvas.transform(1, 0, 0, -1, lettering.x, lettering.y)
    canvas.setFillColor(HexColor(lettering.colour))
    canvas.setFont((BOLD if lettering.bold else REGULAR).name, lettering.size)
    show = {"middle": canvas.drawCentredString, "end": canvas.drawRightString}.get(lettering.anchor, canvas.drawString)
    show(0, 0, printable(lettering.text).replace("\n", " "))
    canvas.restoreState()


def table_flowables(table: Table) -> list[Flowable]:
    """The heading and the table, which goes on over pages with its head repeated."""
    heading = Passage([(TextStyle(face=BOLD, size=11.5, leading=18.0, color=ACCENT), printable(table.heading))], keep=1)
    rows = [tuple(printable(cell) for cell in row) for row in (table.columns, *table.rows)]
    made = LongTable(rows, colWidths=[TEXT_WIDTH / len(table.columns)] * len(table.columns), rowHeights=13.5, repeatRows=1)
    style = [
        ("FONT", (0, 0), (-1, -1), REGULAR.name, 8.5, 11),
        ("FONT", (0, 0), (-1, 0), BOLD.name, 8.5, 11),
        ("TEXTCOLOR", (0, 0), (-1, -1), INK),
        ("ALIGN", (0, 0), (-1, -1), "RIGHT"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, RULE),
        ("TOPPADDING", (0, 0), (-1, -1), 1),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]
    made.setStyle(TableStyle(style))
    return [heading, made]

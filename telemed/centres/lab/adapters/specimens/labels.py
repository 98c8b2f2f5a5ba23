"""Labels of tubes: Code 128 for every scanner, DataMatrix for what is small, as PDF (a roll, a sheet) and as ZPL.

A roll's label is 50 by 25 mm. A sheet is A4 with 3 by 8 labels of 70 by 36 mm.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final

from ppf.datamatrix import DataMatrix
from reportlab.graphics.barcode.code128 import Code128
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from telemed.adapters.printing.fonts import BOLD, REGULAR, Face, printable, register_faces
from telemed.centres.lab.specimens.ports import LabelLine

ROLL: Final = (50 * mm, 25 * mm)
SHEET_COLUMNS, SHEET_ROWS = 3, 8
SHEET_LABEL: Final = (70 * mm, 36 * mm)
MARGIN: Final = 2 * mm
QUIET: Final = 2.5 * mm
"""Blank beside a bar code: ten modules of a quarter of a millimetre (ISO/IEC 15417)."""

MODULE: Final = 0.25 * mm
"""Narrowest bar: two dots of a printer of 203 dots an inch."""

SQUARE: Final = 9 * mm
DOTS_PER_MM: Final = 8
"""Of ZPL printers with 203 dots an inch."""


def roll(labels: Sequence[LabelLine]) -> bytes:
    """PDF of one label a page."""
    buffer, canvas = _canvas(ROLL)
    for label in labels:
        _draw(canvas, label, 0, 0, *ROLL)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def sheet(labels: Sequence[LabelLine]) -> bytes:
    """PDF of sheets of A4."""
    buffer, canvas = _canvas(A4)
    width, height = SHEET_LABEL
    top = A4[1] - (A4[1] - SHEET_ROWS * height) / 2
    for place, label in enumerate(labels):
        row, column = divmod(place % (SHEET_COLUMNS * SHEET_ROWS), SHEET_COLUMNS)
        if place and not row and not column:
            canvas.showPage()
        _draw(canvas, label, column * width, top - (row + 1) * height, width, height)
    canvas.save()
    return buffer.getvalue()


def _canvas(size: tuple[float, float]) -> tuple[io.BytesIO, Any]:
    register_faces()
    buffer = io.BytesIO()
    return buffer, Canvas(buffer, pagesize=size, invariant=1, initialFontName=REGULAR.name)


def _draw(canvas: Any, label: LabelLine, left: float, bottom: float, width: float, height: float) -> None:
    bars = Code128(label.number, barWidth=MODULE, barHeight=8 * mm, quiet=False, humanReadable=False)
    inside = left + MARGIN
    room = width - 2 * MARGIN
    top = bottom + height - MARGIN
    _text(canvas, inside, top - 9, label.patient, BOLD, 9, room)
    _text(canvas, inside, top - 18, " · ".join(part for part in (label.container, label.cap) if part), REGULAR, 7, room)
    bars.drawOn(canvas, left + QUIET - bars.lquiet if bars.quiet else left + QUIET, bottom + MARGIN + 8)
    _text(canvas, inside + 1, bottom + MARGIN, label.number, REGULAR, 7.5, room)
    _text(canvas, inside + 24 * mm, bottom + MARGIN, label.further, REGULAR, 6.5, room - 24 * mm)
    _square(canvas, label.number, left + width - MARGIN - SQUARE, bottom + MARGIN + 8)


def _text(canvas: Any, x: float, y: float, text: str, face: Face, size: float, room: float) -> None:
    """One line, cut where the label ends."""
    shown = printable(text)
    while shown and face.width(shown, size) > room:
        shown = shown[:-1]
    canvas.setFont(face.name, size)
    canvas.drawString(x, y, shown)


def _square(canvas: Any, text: str, left: float, bottom: float) -> None:
    """A DataMatrix (ECC 200) as filled squares."""
    matrix = DataMatrix(text).matrix
    side = SQUARE / len(matrix)
    path = canvas.beginPath()
    for row, cells in enumerate(matrix):
        for column, dark in enumerate(cells):
            if dark:
                path.rect(left + column * side, bottom + SQUARE - (row + 1) * side, side, side)
    canvas.drawPath(path, stroke=0, fill=1)


def zpl(labels: Sequence[LabelLine]) -> bytes:
    """ZPL II in UTF-8 of labels of 50 by 25 mm. What a text has of the language's own signs is written by its code."""
    return "".join(_zpl_label(label) for label in labels).encode()


def _zpl_label(label: LabelLine) -> str:
    width, height = (round(side / mm * DOTS_PER_MM) for side in ROLL)
    container = " ".join(part for part in (label.container, label.cap) if part)
    return (
        f"^XA^CI28^PW{width}^LL{height}"
        f"^FO16,12^A0N,28,28^FH_^FD{_field(label.patient, 24)}^FS"
        f"^FO16,44^A0N,20,20^FH_^FD{_field(container, 34)}^FS"
        f"^FO16,72^BY2^BCN,72,N,N,N^FD{label.number}^FS"
        f"^FO316,72^BXN,4,200^FD{label.number}^FS"
        f"^FO16,156^A0N,22,22^FD{label.number}^FS"
        f"^FO200,158^A0N,18,18^FH_^FD{_field(label.further, 20)}^FS"
        "^XZ\n"
    )


def _field(text: str, length: int) -> str:
    """Return text as a field's data under `^FH_`: its own signs (caret, tilde, underscore) and controls as hexadecimal codes."""
    shown = "".join(character if character.isprintable() else " " for character in text)[:length]
    return "".join(f"_{ord(character):02X}" if character in "^~_\\" else character for character in shown)

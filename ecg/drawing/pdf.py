"""A drawing as PDF: vector, of its true size, text in an embedded font where the caller gives one."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from reportlab.lib.colors import HexColor
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from ecg.drawing.primitives import STYLES, Drawing, Lines, Polyline, Text

POINTS_A_MM: Final = 72 / 25.4
LATIN, LATIN_BOLD = "Helvetica", "Helvetica-Bold"


def to_pdf(drawings: Sequence[Drawing], font: Path | None = None, title: str = "") -> bytes:
    """Drawings as a PDF, a page each. `font` is a TrueType file for all text; without it Helvetica, Latin only.

    The same drawings give the same bytes. Raises ValueError where there is no drawing.
    """
    if not drawings:
        raise ValueError("no drawing to put into the PDF")
    written = io.BytesIO()
    canvas = Canvas(written, pageCompression=1, invariant=1)
    canvas.setTitle(title or "ECG")
    name = embedded_font(font) if font is not None else None
    for drawing in drawings:
        canvas.setPageSize((drawing.width * POINTS_A_MM, drawing.height * POINTS_A_MM))
        paint(drawing, canvas, name)
        canvas.showPage()
    canvas.save()
    return written.getvalue()


def embedded_font(path: Path) -> str:
    """Register a TrueType font for embedding and return its name; one file is registered once."""
    name = f"ecg-{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    if name not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont(name, str(path)))
    return name


def paint(drawing: Drawing, canvas: Canvas, font: str | None = None) -> None:
    """Paint onto a canvas, the drawing's lower left corner at its origin, in true size. `font` is a registered name."""
    canvas.saveState()
    # Millimetres from the top left corner, y downwards, as the drawing has them.
    canvas.transform(POINTS_A_MM, 0, 0, -POINTS_A_MM, 0, drawing.height * POINTS_A_MM)
    canvas.setLineJoin(1)
    for item in drawing.items:
        colour = HexColor(STYLES[item.style].colour)
        if isinstance(item, Text):
            canvas.setFillColor(colour)
            _text(item, canvas, font or (LATIN_BOLD if item.bold else LATIN))
            continue
        canvas.setStrokeColor(colour)
        canvas.setLineWidth(STYLES[item.style].width)
        canvas.drawPath(_path(item, canvas), stroke=1, fill=0)
    canvas.restoreState()


def _text(item: Text, canvas: Canvas, font: str) -> None:
    canvas.saveState()
    canvas.transform(1, 0, 0, -1, item.x, item.y)
    canvas.setFont(font, item.size)
    show = {"start": canvas.drawString, "middle": canvas.drawCentredString, "end": canvas.drawRightString}[item.anchor]
    show(0, 0, item.text)
    canvas.restoreState()


def _path(item: Lines | Polyline, canvas: Canvas) -> Any:
    path = canvas.beginPath()
    if isinstance(item, Lines):
        for x1, y1, x2, y2 in item.ends.tolist():
            path.moveTo(x1, y1)
            path.lineTo(x2, y2)
        return path
    first, *rest = item.points.tolist()
    path.moveTo(*first)
    for point in rest:
        path.lineTo(*point)
    return path

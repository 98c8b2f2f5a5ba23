"""A document of tables as PDF: A4 across, embedded fonts, heads repeated on each page."""

from __future__ import annotations

import io
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle

from telemed.adapters.printing.fonts import BOLD, REGULAR, Face, printable, register_faces
from telemed.adapters.printing.report_page import ACCENT, INK, MUTED, RULE
from telemed.service.table_export import Cell, Sheet, SheetTable

MARGIN = 34.0
PAGE = landscape(A4)
WIDTH = PAGE[0] - 2 * MARGIN
HEAD_TINT = "#eef2f4"


def _style(face: Face, size: float, color: Any = INK, *, right: bool = False) -> ParagraphStyle:
    return ParagraphStyle(
        "cell", fontName=face.name, fontSize=size, leading=size * 1.35, textColor=color, wordWrap="CJK", alignment=2 if right else 0
    )


def render(sheet: Sheet) -> bytes:
    """The same bytes for the same sheet."""
    register_faces()
    buffer = io.BytesIO()
    document = SimpleDocTemplate(
        buffer,
        pagesize=PAGE,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        invariant=1,
        lang=sheet.language,
        initialFontName=REGULAR.name,
        title=printable(sheet.title),
        creator="",
    )
    story: list[Any] = [_text(sheet.title, _style(BOLD, 15, ACCENT)), Spacer(1, 3), _text(sheet.subtitle, _style(REGULAR, 9, MUTED))]
    for table in sheet.tables:
        story += [Spacer(1, 12), _text(table.title, _style(BOLD, 11)), Spacer(1, 4)]
        story.append(_table(table) if table.rows else _text(sheet.empty, _style(REGULAR, 9, MUTED)))
    document.build(story, onFirstPage=_number, onLaterPages=_number)
    return buffer.getvalue()


def _text(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph("<br/>".join(escape(line) for line in printable(text).split("\n")) or " ", style)


def _table(table: SheetTable) -> LongTable:
    whole = sum(column.share for column in table.columns)
    head = [_text(c.label, _style(BOLD, 8, right=c.number)) for c in table.columns]
    styles = [_style(REGULAR, 8, right=c.number) for c in table.columns]
    body = [[_text(_shown(cell), style) for cell, style in zip(row, styles, strict=True)] for row in table.rows]
    drawn = LongTable([head, *body], colWidths=[WIDTH * c.share / whole for c in table.columns], repeatRows=1)
    drawn.setStyle(
        TableStyle([
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, RULE), ("LINEABOVE", (0, 0), (-1, 0), 0.8, INK),
            ("BACKGROUND", (0, 0), (-1, 0), HEAD_TINT),
            ("VALIGN", (0, 0), (-1, -1), "TOP"), ("TOPPADDING", (0, 0), (-1, -1), 2.5), ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
            ("LEFTPADDING", (0, 0), (-1, -1), 4), ("RIGHTPADDING", (0, 0), (-1, -1), 4),
        ])
    )  # fmt: skip
    return drawn


def _shown(cell: Cell) -> str:
    if cell is None:
        return "–"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def _number(canvas: Any, document: Any) -> None:
    canvas.saveState()
    canvas.setFont(REGULAR.name, 8)
    canvas.setFillColor(MUTED)
    canvas.drawRightString(PAGE[0] - MARGIN, MARGIN / 2, str(document.page))
    canvas.restoreState()

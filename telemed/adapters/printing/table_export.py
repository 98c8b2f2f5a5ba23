"""Tables as CSV, XLSX and PDF."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Any

from telemed.service.table_export import Cell, Sheet, SheetTable

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A text that begins so is taken for a formula by spreadsheet programs (OWASP, "CSV Injection")."""
XLSX_TITLE = 31
"""Longest name of a worksheet; `[]:*?/\\` are not allowed in it (ECMA-376)."""


def to_csv(sheet: Sheet) -> bytes:
    """RFC 4180 with a byte order mark, so that Excel reads it as UTF-8; the tables below each other."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([_plain(sheet.title)])
    writer.writerow([_plain(sheet.subtitle)])
    for table in sheet.tables:
        writer.writerow([])
        writer.writerow([_plain(table.title)])
        writer.writerow([_plain(column.label) for column in table.columns])
        writer.writerows([[_plain(cell) for cell in row] for row in table.rows])
    return "\ufeff".encode() + text.getvalue().encode("utf-8", "replace")


def _plain(cell: Cell) -> Cell:
    """A text that could be a formula gets an apostrophe before it."""
    if isinstance(cell, str) and cell.startswith(FORMULA):
        return "'" + cell
    return "" if cell is None else cell


def to_xlsx(sheet: Sheet) -> bytes:
    """One worksheet for each table."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for table in sheet.tables:
        _fill_worksheet(book.create_sheet(_worksheet_name(table.title)), sheet, table)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _worksheet_name(title: str) -> str:
    return "".join("-" if c in "[]:*?/\\" else c for c in title)[:XLSX_TITLE]


def _fill_worksheet(worksheet: Any, sheet: Sheet, table: SheetTable) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    lines: list[list[Cell]] = [[f"{sheet.title} · {table.title}"], [sheet.subtitle], [c.label for c in table.columns]]
    for number, line in enumerate([*lines, *table.rows], start=1):
        for place, value in enumerate(line, start=1):
            cell = worksheet.cell(number, place)
            cell.value = "".join(c for c in value if c.isprintable() or c == "\n") if isinstance(value, str) else value
            if isinstance(value, str):
                cell.data_type = "s"  # never a formula, whatever it begins with
            cell.alignment = Alignment(vertical="top", wrap_text=number > len(lines))
    worksheet["A1"].font = Font(bold=True, size=14)
    for place, column in enumerate(table.columns, start=1):
        head = worksheet.cell(len(lines), place)
        head.font, head.fill = Font(bold=True), PatternFill("solid", fgColor="E9EDEF")
        worksheet.column_dimensions[get_column_letter(place)].width = 8 + 10 * column.share
    worksheet.freeze_panes = worksheet.cell(len(lines) + 1, 2)


def to_pdf(sheet: Sheet) -> bytes:
    """A4 across, the typeface of the reports; heads repeat on each page. Computes for a second: run it in a process."""
    from telemed.adapters.printing.table_pdf import render

    return render(sheet)


WRITERS: Mapping[str, Callable[[Sheet], bytes]] = {"csv": to_csv, "xlsx": to_xlsx, "pdf": to_pdf}


def write(sheet: Sheet, kind: str) -> bytes:
    return WRITERS[kind](sheet)


class PooledTableExporter:
    """Implements `telemed.service.table_export.TableExporter` in a process pool."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool

    async def write(self, sheet: Sheet, kind: str) -> bytes:
        return await asyncio.get_running_loop().run_in_executor(self._pool, write, sheet, kind)
